//! Messages handed out piece by piece, as they arrive: whatever their length, no more is held than
//! the receive buffer and, of a compressed message, one block of what came out of it.

use super::{Decoder, Frame, IN_PLACE_MAX, Span, Step, What};
use crate::error::ProtocolError;
use crate::frame::mask;
use crate::message::{Chunk, Kind};

/// The piece that was found last, but for its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) chunk: Chunk<()>,
    /// How many bytes wait behind the decompressor, if the message is compressed.
    pub(super) inflated: Option<usize>,
    /// How many of its bytes were copied out before the rest.
    pub(super) taken: usize,
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
            inflated: None,
            taken: 0,
        }
    }
}

impl Decoder {
    /// The piece that [`What::Chunk`] found.
    pub(crate) fn chunk(&self, span: Span) -> Chunk<&[u8]> {
        let Piece {
            chunk,
            inflated,
            taken,
        } = self.piece;
        chunk.map(|()| match (inflated, &self.inflater) {
            (Some(len), Some(inflater)) => &inflater.made(len)[taken..],
            _ => &self.payload(span)[taken..],
        })
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
        self.piece.taken += n;
        self.piece.chunk.first &= n == 0;
        (read, all)
    }

    /// Hands out what there is of the payload.
    #[inline(never)]
    pub(super) fn stream(&mut self, frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let compressed = self.message.as_ref().map(|message| message.is_compressed());
        self.buf.want(0);
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
        if let Some(key) = frame.key {
            mask(fresh, key, frame.done);
        }
        message.push(fresh, 0)?;
        frame.done += there;
        self.lent = there;
        let ended = frame.done == frame.len;
        let last = ended && frame.fin;
        if !ended {
            self.frame = Some(frame);
        }
        if there == 0 && !last {
            return Ok(None);
        }
        self.found(Span::new(0, there), None, last)
    }

    fn stream_compressed(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let (Some(message), Some(inflater)) = (&mut self.message, &mut self.inflater) else {
            return Ok(None);
        };
        let limit = self.limits.max_message;
        loop {
            let filled = self.buf.filled_mut();
            let there = filled.len().min(self.clear + frame.len - frame.done);
            let fresh = &mut filled[self.clear..there];
            if let Some(key) = frame.key {
                mask(fresh, key, frame.done);
            }
            frame.done += fresh.len();
            let room = (limit - message.len()).saturating_add(1);
            let (used, made) = inflater.inflate(&filled[..there], room)?;
            self.clear = there - used;
            let len = made.len();
            if len == room {
                let limit = limit as u64;
                return Err(ProtocolError::MessageTooLarge { limit });
            }
            message.push(made, 0)?;
            self.buf.consume(used);
            if len > 0 {
                self.frame = Some(frame);
                return self.found(Span::default(), Some(len), false);
            }
            if used == 0 {
                break;
            }
        }
        if frame.done < frame.len {
            self.frame = Some(frame);
            return Ok(None);
        }
        if !frame.fin {
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
            self.complete = true;
        }
        self.piece = Piece {
            chunk: Chunk {
                kind: message.kind(),
                data: (),
                first: message.begin(),
                last,
            },
            inflated,
            taken: 0,
        };
        Ok(Some(Step {
            what: What::Chunk,
            span,
        }))
    }
}
