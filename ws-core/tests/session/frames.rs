//! M01: the frame log of a session in virtual time: what is compressed, fragmented and written byte by
//! byte is in it as what it was.
#![cfg(all(feature = "deflate", feature = "testing"))]

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::connection::{Config, Connection, Event as Heard};
use ws_core::deflate::Deflate;
use ws_core::handshake::{Accept, Limits, Request, ServerHandshake};
use ws_core::message::Message;
use ws_core::session::{Action, Session, SessionConfig};
use ws_core::testing::{Direction, Entry, LogReader, OwnedFrame, RecorderConfig};
use ws_core::{Instant, Machine, Seed, UnixTime};

const NOW: Instant = Instant::ORIGIN;

/// Moves bytes both ways, at most `step` at a time, until nothing moves.
fn exchange(session: &mut Session, server: &mut dyn Machine, step: usize) {
    loop {
        let mut moved = false;
        while session.poll_owned(NOW).is_some() {}
        let conn = session.conn();
        let Some((recv, send)) = session.io(conn) else {
            return;
        };
        let n = send.chunk().len().min(step);
        if n > 0 {
            server.io().0.extend_from_slice(&send.chunk()[..n]);
            send.advance(n);
            moved = true;
        }
        if let Some(bytes) = server.io().1.pop() {
            recv.extend_from_slice(&bytes);
            moved = true;
        }
        if !moved {
            return;
        }
    }
}

const WALL: UnixTime = UnixTime::from_nanos(1_700_000_000_000_000_000);

fn connect(config: Config, deflate: Deflate) -> (Session, Connection) {
    let mut session = recorded(config, deflate.clone());
    session.wall_clock(WALL, NOW);
    let server = open(&mut session, deflate);
    (session, server)
}

fn recorded(config: Config, deflate: Deflate) -> Session {
    let request = Request::new("ws://example.com/feed/hunter1?token=hunter2").expect("a url");
    let config = SessionConfig::default().connection(config);
    let mut session = Session::new(request.deflate(deflate), config, Seed::new([3; 32]));
    session.record_frames(RecorderConfig::default().max_bytes(usize::MAX));
    session
}

fn open(session: &mut Session, deflate: Deflate) -> Connection {
    session.start(NOW);
    let Some(Action::Dial { conn, .. }) = session.action() else {
        panic!("a dial");
    };
    assert!(session.dialed(conn, NOW));
    upgrade(session, deflate)
}

fn upgrade(session: &mut Session, deflate: Deflate) -> Connection {
    let mut handshake = ServerHandshake::new(Limits::default(), NOW);
    exchange(session, &mut handshake, usize::MAX);
    assert!(handshake.poll(NOW).expect("a request").is_some());
    handshake
        .accept(Accept::new().deflate(deflate))
        .expect("acceptable");
    exchange(session, &mut handshake, usize::MAX);
    handshake.poll(NOW).expect("open");
    let opened = handshake.finish().expect("an answer that was written");
    Connection::new(opened, &Config::default(), NOW)
}

/// What was written down, and its lines that are frames.
fn lines(session: &mut Session) -> (String, Vec<Entry>) {
    let file = session.take_frames(NOW).expect("recording");
    let text = String::from_utf8(file).expect("json");
    let mut reader = LogReader::default();
    let entries = text.lines().filter_map(|line| reader.line(line.as_bytes()));
    let entries = entries.collect();
    assert_eq!(reader.metadata().malformed, 0, "{text}");
    (text, entries)
}

