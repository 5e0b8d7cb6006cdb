//! An application that sends anything at all, and what must come of it.

use core::num::NonZeroUsize;

use bytes::{Buf, Bytes};
use ws_core::close::CloseCode;
use ws_core::connection::Sender;
use ws_core::error::SendError;
use ws_core::message::{Kind, Message};

use crate::input::Input;
use crate::op::send;
use crate::plain::Seen;

/// Begins every ping that an application sends, and no ping of a keepalive.
const PING: &[u8] = b"own";

/// Begins every pong that an application sends.
const PONG: &[u8] = b"pon";

/// Bytes that one run may send, which bounds its time.
const BUDGET: usize = 256 << 10;

/// Sizes at which something changes: encodings of the length, of what is shared and of what is
/// received in place.
pub(crate) const SIZES: &[usize] = &[125, 126, 16_383, 16_384, 65_535, 65_536, 65_537, 80_000];

/// Is this a ping or pong that an application sent?
pub(crate) fn is_own(seen: &Seen) -> bool {
    match seen {
        Seen::Ping(payload) => payload.starts_with(PING),
        Seen::Pong(payload) => payload.starts_with(PONG),
        Seen::Binary(_) | Seen::Text(_) => false,
    }
}

/// What one end has handed to its sender and what the sender took.
#[derive(Debug)]
pub(crate) struct Sending {
    /// Messages, in order.
    pub(crate) messages: Vec<Seen>,
    /// Pings and pongs, in order.
    pub(crate) controls: Vec<Seen>,
    /// The message that is being sent in pieces.
    pieces: Option<(Kind, Vec<u8>)>,
    /// The payload of the Close frame that the application sent.
    pub(crate) close: Option<Vec<u8>>,
    /// The most bytes that one call has put into the queue.
    pub(crate) largest: usize,
    /// The longest piece of a message that is sent in pieces.
    pub(crate) longest_piece: usize,
    fragment_size: usize,
    budget: usize,
}

/// What a call adds to the model if it is not refused.
enum Change {
    Control(Seen),
    Messages(Vec<Seen>),
    Piece(Kind, Vec<u8>),
    LastPiece(Seen),
}

/// A call that was made: what it should answer if the queue is open and has room, what it did
/// answer, and how many bytes it may have queued.
struct Call {
    expected: Result<Change, SendError>,
    answer: Result<(), SendError>,
    most: usize,
}

impl Sending {
    pub(crate) fn new(fragment_size: Option<NonZeroUsize>) -> Self {
        Self {
            messages: Vec::new(),
            controls: Vec::new(),
            pieces: None,
            close: None,
            largest: 0,
            longest_piece: 0,
            fragment_size: fragment_size.map_or(usize::MAX, NonZeroUsize::get),
            budget: BUDGET,
        }
    }

    /// Sends what the input says, and checks the answer.
    pub(crate) fn send(&mut self, input: &mut Input<'_>, sender: &mut Sender) {
        let queued = sender.buf().remaining();
        let (full, open) = (sender.buf().is_full(), sender.is_open());
        let kind = input.byte() % send::COUNT;
        if kind == send::CLOSE {
            return self.close(input, open, |code, reason| sender.close(code, reason));
        }
        let Call {
            expected,
            answer,
            most,
        } = match kind {
            send::PING | send::PONG => control(kind, input.chunk(), sender),
            send::FRAGMENT | send::CONTINUATION | send::FINISH => self.piece(kind, input, sender),
            send::BATCH => self.batch(input, sender),
            _ => self.whole(kind, input, sender),
        };
        let added = sender.buf().remaining().checked_sub(queued);
        let added = added.expect("sending takes nothing out of the queue");
        assert!(
            added <= most,
            "{added} bytes queued where {most} are enough"
        );
        self.largest = self.largest.max(added);
        if let Err(error) = &answer {
            assert_eq!(added, 0, "a refusal leaves no trace: {error}");
        }
        match expected {
            Ok(Change::Messages(none)) if none.is_empty() => assert_eq!(answer, Ok(())),
            _ if !open => assert_eq!(answer, Err(SendError::Closed)),
            _ if full => assert_eq!(answer, Err(SendError::Full { queued })),
            Err(error) => assert_eq!(answer, Err(error)),
            Ok(change) => {
                assert_eq!(answer, Ok(()));
                self.apply(change);
            }
        }
    }

