//! Peers that mean harm, against an echo loop like that of the example servers: the connection ends
//! as it should, and the next client notices nothing.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use super::raw::{self, BINARY, CLOSE, PING, TEXT};
use super::{assert_serves, echo_server, guard};
use crate::rt::ws::ws_core::handshake::Limits;
use crate::rt::ws::{AcceptOptions, Cause, CloseCode, ProtocolError};

#[test]
fn a_peer_that_pings_without_end_and_never_reads() {
    guard(|| {
        let (address, ends) = echo_server(&AcceptOptions::default());
        let mut peer = raw::connect(address);
        // The server reads no more once its queue of pongs is full.
        peer.set_write_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let pings = raw::masked(PING, &[7; 125]).repeat(1000);
        let _ = (0..100).try_for_each(|_| peer.write_all(&pings));
        assert_serves(address);
        drop(peer);
        let ends = [ends.recv().unwrap(), ends.recv().unwrap()].map(|end| end.expect("an end"));
        let clean = ends.iter().filter(|end| end.is_clean()).count();
        assert_eq!(clean, 1, "{ends:?}");
        assert!(
            ends.iter()
                .any(|end| matches!(end.cause, Cause::Transport(_)))
        );
    });
}

#[test]
fn peers_that_send_messages_and_never_read_the_echoes() {
    guard(|| {
        let (address, ends) = echo_server(&AcceptOptions::default());
        let message = raw::masked(BINARY, &[7; 60_000]);
        let peers: Vec<TcpStream> = (0..4)
            .map(|_| {
                let mut peer = raw::connect(address);
                peer.set_write_timeout(Some(Duration::from_millis(50)))
                    .unwrap();
                let stuck = (0..2000).try_for_each(|_| peer.write_all(&message));
                assert!(
                    stuck.is_err(),
                    "the server took 120 MB that it can't be rid of"
                );
                peer
            })
            .collect();
        assert_serves(address);
        assert!(ends.recv().unwrap().expect("an end").is_clean());
        drop(peers);
        for _ in 0..4 {
            let end = ends.recv().unwrap().expect("an end");
            assert!(matches!(end.cause, Cause::Transport(_)), "{end}");
        }
    });
}

#[test]
fn peers_that_connect_and_say_nothing_or_not_enough() {
    const PEERS: usize = 40;
    guard(|| {
        let limits = Limits::default().timeout(Duration::from_millis(500));
        let (address, ends) = echo_server(&AcceptOptions::default().handshake(limits));
        let mut peers = Vec::new();
        for i in 0..PEERS {
            let mut peer = TcpStream::connect(address).unwrap();
            peer.write_all(&raw::REQUEST.as_bytes()[..i]).unwrap();
            peers.push(peer);
        }
        for _ in 0..PEERS {
            assert!(ends.recv().unwrap().is_none());
        }
        assert_serves(address);
    });
}

#[test]
fn a_peer_that_resets_the_connection_in_the_middle_of_a_frame() {
    guard(|| {
        let (address, ends) = echo_server(&AcceptOptions::default());
        for cut in [1, 2, 5, 6, 70, 106] {
            let mut peer = raw::connect(address);
            let first = raw::masked(TEXT, b"first");
            let second = raw::masked(TEXT, &[b'x'; 101]);
            peer.write_all(&[&first, &second[..cut]].concat()).unwrap();
            // Closing a socket whose bytes are unread resets the connection.
            peer.peek(&mut [0]).expect("an echo");
            drop(peer);
            let end = ends.recv().unwrap().expect("an end");
            assert!(matches!(end.cause, Cause::Transport(_)), "{cut}: {end}");
            assert_eq!(end.code, CloseCode::ABNORMAL);
        }
        assert_serves(address);
    });
}

#[test]
fn a_peer_that_breaks_the_rules_is_told_how_even_if_it_sends_on() {
    guard(|| {
        let (address, ends) = echo_server(&AcceptOptions::default());
        let announced = [&[BINARY, 0xff][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
        for (bytes, code, fault) in [
            (
                raw::frame(TEXT, b"no mask"),
                1002,
                ProtocolError::MaskMissing,
            ),
            (raw::masked(TEXT, b"\xff"), 1007, ProtocolError::InvalidUtf8),
            (raw::masked(0xc1, b"x"), 1002, ProtocolError::ReservedBits),
            (
                raw::masked(0x83, b"x"),
                1002,
                ProtocolError::ReservedOpcode { opcode: 3 },
            ),
            (
                announced,
                1009,
                ProtocolError::FrameTooLarge {
                    len: 1 << 40,
                    limit: 16 << 20,
                },
            ),
        ] {
            let mut peer = raw::connect(address);
            peer.write_all(&bytes).unwrap();
            // It may be told, and hung up on, before all of this is out.
            let _ = peer.write_all(&vec![0; 300_000]);
            let (first, payload) = raw::read_frame(&mut peer).unwrap();
            assert_eq!((first, &payload[..2]), (CLOSE, &u16::to_be_bytes(code)[..]));
            drop(peer);
            let end = ends.recv().unwrap().expect("an end");
            assert_eq!(end.cause, Cause::Protocol(fault));
        }
        assert_serves(address);
    });
}

#[test]
fn noise_in_the_place_of_frames() {
    guard(|| {
        let (address, ends) = echo_server(&AcceptOptions::default());
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..30 {
            let mut peer = raw::connect(address);
            let noise: Vec<u8> = (0..2000)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 24) as u8
                })
                .collect();
            peer.write_all(&noise).unwrap();
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            raw::drain(&mut peer);
            assert!(!ends.recv().unwrap().expect("an end").is_clean());
        }
        assert_serves(address);
    });
}

#[test]
fn a_peer_that_ends_its_side_still_gets_what_it_is_owed() {
    guard(|| {
        let (address, ends) = echo_server(&AcceptOptions::default());
        let mut peer = TcpStream::connect(address).unwrap();
        let bytes = [raw::REQUEST.as_bytes(), &raw::masked(TEXT, b"and out")].concat();
        peer.write_all(&bytes).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(raw::read_head(&mut peer).starts_with("HTTP/1.1 101 "));
        assert_eq!(
            raw::read_frame(&mut peer).unwrap(),
            (TEXT, b"and out".to_vec())
        );
        assert_eq!(raw::drain(&mut peer), b"");
        let end = ends.recv().unwrap().expect("an end");
        assert_eq!(end.code, CloseCode::ABNORMAL);
        assert_serves(address);
    });
}
