//! The decoder: received bytes to whole messages and control frames, one at a time, on request.
//!
//! It answers with positions in its buffers; whoever hands the data out turns them into slices. A
//! whole frame is delivered from where the transport put it. What does not fit there, fragments and
//! long frames, is assembled piece by piece as it arrives. It never looks behind a Close frame's
//! payload, never sends, and knows no time.

mod stream;

use alloc::boxed::Box;

use self::stream::Piece;
use super::assemble::{Assembled, Assembly};
use super::{Delivery, Kind, Limits, Utf8};
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

/// A payload in the receive buffer, good until the next step. It fits in a register: handing
/// positions on through memory costs more than decoding a short message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Span {
    at: u8,
    len: u32,
}

impl Span {
    #[inline(always)]
    fn new(at: usize, len: usize) -> Self {
        debug_assert!(at <= Header::MAX_LEN && len <= IN_PLACE_MAX);
        #[allow(clippy::cast_possible_truncation, reason = "asserted above")]
        Self {
            at: at as u8,
            len: len as u32,
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
    message: Option<Box<Assembly>>,
    /// `message` is complete and was lent out by the last step.
    complete: bool,
    /// What makes compressed messages whole, if compression was agreed on.
    inflater: Option<Box<Inflater>>,
    piece: Piece,
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
    /// Of those, how many are still in the receive buffer, if the message is compressed and handed
    /// out in pieces.
    clear: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// The payload stays in the receive buffer; text is followed as it arrives.
    Buffer(Utf8),
    /// The payload moves to the assembly as it arrives.
    Assembly,
    /// The payload is handed out as it arrives.
    Stream,
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
            message: None,
            complete: false,
            inflater,
            piece: Piece::default(),
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
    pub(crate) fn take(&mut self, span: Span) -> bytes::Bytes {
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
        if let Some(inflater) = &mut self.inflater {
            inflater.abandon();
        }
    }

    /// Finds the next message or control frame; `None` while bytes are missing.
    #[inline(always)]
    pub(crate) fn step(&mut self) -> Option<Step> {
        self.give_back();
        // The common case, decided in a few comparisons: a short message, alone in its frame and
        // all there. Everything else, faults included, is left to the slow path.
        if self.frame.is_none() && self.message.is_none() {
            let masked = self.rules.mask == MaskRule::Required;
            let bytes = self.buf.filled_mut();
            if let [first @ (0x81 | 0x82), second, ..] = *bytes {
                let (at, short) = if masked {
                    (6, second ^ 0x80)
                } else {
                    (2, second)
                };
                let len = usize::from(short);
                if short < 126 && bytes.len() >= at + len && len < self.short {
                    if masked {
                        let (head, payload) = bytes.split_at_mut(6);
                        let key = MaskKey::new([head[2], head[3], head[4], head[5]]);
                        mask(&mut payload[..len], key, 0);
                    }
                    self.lent = at + len;
                    let what = if first == 0x81 {
                        What::Text
                    } else {
                        What::Binary
                    };
                    return Some(Step {
                        what,
                        span: Span::new(at, len),
                    });
                }
            }
        }
        self.step_slow()
    }

    #[inline(never)]
    fn step_slow(&mut self) -> Option<Step> {
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
                Place::Assembly => self.collect(frame)?,
                Place::Stream => self.stream(frame)?,
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
            clear: 0,
            place,
        }))
    }

    /// Checks a data frame against the limits and the message under way, before any of its payload
    /// is looked at.
    fn admit(&mut self, header: &Header) -> Result<(usize, Place), ProtocolError> {
        let kind = match (header.opcode, &self.message) {
            (OpCode::Text, None) => Kind::Text,
            (OpCode::Binary, None) => Kind::Binary,
            (OpCode::Continuation, Some(message)) => message.kind(),
            (OpCode::Continuation, None) => return Err(ProtocolError::ContinuationWithoutStart),
            _ => return Err(ProtocolError::DataInsideFragmented),
        };
        let (max_frame, max_message) = (self.limits.max_frame, self.limits.max_message);
        let len = usize::try_from(header.len)
            .ok()
            .filter(|&len| len <= max_frame);
        let Some(len) = len else {
            return Err(ProtocolError::FrameTooLarge {
                len: header.len,
                limit: max_frame as u64,
            });
        };
        let whole = header.fin && self.message.is_none();
        // RSV1 is only let through on the first frame of a message.
        let compressed = header.rsv1;
        let before = self.message.as_ref().map_or(0, |message| message.len());
        let after = before.checked_add(len);
        if after.is_none_or(|total| total > max_message) && !self.is_compressed(header) {
            return Err(self.too_large());
        }
        let streams = self.delivery == Delivery::Chunks;
        if whole && len <= IN_PLACE_MAX && !compressed && !streams {
            return Ok((len, Place::Buffer(Utf8::default())));
        }
        let message = self
            .message
            .get_or_insert_with(|| Box::new(Assembly::new(kind, compressed, max_message, streams)));
        if let Some(packed) = message.packed() {
            *packed = packed.saturating_add(len);
            if *packed > self.limits.max_packed() {
                return Err(self.too_large());
            }
        }
        if !whole {
            message.admit(len, &self.limits)?;
        }
        let place = if streams {
            Place::Stream
        } else {
            Place::Assembly
        };
        Ok((len, place))
    }

    /// Does the frame belong to a compressed message?
    fn is_compressed(&self, header: &Header) -> bool {
        let message = self.message.as_ref();
        header.rsv1 || message.is_some_and(|message| message.is_compressed())
    }

    fn too_large(&self) -> ProtocolError {
        ProtocolError::MessageTooLarge {
            limit: self.limits.max_message as u64,
        }
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
        Ok(Some(Step {
            what,
            span: Span::new(0, len),
        }))
    }

    /// Moves what there is of the payload to the assembly.
    fn collect(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        let filled = self.buf.filled_mut();
        let there = filled.len().min(frame.len - frame.done);
        for block in filled[..there].chunks_mut(BLOCK) {
            if let Some(key) = frame.key {
                mask(block, key, frame.done);
            }
            match &mut self.inflater {
                Some(inflater) if message.is_compressed() => {
                    unpack(inflater, message, block, self.limits.max_message)?;
                }
                _ => message.push(block, frame.len - frame.done)?,
            }
            frame.done += block.len();
        }
        self.buf.consume(there);
        self.buf.want(0);
        if frame.done < frame.len {
            self.frame = Some(frame);
            return Ok(None);
        }
        if !frame.fin {
            return Ok(None);
        }
        match &mut self.inflater {
            Some(inflater) if message.is_compressed() => inflater.finish()?,
            _ => {}
        }
        message.finish()?;
        self.complete = true;
        Ok(Some(What::Assembled.elsewhere()))
    }
}

/// Decompresses a block into the message, which stops one byte beyond the limit.
fn unpack(
    inflater: &mut Inflater,
    message: &mut Assembly,
    mut block: &[u8],
    limit: usize,
) -> Result<(), ProtocolError> {
    loop {
        let room = (limit - message.len()).saturating_add(1);
        let (used, made) = inflater.inflate(block, room)?;
        if used == 0 && made.is_empty() {
            return Ok(());
        }
        if made.len() == room {
            let limit = limit as u64;
            return Err(ProtocolError::MessageTooLarge { limit });
        }
        message.push(made, made.len())?;
        block = &block[used..];
    }
}
