//! A client and a server joined in memory.

mod pipe;
mod side;

use bytes::Buf;
use ws_core::connection::Config;
use ws_core::message::Limits;
use ws_core::{Instant, Role, Transport};

use self::pipe::Pipe;
use self::side::Side;
use crate::config::{SOME_TIME, config};
use crate::input::Input;
use crate::op::pair as op;

/// A client and a server, from the opening handshake to the last byte, each under operations of its
/// own and with a transport that takes what it likes, or breaks.
///
/// Each is told a beginning of what the other sent, unharmed and in order; all of it while nothing
/// breaks and no time passes; neither finds fault with the other; both come to an end.
///
/// Input: the two configurations, the room in each direction; then
/// [operations](crate::op::pair).
pub fn pair(data: &[u8]) {
    let mut input = Input::new(data);
    let mut pair = Pair::new(&mut input);
    for _ in 0..MOST_OPERATIONS {
        if input.is_empty() {
            break;
        }
        pair.operation(&mut input);
    }
    pair.finish();
}

/// Enough for every input that a fuzzer makes, and few enough for a bound on time.
const MOST_OPERATIONS: usize = 4096;

struct Pair {
    sides: [Side; 2],
    /// `pipes[i]` carries what `sides[i]` writes.
    pipes: [Pipe; 2],
    now: Instant,
    /// Something broke, or time passed: not everything need arrive.
    disturbed: bool,
}

/// Limits that honest applications of this harness do not pass.
fn generous(config: Config) -> Config {
    config.limits(Limits::default().max_empty_fragments(u32::MAX))
}

impl Pair {
    fn new(input: &mut Input<'_>) -> Self {
        let now = Instant::ORIGIN;
        let configs = [(); 2].map(|()| generous(config(input, SOME_TIME)));
        let mut room = || input.pick(&[1 << 20, 1, 2, 20, 300, 5000]);
        let pipes = [(); 2].map(|()| Pipe::new(room()));
        let [client, server] = configs;
        Self {
            sides: [
                Side::new(Role::Client, client, now),
                Side::new(Role::Server, server, now),
            ],
            pipes,
            now,
            disturbed: false,
        }
    }

    fn operation(&mut self, input: &mut Input<'_>) {
        let (op, i) = (input.byte() % op::COUNT, usize::from(input.flag()));
        match op {
            op::TURN => drop(self.turn(i, input.number())),
            op::SEND => self.sides[i].send(input),
            op::WRITE => drop(self.write(i, input.number())),
            op::READ => drop(self.read(i, input.number())),
            op::TAKE => drop(self.sides[i].take(self.now)),
            op::CLOSE => self.sides[i].close(input, self.now),
            op::SLEEP => {
                self.disturbed = true;
                self.now += input.pick(SOME_TIME);
                let who = input.byte();
                for (i, side) in self.sides.iter_mut().enumerate() {
                    if who >> i & 1 == 1 {
                        side.wake(self.now);
                    }
                }
            }
            op::FAIL_WRITES => {
                self.disturbed = true;
                self.pipes[i].broken = true;
            }
            _ => {
                self.disturbed = true;
                self.pipes.iter_mut().for_each(|pipe| pipe.broken = true);
            }
        }
    }

    /// Writes at most `n` bytes; says whether any moved.
    fn write(&mut self, i: usize, n: usize) -> bool {
        let (side, pipe) = (&mut self.sides[i], &mut self.pipes[i]);
        let mut left = n;
        while left > 0 && !side.unwritable && !side.hung_up {
            let out = side.machine().io().1;
            let chunk = &out.chunk()[..out.chunk().len().min(left)];
            if chunk.is_empty() {
                break;
            }
            match pipe.write(chunk) {
                Some(0) => break,
                Some(n) => {
                    out.advance(n);
                    left -= n;
                }
                None => {
                    side.unwritable = true;
                    side.machine().unwritable(self.now);
                }
            }
        }
        left < n
    }

    /// Reads at most `n` bytes if there is nothing to take; says whether anything came.
    fn read(&mut self, i: usize, n: usize) -> bool {
        let (side, pipe) = (&mut self.sides[i], &mut self.pipes[1 - i]);
        if side.lost || side.hung_up || side.machine().ready(self.now) {
            return false;
        }
        let recv = side.machine().io().0;
        let room = recv.spare();
        let n = n.min(room.len());
        match pipe.read(&mut room[..n]) {
            Ok(0) => return false,
            Ok(n) => recv.commit(n),
            Err(end) => {
                side.lost = true;
                side.machine().lost(end);
            }
        }
        true
    }

    /// Does with the transport what the machine advises.
    fn obey(&mut self, i: usize) -> bool {
        let side = &mut self.sides[i];
        if side.hung_up {
            return false;
        }
        match side.machine().transport() {
            Transport::Open => false,
            Transport::Shutdown => !core::mem::replace(&mut self.pipes[i].fin, true),
            Transport::Close => {
                side.hung_up = true;
                self.pipes[i].fin = true;
                self.pipes[1 - i].broken = true;
                true
            }
        }
    }

    /// A round of the driver's loop; says whether anything happened.
    fn turn(&mut self, i: usize, n: usize) -> bool {
        let mut busy = false;
        while self.sides[i].take(self.now) {
            busy = true;
        }
        if self.sides[i].hung_up {
            return busy;
        }
        busy |= self.write(i, n);
        busy |= self.obey(i);
        let due = self.sides[i].machine().poll_timeout();
        if due.is_some_and(|(at, _)| at <= self.now) {
            self.sides[i].wake(self.now);
            busy = true;
        }
        busy | self.read(i, n)
    }

    /// Both go on until nothing moves; time stands still.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let moved = [self.turn(0, usize::MAX), self.turn(1, usize::MAX)];
            if moved == [false; 2] {
                return;
            }
        }
        panic!("it goes on for ever");
    }

    fn finish(mut self) {
        self.pipes.iter_mut().for_each(|pipe| pipe.room = 1 << 20);
        self.settle();
        let start = self.now;
        self.sides[0].leave(start);
        for _ in 0..100 {
            self.settle();
            let next = self.sides.iter_mut().filter(|side| !side.hung_up);
            let next = next.filter_map(|side| side.machine().poll_timeout());
            let Some((at, _)) = next.min() else { break };
            self.now = self.now.max(at);
            self.sides.iter_mut().for_each(|side| side.wake(at));
        }
        assert!(self.sides.iter().all(|side| side.hung_up), "never hangs up");
        assert!(self.disturbed || self.now == start, "it took time");
        let [client, server] = &self.sides;
        client.check_told(server, self.disturbed);
        server.check_told(client, self.disturbed);
    }
}
