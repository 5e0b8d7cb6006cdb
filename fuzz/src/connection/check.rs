//! What must hold at any time, and what must come of it all.

use bytes::Buf;
use ws_core::connection::{AutoPong, By, Cause};
use ws_core::error::{ProtocolError, SendError};
use ws_core::message::Limits;
use ws_core::{Deadline, Machine, Transport};

use super::Run;
use crate::frame::frame;
use crate::plain::{End, Seen, Told, decode};
use crate::reading::Reads;
use crate::sending::is_own;

/// The longest control frame.
const CONTROL: usize = 131;

/// The largest storage that is lent, and the largest frame that waits in the receive buffer.
const STORAGE: usize = 64 << 10;

impl Run {
    /// What is held is bounded by what has arrived, and by the limit of the queue.
    pub(super) fn check_bounds(&mut self) {
        let (recv, send) = self.end.io();
        let most = 2 * self.most_held + STORAGE + 16;
        assert!(recv.capacity() <= most, "{} of {most}", recv.capacity());

        let limit = self.config.send_limit.max(1);
        assert_eq!(send.is_full(), send.remaining() >= limit);
        assert_eq!(send.is_empty(), send.remaining() == 0);
        // On top of one call: a pong that was held back, a keepalive ping, and a Close frame.
        let most = limit - 1 + self.sending.largest.max(CONTROL) + 3 * CONTROL;
        // What is being written is not in the queue, and may come back to it.
        let most = most + self.most_popped;
        assert!(send.remaining() <= most, "{} of {most}", send.remaining());
        self.most_queued = self.most_queued.max(send.remaining());
        let most = 4 * self.most_queued + STORAGE;
        assert!(send.capacity() <= most, "{} of {most}", send.capacity());
    }

    /// Silence is watched as long as the connection is open, and nothing else has a deadline then.
    pub(super) fn check_deadline(&mut self) {
        if !self.end.sender().is_open() || self.lost.is_some() {
            return;
        }
        let keepalive = self.config.keepalive.as_ref();
        let alive = keepalive.map(|alive| alive.interval.saturating_add(alive.timeout));
        let within = [alive, self.config.idle_timeout]
            .into_iter()
            .flatten()
            .min();
        let due = self.end.poll_timeout();
        assert_eq!(due.is_some(), within.is_some());
        if let (Some((at, why)), Some(within)) = (due, within) {
            assert!(at <= self.now + within, "{at:?} at {:?}", self.now);
            assert_ne!(why, Deadline::Close, "what is open is not closing");
        }
    }

    /// Lets everything arrive and everything out, closes, and sees to the end.
    pub(super) fn finish(mut self) {
        self.settle();
        self.read(usize::MAX, Reads::PLAIN);
        self.settle();
        self.check_told();
        if self.end.sender().is_open() {
            let code = 1000u16;
            self.end.close(code.into(), "", self.now).expect("open");
            self.sending.close = Some(code.to_be_bytes().to_vec());
        }
        for _ in 0..10 {
            self.settle();
            if self.end.transport() == Transport::Close {
                break;
            }
            assert!(self.end.poll_timeout().is_some(), "waits for ever");
            self.next_deadline();
        }
        self.settle();
        self.check_told();
        self.check_written();
        self.check_over();
    }

    /// Takes and writes all there is.
    fn settle(&mut self) {
        for _ in 0..2 {
            while self.take() {}
            self.write_all();
        }
        assert!(!self.take() || self.closed.is_some() && !self.take());
        self.check_bounds();
    }

    /// Compares what was told with what a plain decoder makes of the same bytes.
    fn check_told(&self) {
        let Told { seen, end, .. } = decode(self.role.peer(), &self.config.limits, &self.received);
        assert!(seen.starts_with(&self.told), "{:?} of {seen:?}", self.told);
        let cause = self.closed.as_ref().map(|closed| &closed.cause);
        let expected = match (&self.fault, cause) {
            // Text that was found in time, and looked at when it was too late.
            (Some(ProtocolError::InvalidUtf8), Some(Cause::Timeout(_) | Cause::Transport(_))) => {
                return;
            }
            (Some(fault), cause) => {
                assert!(cause.is_none_or(|cause| *cause == Cause::Protocol(fault.clone())));
                match fault {
                    // Time is unknown to the plain decoder.
                    ProtocolError::ControlRate { limit } => {
                        let controls = self.told.iter().filter(|seen| !seen.is_message());
                        return assert!(controls.count() >= *limit as usize);
                    }
                    _ => End::Fault(fault.close_code().get()),
                }
            }
            (None, None) => End::Open,
            (None, Some(Cause::Local | Cause::Peer)) => {
                assert!(matches!(end, End::Close(_)));
                end.clone()
            }
            (None, Some(Cause::Transport(_))) if !self.unwritable => End::Open,
            // It did not receive to the end.
            (None, Some(Cause::Transport(_) | Cause::Timeout(_))) => return,
            (None, Some(cause)) => panic!("{cause:?} without a fault"),
        };
        assert_eq!((self.told.len(), end), (seen.len(), expected));
    }

