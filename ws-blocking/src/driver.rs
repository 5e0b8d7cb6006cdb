//! The loop of a [`Machine`] over a blocking transport.
//!
//! It knows no protocol: what bytes and deadlines mean is the machine's. It starts no thread.

use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};

use ws_core::buf::{Pool, RecvBuf, SendBuf};
use ws_core::bytes::Buf;
use ws_core::handshake::HandshakeError;
use ws_core::{Deadline, Instant, Machine, Transport as Advice, TransportEnd};

use crate::Transport;

/// What a machine that gives neither a result nor an error stands for; none does.
pub(crate) const GONE: HandshakeError = HandshakeError::Ended {
    end: TransportEnd::Other,
    received: 0,
};

/// Pieces handed to one vectored write.
const PIECES: usize = 16;

/// What may lie unread in memory while a write is stuck.
const READ_AHEAD: usize = 64 * 1024;

/// How a wait ends that was too long, whatever the operating system calls it.
pub(crate) const TIMED_OUT: ErrorKind = ErrorKind::TimedOut;

/// The shortest wait to ask for; zero would mean "for ever".
const MIN_WAIT: Duration = Duration::from_millis(1);

/// A transport, a clock, and what the transport was told.
#[derive(Debug)]
pub(crate) struct Driver<S> {
    pub(crate) io: S,
    pub(crate) clock: Anchor,
    pub(crate) read_wait: Wait,
    pub(crate) write_wait: Wait,
    /// How the transport ended, if it did.
    pub(crate) ended: Option<TransportEnd>,
    /// The deadline that was put off by what the peer had said meanwhile.
    put_off: Option<Instant>,
    shut: bool,
    /// The transport may still buffer what was written.
    unflushed: bool,
}

/// Where the core's time line begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor(Clock);

impl Anchor {
    pub(crate) fn new() -> Self {
        Self(Clock::now())
    }

    /// The time line that begins there.
    pub(crate) const fn at(origin: Clock) -> Self {
        Self(origin)
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ORIGIN + self.0.elapsed()
    }
}

/// The timeout that a socket was last given, to spare the call that sets it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wait(Option<Duration>);

impl Wait {
    /// What to set for a wait of at most `left`; `None` if what is set will do. A shorter wait than
    /// asked for only looks at the deadlines once more.
    pub(crate) fn change(&mut self, left: Option<Duration>) -> Option<Option<Duration>> {
        let keep = match (self.0, left) {
            (None, None) => true,
            (Some(set), Some(left)) => set <= left && left / 2 < set,
            _ => false,
        };
        if keep {
            return None;
        }
        self.0 = left.map(|left| left.max(MIN_WAIT));
        Some(self.0)
    }
}

impl<S: Transport> Driver<S> {
    pub(crate) fn new(io: S) -> Self {
        Self::over(io, Anchor::new())
    }

