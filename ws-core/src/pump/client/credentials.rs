//! Where the credentials of a session come from: the application, asked anew each time.
//!
//! Nothing is kept here: credentials pass through, and are gone once they are used.

use alloc::boxed::Box;
use core::future::Future;
use core::pin::Pin;

use crate::session::auth::{CredError, Purpose};

/// What a session needs credentials for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Wanted {
    /// To log in, or to stay logged in.
    pub purpose: Purpose,
    /// The code with which the last ones were refused, if they were.
    pub refused: Option<i64>,
}

/// Comes up with credentials, such as a signature of this moment or a token of another server's.
///
/// It is asked without the lock that the handles share, so it may use a
/// [`Client`](super::Client) of the same session. Any function that returns [`Providing`] is one;
/// [`provide`] makes one of a function that returns any future.
pub trait Provide<C>: Unpin {
    /// Begins to. Dropping the future gives it up, which happens when another question has taken the
    /// place of this one. How long it may take
    /// [`AuthConfig::fetch_timeout`](crate::session::auth::AuthConfig) says for a login, and
    /// [`SessionConfig::attempt_timeout`](crate::session::SessionConfig) before a dial.
    ///
    /// An error is told as [`Event::Login`](crate::session::Event) or with the connection that fails
    /// for it. After [`CredError::Denied`] the session is over.
    fn provide(&mut self, wanted: Wanted) -> Providing<C>;
}

/// Credentials that are being looked for.
pub type Providing<C> = Pin<Box<dyn Future<Output = Result<C, CredError>> + Send>>;

impl<C, F> Provide<C> for F
where
    F: FnMut(Wanted) -> Providing<C> + Unpin,
{
    fn provide(&mut self, wanted: Wanted) -> Providing<C> {
        self(wanted)
    }
}

/// A provider that asks a function, which may be an async closure in all but name:
/// `|wanted| async move { ... }`.
pub fn provide<C, P, F>(mut provider: P) -> impl Provide<C> + Send
where
    P: FnMut(Wanted) -> F + Send + Unpin,
    F: Future<Output = Result<C, CredError>> + Send + 'static,
{
    move |wanted| -> Providing<C> { Box::pin(provider(wanted)) }
}
