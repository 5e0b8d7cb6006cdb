//! The sending half: messages and replies to frames in the send queue.
//!
//! Refuses what may not be sent, compresses where that was agreed on, and inserts control frames
//! between fragments.
//! It knows no time and nothing of what is received but the [`Reply`] that it is handed.

mod pieces;

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use self::pieces::Pieces;
use super::closing::LocalClose;
use super::config::Config;
use super::encode::Encoder;
use super::receiver::Receiver;
use crate::buf::SendBuf;
use crate::close::CloseCode;
use crate::deflate::{Compress, Compressor};
use crate::error::{ProtocolError, SendError};
use crate::frame::{Header, MAX_CONTROL, OpCode, Reply};
use crate::message::{Kind, Message, PreparedMessage};
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
    out: Encoder,
    /// What compresses messages, if that was agreed on.
    compressor: Option<Box<Compressor>>,
    way: Way,
    /// The message that the caller sends piece by piece.
    message: Option<Pieces>,
    local_close: Option<Box<LocalClose>>,
}

/// What has to be asked before a message may be queued. It follows from what else the sender holds, but to
/// ask all of that for each message takes a tenth of what a short one takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// Nothing: none may.
    Shut,
    /// Is another one being sent piece by piece? Is it to be compressed?
    Asked,
    /// Only the queue: neither is so.
    Plain,
}

impl Sender {
    pub(super) fn new(
        keys: Option<Keys>,
        compressor: Option<Box<Compressor>>,
        config: &Config,
    ) -> Self {
        let mut sender = Self {
            out: Encoder::new(keys, config),
            compressor,
            way: Way::Asked,
            message: None,
            local_close: None,
        };
        sender.settle();
        sender
    }

    /// Finds the way of messages again, behind each change of what it depends on.
    fn settle(&mut self) {
        if self.is_open() {
            self.way = match (&self.message, &self.compressor) {
                (None, None) => Way::Plain,
                _ => Way::Asked,
            };
        }
    }

    /// The send queue, to be written out.
    #[inline]
    pub fn buf(&mut self) -> &mut SendBuf {
        &mut self.out.buf
    }

    /// Is there nothing to write?
    #[must_use]
    #[inline]
    pub fn is_flushed(&self) -> bool {
        self.out.buf.is_empty()
    }

