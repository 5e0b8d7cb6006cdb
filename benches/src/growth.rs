//! How the cost of a message changes with the number of connections, and the cost of a byte with
//! the size of a message. Both should stay flat.

use std::io;

use bytes::Buf;
use ws_core::buf::Pool;
use ws_core::connection::{Config, Connection, Event};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Instant, Role, Seed};

use crate::args::{Args, Effort};
use crate::codec::{self, Question, Tally, nanos_per_message, per_kib, size_name};
use crate::echo::{self, Cell};
use crate::stats::interleave;
use crate::table::{Class, Row, Scale, Table};
use crate::wire::{self, Kind};

const CONNECTIONS: [usize; 5] = [1, 10, 100, 1000, 10_000];

const SIZES: [usize; 6] = [1 << 10, 16 << 10, 128 << 10, 1 << 20, 8 << 20, 64 << 20];

/// Decoding messages of growing size: time per KiB.
#[must_use]
pub fn sizes(kind: Kind, effort: &Effort) -> Table {
    let question = Question {
        decode: true,
        server: true,
        kind,
        fragments: 1,
    };
    let most = if effort.quick { 8 << 20 } else { usize::MAX };
    let wanted = |&size: &usize| size <= most && effort.wants_column(&size_name(size));
    let sizes: Vec<_> = SIZES.into_iter().filter(wanted).collect();
    let mut rows = codec::measure(&question, &sizes, effort);
    for row in &mut rows {
        for (cell, &size) in row.cells.iter_mut().zip(&sizes) {
            *cell = cell.as_ref().map(|samples| per_kib(samples, size));
        }
    }
    let title = format!("{}, by size", question.title());
    Table {
        id: format!(
            "growth-size-{}",
            kind.word().replace(' ', "-").to_lowercase()
        ),
        title,
        unit: "ns per KiB",
        more: false,
        scale: Scale::Shared,
        columns: sizes.into_iter().map(size_name).collect(),
        rows,
    }
}

/// Echo of 64 B over loopback TCP, depth 1, on growing numbers of connections.
///
/// # Errors
/// If a server does not start or echoes something else.
pub fn sockets(args: &Args) -> io::Result<Table> {
    let cells: Vec<_> = counts(&args.effort)
        .map(|count| Cell::new(&count.to_string(), count, 64, 1))
        .collect();
    let [rows, _] = echo::measure(args, &echo::programs(args), &cells)?;
    Ok(Table {
        id: "growth-connections".into(),
        title: "echo of 64 B by connections, CPU of the server".into(),
        unit: "ns per message",
        more: false,
        scale: Scale::Shared,
        columns: cells.into_iter().map(|cell| cell.name).collect(),
        rows,
    })
}

/// The same without sockets: each connection in turn receives a message, echoes it, and gives its
/// storage back.
#[must_use]
pub fn in_memory(effort: &Effort) -> Table {
    let cells = counts(effort).map(|count| {
        let mut job = turns(count);
        let messages = count.max(1000);
        let samples = interleave(effort.rounds, std::slice::from_mut(&mut job), |job| {
            nanos_per_message(job, messages, effort.codec_sample)
        });
        samples.into_iter().next()
    });
    Table {
        id: "growth-connections-in-memory".into(),
        title: "echo of 64 B by connections, the core alone".into(),
        unit: "ns per message",
        more: false,
        scale: Scale::Shared,
        columns: counts(effort).map(|count| count.to_string()).collect(),
        rows: vec![Row {
            name: "ours".into(),
            class: Class::Ours,
            owns: false,
            runtime: None,
            cells: cells.collect(),
        }],
    }
}

fn counts(effort: &Effort) -> impl Iterator<Item = usize> {
    let wanted =
        |&count: &usize| count <= effort.connections && effort.wants_column(&count.to_string());
    CONNECTIONS.into_iter().filter(wanted)
}

fn turns(count: usize) -> codec::Job {
    let mut frame = Vec::new();
    wire::message(
        &mut frame,
        Kind::Binary,
        &Kind::Binary.payload(64),
        1,
        Some(0x1234_5678),
    );
    let connection = |_| {
        let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
        Connection::new(opened, &Config::default(), Instant::ORIGIN)
    };
    let mut connections: Vec<_> = (0..count).map(connection).collect();
    let mut pool = Pool::new();
    Box::new(move || {
        let mut tally = Tally::default();
        for i in 0..count.max(1000) {
            let conn = &mut connections[i % count];
            let (recv, send) = conn.io();
            recv.put_storage(pool.lend_receiving(), 0);
            send.put_storage(pool.lend_sending());
            recv.spare()[..frame.len()].copy_from_slice(&frame);
            recv.commit(frame.len());
            if let Some((Event::Binary(data), sender)) = conn.poll(Instant::ORIGIN)
                && sender.binary(data).is_ok()
            {
                tally.count(data);
            }
            // The end of what was received: the event is given back.
            let rest = conn.poll(Instant::ORIGIN).is_none();
            let (recv, send) = conn.io();
            send.advance(if rest { send.remaining() } else { 0 });
            recv.take_storage()
                .into_iter()
                .for_each(|storage| pool.reclaim_receiving(storage));
            send.take_storage()
                .into_iter()
                .for_each(|storage| pool.reclaim_sending(storage));
        }
        tally
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_takes_its_turn() {
        for count in [1, 3000] {
            let mut tally = Tally::default();
            tally.count_all(count.max(1000), 64);
            assert_eq!(turns(count)(), tally);
        }
    }
}
