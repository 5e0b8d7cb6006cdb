//! One message to many connections: encoded once and queued by reference, beside an encoding for each.

use bytes::{Buf, Bytes};
use ws_core::buf::Pool;
use ws_core::connection::{Config, Connection};
use ws_core::deflate::{Deflate, Takeover};
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::PreparedMessage;
use ws_core::{Instant, Role, Seed};

use crate::args::Effort;
use crate::stats::{interleave, thread_time};
use crate::table::{Class, Row, Scale, Table};
use crate::wire::Kind;

/// Receivers.
const CONNECTIONS: [(usize, &str); 2] = [(1000, "1 000"), (10_000, "10 000")];

/// What one of them receives.
const SIZES: [(usize, &str); 2] = [(1 << 10, "1 KiB"), (16 << 10, "16 KiB")];

/// How a message gets to all of them.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Encoded, and compressed, for each.
    Each,
    /// Once for all.
    Once,
}

/// What it costs for each receiver, up to the last byte handed to the transport.
#[must_use]
pub fn table(effort: &Effort) -> Table {
    let ways = [
        ("ours, prepared", Way::Once),
        ("ours, encoded for each", Way::Each),
    ];
    let ways: Vec<_> = { ways.into_iter() }
        .filter(|(name, _)| effort.wants(name))
        .collect();
    let (mut columns, mut cells) = (Vec::new(), vec![Vec::new(); ways.len()]);
    for (count, many) in CONNECTIONS {
        for (size, long) in SIZES {
            for (deflate, word) in [(false, ""), (true, ", deflate")] {
                let column = format!("{many} x {long}{word}");
                if !effort.wants_column(&column) || effort.quick && count > 1000 {
                    continue;
                }
                let mut receivers: Vec<_> = (0..count).map(|_| receiver(deflate)).collect();
                let payload = Bytes::from(Kind::Ascii.payload(size));
                let mut pool = Pool::new();
                let mut rest: Vec<Way> = ways.iter().map(|way| way.1).collect();
                let samples = interleave(effort.rounds, &mut rest, |way| {
                    nanos(*way, &payload, &mut receivers, &mut pool)
                });
                for (row, samples) in cells.iter_mut().zip(samples) {
                    row.push(Some(samples));
                }
                columns.push(column);
            }
        }
    }
    let rows = ways.iter().zip(cells).map(|((name, _), cells)| Row {
        name: (*name).into(),
        class: Class::Ours,
        owns: false,
        runtime: None,
        cells,
    });
    Table {
        id: "broadcast".into(),
        title: "one message to many connections of a server, in memory".into(),
        unit: "ns per receiver",
        more: false,
        scale: Scale::PerColumn,
        columns,
        rows: rows.collect(),
    }
}

fn receiver(compresses: bool) -> Connection {
    let mut agreed = Agreed::default();
    if compresses {
        let deflate = Deflate::low_memory().takeover(Takeover::Reset);
        agreed.deflate = deflate.accept(&deflate.offers()).map(|(_, terms)| terms);
    }
    let opened = Opened::upgraded(Role::Server, agreed, &[], Seed::new([7; 32]));
    Connection::new(opened, &Config::default(), Instant::ORIGIN)
}

/// Sends one message to all: nanoseconds of CPU time for each. What is queued is not copied to a
/// kernel, which costs both ways the same.
fn nanos(way: Way, payload: &Bytes, receivers: &mut [Connection], pool: &mut Pool) -> f64 {
    let text = std::str::from_utf8(payload).expect("text");
    let (mut written, mut receivers_reached) = (0, 0);
    let start = thread_time();
    let prepared = match way {
        Way::Once => Some(PreparedMessage::new(text)),
        Way::Each => None,
    };
    for receiver in &mut *receivers {
        match &prepared {
            Some(message) => receiver.sender().send(message).expect("open"),
            None => {
                receiver.io().1.put_storage(pool.lend_sending());
                receiver.sender().text(text).expect("open");
            }
        }
        let out = receiver.io().1;
        written += out.remaining();
        receivers_reached += usize::from(out.has_remaining());
        out.advance(out.remaining());
        let storage = out.take_storage();
        { storage.into_iter() }.for_each(|storage| pool.reclaim_sending(storage));
    }
    let used = thread_time() - start;
    assert_eq!(receivers_reached, receivers.len());
    std::hint::black_box(written);
    used.as_nanos() as f64 / receivers.len() as f64
}
