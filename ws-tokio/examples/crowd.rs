//! A crowd at one server: how much memory it takes per idle connection, and whether clients that
//! never finish their opening handshake are felt by those who do.
//!
//! `crowd [--connections N] [--half-open M] [--rounds R] [--patience SECONDS]`
//!
//! The server is a process of its own, which this one starts. It takes N connections (10 000 unless
//! said otherwise), each of which says a word and is idle from then on; then, beside them, M
//! handshakes (2 000) that stop in the middle, while R clients (500) connect, ask and leave, one
//! after the other. The half-open ones are cut when the server's patience is over (10 s). In the end
//! the server goes down and closes everyone with 1001. Memory is what Linux says of the server
//! (`VmRSS`), so without what the kernel holds for each socket.
//!
//! Each process needs a descriptor per connection: `ulimit -n 20000` before.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use words::words;
use ws_tokio::server::{Guest, Server, ServerLimits};
use ws_tokio::ws_core::handshake::Limits;
use ws_tokio::{AcceptOptions, CloseCode, Event, OwnedEvent, ServerOptions, WebSocket, connect};

type Fault = Box<dyn Error + Send + Sync>;

const USAGE: &str =
    "usage: crowd [--connections N] [--half-open M] [--rounds R] [--patience SECONDS]";

/// Connections that are opened at a time.
const AT_ONCE: usize = 100;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(plan) = plan() else {
        eprintln!("error: {USAGE}");
        return ExitCode::from(2);
    };
    let done = match plan.serve {
        true => serve(plan.patience).await,
        false => crowd(&plan).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Plan {
    serve: bool,
    connections: usize,
    half_open: usize,
    rounds: usize,
    patience: Duration,
}

fn plan() -> Option<Plan> {
    let mut plan = Plan {
        serve: false,
        connections: 10_000,
        half_open: 2000,
        rounds: 500,
        patience: Duration::from_secs(10),
    };
    let mut words = words().ok()?.into_iter();
    while let Some(flag) = words.next() {
        let value = words.next()?.parse().ok()?;
        match &*flag {
            "--connections" => plan.connections = value,
            "--half-open" => plan.half_open = value,
            "--rounds" => plan.rounds = value,
            "--patience" => plan.patience = Duration::from_secs(u64::try_from(value).ok()?),
            "--serve" => {
                (plan.serve, plan.patience) =
                    (true, Duration::from_secs(u64::try_from(value).ok()?))
            }
            _ => return None,
        }
    }
    Some(plan)
}

/// The server: an echo, and an answer to each line on its standard input.
async fn serve(patience: Duration) -> Result<(), Fault> {
    // All of them come from this machine.
    let limits = ServerLimits::default().max_per_address(usize::MAX);
    let accept = AcceptOptions::default().handshake(Limits::default().timeout(patience));
    let options = ServerOptions::default().limits(limits).accept(accept);
    let server = Server::bind("127.0.0.1:0", options).await?;
    println!("{}", server.local_addr()?);
    let handle = server.handle();
    let asked = handle.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line == "counts" {
                let counts = asked.counts();
                println!("{} {} {}", counts.open, counts.handshaking, counts.failed);
            }
        }
        asked.shutdown();
    });
    let counts = server.run(echo).await;
    println!("{} {} {}", counts.open, counts.handshaking, counts.failed);
    Ok(())
}

async fn echo(mut socket: Guest) {
    while let Some((event, reply)) = socket.read().await {
        if let Event::Text(text) = event {
            let _ = reply.text(text);
        }
    }
}

/// The server's process, which ends with this one.
struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Process {
    fn start(patience: Duration) -> Result<Self, Fault> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--serve", &patience.as_secs().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut process = Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
        };
        process.address = process.line()?.trim().parse()?;
        Ok(process)
    }

    fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line)
    }

    /// Connections that are open, handshakes under way, and handshakes that came to nothing.
    fn counts(&mut self) -> Result<[u64; 3], Fault> {
        if let Some(stdin) = &mut self.stdin {
            stdin.write_all(b"counts\n")?;
        }
        let line = self.line()?;
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || {
            numbers
                .next()
                .ok_or("the server has died")?
                .map_err(Fault::from)
        };
        Ok([next()?, next()?, next()?])
    }

    /// Bytes of memory that it has.
    fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

