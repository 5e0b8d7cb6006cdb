//! This project: the core, driven by hand.

use bytes::Buf;
use ws_core::buf::Pool;
use ws_core::connection::{Config, Connection, Event, OwnedEvent};
use ws_core::deflate::{Deflate, Takeover};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Instant, Role, Seed};

use super::{Case, LEVEL, Subject};
use crate::codec::{Job, Tally};
use crate::table::Class;

const NOW: Instant = Instant::ORIGIN;

const fn subject(name: &'static str, owns: bool, job: fn(&Case) -> Job) -> Subject {
    Subject {
        name,
        class: Class::Ours,
        owns,
        job,
    }
}

pub(super) const ENCODERS: [Subject; 1] = [subject("ours", false, encode)];

pub(super) const DECODERS: [Subject; 2] = [
    subject("ours, lent", false, |case| decode(case, false)),
    subject("ours, owned", true, |case| decode(case, true)),
];

/// One end, where both look back as far as they can.
pub(super) fn connection(role: Role, takeover: bool) -> Connection {
    let takeover = match takeover {
        true => Takeover::Keep,
        false => Takeover::Reset,
    };
    let deflate = Deflate::max_ratio()
        .level(LEVEL)
        .mem_level(8)
        .takeover(takeover)
        .peer_takeover(takeover);
    let (answer, server) = deflate.accept(&deflate.offers()).expect("an agreement");
    let mut agreed = Agreed::default();
    agreed.deflate = Some(match role {
        Role::Client => deflate.confirm(&answer).expect("an agreement"),
        Role::Server => server,
    });
    let opened = Opened::upgraded(role, agreed, &[], Seed::new([7; 32]));
    Connection::new(opened, &Config::default(), NOW)
}

/// Sends a message and hands over what is to be written.
pub(super) fn send(connection: &mut Connection, message: &[u8], mut take: impl FnMut(&[u8])) {
    let text = core::str::from_utf8(message).expect("JSON");
    connection.sender().text(text).expect("open");
    let out = connection.io().1;
    while out.has_remaining() {
        let n = out.chunk().len();
        take(out.chunk());
        out.advance(n);
    }
}

fn encode(case: &Case) -> Job {
    let (messages, mut tape) = (case.messages.clone(), case.tape());
    let mut server = connection(Role::Server, case.takeover);
    Box::new(move || {
        let mut tally = Tally::default();
        for message in &messages {
            send(&mut server, message, |bytes| tape.swallow(bytes));
            tally.count_all(1, message.len());
        }
        tally
    })
}

fn decode(case: &Case, owned: bool) -> Job {
    let (count, mut tape) = (case.messages.len(), case.tape());
    let mut server = connection(Role::Server, case.takeover);
    let mut pool = Pool::new();
    Box::new(move || {
        let mut tally = Tally::default();
        let mut left = count;
        while left > 0 {
            let recv = server.io().0;
            pool.supply(recv);
            let room = recv.spare();
            let part = tape.part(room.len());
            room[..part.len()].copy_from_slice(part);
            let n = part.len();
            recv.commit(n);
            loop {
                match owned {
                    true => match server.poll_owned(NOW) {
                        Some(OwnedEvent::Text(text)) => tally.count(text.as_bytes()),
                        _ => break,
                    },
                    false => match server.poll(NOW) {
                        Some((Event::Text(text), _)) => tally.count(text.as_bytes()),
                        _ => break,
                    },
                }
                left -= 1;
            }
        }
        tally
    })
}
