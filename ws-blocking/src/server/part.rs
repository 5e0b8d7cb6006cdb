//! What becomes of what a handler lets go of: a request is answered, a connection is closed in the
//! server's words.
//!
//! The connection's own thread has nothing else to do, so there that is waited for. Any other thread
//! has: a thread is started for it.

use std::sync::Arc;
use std::thread::{self, ThreadId};

use ws_core::server::Farewell;

use super::gate::Seat;
use crate::{Reader, Upgrade, Writer};

/// What a handler has let go of.
pub(super) enum Left {
    /// A request that it has not answered.
    Asked(Box<Upgrade>),
    /// A connection.
    Open(Box<(Reader, Writer)>),
}

/// Takes leave of it. `home` is the connection's own thread.
pub(super) fn part(left: Left, seat: &Arc<Seat>, home: ThreadId) {
    let phase = seat.gate.ask(|door| door.phase());
    let Some(farewell) = Farewell::of(phase, thread::panicking()) else {
        // It is cut.
        return;
    };
    if let Left::Open(halves) = &left {
        // It may be closing for a reason of its own.
        halves
            .1
            .close_in_passing(farewell.code(), farewell.reason());
    }
    if thread::current().id() == home {
        left.end();
        return;
    }
    let seat = Arc::clone(seat);
    let end = move || {
        left.end();
        drop(seat);
    };
    // Where there is no thread for it, it goes as it is, with the last words under way.
    let _ = thread::Builder::new().name("ws-server".into()).spawn(end);
}

impl Left {
    /// Waits until the client knows, or the time for that is over.
    fn end(self) {
        match self {
            Self::Asked(upgrade) => drop(upgrade.reject(500, &[], b"")),
            Self::Open(halves) => {
                // The reader writes what is queued, too, and minds the deadline.
                let (mut reader, _writer) = *halves;
                while reader.read().is_some() {}
            }
        }
    }
}
