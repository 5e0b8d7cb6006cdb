//! This project, on each of its runtimes, in the loop that its documentation recommends: events
//! lent by `read` and answered with the sender that comes with them, so that one write answers all
//! that one read brought. On tokio also with owned events, `next` and `feed`.

mod blocking;
mod mio;
mod smol;
mod tokio;

use std::sync::LazyLock;

use ws_core::options::AcceptOptions;

use super::accept::tokio::Flavor;
use super::{Runtime, Server, accept};
use crate::table::Class;

/// The defaults, as everything here.
static OPTIONS: LazyLock<AcceptOptions> = LazyLock::new(AcceptOptions::default);

const fn ours(name: &'static str, runtime: Runtime, run: super::Run) -> Server {
    Server {
        name,
        class: Class::Ours,
        upgrades: true,
        runtime,
        run,
    }
}

pub(super) const SERVERS: [Server; 6] = [
    ours("ours, tokio, read()", Runtime::Tokio, |listener| {
        accept::tokio::serve(Flavor::CurrentThread, listener, tokio::lent)
    }),
    ours("ours, tokio, next()", Runtime::Tokio, |listener| {
        accept::tokio::serve(Flavor::CurrentThread, listener, tokio::owned)
    }),
    ours("ours, tokio multi", Runtime::TokioMulti, |listener| {
        accept::tokio::serve(Flavor::MultiThread, listener, tokio::lent)
    }),
    ours("ours, smol", Runtime::Smol, |listener| {
        accept::smol::serve(listener, smol::lent)
    }),
    ours("ours, blocking", Runtime::Threads, |listener| {
        accept::threads::serve(listener, blocking::lent)
    }),
    ours("ours, mio", Runtime::Mio, |listener| {
        accept::mio::serve::<mio::Client>(listener)
    }),
];
