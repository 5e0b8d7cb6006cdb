//! Getting logged in, staying logged in, and knowing when it is no use.
//!
//! ```text
//!          begin         poll          fetched       poll, sent        accepted
//!   Idle --------> Need -----> Fetching -----> Sending -------> Awaiting -----> Live
//!                   ^             |                                |           |  ^
//!                   |             | no credentials, no answer      |           |  | the same steps,
//!                   |             +--> Idle (the attempt failed) <-+           |  | while it lasts
//!                   |                                              |           v  |
//!                   +------- refused once, other credentials ------+        Refreshing
//!                                                                  |
//!                            refused again, or for good: Denied <--+
//! ```
//!
//! Credentials are asked for anew at each attempt and never seen here: the machine knows only that
//! they have been handed in. It sends nothing and reads no answers; its owner says what they were.

mod config;
mod report;

use alloc::vec::Vec;
use core::time::Duration;

pub use config::{AuthConfig, Refresh};
pub use report::{
    AuthAction, AuthEvent, AuthPhase, CredError, CredId, LoginFailure, Purpose, Rejection,
};

use crate::policy::{Backoff, Credentials, Next, Percent, Wait};
use crate::rng::Rng;
use crate::time::Instant;

/// The login of a session, over all its connections.
///
/// ```
/// use core::time::Duration;
/// use ws_core::session::auth::{Auth, AuthAction, AuthConfig, AuthEvent};
/// use ws_core::{Instant, Rng, Seed};
///
/// let now = Instant::ORIGIN;
/// let mut rng = Rng::new(&Seed::new([0; 32]));
/// let mut auth = Auth::new(AuthConfig::default());
///
/// // A connection needs a login: credentials first, then the message, then the answer.
/// auth.begin(0);
/// let Some(AuthAction::Fetch { id, .. }) = auth.poll(now) else { panic!() };
/// auth.fetched(id, Ok(()), &mut rng, now);
/// assert!(matches!(auth.poll(now), Some(AuthAction::Send { .. })));
/// auth.sent(now);
/// let ttl = Duration::from_secs(600);
/// let event = auth.accepted(Some(ttl), Duration::ZERO, &mut rng, now);
/// assert!(matches!(event, Some(AuthEvent::Accepted { .. })) && auth.is_live());
/// ```
#[derive(Clone, Debug)]
pub struct Auth {
    config: AuthConfig,
    phase: Phase,
    endpoint: u32,
    next_id: u64,
    /// The refusals of each endpoint since it accepted credentials.
    refusals: Vec<Refusals>,
    /// The failures of the present renewal.
    retry: Backoff,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Denied,
    Idle,
    Live {
        expires: Option<Instant>,
        renewal: Renewal,
    },
    LoggingIn(Step),
}

#[derive(Clone, Copy, Debug)]
enum Renewal {
    At(Instant),
    /// Not before it expires.
    None,
    Now(Step),
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug)]
enum Step {
    Need,
    Fetching { id: CredId, deadline: Instant },
    Ready,
    Sending,
    Awaiting { deadline: Instant },
}

#[derive(Clone, Debug)]
struct Refusals {
    endpoint: u32,
    code: i64,
    times: u32,
}

/// How many endpoints are remembered.
const MAX_ENDPOINTS: usize = 64;

/// Refusals in a row that end it even if each has another code.
const MAX_REFUSALS: u32 = 3;

impl Auth {
    /// A login that nothing needs yet.
    #[must_use]
    pub fn new(config: AuthConfig) -> Self {
        Self {
            retry: Backoff::new(config.retry.clone()),
            phase: Phase::Idle,
            endpoint: 0,
            next_id: 0,
            refusals: Vec::new(),
            config,
        }
    }

    /// A connection to `endpoint` needs a login. Whatever an earlier one was doing is over. Does
    /// nothing once it is denied.
    pub fn begin(&mut self, endpoint: u32) {
        if !matches!(self.phase, Phase::Denied) {
            self.endpoint = endpoint;
            self.phase = Phase::LoggingIn(Step::Need);
        }
    }

    /// The connection is gone, and its login with it.
    pub fn lost(&mut self) {
        if !matches!(self.phase, Phase::Denied) {
            self.phase = Phase::Idle;
        }
    }

