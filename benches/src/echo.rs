//! Echo over loopback TCP: one load generator for all servers, each a process of its own.

use std::io;
use std::time::Duration;

use crate::args::Args;
use crate::child::{Program, ServerProcess, most_connections, pinned};
use crate::load::{Burst, Load};
use crate::servers;
use crate::stats::Samples;
use crate::table::{Class, Row, Scale, Table};
use crate::wire::Kind;

/// A column of an echo table.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its heading.
    pub name: String,
    /// Connections open at once.
    pub connections: usize,
    /// Bytes per message.
    pub size: usize,
    /// Messages that each connection sends before it waits for their echoes.
    pub depth: usize,
    /// What messages hold.
    pub kind: Kind,
}

impl Cell {
    /// A cell of binary messages.
    #[must_use]
    pub fn new(name: &str, connections: usize, size: usize, depth: usize) -> Self {
        Self {
            name: name.into(),
            connections,
            size,
            depth,
            kind: Kind::Binary,
        }
    }
}

fn cells() -> Vec<Cell> {
    let text = Cell {
        kind: Kind::MultiByte,
        ..Cell::new("10 x 16 KiB text", 10, 16 << 10, 1)
    };
    vec![
        Cell::new("1 x 64 B", 1, 64, 1),
        Cell::new("100 x 64 B", 100, 64, 1),
        Cell::new("100 x 64 B, depth 32", 100, 64, 32),
        Cell::new("10 x 16 KiB", 10, 16 << 10, 1),
        text,
        Cell::new("2 x 1 MiB", 2, 1 << 20, 1),
    ]
}

/// The servers that the command line asks for.
#[must_use]
pub fn programs(args: &Args) -> Vec<Program> {
    let own = servers::all().into_iter().map(|server| Program {
        name: server.name.into(),
        class: server.class,
        upgrades: server.upgrades,
        runtime: Some(server.runtime),
        command: None,
    });
    let own = own.filter(|program| args.effort.wants(&program.name));
    let others = args.servers.iter().map(|(name, command)| Program {
        name: name.clone(),
        class: Class::Full,
        upgrades: true,
        runtime: None,
        command: Some(command.clone()),
    });
    own.chain(others).collect()
}

/// Both answers: CPU time of the server per message, and messages per second.
///
/// # Errors
/// If a server does not start or echoes something else.
pub fn tables(args: &Args) -> io::Result<[Table; 2]> {
    let cells: Vec<_> = cells()
        .into_iter()
        .filter(|cell| args.effort.wants_column(&cell.name))
        .collect();
    let rows = measure(args, &programs(args), &cells)?;
    let table = |id: &str, title: &str, unit, more, rows| Table {
        id: id.into(),
        title: title.into(),
        unit,
        more,
        scale: Scale::PerColumn,
        columns: cells.iter().map(|cell| cell.name.clone()).collect(),
        rows,
    };
    let [cpu, rate] = rows;
    let about = "echo over loopback TCP";
    Ok([
        table(
            "echo-cpu",
            &format!("{about}, CPU of the server"),
            "ns per message",
            false,
            cpu,
        ),
        table(
            "echo-rate",
            &format!("{about}, throughput"),
            "messages per second",
            true,
            rate,
        ),
    ])
}

/// CPU time per message, and messages per second, of some servers in some cells.
///
/// # Errors
/// If a server does not start or echoes something else.
pub fn measure(args: &Args, programs: &[Program], cells: &[Cell]) -> io::Result<[Vec<Row>; 2]> {
    let fitting = most_connections();
    let row = |program: &Program| Row {
        name: program.name.clone(),
        class: program.class,
        owns: false,
        runtime: program.runtime,
        cells: Vec::new(),
    };
    let mut rows: [Vec<Row>; 2] = [(); 2].map(|()| programs.iter().map(row).collect());
    let start = |program: &Program| Ok((program.clone(), ServerProcess::start(program)?));
    let servers: Vec<_> = programs.iter().map(start).collect::<io::Result<_>>()?;
    for cell in cells {
        let mut samples = vec![[Samples::default(), Samples::default()]; servers.len()];
        for _ in 0..args.effort.rounds {
            for ((program, server), samples) in servers.iter().zip(&mut samples) {
                if !program.serves(cell.connections) {
                    continue;
                }
                let [cpu, rate] = pinned(|| {
                    sample(program, server, cell, fitting, args.effort.echo_sample).map_err(
                        |error| {
                            io::Error::other(format!("{}, {}: {error}", program.name, cell.name))
                        },
                    )
                })?;
                samples[0].push(cpu);
                samples[1].push(rate);
            }
        }
        for (i, [cpu, rate]) in samples.into_iter().enumerate() {
            let took_part = !cpu.values().is_empty();
            rows[0][i].cells.push(took_part.then_some(cpu));
            rows[1][i].cells.push(took_part.then_some(rate));
        }
    }
    Ok(rows)
}

fn sample(
    program: &Program,
    server: &ServerProcess,
    cell: &Cell,
    fitting: usize,
    duration: Duration,
) -> io::Result<[f64; 2]> {
    let connections = cell.connections.min(fitting);
    let mut load = Load::connect(server.address, connections, program.upgrades)?;
    let burst = Burst::new(cell.kind, cell.size, cell.depth, program.upgrades);
    load.run(&burst, duration / 5)?;
    let before = server.cpu_time()?;
    let outcome = load.run(&burst, duration)?;
    let used = server.cpu_time()?.saturating_sub(before);
    let messages = outcome.messages as f64;
    Ok([
        used.as_nanos() as f64 / messages,
        messages / outcome.elapsed.as_secs_f64(),
    ])
}
