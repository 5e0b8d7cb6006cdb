//! The decoder: received bytes to whole messages and control frames, one at a time, on request.
//!
//! It answers with positions in its buffers; whoever hands the data out turns them into slices. A
//! whole frame is delivered from where the transport put it. What does not fit there, fragments and
//! long frames, is assembled piece by piece as it arrives. Several long messages that are taken away
//! leave with what they were read into. It never looks behind a Close frame's
//! payload, never sends, and knows no time.

mod batch;
mod fragment;
mod gather;
mod in_place;
mod leftover;
mod step;
mod stream;

use alloc::boxed::Box;

use bytes::Bytes;

use self::gather::Stage;
pub(crate) use self::step::{Span, Step, What};
use self::stream::Piece;
use super::assemble::{Assembled, Assembly, Lent};
use super::{Bounds, Delivery, Limits, Text, Utf8};
use crate::Role;
use crate::buf::RecvBuf;
use crate::deflate::Inflater;
use crate::error::ProtocolError;
use crate::frame::{Header, MaskKey, MaskRule, OpCode, Rules};

/// A message in one frame of at most this size is delivered from the receive buffer, if it is there
/// when its header is.
const IN_PLACE_MAX: usize = 64 * 1024;

/// If it is not, only one of at most this size waits there for the rest; a longer one is assembled as
/// it arrives.
const WAIT_MAX: usize = 4 * 1024;

/// From this length on the rest of a frame is read into its message's own storage: what comes behind
/// the frame takes one more read then.
const ASIDE_MIN: usize = 32 * 1024;

/// What the common case touches is here, and there is as little of it as can be: an idle connection
/// holds all of it. Its owner may keep a `T` where the rest is.
#[derive(Debug)]
pub(crate) struct Decoder<T> {
    buf: RecvBuf,
    /// The frame whose header was read and whose payload is not complete.
    frame: Option<Box<Frame>>,
    /// What messages are put together in, one after the other, until nothing is found any more.
    message: Option<Box<Assembly>>,
    rare: Box<Rare<T>>,
    /// Bytes at the front of `buf` that the last step lent out.
    lent: u32,
    /// A message in one frame that is shorter than this, and at most [`IN_PLACE_MAX`], is delivered from
    /// `buf`. Where long ones were taken away lately, rather than lent, that is less: they are better
    /// unmasked on the way to a place of their own, if their place in `buf` can't become that.
    short: u32,
    rules: Rules,
    delivery: Delivery,
    stage: Stage,
}

/// What the common case does not touch.
#[derive(Debug)]
struct Rare<T> {
    kept: T,
    limits: Bounds,
    /// The last frame that was complete behind a header that is gone, if there is one to be had again.
    found: Option<Head>,
    /// What many connections never need.
    never: Option<Box<Never>>,
}

/// What only compression, messages in pieces, batches of long ones and faults need.
#[derive(Debug, Default)]
struct Never {
    /// What makes compressed messages whole, if compression was agreed on.
    inflater: Option<Box<Inflater>>,
    /// How many bytes at the front of `buf` are unmasked and not decompressed yet, where a
    /// compressed message is handed out in pieces.
    clear: usize,
    piece: Piece,
    /// The message of a batch that was found last, if it is text and until it is taken.
    given: Option<Text>,
    fault: Option<ProtocolError>,
}

impl Never {
    /// Is there nothing in it that is needed again?
    fn is_unused(&self) -> bool {
        self.inflater.is_none() && self.clear == 0 && self.given.is_none() && self.fault.is_none()
    }
}

impl<T> Rare<T> {
    /// What is made when it is first needed.
    fn never(&mut self) -> &mut Never {
        self.never.get_or_insert_default()
    }

    fn inflater(&mut self) -> Option<&mut Inflater> {
        self.never.as_mut()?.inflater.as_deref_mut()
    }
}

/// What a frame's header said, but for its length.
#[derive(Clone, Copy, Debug)]
struct Head {
    opcode: OpCode,
    fin: bool,
    key: Option<MaskKey>,
}

/// A frame under way.
#[derive(Clone, Copy, Debug)]
struct Frame {
    head: Head,
    len: usize,
    /// Bytes of the payload that were unmasked so far.
    done: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// The payload stays in the receive buffer; text is followed as it arrives.
    Buffer(Utf8),
    /// The payload moves to the assembly, or is handed out, as it arrives.
    Assembly,
}

impl<T> Decoder<T> {
    pub(crate) fn new(
        role: Role,
        buf: RecvBuf,
        limits: &Limits,
        delivery: Delivery,
        inflater: Option<Box<Inflater>>,
        kept: T,
    ) -> Self {
        let mask = match role {
            Role::Client => MaskRule::Forbidden,
            Role::Server => MaskRule::Required,
        };
        let rsv1 = inflater.is_some();
        let rules = Rules { mask, rsv1 };
        let limits = Bounds::from(limits);
        let never = inflater.map(|inflater| Never {
            inflater: Some(inflater),
            ..Never::default()
        });
        let rare = Rare {
            kept,
            limits,
            found: None,
            never: never.map(Box::new),
        };
        let mut decoder = Self {
            buf,
            frame: None,
            message: None,
            rare: Box::new(rare),
            lent: 0,
            short: 0,
            rules,
            delivery,
            stage: Stage::Idle,
        };
        decoder.prefer(false);
        decoder
    }

