//! Writing what a session records to files: in threads, which may wait for a disk. What is written is
//! the core's.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::thread;

use tokio::runtime::Handle;
use ws_core::options::{Record, StartError};
use ws_core::pump::client;
use ws_core::session::Dialect;

use crate::Tokio;

type Client<D> = client::Client<D, Tokio>;
type Lines<D> = client::Lines<D, Tokio>;

/// Opens the files, and starts a thread for each.
pub(crate) fn record<D>(client: &Client<D>, record: &Record) -> Result<(), StartError>
where
    D: Dialect + Send + 'static,
{
    if let Some(path) = &record.frames {
        let file = OpenOptions::new().append(true).create(true).open(path);
        write(client.frames(), file.map_err(StartError::Record)?)?;
    }
    if let Some(path) = &record.journal {
        let file = File::create(path).map_err(StartError::Record)?;
        write(client.journal(), file)?;
    }
    Ok(())
}

fn write<D>(mut lines: Lines<D>, mut file: File) -> Result<(), StartError>
where
    D: Dialect + Send + 'static,
{
    let writing = async move {
        while let Some(block) = lines.next().await {
            if let Err(error) = file.write_all(&block) {
                lines.failed(error.kind());
                return;
            }
        }
    };
    let runtime = Handle::current();
    thread::Builder::new()
        .name("websocket record".into())
        .spawn(move || runtime.block_on(writing))
        .map_err(StartError::Thread)?;
    Ok(())
}
