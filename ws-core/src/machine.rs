//! What every machine that a transport drives has in common, so that one loop drives them all.
//! Knows no protocol, and drives nothing itself.

use core::fmt;

use crate::Instant;
use crate::buf::{RecvBuf, SendBuf};

/// Anything that is driven with bytes and time: the opening handshakes and the connection.
///
/// A driver owns the socket and the clock, a machine owns every decision, and one loop drives them
/// all:
///
/// 1. [`ready`](Machine::ready): is there something to take? If so, take it.
/// 2. Write what [`io`](Machine::io) has to write, as far as the transport takes it. If that was
///    anything, begin again: the end of a connection is told when its last words are written.
/// 3. Do what [`transport`](Machine::transport) says.
/// 4. Read into the receive buffer; at the end of the stream say [`lost`](Machine::lost). If that
///    brought anything, begin again.
/// 5. If [`poll_timeout`](Machine::poll_timeout) has passed, call
///    [`handle_timeout`](Machine::handle_timeout) and begin again.
/// 6. Give storage back, if it is shared ([`Pool::settle`](crate::buf::Pool::settle)), or at least what
///    the last long message was in ([`RecvBuf::take_long`]), and wait.
///
/// Reading comes before judging: what waits in the transport was said in time. But a peer that never
/// stops must not put a deadline off for ever, so one that has passed waits for one read at most.
///
/// The loop knows no protocol, and the machine knows no transport.
pub trait Machine {
    /// Processes what was received up to the next thing that the owner must take; `false` if there
    /// is none yet. Calling it again changes nothing.
    fn ready(&mut self, now: Instant) -> bool;

    /// [`ready`](Self::ready) for a driver to whom a look at the clock is dear: it is asked for the
    /// time only if that matters.
    fn ready_with(&mut self, now: impl Fn() -> Instant) -> bool
    where
        Self: Sized,
    {
        self.ready(now())
    }

    /// Is there something to take for which the time does not matter? For drivers to whom a look at
    /// the clock is dear; `true` is what [`ready`](Self::ready) would say, `false` says nothing.
    fn at_hand(&mut self) -> bool {
        false
    }

    /// Where received bytes go, and where bytes to be written come from. Two disjoint borrows: a
    /// read and a write may be under way at the same time.
    fn io(&mut self) -> (&mut RecvBuf, &mut SendBuf);

    /// No more bytes will be received.
    fn lost(&mut self, end: TransportEnd);

    /// No more bytes can be written; what was queued is dropped. What the peer sent before that is
    /// still read, until [`lost`](Self::lost) or a deadline: it may say why.
    fn unwritable(&mut self, now: Instant);

    /// What to do with the transport now, after writing as much as it takes. A level, not an event:
    /// asking again is fine, and nothing is missed by asking late.
    fn transport(&self) -> Transport;

    /// When [`handle_timeout`](Self::handle_timeout) must be called at the latest, and why.
    fn poll_timeout(&self) -> Option<(Instant, Deadline)>;

    /// Acts on the deadlines that have passed. Afterwards `poll_timeout` is later than `now`, or
    /// `None`, or there is something to take or to write. Calling it early changes nothing.
    fn handle_timeout(&mut self, now: Instant);
}

/// What the owner of the transport should do with it.
///
/// Exhaustive on purpose: a driver must handle all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// Keep reading and writing.
    Open,
    /// Everything is written: shut the write side down and keep reading. The peer may still be
    /// sending, and closing now would make its kernel drop what we said last.
    Shutdown,
    /// Close it; nothing more is to be gained.
    Close,
}

/// How the transport ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TransportEnd {
    /// The peer closed its side in an orderly way.
    Eof,
    /// Any other error of the transport.
    Other,
    /// The peer, or something on the way, reset the connection.
    Reset,
    /// The operating system gave up waiting for the peer.
    TimedOut,
}

impl fmt::Display for TransportEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eof => "the peer ended the stream",
            Self::Other => "the transport failed",
            Self::Reset => "the connection was reset",
            Self::TimedOut => "the transport timed out",
        })
    }
}

#[cfg(feature = "std")]
impl From<std::io::ErrorKind> for TransportEnd {
    fn from(kind: std::io::ErrorKind) -> Self {
        use std::io::ErrorKind;
        #[allow(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
        match kind {
            ErrorKind::UnexpectedEof => Self::Eof,
            ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::NotConnected => Self::Reset,
            ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Other,
        }
    }
}

/// Why a machine wants to be called at a certain time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Deadline {
    /// The closing handshake, or the end of the transport after it, takes too long.
    Close,
    /// The transport takes too long to connect.
    Dial,
    /// A session that is being drained takes too long.
    Drain,
    /// The opening handshake takes too long.
    Handshake,
    /// The application protocol's own heartbeat: one is due, or overdue.
    Heartbeat,
    /// Nothing was received for too long.
    Idle,
    /// Something about the login is due, or overdue.
    Login,
    /// It is time for a keepalive ping.
    Ping,
    /// The answer to a keepalive ping is overdue.
    Pong,
    /// Something in the queue may leave, or has waited too long.
    Queue,
    /// A request has waited too long for its answer.
    Request,
    /// It is time to dial again.
    Retry,
    /// What a connection begins with takes too long.
    Setup,
    /// Something about a subscription is due, or overdue.
    Subscription,
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Close => "closing handshake",
            Self::Dial => "dial",
            Self::Drain => "drain",
            Self::Handshake => "opening handshake",
            Self::Heartbeat => "heartbeat",
            Self::Idle => "idle",
            Self::Login => "login",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Queue => "queue",
            Self::Request => "request",
            Self::Retry => "retry",
            Self::Setup => "set-up",
            Self::Subscription => "subscription",
        })
    }
}