    /// What was written is a faultless stream of frames, and holds what was sent.
    fn check_written(&self) {
        let unlimited = Limits::default()
            .max_fragments(u32::MAX)
            .max_empty_fragments(u32::MAX);
        let Told {
            seen,
            end,
            used,
            longest,
        } = decode(self.role, &unlimited, &self.written);
        if let Some(size) = self.config.fragment_size {
            assert!(longest <= size.get().max(self.sending.longest_piece));
        }
        let (messages, controls): (Vec<_>, Vec<_>) = seen.into_iter().partition(Seen::is_message);
        let (own, replies): (Vec<_>, Vec<_>) = controls.into_iter().partition(is_own);
        assert!(self.sending.messages.starts_with(&messages));
        if !self.unwritable {
            assert_eq!(
                used,
                self.written.len(),
                "whole frames, and nothing behind a Close"
            );
            assert_eq!(messages.len(), self.sending.messages.len());
            self.check_close(&end);
        }
        assert!(!matches!(end, End::Fault(_)), "{end:?}");

        let pings = self.told.iter().filter_map(|seen| match seen {
            Seen::Ping(payload) => Some(Seen::Pong(payload.clone())),
            _ => None,
        });
        let due: Vec<Seen> = match self.config.auto_pong {
            AutoPong::Off => vec![],
            AutoPong::On => pings.collect(),
        };
        if due.iter().any(is_own) {
            return; // They can't be told apart.
        }
        assert!(self.sending.controls.starts_with(&own));
        if !self.unwritable {
            assert_eq!(own.len(), self.sending.controls.len());
        }
        let (pongs, keepalive): (Vec<_>, Vec<_>) = replies
            .into_iter()
            .partition(|reply| matches!(reply, Seen::Pong(_)));
        let mut due = due.iter();
        for pong in &pongs {
            assert!(
                due.any(|due| due == pong),
                "a pong without its ping: {pong:?}"
            );
        }
        for (number, ping) in (1u64..).zip(keepalive) {
            assert_eq!(ping, Seen::Ping(number.to_be_bytes().to_vec()));
        }
    }

    /// The one Close frame that was written is the one that was due.
    fn check_close(&self, written: &End) {
        let closed = self.closed.as_ref().expect("asserted before");
        let with = |code: u16, reason: &str| [&code.to_be_bytes(), reason.as_bytes()].concat();
        if let Some(own) = &self.sending.close {
            return assert_eq!(*written, End::Close(own.clone()));
        }
        let mut due = vec![];
        match &closed.cause {
            Cause::Peer if closed.code.get() == 1005 => due.push(End::Close(vec![])),
            Cause::Peer | Cause::Timeout(Deadline::Idle | Deadline::Pong) => {
                due.push(End::Close(with(closed.code.get(), &closed.reason)));
            }
            Cause::Transport(_) => {
                assert_eq!(closed.by, By::Transport);
                due.push(End::Open);
            }
            _ => {}
        }
        if let Some(fault) = &self.fault {
            due.push(End::Close(with(
                fault.close_code().get(),
                &fault.to_string(),
            )));
        }
        if self.config.idle_timeout.is_some() {
            // A closing handshake that ended otherwise.
            due.push(End::Close(with(1001, "idle timeout")));
        }
        assert!(due.contains(written), "{written:?}, and not {due:?}");
    }

    /// Nothing more comes of it, whatever is tried.
    fn check_over(&mut self) {
        assert!(self.closed.is_some());
        assert_eq!(self.end.transport(), Transport::Close);
        let queued = self.end.io().1.remaining();
        let late = frame(self.role.peer(), 0x89, b"late");
        self.end.io().0.extend_from_slice(&late);
        for _ in 0..2 {
            self.now += self.config.close_timeout;
            assert!(!self.take() && !self.end.ready(self.now));
            assert_eq!(self.end.io().0.filled(), b"", "nothing is kept");
            self.end.handle_timeout(self.now);
            assert_eq!(self.end.poll_timeout(), None);
            assert_eq!(self.end.sender().text("late"), Err(SendError::Closed));
        }
        assert_eq!(self.end.io().1.remaining(), queued);
        self.lose(&mut crate::input::Input::new(&[]));
        self.fail_writes();
        assert!(!self.take());
        assert_eq!(self.end.closed(), self.closed.as_ref());
        assert_eq!(self.end.transport(), Transport::Close);
    }
}