    /// Closes with a code and a reason, and checks the answer.
    pub(crate) fn close(
        &mut self,
        input: &mut Input<'_>,
        open: bool,
        close: impl FnOnce(CloseCode, &str) -> Result<(), SendError>,
    ) {
        let code = input.pick(&[1000, 1005, 1001, 3000, 4999, 1006, 0, 5000]);
        let reason = String::from_utf8_lossy(input.chunk());
        let answer = close(code.into(), &reason);
        assert_eq!(answer, may_close(code, &reason, open));
        if answer.is_ok() {
            self.close = Some(match code {
                1005 => Vec::new(),
                _ => [&code.to_be_bytes(), reason.as_bytes()].concat(),
            });
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Control(control) => self.controls.push(control),
            Change::Messages(batch) => {
                let (messages, controls): (Vec<_>, Vec<_>) =
                    batch.into_iter().partition(Seen::is_message);
                self.messages.extend(messages);
                self.controls.extend(controls);
            }
            Change::Piece(kind, data) => self.pieces = Some((kind, data)),
            Change::LastPiece(message) => {
                self.pieces = None;
                self.messages.push(message);
            }
        }
    }

    fn whole(&mut self, kind: u8, input: &mut Input<'_>, sender: &mut Sender) -> Call {
        let message = self.message(kind, input);
        let answer = match (kind, message.clone()) {
            (send::SHARED_BINARY, Seen::Binary(data)) => sender.send(Bytes::from(data)),
            (send::SHARED_TEXT, Seen::Text(text)) => sender.send(text),
            _ => sender.send(borrow(&message)),
        };
        Call {
            most: self.encoded(&message),
            expected: self.unless_busy(vec![message]),
            answer,
        }
    }

    fn batch(&mut self, input: &mut Input<'_>, sender: &mut Sender) -> Call {
        let count = input.byte() % 4;
        let messages = (0..count).map(|i| match i {
            0 => self.message(send::BINARY, input),
            1 => self.message(send::TEXT, input),
            _ => Seen::Ping([PING, input.chunk()].concat()),
        });
        let messages: Vec<Seen> = messages.collect();
        let borrowed: Vec<Message<'_>> = messages.iter().map(borrow).collect();
        Call {
            most: messages.iter().map(|message| self.encoded(message)).sum(),
            answer: sender.batch(&borrowed),
            expected: self.unless_busy(messages).and_then(short_controls),
        }
    }

    /// Whole messages may not be sent inside of one that is sent in pieces.
    fn unless_busy(&self, messages: Vec<Seen>) -> Result<Change, SendError> {
        if self.pieces.is_some() && !messages.is_empty() {
            Err(SendError::MidMessage)
        } else {
            Ok(Change::Messages(messages))
        }
    }

    fn piece(&mut self, op: u8, input: &mut Input<'_>, sender: &mut Sender) -> Call {
        let kind = input.pick(&[Kind::Text, Kind::Binary]);
        let piece = input.chunk();
        self.longest_piece = self.longest_piece.max(piece.len());
        let answer = match op {
            send::FRAGMENT => sender.fragment(kind, piece),
            send::CONTINUATION => sender.continuation(piece),
            _ => sender.finish(piece),
        };
        let expected = match (&self.pieces, op) {
            (None, send::FRAGMENT) => follow(kind, piece.to_vec(), false),
            (Some(_), send::FRAGMENT) => Err(SendError::MidMessage),
            (None, _) => Err(SendError::NotMidMessage),
            (Some((kind, data)), _) => follow(*kind, [data, piece].concat(), op == send::FINISH),
        };
        Call {
            expected,
            answer,
            most: piece.len() + 14,
        }
    }