#[test]
fn m01_what_is_compressed_fragmented_and_cut_is_written_down_as_it_was() {
    for (step, fragment) in [(1, Some(7)), (usize::MAX, None), (100, Some(64))] {
        let config = Config::default().fragment_size(fragment.and_then(NonZeroUsize::new));
        let deflate = Deflate::balanced();
        let (mut session, mut server) = connect(config, deflate);
        let texts: Vec<String> = (0..20)
            .map(|i| format!("text {i} ").repeat(i * 20))
            .collect();
        for text in &texts {
            session.send(&**text, NOW).expect("ready");
            session.send(Message::Ping(b"ping"), NOW).expect("ready");
            session.send(text.as_bytes(), NOW).expect("ready");
            exchange(&mut session, &mut server, step);
            while let Some((event, reply)) = server.poll(NOW) {
                if let Heard::Text(text) = event {
                    let _ = reply.text(text);
                }
            }
            exchange(&mut session, &mut server, step);
        }
        session
            .close(CloseCode::NORMAL, "done", NOW)
            .expect("a code");
        exchange(&mut session, &mut server, step);
        server.ready(NOW);
        exchange(&mut session, &mut server, step);

        let stats = session.frame_stats().expect("recording");
        assert_eq!(stats.dropped, 0);
        let file = session.take_frames(NOW).expect("recording");
        assert_eq!(file.len() as u64, stats.bytes);
        let text = String::from_utf8(file).expect("json");
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains(r#""origin":"ws://example.com","#), "{text}");
        let mut reader = LogReader::default();
        let lines = text.lines().filter_map(|line| reader.line(line.as_bytes()));
        let (sent, heard): (Vec<_>, Vec<_>) =
            lines.partition(|entry| entry.direction == Direction::Out);
        assert_eq!(reader.metadata().malformed, 0);
        assert_eq!(reader.metadata().duration, Duration::ZERO);

        let ping = || OwnedFrame::Ping(b"ping".to_vec());
        let close = OwnedFrame::Close {
            code: 1000,
            reason: "done".into(),
        };
        // A ping may go in front of the rest of a message that it follows, and is in order otherwise.
        let pings = sent.iter().filter(|entry| entry.frame == ping()).count();
        assert_eq!(pings, texts.len());
        let rest = sent.into_iter().map(|entry| entry.frame);
        let rest: Vec<_> = rest.filter(|frame| *frame != ping()).collect();
        let expected = texts.iter().flat_map(|text| {
            let binary = OwnedFrame::Binary(text.clone().into_bytes());
            [OwnedFrame::Text(text.clone()), binary]
        });
        let expected: Vec<_> = expected.chain([close.clone()]).collect();
        assert_eq!(rest, expected, "{step} {fragment:?}");

        let pong = OwnedFrame::Pong(b"ping".to_vec());
        let texts_heard = heard.iter().filter_map(|entry| match &entry.frame {
            OwnedFrame::Text(text) => Some(text),
            _ => None,
        });
        assert!(texts_heard.eq(&texts));
        let pongs = heard.iter().filter(|entry| entry.frame == pong).count();
        assert_eq!(pongs, texts.len());
    }
}

#[test]
fn m01_each_way_has_the_close_frame_that_went_it() {
    let close = |code, reason: &str| OwnedFrame::Close {
        code,
        reason: reason.into(),
    };
    let closes = |session: &mut Session| {
        let entries = lines(session).1.into_iter();
        let closes = entries.map(|entry| (entry.direction, entry.frame));
        closes.collect::<Vec<_>>()
    };
    // A server that answers with a code of its own, which `Closed` has nothing of.
    let (mut session, mut server) = connect(Config::default(), Deflate::balanced());
    let ours = (Direction::Out, close(1000, "done"));
    session
        .close(CloseCode::NORMAL, "done", NOW)
        .expect("a code");
    exchange(&mut session, &mut server, usize::MAX);
    let conn = session.conn();
    let (recv, _) = session.io(conn).expect("a connection");
    recv.extend_from_slice(b"\x88\x05\x03\xe9bye");
    while session.poll_owned(NOW).is_some() {}
    let theirs = (Direction::In, close(1001, "bye"));
    assert_eq!(closes(&mut session), [ours.clone(), theirs]);

    // One that never answers.
    let (mut session, mut server) = connect(Config::default(), Deflate::balanced());
    session
        .close(CloseCode::NORMAL, "done", NOW)
        .expect("a code");
    exchange(&mut session, &mut server, usize::MAX);
    while let Some((at, _)) = session.poll_timeout() {
        session.handle_timeout(at);
        while session.poll_owned(at).is_some() {}
    }
    assert_eq!(closes(&mut session), [ours]);

    // One that closes first.
    let (mut session, mut server) = connect(Config::default(), Deflate::balanced());
    server
        .close(CloseCode::GOING_AWAY, "bye", NOW)
        .expect("a code");
    exchange(&mut session, &mut server, usize::MAX);
    let both = [Direction::In, Direction::Out].map(|way| (way, close(1001, "bye")));
    let mut seen = closes(&mut session);
    seen.sort_by_key(|(way, _)| *way == Direction::Out);
    assert_eq!(seen, both);
}

#[test]
fn m01_there_is_no_time_of_day_before_it_is_known() {
    let said = |session: &mut Session, server: &mut Connection| {
        session.send("a text", NOW).expect("ready");
        exchange(session, server, usize::MAX);
        lines(session)
    };
    let mut session = recorded(Config::default(), Deflate::balanced());
    let mut server = open(&mut session, Deflate::balanced());
    let (text, entries) = said(&mut session, &mut server);
    assert!(!text.contains("1970"), "{text}");
    assert_eq!((entries.len(), entries[0].at), (1, None));
    session.wall_clock(WALL, NOW);
    let (_, entries) = said(&mut session, &mut server);
    assert_eq!((entries.len(), entries[0].at), (1, Some(WALL)));

    // A record that begins later knows what the session was told.
    let request = Request::new("ws://example.com/").expect("a url");
    let mut session = Session::new(request, SessionConfig::default(), Seed::new([3; 32]));
    session.wall_clock(WALL, NOW);
    session.record_frames(RecorderConfig::default());
    let mut server = open(&mut session, Deflate::balanced());
    let (_, entries) = said(&mut session, &mut server);
    assert_eq!((entries.len(), entries[0].at), (1, Some(WALL)));
}

#[test]
fn m01_a_record_names_the_place_that_was_asked_though_the_next_is_another() {
    let mut session = recorded(Config::default(), Deflate::balanced());
    session.start(NOW);
    let Some(Action::Dial { conn, .. }) = session.action() else {
        panic!("a dial");
    };
    for other in ["ws://other.test/", "ws://third.test/"] {
        session.set_target(Request::new(other).expect("a url"));
    }
    assert!(session.dialed(conn, NOW));
    upgrade(&mut session, Deflate::balanced());
    let (text, _) = lines(&mut session);
    assert!(text.contains(r#""origin":"ws://example.com""#), "{text}");
    assert_eq!(session.target().url().authority(), "third.test");
}
