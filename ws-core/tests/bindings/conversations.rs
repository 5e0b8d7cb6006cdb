//! Two ends that talk to each other.

use std::num::NonZeroUsize;
use std::thread;

use super::{echo, guard, join, pair, pair_with, payload, read_to_end};
use crate::rt::{self, wait, ws};
use ws::{
    AcceptOptions, By, Cause, CloseCode, Config, ConnectOptions, Kind, Limits, Message, OwnedEvent,
    ProtocolError, SendError,
};

#[test]
fn every_kind_of_message_goes_there_and_back() {
    guard(|| {
        let (mut client, mut server) = pair();
        let server = thread::spawn(move || echo(&mut server));
        let long = "grüße ".repeat(20_000);
        for text in ["", "a", "naïve", &long] {
            wait!(client.send(text)).unwrap();
            assert_eq!(wait!(client.next()), Some(OwnedEvent::Text(text.into())));
        }
        for len in [0, 1, 125, 126, 65_535, 65_536, 300_000] {
            let data = payload(len);
            wait!(client.send(&data)).unwrap();
            assert_eq!(wait!(client.next()), Some(OwnedEvent::Binary(data.into())));
        }
        wait!(client.send_all(&[Message::Text("one"), Message::Ping(b"two")])).unwrap();
        let events = [wait!(client.next()), wait!(client.next())];
        assert!(events.contains(&Some(OwnedEvent::Text("one".into()))));
        assert!(events.contains(&Some(OwnedEvent::Pong(b"two".as_slice().into()))));
        let closed = wait!(client.close(CloseCode::new(4000), "enough")).unwrap();
        assert_eq!((closed.by, closed.cause), (By::Local, Cause::Local));
        let closed = join(server).expect("an end");
        assert_eq!(
            (closed.code, &*closed.reason),
            (CloseCode::new(4000), "enough")
        );
        assert_eq!((closed.by, closed.cause), (By::Peer, Cause::Peer));
    });
}

#[test]
fn either_end_closes_and_nothing_can_be_sent_after_that() {
    guard(|| {
        for server_closes in [false, true] {
            let (client, server) = pair();
            let (mut closer, mut other) = match server_closes {
                true => (server, client),
                false => (client, server),
            };
            let other = thread::spawn(move || {
                let closed = read_to_end(&mut other, |event| panic!("{event:?}"));
                let refused = wait!(other.send("too late"));
                assert!(matches!(refused, Err(ws::Error::Send(SendError::Closed))));
                assert_eq!(other.closed(), Some(&closed));
                closed
            });
            let closed = wait!(closer.close(CloseCode::GOING_AWAY, "bye")).unwrap();
            assert_eq!(closed.by, By::Local);
            assert!(closed.is_clean());
            let refused = wait!(closer.feed("too late"));
            assert!(matches!(refused, Err(ws::Error::Send(SendError::Closed))));
            assert_eq!(wait!(closer.next()), None);
            // Asking again is no mistake.
            assert_eq!(
                wait!(closer.close(CloseCode::NORMAL, "")).unwrap().by,
                By::Local
            );
            let seen = join(other);
            assert_eq!(
                (seen.by, seen.code, &*seen.reason),
                (By::Peer, CloseCode::GOING_AWAY, "bye")
            );
        }
    });
}

#[test]
fn both_ends_close_at_once() {
    guard(|| {
        let (mut client, mut server) = pair();
        for socket in [&mut client, &mut server] {
            socket.sender().close(CloseCode::NORMAL, "").unwrap();
            wait!(socket.flush()).unwrap();
        }
        let server = thread::spawn(move || read_to_end(&mut server, |event| panic!("{event:?}")));
        let closed = read_to_end(&mut client, |event| panic!("{event:?}"));
        assert!(closed.is_clean() && join(server).is_clean());
    });
}

#[test]
fn a_message_sent_in_pieces_arrives_whole_with_a_ping_in_between() {
    guard(|| {
        let (mut client, mut server) = pair();
        let sender = client.sender();
        sender.fragment(Kind::Text, "na\u{ef}".as_bytes()).unwrap();
        sender.ping(b"in between").unwrap();
        // A piece may end inside a character.
        sender.continuation(&"ü".as_bytes()[..1]).unwrap();
        sender.finish(&"ü".as_bytes()[1..]).unwrap();
        wait!(client.flush()).unwrap();
        assert_eq!(
            wait!(server.next()),
            Some(OwnedEvent::Ping(b"in between".as_slice().into()))
        );
        assert_eq!(
            wait!(server.next()),
            Some(OwnedEvent::Text("na\u{ef}ü".into()))
        );
        let interleaved = client.sender().fragment(Kind::Binary, b"begun");
        assert_eq!(interleaved, Ok(()));
        let refused = wait!(client.send("another"));
        assert!(matches!(
            refused,
            Err(ws::Error::Send(SendError::MidMessage))
        ));
    });
}

