//! Sending a message piece by piece, each piece a frame (RFC 6455 §5.4).
//!
//! Follows the text across the pieces, and their compression. It decides nothing about whole messages.

use super::Sender;
use crate::deflate::Compress;
use crate::error::SendError;
use crate::frame::OpCode;
use crate::message::{Kind, Utf8};

/// The message under way.
#[derive(Debug)]
pub(super) struct Pieces {
    kind: Kind,
    utf8: Utf8,
    packed: bool,
}

impl Sender {
    /// Begins a message that is sent piece by piece, each piece a frame (§5.4). Control frames may
    /// go out between the pieces, other messages may not.
    ///
    /// It is compressed where that was agreed on, however short its pieces are; what each of them
    /// becomes leaves with it.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::InvalidUtf8`] as soon as text can't be UTF-8.
    pub fn fragment(&mut self, kind: Kind, piece: &[u8]) -> Result<(), SendError> {
        self.first_piece(kind, piece, Compress::Auto)
    }

    /// [`fragment`](Self::fragment), with a choice of compression for this message.
    ///
    /// # Errors
    /// As [`fragment`](Self::fragment).
    #[cfg(feature = "deflate")]
    pub fn fragment_with(
        &mut self,
        kind: Kind,
        piece: &[u8],
        compress: Compress,
    ) -> Result<(), SendError> {
        self.first_piece(kind, piece, compress)
    }

    /// Sends the next piece of the message that [`fragment`](Self::fragment) began.
    ///
    /// # Errors
    /// [`SendError::NotMidMessage`] if none was begun, otherwise as `fragment`.
    pub fn continuation(&mut self, piece: &[u8]) -> Result<(), SendError> {
        self.next_piece(piece, false)
    }

    /// Sends the last piece of the message that [`fragment`](Self::fragment) began.
    ///
    /// # Errors
    /// As [`continuation`](Self::continuation); text must not end inside a character. The message
    /// stays unfinished then.
    pub fn finish(&mut self, piece: &[u8]) -> Result<(), SendError> {
        self.next_piece(piece, true)
    }

    /// Is a message being sent piece by piece?
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.message.is_some()
    }

    pub(crate) fn first_piece(
        &mut self,
        kind: Kind,
        piece: &[u8],
        compress: Compress,
    ) -> Result<(), SendError> {
        self.admit()?;
        if self.message.is_some() {
            return Err(SendError::MidMessage);
        }
        let utf8 = follow(kind, Utf8::default(), piece)?;
        let compressor = self.compressor.as_mut();
        let compressor = compressor.and_then(|it| it.begin(compress).then_some(it));
        let packed = compressor.is_some();
        match compressor {
            Some(compressor) => self.out.first_packed(kind, compressor.piece(piece, false)),
            None => self.out.frame(kind.opcode(), false, piece),
        }
        self.message = Some(Pieces { kind, utf8, packed });
        self.settle();
        Ok(())
    }

    fn next_piece(&mut self, piece: &[u8], fin: bool) -> Result<(), SendError> {
        self.admit()?;
        let Some(Pieces { kind, utf8, packed }) = self.message else {
            return Err(SendError::NotMidMessage);
        };
        let utf8 = follow(kind, utf8, piece)?;
        if fin {
            utf8.finish().map_err(|_| SendError::InvalidUtf8)?;
        }
        self.message = (!fin).then_some(Pieces { kind, utf8, packed });
        self.settle();
        self.out.buf.cut();
        match &mut self.compressor {
            Some(compressor) if packed => {
                let piece = compressor.piece(piece, fin);
                self.out.frame(OpCode::Continuation, fin, piece);
                if fin {
                    compressor.end();
                }
            }
            _ => self.out.frame(OpCode::Continuation, fin, piece),
        }
        Ok(())
    }
}

/// Follows the text of a message sent in pieces; binary goes unlooked at.
fn follow(kind: Kind, mut utf8: Utf8, piece: &[u8]) -> Result<Utf8, SendError> {
    if kind == Kind::Text {
        utf8.feed(piece).map_err(|_| SendError::InvalidUtf8)?;
    }
    Ok(utf8)
}

#[cfg(test)]
mod tests {
    use super::super::Way;
    use super::*;
    use crate::connection::Config;

    #[test]
    fn behind_a_message_in_pieces_others_go_the_plain_way_again() {
        let mut sender = Sender::new(None, None, &Config::default());
        assert_eq!(sender.way, Way::Plain);
        assert_eq!(sender.fragment(Kind::Binary, b"a"), Ok(()));
        assert_eq!(sender.way, Way::Asked);
        assert_eq!(sender.continuation(b"b"), Ok(()));
        assert_eq!(sender.way, Way::Asked);
        assert_eq!(sender.finish(b"c"), Ok(()));
        assert_eq!(sender.way, Way::Plain);
        sender.shut();
        assert_eq!(sender.way, Way::Shut);
    }
}