    /// What to do now, each thing once.
    pub fn poll(&mut self, now: Instant) -> Option<AuthAction> {
        let id = CredId(self.next_id + 1);
        let deadline = now + self.config.fetch_timeout;
        let refused = self.refusals().map(|refusals| refusals.code);
        let (step, purpose) = self.step()?;
        match *step {
            Step::Need => {
                *step = Step::Fetching { id, deadline };
                self.next_id += 1;
                Some(AuthAction::Fetch {
                    id,
                    purpose,
                    refused,
                })
            }
            Step::Ready => {
                *step = Step::Sending;
                Some(AuthAction::Send { purpose })
            }
            Step::Fetching { .. } | Step::Sending | Step::Awaiting { .. } => None,
        }
    }

    /// The provider has answered. An answer to a question that is over does nothing.
    pub fn fetched(
        &mut self,
        id: CredId,
        outcome: Result<(), CredError>,
        rng: &mut Rng,
        now: Instant,
    ) -> Option<AuthEvent> {
        let (step, _) = self.step()?;
        if !matches!(*step, Step::Fetching { id: asked, .. } if asked == id) {
            return None;
        }
        match outcome {
            Ok(()) => {
                *step = Step::Ready;
                None
            }
            Err(CredError::Denied) => Some(self.deny(None)),
            Err(CredError::Temporary) => self.fail(LoginFailure::NoCredentials, rng, now),
        }
    }

    /// The login has left: the server's time to answer begins.
    pub fn sent(&mut self, now: Instant) {
        let deadline = now + self.config.timeout;
        if let Some((step @ Step::Sending, _)) = self.step() {
            *step = Step::Awaiting { deadline };
        }
    }

    /// The server accepted the login, for `ttl` if it expires; `slow` is a slow round trip of this
    /// connection, such as its 99th percentile. `None` if nothing was asked.
    pub fn accepted(
        &mut self,
        ttl: Option<Duration>,
        slow: Duration,
        rng: &mut Rng,
        now: Instant,
    ) -> Option<AuthEvent> {
        let (Step::Sending | Step::Awaiting { .. }, purpose) = self.step()? else {
            return None;
        };
        let endpoint = self.endpoint;
        self.refusals
            .retain(|refusals| refusals.endpoint != endpoint);
        self.retry.reset();
        let refresh_at = ttl.and_then(|ttl| Some(now + self.refresh_after(ttl, slow, rng)?));
        self.phase = Phase::Live {
            expires: ttl.map(|ttl| now + ttl),
            renewal: refresh_at.map_or(Renewal::None, Renewal::At),
        };
        Some(AuthEvent::Accepted {
            purpose,
            refresh_at,
        })
    }

    /// The server refused the login. `None` if nothing was asked.
    pub fn rejected(
        &mut self,
        rejection: Rejection,
        rng: &mut Rng,
        now: Instant,
    ) -> Option<AuthEvent> {
        let (Step::Sending | Step::Awaiting { .. }, _) = self.step()? else {
            return None;
        };
        match rejection {
            Rejection::Denied(code) => Some(self.deny(Some(code))),
            Rejection::Temporary(code) => self.fail(LoginFailure::Temporary(code), rng, now),
            Rejection::Credentials(code) => {
                let again = self.refused(code);
                if again || self.config.credentials == Credentials::Fixed {
                    return Some(self.deny(Some(code)));
                }
                if let Some((step, _)) = self.step() {
                    *step = Step::Need;
                }
                Some(AuthEvent::Rejected { code })
            }
        }
    }

