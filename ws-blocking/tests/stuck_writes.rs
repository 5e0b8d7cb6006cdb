//! Writes that a transport does not take, or takes too slowly: deadlines go on meanwhile, the peer is
//! heard, and what is owed to it leaves as soon as it can. The transport is scripted; a wait that would
//! not end makes it say so.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ws_blocking::ws_core::handshake::{Agreed, Opened};
use ws_blocking::ws_core::{Deadline, Role, Seed};
use ws_blocking::{
    By, Cause, CloseCode, Config, Error, OwnedEvent, Transport, TrySplit, WebSocket,
};

/// A client's empty ping.
const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];

#[derive(Default)]
struct Script {
    incoming: VecDeque<u8>,
    written: Vec<u8>,
    /// Bytes that one write takes.
    step: usize,
    /// Writes that take nothing until their timeout.
    refused: usize,
    /// Pings that the peer sends, one in every read that finds nothing else.
    pings: usize,
    /// No write is taken before all pings are read.
    pings_first: bool,
    no_write_timeout: bool,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    /// A thread waited without a deadline for what does not come.
    stuck: bool,
}

#[derive(Clone)]
struct Fake(Arc<Mutex<Script>>);

impl Fake {
    fn new(script: Script) -> Self {
        let step = if script.step == 0 {
            usize::MAX
        } else {
            script.step
        };
        Self(Arc::new(Mutex::new(Script { step, ..script })))
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    fn open(&self, config: &Config) -> WebSocket<Self> {
        let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
        WebSocket::upgraded(self.clone(), opened, config)
    }
}

impl Read for Fake {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut script = self.script();
        if script.incoming.is_empty() && script.pings > 0 {
            script.pings -= 1;
            script.incoming.extend(PING);
        }
        if script.incoming.is_empty() {
            if script.read_timeout.is_none() {
                script.stuck = true;
                return Ok(0);
            }
            return Err(ErrorKind::WouldBlock.into());
        }
        script.incoming.read(buf)
    }
}

