//! The machine at a server's door: every connection passes it when it arrives, when it is open, and
//! when it is gone. It accepts and closes nothing itself.

use alloc::collections::BTreeMap;
use core::net::{IpAddr, Ipv6Addr};

use crate::Instant;
use crate::server::{AcceptFault, Counts, ServerLimits};

/// Decides who gets in.
///
/// Tell it of every connection that [`arrived`](Self::arrived), of those that are
/// [`opened`](Self::opened), and of all that have [`left`](Self::left), with the ticket that it gave
/// out. After [`shutdown`](Self::shutdown) nobody gets in any more, and when the last has left, or
/// the drain deadline has passed, it is [over](Phase::Over).
///
/// Memory: one small entry per address that has a connection, so it is bounded by
/// [`ServerLimits::max_connections`].
#[derive(Debug)]
pub struct Admission {
    limits: ServerLimits,
    counts: Counts,
    /// Those at the moment at which it was over.
    last: Option<Counts>,
    addresses: BTreeMap<IpAddr, usize>,
    state: State,
    /// Shortages since a connection was opened.
    shortages: u32,
    /// Nothing is accepted before this.
    resume: Option<Instant>,
}

/// ```text
///  Serving --shutdown--> Closing --deadline--> Over
///     \                     \                  ^
///      \---------------------\-----abort-------/
/// ```
#[derive(Clone, Copy, Debug)]
enum State {
    Serving,
    Closing { until: Instant },
    Over,
}

/// How far a server's life has come.
///
/// Exhaustive on purpose: a server does one of these.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Phase {
    /// Connections are accepted.
    Serving,
    /// None is accepted; those that are open are being closed with 1001, and have until
    /// [`ServerLimits::drain_timeout`] for it.
    Closing,
    /// What is still there is dropped.
    Over,
}

/// What stands for one connection between its arrival and its end. Give it back with
/// [`Admission::left`].
#[derive(Debug)]
#[must_use = "a connection whose ticket is lost counts for ever"]
pub struct Ticket {
    source: Option<IpAddr>,
    stage: Stage,
    stalled: bool,
}

impl Ticket {
    const fn new(source: Option<IpAddr>, stage: Stage) -> Self {
        Self {
            source,
            stage,
            stalled: false,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Handshaking,
    Open,
    Refusing,
}

/// What is to be done with a connection that has arrived.
///
/// Exhaustive on purpose: a server must do one of these.
#[derive(Debug)]
pub enum Verdict {
    /// Begin its opening handshake.
    Admit(Ticket),
    /// Read its request and answer that with the status of the refusal.
    Refuse(Ticket, Refusal),
    /// Close it without a word: there are too many to be answered.
    Drop,
}

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// [`ServerLimits::max_per_address`] is reached.
    Address,
    /// The server goes down.
    Closing,
    /// [`ServerLimits::max_connections`] is reached.
    Full,
    /// [`ServerLimits::max_handshakes`] is reached.
    Handshakes,
}

impl Refusal {
    /// The status to answer with: 429 for an address (RFC 6585 §4), otherwise 503. With it goes
    /// `Retry-After`.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Address => 429,
            Self::Closing | Self::Full | Self::Handshakes => 503,
        }
    }

    /// What to tell the client, one line.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Address => "too many connections from this address\n",
            Self::Closing => "the server is going down\n",
            Self::Full => "the server is full\n",
            Self::Handshakes => "too many connections are being opened\n",
        }
    }
}

impl Admission {
    /// A server that has no connection yet.
    #[must_use]
    pub fn new(limits: ServerLimits) -> Self {
        Self {
            limits,
            counts: Counts::default(),
            last: None,
            addresses: BTreeMap::new(),
            state: State::Serving,
            shortages: 0,
            resume: None,
        }
    }

    /// A connection was accepted. `from` is its address; without one (a Unix socket) it counts
    /// against no address.
    pub fn arrived(&mut self, from: Option<IpAddr>) -> Verdict {
        self.resume = None;
        self.counts.paused = false;
        let source = from.map(one_client);
        let Err(refusal) = self.check(source) else {
            self.counts.handshaking += 1;
            if let Some(source) = source {
                *self.addresses.entry(source).or_default() += 1;
            }
            return Verdict::Admit(Ticket::new(source, Stage::Handshaking));
        };
        if self.counts.refusing >= self.limits.max_refusals {
            self.counts.dropped += 1;
            return Verdict::Drop;
        }
        match refusal {
            Refusal::Address => self.counts.refused_address += 1,
            Refusal::Closing => self.counts.refused_closing += 1,
            Refusal::Full => self.counts.refused_full += 1,
            Refusal::Handshakes => self.counts.refused_handshakes += 1,
        }
        self.counts.refusing += 1;
        Verdict::Refuse(Ticket::new(source, Stage::Refusing), refusal)
    }

