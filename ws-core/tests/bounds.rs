//! What a peer can make this end hold. Each test states its bound in bytes and counts the heap: a
//! limit that only the queues' own figures keep is no limit.

mod support;

use core::num::NonZeroUsize;
use core::time::Duration;

use bytes::{Buf, BytesMut};
use support::heap::{Counting, measure};
use support::{BOTH, End, connection, frame, header, raw};
use ws_core::connection::{Config, Connection, Event, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::handshake::{self, ClientHandshake, HandshakeError, Request, ServerHandshake};
use ws_core::message::Limits;
use ws_core::{Instant, Machine, Role, Seed};

#[global_allocator]
static HEAP: Counting = Counting;

const KIB: isize = 1024;
const NOW: Instant = Instant::ORIGIN;

/// Reads `wire` as a driver does, taking events in between, and drops them.
fn read(connection: &mut Connection, mut wire: &[u8]) {
    while !wire.is_empty() {
        let room = connection.io().0.spare();
        let n = room.len().min(wire.len());
        room[..n].copy_from_slice(&wire[..n]);
        connection.io().0.commit(n);
        wire = &wire[n..];
        while connection.poll(NOW).is_some() {}
    }
}

#[test]
fn a_peer_that_pings_and_never_reads_costs_the_send_limit() {
    // 64 KiB of queue, doubled by the growth of its arena, and one read buffer.
    let bound = 2 * 64 * KIB + 16 * KIB + KIB;
    for role in BOTH {
        for payload in [&[][..], &[7; 125]] {
            let ping = frame(role, 0x89, payload);
            let mut end = connection(role, &Config::default().send_limit(64 << 10));
            let (heap, ()) = measure(|| (0..100_000).for_each(|_| read(&mut end, &ping)));
            assert!(heap.peak <= bound, "{heap:?}");
            let out = end.io().1;
            assert!(out.remaining() <= (64 << 10) + 131, "{}", out.remaining());
            assert!(out.capacity() <= 128 << 10, "{}", out.capacity());
        }
    }
}

#[test]
fn a_peer_that_pings_and_never_reads_costs_the_send_limit_between_fragments_too() {
    let bound = 3 * 64 * KIB + 16 * KIB + KIB;
    for role in BOTH {
        let ping = frame(role, 0x89, &[]);
        let config = Config::default().send_limit(64 << 10);
        let mut end = connection(role, &config.fragment_size(NonZeroUsize::new(1000)));
        end.sender().binary(&[0; 3000]).unwrap();
        end.io().1.advance(10);
        let (heap, ()) = measure(|| (0..100_000).for_each(|_| read(&mut end, &ping)));
        assert!(heap.peak <= bound, "{heap:?}");
        assert!(end.io().1.remaining() <= (64 << 10) + 131);
    }
}

#[test]
fn an_application_that_sends_to_a_peer_that_never_reads_is_refused() {
    for role in BOTH {
        let mut end = connection(role, &Config::default().send_limit(64 << 10));
        let (heap, sent) = measure(|| {
            let sender = end.sender();
            (0..100_000)
                .filter(|_| sender.binary(&[0; 1000]).is_ok())
                .count()
        });
        assert!((65..=66).contains(&sent), "{sent}");
        assert!(heap.peak <= 2 * 66 * KIB, "{heap:?}");
    }
}

#[test]
fn a_queue_that_is_never_empty_holds_no_more_than_twice_its_limit() {
    for role in BOTH {
        let mut end = connection(role, &Config::default().send_limit(64 << 10));
        let (heap, ()) = measure(|| {
            for _ in 0..100_000 {
                while end.sender().binary(&[0; 1000]).is_ok() {}
                let n = end.io().1.chunk().len().min(900);
                end.io().1.advance(n);
            }
        });
        // The arena that is being written, and the one that is being filled.
        assert!(heap.peak <= 4 * 66 * KIB, "{heap:?}");
    }
}

#[test]
fn endless_empty_fragments_are_refused_and_cost_nothing_where_they_are_allowed() {
    for role in BOTH {
        let empty = frame(role, 0x00, b"");
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x02, b"");
        end.receive(&empty.repeat(1000));
        let error = ProtocolError::TooManyEmptyFragments { limit: 32 };
        assert_eq!(end.events(), [OwnedEvent::ProtocolError(error)]);

        let limits = Limits::default()
            .max_empty_fragments(u32::MAX)
            .max_fragments(u32::MAX);
        let mut end = connection(role, &Config::default().limits(limits));
        read(&mut end, &frame(role, 0x02, b""));
        let (heap, ()) = measure(|| (0..200_000).for_each(|_| read(&mut end, &empty)));
        assert_eq!((heap.peak, heap.calls), (0, 0), "{heap:?}");
    }
}

