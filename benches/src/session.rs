//! The session over a connection: what it adds to a message, and how often it wakes its owner when
//! nothing happens.
//!
//! Both are the core alone, in memory and without a clock: the same loop around a bare connection and
//! around a session of default configuration and without a dialect.

use std::time::Duration;

use bytes::Buf;
use ws_core::buf::Pool;
use ws_core::connection::{self, Config, Connection};
use ws_core::handshake::{Accept, Limits, Request, ServerHandshake};
use ws_core::session::{Action, ConnId, Event, Session, SessionConfig};
use ws_core::{Instant, Machine, Seed};

use crate::args::Effort;
use crate::codec::{Case, Job, Question, SIZES, Tally, nanos_per_message, size_name};
use crate::stats::{Samples, interleave};
use crate::table::{Class, Row, Scale, Table};
use crate::tape::Tape;
use crate::wire::{Kind, LIMIT};

/// Sizes of messages: what a session is for.
const MOST: usize = 1 << 10;

/// For how long the idle session is watched.
const WATCHED: Duration = Duration::from_secs(60 * 60);

/// An open session and the server that it is connected to, without the network between them.
struct Opened {
    session: Session,
    conn: ConnId,
    server: Connection,
}

/// Moves all that one end has written to the other; was that anything?
fn carry(from: &mut dyn Machine, to: &mut dyn Machine) -> bool {
    let send = from.io().1;
    let bytes = send.copy_to_bytes(send.remaining());
    to.io().0.extend_from_slice(&bytes);
    !bytes.is_empty()
}

/// A session that has dialed, shaken hands and told its owner.
fn open(now: Instant) -> Opened {
    let request = Request::new("ws://localhost/").expect("a URL");
    let config = Config::default().limits(
        ws_core::message::Limits::default()
            .max_message(LIMIT)
            .max_frame(LIMIT),
    );
    let defaults = SessionConfig::default();
    let keepalive = defaults.connection.keepalive;
    let config = defaults.connection(config.keepalive(keepalive));
    let mut session = Session::new(request, config, Seed::new([7; 32]));
    session.start(now);
    let Some(Action::Dial { conn, .. }) = session.action() else {
        panic!("a session that was started dials");
    };
    assert!(session.dialed(conn, now));
    session.ready(now);
    let mut handshake = ServerHandshake::new(Limits::default(), now);
    carry(&mut session, &mut handshake);
    let asked = handshake.poll(now).expect("it is a request").is_some();
    assert!(asked, "all of it is there");
    let accepted = handshake.accept(Accept::new());
    accepted.expect("nothing was asked that can't be given");
    carry(&mut handshake, &mut session);
    let opened = handshake.finish().expect("the answer is written");
    while session.poll(now).is_some() {}
    assert!(matches!(
        session.state(),
        ws_core::session::State::Ready { .. }
    ));
    Opened {
        session,
        conn,
        server: Connection::new(opened, &Config::default(), now),
    }
}

/// One read, into storage of the pool's, as a driver does it.
fn fill(session: &mut Session, pool: &mut Pool, tape: &mut Tape) {
    let recv = Machine::io(session).0;
    if recv.capacity() < Pool::chunk()
        && let Some(storage) = recv.put_storage(pool.lend_receiving(), 0)
    {
        pool.reclaim_receiving(storage);
    }
    let room = recv.spare();
    let part = tape.part(room.len());
    room[..part.len()].copy_from_slice(part);
    recv.commit(part.len());
}

/// Receives all messages of a case, lent.
#[must_use]
pub fn received(case: &Case) -> Job {
    let (mut tape, messages) = (case.tape(), case.messages);
    let (mut session, mut pool) = (open(Instant::ORIGIN).session, Pool::new());
    Box::new(move || {
        let mut tally = Tally::default();
        let mut left = messages;
        while left > 0 {
            match session.poll(Instant::ORIGIN) {
                Some(Event::Binary(data)) => tally.count(data),
                Some(Event::Text(text)) => tally.count(text.as_bytes()),
                Some(_) => break,
                None => {
                    fill(&mut session, &mut pool, &mut tape);
                    continue;
                }
            }
            left -= 1;
        }
        tally
    })
}

/// Sends all messages of a case, burst by burst.
#[must_use]
pub fn sent(case: &Case) -> Job {
    let (mut tape, payload) = (case.tape(), case.payload.clone());
    let (bursts, burst) = (case.messages / case.burst, case.burst);
    let (mut session, mut pool) = (open(Instant::ORIGIN).session, Pool::new());
    Box::new(move || {
        let mut tally = Tally::default();
        for _ in 0..bursts {
            let queue = Machine::io(&mut session).1;
            if !queue.has_storage() {
                queue.put_storage(pool.lend_sending());
            }
            let message = &payload[..];
            let sent = (0..burst).filter(|_| session.send(message, Instant::ORIGIN).is_ok());
            tally.count_all(sent.count(), payload.len());
            let queue = Machine::io(&mut session).1;
            while queue.has_remaining() {
                let len = queue.chunk().len();
                tape.swallow(queue.chunk());
                queue.advance(len);
            }
            let storage = queue.take_storage();
            { storage.into_iter() }.for_each(|storage| pool.reclaim_sending(storage));
        }
        tally
    })
}