#[test]
fn a_long_message_is_cut_into_the_fragments_that_the_options_ask_for() {
    guard(|| {
        let config = Config::default().fragment_size(NonZeroUsize::new(1000));
        let (mut client, mut server) = pair_with(
            &ConnectOptions::default().config(config.clone()),
            &AcceptOptions::default().config(config),
        );
        let server = thread::spawn(move || echo(&mut server));
        let data = payload(100_001);
        wait!(client.send(&data)).unwrap();
        assert_eq!(wait!(client.next()), Some(OwnedEvent::Binary(data.into())));
        wait!(client.close(CloseCode::NORMAL, "")).unwrap();
        assert!(join(server).expect("an end").is_clean());
    });
}

#[test]
fn megabytes_go_both_ways_at_once() {
    const MESSAGES: usize = 4;
    guard(|| {
        let (client, server) = pair();
        let ends = [client, server].map(|socket| {
            thread::spawn(move || {
                let (mut reader, mut writer) = rt::split(socket);
                let reading = thread::spawn(move || {
                    let expected = payload(2 << 20);
                    for _ in 0..MESSAGES {
                        match wait!(reader.next()) {
                            Some(OwnedEvent::Binary(data)) => assert!(data == expected),
                            event => panic!("{event:?}"),
                        }
                    }
                    reader
                });
                let data = payload(2 << 20);
                for _ in 0..MESSAGES {
                    wait!(writer.send(&data)).unwrap();
                }
                (join(reading), writer)
            })
        });
        let [(mut client, mut writer), (mut server, idle)] = ends.map(join);
        let serving = thread::spawn(move || while wait!(server.next()).is_some() {});
        wait!(writer.close(CloseCode::NORMAL, "")).unwrap();
        while wait!(client.next()).is_some() {}
        assert!(client.closed().expect("an end").is_clean());
        join(serving);
        drop(idle);
    });
}

#[test]
fn a_message_over_the_limit_ends_the_connection_with_1009_for_both_ends() {
    guard(|| {
        let limits = Limits::default().max_message(1000);
        let options = AcceptOptions::default().config(Config::default().limits(limits));
        let (mut client, mut server) = pair_with(&ConnectOptions::default(), &options);
        let server = thread::spawn(move || {
            let mut faults = Vec::new();
            let closed = read_to_end(&mut server, |event| faults.push(event));
            (faults, closed)
        });
        wait!(client.send("x".repeat(1000))).unwrap();
        // More than fits into the sockets' buffers: the server reads on, so that its Close arrives.
        let _ = wait!(client.send(payload(1 << 20)));
        let closed = read_to_end(&mut client, |event| panic!("{event:?}"));
        assert_eq!(
            (closed.by, closed.code),
            (By::Peer, CloseCode::MESSAGE_TOO_BIG)
        );
        drop(client);
        let (faults, closed) = join(server);
        let fault = ProtocolError::MessageTooLarge { limit: 1000 };
        let [OwnedEvent::Text(_), OwnedEvent::ProtocolError(seen)] = &faults[..] else {
            panic!("{faults:?}");
        };
        assert_eq!(
            (seen, &closed.cause),
            (&fault, &Cause::Protocol(fault.clone()))
        );
    });
}

#[test]
fn a_queue_that_is_full_makes_feed_wait_and_loses_nothing() {
    const MESSAGES: u32 = 5000;
    guard(|| {
        let config = Config::default().send_limit(2000);
        let (mut client, mut server) = pair_with(
            &ConnectOptions::default().config(config),
            &AcceptOptions::default(),
        );
        let server = thread::spawn(move || {
            let mut next = 0;
            read_to_end(&mut server, |event| {
                assert_eq!(event, OwnedEvent::Text(format!("message {next}").into()));
                next += 1;
            });
            next
        });
        for i in 0..MESSAGES {
            wait!(client.feed(format!("message {i}"))).unwrap();
        }
        wait!(client.close(CloseCode::NORMAL, "")).unwrap();
        assert_eq!(join(server), MESSAGES);
    });
}
