//! Messages that arrive in pieces, alone.

use super::*;
use crate::frame::mask;
use crate::message::Limits;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;

/// What is reserved for a message of great length.
const FIRST: usize = 64 * 1024;

fn begun(kind: Kind, compressed: bool, max: usize, streams: bool, storage: BytesMut) -> Assembly {
    let mut assembly = Assembly::default();
    assembly.start(kind, compressed, max, streams, (0, || storage));
    assembly
}

#[test]
fn memory_grows_with_what_arrives_and_not_with_what_is_announced() {
    for kind in [Kind::Text, Kind::Binary] {
        let mut assembly = begun(kind, false, 64 << 20, false, BytesMut::new());
        let (total, piece) = (10 << 20, [b'x'; 1000]);
        let mut arrived = 0;
        while arrived < total {
            let n = piece.len().min(total - arrived);
            assembly.push(&piece[..n], None, total - arrived).unwrap();
            arrived += n;
            assert!(assembly.capacity() <= (2 * arrived).max(FIRST), "{arrived}");
        }
        assert_eq!(assembly.len(), total);
    }
}

#[test]
fn what_is_not_ascii_is_seen_in_every_block_of_one_look() {
    let key = MaskKey::new([1, 2, 3, 4]);
    for at in [0, BLOCK - 1, BLOCK, BLOCK + 4000, 2 * BLOCK, 39_999] {
        let mut bytes = vec![b'a'; 40_000];
        bytes[at] = 0xff;
        mask(&mut bytes, key, 0);
        let mut assembly = begun(Kind::Text, false, 1 << 20, false, BytesMut::new());
        let mut room = assembly.lend_room(bytes.len()).unwrap();
        room.spare()[..bytes.len()].copy_from_slice(&bytes);
        room.commit(bytes.len());
        let looked = assembly.take_room(room, bytes.len(), Some((key, 0)));
        assert_eq!(looked, Err(NOT_UTF8), "{at}");
    }
}

proptest! {
    #[test]
    fn what_is_checked_in_pieces_is_what_is_checked_as_a_whole(
        bytes in prop_oneof![
            ".{0,200}".prop_map(String::into_bytes),
            (".{0,100}", any::<u8>(), 0..100usize).prop_map(|(text, byte, at)| {
                let mut bytes = text.into_bytes();
                bytes.insert(at.min(bytes.len()), byte);
                bytes
            }),
        ],
        cuts in proptest::collection::vec(1..90usize, 1..9),
        key in proptest::option::of(any::<[u8; 4]>()),
    ) {
        let key = key.map(MaskKey::new);
        let mut wire = bytes.clone();
        key.into_iter().for_each(|key| mask(&mut wire, key, 0));
        let mut assembly = begun(Kind::Text, false, 1 << 20, false, BytesMut::new());
        let (mut at, mut pushed) = (0, Ok(()));
        for cut in cuts.into_iter().cycle() {
            let end = (at + cut).min(wire.len());
            let masked = key.map(|key| (key, at));
            pushed = assembly.push(&wire[at..end], masked, wire.len() - at);
            at = end;
            if pushed.is_err() || at == wire.len() {
                break;
            }
        }
        let whole = pushed.and_then(|()| assembly.finish());
        match String::from_utf8(bytes) {
            Ok(text) => {
                prop_assert_eq!(whole, Ok(()));
                let Some(Assembled::Text(made)) = assembly.own() else {
                    panic!("it is text");
                };
                prop_assert_eq!(&*made, text);
            }
            Err(_) => prop_assert!(whole.is_err()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 200 }))]

    #[test]
    fn what_is_read_into_a_room_is_checked_as_what_is_pushed(
        unit in "[a-zé€😀]{1,9}",
        times in 1..9000usize,
        bad in proptest::option::of((any::<usize>(), any::<u8>())),
        cuts in proptest::collection::vec((1..40_000usize, any::<bool>()), 1..9),
        key in proptest::option::of(any::<[u8; 4]>()),
        used in 0..20_000usize,
        look in 1000..30_000_usize,
    ) {
        let mut bytes = unit.repeat(times).into_bytes();
        if let Some((at, byte)) = bad {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let key = key.map(MaskKey::new);
        let mut wire = bytes.clone();
        key.into_iter().for_each(|key| mask(&mut wire, key, 0));
        let storage = BytesMut::from(&vec![0xff; used][..]);
        let mut assembly = begun(Kind::Text, false, 1 << 20, false, storage);
        let (mut at, mut pushed) = (0, Ok(()));
        for (cut, read) in cuts.into_iter().cycle() {
            let end = (at + cut).min(wire.len());
            let masked = key.map(|key| (key, at));
            pushed = if read {
                let mut room = assembly.lend_room(end - at).expect("it is under way");
                let (mut from, mut seen, mut looked) = (at, at, Ok(()));
                while !room.is_full() && looked.is_ok() {
                    let to = room.spare();
                    let n = to.len().min(look);
                    to[..n].copy_from_slice(&wire[from..from + n]);
                    room.commit(n);
                    from += n;
                    if n == look {
                        let masked = key.map(|key| (key, seen));
                        looked = assembly.look_into(&mut room, from - seen, masked);
                        seen = from;
                    }
                }
                let masked = key.map(|key| (key, seen));
                looked.and_then(|()| assembly.take_room(room, end - seen, masked))
            } else {
                assembly.push(&wire[at..end], masked, wire.len() - at)
            };
            at = end;
            if pushed.is_err() || at == wire.len() {
                break;
            }
        }
        prop_assert!(pushed.is_err() || !assembly.doubtful);
        let whole = pushed.and_then(|()| assembly.finish());
        match Text::try_from(Bytes::from(bytes)) {
            Ok(text) => {
                prop_assert_eq!(whole, Ok(()));
                let Some(Assembled::Text(made)) = assembly.own() else {
                    panic!("it is text");
                };
                prop_assert!(made == text);
            }
            Err(_) => prop_assert!(whole.is_err()),
        }
    }
}

