//! Writing what a session records to files: in threads, which may wait for a disk. What is written is
//! the core's.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::thread;

use ws_core::options::{Record, StartError};
use ws_core::pump::client::Client;
use ws_core::session::Dialect;

use crate::reactor::Clock;
use crate::session::wait;

/// Opens the files, and starts a thread for each.
pub(crate) fn record<D>(client: &Client<D, Clock>, record: &Record) -> Result<(), StartError>
where
    D: Dialect + Send + 'static,
{
    if let Some(path) = &record.frames {
        let file = OpenOptions::new().append(true).create(true).open(path);
        spawn(client.frames().write_to(file.map_err(StartError::Record)?))?;
    }
    if let Some(path) = &record.journal {
        let file = File::create(path).map_err(StartError::Record)?;
        spawn(client.journal().write_to(file))?;
    }
    Ok(())
}

fn spawn(writing: impl Future<Output = ()> + Send + 'static) -> Result<(), StartError> {
    thread::Builder::new()
        .name("websocket record".into())
        .spawn(move || wait(writing))
        .map(drop)
        .map_err(StartError::Thread)
}
