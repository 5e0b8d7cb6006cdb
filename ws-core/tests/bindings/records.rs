//! What every binding must write down of a session, written once. See `sessions.rs` for what `rt`
//! provides; here also
//! `provided`, which starts a session whose credentials come from a function.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use crate::guard::{guard, join};
use crate::market::{Market, answer};
use crate::raw::{self, CLOSE, PING, PONG, TEXT};
use crate::rt::{self, wait, ws};
use crate::sessions::{listener, options, quick};
use ws::session::{Inbox, Overflow, Record, Recording, SessionOptions, State};
use ws::ws_core::session::auth::{AuthConfig, CredId};
use ws::ws_core::session::journal::replay;
use ws::ws_core::session::subscriptions::SubOptions;
use ws::ws_core::session::{NoDialect, Session};
use ws::ws_core::testing::{Direction, Entry, Frame, LogReader, Metadata, Pace, Replay};
use ws::ws_core::{Instant, Seed};
use ws::{CloseCode, Request};

const TOKEN: &str = "open-sesame";

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!(
            "ws-{}-{}-{name}",
            env!("CARGO_PKG_NAME"),
            std::process::id()
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn login() -> SessionOptions {
    SessionOptions::default()
        .config(quick().login(Some(AuthConfig::default())))
        .seed(Some(Seed::new([9; 32])))
}

/// Serves one connection: a login, a topic, an order, a ping; then it is gone, or waits for the end.
fn serve(listener: &TcpListener, last: bool) {
    let mut server = raw::accept(listener);
    loop {
        let (first, said) = raw::read_frame(&mut server).expect("a frame");
        let said = String::from_utf8_lossy(&said);
        match first {
            TEXT if said.starts_with("order") => {
                let bytes = [
                    raw::frame(TEXT, answer(&said, TOKEN).as_bytes()),
                    raw::frame(TEXT, b"tick btc 1"),
                    raw::frame(PING, b"\x01\x02"),
                ];
                server.write_all(&bytes.concat()).expect("read");
            }
            TEXT => {
                let reply = answer(&said, TOKEN);
                server
                    .write_all(&raw::frame(TEXT, reply.as_bytes()))
                    .expect("read");
            }
            PONG if last => {}
            PONG => return,
            CLOSE => {
                let close = raw::frame(CLOSE, &raw::close(1000, "done"));
                server.write_all(&close).expect("read");
                return;
            }
            other => panic!("{other}"),
        }
    }
}

fn live(options: &SessionOptions) -> Recording {
    live_at(listener(), options)
}

fn live_at((listener, request): (TcpListener, Request), options: &SessionOptions) -> Recording {
    let serving = thread::spawn(move || {
        serve(&listener, false);
        serve(&listener, true);
    });
    let (client, events) = rt::provided(request, Market, options, |_| Ok(TOKEN.to_owned()));
    client
        .subscribe("btc", SubOptions::default())
        .expect("alive");
    let mut watch = client.watch();
    for conn in 1..=2 {
        loop {
            let state = wait!(watch.next()).expect("alive");
            if matches!(state, State::Ready { conn: c, .. } if c.get() == conn) {
                break;
            }
        }
        wait!(client.request(&conn)).expect("an answer");
    }
    client.close(CloseCode::NORMAL, "done").expect("sent");
    join(serving);
    let recording = wait!(client.recorded());
    drop(events);
    recording
}

fn read(path: &PathBuf) -> (Vec<Entry>, Metadata) {
    let mut reader = LogReader::default();
    let text = fs::read(path).expect("a file");
    let lines = text.split(|byte| *byte == b'\n');
    let entries = lines.filter_map(|line| reader.line(line)).collect();
    (entries, reader.metadata())
}

#[test]
fn m01_all_frames_are_in_the_file_and_no_secret_is() {
    guard(|| {
        let folder = Folder::new("frames");
        let path = folder.file("frames.jsonl");
        let options = login().record(Record::default().frames(&path));
        let recording = live(&options);
        assert_eq!((recording.failed, recording.frames.dropped), (None, 0));
        let text = fs::read_to_string(&path).expect("a file");
        assert_eq!(text.len() as u64, recording.frames.bytes);
        assert_eq!(text.len() as u64, recording.bytes);
        assert_eq!(text.lines().count() as u64, recording.frames.entries);
        assert!(!text.contains(TOKEN), "{text}");
        let headers = text.lines().filter(|line| line.contains("\"header\""));
        assert_eq!(headers.count(), 2, "one for each connection: {text}");

        let (entries, metadata) = read(&path);
        assert_eq!(metadata.malformed, 0, "{text}");
        assert_eq!(metadata.inbound + metadata.outbound, metadata.count);
        assert_eq!(metadata.count + 2, recording.frames.entries);
        let shown = |direction| {
            let some = entries
                .iter()
                .filter(move |entry| entry.direction == direction);
            some.map(|entry| match entry.frame.borrowed() {
                Frame::Text(text) => text.to_owned(),
                Frame::Redacted { len } => format!("{len} bytes"),
                Frame::Ping(data) => format!("ping {data:?}"),
                Frame::Pong(data) => format!("pong {data:?}"),
                Frame::Close { code, reason } => format!("close {code} {reason}"),
                other => format!("{other:?}"),
            })
            .collect::<Vec<_>>()
        };
        let login = format!("{} bytes", "login ".len() + TOKEN.len());
        let connection = [&*login, "sub btc", "order", "pong [1, 2]"];
        let mut sent = connection.repeat(2);
        sent.push("close 1000 done");
        let orders = shown(Direction::Out).into_iter().map(|text| {
            let order = text.starts_with("order ");
            if order { "order".into() } else { text }
        });
        assert_eq!(orders.collect::<Vec<_>>(), sent);
        let received = shown(Direction::In);
        let one = ["in", "on btc", "done", "tick btc 1", "ping [1, 2]"];
        let dones = received.iter().map(|text| match text.split_once(' ') {
            Some(("done", _)) => "done",
            _ => text,
        });
        let mut heard = one.repeat(2);
        heard.push("close 1000 done");
        assert_eq!(dones.collect::<Vec<_>>(), heard);
        let times: Vec<_> = entries.iter().map(|entry| entry.at).collect();
        assert!(times.is_sorted(), "{text}");
        assert!(text.starts_with("{\"ts\":\"20"), "a time of day: {text}");

        // It is played back in its order, and the next session is appended.
        let mut replay = Replay::new(entries.clone(), Pace::AtOnce, Instant::ORIGIN);
        let played: Vec<_> = std::iter::from_fn(|| replay.poll(Instant::ORIGIN)).collect();
        assert_eq!(played, entries);
        let again = live(&options);
        let both = fs::read_to_string(&path).expect("a file");
        assert!(both.starts_with(&text));
        assert_eq!(both.len() as u64, text.len() as u64 + again.bytes);
    });
}

#[test]
fn s14_a_journal_of_a_real_session_runs_again() {
    guard(|| {
        let folder = Folder::new("journal");
        let path = folder.file("session.journal");
        let options = login().record(Record::default().journal(&path));
        let (listener, target) = listener();
        let recording = live_at((listener, target.clone()), &options);
        assert_eq!(recording.failed, None);
        let journal = fs::read_to_string(&path).expect("a file");
        assert_eq!(journal.len() as u64, recording.bytes);
        let walls = journal.lines().filter(|line| line.starts_with("wall "));
        assert_eq!(walls.count(), 1, "the time of day is old news after that");

        // Requests of this dialect can't be saved, and the journal says so.
        let again = login().session(target, Market, |_| Ok(()));
        let mut again = again.expect("a seed");
        let divergence = replay(&mut again, &journal, |_: CredId| Some(TOKEN.into()));
        let divergence = divergence.expect_err("a gap").to_string();
        assert!(divergence.contains("request"), "{divergence}");
    });
}

#[test]
fn s14_a_session_that_only_listens_runs_again_to_its_end() {
    guard(|| {
        let folder = Folder::new("listener");
        let path = folder.file("session.journal");
        let options = options()
            .seed(Some(Seed::new([9; 32])))
            .record(Record::default().journal(&path));
        let (listener, request) = listener();
        let (client, events) = rt::start(request.clone(), NoDialect, &options);
        let mut server = raw::accept(&listener);
        server.write_all(&raw::frame(TEXT, b"hello")).expect("read");
        server.write_all(&raw::frame(PING, b"")).expect("read");
        raw::read_frame(&mut server).expect("a pong");
        drop(server);
        let mut server = raw::accept(&listener);
        server
            .write_all(&raw::frame(CLOSE, &raw::close(1000, "")))
            .expect("read");
        raw::drain(&mut server);
        drop((client.clone(), server, listener));
        client
            .close(CloseCode::NORMAL, "")
            .expect("it is open or not");
        let _ = wait!(client.ended());
        assert_eq!(wait!(client.recorded()).failed, None);
        drop(events);

        let journal = fs::read_to_string(&path).expect("a file");
        let plain = self::options().seed(Some(Seed::new([9; 32])));
        let mut again: Session = plain
            .session(request, NoDialect, |_| Ok(()))
            .expect("a seed");
        let replayed = replay(&mut again, &journal, |_| None).expect("the same");
        assert_eq!(replayed.lines, journal.lines().count());
        assert!(replayed.outputs > 5, "{replayed:?}");
        assert_eq!(again.state(), State::Terminal);
    });
}

#[test]
fn m02_what_a_slow_disk_has_no_time_for_is_dropped_and_counted() {
    guard(|| {
        let folder = Folder::new("drops");
        let path = folder.file("frames.jsonl");
        let record = Record::default().frames(&path).max_bytes(300);
        let inbox = Inbox::default().overflow(Overflow::DropOldest);
        let (listener, request) = listener();
        let (client, _events) =
            rt::start(request, NoDialect, &options().record(record).inbox(inbox));
        let mut server = raw::accept(&listener);
        let burst = raw::frame(TEXT, b"x").repeat(5000);
        server.write_all(&burst).expect("read");
        server.write_all(&raw::frame(PING, b"")).expect("read");
        raw::read_frame(&mut server).expect("a pong");
        drop((server, listener));
        client
            .close(CloseCode::NORMAL, "")
            .expect("it is open or not");
        let recording = wait!(client.recorded());
        let stats = recording.frames;
        assert!(stats.dropped > 0, "{stats:?}");
        // A header, the messages, a ping and a pong; more if there was a Close frame or another dial.
        assert!(stats.entries + stats.dropped >= 5003, "{stats:?}");
        let (entries, metadata) = read(&path);
        assert_eq!(metadata.malformed, 0, "lines are whole");
        assert!(entries.len() as u64 <= stats.entries);
    });
}

#[test]
fn a_file_that_can_t_be_opened_is_an_error_at_the_start() {
    guard(|| {
        let folder = Folder::new("missing");
        let missing = folder.file("no/such/folder");
        for record in [
            Record::default().frames(&missing),
            Record::default().journal(&missing),
        ] {
            let (_listener, request) = listener();
            let error = rt::try_start(request, NoDialect, &options().record(record));
            let error = error.map(drop).expect_err("no file");
            assert!(error.to_string().starts_with("no record: "), "{error}");
            assert!(error.explain().suggestion.contains("folder"), "{error}");
        }
    });
}