    /// Bytes that every decoder keeps in an allocation of its own.
    #[cfg(test)]
    pub(crate) const SIZE_APART: usize = size_of::<Rare<T>>();

    /// What its owner keeps here.
    #[inline]
    pub(crate) fn kept(&self) -> &T {
        &self.rare.kept
    }

    /// What its owner keeps here, and the receive buffer.
    #[inline]
    pub(crate) fn kept_mut(&mut self) -> (&mut T, &mut RecvBuf) {
        (&mut self.rare.kept, &mut self.buf)
    }

    /// What its owner keeps here, and the payload that a step found.
    pub(crate) fn kept_with(&mut self, span: Span) -> (&mut T, &[u8]) {
        let payload = self.buf.filled().get(span.range());
        (&mut self.rare.kept, payload.unwrap_or_default())
    }

    /// Which end this is.
    pub(crate) const fn role(&self) -> Role {
        match self.rules.mask {
            MaskRule::Required => Role::Server,
            MaskRule::Any | MaskRule::Forbidden => Role::Client,
        }
    }

    #[inline]
    pub(crate) fn buf(&self) -> &RecvBuf {
        &self.buf
    }

    #[inline]
    pub(crate) fn buf_mut(&mut self) -> &mut RecvBuf {
        &mut self.buf
    }

    /// The payload that a step found. Nothing if the buffer was exchanged since.
    #[inline]
    pub(crate) fn payload(&self, span: Span) -> &[u8] {
        self.buf.filled().get(span.range()).unwrap_or_default()
    }

    /// What the peer did wrong, after [`What::Fault`].
    pub(crate) fn fault(&mut self) -> Option<ProtocolError> {
        self.rare.never.as_mut()?.fault.take()
    }

