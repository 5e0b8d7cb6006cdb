//! How many writes a burst costs: what is fed, and every pong, leaves in one as soon as `next` is
//! about to wait; what is sent leaves at once.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use super::raw::{self, BINARY, PING, PONG, TEXT};
use super::{guard, join, listener};
use crate::rt::{self, wait, ws};
use ws::ws_core::handshake::{Agreed, Opened};
use ws::ws_core::{Role, Seed};
use ws::{Config, Message, OwnedEvent};

/// A server's socket that counts its writes and has already received `bytes`, and its peer.
fn counted(bytes: &[u8]) -> (ws::WebSocket<rt::Counted>, rt::Writes, TcpStream) {
    let (listener, address) = listener();
    let peer = TcpStream::connect(address).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let (stream, writes) = rt::counted(stream);
    let opened = Opened::upgraded(Role::Server, Agreed::default(), bytes, Seed::new([7; 32]));
    (
        rt::upgraded(stream, opened, &Config::default()),
        writes,
        peer,
    )
}

#[test]
fn what_is_fed_and_every_pong_leave_in_one_write_when_next_waits() {
    const PINGS: usize = 20;
    guard(|| {
        let mut received = raw::masked(PING, b"?").repeat(PINGS);
        received.extend(raw::masked(TEXT, b"go"));
        let (mut socket, writes, mut peer) = counted(&received);
        for _ in 0..PINGS {
            let event = wait!(socket.next());
            assert!(matches!(event, Some(OwnedEvent::Ping(_))), "{event:?}");
        }
        assert_eq!(wait!(socket.next()), Some(OwnedEvent::Text("go".into())));
        for _ in 0..50 {
            wait!(socket.feed("fed")).unwrap();
        }
        assert_eq!(writes.load(SeqCst), 0, "nothing leaves before that");
        let waiting = thread::spawn(move || {
            assert_eq!(wait!(socket.next()), Some(OwnedEvent::Text("done".into())));
            socket
        });
        for _ in 0..PINGS {
            assert_eq!(raw::read_frame(&mut peer).unwrap(), (PONG, b"?".to_vec()));
        }
        for _ in 0..50 {
            assert_eq!(raw::read_frame(&mut peer).unwrap(), (TEXT, b"fed".to_vec()));
        }
        peer.write_all(&raw::masked(TEXT, b"done")).unwrap();
        join(waiting);
        assert_eq!(writes.load(SeqCst), 1);
    });
}

#[test]
fn what_is_queued_with_the_sender_of_read_leaves_in_the_same_way() {
    guard(|| {
        let received = raw::masked(TEXT, b"x").repeat(30);
        let (mut socket, writes, mut peer) = counted(&received);
        let echoing = thread::spawn(move || {
            while let Some((event, reply)) = wait!(socket.read()) {
                match event {
                    ws::Event::Text(text) => reply.text(text).unwrap(),
                    _ => return,
                }
            }
        });
        for _ in 0..30 {
            assert_eq!(raw::read_frame(&mut peer).unwrap(), (TEXT, b"x".to_vec()));
        }
        drop(peer);
        join(echoing);
        assert_eq!(writes.load(SeqCst), 1);
    });
}

#[test]
fn what_is_sent_leaves_at_once_and_a_batch_in_one_write() {
    guard(|| {
        let (mut socket, writes, mut peer) = counted(b"");
        wait!(socket.feed("before")).unwrap();
        wait!(socket.send("now")).unwrap();
        assert_eq!(writes.load(SeqCst), 1);
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"before");
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"now");
        let batch = vec![Message::Text("one of many"); 100];
        wait!(socket.send_all(&batch)).unwrap();
        assert_eq!(writes.load(SeqCst), 2);
        for _ in 0..100 {
            assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"one of many");
        }
        wait!(socket.flush()).unwrap();
        assert_eq!(writes.load(SeqCst), 2, "there was nothing to write");
    });
}

#[test]
fn small_messages_and_a_large_shared_one_leave_in_one_vectored_write() {
    guard(|| {
        let (mut socket, writes, mut peer) = counted(b"");
        wait!(socket.feed("small")).unwrap();
        // Shared, so it is a piece of its own.
        wait!(socket.feed(vec![7; 20_000])).unwrap();
        wait!(socket.feed("small too")).unwrap();
        wait!(socket.flush()).unwrap();
        assert_eq!(writes.load(SeqCst), 1);
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"small");
        assert_eq!(
            raw::read_frame(&mut peer).unwrap(),
            (BINARY, vec![7; 20_000])
        );
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"small too");
    });
}

#[test]
fn a_long_burst_does_not_wait_to_be_written() {
    guard(|| {
        let (mut socket, writes, mut peer) = counted(b"");
        wait!(socket.send("first")).unwrap();
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"first");
        for _ in 0..200 {
            wait!(socket.feed(&[7; 1000])).unwrap();
        }
        let early = writes.load(SeqCst) - 1;
        assert!((1..=4).contains(&early), "{early} writes for 200 kB");
        wait!(socket.flush()).unwrap();
        for _ in 0..200 {
            assert_eq!(raw::read_frame(&mut peer).unwrap().1, [7; 1000]);
        }
    });
}
