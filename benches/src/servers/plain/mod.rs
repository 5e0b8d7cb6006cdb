//! Bytes echoed over TCP, without any protocol: what a server on each runtime could do at best.

mod blocking;
mod mio;
mod smol;
mod tokio;

use std::cell::RefCell;

use super::accept::tokio::Flavor;
use super::{BUFFER, Runtime, Server, accept};
use crate::table::Class;

thread_local! {
    /// Shared by all connections of a thread, so that an idle one holds no buffer.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into());
}

const fn plain(name: &'static str, runtime: Runtime, run: super::Run) -> Server {
    Server {
        name,
        class: Class::Limit,
        upgrades: false,
        runtime,
        run,
    }
}

pub(super) const SERVERS: [Server; 5] = [
    plain("plain TCP, tokio", Runtime::Tokio, |listener| {
        accept::tokio::serve(Flavor::CurrentThread, listener, tokio::echo)
    }),
    plain("plain TCP, tokio multi", Runtime::TokioMulti, |listener| {
        accept::tokio::serve(Flavor::MultiThread, listener, tokio::echo)
    }),
    plain("plain TCP, smol", Runtime::Smol, |listener| {
        accept::smol::serve(listener, smol::echo)
    }),
    plain("plain TCP, blocking", Runtime::Threads, |listener| {
        accept::threads::serve(listener, blocking::echo)
    }),
    plain("plain TCP, mio", Runtime::Mio, |listener| {
        accept::mio::serve::<mio::Client>(listener)
    }),
];
