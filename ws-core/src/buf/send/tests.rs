//! The queue by itself: order, cuts, storage and limits.

use super::{KEEP as KEEP_BYTES, *};

const KEEP: usize = KEEP_BYTES as usize;

fn frame(buf: &mut SendBuf, data: &[u8]) {
    buf.push(&data[..1], data.len() - 1, |out| {
        out.extend_from_slice(&data[1..])
    });
}

fn drain(buf: &mut SendBuf, step: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while buf.has_remaining() {
        let n = buf.chunk().len().min(step);
        out.extend_from_slice(&buf.chunk()[..n]);
        buf.advance(n);
    }
    out
}

#[test]
fn frames_leave_in_order_whatever_the_writes() {
    for step in [1, 2, 3, 100] {
        let mut buf = SendBuf::new(1000);
        frame(&mut buf, b"abc");
        buf.push_shared(b"H", Bytes::from_static(b"shared"));
        frame(&mut buf, b"def");
        assert_eq!(buf.remaining(), 13);
        assert_eq!(drain(&mut buf, step), b"abcHshareddef");
        assert_eq!((buf.written(), buf.mark(), buf.is_empty()), (13, 13, true));
    }
}

#[cfg(feature = "std")]
#[test]
fn vectored_chunks_show_what_one_write_may_take() {
    let mut buf = SendBuf::new(1000);
    frame(&mut buf, b"abc");
    buf.push_shared(b"H", Bytes::from_static(b"shared"));
    frame(&mut buf, b"def");
    buf.advance(1);
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    let n = buf.chunks_vectored(&mut slices);
    let seen: Vec<&[u8]> = slices[..n].iter().map(|slice| &**slice).collect();
    assert_eq!(seen, [&b"bcH"[..], b"shared", b"def"]);
}

#[cfg(feature = "std")]
#[test]
fn one_write_is_shown_no_more_than_half_a_mebibyte() {
    let payload: Vec<u8> = (0..1_200_000_u32).map(|i| i.to_le_bytes()[1]).collect();
    let mut buf = SendBuf::new(1000);
    frame(&mut buf, b"abc");
    buf.push_shared(b"H", payload.clone().into());
    frame(&mut buf, b"def");
    let (mut out, mut writes) = (Vec::<u8>::new(), Vec::new());
    while buf.has_remaining() {
        let mut slices = [std::io::IoSlice::new(&[]); 8];
        let n = buf.chunks_vectored(&mut slices);
        assert!(slices[..n].iter().all(|slice| !slice.is_empty()));
        let seen: Vec<u8> = slices[..n].iter().flat_map(|it| it.to_vec()).collect();
        writes.push(seen.len());
        out.extend(&seen);
        buf.advance(seen.len());
    }
    assert_eq!(writes, [WRITE, WRITE, 1_200_007 - 2 * WRITE]);
    assert_eq!(out, [b"abcH", &payload[..], b"def"].concat());
}

#[test]
fn a_control_frame_goes_to_the_next_cut_and_controls_keep_their_order() {
    let mut buf = SendBuf::new(1000);
    frame(&mut buf, b"one");
    for part in [&b"two"[..], b"three"] {
        buf.cut();
        frame(&mut buf, part);
    }
    buf.push_control(b"<1>");
    buf.push_control(b"<2>");
    buf.advance(4); // "one" and a byte of "<1>": the next cut is still before "two"
    buf.push_control(b"<3>");
    assert_eq!(drain(&mut buf, 5), b"1><2><3>twothree");
    for part in [&b"x"[..], b"y"] {
        buf.cut();
        frame(&mut buf, part);
    }
    buf.push_control(b"<4>");
    assert_eq!(drain(&mut buf, 5), b"<4>xy");
}

#[test]
fn a_control_frame_before_the_last_fragment() {
    let mut buf = SendBuf::new(1000);
    frame(&mut buf, b"one");
    buf.cut();
    frame(&mut buf, b"two");
    buf.advance(2);
    buf.push_control(b"<1>");
    buf.advance(1);
    buf.push_control(b"<2>");
    assert_eq!(drain(&mut buf, 1), b"<1><2>two");
    frame(&mut buf, b"next");
    buf.advance(1);
    buf.push_control(b"<3>");
    assert_eq!(drain(&mut buf, 9), b"ext<3>");
}

#[test]
fn a_flood_of_pongs_at_a_cut_costs_neither_a_piece_nor_a_search_each() {
    let many: u32 = if cfg!(miri) { 100 } else { 100_000 };
    let mut buf = SendBuf::new(1 << 20);
    for sealed in [true, false] {
        frame(&mut buf, b"one");
        buf.advance(2); // under way: the cut behind it is the next
        buf.cut();
        frame(&mut buf, b"two");
        if sealed {
            buf.cut();
        }
        let mut pongs = Vec::new();
        for pong in 0..many {
            buf.push_control(&pong.to_be_bytes());
            pongs.extend(pong.to_be_bytes());
        }
        assert!(buf.sealed() <= 3, "{} pieces", buf.sealed());
        assert!(
            buf.capacity() <= 2 * buf.remaining() + 16,
            "{}",
            buf.capacity()
        );
        let expected = [b"e", &pongs[..], b"two"].concat();
        assert!(drain(&mut buf, 1000) == expected);
    }
}

