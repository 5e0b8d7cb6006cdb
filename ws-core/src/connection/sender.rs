//! The sending half: messages and replies to frames in the send queue.
//!
//! Masks as a client, refuses what may not be sent, and inserts control frames between fragments.
//! It knows no time and nothing of what is received but the [`Reply`] that it is handed.

use alloc::string::{String, ToString};
use core::num::NonZeroUsize;

use bytes::Bytes;

use super::closing::LocalClose;
use super::config::Config;
use crate::buf::SendBuf;
use crate::close::CloseCode;
use crate::error::{ProtocolError, SendError};
use crate::frame::{Header, MAX_CONTROL, OpCode, Reply, mask_into};
use crate::message::{Kind, Message, Utf8};
use crate::seed::Keys;

/// Could this be sent in a Close frame?
pub(crate) fn check_close(code: CloseCode, reason: &str) -> Result<(), SendError> {
    Reply::close(code, reason).map(drop)
}

/// The half of a connection that sends. Everything it is given is encoded into its [`SendBuf`] at
/// once; the driver writes that out.
///
/// A message is refused with [`SendError::Full`] while the queue holds `Config::send_limit` bytes
/// or more, so at most one message goes beyond the limit, whatever its size. Control frames that
/// answer the peer always get in: above the limit only the latest pong is kept (RFC 6455 §5.5.3).
#[derive(Debug)]
pub struct Sender {
    buf: SendBuf,
    keys: Option<Keys>,
    open: bool,
    /// The message that the caller sends piece by piece.
    message: Option<Pieces>,
    fragment_size: Option<NonZeroUsize>,
    share_min: usize,
    local_close: Option<LocalClose>,
}

#[derive(Debug)]
struct Pieces {
    kind: Kind,
    utf8: Utf8,
}

impl Sender {
    pub(super) fn new(keys: Option<Keys>, config: &Config) -> Self {
        Self {
            buf: SendBuf::new(config.send_limit),
            keys,
            open: true,
            message: None,
            fragment_size: config.fragment_size,
            share_min: config.share_min,
            local_close: None,
        }
    }

    /// The send queue, to be written out.
    #[inline]
    pub fn buf(&mut self) -> &mut SendBuf {
        &mut self.buf
    }

    /// Is there nothing to write?
    #[must_use]
    #[inline]
    pub fn is_flushed(&self) -> bool {
        self.buf.is_empty()
    }

