//! This project: the core driven by hand, and the same through the pump on a stream of tokio's.

use bytes::Buf;
use ws_core::buf::Pool;
use ws_core::connection::{Config, Connection, Event, OwnedEvent, Sender};
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::Message;
use ws_core::{Instant, Role, Seed};
use ws_tokio::WebSocket;

use super::{Case, Job, Subject, Tally};
use crate::table::Class;
use crate::tape::{Tape, drive};
use crate::wire::LIMIT;

const fn subject(name: &'static str, owns: bool, job: fn(&Case) -> Option<Job>) -> Subject {
    Subject {
        name,
        class: Class::Ours,
        owns,
        job,
    }
}

pub(super) const DECODERS: [Subject; 4] = [
    subject("ours, lent", false, |case| Some(lent(case))),
    subject("ours, owned", true, |case| Some(owned(case))),
    subject("ours on tokio, read()", false, |case| Some(pump_lent(case))),
    subject("ours on tokio, next()", true, |case| Some(pump_owned(case))),
];

pub(super) const ENCODERS: [Subject; 3] = [
    subject("ours", false, |case| Some(encode(case))),
    subject("ours, shared payload", false, encode_shared),
    subject("ours on tokio, feed()", false, |case| {
        Some(pump_encode(case))
    }),
];

/// What the opening handshake would have left behind.
fn opened(case: &Case) -> Opened {
    let role = if case.server {
        Role::Server
    } else {
        Role::Client
    };
    Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]))
}

fn config() -> Config {
    let mut config = Config::default();
    config.limits.max_frame = LIMIT;
    config.limits.max_message = LIMIT;
    config
}

/// A connection and what its driver needs.
struct Driven {
    conn: Connection,
    pool: Pool,
    tape: Tape,
}

impl Driven {
    fn new(case: &Case) -> Self {
        let conn = Connection::new(opened(case), &config(), Instant::ORIGIN);
        Self {
            conn,
            pool: Pool::new(),
            tape: case.tape(),
        }
    }

    /// One read, into storage of the pool's, as a driver does it.
    #[inline]
    fn fill(&mut self) {
        let recv = self.conn.io().0;
        self.pool.supply(recv);
        let room = recv.spare_hot();
        let part = self.tape.part(room.len());
        room[..part.len()].copy_from_slice(part);
        recv.commit(part.len());
    }

    fn flush(&mut self) {
        let send = self.conn.io().1;
        while send.has_remaining() {
            let len = send.chunk().len();
            self.tape.swallow(send.chunk());
            send.advance(len);
        }
    }
}

fn lent(case: &Case) -> Job {
    let (mut driven, messages) = (Driven::new(case), case.messages);
    Box::new(move || {
        let mut tally = Tally::default();
        let mut left = messages;
        while left > 0 {
            match driven.conn.poll(Instant::ORIGIN) {
                Some((Event::Binary(data), _)) => tally.count(data),
                Some((Event::Text(text), _)) => tally.count(text.as_bytes()),
                Some(_) => break,
                None => {
                    driven.fill();
                    continue;
                }
            }
            left -= 1;
        }
        tally
    })
}

fn owned(case: &Case) -> Job {
    let (mut driven, messages) = (Driven::new(case), case.messages);
    Box::new(move || {
        let mut tally = Tally::default();
        let mut left = messages;
        while left > 0 {
            match driven.conn.poll_owned(Instant::ORIGIN) {
                Some(OwnedEvent::Binary(data)) => tally.count(&data),
                Some(OwnedEvent::Text(text)) => tally.count(text.as_bytes()),
                Some(_) => break,
                None => {
                    driven.fill();
                    continue;
                }
            }
            left -= 1;
        }
        tally
    })
}

fn socket(case: &Case) -> WebSocket<Tape> {
    WebSocket::upgraded(case.tape(), opened(case), &config())
}

fn pump_lent(case: &Case) -> Job {
    let (mut socket, messages) = (socket(case), case.messages);
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                match socket.read().await {
                    Some((Event::Binary(data), _)) => tally.count(data),
                    Some((Event::Text(text), _)) => tally.count(text.as_bytes()),
                    _ => break,
                }
            }
            tally
        })
    })
}

fn pump_owned(case: &Case) -> Job {
    let (mut socket, messages) = (socket(case), case.messages);
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                match socket.next().await {
                    Some(OwnedEvent::Binary(data)) => tally.count(&data),
                    Some(OwnedEvent::Text(text)) => tally.count(text.as_bytes()),
                    _ => break,
                }
            }
            tally
        })
    })
}

/// Encodes all messages of a run with `send`, flushing burst by burst.
fn encode_with(case: &Case, send: impl Fn(&mut Sender) -> bool + 'static) -> Job {
    let mut driven = Driven::new(case);
    let (bursts, burst, len) = (case.messages / case.burst, case.burst, case.payload.len());
    Box::new(move || {
        let mut tally = Tally::default();
        for _ in 0..bursts {
            let queue = driven.conn.io().1;
            if !queue.has_storage() {
                queue.put_storage(driven.pool.lend_sending());
            }
            let sender = driven.conn.sender();
            let sent = (0..burst).filter(|_| send(sender)).count();
            tally.count_all(sent, len);
            driven.flush();
            if let Some(storage) = driven.conn.io().1.take_storage() {
                driven.pool.reclaim_sending(storage);
            }
        }
        tally
    })
}

fn encode(case: &Case) -> Job {
    if case.kind.is_text() {
        let text = String::from(case.text());
        return encode_with(case, move |sender| sender.text(&text).is_ok());
    }
    let data = case.payload.clone();
    encode_with(case, move |sender| sender.binary(&data).is_ok())
}

/// The message of a case as one that shares its payload.
fn shared(case: &Case) -> Message<'static> {
    if case.kind.is_text() {
        Message::SharedText(case.text().into())
    } else {
        Message::SharedBinary(case.payload.clone())
    }
}

/// Only a server shares, and only what is worth it.
fn encode_shared(case: &Case) -> Option<Job> {
    let message = shared(case);
    let worth = case.server && case.payload.len() >= Config::default().share_min;
    worth.then(|| encode_with(case, move |sender| sender.send(message.clone()).is_ok()))
}

fn pump_encode(case: &Case) -> Job {
    let (mut socket, message) = (socket(case), shared(case));
    let (bursts, burst, len) = (case.messages / case.burst, case.burst, case.payload.len());
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..bursts {
                for _ in 0..burst {
                    if socket.feed(message.clone()).await.is_ok() {
                        tally.count_all(1, len);
                    }
                }
                if socket.flush().await.is_err() {
                    break;
                }
            }
            tally
        })
    })
}