    fn check(&self, source: Option<IpAddr>) -> Result<(), Refusal> {
        let Counts {
            open, handshaking, ..
        } = self.counts;
        let same = source.and_then(|source| self.addresses.get(&source));
        if self.phase() != Phase::Serving {
            Err(Refusal::Closing)
        } else if open + handshaking >= self.limits.max_connections {
            Err(Refusal::Full)
        } else if same.is_some_and(|same| *same >= self.limits.max_per_address) {
            Err(Refusal::Address)
        } else if handshaking >= self.limits.max_handshakes {
            Err(Refusal::Handshakes)
        } else {
            Ok(())
        }
    }

    /// The opening handshake of a connection that was admitted is done.
    pub fn opened(&mut self, ticket: &mut Ticket) {
        if ticket.stage == Stage::Handshaking {
            // Not before: whoever arrives may still find that there is no thread for it.
            self.shortages = 0;
            ticket.stage = Stage::Open;
            self.counts.handshaking -= 1;
            self.counts.open += 1;
            self.counts.opened += 1;
        }
    }

    /// Whether bytes wait for the client of an open connection to take them.
    pub fn stalled(&mut self, ticket: &mut Ticket, stalled: bool) {
        if ticket.stage != Stage::Open || ticket.stalled == stalled {
            return;
        }
        ticket.stalled = stalled;
        match stalled {
            true => self.counts.stalled += 1,
            false => self.counts.stalled -= 1,
        }
    }

    /// A connection is gone, or a refusal is answered.
    pub fn left(&mut self, mut ticket: Ticket) {
        self.stalled(&mut ticket, false);
        match ticket.stage {
            Stage::Refusing => {
                self.counts.refusing -= 1;
                return;
            }
            Stage::Handshaking => {
                self.counts.handshaking -= 1;
                self.counts.failed += 1;
            }
            Stage::Open => self.counts.open -= 1,
        }
        let Some(source) = ticket.source else { return };
        if let Some(count) = self.addresses.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&source);
            }
        }
    }

    /// A handler has panicked.
    pub fn panicked(&mut self) {
        self.counts.panicked += 1;
    }

    /// Accepting has failed, or there was nothing left to serve whoever arrived with. When to try
    /// again; `None` for at once. After a shortage that is in 50 ms, and in twice as long after each
    /// further one, up to 1 s, until a connection is [`opened`](Self::opened).
    pub fn accept_failed(&mut self, fault: AcceptFault, now: Instant) -> Option<Instant> {
        self.counts.accept_faults += 1;
        let wait = fault.wait(self.shortages);
        if fault == AcceptFault::Shortage {
            self.shortages += 1;
        }
        self.resume = (!wait.is_zero()).then(|| now + wait);
        self.counts.paused = self.resume.is_some();
        self.resume
    }

    /// Lets nobody in from now on, and gives those who are here
    /// [`drain_timeout`](ServerLimits::drain_timeout) to leave. Saying it again changes nothing.
    pub fn shutdown(&mut self, now: Instant) {
        if let State::Serving = self.state {
            let until = now + self.limits.drain_timeout;
            self.state = State::Closing { until };
            self.resume = None;
            self.counts.paused = false;
        }
    }

    /// Ends it at once: who is still here is dropped.
    pub fn abort(&mut self) {
        self.resume = None;
        self.counts.paused = false;
        self.end();
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.last.get_or_insert(self.counts);
    }

    /// The numbers at the end: once it is [over](Phase::Over), those of that moment, whoever has left
    /// since.
    #[must_use]
    pub fn outcome(&self) -> Counts {
        self.last.unwrap_or(self.counts)
    }

    /// How far it has come.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self.state {
            State::Serving => Phase::Serving,
            State::Closing { .. } => Phase::Closing,
            State::Over => Phase::Over,
        }
    }

    /// Has everyone left who has ever arrived?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.counts.open + self.counts.handshaking + self.counts.refusing == 0
    }

    /// Connections that the limits leave room for, by what is here now.
    #[must_use]
    pub const fn room(&self) -> usize {
        let taken = self.counts.open + self.counts.handshaking;
        self.limits.max_connections.saturating_sub(taken)
    }

    /// The numbers.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    #[cfg(test)]
    pub(super) fn addresses_are_forgotten(&self) -> bool {
        self.addresses.is_empty()
    }

    /// What it decides by.
    #[must_use]
    pub const fn limits(&self) -> &ServerLimits {
        &self.limits
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called at the latest.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Serving => self.resume,
            State::Closing { until } => Some(until),
            State::Over => None,
        }
    }

    /// Acts on the deadlines that have passed: accepting goes on, or draining is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Serving if self.resume.is_some_and(|at| at <= now) => {
                self.resume = None;
                self.counts.paused = false;
            }
            State::Closing { until } if until <= now => self.end(),
            State::Serving | State::Closing { .. } | State::Over => {}
        }
    }
}

/// What counts as one address: an IPv4 address, also inside IPv6, or the first 64 bits of an IPv6
/// address, which is what one client is commonly given.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}
