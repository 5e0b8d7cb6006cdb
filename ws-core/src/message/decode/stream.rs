//! Messages handed out piece by piece, as they arrive: whatever their length, no more is held than
//! the receive buffer and, of a compressed message, one block of what came out of it.

use super::{Decoder, Frame, IN_PLACE_MAX, Never, Span, Stage, Step, What};
use crate::error::ProtocolError;
use crate::frame::mask;
use crate::message::{Chunk, Kind};

/// The piece that was found last, but for its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    chunk: Chunk<()>,
    /// Does it wait behind the decompressor?
    inflated: bool,
    /// How many bytes wait there.
    len: u32,
    /// How many of its bytes were copied out before the rest.
    taken: u32,
}

impl Default for Piece {
    fn default() -> Self {
        Self {
            chunk: Chunk {
                kind: Kind::Binary,
                data: (),
                first: false,
                last: false,
            },
            inflated: false,
            len: 0,
            taken: 0,
        }
    }
}

impl<T> Decoder<T> {
    fn piece(&self) -> Piece {
        let never = self.rare.never.as_ref();
        never.map_or_else(Piece::default, |never| never.piece)
    }

    /// The piece that [`What::Chunk`] found.
    pub(crate) fn chunk(&self, span: Span) -> Chunk<&[u8]> {
        let Piece {
            chunk,
            inflated,
            len,
            taken,
        } = self.piece();
        let inflater = self.rare.never.as_ref();
        let all = match inflater.and_then(|never| never.inflater.as_ref()) {
            Some(inflater) if inflated => inflater.made(len as usize),
            _ => self.payload(span),
        };
        // There is less if the buffer was exchanged.
        chunk.map(|()| all.get(taken as usize..).unwrap_or_default())
    }

    /// Copies out what fits of the piece that [`What::Chunk`] found: how much that was, and whether
    /// it was the rest. What is left is a piece like any other.
    pub(crate) fn read_chunk(&mut self, span: Span, out: &mut [u8]) -> (Chunk<usize>, bool) {
        let chunk = self.chunk(span);
        let n = chunk.data.len().min(out.len());
        out[..n].copy_from_slice(&chunk.data[..n]);
        let all = n == chunk.data.len();
        let read = Chunk {
            last: chunk.last && all,
            ..chunk.map(|_| n)
        };
        let piece = &mut self.rare.never().piece;
        piece.taken += small(n);
        piece.chunk.first &= n == 0;
        (read, all)
    }

    /// Hands out what there is of the payload.
    #[inline(never)]
    pub(super) fn stream(&mut self, frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let compressed = self.message.as_ref().map(|message| message.is_compressed());
        match compressed {
            None => Ok(None),
            Some(false) => self.stream_plain(frame),
            Some(true) => self.stream_compressed(frame),
        }
    }

    fn stream_plain(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        let filled = self.buf.filled_mut();
        let there = filled.len().min(frame.len - frame.done).min(IN_PLACE_MAX);
        let fresh = &mut filled[..there];
        if let Some(key) = frame.head.key {
            mask(fresh, key, frame.done);
        }
        message.follow(fresh)?;
        frame.done += there;
        self.lend(there);
        let ended = frame.done == frame.len;
        let last = ended && frame.head.fin;
        if !ended {
            self.hold(frame);
        }
        if there == 0 && !last {
            return Ok(None);
        }
        self.found(Span::new(0, there), None, last)
    }

    fn stream_compressed(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let limit = self.rare.limits.max_message;
        let Never {
            inflater, clear, ..
        } = self.rare.never();
        let (Some(message), Some(inflater)) = (&mut self.message, inflater) else {
            return Ok(None);
        };
        loop {
            let filled = self.buf.filled_mut();
            let there = filled.len().min(*clear + frame.len - frame.done);
            // What was looked at is missing if the buffer was exchanged.
            let fresh = filled.get_mut(*clear..there).unwrap_or_default();
            if let Some(key) = frame.head.key {
                mask(fresh, key, frame.done);
            }
            frame.done += fresh.len();
            let room = (limit - message.len()).saturating_add(1);
            let (used, made) = inflater.inflate(&filled[..there], room)?;
            *clear = there - used;
            let len = made.len();
            if len == room {
                let limit = limit as u64;
                return Err(ProtocolError::MessageTooLarge { limit });
            }
            message.follow(made)?;
            self.buf.consume(used);
            if len > 0 {
                self.hold(frame);
                return self.found(Span::default(), Some(len), false);
            }
            if used == 0 {
                break;
            }
        }
        if frame.done < frame.len {
            self.hold(frame);
            return Ok(None);
        }
        if !frame.head.fin {
            return Ok(None);
        }
        inflater.finish()?;
        self.found(Span::default(), Some(0), true)
    }

    fn found(
        &mut self,
        span: Span,
        inflated: Option<usize>,
        last: bool,
    ) -> Result<Option<Step>, ProtocolError> {
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        if last {
            message.finish()?;
            self.stage = Stage::Whole;
        }
        self.rare.never().piece = Piece {
            chunk: Chunk {
                kind: message.kind(),
                data: (),
                first: message.begin(),
                last,
            },
            inflated: inflated.is_some(),
            len: small(inflated.unwrap_or(0)),
            taken: 0,
        };
        Ok(Some(Step {
            what: What::Chunk,
            span,
        }))
    }
}

/// A length of what lies in one buffer: the receive buffer's front, or the decompressor's block.
fn small(len: usize) -> u32 {
    u32::try_from(len).expect("both are far shorter than 4 GiB")
}
