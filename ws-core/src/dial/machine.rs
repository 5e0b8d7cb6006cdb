//! The machine that looks up and races. It never begins anything itself, never keeps two winners and
//! never dials an address twice.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::DialConfig;
use super::order::order;
use crate::Instant;
use crate::policy::Stage;
use crate::url::Host;

/// One connect under way, unique within its dialer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Attempt(u32);

/// What the owner of the sockets has to do.
///
/// Exhaustive on purpose: an owner must handle all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Drop this attempt: another has won, or time is up.
    Abandon(Attempt),
    /// Begin to connect to this address; then [`Dialer::connected`] or [`Dialer::failed`].
    Connect(Attempt, SocketAddr),
    /// Look the name up; then [`Dialer::resolved`] or [`Dialer::unresolved`].
    Resolve,
}

/// Why there is no transport. `error` is what the owner told of the last failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DialFailure<E> {
    /// [`Stage::Resolve`] or [`Stage::Connect`].
    pub stage: Stage,
    /// How many addresses were tried.
    pub tried: u32,
    /// The error that the first of them ended with, or the lookup; `None` if time was up before
    /// anything failed, or there was nothing to try.
    pub error: Option<E>,
    /// Was a deadline missed?
    pub timed_out: bool,
}

/// Finds the way to a host: looks its name up, tries its addresses, some side by side.
///
/// The owner does what [`poll`](Self::poll) says until it says no more, tells what came of it, calls
/// [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) says, and is
/// done once there is an [`outcome`](Self::outcome). `E` is the owner's error, kept and never looked
/// at.
#[derive(Debug)]
pub struct Dialer<E> {
    port: u16,
    config: DialConfig,
    /// Still to be tried.
    addresses: VecDeque<IpAddr>,
    /// Under way, oldest first.
    running: Vec<Attempt>,
    /// To be dropped, and not yet said.
    abandoned: Vec<Attempt>,
    /// The next address may be tried at this time; `None`: at once.
    next_at: Option<Instant>,
    deadline: Instant,
    tried: u32,
    error: Option<E>,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// A lookup is wanted.
    Begin,
    Resolving,
    Connecting,
    Won(Attempt),
    Failed {
        stage: Stage,
        timed_out: bool,
    },
}

impl<E> Dialer<E> {
    /// Begins with a host; an address needs no lookup, nor does one whose addresses are known.
    #[must_use]
    pub fn new(host: &Host, port: u16, config: &DialConfig, now: Instant) -> Self {
        let mut dialer = Self {
            port,
            config: config.clone(),
            addresses: VecDeque::new(),
            running: Vec::new(),
            abandoned: Vec::new(),
            next_at: None,
            deadline: now + config.resolve_timeout,
            tried: 0,
            error: None,
            state: State::Begin,
        };
        match host {
            _ if !config.addresses.is_empty() => dialer.race(config.addresses.clone(), now),
            Host::Domain(_) => {}
            Host::V4(address) => dialer.race([(*address).into()], now),
            Host::V6(address) => dialer.race([(*address).into()], now),
        }
        dialer
    }

    /// The next thing to do; `None` until something is told or time passes.
    pub fn poll(&mut self, now: Instant) -> Option<Step> {
        if let Some(attempt) = self.abandoned.pop() {
            return Some(Step::Abandon(attempt));
        }
        match self.state {
            State::Begin => {
                self.state = State::Resolving;
                Some(Step::Resolve)
            }
            State::Connecting if self.next_at.is_none() => {
                let address = self.addresses.pop_front()?;
                let attempt = Attempt(self.tried);
                self.tried += 1;
                self.running.push(attempt);
                self.next_at = Some(now + self.config.stagger);
                Some(Step::Connect(attempt, SocketAddr::new(address, self.port)))
            }
            State::Resolving | State::Connecting | State::Won(_) | State::Failed { .. } => None,
        }
    }

    /// What the name stands for.
    pub fn resolved(&mut self, addresses: impl IntoIterator<Item = IpAddr>, now: Instant) {
        if let State::Begin | State::Resolving = self.state {
            self.race(addresses, now);
        }
    }

    /// The lookup failed.
    pub fn unresolved(&mut self, error: E) {
        if let State::Begin | State::Resolving = self.state {
            self.error = Some(error);
            self.state = failed(Stage::Resolve, false);
        }
    }

    /// The attempt has connected, and wins unless another has before.
    pub fn connected(&mut self, attempt: Attempt) {
        if !self.take(attempt) {
            return;
        }
        self.state = State::Won(attempt);
        self.abandon();
    }

    /// The attempt failed; the next address is tried at once.
    pub fn failed(&mut self, attempt: Attempt, error: E) {
        if !self.take(attempt) {
            return;
        }
        self.error.get_or_insert(error);
        self.next_at = None;
        if self.running.is_empty() && self.addresses.is_empty() {
            self.state = failed(Stage::Connect, false);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Begin | State::Resolving => Some(self.deadline),
            State::Connecting => match self.next_at {
                Some(at) if !self.addresses.is_empty() => Some(at.min(self.deadline)),
                _ => Some(self.deadline),
            },
            State::Won(_) | State::Failed { .. } => None,
        }
    }

    /// Acts on what is due: the next address, or the end.
    pub fn handle_timeout(&mut self, now: Instant) {
        let stage = match self.state {
            State::Begin | State::Resolving => Stage::Resolve,
            State::Connecting => Stage::Connect,
            State::Won(_) | State::Failed { .. } => return,
        };
        if now >= self.deadline {
            self.state = failed(stage, true);
            self.abandon();
        } else if self.next_at.is_some_and(|at| now >= at) {
            self.next_at = None;
        }
    }

    /// The attempt that won, or why none did; `None` while that is open.
    pub fn outcome(&mut self) -> Option<Result<Attempt, DialFailure<E>>> {
        match self.state {
            State::Begin | State::Resolving | State::Connecting => None,
            State::Won(attempt) => Some(Ok(attempt)),
            State::Failed { stage, timed_out } => Some(Err(DialFailure {
                stage,
                tried: self.tried,
                error: self.error.take(),
                timed_out,
            })),
        }
    }

    fn race(&mut self, addresses: impl IntoIterator<Item = IpAddr>, now: Instant) {
        self.addresses = order(addresses, &self.config);
        self.deadline = now + self.config.connect_timeout;
        self.state = if self.addresses.is_empty() {
            failed(Stage::Resolve, false)
        } else {
            State::Connecting
        };
    }

    /// Is this attempt under way? Then it no longer is.
    fn take(&mut self, attempt: Attempt) -> bool {
        let before = self.running.len();
        self.running.retain(|&running| running != attempt);
        self.running.len() != before
    }

    fn abandon(&mut self) {
        self.abandoned.append(&mut self.running);
        self.addresses.clear();
    }
}

const fn failed(stage: Stage, timed_out: bool) -> State {
    State::Failed { stage, timed_out }
}