#[test]
fn endless_tiny_fragments_cost_twice_their_bytes_until_they_are_refused() {
    for role in BOTH {
        let tiny = frame(role, 0x00, b"x");
        let mut end = connection(role, &Config::default());
        read(&mut end, &frame(role, 0x02, b"x"));
        let (heap, ()) = measure(|| (1..131_072).for_each(|_| read(&mut end, &tiny)));
        assert!(heap.peak <= 2 * 128 * KIB, "{heap:?}");
        assert!(
            heap.calls <= 20,
            "one buffer, no object per piece: {heap:?}"
        );
        let (heap, ()) = measure(|| read(&mut end, &tiny));
        assert!(
            heap.held <= -64 * KIB,
            "refused, and the pieces are freed: {heap:?}"
        );
        assert!(!end.sender().is_open());
    }
}

#[test]
fn a_length_that_is_announced_and_never_sent_costs_64_kib_at_most() {
    let most = 16 << 20;
    for role in BOTH {
        for len in [126, 65_535, 65_536, 65_537, 1 << 20, most] {
            for first in [0x81, 0x82, 0x01, 0x02] {
                for arrived in [0, 1, 100, 5_000] {
                    // Text of zeros, masked or not.
                    let zeros = (0..arrived.min(len - 1)).map(|i| match role {
                        Role::Client => 0,
                        Role::Server => support::KEY[i % 4],
                    });
                    let mut wire = header(role, first, len);
                    wire.extend(zeros);
                    let mut end = connection(role, &Config::default());
                    let (heap, ()) = measure(|| read(&mut end, &wire));
                    assert!(
                        heap.peak <= 64 * KIB + 16 * KIB + KIB,
                        "{len} {arrived}: {heap:?}"
                    );
                    assert!(end.io().0.capacity() <= 16 << 10);
                }
            }
        }
    }
}

#[test]
fn memory_grows_with_what_arrives_of_a_long_frame() {
    let most = 16 << 20;
    for role in BOTH {
        let mut end = connection(role, &Config::default());
        read(&mut end, &header(role, 0x82, most));
        let (mut arrived, part) = (0, vec![0; 100_000]);
        while arrived < 8_000_000 {
            let (heap, ()) = measure(|| read(&mut end, &part));
            arrived += 100_000;
            let grown = 2 * arrived + 64 * KIB + 16 * KIB;
            assert!(heap.peak <= grown, "{heap:?} after {arrived}");
        }
        assert!(
            end.io().0.capacity() <= 16 << 10,
            "the read buffer stays as it was"
        );
    }
}

#[test]
fn limits_of_half_the_address_space_are_not_reserved_and_do_not_overflow() {
    for role in BOTH {
        let unlimited = Limits::default()
            .max_frame(usize::MAX)
            .max_message(usize::MAX);
        let mut end = connection(role, &Config::default().limits(unlimited));
        let huge = u64::try_from(isize::MAX).expect("64 bits").to_be_bytes();
        let (heap, ()) = measure(|| {
            read(&mut end, &frame(role, 0x02, b"some"));
            read(
                &mut end,
                &raw(role, 0x80, &[&[127], &huge[..]].concat(), &[]),
            );
            read(&mut end, &[0; 1000]);
        });
        assert!(heap.peak <= 64 * KIB + 16 * KIB + KIB, "{heap:?}");
        assert!(end.sender().is_open());
    }
}

#[test]
fn a_thousand_half_finished_frames_cost_what_arrived_of_them_when_storage_is_pooled() {
    for role in BOTH {
        let wire = &frame(role, 0x81, &[b'x'; 4000])[..3000];
        let mut pool = Some(BytesMut::zeroed(64 << 10));
        let mut ends: Vec<_> = (0..1000)
            .map(|_| connection(role, &Config::default()))
            .collect();
        let (heap, ()) = measure(|| {
            for end in &mut ends {
                let back = end.io().0.put_storage(pool.take().expect("returned"), 0);
                assert!(back.is_none());
                read(end, wire);
                pool = end.io().0.take_storage();
                assert!(
                    pool.is_some(),
                    "a partial frame of 3000 bytes moves out of the way"
                );
            }
        });
        assert!(heap.held <= 1000 * 3 * KIB, "{heap:?}");
    }
}

#[test]
fn an_idle_connection_without_storage_costs_less_than_a_kibibyte() {
    for role in BOTH {
        let (heap, mut end) = measure(|| {
            let mut end = Box::new(connection(role, &Config::default()));
            end.sender().text("hello").unwrap();
            end.io()
                .1
                .advance(if role == Role::Client { 11 } else { 7 });
            read(&mut end, &frame(role, 0x81, b"hello"));
            drop((end.io().0.take_storage(), end.io().1.take_storage()));
            end
        });
        assert!(heap.held <= KIB, "{heap:?}");
        assert_eq!((end.io().0.capacity(), end.io().1.capacity()), (0, 0));
    }
}

