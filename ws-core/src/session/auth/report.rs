//! What an [`Auth`](super::Auth) asks for and what it has to tell.
//!
//! Nothing is decided here.

use thiserror::Error;

use crate::time::Instant;

/// What to do next; pulled with [`Auth::poll`](super::Auth::poll).
///
/// Exhaustive on purpose: whoever forgets one never logs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthAction {
    /// Ask the provider for credentials, and hand in the outcome under this id.
    Fetch {
        /// The id.
        id: CredId,
        /// What for.
        purpose: Purpose,
        /// The code with which the last ones were refused, so that they are not handed out again.
        refused: Option<i64>,
    },
    /// Send the login with the credentials that were handed in.
    Send {
        /// What for.
        purpose: Purpose,
    },
}

/// A question to the provider of credentials; never used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CredId(pub(in crate::session) u64);

/// What credentials are for.
///
/// Exhaustive on purpose: to get in or to stay in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// To log in on a new connection.
    Login,
    /// To renew a login before it expires; with a key or a renewal token, not with the token that is
    /// about to expire.
    Refresh,
}

/// Why a provider has no credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CredError {
    /// There are none and there will be none.
    Denied,
    /// Not now.
    Temporary,
}

/// How a server refuses a login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// These credentials; the code is the dialect's.
    Credentials(i64),
    /// Whatever the credentials.
    Denied(i64),
    /// For now: it is overloaded, or under maintenance.
    Temporary(i64),
}

/// Something about the login has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuthEvent {
    /// The server accepted it.
    Accepted {
        /// What it was for.
        purpose: Purpose,
        /// When it will be renewed.
        refresh_at: Option<Instant>,
    },
    /// It is over: nothing that could be tried would be accepted. The session ends.
    Denied {
        /// The code of the last refusal, if the server gave one.
        code: Option<i64>,
    },
    /// It has expired without having been renewed. The connection is of no more use.
    Expired,
    /// The attempt to log in came to nothing; the connection is of no use.
    Failed(LoginFailure),
    /// The attempt to renew it came to nothing; it is still valid.
    RefreshFailed {
        /// Why.
        why: LoginFailure,
        /// When it is tried again; `None`: not before it expires.
        again: Option<Instant>,
    },
    /// These credentials were refused; others are asked for, once.
    Rejected {
        /// The code.
        code: i64,
    },
}

/// Why an attempt came to nothing, though another may not.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LoginFailure {
    /// The provider had no credentials.
    #[error("there are no credentials at the moment")]
    NoCredentials,
    /// The provider did not answer in time.
    #[error("the provider of credentials did not answer in time")]
    ProviderTimeout,
    /// The server refused it for now.
    #[error("refused for now with code {0}")]
    Temporary(i64),
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    Timeout,
}

/// Where a login stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuthPhase {
    /// The login was sent; the server has until then to answer.
    Awaiting {
        /// The deadline.
        deadline: Instant,
    },
    /// Over for good.
    Denied,
    /// The provider was asked.
    Fetching(CredId),
    /// Nothing was asked for, or it came to nothing.
    Idle,
    /// Logged in.
    Live {
        /// Until then.
        expires: Option<Instant>,
        /// It will be renewed then.
        refresh_at: Option<Instant>,
    },
    /// Credentials are needed.
    Need,
    /// Logged in, and being renewed.
    Refreshing {
        /// Logged in until then.
        expires: Instant,
    },
    /// The credentials are here; the login is to be sent.
    Sending,
}