#[test]
fn many_small_fragments_cost_few_reservations() {
    let mut assembly = begun(Kind::Binary, false, 64 << 20, false, BytesMut::new());
    let (mut reservations, mut capacity) = (0, 0);
    for _ in 0..100_000 {
        assembly.push(b"x", None, 1).unwrap();
        if assembly.capacity() != capacity {
            capacity = assembly.capacity();
            reservations += 1;
        }
    }
    assert!(reservations <= 18, "{reservations}");
    assert!(capacity <= 2 * 100_000);
}

#[test]
fn nothing_is_reserved_beyond_the_limit() {
    let mut assembly = begun(Kind::Binary, true, 1000, false, BytesMut::new());
    assembly.push(&[0; 900], None, 900).unwrap();
    assembly.push(&[0; 10], None, 10).unwrap();
    assert_eq!(assembly.capacity(), 1000);
}

#[test]
fn a_short_last_frame_reserves_little() {
    let mut assembly = begun(Kind::Text, false, 64 << 20, false, BytesMut::new());
    assembly.push(b"hello", None, 5).unwrap();
    assert!(assembly.capacity() <= 128);
}

#[test]
fn fragments_and_empty_fragments_are_counted() {
    let limits = Limits::default().max_fragments(5).max_empty_fragments(2);
    let limits = Bounds::from(&limits);
    let mut assembly = begun(Kind::Text, false, 64 << 20, false, BytesMut::new());
    for len in [0, 0, 1, 0, 0] {
        assert_eq!(assembly.admit(len, &limits), Ok(()));
    }
    assert_eq!(
        assembly.admit(1, &limits),
        Err(ProtocolError::TooManyFragments { limit: 5 })
    );
    let mut assembly = begun(Kind::Text, false, 64 << 20, false, BytesMut::new());
    assert_eq!(
        (assembly.admit(0, &limits), assembly.admit(0, &limits)),
        (Ok(()), Ok(()))
    );
    let refused = Err(ProtocolError::TooManyEmptyFragments { limit: 2 });
    assert_eq!(assembly.admit(0, &limits), refused);
}

#[test]
fn counting_stops_where_numbers_end() {
    let limits = Limits::default()
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX);
    let mut assembly = begun(Kind::Binary, false, 64 << 20, false, BytesMut::new());
    (assembly.fragments, assembly.empty_in_a_row) = (u32::MAX, u32::MAX);
    assert_eq!(assembly.admit(0, &Bounds::from(&limits)), Ok(()));
    assert_eq!(
        assembly.admit(0, &Bounds::from(&limits.max_fragments(u32::MAX - 1))),
        Err(ProtocolError::TooManyFragments {
            limit: u32::MAX - 1
        })
    );
}