#[test]
fn a_long_message_that_was_sent_back_costs_nothing_once_it_is_written() {
    let mut end = connection(Role::Server, &Config::default());
    let wire = frame(Role::Server, 0x82, &[7; 500_000]);
    let (heap, ()) = measure(|| {
        for _ in 0..3 {
            let mut rest = &wire[..];
            while !rest.is_empty() {
                let room = end.io().0.spare();
                let (piece, behind) = rest.split_at(rest.len().min(room.len()).min(16 << 10));
                room[..piece.len()].copy_from_slice(piece);
                end.io().0.commit(piece.len());
                rest = behind;
                while let Some((Event::Binary(data), reply)) = end.poll(NOW) {
                    reply.binary(data).expect("room");
                }
            }
            let n = end.io().1.remaining();
            assert_eq!(n, 500_010);
            end.io().1.advance(n);
            assert!(!end.ready(NOW), "nothing follows");
        }
        drop((end.io().0.take_storage(), end.io().1.take_storage()));
    });
    // Storage that grows, and no second copy.
    assert!(heap.peak <= 800 * KIB, "{heap:?}");
    assert!(heap.held <= KIB, "{heap:?}");
}

#[test]
fn short_messages_that_are_lent_cost_no_allocation_at_all() {
    for role in BOTH {
        let wire = [frame(role, 0x81, b"text"), frame(role, 0x82, &[0; 100])].concat();
        let mut end = connection(role, &Config::default());
        read(&mut end, &wire);
        let (heap, ()) = measure(|| {
            for _ in 0..1000 {
                end.io().0.extend_from_slice(&wire);
                while let Some((Event::Text(_) | Event::Binary(_), sender)) = end.poll(NOW) {
                    sender.text("answer").expect("room");
                }
                let n = end.io().1.remaining();
                end.io().1.advance(n);
            }
        });
        assert!(heap.calls <= 8, "the first arena: {heap:?}");
    }
}

#[test]
fn what_is_drained_after_a_fault_costs_one_read_buffer() {
    for role in BOTH {
        let mut end = connection(role, &Config::default());
        read(&mut end, &frame(role, 0x01, &[b'x'; 500_000]));
        let (heap, ()) = measure(|| {
            read(&mut end, &[0x83]);
            let noise = vec![0; 16 << 10];
            (0..1000).for_each(|_| read(&mut end, &noise));
        });
        assert!(
            heap.held <= -400 * KIB,
            "the message under way is freed: {heap:?}"
        );
        assert!(heap.peak <= 33 * KIB, "{heap:?}");
    }
}

/// Hands a machine 8 MiB of the same bytes over and over, behind `start`, as a driver does; what it
/// has to write is written.
fn endless(machine: &mut impl Machine, start: &str, again: &str) {
    let noise = again.repeat(4096 / again.len());
    let mut rest = start.as_bytes();
    let mut sent = 0;
    while sent < 8 << 20 {
        if rest.is_empty() {
            rest = noise.as_bytes();
        }
        let room = machine.io().0.spare();
        let n = room.len().min(rest.len());
        room[..n].copy_from_slice(&rest[..n]);
        machine.io().0.commit(n);
        (rest, sent) = (&rest[n..], sent + n);
        machine.ready(NOW);
        let out = machine.io().1;
        out.advance(out.remaining());
    }
}

#[test]
fn an_endless_head_costs_its_limit_and_the_words_that_refuse_it() {
    // The head so far, the noise itself, and the refusal.
    let bound = 16 * KIB + 4 * KIB + KIB;
    let too_large = || HandshakeError::HeadTooLarge { limit: 16 << 10 };
    let too_many = || HandshakeError::TooManyHeaders { limit: 100 };
    let limits = handshake::Limits::default;
    for (start, again, expected) in [
        ("", "G", too_large()),
        ("GET /", "x", too_large()),
        ("GET / HTTP/1.1\r\n", "x", too_large()),
        ("GET / HTTP/1.1\r\nX: ", "x", too_large()),
        ("GET / HTTP/1.1\r\n", "X: y\r\n", too_many()),
    ] {
        let mut server = ServerHandshake::new(limits(), NOW);
        let (heap, ()) = measure(|| endless(&mut server, start, again));
        assert!(heap.peak <= bound, "{start:?} {again:?}: {heap:?}");
        // A client that never stops is waited for no longer than this.
        server.handle_timeout(NOW + Duration::from_secs(20));
        assert_eq!(server.poll(NOW).unwrap_err(), expected);
    }
    for (start, again, expected) in [
        ("", "G", HandshakeError::NotHttp),
        ("HTTP/1.1 101 ", "x", too_large()),
        ("HTTP/1.1 101 \r\n", "x", too_large()),
        ("HTTP/1.1 101 \r\nX: ", "x", too_large()),
        ("HTTP/1.1 101 \r\n", "X: y\r\n", too_many()),
    ] {
        let request = Request::new("ws://h/").unwrap();
        let mut client = ClientHandshake::new(&request, limits(), Seed::new([7; 32]), NOW);
        let (heap, ()) = measure(|| endless(&mut client, start, again));
        assert!(heap.peak <= bound, "{start:?} {again:?}: {heap:?}");
        assert_eq!(client.poll(NOW).unwrap_err(), expected);
    }
}
