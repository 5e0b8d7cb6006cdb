//! A connection in two halves, for two threads.
//!
//! The reader waits in the transport without any lock. The sender's state is behind one lock, held
//! only to encode or to take a piece out; the write side of the transport is behind another, held
//! while a piece is written. So a writer that is stuck in a write keeps no one from queueing, and the
//! reader never waits for it: if the write side is taken, whoever has it writes the reply too.
//!
//! - `reader`: the half that receives.
//! - `writer`: the half that sends.
//! - `shared`: what both have, and how the queue is written out.
//! - `remote`: how a server reaches a connection whose halves others have.
//! - `write_side`: the transport as it is written to.

mod reader;
mod remote;
mod shared;
mod write_side;
mod writer;

use std::io;
use std::sync::{Arc, Condvar, Mutex};

pub use reader::Reader;
pub(crate) use remote::Remote;
use shared::{Shared, State};
use write_side::WriteSide;
pub use writer::Writer;

use crate::{TrySplit, WebSocket};

pub(crate) fn split<S: TrySplit>(socket: WebSocket<S>) -> io::Result<(Reader<S>, Writer<S>)> {
    let WebSocket { conn, driver } = socket;
    let io = driver.io.try_split()?;
    let agreed = conn.agreed().clone();
    let (receiver, sender) = conn.split();
    let close_timeout = receiver.close_timeout();
    let state = State {
        sender,
        in_flight: false,
        stuck: false,
        closed_at: None,
        broken: false,
        over: false,
        held: None,
    };
    let shared = Arc::new(Shared {
        io: Mutex::new(WriteSide {
            io: driver.io,
            wait: driver.write_wait,
            unflushed: true,
        }),
        state: Mutex::new(state),
        changed: Condvar::new(),
    });
    let reader = Reader {
        receiver,
        io,
        clock: driver.clock,
        wait: driver.read_wait,
        ended: driver.ended.is_some(),
        put_off: None,
        owes: true,
        agreed,
        shared: Arc::clone(&shared),
    };
    Ok((
        reader,
        Writer {
            clock: driver.clock,
            close_timeout,
            patience: None,
            shared,
        },
    ))
}
