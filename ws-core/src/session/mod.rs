//! Floor 4: a client that stays alive, as one pure state machine.
//!
//! A [`Session`] owns the order of things: dial, opening handshake, what the dialect begins with,
//! traffic, and after a loss the wait and the next dial. Its owner carries out [`Action`]s, moves
//! bytes and time, and never decides to retry. It refuses to know sockets, names and clocks.
//!
//! | file | |
//! |---|---|
//! | `config` | what the owner may choose |
//! | `state` | where a session stands |
//! | `event` | what it tells, and what it asks for |
//! | `lost` | why there is no connection |
//! | `dialect` | what one application protocol says |
//! | `link` | the connection of the moment |
//! | `order` | what follows what: every transition of the session |
//! | `drive` | bytes and time: the session as a [`Machine`](crate::Machine) |
//!
//! ```
//! use ws_core::handshake::Request;
//! use ws_core::session::{Action, Event, Session, SessionConfig, State};
//! use ws_core::{Instant, Seed};
//!
//! let now = Instant::ORIGIN;
//! let request = Request::new("ws://example.com/feed")?;
//! let mut session = Session::new(request, SessionConfig::default(), Seed::new([7; 32]));
//! session.start(now);
//! let Some(Action::Dial { conn, request }) = session.action() else { panic!() };
//! assert_eq!(request.url().authority(), "example.com");
//!
//! // The owner connects; here nobody listens. The session knows what to do next, and when.
//! use ws_core::policy::{IoClass, Stage};
//! use ws_core::session::DialError;
//! session.dial_failed(conn, DialError::new(Stage::Connect, IoClass::Refused), now);
//! assert!(matches!(session.poll(now), Some(Event::Failed { attempt: 1, .. })));
//! assert!(matches!(session.poll(now), Some(Event::RetryScheduled { attempt: 2, .. })));
//! assert!(matches!(session.state(), State::Waiting { .. }));
//! # Ok::<(), ws_core::handshake::RequestError>(())
//! ```

mod config;
mod dialect;
mod drive;
mod event;
mod link;
mod lost;
mod order;
mod send;
mod state;

pub use config::{Initial, SessionConfig};
pub use dialect::{Class, Dialect, NoDialect, Out};
pub use event::{Action, ConnId, Event, Lent};
pub use lost::{DialError, End, Lost};
pub use send::SendError;
pub use state::State;

use alloc::collections::VecDeque;
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use self::link::Link;
use self::order::{Afterwards, Phase};
use crate::buf::{RecvBuf, SendBuf};
use crate::handshake::Request;
use crate::policy::{Backoff, Credentials, DialBudget, Judge};
use crate::{Instant, Rng, Seed};

/// A client that stays alive: one connection at a time, and the decision when there is to be
/// another. See the [module](self) for the loop around it.
pub struct Session<D = NoDialect> {
    config: SessionConfig,
    request: Request,
    dialect: D,
    rng: Rng,
    backoff: Backoff,
    judge: Judge,
    budget: Option<DialBudget>,
    link: Link,
    phase: Phase,
    afterwards: Afterwards,
    /// What the connection found is for the application, says the dialect.
    sorted: bool,
    /// The number of the last connection.
    conns: u64,
    /// Inputs for connections that were over.
    stale: u64,
    /// When the session was started, and when it was last ready.
    started: Instant,
    down_since: Option<Instant>,
    been_ready: bool,
    actions: VecDeque<Action>,
    events: VecDeque<Event<Infallible, Infallible>>,
    /// What a driver gets to fill and write while there is no connection: nothing comes of it.
    unused: (RecvBuf, SendBuf),
}

impl Session<NoDialect> {
    /// A session for plain messages. Nothing happens before [`start`](Self::start).
    ///
    /// Masking keys, handshake keys and all jitter come from the seed.
    #[must_use]
    pub fn new(request: Request, config: SessionConfig, seed: Seed) -> Self {
        Self::with_dialect(request, NoDialect, config, seed)
    }
}

impl<D: Dialect> Session<D> {
    /// A session that speaks `dialect`.
    #[must_use]
    pub fn with_dialect(request: Request, dialect: D, config: SessionConfig, seed: Seed) -> Self {
        Self {
            rng: Rng::new(&seed),
            backoff: Backoff::new(config.backoff.clone()),
            judge: Judge::new(config.classifier.clone(), Credentials::Fixed),
            budget: config.budget.map(DialBudget::new),
            config,
            request,
            dialect,
            link: Link::Down,
            phase: Phase::Idle,
            afterwards: Afterwards::Judge,
            sorted: false,
            conns: 0,
            stale: 0,
            started: Instant::ORIGIN,
            down_since: None,
            been_ready: false,
            actions: VecDeque::new(),
            events: VecDeque::new(),
            unused: (RecvBuf::new(), SendBuf::new(0)),
        }
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        match (&self.phase, &self.link) {
            (Phase::Idle, _) => State::Idle,
            (Phase::Waiting { attempt, at }, _) => State::Waiting {
                attempt: *attempt,
                until: *at,
            },
            (Phase::Trying { attempt }, Link::Dialing { conn, .. }) => State::Dialing {
                conn: *conn,
                attempt: *attempt,
            },
            (Phase::Trying { attempt }, Link::Opening { conn, .. }) => State::Upgrading {
                conn: *conn,
                attempt: *attempt,
            },
            (
                Phase::Trying { .. },
                Link::Open {
                    conn,
                    connection,
                    ready,
                },
            ) => match (self.afterwards, ready) {
                (Afterwards::Judge, Some(since)) if connection.is_open() => State::Ready {
                    conn: *conn,
                    since: *since,
                },
                _ => State::Draining { conn: *conn },
            },
            (Phase::Over | Phase::Trying { .. }, _) => State::Terminal,
        }
    }

    /// What connections are asked for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Replaces what connections are asked for, from the next dial on: another host, a fresh token.
    pub fn set_request(&mut self, request: Request) {
        self.request = request;
    }

    /// The dialect.
    pub const fn dialect(&mut self) -> &mut D {
        &mut self.dialect
    }

    /// The connection of the moment; 0 before the first.
    #[must_use]
    pub const fn conn(&self) -> ConnId {
        ConnId(self.conns)
    }

    /// How many inputs named a connection that was over. They had no effect.
    #[must_use]
    pub const fn stale_inputs(&self) -> u64 {
        self.stale
    }

    /// The time from the last answered keepalive ping of this connection to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        match &self.link {
            Link::Open { connection, .. } => connection.round_trip(),
            Link::Down | Link::Dialing { .. } | Link::Opening { .. } => None,
        }
    }
}

impl<D: fmt::Debug> fmt::Debug for Session<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("request", &self.request)
            .field("dialect", &self.dialect)
            .field("phase", &self.phase)
            .field("link", &self.link)
            .field("conns", &self.conns)
            .finish_non_exhaustive()
    }
}