    /// May messages still be queued? No after a Close frame, and after the transport ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.way != Way::Shut
    }

    /// What is sent back of the message that is about to be lent shares its storage, if it is worth
    /// that.
    pub(super) fn lend(&mut self, receiver: &Receiver) {
        if let Some(storage) = receiver.storage(|len| self.out.shares(len)) {
            self.out.buf.lend(storage);
        }
    }

    /// Is no message being sent piece by piece?
    pub(crate) const fn is_between_messages(&self) -> bool {
        self.message.is_none()
    }

    /// Queues a message, ping or pong.
    ///
    /// # Errors
    /// [`SendError::Closed`], [`SendError::Full`], [`SendError::MidMessage`] while a message is
    /// being sent piece by piece, [`SendError::ControlTooLong`].
    #[inline]
    pub fn send<'a>(&mut self, message: impl Into<Message<'a>>) -> Result<(), SendError> {
        // What must be dropped is gone before the call, or it would be put into memory for it.
        let (opcode, payload) = match message.into() {
            Message::Binary(data) => (OpCode::Binary, data),
            Message::Text(text) => (OpCode::Text, text.as_bytes()),
            other => return self.other(other),
        };
        if self.borrowed(opcode, payload) {
            Ok(())
        } else {
            self.refusal()
        }
    }

    /// [`send`](Self::send) for what most messages are: one call, what it takes in registers, and no
    /// more than it takes. Says whether the message is queued.
    #[inline(never)]
    fn borrowed(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        if self.way != Way::Plain || !self.out.is_plain(payload.len()) {
            return self.seldom(opcode, payload);
        }
        if self.out.masks() {
            return self.masked(opcode, payload);
        }
        self.out.short(opcode, payload) || self.long(opcode, payload)
    }

    /// [`borrowed`](Self::borrowed) for what is not short.
    #[inline(never)]
    fn long(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        self.out.long(opcode, payload) || self.seldom(opcode, payload)
    }

    /// [`borrowed`](Self::borrowed) for a client.
    #[inline(never)]
    fn masked(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        self.out.masked(opcode, payload) || self.seldom(opcode, payload)
    }

    /// [`borrowed`](Self::borrowed) for whatever comes. It is marked as cold: by many branches of which
    /// it knows nothing, the compiler would take the end of `borrowed` for rare, and inline nothing
    /// there.
    #[cold]
    #[inline(never)]
    fn seldom(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        if !self.is_open() || self.out.buf.is_full() || self.message.is_some() {
            return false;
        }
        if self.compressor.is_some() {
            self.pack(opcode, payload);
        } else {
            self.out.message(opcode, payload);
        }
        true
    }

    /// Why a message can't be sent.
    #[cold]
    fn refusal(&self) -> Result<(), SendError> {
        self.admit()?;
        Err(SendError::MidMessage)
    }

    /// [`send`](Self::send) for everything else.
    #[inline(never)]
    fn other(&mut self, message: Message<'_>) -> Result<(), SendError> {
        self.admit()?;
        self.check(&message)?;
        self.queue(message, Compress::Auto);
        Ok(())
    }

    /// [`send`](Self::send) for a message that was promised room: a reply may have taken it since.
    pub(crate) fn send_promised(&mut self, message: Message<'_>) -> Result<(), SendError> {
        match self.admit() {
            Ok(()) | Err(SendError::Full { .. }) => {}
            Err(error) => return Err(error),
        }
        self.check(&message)?;
        self.queue(message, Compress::Auto);
        Ok(())
    }

    /// [`send`](Self::send), with a choice of compression for this message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[cfg(feature = "deflate")]
    pub fn send_with<'a>(
        &mut self,
        message: impl Into<Message<'a>>,
        compress: Compress,
    ) -> Result<(), SendError> {
        self.send_as(message.into(), compress)
    }

    #[cfg(feature = "std")]
    pub(crate) fn send_as(
        &mut self,
        message: Message<'_>,
        compress: Compress,
    ) -> Result<(), SendError> {
        self.admit()?;
        self.check(&message)?;
        self.queue(message, compress);
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
            .try_for_each(|message| self.admit().and_then(|()| self.check(message)))?;
        messages
            .iter()
            .for_each(|message| self.queue(message.clone(), Compress::Auto));
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
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        self.reply(&frame);
        let reason = String::from(reason);
        self.local_close = Some(Box::new(LocalClose { code, reason }));
        Ok(())
    }

    /// The Close frame that [`close`](Self::close) queued, to be told to the receiving half. Once.
    #[inline]
    pub fn take_close(&mut self) -> Option<LocalClose> {
        self.local_close.take().map(|close| *close)
    }

    /// Is there something for [`take_close`](Self::take_close)?
    #[inline]
    pub(super) fn has_close(&self) -> bool {
        self.local_close.is_some()
    }

    /// Queues what the receiving half owes the peer. Ignored after a Close frame.
    pub fn reply(&mut self, reply: &Reply) {
        if !self.is_open() {
            return;
        }
        let opcode = reply.opcode();
        if opcode == OpCode::Close {
            self.out.buf.flush_held();
            self.out.frame(OpCode::Close, true, reply.payload());
            self.shut();
            return;
        }
        let mut frame = [0; Header::MAX_LEN + MAX_CONTROL];
        let frame = self.out.control(opcode, reply.payload(), &mut frame);
        if opcode == OpCode::Pong && self.out.buf.is_full() {
            self.out.buf.hold_control(frame);
        } else {
            self.out.buf.push_control(frame);
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
        self.shut();
        self.out.buf.abandon();
    }

    /// The connection has ended: refuses everything from now on. What is queued may still be written.
    pub fn shut(&mut self) {
        self.way = Way::Shut;
        if let Some(compressor) = &mut self.compressor {
            compressor.abandon();
        }
    }

    #[inline]
    fn admit(&self) -> Result<(), SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        if self.out.buf.is_full() {
            return Err(SendError::Full {
                queued: bytes::Buf::remaining(&self.out.buf),
            });
        }
        Ok(())
    }

    #[inline]
    fn check(&self, message: &Message<'_>) -> Result<(), SendError> {
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
    fn queue(&mut self, message: Message<'_>, compress: Compress) {
        if self.compressor.is_some() {
            return self.queue_compressed(message, compress);
        }
        self.queue_plain(message);
    }

    /// [`queue`](Self::queue) where messages are compressed; apart from the rest, so that one branch
    /// is all it costs where they are not.
    #[inline(never)]
    fn queue_compressed(&mut self, message: Message<'_>, compress: Compress) {
        if let (Message::Prepared(prepared), false) = (&message, self.out.masks()) {
            return self.queue_prepared(prepared, compress);
        }
        if let (Some(compressor), Some(kind)) = (&mut self.compressor, message.kind()) {
            if let Some(packed) = compressor.pack(message.payload(), compress) {
                return self.out.packed(kind, packed);
            }
        }
        self.queue_plain(message);
    }

    /// Queues a message of which nothing is shared, compressed if that is worth it.
    #[cold]
    fn pack(&mut self, opcode: OpCode, payload: &[u8]) {
        let kind = if opcode == OpCode::Text {
            Kind::Text
        } else {
            Kind::Binary
        };
        let compressor = self.compressor.as_mut();
        match compressor.and_then(|it| it.pack(payload, Compress::Auto)) {
            Some(packed) => self.out.packed(kind, packed),
            None => self.out.data(kind, payload),
        }
    }

    /// Queues a frame that other connections may queue too.
    #[inline(never)]
    fn queue_prepared(&mut self, prepared: &PreparedMessage, compress: Compress) {
        let kind = prepared.kind();
        if let Some(compressor) = &mut self.compressor {
            let bits = compressor.apart(prepared.payload().len(), compress);
            if let Some(packed) = bits.and_then(|bits| prepared.packed(bits)) {
                compressor.forget();
                return self.out.prepared(kind, packed);
            }
        }
        self.out.prepared(kind, prepared.plain());
    }

    #[inline]
    fn queue_plain(&mut self, message: Message<'_>) {
        match message {
            Message::Text(text) => self.out.data(Kind::Text, text.as_bytes()),
            Message::Binary(data) => self.out.data(Kind::Binary, data),
            Message::Prepared(prepared) if self.out.masks() => {
                self.out.data(prepared.kind(), prepared.payload());
            }
            Message::Prepared(prepared) => self.queue_prepared(&prepared, Compress::Auto),
            Message::SharedText(text) => self.out.shared(Kind::Text, text.into_bytes()),
            Message::SharedBinary(data) => self.out.shared(Kind::Binary, data),
            Message::Ping(payload) | Message::Pong(payload) => {
                let ping = matches!(message, Message::Ping(_));
                let opcode = if ping { OpCode::Ping } else { OpCode::Pong };
                let mut frame = [0; Header::MAX_LEN + MAX_CONTROL];
                let frame = self.out.control(opcode, payload, &mut frame);
                self.out.buf.push_control(frame);
            }
        }
    }
}