async fn crowd(plan: &Plan) -> Result<(), Fault> {
    let mut server = Process::start(plan.patience)?;
    // What the first connections need is needed once.
    drop(open(server.address, AT_ONCE).await?);
    while server.counts()?[0] > 0 {
        tokio::task::yield_now().await;
    }
    let before = server.memory();
    let began = Instant::now();
    let sockets = open(server.address, plan.connections).await?;
    let [open, ..] = server.counts()?;
    println!("{open} connections are open, after {:.1?}", began.elapsed());
    if let (Some(before), Some(after)) = (before, server.memory()) {
        let each = after.saturating_sub(before) / plan.connections.max(1) as u64;
        println!(
            "{each} bytes of memory for each, idle ({} MiB in all)",
            after >> 20
        );
    }
    visits("beside them", server.address, plan.rounds).await?;

    let [.., failed] = server.counts()?;
    let half_open = stop_halfway(server.address, plan.half_open).await?;
    // Those that it has not accepted yet are not half open to it.
    let under_way = loop {
        let [_, under_way, cut] = server.counts()?;
        if under_way + cut - failed >= half_open.len() as u64 {
            break under_way;
        }
    };
    println!("{under_way} handshakes are half open");
    visits("beside those, too", server.address, plan.rounds).await?;
    for mut stream in half_open {
        // 408, and the end.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    let cut = loop {
        let [_, under_way, cut] = server.counts()?;
        if under_way == 0 {
            break cut - failed;
        }
    };
    println!("{cut} of them were cut");

    let began = Instant::now();
    let mut ends = JoinSet::new();
    for mut socket in sockets {
        ends.spawn(async move {
            while socket.next().await.is_some() {}
            socket.closed().map(|closed| closed.code)
        });
    }
    drop(server.stdin.take());
    let ends = ends.join_all().await;
    let told = ends
        .iter()
        .filter(|code| **code == Some(CloseCode::GOING_AWAY));
    println!(
        "{} were closed with 1001, within {:.1?}",
        told.count(),
        began.elapsed()
    );
    let left = server.line()?;
    match left.starts_with("0 0 ") {
        true => Ok(()),
        false => Err(format!("the server had some left: {left}").into()),
    }
}

/// Opens connections, each of which has heard its own words.
async fn open(server: SocketAddr, count: usize) -> Result<Vec<WebSocket>, Fault> {
    let mut opening = JoinSet::new();
    let mut open = Vec::with_capacity(count);
    for i in 0..count {
        if i >= AT_ONCE {
            open.extend(opening.join_next().await.transpose()?.transpose()?);
        }
        opening.spawn(visit(server));
    }
    while let Some(opened) = opening.join_next().await {
        open.push(opened??);
    }
    Ok(open)
}

async fn visit(server: SocketAddr) -> Result<WebSocket, Fault> {
    let mut socket = connect(format!("ws://{server}/")).await?;
    socket.send("hello").await?;
    match socket.next().await {
        Some(OwnedEvent::Text(_)) => Ok(socket),
        other => Err(format!("{other:?}").into()),
    }
}

/// Clients that connect, ask and leave, one after the other, and how long that takes them.
async fn visits(when: &str, server: SocketAddr, count: usize) -> Result<(), Fault> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let mut socket = visit(server).await?;
        times.push(began.elapsed());
        socket.close(CloseCode::NORMAL, "").await?;
    }
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied();
    if let (Some(half), Some(most)) = (at(50), at(99)) {
        println!("{count} visits {when}: p50 {half:.1?}, p99 {most:.1?}");
    }
    Ok(())
}

/// Handshakes that stop in the middle, from an address of their own where there is one.
async fn stop_halfway(server: SocketAddr, count: usize) -> Result<Vec<TcpStream>, Fault> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let socket = TcpSocket::new_v4()?;
        let _ = socket.bind((IpAddr::from([127, 0, 0, 2]), 0).into());
        let mut stream = socket.connect(server).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n").await?;
        streams.push(stream);
    }
    Ok(streams)
}
