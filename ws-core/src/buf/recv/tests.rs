//! The receive buffer alone.

use super::*;
use crate::buf::Pool;
use alloc::vec::Vec;

fn fill(buf: &mut RecvBuf, data: &[u8]) {
    for part in data.chunks(1000) {
        let mut part = part;
        while !part.is_empty() {
            let room = buf.spare();
            let n = room.len().min(part.len());
            room[..n].copy_from_slice(&part[..n]);
            buf.commit(n);
            part = &part[n..];
        }
    }
}

fn numbers(n: usize) -> Vec<u8> {
    (0..n).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[test]
fn bytes_come_out_as_they_went_in() {
    let data = numbers(100_000);
    let mut buf = RecvBuf::new();
    fill(&mut buf, &data[..70_000]);
    buf.consume(60_000);
    fill(&mut buf, &data[70_000..]);
    assert_eq!(buf.filled(), &data[60_000..]);
    assert_eq!(buf.received(), 100_000);
}

#[test]
fn room_grows_with_what_arrives_and_not_with_what_is_announced() {
    let mut buf = RecvBuf::new();
    fill(&mut buf, &numbers(20_000));
    assert!(buf.capacity() <= 2 * 20_000, "{}", buf.capacity());
    fill(&mut buf, &numbers(1_000_000));
    assert!(buf.capacity() <= 2 * 1_020_000, "{}", buf.capacity());
}

#[test]
fn an_idle_buffer_gives_its_storage_back() {
    let mut buf = RecvBuf::new();
    assert!(buf.take_storage().is_none());
    fill(&mut buf, b"partial frame");
    let storage = buf.take_storage().unwrap();
    assert!(storage.len() >= CHUNK);
    assert_eq!(buf.filled(), b"partial frame");
    assert_eq!(buf.capacity(), 13);
    assert!(
        buf.put_storage(storage, 0).is_none(),
        "the partial frame moves into it"
    );
    fill(&mut buf, b", the rest");
    assert_eq!(buf.filled(), b"partial frame, the rest");
    buf.clear();
    assert!(buf.take_storage().is_some());
    assert_eq!(buf.capacity(), 0);
}

#[test]
fn a_completed_read_is_adopted_or_appended() {
    let mut buf = RecvBuf::new();
    assert!(buf.put_storage(BytesMut::from(&b"abcd"[..]), 2).is_none());
    assert_eq!(buf.filled(), b"ab");
    let back = buf.put_storage(BytesMut::from(&b"cdXX"[..]), 2);
    assert!(back.is_some());
    assert_eq!(buf.filled(), b"abcd");
    assert_eq!(buf.received(), 4);
}

#[test]
fn a_large_partial_frame_keeps_its_storage() {
    let mut buf = RecvBuf::new();
    fill(&mut buf, &numbers(5000));
    assert!(buf.take_storage().is_none());
}

#[test]
#[should_panic(expected = "committed more than the spare room")]
fn committing_past_the_end_panics() {
    let mut buf = RecvBuf::new();
    let n = buf.spare().len();
    buf.commit(n + 1);
}

#[test]
fn debug_shows_sizes_and_no_data() {
    let mut buf = RecvBuf::new();
    buf.extend_from_slice(b"xxx");
    assert!(alloc::format!("{buf:?}").starts_with("RecvBuf { filled: 3,"));
}

#[test]
fn storage_is_lent_for_what_came_and_for_what_the_same_connection_has_shown() {
    let mut buf = RecvBuf::new();
    let mut room = Room::default();
    room.append(3, 1 << 20, 1 << 20);
    room.expect((1 << 20) - 3);
    buf.read_aside(room);
    let refused = |buf: &mut RecvBuf, len| buf.put_long(BytesMut::zeroed(len)).len() == len;
    assert!(refused(&mut buf, 200_000), "nothing was shown");
    buf.keep(alloc::vec![0; 100_000].into());
    assert!(refused(&mut buf, 300_000), "that was not shown");
    assert!(!refused(&mut buf, 200_000));
}

/// A buffer that is sure of frames of 16 392 bytes that are taken away.
fn sure(pool: &mut Pool) -> RecvBuf {
    let mut buf = RecvBuf::new();
    buf.cut_off(16_392, 0);
    buf.expect_taken(true);
    for _ in 0..3 {
        pool.supply(&mut buf);
        let n = buf.spare_hot().len();
        buf.commit(n);
        buf.consume(n);
    }
    buf
}

#[test]
fn the_beginning_of_a_frame_waits_in_storage_for_all_of_it() {
    let mut pool = Pool::new();
    let mut buf = sure(&mut pool);
    pool.supply(&mut buf);
    buf.spare_hot()[0] = 0x82;
    buf.commit(1);
    pool.settle(&mut buf);
    assert_eq!(buf.capacity(), 1);
    assert!(buf.wants_storage());
    pool.supply(&mut buf);
    assert_eq!((buf.capacity(), buf.spare_hot().len()), (16_392, 16_391));
}

#[test]
fn a_burst_ends_when_its_frames_fit_into_no_storage() {
    let mut pool = Pool::new();
    let mut buf = sure(&mut pool);
    drop(buf.take_storage());
    buf.commit(0);
    // Without a pool.
    let n = buf.spare_hot().len();
    buf.commit(n);
    assert!(!buf.in_burst());
    for _ in 0..300 {
        buf.commit(0);
    }
}