impl Write for Fake {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut script = self.script();
        if script.refused > 0 || script.pings_first && script.pings > 0 {
            script.refused = script.refused.saturating_sub(1);
            if script.write_timeout.is_none() {
                script.stuck = true;
                return Err(ErrorKind::BrokenPipe.into());
            }
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = buf.len().min(script.step);
        script.written.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Fake {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.script().read_timeout = timeout;
        Ok(())
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let mut script = self.script();
        if script.no_write_timeout {
            return Err(ErrorKind::InvalidInput.into());
        }
        script.write_timeout = timeout;
        Ok(())
    }

    fn shutdown(&mut self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

impl TrySplit for Fake {
    fn try_split(&self) -> io::Result<Self> {
        Ok(self.clone())
    }
}

fn closed(event: Option<OwnedEvent>) -> ws_blocking::Closed {
    match event {
        Some(OwnedEvent::Closed(closed)) => closed,
        event => panic!("{event:?}"),
    }
}

#[test]
fn what_no_one_takes_is_given_up_when_the_connection_is_over() {
    let fake = Fake::new(Script {
        refused: usize::MAX,
        ..Script::default()
    });
    let config = Config::default().close_timeout(Duration::from_millis(5));
    let mut socket = fake.open(&config);
    socket.feed("no one takes this").unwrap();
    let closed = socket.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(closed.cause, Cause::Timeout(Deadline::Close));
    assert_eq!(socket.next(), None);
    assert!(!fake.script().stuck);
}

#[test]
fn a_flush_that_is_stuck_for_too_long_has_timed_out_whatever_the_system_calls_it() {
    let fake = Fake::new(Script {
        refused: usize::MAX,
        ..Script::default()
    });
    let config = Config::default().close_timeout(Duration::from_millis(5));
    let mut socket = fake.open(&config.clone().idle_timeout(Some(Duration::from_millis(5))));
    let stuck = socket.send("x");
    assert!(matches!(stuck, Err(Error::Io(error)) if error.kind() == ErrorKind::TimedOut));

    let (_reader, mut writer) = fake.open(&config).split().unwrap();
    let stuck = writer.close(CloseCode::NORMAL, "");
    assert!(matches!(stuck, Err(Error::Io(error)) if error.kind() == ErrorKind::TimedOut));
    assert!(!fake.script().stuck);
}

#[test]
fn a_transport_that_takes_byte_by_byte_does_not_put_the_deadline_off() {
    const LEN: usize = 256 << 20;
    let fake = Fake::new(Script {
        step: 1,
        ..Script::default()
    });
    let config = Config::default()
        .close_timeout(Duration::from_millis(5))
        .send_limit(usize::MAX);
    let mut socket = fake.open(&config);
    socket.sender().send(vec![0; LEN]).unwrap();
    let closed = socket.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(closed.cause, Cause::Timeout(Deadline::Close));
    assert!(fake.script().written.len() < LEN);
}

#[test]
fn a_peer_that_talks_is_not_idle_while_a_write_is_stuck() {
    const PINGS: usize = 4;
    let fake = Fake::new(Script {
        pings: PINGS,
        pings_first: true,
        ..Script::default()
    });
    let config = Config::default().idle_timeout(Some(Duration::from_millis(5)));
    let mut socket = fake.open(&config);
    socket.send("there is no hurry").unwrap();
    for _ in 0..PINGS {
        let event = socket.next();
        assert!(matches!(event, Some(OwnedEvent::Ping(_))), "{event:?}");
    }
}

#[test]
fn a_transport_without_write_timeouts_that_needs_one_ends_the_connection() {
    let fake = Fake::new(Script {
        no_write_timeout: true,
        ..Script::default()
    });
    let config = Config::default().close_timeout(Duration::from_millis(5));
    let mut socket = fake.open(&config);
    let closed = socket.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(closed.by, By::Transport);
    assert_eq!(socket.next(), None);
}

#[test]
fn a_pong_that_was_stuck_leaves_though_nothing_more_is_received() {
    let fake = Fake::new(Script {
        refused: 3,
        pings: 1,
        ..Script::default()
    });
    let (mut reader, _writer) = fake.open(&Config::default()).split().unwrap();
    assert!(matches!(reader.next(), Some(OwnedEvent::Ping(_))));
    // The script ends the stream when the reader has nothing left to do but wait.
    assert_eq!(closed(reader.next()).by, By::Transport);
    assert_eq!(fake.script().written, b"\x8a\0");
}

#[test]
fn last_words_that_were_stuck_leave_though_no_one_else_writes() {
    let fake = Fake::new(Script {
        refused: 3,
        // A text frame without the mask that it must have.
        incoming: b"\x81\x01x".iter().copied().collect(),
        ..Script::default()
    });
    let config = Config::default().close_timeout(Duration::from_millis(100));
    let (mut reader, _writer) = fake.open(&config).split().unwrap();
    assert!(matches!(reader.next(), Some(OwnedEvent::ProtocolError(_))));
    assert!(matches!(closed(reader.next()).cause, Cause::Protocol(_)));
    assert!(fake.script().written.starts_with(b"\x88"));
}

#[test]
fn a_peer_that_talks_on_does_not_put_the_end_off() {
    let fake = Fake::new(Script {
        pings: usize::MAX,
        ..Script::default()
    });
    let config = Config::default().close_timeout(Duration::from_millis(5));
    let closed_by_us = fake.open(&config).close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(closed_by_us.cause, Cause::Timeout(Deadline::Close));

    let (mut reader, mut writer) = fake.open(&config).split().unwrap();
    writer.close(CloseCode::NORMAL, "").unwrap();
    let last = reader.by_ref().last();
    assert_eq!(closed(last).cause, Cause::Timeout(Deadline::Close));
}