/// What a message costs through a session, through the connection alone, and the difference.
#[must_use]
#[allow(clippy::missing_panics_doc, reason = "it never does")]
pub fn overhead(effort: &Effort) -> Table {
    let mut columns = Vec::new();
    let mut cells = [const { Vec::new() }; 3];
    for (decode, word) in [(true, "received"), (false, "sent")] {
        let question = Question {
            decode,
            server: false,
            kind: Kind::Binary,
            fragments: 1,
        };
        let bare = if decode { "ours, lent" } else { "ours" };
        for size in SIZES.into_iter().filter(|&size| size <= MOST) {
            let column = format!("{word}, {}", size_name(size));
            if !effort.wants_column(&column) {
                continue;
            }
            let case = question.case(size);
            let through = if decode { received } else { sent };
            let bare = question.job(bare, &case).expect("it is always there");
            let mut jobs = [through(&case), bare];
            for job in &mut jobs {
                case.check(&column, Class::Ours, job);
            }
            let [session, bare] = &interleave(effort.rounds, &mut jobs, |job| {
                nanos_per_message(job, case.messages, effort.codec_sample)
            })[..] else {
                unreachable!("as many as jobs");
            };
            let pairs = session.values().iter().zip(bare.values());
            let more = Samples::new(pairs.map(|(session, bare)| session - bare).collect());
            for (row, samples) in cells.iter_mut().zip([session, bare, &more]) {
                row.push(Some(samples.clone()));
            }
            columns.push(column);
        }
    }
    let names = ["session", "connection alone", "what the session adds"];
    Table {
        id: "session-overhead".into(),
        title: "a message through a session, the core alone".into(),
        unit: "ns per message",
        more: false,
        scale: Scale::PerColumn,
        columns,
        rows: rows(names, cells),
    }
}

fn rows<const N: usize>(names: [&str; N], cells: [Vec<Option<Samples>>; N]) -> Vec<Row> {
    let rows = names.into_iter().zip(cells);
    rows.map(|(name, cells)| Row {
        name: name.into(),
        class: Class::Ours,
        owns: false,
        runtime: None,
        cells,
    })
    .collect()
}

/// How often an idle session wakes its owner: for a deadline, or for bytes of its peer's.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Wakes {
    deadlines: u32,
    reads: u32,
}

/// Lets time pass for a session with nothing to do and a server that answers pings at once.
fn idle() -> Wakes {
    let start = Instant::ORIGIN;
    let Opened {
        mut session,
        conn,
        mut server,
    } = open(start);
    let mut wakes = Wakes::default();
    while let Some((at, _)) = session.poll_timeout() {
        if at > start + WATCHED {
            break;
        }
        session.handle_timeout(at);
        wakes.deadlines += 1;
        while session.poll(at).is_some() {}
        carry(&mut session, &mut server);
        while server.poll(at).is_some() {}
        if carry(&mut server, &mut session) {
            wakes.reads += 1;
            while session.poll(at).is_some() {}
        }
    }
    assert_eq!(session.conn(), conn, "it is still the first connection");
    wakes
}

/// Wake-ups of an idle session. Time is virtual: every run gives the same.
#[must_use]
pub fn idle_wakes() -> Table {
    let Wakes { deadlines, reads } = idle();
    let minutes = WATCHED.as_secs_f64() / 60.0;
    let keepalive = SessionConfig::default().connection.keepalive;
    let keepalive: connection::Keepalive = keepalive.unwrap_or_default();
    let intervals = WATCHED.as_secs_f64() / keepalive.interval.as_secs_f64();
    let cells = [f64::from(deadlines), f64::from(reads)].map(|count| {
        let cell = |per: f64| Some(Samples::new(vec![count / per]));
        vec![cell(minutes), cell(intervals)]
    });
    Table {
        id: "session-idle".into(),
        title: "wake-ups of an idle session with its default heartbeat".into(),
        unit: "wake-ups",
        more: false,
        scale: Scale::PerColumn,
        columns: vec!["per minute".into(), "per ping interval".into()],
        rows: rows(["for a deadline", "for a pong"], cells),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_handles_every_message() {
        for kind in Kind::ALL {
            let case = Case::decode(kind, 100, false, 1);
            case.check("received", Class::Ours, &mut received(&case));
        }
        let case = Case::encode(Kind::Binary, 100, false);
        case.check("sent", Class::Ours, &mut sent(&case));
    }

    #[test]
    fn an_idle_session_wakes_at_most_twice_in_a_ping_interval() {
        let Wakes { deadlines, reads } = idle();
        // The interval is 15 s, give or take 10 %.
        let intervals = 60 * 60 / 15;
        assert!(
            (intervals * 9 / 10..=intervals * 11 / 10).contains(&reads),
            "{reads} pings were answered"
        );
        assert!(deadlines <= reads + 1, "{deadlines} for {reads} pings");
    }
}