    /// A payload: as it is in the input, or of a certain size.
    fn message(&mut self, kind: u8, input: &mut Input<'_>) -> Seen {
        match kind {
            send::TEXT | send::SHARED_TEXT => {
                Seen::Text(String::from_utf8_lossy(input.chunk()).into_owned())
            }
            send::SIZED => {
                let (size, fill) = (input.pick(SIZES), input.byte());
                // Bytes and fragments both cost time.
                let most = self.budget.min(self.fragment_size.saturating_mul(1000));
                let size = size.min(most);
                self.budget -= size;
                Seen::Binary(vec![fill; size])
            }
            _ => Seen::Binary(input.chunk().to_vec()),
        }
    }

    /// The most bytes that a message may become in the queue.
    fn encoded(&self, message: &Seen) -> usize {
        let len = borrow(message).payload().len();
        len + 14 * (1 + len / self.fragment_size)
    }
}

/// All or nothing: a ping that is too long keeps the messages before it from being sent.
fn short_controls(change: Change) -> Result<Change, SendError> {
    let Change::Messages(batch) = &change else {
        return Ok(change);
    };
    let limit = 125;
    for message in batch.iter().filter(|message| !message.is_message()) {
        let len = borrow(message).payload().len();
        if len > limit {
            return Err(SendError::ControlTooLong { len, limit });
        }
    }
    Ok(change)
}

fn control(op: u8, chunk: &[u8], sender: &mut Sender) -> Call {
    let tag = if op == send::PING { PING } else { PONG };
    let payload = [tag, chunk].concat();
    let answer = match op {
        send::PING => sender.ping(&payload),
        _ => sender.pong(&payload),
    };
    let (len, limit) = (payload.len(), 125);
    let expected = match op {
        _ if len > limit => Err(SendError::ControlTooLong { len, limit }),
        send::PING => Ok(Change::Control(Seen::Ping(payload))),
        _ => Ok(Change::Control(Seen::Pong(payload))),
    };
    Call {
        expected,
        answer,
        most: 131,
    }
}

/// A message in pieces, as far as it goes: text must be able to become text.
fn follow(kind: Kind, data: Vec<u8>, last: bool) -> Result<Change, SendError> {
    if kind == Kind::Binary {
        return Ok(match last {
            true => Change::LastPiece(Seen::Binary(data)),
            false => Change::Piece(kind, data),
        });
    }
    match String::from_utf8(data) {
        Ok(text) if last => Ok(Change::LastPiece(Seen::Text(text))),
        Ok(text) => Ok(Change::Piece(kind, text.into())),
        Err(error) if last || error.utf8_error().error_len().is_some() => {
            Err(SendError::InvalidUtf8)
        }
        Err(error) => Ok(Change::Piece(kind, error.into_bytes())),
    }
}

/// What closing like this must answer.
fn may_close(code: u16, reason: &str, open: bool) -> Result<(), SendError> {
    let (len, limit) = (reason.len(), 123);
    let bare = code == 1005 && reason.is_empty();
    if !bare && matches!(code, 0 | 1005 | 1006 | 5000) {
        Err(SendError::BadCloseCode { code })
    } else if len > limit {
        Err(SendError::ControlTooLong { len, limit })
    } else if open {
        Ok(())
    } else {
        Err(SendError::Closed)
    }
}

fn borrow(message: &Seen) -> Message<'_> {
    match message {
        Seen::Binary(data) => Message::Binary(data),
        Seen::Ping(data) => Message::Ping(data),
        Seen::Pong(data) => Message::Pong(data),
        Seen::Text(text) => Message::Text(text),
    }
}
