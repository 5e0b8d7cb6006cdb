//! Simulated tasks, time and pipes. A task is polled only when its waker was called, and a pipe
//! remembers one waker for each direction, like every real transport: so a wake-up that gets lost
//! shows as a task that never ends. Time moves only when no task can run, so one that had to be
//! rescued by a deadline shows too.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ws_core::Instant;
use ws_core::buf::Pool;
use ws_core::pump::{PollRead, PollWrite, Runtime};

/// More polls than any run here needs: beyond that, tasks wake each other for ever.
const MAX_POLLS: u32 = 2_000_000;

/// Everything that happens by chance in one run.
#[derive(Clone)]
pub(crate) struct Chance(Rc<RefCell<u64>>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(seed.wrapping_mul(2) + 1)))
    }

    /// A number below `n`.
    pub(crate) fn below(&self, n: usize) -> usize {
        let mut state = self.0.borrow_mut();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }

    pub(crate) fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// How many seeds to try: 1 at least, times `WS_STRESS` if that is set.
pub(crate) fn seeds(n: u64) -> std::ops::Range<u64> {
    let times = std::env::var("WS_STRESS").map_or(1, |times| times.parse().unwrap());
    0..n * times
}

/// The time, the timers and the tasks of one run.
#[derive(Clone, Default)]
pub(crate) struct World(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    now: Instant,
    timers: BTreeMap<usize, (Instant, Waker)>,
    clocks: usize,
    tasks: Vec<Task>,
    pipes: Vec<Rc<RefCell<Pipe>>>,
}

struct Task {
    name: &'static str,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl World {
    pub(crate) fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + 'static) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.0.borrow_mut().tasks.push(Task {
            name,
            future: Some(Box::pin(future)),
            woken,
        });
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.borrow().now
    }

    /// How much time has passed.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now() - Instant::ORIGIN
    }

    pub(crate) fn clock(&self) -> Clock {
        let mut state = self.0.borrow_mut();
        state.clocks += 1;
        Clock {
            world: self.clone(),
            id: state.clocks,
        }
    }

    /// Runs all tasks to their end.
    pub(crate) fn run(&self, chance: &Chance) {
        for _ in 0..MAX_POLLS {
            let woken: Vec<usize> = {
                let state = self.0.borrow();
                let live = state.tasks.iter().enumerate();
                live.filter(|(_, task)| {
                    task.future.is_some() && task.woken.0.load(Ordering::Relaxed)
                })
                .map(|(i, _)| i)
                .collect()
            };
            // The reactor looks now and then. Whoever polls before that is not waited for.
            if (woken.is_empty() || chance.one_in(4)) && self.react() {
                continue;
            }
            if woken.is_empty() {
                if !self.rest() {
                    return;
                }
                continue;
            }
            let i = woken[chance.below(woken.len())];
            let (mut future, woken) = {
                let task = &mut self.0.borrow_mut().tasks[i];
                (task.future.take().unwrap(), Arc::clone(&task.woken))
            };
            woken.0.store(false, Ordering::Relaxed);
            let waker = Waker::from(woken);
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_pending() {
                self.0.borrow_mut().tasks[i].future = Some(future);
            }
        }
        panic!("tasks wake each other for ever: {:?}", self.unfinished());
    }

    /// Wakes whoever waits for a pipe that is ready; says whether there was anyone.
    fn react(&self) -> bool {
        let pipes = self.0.borrow().pipes.clone();
        let wakers = pipes.iter().flat_map(|pipe| pipe.borrow_mut().due());
        wakers.map(Waker::wake).count() > 0
    }

    /// No task can run: lets time pass until one can. `false` if all have ended.
    fn rest(&self) -> bool {
        let unfinished = self.unfinished();
        if unfinished.is_empty() {
            return false;
        }
        let mut state = self.0.borrow_mut();
        let Some(next) = state.timers.values().map(|(at, _)| *at).min() else {
            panic!("nothing will ever wake {unfinished:?}");
        };
        state.now = state.now.max(next);
        let now = state.now;
        let due: Vec<usize> = state
            .timers
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            state.timers.remove(&id).unwrap().1.wake();
        }
        true
    }

    fn unfinished(&self) -> Vec<&'static str> {
        let state = self.0.borrow();
        let live = state.tasks.iter().filter(|task| task.future.is_some());
        live.map(|task| task.name).collect()
    }
}

/// A clock with one timer.
pub(crate) struct Clock {
    world: World,
    id: usize,
}

impl Runtime for Clock {
    type Io<T> = T;

