//! An echo server in a hand-written event loop: no runtime, one thread, any number of clients.
//!
//! `event_loop ADDR [--deflate]`; port 0 picks a free one. Prints `listening on ADDR`.
//!
//! Everything that a loop of your own needs is in [`turn`]: it moves bytes between a socket and a
//! machine, be that an opening handshake or a connection. The rest is bookkeeping of tokens and
//! deadlines. An idle client holds no buffers: they are lent for a turn and taken back.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a loop owns socket and clock"
)]

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::process::ExitCode;
use std::time::{Duration, Instant as Clock};

use bytes::Buf;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use words::words;
use ws_core::buf::{Pool, SendBuf};
use ws_core::connection::{Config, Connection, Event};
use ws_core::handshake::{Accept, Limits, ServerHandshake};
use ws_core::{Instant, Machine, Transport, TransportEnd};

/// Where a turn ended.
enum Status {
    /// The socket would block.
    Blocked,
    /// There may be more to read, but it is the others' turn.
    Busy,
    /// The machine has something to take.
    Ready,
    /// The socket is of no more use.
    Over,
}

/// Reads in one turn of a client.
const READS: u32 = 32;

/// Moves bytes between a socket and a machine until one of them has enough, or `reads` are used up.
fn turn(
    socket: &mut TcpStream,
    machine: &mut dyn Machine,
    reads: &mut u32,
    now: Instant,
) -> Status {
    loop {
        // While the peer takes nothing, nothing is made for it to take.
        if !machine.io().1.is_full() && machine.ready(now) {
            return Status::Ready;
        }
        let out = machine.io().1;
        let waiting = out.has_remaining();
        if write(socket, out).is_err() {
            machine.unwritable(now);
            continue;
        }
        if waiting && machine.io().1.is_empty() {
            continue; // the end may have waited for just that
        }
        match machine.transport() {
            Transport::Open => {}
            Transport::Shutdown => drop(socket.shutdown(Shutdown::Write)),
            Transport::Close => return Status::Over,
        }
        if machine.io().1.is_full() {
            return Status::Blocked;
        }
        if *reads == 0 {
            return Status::Busy;
        }
        *reads -= 1;
        match socket.read(machine.io().0.spare()) {
            Ok(0) => machine.lost(TransportEnd::Eof),
            Ok(n) => machine.io().0.commit(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Status::Blocked,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => machine.lost(error.kind().into()),
        }
    }
}

/// Writes as much as the socket takes.
fn write(socket: &mut TcpStream, out: &mut SendBuf) -> io::Result<()> {
    while out.has_remaining() {
        let mut pieces = [IoSlice::new(&[]); 16];
        // One piece is what there is most often, and a plain write costs less.
        let written = match out.chunks_vectored(&mut pieces) {
            1 => socket.write(&pieces[0]),
            n => socket.write_vectored(&pieces[..n]),
        };
        match written {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => out.advance(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Client {
    socket: TcpStream,
    stage: Stage,
}

enum Stage {
    Opening(Box<ServerHandshake>),
    Open(Box<Connection>),
}

impl Stage {
    fn machine(&mut self) -> &mut dyn Machine {
        match self {
            Self::Opening(handshake) => &mut **handshake,
            Self::Open(connection) => &mut **connection,
        }
    }
}

impl Client {
    /// Does what can be done without waiting. Silence is judged after reading: what waited in the
    /// socket was said in time.
    fn turn(&mut self, answer: &Accept, now: Instant) -> Status {
        let mut reads = READS;
        let status = self.exchange(&mut reads, answer, now);
        match self.stage.machine().poll_timeout() {
            Some((at, _)) if at <= now && !matches!(status, Status::Over) => {
                self.stage.machine().handle_timeout(now);
                self.exchange(&mut reads, answer, now)
            }
            _ => status,
        }
    }

    fn exchange(&mut self, reads: &mut u32, answer: &Accept, now: Instant) -> Status {
        loop {
            let status = turn(&mut self.socket, self.stage.machine(), reads, now);
            match (status, &mut self.stage) {
                (status @ (Status::Blocked | Status::Busy | Status::Over), _) => return status,
                (Status::Ready, Stage::Open(connection)) => echo(connection, now),
                (Status::Ready, Stage::Opening(handshake)) => match open(handshake, answer, now) {
                    Ok(None) => {}
                    Ok(Some(connection)) => self.stage = Stage::Open(connection),
                    Err(_) => return Status::Over,
                },
            }
        }
    }
}

/// Accepts the request; gives the connection once the answer is written.
fn open(
    handshake: &mut Box<ServerHandshake>,
    answer: &Accept,
    now: Instant,
) -> Result<Option<Box<Connection>>, Box<dyn Error>> {
    if handshake.poll(now)?.is_some() {
        handshake.accept(answer.clone())?;
        return Ok(None);
    }
    let written = std::mem::replace(
        &mut **handshake,
        ServerHandshake::new(Limits::default(), now),
    );
    let opened = written.finish().map_err(|_| "not accepted")?;
    Ok(Some(Box::new(Connection::new(
        opened,
        &Config::default(),
        now,
    ))))
}

fn echo(connection: &mut Connection, now: Instant) {
    while let Some((event, reply)) = connection.poll(now) {
        let _ = match event {
            Event::Text(text) => reply.text(text),
            Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
        if reply.buf().is_full() {
            break;
        }
    }
}

const LISTENER: Token = Token(usize::MAX);

struct Server {
    poll: Poll,
    listener: TcpListener,
    origin: Clock,
    clients: BTreeMap<Token, Client>,
    /// When each client wants a turn although its socket is quiet.
    deadlines: BTreeSet<(Instant, Token)>,
    /// Who has not read everything, and will not be told again.
    busy: BTreeSet<Token>,
    next: usize,
    pool: Pool,
    /// How every request is accepted.
    answer: Accept,
}

impl Server {
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let wait = match self.busy.is_empty() {
                true => self.deadlines.first().map(|(at, _)| *at - self.now()),
                false => Some(Duration::ZERO),
            };
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let busy = std::mem::take(&mut self.busy);
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    token => self.turn(token),
                }
            }
            let now = self.now();
            let due = self.deadlines.iter().take_while(|(at, _)| *at <= now);
            let due: Vec<Token> = due.map(|(_, token)| *token).collect();
            for token in busy.into_iter().chain(due) {
                self.turn(token);
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((mut socket, _)) = self.listener.accept() {
            let token = Token(self.next);
            self.next += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registered = self.poll.registry().register(&mut socket, token, interest);
            if registered.and_then(|()| socket.set_nodelay(true)).is_err() {
                continue;
            }
            let handshake = ServerHandshake::new(Limits::default(), self.now());
            let stage = Stage::Opening(Box::new(handshake));
            self.clients.insert(token, Client { socket, stage });
            self.turn(token);
        }
    }

    fn turn(&mut self, token: Token) {
        let now = self.now();
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        let before = client
            .stage
            .machine()
            .poll_timeout()
            .map(|(at, _)| (at, token));
        let (recv, send) = client.stage.machine().io();
        self.pool.supply(recv);
        let unused = send.put_storage(self.pool.lend_sending());
        unused
            .into_iter()
            .for_each(|storage| self.pool.reclaim_sending(storage));

        let status = client.turn(&self.answer, now);

        let (recv, send) = client.stage.machine().io();
        self.pool.settle(recv);
        send.take_storage()
            .into_iter()
            .for_each(|storage| self.pool.reclaim_sending(storage));
        let after = client
            .stage
            .machine()
            .poll_timeout()
            .map(|(at, _)| (at, token));
        before.map(|entry| self.deadlines.remove(&entry));
        if matches!(status, Status::Over) {
            self.clients.remove(&token);
            return;
        }
        self.deadlines.extend(after);
        if matches!(status, Status::Busy) {
            self.busy.insert(token);
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut args = words()?.into_iter();
    let address = args.next().ok_or("usage: event_loop ADDR [--deflate]")?;
    let answer = match args.next().as_deref() {
        #[cfg(feature = "deflate")]
        Some("--deflate") => Accept::new().deflate(ws_core::deflate::Deflate::default()),
        _ => Accept::new(),
    };
    let mut listener = TcpListener::bind(address.parse()?)?;
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on {}", listener.local_addr()?);
    let mut server = Server {
        poll,
        listener,
        origin: Clock::now(),
        clients: BTreeMap::new(),
        deadlines: BTreeSet::new(),
        busy: BTreeSet::new(),
        next: 0,
        pool: Pool::new(),
        answer,
    };
    Ok(server.run()?)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
