//! Whatever is sent, by whichever call, cut into fragments or not, shared or copied, written in
//! whichever steps: the peer gets the same messages in the same order, frames are never
//! interrupted, and what is refused leaves no trace.
//!
//! `WS_CASES` sets the number of cases; a failure prints how to replay it (see `support`).

use crate::support::sending::{Model, Op, Write, config, op};
use crate::support::{End, Frame, cases, frame, frames};
use bytes::{Buf, Bytes};
use proptest::collection::vec;
use proptest::prelude::*;
use ws_core::Role;
use ws_core::buf::SendBuf;
use ws_core::connection::{Config, OwnedEvent, Sender};
use ws_core::error::SendError;
use ws_core::message::{Limits, Message, Text};

fn message(text: bool, data: &[u8]) -> Message<'_> {
    if text {
        Message::Text(core::str::from_utf8(data).expect("text"))
    } else {
        Message::Binary(data)
    }
}

fn send(sender: &mut Sender, op: &Op) -> Result<(), SendError> {
    match op {
        Op::Batch(messages) => {
            let messages: Vec<_> = messages.iter().map(|(t, data)| message(*t, data)).collect();
            sender.batch(&messages)
        }
        Op::Binary(data) => sender.binary(data),
        Op::Text(text) => sender.text(text),
        Op::Owned(true, data) => sender.send(String::from_utf8(data.clone()).expect("text")),
        Op::Owned(false, data) => sender.send(data.clone()),
        Op::Shared(true, data) => {
            sender.send(Text::try_from(Bytes::from(data.clone())).expect("text"))
        }
        Op::Shared(false, data) => sender.send(Bytes::from(data.clone())),
        Op::Ping(data) => sender.ping(data),
        Op::Pong(data) => sender.pong(data),
        Op::Fragment(kind, piece) => sender.fragment(*kind, piece),
        Op::Continue(piece) => sender.continuation(piece),
        Op::Finish(piece) => sender.finish(piece),
        Op::Receive(_) | Op::Storage | Op::Write(_) => Ok(()),
    }
}

fn write(end: &mut End, how: &Write, wire: &mut Vec<u8>, model: &mut Model) {
    let out: &mut SendBuf = end.connection.io().1;
    match how {
        Write::Chunk(index) => {
            let n = index.index(out.chunk().len() + 1);
            wire.extend_from_slice(&out.chunk()[..n]);
            out.advance(n);
        }
        Write::Pop(index, ping) => {
            let Some(mut rest) = out.pop() else { return };
            if let Some(ping) = ping {
                apply(end, &Op::Ping(ping.clone()), wire, model);
            }
            let n = index.index(rest.len() + 1);
            wire.extend(rest.split_to(n));
            end.connection.io().1.unpop(rest);
        }
        #[cfg(feature = "std")]
        Write::Vectored(slices, index) => {
            let mut slices = vec![std::io::IoSlice::new(&[]); *slices];
            let n = out.chunks_vectored(&mut slices);
            let seen: Vec<u8> = slices[..n]
                .iter()
                .flat_map(|slice| slice.to_vec())
                .collect();
            let n = index.index(seen.len() + 1);
            wire.extend_from_slice(&seen[..n]);
            out.advance(n);
        }
        #[cfg(not(feature = "std"))]
        Write::Vectored(..) => {}
    }
}

fn apply(end: &mut End, op: &Op, wire: &mut Vec<u8>, model: &mut Model) {
    if let Op::Write(how) = op {
        write(end, how, wire, model);
    } else if let Op::Receive(ping) = op {
        let ping = &ping[..ping.len().min(125)];
        end.receive(&frame(end.role, 0x89, ping));
        assert_eq!(end.events().len(), 1);
        model.pongs.push(Frame::new(0x8a, ping));
    } else if let Op::Storage = op {
        let out = end.connection.io().1;
        if let Some(storage) = out.take_storage() {
            assert_eq!((out.is_empty(), out.capacity()), (true, 0));
            assert!(out.put_storage(storage).is_none());
        }
    } else {
        ask(end, op, model);
    }
}

/// Sends, or is refused as the model says.
fn ask(end: &mut End, op: &Op, model: &mut Model) {
    let full = end.connection.io().1.is_full();
    let queued = end.connection.io().1.remaining();
    let answer = send(end.connection.sender(), op);
    if full && !matches!(op, Op::Batch(messages) if messages.is_empty()) {
        assert_eq!(answer, Err(SendError::Full { queued }));
    } else {
        assert_eq!(answer, model.expect(op), "{op:?}");
    }
    if answer.is_err() {
        assert_eq!(
            end.connection.io().1.remaining(),
            queued,
            "a refusal leaves no trace"
        );
    }
}

/// Are the first all in the second, in order, and the last of both the same?
fn latest_kept(kept: &[Frame], all: &[Frame]) -> bool {
    let mut all_left = all.iter();
    kept.iter().all(|frame| all_left.any(|one| one == frame)) && kept.last() == all.last()
}

fn check(role: Role, config: &Config, ops: &[Op]) {
    let mut end = End::new(role, config);
    let (mut wire, mut model) = (Vec::new(), Model::new());
    for op in ops {
        apply(&mut end, op, &mut wire, &mut model);
        let out = end.connection.io().1;
        assert_eq!(out.written(), wire.len() as u64);
    }
    end.connection
        .close(1000.into(), "bye", end.now)
        .expect("open");
    while let Some(piece) = end.connection.io().1.pop() {
        wire.extend(piece);
    }
    let sent = frames(role, &wire);
    assert_eq!(sent.last(), Some(&Frame::close(1000, "bye")));
    assert_sizes(config, &sent);

    let limits = Limits::default()
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX);
    let mut peer = End::new(role.peer(), &Config::default().limits(limits));
    peer.receive(&wire);
    let (mut data, mut controls) = (Vec::new(), Vec::new());
    for event in peer.events() {
        if let OwnedEvent::Ping(payload) = event {
            controls.push(Frame::new(0x89, &payload));
        } else if let OwnedEvent::Pong(payload) = event {
            controls.push(Frame::new(0x8a, &payload));
        } else {
            data.push(event);
        }
    }
    assert_eq!(data, model.data);
    // The application's own control frames, and the pongs to the peer's pings.
    let (pongs, own): (Vec<Frame>, Vec<Frame>) = controls
        .into_iter()
        .partition(|frame| frame.first == 0x8a && !frame.payload.starts_with(b"own"));
    assert_eq!(own, model.controls);
    assert!(
        latest_kept(&pongs, &model.pongs),
        "{pongs:?} of {:?}",
        model.pongs
    );
}

/// Whole messages are cut as the configuration says.
fn assert_sizes(config: &Config, sent: &[Frame]) {
    let Some(size) = config.fragment_size else {
        return;
    };
    for data in sent.iter().filter(|frame| frame.first & 0x08 == 0) {
        assert!(
            data.payload.len() <= size.get().max(40),
            "{}",
            data.payload.len()
        );
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn what_a_client_sends_arrives_whatever_the_writes(
        config in config(),
        ops in vec(op(), 0..30),
    ) {
        check(Role::Client, &config, &ops);
    }

    #[test]
    fn what_a_server_sends_arrives_whatever_the_writes(
        config in config(),
        ops in vec(op(), 0..30),
    ) {
        check(Role::Server, &config, &ops);
    }
}