    fn io<T>(io: T) -> T {
        io
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let mut state = self.world.0.borrow_mut();
        if state.now >= at {
            // Like every timer that is asked in time: no one else is told.
            state.timers.remove(&self.id);
            return Poll::Ready(());
        }
        state.timers.insert(self.id, (at, cx.waker().clone()));
        Poll::Pending
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        thread_local!(static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) });
        POOL.with_borrow_mut(f)
    }
}

/// One direction.
struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    /// The reading end is gone.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    unflushed: bool,
}

impl Pipe {
    fn readable(&self) -> bool {
        self.ended || !self.bytes.is_empty()
    }

    fn writable(&self) -> bool {
        self.ended || self.broken || self.bytes.len() < self.capacity
    }

    /// The wakers of those who can go on.
    fn due(&mut self) -> Vec<Waker> {
        let reader = self.readable().then(|| self.reader.take()).flatten();
        let writer = self.writable().then(|| self.writer.take()).flatten();
        reader.into_iter().chain(writer).collect()
    }
}

/// One end of a duplex pipe; clones are the same end.
#[derive(Clone)]
pub(crate) struct End {
    rd: Rc<RefCell<Pipe>>,
    wr: Rc<RefCell<Pipe>>,
    chance: Chance,
}

impl World {
    /// Two ends of a pipe that holds `capacity` bytes each way, and now and then is not ready for
    /// no reason, as under a budget.
    pub(crate) fn duplex(&self, capacity: usize, chance: &Chance) -> (End, End) {
        let pipe = || {
            let pipe = Rc::new(RefCell::new(Pipe {
                bytes: VecDeque::new(),
                capacity,
                ended: false,
                broken: false,
                reader: None,
                writer: None,
                unflushed: false,
            }));
            self.0.borrow_mut().pipes.push(Rc::clone(&pipe));
            pipe
        };
        let (a, b) = (pipe(), pipe());
        let end = |rd: &Rc<RefCell<Pipe>>, wr: &Rc<RefCell<Pipe>>| End {
            rd: Rc::clone(rd),
            wr: Rc::clone(wr),
            chance: chance.clone(),
        };
        (end(&a, &b), end(&b, &a))
    }
}

impl End {
    /// Closes this end, both ways.
    pub(crate) fn close(&self) {
        self.wr.borrow_mut().ended = true;
        self.rd.borrow_mut().broken = true;
    }

    fn busy(&self, cx: &Context<'_>) -> bool {
        let busy = self.chance.one_in(8);
        if busy {
            cx.waker().wake_by_ref();
        }
        busy
    }
}

impl PollRead<End> for Clock {
    fn poll_read(io: &mut End, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if io.busy(cx) {
            return Poll::Pending;
        }
        let mut pipe = io.rd.borrow_mut();
        if !pipe.readable() {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = pipe.bytes.len().min(buf.len());
        let n = match n > 1 && io.chance.one_in(4) {
            true => 1 + io.chance.below(n),
            false => n,
        };
        for (slot, byte) in buf.iter_mut().zip(pipe.bytes.drain(..n)) {
            *slot = byte;
        }
        Poll::Ready(Ok(n))
    }
}

impl PollWrite<End> for Clock {
    fn poll_write(
        io: &mut End,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if io.busy(cx) {
            return Poll::Pending;
        }
        let mut pipe = io.wr.borrow_mut();
        if !pipe.writable() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if pipe.broken || pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = pipe.capacity - pipe.bytes.len();
        let all = bufs.iter().flat_map(|buf| buf.iter().copied());
        let data: Vec<u8> = all.take(room).collect();
        pipe.bytes.extend(&data);
        pipe.unflushed = true;
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(io: &mut End, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if io.wr.borrow().unflushed && io.busy(cx) {
            return Poll::Pending;
        }
        io.wr.borrow_mut().unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(io: &mut End, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        io.wr.borrow_mut().ended = true;
        Poll::Ready(Ok(()))
    }
}

/// Awaits `future`, but drops it when it was not ready `patience` times.
pub(crate) async fn at_most<F: Future>(patience: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = patience;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Gives others a turn, so many times.
pub(crate) async fn let_others_run(mut turns: usize) {
    poll_fn(|cx| {
        if turns == 0 {
            return Poll::Ready(());
        }
        turns -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Something that a task says once and others wait for.
#[derive(Clone, Default)]
pub(crate) struct Signal(Rc<RefCell<(bool, Vec<Waker>)>>);

impl Signal {
    pub(crate) fn give(&self) {
        let mut signal = self.0.borrow_mut();
        signal.0 = true;
        signal.1.drain(..).for_each(Waker::wake);
    }

    pub(crate) async fn wait(&self) {
        poll_fn(|cx| {
            let mut signal = self.0.borrow_mut();
            if signal.0 {
                return Poll::Ready(());
            }
            signal.1.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
