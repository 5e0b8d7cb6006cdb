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
//! | `event`, `payload` | what it tells |
//! | `action` | what it asks for |
//! | `lost` | why there is no connection |
//! | `dialect`, `out` | what one application protocol says, and where it says it |
//! | `jsonrpc` | JSON-RPC 2.0 (feature `json`) |
//! | `link` | the connection of the moment |
//! | `setup` | what a new connection goes through before it is ready |
//! | `errands` | what the session itself asks the server |
//! | `login` | credentials, and what the server says to them |
//! | `topics` | what the application subscribes to |
//! | `requests` | what the application asks, and what has become of it |
//! | `waiters` | who waits for a message that looks like something |
//! | `send`, `outbox` | what the application sends, and what waits for its turn |
//! | `vitals` | whether the peer lives |
//! | `drain` | an end in order |
//! | `snapshot` | everything at one moment |
//! | `owner` | an owner that is slower than the peer, or stops driving |
//! | `log` | the frames of its connections, written down (feature `testing`) |
//! | `order`, `retry` | what follows what: every transition of the session |
//! | `sort` | what each message is |
//! | `drive` | bytes and time: the session as a [`Machine`](crate::Machine) |
//!
//! Parts that stand alone, each a machine of its own that knows no socket, no frame and none of the
//! others:
//!
//! | module | keeps |
//! |---|---|
//! | [`auth`] | the login and its renewal |
//! | [`clock`] | an eye on two clocks: was the computer asleep? |
//! | [`correlate`] | requests and their answers |
//! | [`journal`] | all inputs of a session, to run it again |
//! | [`queue`] | what waits to be sent, by lane and priority |
//! | [`subscriptions`] | which topics are wanted, and which the server has confirmed |
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

mod action;
pub mod auth;
pub mod clock;
mod config;
pub mod correlate;
mod detour;
mod dialect;
mod drain;
mod drive;
mod errands;
mod event;
pub mod journal;
#[cfg(feature = "json")]
mod jsonrpc;
mod link;
#[cfg(feature = "testing")]
mod log;
mod login;
mod lost;
mod order;
mod out;
mod outbox;
mod owner;
mod payload;
pub mod queue;
mod requests;
mod retry;
mod send;
mod setup;
mod snapshot;
mod sort;
mod state;
pub mod subscriptions;
pub mod telemetry;
mod topics;
mod vitals;
mod waiters;

pub use action::{Action, ConnId};
pub use config::{HandshakeLogin, Initial, SessionConfig};
pub use dialect::{Asked, Class, Dialect, NoDialect};
pub use drain::DrainOptions;
pub use event::{Event, Lent, PingId, Pressure};
#[cfg(feature = "json")]
pub use jsonrpc::{Answers, Call, JsonRpc, RpcError};
pub use lost::{DialError, End, LoginLost, Lost, SetupError};
pub use out::{News, Out};
pub use owner::Upcoming;
pub use payload::Payload;
pub use requests::{RequestError, RequestOptions};
pub use send::{MessageId, Offline, SendError, SendOptions, Traffic, Unsent};
pub use setup::Stage;
pub use snapshot::{Health, Snapshot, Topics, Waiting};
pub use state::State;
pub use vitals::Network;
pub use waiters::{WaitError, WaitId};

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use self::auth::Auth;
use self::correlate::Correlator;
use self::detour::Detour;
use self::drain::Drain;
use self::errands::Errands;
use self::journal::Tape;
use self::link::Link;
use self::order::{Afterwards, Phase};
use self::outbox::{Outbox, Token};
use self::requests::{Extent, Tag};
use self::setup::Setup;
use self::sort::Sorted;
use self::subscriptions::Registry;
use self::vitals::Vitals;
use self::waiters::Waiters;
use crate::buf::{RecvBuf, SendBuf};
use crate::handshake::Request;
use crate::message::Text;
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
    /// Where servers have sent this attempt.
    detour: Detour,
    /// What the connection found is for the application, says the dialect.
    sorted: Option<Sorted>,
    /// How far the set-up of the connection is, until it is ready.
    setup: Option<Setup>,
    /// What came before it was; handed out once it is.
    early: VecDeque<Payload>,
    /// The one of those that is lent at the moment.
    lent: Option<Payload>,
    errands: Errands,
    auth: Option<Auth>,
    /// The last opening handshake was answered with 401.
    unauthorized: bool,
    topics: Registry<Text>,
    requests: Correlator<Tag>,
    waiters: Waiters,
    outbox: Outbox,
    /// Where what is under way lies in the bytes of this connection.
    extents: BTreeMap<Token, Extent>,
    /// What has not left yet, in the order in which it does.
    leaving: VecDeque<Token>,
    vitals: Vitals,
    drain: Option<Drain>,
    /// The owner says that there is no network.
    offline: bool,
    /// The number of the last connection.
    conns: u64,
    /// Inputs for connections that were over.
    stale: u64,
    tape: Option<Box<Tape>>,
    #[cfg(feature = "testing")]
    log: Option<Box<log::FrameLog>>,
    /// How often the state has changed.
    changes: u64,
    /// How often a connection was ready.
    readies: u64,
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
            judge: Judge::new(
                config.classifier.clone(),
                match config.handshake_login {
                    HandshakeLogin::Fresh => Credentials::Renewable,
                    HandshakeLogin::None => Credentials::Fixed,
                },
            ),
            setup: None,
            early: VecDeque::new(),
            lent: None,
            errands: Errands::default(),
            auth: config.login.clone().map(Auth::new),
            unauthorized: false,
            topics: Registry::new(config.subscriptions.clone()),
            outbox: Outbox::new(&config),
            vitals: Vitals::new(config.clock),
            drain: None,
            offline: false,
            tape: None,
            #[cfg(feature = "testing")]
            log: None,
            changes: 0,
            readies: 0,
            budget: config.budget.map(DialBudget::new),
            requests: Correlator::new(config.requests.clone()),
            waiters: Waiters::default(),
            config,
            request,
            dialect,
            link: Link::Down,
            phase: Phase::Idle,
            afterwards: Afterwards::Judge,
            detour: Detour::default(),
            sorted: None,
            extents: BTreeMap::new(),
            leaving: VecDeque::new(),
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
            ) => {
                let goes_on = self.afterwards == Afterwards::Judge
                    && self.drain.is_none()
                    && connection.is_open();
                match (ready, self.setup) {
                    (Some(since), _) if goes_on => State::Ready {
                        conn: *conn,
                        since: *since,
                    },
                    (None, Some(setup)) if goes_on => State::Setup {
                        conn: *conn,
                        stage: setup.stage,
                    },
                    _ => State::Draining { conn: *conn },
                }
            }
            (Phase::Parked { attempt }, _) => State::Parked { attempt: *attempt },
            (Phase::Over | Phase::Trying { .. }, _) => State::Terminal,
        }
    }

    /// What connections are asked for.
    #[must_use]
    pub const fn target(&self) -> &Request {
        &self.request
    }

    /// Replaces what connections are asked for, from the next dial on: another host, a fresh token.
    pub fn set_target(&mut self, request: Request) {
        self.note_gap("set_target");
        let former = core::mem::replace(&mut self.request, request);
        self.outdate_detour(former);
    }

    /// The dialect.
    pub fn dialect(&mut self) -> &mut D {
        self.note_gap("dialect");
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

    /// A number that grows with every change of [`state`](Self::state): for owners who watch it.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    const fn changed(&mut self) {
        self.changes += 1;
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