#[test]
fn a_control_frame_joins_those_that_are_half_written() {
    let mut buf = SendBuf::new(1000);
    frame(&mut buf, b"one");
    buf.cut();
    frame(&mut buf, b"two");
    buf.push_control(b"<1>");
    buf.advance(5);
    buf.push_control(b"<2>");
    assert_eq!(drain(&mut buf, 1), b"><2>two");
}

#[test]
fn pongs_that_are_written_as_fast_as_they_come_do_not_pile_up() {
    let mut buf = SendBuf::new(1 << 20);
    frame(&mut buf, b"one");
    buf.cut();
    frame(&mut buf, b"two");
    buf.push_control(&[0; 127]);
    let (mut pushed, mut written) = (127, Vec::new());
    for _ in 0..if cfg!(miri) { 10 } else { 10_000 } {
        buf.push_control(&[0; 127]);
        pushed += 127;
        let n = buf.chunk().len().min(127);
        written.extend_from_slice(&buf.chunk()[..n]);
        buf.advance(n);
        assert!(buf.capacity() <= 4 * KEEP, "{}", buf.capacity());
    }
    written.extend(drain(&mut buf, 1000));
    assert_eq!(written.len(), pushed + 6);
    assert_eq!(
        (&written[..3], &written[pushed + 3..]),
        (&b"one"[..], &b"two"[..])
    );
}

#[test]
fn a_queue_that_never_runs_empty_does_not_keep_what_was_written() {
    let mut buf = SendBuf::new(64 * 1024);
    for _ in 0..5 {
        frame(&mut buf, &[7; 10_000]);
    }
    for step in [10_000, 3_333] {
        for _ in 0..if cfg!(miri) { 10 } else { 1000 } {
            frame(&mut buf, &[7; 10_000]);
            while buf.remaining() > 50_000 {
                let n = buf.chunk().len().min(step);
                buf.advance(n);
            }
            assert!(buf.capacity() <= 4 * 64 * 1024, "{}", buf.capacity());
        }
    }
    assert!(drain(&mut buf, 1000).iter().all(|&byte| byte == 7));
}

#[test]
fn only_the_latest_held_frame_leaves_once_there_is_room() {
    let mut buf = SendBuf::new(4);
    frame(&mut buf, b"abcdef");
    assert!(buf.is_full());
    buf.hold_control(b"<1>");
    buf.hold_control(b"<2>");
    buf.advance(2);
    assert_eq!(buf.remaining(), 4, "still full");
    assert_eq!(drain(&mut buf, 1), b"cdef<2>");
}

#[test]
fn completion_based_writes_own_what_they_write() {
    let mut buf = SendBuf::new(1000);
    frame(&mut buf, b"abc");
    buf.push_shared(b"H", Bytes::from_static(b"shared"));
    buf.advance(1);
    let piece = buf.pop().unwrap();
    assert_eq!(piece, &b"bcH"[..]);
    frame(&mut buf, b"def");
    buf.unpop(piece.slice(2..));
    assert_eq!(buf.written(), 3);
    assert_eq!(drain(&mut buf, 4), b"Hshareddef");
    assert!(buf.pop().is_none());
}

#[test]
fn a_control_frame_stays_behind_what_was_queued_before_it_when_all_fragments_have_left() {
    for popped in [true, false] {
        let mut buf = SendBuf::new(1000);
        frame(&mut buf, b"one");
        buf.cut();
        frame(&mut buf, b"two");
        if popped {
            while buf.pop().is_some() {}
        } else {
            drain(&mut buf, 2);
        }
        frame(&mut buf, b"next");
        buf.push_control(b"<1>");
        assert_eq!(drain(&mut buf, 9), b"next<1>");
    }
}

#[test]
fn a_limit_of_zero_still_takes_one_message_at_a_time() {
    let mut buf = SendBuf::new(0);
    assert!(!buf.is_full());
    frame(&mut buf, b"abc");
    assert!(buf.is_full());
    buf.hold_control(b"<1>");
    assert_eq!(drain(&mut buf, 9), b"abc<1>");
    assert!(!buf.is_full());
}

#[test]
fn an_empty_queue_gives_its_storage_back_and_a_large_one_is_freed() {
    let mut buf = SendBuf::new(1 << 20);
    frame(&mut buf, b"abc");
    assert!(buf.take_storage().is_none());
    buf.advance(3);
    let storage = buf.take_storage().unwrap();
    assert_eq!(buf.capacity(), 0);
    assert!(buf.put_storage(storage).is_none());
    frame(&mut buf, &[0; 2 * KEEP]);
    buf.advance(2 * KEEP);
    assert_eq!(buf.capacity(), 0);
}

#[test]
fn an_abandoned_queue_is_empty() {
    let mut buf = SendBuf::new(1);
    frame(&mut buf, b"abc");
    buf.hold_control(b"x");
    buf.advance(1);
    buf.abandon();
    assert_eq!((buf.remaining(), buf.written(), buf.mark()), (0, 1, 1));
}

#[test]
#[should_panic(expected = "advanced past the end")]
fn advancing_past_the_end_panics() {
    SendBuf::new(1).advance(1);
}