    /// May messages still be queued? No after a Close frame, and after the transport ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Queues a message, ping or pong.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::Full`], [`SendError::MidMessage`] while a message is
    /// being sent piece by piece, [`SendError::ControlTooLong`].
    #[inline]
    pub fn send<'a>(&mut self, message: impl Into<Message<'a>>) -> Result<(), SendError> {
        let message = message.into();
        self.check(&message)?;
        self.queue(message);
        Ok(())
    }

    /// Queues a text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn text(&mut self, text: &str) -> Result<(), SendError> {
        self.send(Message::Text(text))
    }

    /// Queues a binary message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn binary(&mut self, data: &[u8]) -> Result<(), SendError> {
        self.send(Message::Binary(data))
    }

    /// Queues a ping, with at most 125 bytes (RFC 6455 §5.5.2).
    ///
    /// # Errors
    /// As [`send`](Self::send); never [`SendError::MidMessage`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send(Message::Ping(payload))
    }

    /// Queues a pong, with at most 125 bytes: an answer of the application's own (`AutoPong::Off`)
    /// or a one-way heartbeat (§5.5.3).
    ///
    /// # Errors
    /// As [`send`](Self::send); never [`SendError::MidMessage`].
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.send(Message::Pong(payload))
    }

    /// Queues all of the messages, or none of them: a batch counts as one message against the
    /// limit of the queue, and leaves in one write if the transport takes it.
    ///
    /// # Errors
    /// As [`send`](Self::send), for the first message that can't be sent.
    pub fn batch(&mut self, messages: &[Message<'_>]) -> Result<(), SendError> {
        messages
            .iter()
            .try_for_each(|message| self.check(message))?;
        messages
            .iter()
            .for_each(|message| self.queue(message.clone()));
        Ok(())
    }

    /// Begins a message that is sent piece by piece, each piece a frame (§5.4). Control frames may
    /// go out between the pieces, other messages may not.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::InvalidUtf8`] as soon as text can't be UTF-8.
    pub fn fragment(&mut self, kind: Kind, piece: &[u8]) -> Result<(), SendError> {
        self.admit()?;
        if self.message.is_some() {
            return Err(SendError::MidMessage);
        }
        let utf8 = follow(
            Pieces {
                kind,
                utf8: Utf8::default(),
            },
            piece,
        )?;
        self.frame(kind.opcode(), false, piece);
        self.message = Some(utf8);
        Ok(())
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

    fn next_piece(&mut self, piece: &[u8], fin: bool) -> Result<(), SendError> {
        self.admit()?;
        let Some(Pieces { kind, utf8 }) = self.message else {
            return Err(SendError::NotMidMessage);
        };
        let followed = follow(Pieces { kind, utf8 }, piece)?;
        if fin {
            followed.utf8.finish().map_err(|_| SendError::InvalidUtf8)?;
        }
        self.message = (!fin).then_some(followed);
        self.buf.cut();
        self.frame(OpCode::Continuation, fin, piece);
        Ok(())
    }

    /// Queues a Close frame behind everything queued so far; nothing can be sent after it. With
    /// [`CloseCode::NO_STATUS`] and no reason the frame is empty (§5.5.1).
    ///
    /// On a `Connection`, its own `close` also starts the deadline at once; here it starts with the
    /// next call that knows the time.
    ///
    /// # Errors
    /// [`SendError::BadCloseCode`], [`SendError::ControlTooLong`] for a reason over 123 bytes,
    /// [`SendError::Closed`]. The connection is unharmed.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let frame = Reply::close(code, reason)?;
        if !self.open {
            return Err(SendError::Closed);
        }
        self.reply(&frame);
        self.local_close = Some(LocalClose {
            code,
            reason: String::from(reason),
        });
        Ok(())
    }

    /// The Close frame that [`close`](Self::close) queued, to be told to the receiving half. Once.
    #[inline]
    pub fn take_close(&mut self) -> Option<LocalClose> {
        self.local_close.take()
    }

    /// Is there something for [`take_close`](Self::take_close)?
    #[inline]
    pub(super) fn has_close(&self) -> bool {
        self.local_close.is_some()
    }

    /// Queues what the receiving half owes the peer. Ignored after a Close frame.
    pub fn reply(&mut self, reply: &Reply) {
        if !self.open {
            return;
        }
        let opcode = reply.opcode();
        if opcode == OpCode::Close {
            self.buf.flush_held();
            self.frame(OpCode::Close, true, reply.payload());
            self.open = false;
            return;
        }
        let mut frame = [0; Header::MAX_LEN + MAX_CONTROL];
        let frame = self.control(opcode, reply.payload(), &mut frame);
        if opcode == OpCode::Pong && self.buf.is_full() {
            self.buf.hold_control(frame);
        } else {
            self.buf.push_control(frame);
        }
    }

    /// Queues the Close frame that answers a fault, if none was queued yet.
    #[cold]
    pub(super) fn refuse(&mut self, fault: &ProtocolError) {
        if let Ok(close) = Reply::close(fault.close_code(), &fault.to_string()) {
            self.reply(&close);
        }
    }

    /// The transport can't write any more: drops the queue and refuses everything.
    pub fn unwritable(&mut self) {
        self.open = false;
        self.buf.abandon();
    }

    /// The connection has ended: refuses everything from now on. What is queued may still be written.
    pub fn shut(&mut self) {
        self.open = false;
    }

    #[inline]
    fn admit(&self) -> Result<(), SendError> {
        if !self.open {
            return Err(SendError::Closed);
        }
        if self.buf.is_full() {
            return Err(SendError::Full {
                queued: bytes::Buf::remaining(&self.buf),
            });
        }
        Ok(())
    }

    #[inline]
    fn check(&self, message: &Message<'_>) -> Result<(), SendError> {
        self.admit()?;
        if message.kind().is_some() {
            if self.message.is_some() {
                Err(SendError::MidMessage)
            } else {
                Ok(())
            }
        } else {
            let len = message.payload().len();
            let too_long = SendError::ControlTooLong {
                len,
                limit: MAX_CONTROL,
            };
            if len > MAX_CONTROL {
                Err(too_long)
            } else {
                Ok(())
            }
        }
    }

    #[inline]
    fn queue(&mut self, message: Message<'_>) {
        match message {
            Message::Text(text) => self.data(Kind::Text, text.as_bytes()),
            Message::Binary(data) => self.data(Kind::Binary, data),
            Message::SharedText(text) => self.shared(Kind::Text, text.into_bytes()),
            Message::SharedBinary(data) => self.shared(Kind::Binary, data),
            Message::Ping(payload) | Message::Pong(payload) => {
                let ping = matches!(message, Message::Ping(_));
                let opcode = if ping { OpCode::Ping } else { OpCode::Pong };
                let mut frame = [0; Header::MAX_LEN + MAX_CONTROL];
                let frame = self.control(opcode, payload, &mut frame);
                self.buf.push_control(frame);
            }
        }
    }

    #[inline]
    fn data(&mut self, kind: Kind, payload: &[u8]) {
        match self.fragment_size {
            Some(size) if payload.len() > size.get() => self.fragments(kind, payload, size),
            _ => self.frame(kind.opcode(), true, payload),
        }
    }

    #[inline(never)]
    fn fragments(&mut self, kind: Kind, payload: &[u8], size: NonZeroUsize) {
        let last = (payload.len() - 1) / size;
        for (i, piece) in payload.chunks(size.get()).enumerate() {
            let opcode = if i == 0 {
                kind.opcode()
            } else {
                OpCode::Continuation
            };
            if i > 0 {
                self.buf.cut();
            }
            self.frame(opcode, i == last, piece);
        }
    }

    /// Queues a payload without copying it, if it is worth that and need not be masked.
    fn shared(&mut self, kind: Kind, payload: Bytes) {
        let whole = self
            .fragment_size
            .is_none_or(|size| payload.len() <= size.get());
        if self.keys.is_some() || payload.len() < self.share_min || payload.is_empty() || !whole {
            return self.data(kind, &payload);
        }
        let (opcode, len) = (kind.opcode(), payload.len() as u64);
        let mut head = [0; Header::MAX_LEN];
        let n = Header {
            fin: true,
            rsv1: false,
            opcode,
            key: None,
            len,
        }
        .encode(&mut head);
        self.buf.push_shared(&head[..n], payload);
    }

    /// Appends a frame to the queue: copied, and masked by a client.
    #[inline]
    fn frame(&mut self, opcode: OpCode, fin: bool, payload: &[u8]) {
        let len = payload.len();
        let key = self.keys.as_mut().map(Keys::mask);
        let header = Header {
            fin,
            rsv1: false,
            opcode,
            key,
            len: len as u64,
        };
        self.buf.append(Header::MAX_LEN + len, |out| {
            header.append(out);
            match key {
                Some(key) => mask_into(out, payload, key),
                None => out.extend_from_slice(payload),
            }
        });
    }

    /// Encodes a control frame on its own.
    fn control<'a>(
        &mut self,
        opcode: OpCode,
        payload: &[u8],
        out: &'a mut [u8; Header::MAX_LEN + MAX_CONTROL],
    ) -> &'a [u8] {
        let key = self.keys.as_mut().map(Keys::mask);
        let mut head = [0; Header::MAX_LEN];
        let len = payload.len();
        let n = Header {
            fin: true,
            rsv1: false,
            opcode,
            key,
            len: len as u64,
        }
        .encode(&mut head);
        out[..n].copy_from_slice(&head[..n]);
        out[n..n + len].copy_from_slice(payload);
        if let Some(key) = key {
            crate::frame::mask(&mut out[n..n + len], key, 0);
        }
        &out[..n + len]
    }
}

/// Follows the text of a message sent in pieces; binary goes unlooked at.
fn follow(mut pieces: Pieces, piece: &[u8]) -> Result<Pieces, SendError> {
    if pieces.kind == Kind::Text {
        pieces
            .utf8
            .feed(piece)
            .map_err(|_| SendError::InvalidUtf8)?;
    }
    Ok(pieces)
}
