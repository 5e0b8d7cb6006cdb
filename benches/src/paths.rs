//! The hottest paths, each a job of its own: what the binary `instructions` runs while somebody counts
//! its instructions.

use bytes::Buf;
use ws_core::buf::Pool;
use ws_core::connection::{Config, Connection, Event};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Instant, Role, Seed};

use crate::codec::{Case, Job, Question, Tally};
use crate::session;
use crate::wire::{self, Kind};

/// A path, by name, and how to prepare it: a job, and the messages that one run of it handles.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// As the baseline names it.
    pub name: &'static str,
    make: fn() -> (Job, usize),
}

impl Path {
    /// A job that handles some messages, and how many.
    #[must_use]
    pub fn job(&self) -> (Job, usize) {
        (self.make)()
    }
}

/// All of them.
pub const PATHS: [Path; 12] = [
    path("decode 16 B masked, lent", || {
        decode(16, true, "ours, lent")
    }),
    path("decode 16 B unmasked, lent", || {
        decode(16, false, "ours, lent")
    }),
    path("decode 16 KiB masked, owned", || {
        decode(16 << 10, true, "ours, owned")
    }),
    path("decode 1 KiB text masked, lent", || {
        of(decoding(Kind::MultiByte, true, 1), 1 << 10, "ours, lent")
    }),
    path("decode 1 KiB masked in 4 fragments, lent", || {
        of(decoding(Kind::Binary, true, 4), 1 << 10, "ours, lent")
    }),
    path("decode 16 B masked, read() on tokio", || {
        decode(16, true, "ours on tokio, read()")
    }),
    path("encode 16 B unmasked", || encode(16, true)),
    path("encode 16 B masked", || encode(16, false)),
    path("encode 1 KiB masked", || encode(1 << 10, false)),
    path("ping of 16 B to its pong", pong),
    path("session, 16 B received", || {
        let case = decoding(Kind::Binary, false, 1).case(16);
        (session::received(&case), case.messages)
    }),
    path("session, 16 B sent", || {
        let case = encoding(false).case(16);
        (session::sent(&case), case.messages)
    }),
];

const fn path(name: &'static str, make: fn() -> (Job, usize)) -> Path {
    Path { name, make }
}

const fn decoding(kind: Kind, server: bool, fragments: usize) -> Question {
    Question {
        decode: true,
        server,
        kind,
        fragments,
    }
}

const fn encoding(server: bool) -> Question {
    Question {
        decode: false,
        server,
        kind: Kind::Binary,
        fragments: 1,
    }
}

fn decode(size: usize, server: bool, who: &str) -> (Job, usize) {
    of(decoding(Kind::Binary, server, 1), size, who)
}

fn encode(size: usize, server: bool) -> (Job, usize) {
    of(encoding(server), size, "ours")
}

fn of(question: Question, size: usize, who: &str) -> (Job, usize) {
    let case = question.case(size);
    let job = question.job(who, &case).expect("one of ours");
    (job, case.messages)
}

/// A server that is pinged: from the ping in its receive buffer to the pong out of its queue.
fn pong() -> (Job, usize) {
    let (burst, bursts) = (1000, 20);
    let (mut pings, mut keys) = (Vec::new(), wire::Numbers::new(7));
    for _ in 0..burst {
        let ping = pings.len();
        let payload = Kind::Binary.payload(16);
        wire::message(&mut pings, Kind::Binary, &payload, 1, Some(keys.key()));
        pings[ping] = 0x89;
    }
    let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
    let mut conn = Connection::new(opened, &Config::default(), Instant::ORIGIN);
    let mut pool = Pool::new();
    let mut tape = Case::encode(Kind::Binary, 16, true).tape();
    let job = move || {
        let mut tally = Tally::default();
        for _ in 0..bursts {
            let (recv, send) = conn.io();
            recv.put_storage(pool.lend_receiving(), 0);
            send.put_storage(pool.lend_sending());
            recv.spare()[..pings.len()].copy_from_slice(&pings);
            recv.commit(pings.len());
            while let Some((event, _)) = conn.poll(Instant::ORIGIN) {
                if let Event::Ping(payload) = event {
                    tally.count(payload);
                }
            }
            let (recv, send) = conn.io();
            while send.has_remaining() {
                let len = send.chunk().len();
                tape.swallow(send.chunk());
                send.advance(len);
            }
            let storage = recv.take_storage();
            { storage.into_iter() }.for_each(|storage| pool.reclaim_receiving(storage));
            let storage = send.take_storage();
            { storage.into_iter() }.for_each(|storage| pool.reclaim_sending(storage));
        }
        tally
    };
    (Box::new(job), burst * bursts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_handles_as_many_messages_as_it_says() {
        for path in PATHS {
            let (mut job, messages) = path.job();
            for _ in 0..2 {
                assert_eq!(job().messages(), messages as u64, "{}", path.name);
            }
        }
    }
}
