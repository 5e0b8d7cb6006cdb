//! What compression costs in memory: idle connections, and messages that would be larger than they
//! say.
#![cfg(feature = "deflate")]

mod support;

use std::thread;

use support::heap::{Counting, measure};
use support::squeeze::{Peer, connection, end, prose, terms};
use support::{End, Frame};
use ws_core::connection::{Config, Event, OwnedEvent};
use ws_core::deflate::Deflate;
use ws_core::message::{Delivery, Limits};
use ws_core::{Instant, Role};

#[global_allocator]
static HEAP: Counting = Counting;

/// Runs on a thread of its own, which begins with empty pools.
fn alone<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(test).join()).expect("the test passed")
}

/// Echoes messages and drops what was said, so that nothing but the connection is held.
fn chat(end: &mut End, peer: &mut Peer, payload: &[u8]) {
    end.receive_frame(0xc2, &peer.pack(payload));
    assert!(end.connection.poll(end.now).is_some());
    assert!(end.connection.poll(end.now).is_none());
    end.connection.sender().binary(payload).expect("open");
    drop(end.write());
    // What a binding does with the storage of an idle connection.
    let (recv, send) = end.connection.io();
    drop((recv.take_storage(), send.take_storage()));
}

/// Bytes held by one more connection that has talked and is idle.
fn idle(deflate: &Deflate, messages: usize, len: usize) -> isize {
    alone(|| {
        let talk = || {
            let mut end = end(Role::Server, deflate, &Config::default());
            for _ in 0..messages {
                // One that has forgotten everything fits whatever was agreed on.
                chat(&mut end, &mut Peer::new(9), &prose(len));
            }
            end
        };
        let warm: Vec<End> = (0..20).map(|_| talk()).collect();
        let (used, more) = measure(|| (0..10).map(|_| talk()).collect::<Vec<_>>());
        drop((warm, more));
        used.held / 10
    })
}

fn plain() -> isize {
    let end = |_| End::new(Role::Server, &Config::default());
    let (used, ends) = measure(|| (0..10).map(end).collect::<Vec<_>>());
    drop(ends);
    used.held / 10
}

#[test]
fn an_idle_connection_without_takeover_costs_little_more_than_a_plain_one() {
    let idle = idle(&Deflate::low_memory(), 3, 100_000);
    println!("plain {}, without takeover {idle} bytes", plain());
    assert!(idle <= plain() + 1024, "{idle} against {}", plain());
}

#[test]
fn an_idle_connection_with_takeover_holds_its_windows_and_no_more() {
    for (bits, window) in [(9, 512), (12, 4096), (15, 32768)] {
        let deflate = Deflate::balanced().window_bits(bits).peer_window_bits(bits);
        let idle = idle(&deflate, 3, 100_000);
        println!("two windows of {window}: {idle} bytes");
        assert!(idle <= plain() + 1024 + 2 * window, "{bits}: {idle}");
    }
    // A connection that said little holds little.
    let idle = idle(&Deflate::max_ratio(), 1, 100);
    assert!(idle <= plain() + 1024 + 500, "{idle}");
}

#[test]
fn a_bomb_costs_the_limit_and_a_block() {
    let limit = 1 << 20;
    let config = Config::default().limits(Limits::default().max_message(limit));
    let packed = Peer::new(15).pack(&vec![0; 64 << 20]);
    for pieces in [1, 100] {
        let peak = alone(|| {
            let mut end = end(Role::Client, &Deflate::max_ratio(), &config);
            let size = packed.len().div_ceil(pieces);
            let (used, ()) = measure(|| {
                for (i, piece) in packed.chunks(size).enumerate() {
                    end.receive_frame(if i == 0 { 0x42 } else { 0 }, piece);
                    if let Some(OwnedEvent::ProtocolError(_)) = end.connection.poll_owned(end.now) {
                        break;
                    }
                }
            });
            assert!(end.connection.closed().is_none());
            let close = end.write().pop().expect("a close");
            assert_eq!(close.payload[..2], 1009u16.to_be_bytes());
            used.peak
        });
        let most = limit + packed.len() * 3 + (128 << 10);
        assert!(peak <= isize::try_from(most).unwrap(), "{peak}");
    }
}

#[test]
fn a_compressed_message_larger_than_memory_is_handed_out_in_blocks() {
    let limits = Limits::default().max_message(usize::MAX);
    let config = Config::default().limits(limits).delivery(Delivery::Chunks);
    let packed = Peer::new(15).pack(&vec![0; 64 << 20]);
    let (peak, got) = alone(|| {
        let mut end = end(Role::Client, &Deflate::max_ratio(), &config);
        let mut got = 0;
        let (used, ()) = measure(|| {
            for (i, piece) in packed.chunks(10_000).enumerate() {
                end.receive_frame(if i == 0 { 0x42 } else { 0 }, piece);
                while let Some((event, _)) = end.connection.poll(end.now) {
                    let Event::Chunk(chunk) = event else {
                        panic!("{event:?}")
                    };
                    got += chunk.data.len();
                }
            }
        });
        (used.peak, got)
    });
    assert_eq!(got, 64 << 20);
    assert!(peak <= 300 << 10, "{peak}");
}

#[test]
fn sending_holds_no_more_than_the_compressed_message() {
    let deflate = Deflate::low_memory();
    let (peak, frame) = alone(|| {
        let mut end = end(Role::Server, &deflate, &Config::default());
        let prose = prose(1 << 20);
        end.connection.sender().binary(&prose).expect("open"); // the compressor is there now
        drop(end.write());
        let (used, ()) = measure(|| end.connection.sender().binary(&prose).expect("open"));
        let frame: Frame = end.write().remove(0);
        (used.peak, frame)
    });
    assert!(frame.payload.len() < 300_000, "{}", frame.payload.len());
    assert!(peak <= 3 * 300_000, "{peak}");
}

#[test]
fn connections_wander_between_threads_with_their_windows() {
    let deflate = Deflate::max_ratio();
    let (client, server) = terms(&deflate, &deflate);
    let config = Config::default();
    let mut client = connection(Role::Client, client, &config);
    let mut server = connection(Role::Server, server, &config);
    let payload = prose(2000);
    let mut sizes = Vec::new();
    for turn in 0..6 {
        // Twice here, so that a compressor waits here, then twice somewhere else.
        let mut say = || {
            client.sender().binary(&payload).expect("open");
            let mut size = 0;
            while let Some(bytes) = client.io().1.pop() {
                size += bytes.len();
                server.io().0.extend_from_slice(&bytes);
            }
            let (event, _) = server.poll(Instant::ORIGIN).expect("a message");
            assert_eq!(event.to_owned(), OwnedEvent::Binary(payload.clone().into()));
            size
        };
        sizes.push(if turn % 4 < 2 { say() } else { alone(say) });
    }
    assert!(
        sizes[1..].iter().all(|size| *size < sizes[0] / 4),
        "{sizes:?}"
    );
}
