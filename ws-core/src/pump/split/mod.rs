//! A connection in two halves, for two tasks.
//!
//! The reader owns everything that receiving needs, so decoding takes no lock. The write side is
//! shared, behind a lock that is held for one non-blocking write at most: the writer takes it to
//! send, the reader only to hand over a reply, to run a deadline, or to finish a flush that nobody
//! else will finish.
//!
//! Nothing gets stuck: whenever a write stalls, both halves are told when the transport is writable
//! again, so a dropped `send` is finished by the reader, and a pong leaves without a `send`.

#![allow(clippy::disallowed_types, reason = "two tasks share the write side")]

mod reader;
mod shared;
mod writer;

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use std::sync::Mutex;

use super::member::Member;
use super::runtime::Split;
use super::socket::WebSocket;
use shared::{Shared, Side};

pub use reader::Reader;
pub use writer::Writer;

/// What a runtime divides a [`WebSocket`] on an `S` into.
pub type Halves<S, R> = (
    Reader<<R as Split<S>>::ReadHalf, <R as Split<S>>::WriteHalf, R>,
    Writer<<R as Split<S>>::WriteHalf, R>,
);

pub(super) fn split<S, Rd, Wr, R>(
    socket: WebSocket<S, R>,
    split: impl FnOnce(S) -> (Rd, Wr),
) -> (Reader<Rd, Wr, R>, Writer<Wr, R>) {
    let WebSocket {
        conn,
        driver,
        extra,
    } = socket;
    let member = extra.and_then(|extra| extra.member);
    let beside = member.as_ref();
    let beside = beside.map(|member| Member::new(Arc::clone(&member.seat)));
    let agreed = conn.agreed().clone();
    let (receiver, sender) = conn.split();
    let (reader, writer) = split(driver.io);
    let side = Side {
        io: writer,
        sender,
        out: driver.out,
        broken: false,
        reader_waits: false,
    };
    let shared = Arc::new(Shared {
        side: Mutex::new(side),
        wakers: Arc::default(),
        // Whatever was queued before is the reader's to write if no one else does.
        dirty: AtomicBool::new(true),
        seat: member.as_ref().map(|member| Arc::clone(&member.seat)),
    });
    let reader = Reader {
        receiver,
        io: reader,
        runtime: driver.runtime,
        now: driver.now,
        ended: driver.ended.is_some(),
        looked: None,
        owes: false,
        agreed,
        shared: Arc::clone(&shared),
        member,
    };
    (
        reader,
        Writer {
            shared,
            runtime: core::marker::PhantomData,
            promised: false,
            member: beside,
        },
    )
}