    /// The message of [`What::Assembled`].
    pub(crate) fn assembled(&self) -> Option<Lent<'_>> {
        if self.stage == Stage::Given {
            return self.of_batch();
        }
        self.message.as_ref()?.data()
    }

    /// What holds it, if it is long, and not in far larger storage than it needs.
    pub(crate) fn assembled_storage(&self) -> Option<&Bytes> {
        self.message.as_ref()?.storage()
    }

    /// The same, owned.
    pub(crate) fn take_assembled(&mut self) -> Option<Assembled> {
        if self.stage == Stage::Given {
            return self.take_of_batch();
        }
        if self.stage != Stage::Whole {
            return None;
        }
        let data = self.message.as_ref()?.own()?;
        if data.len() > WAIT_MAX {
            self.prefer(true);
        }
        self.release();
        Some(data)
    }

    /// Lets go of the message that is complete.
    fn release(&mut self) {
        self.stage = Stage::Idle;
        let message = self.message.as_mut();
        if let Some(storage) = message.and_then(|message| message.clear()) {
            self.buf.keep(storage);
        }
    }

    /// The payload that a step found, owned, if it is UTF-8.
    #[inline(always)]
    pub(crate) fn take_text(&mut self, span: Span) -> Option<Text> {
        if span.range().len() > WAIT_MAX {
            return Text::try_from(self.take_long(span)).ok();
        }
        Text::copy_from_slice(self.payload(span))
    }

    /// The payload that a step found, owned.
    #[inline(always)]
    pub(crate) fn take(&mut self, span: Span) -> Bytes {
        if span.range().len() > WAIT_MAX {
            return self.take_long(span);
        }
        Bytes::copy_from_slice(self.payload(span))
    }

    /// Takes back what the last step lent.
    #[inline(always)]
    pub(crate) fn give_back(&mut self) {
        self.buf.consume(core::mem::take(&mut self.lent) as usize);
    }

    /// Lends out so many bytes at the front, until the next step.
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "what is lent from the buffer fits in a span"
    )]
    fn lend(&mut self, len: usize) {
        debug_assert!(len <= Header::MAX_LEN + IN_PLACE_MAX);
        self.lent = len as u32;
    }

    /// Keeps a frame until more of it arrives.
    fn hold(&mut self, frame: Frame) {
        self.frame = Some(Box::new(frame));
        if self.stage == Stage::Idle {
            self.stage = Stage::Frame;
        }
    }

    /// Takes back what the last step lent, and drops all that was received since.
    pub(crate) fn stop(&mut self) {
        self.lent = 0;
        self.frame = None;
        self.message = None;
        self.stage = Stage::Idle;
        drop(self.buf.take_aside());
        if let Some(never) = &mut self.rare.never {
            never.clear = 0;
            never.given = None;
            if let Some(inflater) = &mut never.inflater {
                inflater.abandon();
            }
        }
        self.buf.take_given();
    }

    /// Finds the next message or control frame; `None` while bytes are missing.
    pub(crate) fn step(&mut self) -> Option<Step> {
        self.step_whole().or_else(|| self.step_slow())
    }

    /// [`step`](Self::step) after [`step_whole`](Self::step_whole) found nothing.
    #[inline]
    pub(crate) fn step_slow(&mut self) -> Option<Step> {
        if self.is_dry() { None } else { self.step_any() }
    }

    /// Would a step find nothing, and change nothing? Only what is so behind whole messages, at the end of
    /// what came in one read, is found out here.
    #[inline]
    fn is_dry(&self) -> bool {
        debug_assert_eq!(self.lent, 0, "it was taken back");
        let idle = self.stage == Stage::Idle && self.message.is_none();
        idle && self.buf.filled().is_empty() && !self.buf.was_lent()
    }

    /// A step, whatever there is.
    ///
    /// What long messages need is answered from where it is found, and not through a `Result`: that is
    /// written to memory in pieces and read back, and then the processor waits for all that was copied
    /// since the last read.
    #[inline(never)]
    fn step_any(&mut self) -> Option<Step> {
        if self.stage == Stage::Whole {
            self.release();
            if self.buf.expects_taken() {
                self.prefer(false);
            }
        }
        if self.buf.was_lent() {
            self.prefer(false);
        }
        if self.stage == Stage::Coming {
            match self.look_aside() {
                Some(Ok(())) => return None,
                Some(Err(fault)) => return self.refuse(fault),
                None => {}
            }
        }
        match self.batch() {
            Some(true) => return Some(What::Assembled.elsewhere()),
            Some(false) => return self.refuse(ProtocolError::InvalidUtf8),
            None => {}
        }
        let found = self.find().unwrap_or_else(|fault| self.refuse(fault));
        if found.is_none() && matches!(self.stage, Stage::Idle | Stage::Frame) {
            // While it waits it holds nothing that it may not need.
            self.message = None;
        }
        found
    }

    #[cold]
    fn refuse(&mut self, fault: ProtocolError) -> Option<Step> {
        self.rare.never().fault = Some(fault);
        Some(What::Fault.elsewhere())
    }

    fn find(&mut self) -> Result<Option<Step>, ProtocolError> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => {
                    if self.stage == Stage::Frame {
                        self.stage = Stage::Idle;
                    }
                    *frame
                }
                None => {
                    // What can't be a fragment is not looked at as one.
                    if let Some(0x00..=0x02 | 0x80) = self.buf.filled().first() {
                        if let Some(step) = self.fragments()? {
                            return Ok(Some(step));
                        }
                    }
                    match self.begin()? {
                        Some(frame) => frame,
                        None => return Ok(None),
                    }
                }
            };
            let found = match frame.place {
                Place::Buffer(_) => self.wait(frame)?,
                Place::Assembly if self.delivery == Delivery::Chunks => self.stream(frame)?,
                Place::Assembly => self.collect(frame)?,
            };
            // A fragment in the middle of a message is nothing to report: go on with the next frame.
            if found.is_some() || self.frame.is_some() {
                return Ok(found);
            }
        }
    }

    /// Reads a header and decides where the payload goes.
    fn begin(&mut self) -> Result<Option<Frame>, ProtocolError> {
        let Some((header, at)) = Header::parse(self.buf.filled(), self.rules)? else {
            return Ok(None);
        };
        let Header {
            fin, opcode, key, ..
        } = header;
        let (len, place) = if opcode.is_control() {
            // At most 125, says the header's own check.
            (
                usize::try_from(header.len).unwrap_or(0),
                Place::Buffer(Utf8::default()),
            )
        } else {
            self.admit(&header, self.buf.filled().len() - at)?
        };
        let each = at.saturating_add(len);
        let due = each.saturating_sub(self.buf.filled().len());
        if due > 0 {
            // Moving a short one costs next to nothing.
            self.buf.cut_off(if len > WAIT_MAX { each } else { 0 }, due);
        }
        self.buf.consume(at);
        Ok(Some(Frame {
            head: Head { opcode, fin, key },
            len,
            done: 0,
            place,
        }))
    }

    /// Checks a data frame, of whose payload so many bytes are there, against the limits and the message
    /// under way, before any of its payload is looked at.
    #[inline]
    fn admit(&mut self, header: &Header, there: usize) -> Result<(usize, Place), ProtocolError> {
        let alone = header.fin && !header.rsv1 && self.stage == Stage::Idle;
        if alone && header.opcode != OpCode::Continuation {
            let len = usize::try_from(header.len).unwrap_or(usize::MAX);
            if len < self.short as usize && len <= there.max(WAIT_MAX) {
                return Ok((len, Place::Buffer(Utf8::default())));
            }
        }
        self.admit_rest(header)
    }
}
