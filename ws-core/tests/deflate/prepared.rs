//! A message that is encoded once and compressed once for each window, by connections that compress,
//! whatever they have sent before.
#![cfg(feature = "deflate")]

use crate::support::End;
use crate::support::squeeze::{Reader, end, noise, prose};
use ws_core::Role;
use ws_core::connection::Config;
use ws_core::deflate::{Compress, Deflate, Takeover};
use ws_core::message::PreparedMessage;

/// Where the pieces that an end has queued lie in memory, and how long they are.
fn queued(end: &mut End) -> Vec<(*const u8, usize)> {
    let out = end.connection.io().1;
    std::iter::from_fn(|| out.pop().map(|bytes| (bytes.as_ptr(), bytes.len()))).collect()
}

#[test]
fn every_server_of_one_window_queues_the_same_bytes() {
    let message = PreparedMessage::new(prose(5000));
    for bits in 9..=15 {
        let mut places = Vec::new();
        for takeover in [Takeover::Keep, Takeover::Reset] {
            let deflate = Deflate::balanced().window_bits(bits).takeover(takeover);
            for _ in 0..5 {
                let mut end = end(Role::Server, &deflate, &Config::default());
                end.connection.sender().send(&message).unwrap();
                places.push(queued(&mut end));
            }
        }
        assert_eq!(places[0].len(), 1);
        assert!(places.iter().all(|place| *place == places[0]), "{bits}");
    }
}

#[test]
fn it_fits_between_messages_that_share_a_window() {
    for takeover in [Takeover::Keep, Takeover::Reset] {
        let deflate = Deflate::max_ratio().takeover(takeover);
        let mut end = end(Role::Server, &deflate, &Config::default());
        let (own, shared) = (prose(2000), PreparedMessage::with_level(prose(3000), 9));
        let mut reader = Reader::new();
        let mut lengths = Vec::new();
        for prepared in [false, false, true, false, false, true, true, false] {
            let sender = end.connection.sender();
            let (sent, expected) = match prepared {
                true => (sender.send(&shared), shared.payload()),
                false => (sender.binary(&own), &own[..]),
            };
            sent.unwrap();
            let frame = end.write().remove(0);
            assert_eq!(frame.first, 0xc2);
            assert_eq!(reader.unpack(&frame.payload), expected);
            lengths.push((prepared, frame.payload.len()));
        }
        let own = |at: usize| lengths[at].1;
        // It builds on what came before, but not across one that is shared.
        assert_eq!(own(1) < own(0) / 4, takeover == Takeover::Keep);
        assert_eq!((own(3), own(7)), (own(0), own(0)));
        assert_eq!(own(4) < own(0) / 4, takeover == Takeover::Keep);
    }
}

#[test]
fn it_goes_plain_where_that_is_shorter_or_asked_for() {
    let deflate = Deflate::max_ratio();
    let mut end = end(Role::Server, &deflate, &Config::default());
    let sender = end.connection.sender();
    let (short, noise) = (
        PreparedMessage::new("short"),
        PreparedMessage::new(noise(1000)),
    );
    let long = PreparedMessage::new(prose(1000));
    sender.send(&short).unwrap();
    sender.send(&noise).unwrap();
    sender.send_with(&long, Compress::Never).unwrap();
    sender.send(&long).unwrap();
    let firsts: Vec<u8> = end.write().iter().map(|frame| frame.first).collect();
    assert_eq!(firsts, [0x81, 0x82, 0x82, 0xc2]);
}

#[test]
fn clients_compress_and_mask_it_each_for_itself() {
    let mut end = end(Role::Client, &Deflate::max_ratio(), &Config::default());
    let message = PreparedMessage::new(prose(1000));
    let mut reader = Reader::new();
    for _ in 0..2 {
        end.connection.sender().send(&message).unwrap();
        let frame = end.write().remove(0);
        assert_eq!(
            (frame.first, reader.unpack(&frame.payload)),
            (0xc2, prose(1000))
        );
    }
}

#[test]
fn a_long_one_is_cut_with_the_bit_on_the_first_fragment() {
    let config = Config::default().fragment_size(core::num::NonZeroUsize::new(100));
    let mut end = end(Role::Server, &Deflate::max_ratio(), &config);
    let message = PreparedMessage::new(prose(2000));
    end.connection.sender().send(&message).unwrap();
    let frames = end.write();
    assert!(frames.len() > 2);
    for (i, frame) in frames.iter().enumerate() {
        let last = i + 1 == frames.len();
        let expected = u8::from(last) << 7 | if i == 0 { 0x42 } else { 0 };
        assert_eq!(frame.first, expected);
    }
    let all: Vec<u8> = frames.into_iter().flat_map(|frame| frame.payload).collect();
    assert_eq!(Reader::new().unpack(&all), prose(2000));
}
