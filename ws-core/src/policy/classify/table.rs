//! The table: rows of data, the first that matches decides. The presets describe other
//! people's protocols and may fall behind them: a row of one's own comes first.
//!
//! It remembers nothing.

use alloc::borrow::Cow;
use core::ops::RangeInclusive;
use core::time::Duration;

use super::failure::{Failure, FailureKind, IoClass, Phase, Stage};
use super::verdict::Verdict;
use crate::policy::Penalty;

/// One row of a [`Classifier`](super::Classifier): failures like this get that verdict.
///
/// ```
/// use ws_core::policy::{Row, Stage, Verdict, When};
///
/// // A proxy of ours answers 407 while it restarts.
/// let row = Row::new(When::Http(407..=407), Verdict::RETRY).stage(Stage::Upgrade);
/// assert_eq!(row.verdict, Verdict::RETRY);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// Only failures at this stage. Default `None`: at any.
    pub stage: Option<Stage>,
    /// Only failures in this phase. Default `None`: in either.
    pub phase: Option<Phase>,
    /// Which failures.
    pub when: When,
    /// What to do about them.
    pub verdict: Verdict,
}

/// Which failures a row is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum When {
    /// All.
    Any,
    /// The login says no for good.
    AuthDenied,
    /// The login refused the credentials, with one of these codes.
    AuthRejected(RangeInclusive<i64>),
    /// The peer closed with one of these codes.
    Close(RangeInclusive<u16>),
    /// The peer closed with one of these codes and a reason that contains this, in any case.
    CloseReason(RangeInclusive<u16>, Cow<'static, str>),
    /// The transport ended without a Close frame.
    Eof,
    /// The opening handshake was answered with one of these statuses.
    Http(RangeInclusive<u16>),
    /// The opening handshake was answered with one of these statuses and a body that contains this,
    /// in any case of ASCII.
    HttpBody(RangeInclusive<u16>, Cow<'static, str>),
    /// Nothing was received for too long.
    IdleTimeout,
    /// The transport failed like this.
    Io(IoClass),
    /// This end closed on purpose.
    Local,
    /// No answer to a ping.
    PongTimeout,
    /// The peer broke the protocol or a limit.
    Protocol,
    /// A stage took too long.
    Timeout,
}

impl Row {
    /// A row for any stage and phase.
    #[must_use]
    pub const fn new(when: When, verdict: Verdict) -> Self {
        Self {
            stage: None,
            phase: None,
            when,
            verdict,
        }
    }

    /// Sets [`stage`](Self#structfield.stage).
    #[must_use]
    pub const fn stage(mut self, stage: Stage) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Sets [`phase`](Self#structfield.phase).
    #[must_use]
    pub const fn phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }

    /// Is this row about that failure?
    #[must_use]
    pub fn matches(&self, failure: &Failure<'_>) -> bool {
        self.stage.is_none_or(|stage| stage == failure.stage)
            && self.phase.is_none_or(|phase| phase == failure.phase)
            && self.when.matches(&failure.kind)
    }
}

impl When {
    fn matches(&self, kind: &FailureKind<'_>) -> bool {
        match (self, kind) {
            (Self::Any, _)
            | (Self::AuthDenied, FailureKind::AuthDenied)
            | (Self::Eof, FailureKind::Eof)
            | (Self::IdleTimeout, FailureKind::IdleTimeout)
            | (Self::Local, FailureKind::Local)
            | (Self::PongTimeout, FailureKind::PongTimeout)
            | (Self::Protocol, FailureKind::Protocol)
            | (Self::Timeout, FailureKind::Timeout) => true,
            (Self::AuthRejected(codes), FailureKind::AuthRejected { code }) => codes.contains(code),
            (Self::Close(codes), FailureKind::Close { code, .. }) => codes.contains(&code.get()),
            (Self::CloseReason(codes, part), FailureKind::Close { code, reason }) => {
                codes.contains(&code.get()) && contains(reason.as_bytes(), part)
            }
            (Self::Http(statuses), FailureKind::Http { status, .. }) => statuses.contains(status),
            (Self::HttpBody(statuses, part), FailureKind::Http { status, body, .. }) => {
                statuses.contains(status) && contains(body, part)
            }
            (Self::Io(class), FailureKind::Io(found)) => class == found,
            _ => false,
        }
    }
}

fn contains(text: &[u8], part: &str) -> bool {
    let part = part.as_bytes();
    part.is_empty()
        || text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}

const fn http(status: u16, verdict: Verdict) -> Row {
    Row::new(When::Http(status..=status), verdict)
}

const fn close(code: u16, verdict: Verdict) -> Row {
    Row::new(When::Close(code..=code), verdict)
}

const fn closes(first: u16, last: u16, verdict: Verdict) -> Row {
    Row::new(When::Close(first..=last), verdict)
}

const fn rejected(code: i64, verdict: Verdict) -> Row {
    Row::new(When::AuthRejected(code..=code), verdict)
}

const THRICE: Verdict = Verdict::RETRY.fatal_after(3);
const ELSEWHERE: Verdict = Verdict::RETRY.next_endpoint();

/// What happens without rows of one's own. The last row matches everything.
pub(super) static DEFAULT: &[Row] = &[
    Row::new(When::Local, Verdict::FINISH),
    Row::new(When::AuthDenied, Verdict::FATAL),
    Row::new(When::AuthRejected(i64::MIN..=i64::MAX), Verdict::REFRESH),
    // Names and addresses. A name that never worked is more likely mistyped than in an outage.
    Row::new(
        When::Io(IoClass::NameNotFound),
        Verdict::RETRY.fatal_after(5).next_endpoint(),
    )
    .phase(Phase::Initial),
    Row::new(When::Io(IoClass::NameNotFound), ELSEWHERE),
    Row::new(When::Io(IoClass::ResolveFailed), ELSEWHERE),
    Row::new(When::Io(IoClass::Refused), ELSEWHERE),
    Row::new(When::Io(IoClass::Reset), ELSEWHERE),
    Row::new(When::Io(IoClass::TimedOut), ELSEWHERE),
    Row::new(When::Io(IoClass::Unreachable), ELSEWHERE),
    Row::new(When::Io(IoClass::Certificate), THRICE),
    Row::new(When::Timeout, ELSEWHERE),
    Row::new(When::PongTimeout, ELSEWHERE),
    Row::new(When::IdleTimeout, ELSEWHERE),
    Row::new(When::Protocol, THRICE),
    // The opening handshake.
    http(401, Verdict::REFRESH),
    http(403, Verdict::RETRY.fatal_after(2)),
    http(408, Verdict::RETRY),
    // Banned for ignoring 429: without a Retry-After, as long as the backoff waits at most.
    http(418, Verdict::RETRY.penalty(Penalty::HalfCap)),
    http(425, Verdict::RETRY),
    http(429, Verdict::RETRY),
    http(500, Verdict::RETRY),
    Row::new(When::Http(502..=504), Verdict::RETRY),
    Row::new(When::Http(520..=529), Verdict::RETRY),
    // Everything else, redirects that are not followed included: a rolling deployment may answer
    // anything for some seconds.
    Row::new(When::Http(0..=u16::MAX), THRICE),
    // Close codes.
    close(1002, THRICE),
    close(1003, THRICE),
    close(1007, THRICE),
    close(
        1008,
        Verdict::RETRY.penalty(Penalty::HalfCap).fatal_after(5),
    ),
    // The server will not take a message that this client sends: no reconnect makes it smaller.
    close(1009, Verdict::FATAL),
    close(1010, THRICE),
    close(1013, Verdict::RETRY.penalty(Penalty::Base)),
    close(1015, THRICE),
    close(3000, Verdict::REFRESH),
    close(3003, Verdict::RETRY.fatal_after(2)),
    Row::new(When::Any, Verdict::RETRY),
];

pub(super) static NORMAL_CLOSE_ENDS: Row = close(1000, Verdict::FINISH);

/// graphql-transport-ws: most of its codes say that the client is wrong, 4401 that it is a stranger.
pub(super) static GRAPHQL_TRANSPORT_WS: &[Row] = &[
    close(4004, Verdict::FATAL),
    close(4005, Verdict::FATAL),
    close(4400, Verdict::FATAL),
    close(4401, Verdict::REFRESH),
    close(4403, Verdict::RETRY.fatal_after(2)),
    close(4406, Verdict::FATAL),
    close(4409, Verdict::FATAL),
    close(4429, Verdict::FATAL),
    close(4500, Verdict::FATAL),
];

/// Centrifugo: bands of 500 codes each, alternately "come back" and "do not".
pub(super) static CENTRIFUGO_BANDS: &[Row] = &[
    closes(3000, 3499, Verdict::RETRY),
    closes(3500, 3999, Verdict::FATAL),
    closes(4000, 4499, Verdict::RETRY),
    closes(4500, 4999, Verdict::FATAL),
];

const TEN_MINUTES: Verdict = Verdict::RETRY.penalty(Penalty::Fixed(Duration::from_secs(10 * 60)));
const ONE_MINUTE: Verdict = Verdict::RETRY.penalty(Penalty::Fixed(Duration::from_secs(60)));

/// Binance: 403 is its firewall, 418 a ban, and 1008 means "too many requests".
pub(super) static BINANCE: &[Row] = &[
    http(403, TEN_MINUTES),
    http(
        418,
        Verdict::RETRY.penalty(Penalty::Fixed(Duration::from_secs(2 * 60))),
    ),
    http(429, ONE_MINUTE),
    Row::new(
        When::CloseReason(1008..=1008, Cow::Borrowed("too many requests")),
        ONE_MINUTE,
    ),
];

/// Deribit: errors of `public/auth` by number.
pub(super) static DERIBIT: &[Row] = &[
    // invalid_credentials, forbidden
    rejected(13_004, Verdict::FATAL),
    rejected(13_021, Verdict::FATAL),
    // unauthorized: an expired or revoked token
    rejected(13_009, Verdict::REFRESH),
    // too_many_requests
    rejected(10_028, ONE_MINUTE),
    // system_maintenance, internal_server_error, temporarily_unavailable, timed_out
    rejected(11_051, Verdict::RETRY),
    rejected(11_094, Verdict::RETRY),
    rejected(13_028, Verdict::RETRY),
    rejected(13_888, Verdict::RETRY),
];
