//! The decoder: received bytes to whole messages and control frames, one at a time, on request.
//!
//! It answers with positions in its buffers; whoever hands the data out turns them into slices. A
//! whole frame is delivered from where the transport put it. What does not fit there, fragments and
//! long frames, is assembled piece by piece as it arrives. It never looks behind a Close frame's
//! payload, never sends, and knows no time.

mod gather;
mod stream;

use alloc::boxed::Box;

use bytes::Bytes;

use self::stream::Piece;
use super::assemble::{Assembled, Assembly};
use super::{Delivery, Limits, Utf8};
use crate::Role;
use crate::buf::RecvBuf;
use crate::deflate::Inflater;
use crate::error::ProtocolError;
use crate::frame::{Header, MaskKey, MaskRule, OpCode, Rules, mask};

/// A message in one frame of at most this size is delivered from the receive buffer, also when it
/// arrives in several reads; a longer one is assembled as it arrives.
const IN_PLACE_MAX: usize = 64 * 1024;

/// Long pieces are unmasked, checked and appended in blocks that stay in the first-level cache.
const BLOCK: usize = 16 * 1024;

/// A payload in the receive buffer, good until the next step. It fits in a register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Span {
    at: u8,
    len: u32,
}

impl Span {
    #[inline(always)]
    pub(crate) fn new(at: usize, len: usize) -> Self {
        debug_assert!(at <= Header::MAX_LEN && len <= IN_PLACE_MAX);
        #[allow(clippy::cast_possible_truncation, reason = "asserted above")]
        Self {
            at: at as u8,
            len: len as u32,
        }
    }

    /// The 40 bits that it consists of.
    #[inline(always)]
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.len) << 8 | u64::from(self.at)
    }

    /// The inverse of [`to_bits`](Self::to_bits).
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "32 bits and 8 bits were put in"
    )]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self {
            at: bits as u8,
            len: (bits >> 8) as u32,
        }
    }

    #[inline(always)]
    fn range(self) -> core::ops::Range<usize> {
        let at = usize::from(self.at);
        at..at + self.len as usize
    }
}

/// What the decoder found, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    pub(crate) what: What,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What {
    /// The message that [`Decoder::assembled`] holds.
    Assembled,
    /// A binary message in one frame.
    Binary,
    /// The piece of a message that [`Decoder::chunk`] holds.
    Chunk,
    /// A Close frame.
    Close,
    /// The peer broke the rules; [`Decoder::fault`] says how. There is nothing to find any more.
    Fault,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// A text message in one frame. It is not checked yet.
    Text,
}

impl What {
    /// Something whose payload is not in the receive buffer.
    const fn elsewhere(self) -> Step {
        Step {
            what: self,
            span: Span { at: 0, len: 0 },
        }
    }
}

#[derive(Debug)]
pub(crate) struct Decoder {
    buf: RecvBuf,
    /// Bytes at the front of `buf` that the last step lent out.
    lent: usize,
    rules: Rules,
    limits: Limits,
    delivery: Delivery,
    /// A message in one frame that is shorter than this is delivered at once.
    short: usize,
    /// The frame whose header was read and whose payload is not complete.
    frame: Option<Frame>,
    /// The last frame that was complete in `buf` behind a header that is gone.
    found: Option<Frame>,
    message: Option<Box<Assembly>>,
    /// `message` is complete and was lent out by the last step.
    complete: bool,
    /// What makes compressed messages whole, if compression was agreed on.
    inflater: Option<Box<Inflater>>,
    piece: Piece,
    /// How many bytes at the front of `buf` are unmasked and not decompressed yet, where a
    /// compressed message is handed out in pieces.
    clear: usize,
    fault: Option<ProtocolError>,
}

/// A frame under way.
#[derive(Debug)]
struct Frame {
    opcode: OpCode,
    fin: bool,
    key: Option<MaskKey>,
    len: usize,
    /// Bytes of the payload that were unmasked so far.
    done: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// The payload stays in the receive buffer; text is followed as it arrives.
    Buffer(Utf8),
    /// The payload moves to the assembly, or is handed out, as it arrives.
    Assembly,
}

