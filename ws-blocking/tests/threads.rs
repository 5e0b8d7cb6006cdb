//! What only blocking sockets do: threads that wait in them, iterators, and streams that are no
//! sockets.

#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;

use std::io::{self, Cursor, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use guard::{guard, join};
use ws_blocking::ws_core::Deadline;
use ws_blocking::ws_core::handshake::{Agreed, Opened};
use ws_blocking::ws_core::{Role, Seed};
use ws_blocking::{
    AcceptOptions, Cause, CloseCode, Config, ConnectOptions, Message, OwnedEvent, Plain, Request,
    Stream, Transport, WebSocket, accept, accept_with, client, connect,
};

fn pair_with(options: &AcceptOptions) -> (WebSocket, WebSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let options = options.clone();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        accept_with(Stream::from(stream), &options).unwrap()
    });
    (connect(url).unwrap(), join(server))
}

fn pair() -> (WebSocket, WebSocket) {
    pair_with(&AcceptOptions::default())
}

fn texts(events: impl Iterator<Item = OwnedEvent>) -> Vec<String> {
    events
        .filter_map(|event| match event {
            OwnedEvent::Text(text) => Some(text.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn sockets_and_readers_are_iterators_of_events() {
    guard(|| {
        let (mut client, server) = pair();
        let serving = thread::spawn(move || texts(server));
        client.send("one").unwrap();
        client.send("two").unwrap();
        client.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(join(serving), ["one", "two"]);

        let (mut client, server) = pair();
        let (reader, _writer) = server.split().unwrap();
        let serving = thread::spawn(move || texts(reader.take(2)));
        client.send("three").unwrap();
        client.send("four").unwrap();
        assert_eq!(join(serving), ["three", "four"]);
    });
}

#[test]
fn a_reader_blocked_without_a_deadline_is_freed_when_the_writer_closes() {
    guard(|| {
        let config = Config::default().close_timeout(Duration::from_millis(30));
        // The client never reads, so it never answers.
        let (_client, server) = pair_with(&AcceptOptions::default().config(config));
        let (mut reader, mut writer) = server.split().unwrap();
        let reading = thread::spawn(move || (reader.next(), reader.next()));
        writer.close(CloseCode::GOING_AWAY, "").unwrap();
        let (Some(OwnedEvent::Closed(closed)), None) = join(reading) else {
            panic!("the end is told, and it is the end");
        };
        assert_eq!(closed.cause, Cause::Timeout(Deadline::Close));
        assert!(writer.send("too late").is_err());
    });
}

#[test]
fn a_writer_stuck_in_a_write_is_freed_when_the_reader_finds_the_end() {
    guard(|| {
        let (client, server) = pair();
        let (mut reader, mut writer) = server.split().unwrap();
        // More than the buffers of both sockets hold, and no one reads it.
        let writing = thread::spawn(move || writer.send(vec![0; 64 << 20]));
        drop(client);
        let Some(OwnedEvent::Closed(closed)) = reader.next() else {
            panic!("the end is told");
        };
        assert!(matches!(closed.cause, Cause::Transport(_)), "{closed}");
        assert_eq!(reader.next(), None);
        assert!(join(writing).is_err());
    });
}

#[test]
fn a_stuck_writer_is_freed_though_the_application_stops_reading_at_the_end() {
    guard(|| {
        let (client, server) = pair();
        let (mut reader, mut writer) = server.split().unwrap();
        let writing = thread::spawn(move || writer.send(vec![0; 64 << 20]));
        // The client lives on, reads nothing and writes no more.
        client
            .stream()
            .tcp()
            .unwrap()
            .shutdown(Shutdown::Write)
            .unwrap();
        assert!(matches!(reader.next(), Some(OwnedEvent::Closed(_))));
        drop(reader);
        assert!(join(writing).is_err());
        drop(client);
    });
}

#[test]
fn closing_without_a_reader_needs_no_one_else() {
    guard(|| {
        let (mut client, server) = pair();
        let (reader, mut writer) = server.split().unwrap();
        drop(reader);
        writer.close(CloseCode::GOING_AWAY, "bye").unwrap();
        assert!(writer.close(CloseCode::NORMAL, "").is_err());
        drop(writer);
        let Some(OwnedEvent::Closed(closed)) = client.next() else {
            panic!("the end is told");
        };
        assert_eq!(closed.code, CloseCode::GOING_AWAY);
    });
}

#[test]
fn sending_waits_for_room_that_replies_take_away() {
    const MESSAGES: usize = 20_000;
    guard(|| {
        let config = Config::default().send_limit(1);
        let (client, server) = pair_with(&AcceptOptions::default().config(config));
        let (reader, mut writer) = server.split().unwrap();
        let (peer_reader, mut peer_writer) = client.split().unwrap();
        let answering = thread::spawn(move || reader.count());
        let reading = thread::spawn(move || peer_reader.count());
        let pinging = thread::spawn(move || while peer_writer.send(Message::Ping(b"x")).is_ok() {});
        for _ in 0..MESSAGES {
            writer.send("m").unwrap();
            writer.send_all(&[Message::Text("m")]).unwrap();
        }
        writer.close(CloseCode::NORMAL, "").unwrap();
        join(answering);
        join(pinging);
        assert!(join(reading) > 2 * MESSAGES);
    });
}

#[cfg(unix)]
#[test]
fn unix_sockets_carry_messages_in_one_piece_and_in_halves() {
    use std::os::unix::net::UnixStream;

    guard(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let serving = thread::spawn(move || {
            let (reader, mut writer) = accept(far).unwrap().split().unwrap();
            for message in reader.filter_map(OwnedEvent::into_message) {
                writer.send(message).unwrap();
            }
        });
        let request = Request::new("ws://localhost/").unwrap();
        let mut client = client(near, &request, &ConnectOptions::default()).unwrap();
        for text in ["one", &"long ".repeat(100_000)] {
            client.send(text).unwrap();
            assert_eq!(client.next(), Some(OwnedEvent::Text(text.into())));
        }
        assert!(client.close(CloseCode::NORMAL, "").unwrap().is_clean());
        join(serving);
    });
}

/// Reads from one place and writes to another, one byte at a time.
struct Tape {
    incoming: Cursor<Vec<u8>>,
    written: Vec<u8>,
    flushes: usize,
}

impl Read for Tape {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(&mut buf[..1])
    }
}

impl Write for Tape {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.push(buf[0]);
        Ok(1)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        Ok(())
    }
}

#[test]
fn anything_that_reads_and_writes_carries_a_connection() {
    let tape = Tape {
        // "hi", a ping, and a Close, from a client whose masking key is zero.
        incoming: Cursor::new(
            b"\x81\x82\0\0\0\0hi\x89\x80\0\0\0\0\x88\x82\0\0\0\0\x03\xe8".to_vec(),
        ),
        written: Vec::new(),
        flushes: 0,
    };
    let opened = Opened::upgraded(Role::Server, Agreed::default(), b"", Seed::new([7; 32]));
    let config = Config::default().idle_timeout(Some(Duration::from_secs(3600)));
    let mut socket = WebSocket::upgraded(Plain(tape), opened, &config);
    assert_eq!(socket.next(), Some(OwnedEvent::Text("hi".into())));
    socket.send("ho").unwrap();
    assert!(matches!(socket.next(), Some(OwnedEvent::Ping(_))));
    assert!(matches!(socket.next(), Some(OwnedEvent::Closed(closed)) if closed.is_clean()));
    assert_eq!(socket.next(), None);
    let (Plain(tape), leftover) = socket.into_inner();
    assert_eq!(tape.written, b"\x81\x02ho\x8a\0\x88\x02\x03\xe8");
    assert!(tape.flushes > 0);
    assert_eq!(leftover, b""[..]);
}

#[test]
fn a_plain_stream_carries_the_handshake_too() {
    guard(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut socket = accept(Plain(stream)).unwrap();
            while let Some((event, reply)) = socket.read() {
                if let ws_blocking::Event::Text(text) = event {
                    reply.text(text).unwrap();
                }
            }
            socket.closed().cloned()
        });
        let stream = TcpStream::connect(address).unwrap();
        let request = Request::new(format!("ws://{address}/")).unwrap();
        let mut plain = Plain(stream);
        // It has no timeouts, and does not pretend that it had.
        plain
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        assert_eq!(plain.0.read_timeout().unwrap(), None);
        let mut socket = client(plain, &request, &ConnectOptions::default()).unwrap();
        socket.send("through a plain stream").unwrap();
        let echo = OwnedEvent::Text("through a plain stream".into());
        assert_eq!(socket.next(), Some(echo));
        assert!(socket.close(CloseCode::NORMAL, "").unwrap().is_clean());
        assert!(join(serving).expect("an end").is_clean());
    });
}