    /// The next deadline.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Denied | Phase::Idle => None,
            Phase::LoggingIn(step) => step.deadline(),
            Phase::Live { expires, renewal } => {
                let renewal = match renewal {
                    Renewal::At(at) => Some(at),
                    Renewal::None => None,
                    Renewal::Now(step) => step.deadline(),
                };
                [expires, renewal].into_iter().flatten().min()
            }
        }
    }

    /// Acts on the deadline that has passed.
    pub fn handle_timeout(&mut self, rng: &mut Rng, now: Instant) -> Option<AuthEvent> {
        if let Phase::Live { expires, renewal } = &mut self.phase {
            if expires.is_some_and(|at| at <= now) {
                self.phase = Phase::Idle;
                return Some(AuthEvent::Expired);
            }
            if matches!(*renewal, Renewal::At(at) if at <= now) {
                *renewal = Renewal::Now(Step::Need);
                return None;
            }
        }
        let (step, _) = self.step()?;
        let due = step.deadline().is_some_and(|deadline| deadline <= now);
        let why = match *step {
            Step::Fetching { .. } => LoginFailure::ProviderTimeout,
            _ => LoginFailure::Timeout,
        };
        due.then(|| self.fail(why, rng, now)).flatten()
    }

    /// May private traffic pass?
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live { .. })
    }

    /// Where the login stands.
    #[must_use]
    pub fn phase(&self) -> AuthPhase {
        match self.phase {
            Phase::Denied => AuthPhase::Denied,
            Phase::Idle => AuthPhase::Idle,
            Phase::LoggingIn(step) => match step {
                Step::Need => AuthPhase::Need,
                Step::Fetching { id, .. } => AuthPhase::Fetching(id),
                Step::Ready | Step::Sending => AuthPhase::Sending,
                Step::Awaiting { deadline } => AuthPhase::Awaiting { deadline },
            },
            Phase::Live { expires, renewal } => match (renewal, expires) {
                (Renewal::Now(_), Some(expires)) => AuthPhase::Refreshing { expires },
                (Renewal::At(at), _) => AuthPhase::Live {
                    expires,
                    refresh_at: Some(at),
                },
                _ => AuthPhase::Live {
                    expires,
                    refresh_at: None,
                },
            },
        }
    }

    /// The attempt under way.
    fn step(&mut self) -> Option<(&mut Step, Purpose)> {
        match &mut self.phase {
            Phase::LoggingIn(step) => Some((step, Purpose::Login)),
            Phase::Live {
                renewal: Renewal::Now(step),
                ..
            } => Some((step, Purpose::Refresh)),
            _ => None,
        }
    }

    fn deny(&mut self, code: Option<i64>) -> AuthEvent {
        self.phase = Phase::Denied;
        AuthEvent::Denied { code }
    }

    /// The attempt came to nothing, though another may not.
    fn fail(&mut self, why: LoginFailure, rng: &mut Rng, now: Instant) -> Option<AuthEvent> {
        let Phase::Live { expires, renewal } = &mut self.phase else {
            self.phase = Phase::Idle;
            return Some(AuthEvent::Failed(why));
        };
        self.retry.dialing(now);
        let again = match self.retry.failed(Wait::default(), rng, now) {
            Next::Dial { at, .. } => Some(at),
            Next::Exhausted(_) => None,
        };
        let last = expires.map(|at| at - self.config.guard);
        let again = again.filter(|at| last.is_none_or(|last| *at <= last));
        *renewal = again.map_or(Renewal::None, Renewal::At);
        Some(AuthEvent::RefreshFailed { why, again })
    }

    fn refusals(&self) -> Option<&Refusals> {
        let mut refusals = self.refusals.iter();
        refusals.find(|refusals| refusals.endpoint == self.endpoint)
    }

    /// Notes a refusal; has this endpoint refused often enough?
    fn refused(&mut self, code: i64) -> bool {
        let endpoint = self.endpoint;
        let mut known = self.refusals.iter_mut();
        if let Some(refusals) = known.find(|refusals| refusals.endpoint == endpoint) {
            let same = refusals.code == code;
            refusals.code = code;
            refusals.times += 1;
            return same || refusals.times >= MAX_REFUSALS;
        }
        if self.refusals.len() == MAX_ENDPOINTS {
            self.refusals.remove(0);
        }
        self.refusals.push(Refusals {
            endpoint,
            code,
            times: 1,
        });
        false
    }

    /// How long after its beginning a login is renewed.
    fn refresh_after(&self, ttl: Duration, slow: Duration, rng: &mut Rng) -> Option<Duration> {
        let half = ttl / 2;
        match self.config.refresh {
            Refresh::Never => None,
            Refresh::Before(threshold) => {
                let after = ttl.checked_sub(threshold).filter(|after| !after.is_zero());
                Some(after.unwrap_or(half))
            }
            Refresh::Auto => {
                let margin = slow.saturating_mul(5).max(Duration::from_secs(60));
                let after = Percent(80).of_duration(ttl).min(ttl.saturating_sub(margin));
                let after = after.max(half);
                Some(rng.between(Percent(95).of_duration(after), after))
            }
        }
    }
}

impl Step {
    const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Fetching { deadline, .. } | Self::Awaiting { deadline } => Some(deadline),
            Self::Need | Self::Ready | Self::Sending => None,
        }
    }
}

#[cfg(test)]
mod tests;