impl Decoder {
    pub(crate) fn new(
        role: Role,
        buf: RecvBuf,
        limits: Limits,
        delivery: Delivery,
        inflater: Option<Box<Inflater>>,
    ) -> Self {
        let mask = match role {
            Role::Client => MaskRule::Forbidden,
            Role::Server => MaskRule::Required,
        };
        let rsv1 = inflater.is_some();
        let rules = Rules { mask, rsv1 };
        let short = match delivery {
            Delivery::Chunks => 0,
            Delivery::Messages => limits.max_short().saturating_add(1),
        };
        Self {
            buf,
            lent: 0,
            rules,
            limits,
            delivery,
            short,
            frame: None,
            found: None,
            message: None,
            complete: false,
            inflater,
            piece: Piece::default(),
            clear: 0,
            fault: None,
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

    /// The payload that a step found.
    #[inline]
    pub(crate) fn payload(&self, span: Span) -> &[u8] {
        &self.buf.filled()[span.range()]
    }

    /// What the peer did wrong, after [`What::Fault`].
    pub(crate) fn fault(&mut self) -> Option<ProtocolError> {
        self.fault.take()
    }

    /// The message of [`What::Assembled`].
    pub(crate) fn assembled(&self) -> Option<&Assembled> {
        self.message
            .as_ref()
            .filter(|_| self.complete)
            .map(|message| message.data())
    }

    /// The same, owned.
    pub(crate) fn take_assembled(&mut self) -> Option<Assembled> {
        if !self.complete {
            return None;
        }
        self.complete = false;
        self.message.take().map(|message| message.into_data())
    }

    /// The payload that a step found, owned.
    pub(crate) fn take(&mut self, span: Span) -> Bytes {
        let before = self.buf.filled().len();
        let taken = self.buf.take(span.range().start, span.range().len());
        if self.buf.filled().len() != before {
            // Split off, and what was before it is gone too.
            self.lent = 0;
        }
        taken
    }

    /// Takes back what the last step lent.
    #[inline(always)]
    pub(crate) fn give_back(&mut self) {
        self.buf.consume(core::mem::take(&mut self.lent));
    }

    /// Takes back what the last step lent, and drops all that was received since.
    pub(crate) fn stop(&mut self) {
        self.lent = 0;
        self.frame = None;
        self.message = None;
        self.complete = false;
        self.clear = 0;
        if let Some(inflater) = &mut self.inflater {
            inflater.abandon();
        }
    }

    /// What was received and not handed out, as it was on the wire; `untaken` was found and not handed
    /// out. Nothing if its beginning is gone, with a part of a message that was assembled.
    pub(crate) fn into_leftover(mut self, untaken: Option<Span>) -> Bytes {
        let handed_out = self.complete && untaken.is_none();
        if self.message.is_some() && !handed_out {
            return Bytes::new();
        }
        let frame = match untaken {
            Some(Span { at: 0, .. }) => self.found,
            // The header is still there.
            Some(span) => {
                let (head, payload) = self.buf.filled_mut().split_at_mut(usize::from(span.at));
                if let (MaskRule::Required, Some(&key)) = (self.rules.mask, head.last_chunk()) {
                    mask(&mut payload[..span.len as usize], MaskKey::new(key), 0);
                }
                None
            }
            None => {
                self.give_back();
                self.frame
            }
        };
        let len = self.buf.filled().len();
        let Some(frame) = frame else {
            return self.buf.take(0, len);
        };
        if let Some(key) = frame.key {
            mask(&mut self.buf.filled_mut()[..frame.done], key, 0);
        }
        // There is one encoding of each length only, so this is the header that was received.
        let mut head = [0; Header::MAX_LEN];
        let n = Header {
            fin: frame.fin,
            rsv1: false,
            opcode: frame.opcode,
            key: frame.key,
            len: frame.len as u64,
        }
        .encode(&mut head);
        [&head[..n], self.buf.filled()].concat().into()
    }

    /// Finds the next message or control frame; `None` while bytes are missing.
    pub(crate) fn step(&mut self) -> Option<Step> {
        self.step_whole().or_else(|| self.step_slow())
    }

    /// The common case of [`step`](Self::step), decided in a few comparisons: a message of less than
    /// 64 KiB, alone in its frame and all there. Everything else, faults included, is left to the
    /// slow path.
    #[inline(always)]
    pub(crate) fn step_whole(&mut self) -> Option<Step> {
        self.give_back();
        if self.frame.is_some() || self.message.is_some() {
            return None;
        }
        let masked = self.rules.mask == MaskRule::Required;
        let bytes = self.buf.filled_mut();
        let [first @ (0x81 | 0x82), second, ..] = *bytes else {
            return None;
        };
        let short = if masked { second ^ 0x80 } else { second };
        let (at, len) = match (short, bytes.get(2..4)) {
            (0..=125, _) => (2, usize::from(short)),
            (126, Some(&[a, b])) if a > 0 || b > 125 => {
                (4, usize::from(u16::from_be_bytes([a, b])))
            }
            _ => return None,
        };
        let at = if masked { at + 4 } else { at };
        if bytes.len() < at + len || len >= self.short {
            return None;
        }
        if masked {
            let (head, payload) = bytes.split_at_mut(at);
            let key = *head.last_chunk()?;
            mask(&mut payload[..len], MaskKey::new(key), 0);
        }
        self.lent = at + len;
        let what = if first == 0x81 {
            What::Text
        } else {
            What::Binary
        };
        Some(Step {
            what,
            span: Span::new(at, len),
        })
    }

    /// [`step`](Self::step) after [`step_whole`](Self::step_whole) found nothing.
    #[inline(never)]
    pub(crate) fn step_slow(&mut self) -> Option<Step> {
        self.find().unwrap_or_else(|fault| {
            self.fault = Some(fault);
            Some(What::Fault.elsewhere())
        })
    }

    fn find(&mut self) -> Result<Option<Step>, ProtocolError> {
        if core::mem::take(&mut self.complete) {
            self.message = None;
        }
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.begin()? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
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
            self.buf.want(Header::MAX_LEN);
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
            self.admit(&header)?
        };
        self.buf.consume(at);
        Ok(Some(Frame {
            opcode,
            fin,
            key,
            len,
            done: 0,
            place,
        }))
    }

    /// Checks a data frame against the limits and the message under way, before any of its payload
    /// is looked at.
    #[inline]
    fn admit(&mut self, header: &Header) -> Result<(usize, Place), ProtocolError> {
        let alone = header.fin && !header.rsv1 && self.message.is_none();
        if alone && header.opcode != OpCode::Continuation {
            let len = usize::try_from(header.len).unwrap_or(usize::MAX);
            if len <= IN_PLACE_MAX && len < self.short {
                return Ok((len, Place::Buffer(Utf8::default())));
            }
        }
        self.admit_rest(header)
    }

    /// Waits in the receive buffer until the payload is complete.
    fn wait(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let len = frame.len;
        let filled = self.buf.filled_mut();
        let there = filled.len().min(len);
        let fresh = &mut filled[frame.done..there];
        if let Some(key) = frame.key {
            mask(fresh, key, frame.done);
        }
        if there < len {
            if let (OpCode::Text, Place::Buffer(utf8)) = (frame.opcode, &mut frame.place) {
                utf8.feed(fresh).map_err(|_| ProtocolError::InvalidUtf8)?;
            }
            frame.done = there;
            self.frame = Some(frame);
            self.buf.want(len);
            return Ok(None);
        }
        self.lent = len;
        let what = match frame.opcode {
            OpCode::Text => What::Text,
            OpCode::Binary | OpCode::Continuation => What::Binary,
            OpCode::Close => What::Close,
            OpCode::Ping => What::Ping,
            OpCode::Pong => What::Pong,
        };
        frame.done = len;
        self.found = Some(frame);
        Ok(Some(Step {
            what,
            span: Span::new(0, len),
        }))
    }
}