    /// One whose time line has begun already.
    pub(crate) fn over(io: S, clock: Anchor) -> Self {
        Self {
            io,
            clock,
            read_wait: Wait::default(),
            write_wait: Wait::default(),
            ended: None,
            put_off: None,
            shut: false,
            unflushed: false,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Drives the machine until there is something to take (`true`) or nothing more will ever be
    /// (`false`).
    pub(crate) fn run<M: Machine>(&mut self, machine: &mut M) -> bool {
        // One read brings many messages: handing them out is most of what happens here.
        if machine.at_hand() {
            return true;
        }
        loop {
            if machine.ready_with(|| self.now()) {
                return true;
            }
            if machine.io().1.has_remaining() || self.unflushed {
                // The end may have waited for just that; and if it fails, that is how it ends.
                let _ = self.write(machine, SendBuf::is_empty);
                continue;
            }
            match machine.transport() {
                Advice::Open => {}
                Advice::Shutdown => self.shutdown(),
                Advice::Close => {
                    self.shutdown();
                    return false;
                }
            }
            if self.ended.is_some() {
                return false;
            }
            if self.overdue(machine) {
                continue;
            }
            self.read(machine);
        }
    }

    /// Writes until `enough` of the queue has left. A deadline that passes meanwhile is acted on, and
    /// what is still queued when the connection is over is given up.
    pub(crate) fn write<M: Machine>(
        &mut self,
        machine: &mut M,
        enough: impl Fn(&SendBuf) -> bool,
    ) -> io::Result<()> {
        while !self.is_done(machine.io().1, &enough) {
            let deadline = machine.poll_timeout().map(|(at, _)| at);
            if deadline.is_none() && machine.transport() == Advice::Close {
                self.unflushed = false;
                machine.unwritable(self.now());
                return Err(TIMED_OUT.into());
            }
            let left = deadline.map(|at| at - self.now());
            match self.write_once(machine.io().1, left) {
                Err(error) if !is_timeout(&error) => {
                    self.unflushed = false;
                    machine.unwritable(self.now());
                    return Err(error);
                }
                Ok(()) | Err(_) => {}
            }
            if self.is_done(machine.io().1, &enough) {
                break;
            }
            if deadline.is_some_and(|at| at <= self.now()) {
                // Before the peer is judged by its silence: has it said something meanwhile? If
                // there is a lot of that already, it is judged by what it does not take.
                if self.ended.is_none() && machine.io().0.filled().len() < READ_AHEAD {
                    self.read(machine);
                }
                self.expired(machine);
            }
        }
        Ok(())
    }

    fn is_done(&self, out: &SendBuf, enough: impl Fn(&SendBuf) -> bool) -> bool {
        enough(out) && !(out.is_empty() && self.unflushed)
    }

    /// One write of what is queued, of at most `left`, and a flush once the queue is empty.
    fn write_once(&mut self, out: &mut SendBuf, left: Option<Duration>) -> io::Result<()> {
        if let Some(timeout) = self.write_wait.change(left) {
            self.io.set_write_timeout(timeout)?;
        }
        if out.has_remaining() {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let written = match out.chunks_vectored(&mut pieces) {
                1 => self.io.write(&pieces[0]),
                n => self.io.write_vectored(&pieces[..n]),
            };
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => out.advance(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
                Err(error) => return Err(error),
            }
            self.unflushed = true;
        }
        if out.is_empty() {
            self.unflushed = !flush(&mut self.io)?;
        }
        Ok(())
    }

    /// Acts on a deadline that has passed, and says whether one had. The thread may have been
    /// elsewhere meanwhile, so the peer is heard before it is judged.
    fn overdue<M: Machine>(&mut self, machine: &mut M) -> bool {
        let overdue = |(at, _): &(Instant, Deadline)| *at <= self.now();
        let Some((at, deadline)) = machine.poll_timeout().filter(overdue) else {
            return false;
        };
        let silence = is_silence(deadline);
        if silence || self.put_off.replace(at) != Some(at) {
            let heard = self.read(machine);
            machine.ready(self.now());
            if heard && !silence {
                return true;
            }
        }
        self.expired(machine);
        true
    }

    /// Acts on the deadlines.
    fn expired<M: Machine>(&self, machine: &mut M) {
        let Some((at, _)) = machine.poll_timeout() else {
            return;
        };
        let now = self.now();
        if at <= now {
            machine.handle_timeout(now);
        }
    }

    /// Waits for bytes, at most until the next deadline, and says whether there were any.
    fn read<M: Machine>(&mut self, machine: &mut M) -> bool {
        let left = machine.poll_timeout().map(|(at, _)| at - self.now());
        let end = match read_once(&mut self.io, machine.io().0, &mut self.read_wait, left) {
            Ok(Some(0)) => TransportEnd::Eof,
            Ok(read) => return read.is_some(),
            Err(error) => error.kind().into(),
        };
        self.ended = Some(end);
        machine.lost(end);
        false
    }

    fn shutdown(&mut self) {
        if !self.shut {
            self.shut = true;
            // A transport that can't be shut down is closed when it is dropped.
            let _ = self.io.shutdown(Shutdown::Write);
        }
    }
}

/// What long messages are put together in, up to 4 MiB of it, for as long as the program runs: each thread
/// has one connection, and must not keep for itself what only the next long message needs.
static LONG: Mutex<Pool> = Mutex::new(Pool::new());

/// Exchanges storage of long messages with the other connections.
fn exchange(recv: &mut RecvBuf) {
    let pool = || LONG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(long) = recv.take_long() {
        pool().reclaim_long(long);
    }
    if recv.wants_long() {
        // Nothing is copied while others wait.
        let long = pool().lend_long();
        let unused = recv.put_long(long);
        pool().reclaim_long(unused.freeze());
    }
}

/// One read of at most `left`: the bytes it brought, or `None` if the wait was over first.
pub(crate) fn read_once<S: Transport>(
    io: &mut S,
    recv: &mut RecvBuf,
    wait: &mut Wait,
    left: Option<Duration>,
) -> io::Result<Option<usize>> {
    if let Some(timeout) = wait.change(left) {
        io.set_read_timeout(timeout)?;
    }
    if recv.has_long() || recv.wants_long() {
        exchange(recv);
    }
    match io.read(recv.spare()) {
        Ok(n) => {
            recv.commit(n);
            Ok(Some(n))
        }
        Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

/// Has the transport passed on everything? Not if a signal was first.
pub(crate) fn flush<S: Transport>(io: &mut S) -> io::Result<bool> {
    match io.flush() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Is it a deadline that bytes from the peer put off, however often?
pub(crate) fn is_silence(deadline: Deadline) -> bool {
    matches!(deadline, Deadline::Idle | Deadline::Ping | Deadline::Pong)
}

pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, OwnedEvent, TrySplit, WebSocket};
    use std::collections::VecDeque;
    use std::io::{Read, Write};
    use ws_core::handshake::{Agreed, Opened};
    use ws_core::{Role, Seed};

    /// What a peer has said, and no more than that.
    #[derive(Clone)]
    struct Said(VecDeque<u8>);

    impl Read for Said {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buf)? {
                0 => Err(ErrorKind::WouldBlock.into()),
                n => Ok(n),
            }
        }
    }

    impl Write for Said {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Transport for Said {
        fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&mut self, _: Shutdown) -> io::Result<()> {
            Ok(())
        }
    }

    impl TrySplit for Said {
        fn try_split(&self) -> io::Result<Self> {
            Ok(self.clone())
        }
    }

    /// A server whose client has sent a ping, after `busy` in which the application did not look.
    fn after(busy: Duration, idle: Duration) -> WebSocket<Said> {
        let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
        let said = Said([0x89, 0x80, 0, 0, 0, 0].into());
        let config = Config::default().idle_timeout(Some(idle));
        let mut socket = WebSocket::upgraded(said, opened, &config);
        let Anchor(origin) = socket.driver.clock;
        socket.driver.clock = Anchor(origin.checked_sub(busy).expect("a machine that is up"));
        socket
    }

    #[test]
    fn a_peer_that_talked_while_the_application_was_busy_is_not_idle() {
        let (busy, idle) = (Duration::from_secs(20), Duration::from_secs(10));
        let mut socket = after(busy, idle);
        assert!(matches!(socket.next(), Some(OwnedEvent::Ping(_))));
        assert!(socket.sender().is_open());

        let (mut reader, mut writer) = after(busy, idle).split().expect("halves");
        assert!(matches!(reader.next(), Some(OwnedEvent::Ping(_))));
        assert!(writer.with_sender(|sender| sender.is_open()));
    }

    #[test]
    fn a_timeout_is_set_only_when_the_old_one_will_not_do() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let mut wait = Wait::default();
        assert_eq!(wait.change(None), None);
        assert_eq!(wait.change(ms(1000)), Some(ms(1000)));
        assert_eq!(wait.change(ms(1500)), None, "a little early is fine");
        assert_eq!(wait.change(ms(900)), Some(ms(900)), "late is not");
        assert_eq!(
            wait.change(ms(5000)),
            Some(ms(5000)),
            "nor is much too early"
        );
        assert_eq!(wait.change(ms(0)), Some(ms(1)), "zero would mean for ever");
        assert_eq!(wait.change(None), Some(None));
    }
}
