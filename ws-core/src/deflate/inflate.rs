//! Making payloads whole again (RFC 7692 §7.2.2), a bounded piece at a time.
//!
//! It knows no frames and no limits: who assembles a message asks for no more than it may become.

use core::fmt;

use zlib_rs::{InflateFlush, Status};

use super::negotiate::Terms;
use super::options::Takeover;
use super::pool::{self, BLOCK, Unpacker};
use super::window::Window;
use super::window_size;
use crate::error::ProtocolError;

/// Blocks of a message that say they are the last. A few are normal (§7.2.3.4); after each the
/// decompressor begins anew, which costs more than the two bytes that ask for it.
const MAX_FINAL_BLOCKS: u32 = 1024;

/// What follows a payload: what the sender left off (§7.2.2), then a last block that is empty. If
/// the payload is complete, the decompressor takes all of it, ends there, and gives nothing more.
const END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

/// The part of a connection that decompresses. Between messages it holds its window, if there is
/// context takeover, and nothing else.
pub(crate) struct Inflater {
    takeover: Takeover,
    size: usize,
    window: Window,
    /// In the middle of a message.
    unpacker: Option<Unpacker>,
    final_blocks: u32,
}

impl Inflater {
    pub(crate) fn new(terms: &Terms) -> Self {
        Self {
            takeover: terms.peer.takeover,
            size: window_size(terms.peer.bits),
            window: Window::default(),
            unpacker: None,
            final_blocks: 0,
        }
    }

    /// Decompresses some of the payload of a message: how many bytes of `input` were used, and what
    /// came out, at most `room` bytes. If neither is anything, it waits for more input.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        room: usize,
    ) -> Result<(usize, &[u8]), ProtocolError> {
        let unpacker = self.unpacker.get_or_insert_with(pool::unpacker);
        if !unpacker.running {
            if input.is_empty() {
                return Ok((0, &[]));
            }
            let windows = [&self.window, &unpacker.window];
            begin(&mut unpacker.inflate, windows)?;
            unpacker.running = true;
        }
        let Unpacker { inflate, out, .. } = unpacker;
        let out = &mut out[..room.min(BLOCK)];
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(input, out, InflateFlush::SyncFlush)
            .map_err(|_| ProtocolError::BadDeflate)?;
        let used = count(before_in, inflate.total_in());
        let made = count(before_out, inflate.total_out());
        let window = match self.takeover {
            Takeover::Keep => &mut self.window,
            Takeover::Reset => &mut unpacker.window,
        };
        window.push(&unpacker.out[..made], self.size);
        if status == Status::StreamEnd {
            unpacker.running = false;
            self.final_blocks += 1;
            if self.final_blocks > MAX_FINAL_BLOCKS {
                return Err(ProtocolError::BadDeflate);
            }
        }
        Ok((used, &unpacker.out[..made]))
    }

    /// What came out last, `len` bytes of it; nothing any more once the message is complete.
    pub(crate) fn made(&self, len: usize) -> &[u8] {
        let unpacker = self.unpacker.as_ref();
        unpacker.map_or(&[], |unpacker| &unpacker.out[..len])
    }

    /// The payload is complete, and all that could be made of it was made.
    pub(crate) fn finish(&mut self) -> Result<(), ProtocolError> {
        let complete = match &mut self.unpacker {
            Some(Unpacker {
                inflate,
                running: true,
                out,
                ..
            }) => {
                let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(&END, out, InflateFlush::SyncFlush);
                status == Ok(Status::StreamEnd)
                    && count(before_in, inflate.total_in()) == END.len()
                    && before_out == inflate.total_out()
            }
            // It ended with a block that says it is the last, or was empty.
            _ => true,
        };
        self.abandon();
        if complete {
            Ok(())
        } else {
            Err(ProtocolError::BadDeflate)
        }
    }

    /// Gives up the message under way, if there is one.
    pub(crate) fn abandon(&mut self) {
        self.final_blocks = 0;
        if let Some(unpacker) = self.unpacker.take() {
            pool::reclaim_unpacker(unpacker);
        }
    }
}

/// Makes the decompressor one that has just made what is in the windows.
fn begin(inflate: &mut zlib_rs::Inflate, windows: [&Window; 2]) -> Result<(), ProtocolError> {
    inflate.reset(false);
    let parts = windows.into_iter().flat_map(Window::parts);
    for part in parts.filter(|part| !part.is_empty()) {
        inflate
            .set_dictionary(part)
            .map_err(|_| ProtocolError::BadDeflate)?;
    }
    Ok(())
}

/// How many bytes of one call there were, none of which is longer than a slice can be.
fn count(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("takeover", &self.takeover)
            .field("under_way", &self.unpacker.is_some())
            .finish_non_exhaustive()
    }
}
