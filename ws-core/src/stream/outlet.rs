//! One message, written before its length is known.

use alloc::vec::Vec;

use bytes::Buf;

use crate::connection::Sender;
use crate::deflate::Compress;
use crate::error::SendError;
use crate::message::{Kind, Message};

/// What a frame of such a message holds at most, in bytes, and what may wait to be written before
/// the next one is queued. A ping that is due waits behind one frame, a Close frame behind two.
pub const BLOCK: usize = 64 * 1024;

/// May the next frame of a stream be queued?
pub(super) fn has_room(sender: &mut Sender) -> Result<(), SendError> {
    if !sender.is_open() {
        return Err(SendError::Closed);
    }
    match sender.buf().remaining() {
        queued @ BLOCK.. => Err(SendError::Full { queued }),
        _ => Ok(()),
    }
}

/// A message that is being written. What is written is gathered in frames of [`BLOCK`] bytes; a
/// message that is not longer than one is sent in one frame, as if it had been sent whole.
///
/// Dropping it does not finish the message: from its first frame on, other messages are refused
/// with [`SendError::MidMessage`] until it is finished, and only closing is left.
#[derive(Debug)]
pub struct Outlet {
    kind: Kind,
    compress: Compress,
    block: Vec<u8>,
    begun: bool,
    finished: bool,
}

impl Outlet {
    /// A message that nothing was written of, compressed where that was agreed on.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            compress: Compress::Auto,
            block: Vec::new(),
            begun: false,
            finished: false,
        }
    }

    /// [`new`](Self::new), with a choice of compression.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn with(kind: Kind, compress: Compress) -> Self {
        let mut outlet = Self::new(kind);
        outlet.compress = compress;
        outlet
    }

    /// Takes in the beginning of `data`: how much of it that was.
    ///
    /// # Errors
    /// [`SendError::Full`] while too much waits to be written: nothing was taken in. Otherwise as
    /// [`Sender::fragment`].
    pub fn write(&mut self, sender: &mut Sender, data: &[u8]) -> Result<usize, SendError> {
        if self.finished {
            return Err(SendError::NotMidMessage);
        }
        if !sender.is_open() {
            return Err(SendError::Closed);
        }
        if self.block.is_empty() && data.len() >= BLOCK {
            self.piece(sender, &data[..BLOCK])?;
            return Ok(BLOCK);
        }
        if self.block.len() == BLOCK {
            self.flush(sender)?;
        }
        let n = data.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&data[..n]);
        Ok(n)
    }

    /// Queues what was taken in as a frame, if it is anything.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn flush(&mut self, sender: &mut Sender) -> Result<(), SendError> {
        if self.block.is_empty() || self.finished {
            return Ok(());
        }
        let block = core::mem::take(&mut self.block);
        let queued = self.piece(sender, &block);
        self.block = block;
        if queued.is_ok() {
            self.block.clear();
        }
        queued
    }

    /// Queues the last frame of the message. Once.
    ///
    /// # Errors
    /// As [`write`](Self::write); text must not end inside a character.
    pub fn finish(&mut self, sender: &mut Sender) -> Result<(), SendError> {
        if self.finished {
            return Ok(());
        }
        has_room(sender)?;
        let block = &self.block[..];
        match (self.begun, self.kind) {
            (true, _) => sender.finish(block)?,
            (false, Kind::Binary) => sender.send_as(Message::Binary(block), self.compress)?,
            (false, Kind::Text) => {
                let text = core::str::from_utf8(block).map_err(|_| SendError::InvalidUtf8)?;
                sender.send_as(Message::Text(text), self.compress)?;
            }
        }
        self.finished = true;
        self.block = Vec::new();
        Ok(())
    }

    fn piece(&mut self, sender: &mut Sender, piece: &[u8]) -> Result<(), SendError> {
        has_room(sender)?;
        if self.begun {
            return sender.continuation(piece);
        }
        sender.first_piece(self.kind, piece, self.compress)?;
        self.begun = true;
        Ok(())
    }
}
