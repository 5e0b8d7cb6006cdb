//! The core alone in a loop over mio, as in its example `event_loop`.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;

use bytes::Buf;
use mio::net::TcpStream;
use ws_core::buf::{Pool, SendBuf};
use ws_core::connection::{Config, Connection, Event};
use ws_core::handshake::{Accept, Limits, ServerHandshake};
use ws_core::{Instant, Machine, Transport, TransportEnd};

use crate::servers::accept;

/// A connection, or its opening handshake, and the socket it runs on.
pub(super) struct Client {
    socket: TcpStream,
    stage: Stage,
}

enum Stage {
    Opening(Box<ServerHandshake>),
    Open(Box<Connection>),
}

/// Where a turn ended.
enum Status {
    /// The machine has something to take.
    Ready,
    /// The socket would block.
    Blocked,
    /// The socket is of no more use.
    Over,
}

impl Stage {
    fn machine(&mut self) -> &mut dyn Machine {
        match self {
            Self::Opening(handshake) => &mut **handshake,
            Self::Open(connection) => &mut **connection,
        }
    }
}

impl accept::mio::Client for Client {
    type Shared = Pool;

    fn new(socket: TcpStream, now: Instant) -> Self {
        let handshake = ServerHandshake::new(Limits::default(), now);
        Self {
            socket,
            stage: Stage::Opening(Box::new(handshake)),
        }
    }

    fn turn(&mut self, pool: &mut Pool, now: Instant) -> bool {
        let machine = self.stage.machine();
        if machine.poll_timeout().is_some_and(|(at, _)| at <= now) {
            machine.handle_timeout(now);
        }
        let send = machine.io().1;
        let unused = send.put_storage(pool.lend_sending());
        reclaim(pool, unused);

        let stays = self.run(pool, now);

        let (recv, send) = self.stage.machine().io();
        pool.settle(recv);
        reclaim(pool, send.take_storage());
        stays
    }

    fn deadline(&mut self) -> Option<Instant> {
        self.stage.machine().poll_timeout().map(|(at, _)| at)
    }
}

/// Storage that is not needed goes back to the pool.
fn reclaim(pool: &mut Pool, sending: Option<Vec<u8>>) {
    sending
        .into_iter()
        .for_each(|storage| pool.reclaim_sending(storage));
}

impl Client {
    fn run(&mut self, pool: &mut Pool, now: Instant) -> bool {
        loop {
            let status = turn(&mut self.socket, self.stage.machine(), pool, now);
            match (status, &mut self.stage) {
                (Status::Blocked, _) => return true,
                (Status::Over, _) => return false,
                (Status::Ready, Stage::Open(connection)) => echo(connection, now),
                (Status::Ready, Stage::Opening(handshake)) => match open(handshake, now) {
                    Ok(None) => {}
                    Ok(Some(connection)) => self.stage = Stage::Open(connection),
                    Err(()) => return false,
                },
            }
        }
    }
}

/// Accepts the request; gives the connection once the answer is written.
fn open(handshake: &mut Box<ServerHandshake>, now: Instant) -> Result<Option<Box<Connection>>, ()> {
    if handshake.poll(now).map_err(drop)?.is_some() {
        return handshake.accept(Accept::new()).map(|()| None).map_err(drop);
    }
    let fresh = ServerHandshake::new(Limits::default(), now);
    let written = std::mem::replace(&mut **handshake, fresh);
    let opened = written.finish().map_err(drop)?;
    let connection = Connection::new(opened, &Config::default(), now);
    Ok(Some(Box::new(connection)))
}

fn echo(connection: &mut Connection, now: Instant) {
    while let Some((event, reply)) = connection.poll(now) {
        let _ = match event {
            Event::Binary(data) => reply.binary(data),
            Event::Text(text) => reply.text(text),
            _ => Ok(()),
        };
        if reply.buf().is_full() {
            break;
        }
    }
}

/// Moves bytes between a socket and a machine until one of them has enough.
fn turn(
    socket: &mut TcpStream,
    machine: &mut dyn Machine,
    pool: &mut Pool,
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
            continue;
        }
        match machine.transport() {
            Transport::Open => {}
            Transport::Shutdown => drop(socket.shutdown(Shutdown::Write)),
            Transport::Close => return Status::Over,
        }
        if machine.io().1.is_full() {
            return Status::Blocked;
        }
        pool.supply(machine.io().0);
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
            Ok(n) => out.advance(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
