//! Deadlines under random schedules (rule T2): after `handle_timeout(now)` nothing is due at `now`,
//! else a driver would spin; calling it early changes nothing; every closing comes to an end by
//! itself; and `Closed` is told once, last, whatever happens in which order.
//!
//! `WS_CASES` sets the number of cases; a failure prints how to replay it (see `support`).

use core::time::Duration;

use crate::support::{End, cases, close, frame};
use bytes::Buf;
use proptest::prelude::*;
use ws_core::connection::{Config, Keepalive, OwnedEvent};
use ws_core::{Machine, Role, Transport, TransportEnd};

#[derive(Clone, Debug)]
enum Op {
    Close,
    Handle,
    HandlerClose,
    Lost,
    Poll,
    Ready,
    Receive(Vec<u8>),
    Send(usize),
    /// Sleeps for so many milliseconds, then acts on what is due.
    Sleep(u64),
    /// Sleeps to the next deadline and, by so many milliseconds, beyond.
    SleepToDeadline(u64),
    Unwritable,
    Write(usize),
}

fn op(role: Role) -> impl Strategy<Value = Op> {
    let wire = prop_oneof![
        4 => Just(frame(role, 0x81, b"text")),
        2 => Just(frame(role, 0x89, b"ping")),
        2 => (0..4u64).prop_map(move |n| frame(role, 0x8a, &n.to_be_bytes())),
        1 => Just(frame(role, 0x82, &[0; 300])[..50].to_vec()),
        1 => Just(frame(role, 0x81, b"\xff")),
        1 => Just(vec![0x83]),
        1 => Just(close(role, 1000, "bye")),
    ];
    prop_oneof![
        8 => wire.prop_map(Op::Receive),
        8 => Just(Op::Poll),
        4 => Just(Op::Ready),
        6 => (0..400usize).prop_map(Op::Send),
        8 => (1..400usize).prop_map(Op::Write),
        6 => (0..100u64).prop_map(Op::Sleep),
        8 => (0..3u64).prop_map(Op::SleepToDeadline),
        4 => Just(Op::Handle),
        1 => Just(Op::Close),
        1 => Just(Op::HandlerClose),
        1 => Just(Op::Lost),
        1 => Just(Op::Unwritable),
    ]
}

prop_compose! {
    fn config()(
        interval in prop::option::of(1..50u64),
        timeout in 1..50u64,
        idle in prop::option::of(1..100u64),
        close in 1..50u64,
        send_limit in 1..1000usize,
    ) -> Config {
        let ms = Duration::from_millis;
        let keepalive = interval.map(|interval| {
            Keepalive::default().interval(ms(interval)).timeout(ms(timeout))
        });
        Config::default()
            .keepalive(keepalive)
            .idle_timeout(idle.map(ms))
            .close_timeout(ms(close))
            .send_limit(send_limit)
    }
}

/// An end under test, and what it said so far.
struct Watched {
    end: End,
    closed: bool,
}

impl Watched {
    fn events(&mut self) {
        for event in self.end.events() {
            assert!(!self.closed, "{event:?} after the end");
            self.closed = matches!(event, OwnedEvent::Closed(_));
        }
        if self.closed {
            assert!(!self.end.connection.sender().is_open());
        }
    }

    /// Acts on what is due, and holds the machine to rule T2.
    fn handle(&mut self) {
        let connection = &mut self.end.connection;
        let now = self.end.now;
        let early = connection.poll_timeout().is_none_or(|(at, _)| now < at);
        // Nothing is left to decode: what changes now is the doing of the timers.
        let settled = !connection.ready(now);
        let before = (connection.poll_timeout(), connection.io().1.remaining());
        connection.handle_timeout(now);
        let after = (connection.poll_timeout(), connection.io().1.remaining());
        assert!(
            after.0.is_none_or(|(at, _)| at > now),
            "{after:?} at {now:?}: a busy loop"
        );
        if early && settled {
            assert_eq!(before, after, "called early at {now:?}");
        }
    }

    fn apply(&mut self, op: &Op) {
        let now = self.end.now;
        let connection = &mut self.end.connection;
        match op {
            Op::Close => drop(connection.close(1000.into(), "ours", now)),
            Op::Handle => self.handle(),
            Op::HandlerClose => drop(connection.sender().close(1001.into(), "handler's")),
            Op::Lost => connection.lost(TransportEnd::Reset),
            Op::Poll => self.events(),
            Op::Ready => drop(connection.ready(now)),
            Op::Receive(wire) => self.end.receive(wire),
            Op::Send(len) => drop(connection.sender().binary(&vec![0; *len])),
            Op::Sleep(ms) => {
                self.end.now += Duration::from_millis(*ms);
                self.handle();
            }
            Op::SleepToDeadline(late) => {
                let at = connection.poll_timeout().map_or(now, |(at, _)| at.max(now));
                self.end.now = at + Duration::from_millis(*late);
                self.handle();
            }
            Op::Unwritable => connection.unwritable(now),
            Op::Write(most) => {
                let out = connection.io().1;
                out.advance(out.remaining().min(*most));
            }
        }
    }
}

fn run(role: Role, config: &Config, ops: &[Op]) {
    let mut watched = Watched {
        end: End::new(role, config),
        closed: false,
    };
    ops.iter().for_each(|op| watched.apply(op));

    // Left alone but for its timers, a closing connection comes to its end.
    drop(
        watched
            .end
            .connection
            .close(1000.into(), "enough", watched.end.now),
    );
    for _ in 0..10 {
        watched.events();
        let Some((at, _)) = watched.end.deadline() else {
            break;
        };
        watched.end.now = at.max(watched.end.now);
        watched.handle();
    }
    watched.events();
    assert!(watched.closed, "never told how it ended");
    assert_eq!(watched.end.transport(), Transport::Close);
    assert_eq!(watched.end.deadline(), None);
    (0..2).for_each(|_| watched.apply(&Op::Write(usize::MAX)));
    watched.end.assert_over();
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn nothing_is_due_after_handle_timeout_and_the_end_is_told_once_by_a_client(
        config in config(),
        ops in prop::collection::vec(op(Role::Client), 0..40),
    ) {
        run(Role::Client, &config, &ops);
    }

    #[test]
    fn nothing_is_due_after_handle_timeout_and_the_end_is_told_once_by_a_server(
        config in config(),
        ops in prop::collection::vec(op(Role::Server), 0..40),
    ) {
        run(Role::Server, &config, &ops);
    }
}
