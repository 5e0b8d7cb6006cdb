//! Memory of a server per idle connection.

use std::io;
use std::thread;
use std::time::Duration;

use crate::args::Args;
use crate::child::{Program, ServerProcess, most_connections, pinned};
use crate::echo::programs;
use crate::load::{Burst, Load};
use crate::stats::Samples;
use crate::table::{Row, Scale, Table};
use crate::wire::Kind;

const COLUMNS: [&str; 3] = ["after the handshake", "after 64 B", "after 16 KiB"];

/// How long a server may take to give memory back.
const SETTLE: Duration = Duration::from_secs(1);

/// The answer, each sample from a fresh process.
///
/// # Errors
/// If a server does not start or echoes something else.
pub fn table(args: &Args) -> io::Result<Table> {
    let connections = args.effort.connections.min(most_connections());
    let mut programs = programs(args);
    programs.retain(|program| program.serves(connections));
    let mut samples = vec![<[Samples; 3]>::default(); programs.len()];
    for _ in 0..args.effort.rounds.div_ceil(3) {
        for (program, samples) in programs.iter().zip(&mut samples) {
            let sizes = pinned(|| sample(program, connections))?;
            samples
                .iter_mut()
                .zip(sizes)
                .for_each(|(samples, size)| samples.push(size));
        }
    }
    let row = |(program, samples): (&Program, [Samples; 3])| Row {
        name: program.name.clone(),
        class: program.class,
        owns: false,
        runtime: program.runtime,
        cells: samples.map(Some).into(),
    };
    Ok(Table {
        id: "memory".into(),
        title: format!("memory of the server per idle connection, {connections} connections"),
        unit: "bytes",
        more: false,
        scale: Scale::Shared,
        columns: COLUMNS.map(String::from).into(),
        rows: programs.iter().zip(samples).map(row).collect(),
    })
}

/// Bytes per connection after each step.
fn sample(program: &Program, connections: usize) -> io::Result<[f64; 3]> {
    let server = ServerProcess::start(program)?;
    let burst = |size| Burst::new(Kind::Binary, size, 1, program.upgrades);
    // What a server allocates once is no cost of a connection.
    Load::connect(server.address, 10, program.upgrades)?.once(&burst(16 << 10))?;
    thread::sleep(SETTLE);
    let empty = server.resident()?;
    let mut load = Load::connect(server.address, connections, program.upgrades)?;
    let mut sizes = [0.0; 3];
    for (i, size) in [None, Some(64), Some(16 << 10)].into_iter().enumerate() {
        if let Some(size) = size {
            load.once(&burst(size))?;
        }
        thread::sleep(SETTLE);
        sizes[i] = server.resident()?.saturating_sub(empty) as f64 / connections as f64;
    }
    Ok(sizes)
}
