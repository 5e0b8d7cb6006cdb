//! The requests of one connection, where servers send the client on. It follows nothing itself, and
//! nothing at all unless the options say so.

use alloc::borrow::Cow;

use super::{ConnectError, ConnectOptions, Route};
use crate::handshake::{HandshakeError, RedirectError, Request};
use crate::url::Url;
use crate::{Rng, Seed};

/// What to ask for next, and whether to ask at all: the hops of one connection.
///
/// ```
/// use ws_core::Seed;
/// use ws_core::handshake::{HandshakeError, Request};
/// use ws_core::options::{ConnectError, ConnectOptions, Redirects};
///
/// let request = Request::new("ws://example.com/")?;
/// let options = ConnectOptions::default().redirects(1);
/// let mut hops = Redirects::new(&request, &options, Seed::new([7; 32]));
/// // What is no redirect stays what it was.
/// let error = hops.follow(HandshakeError::Timeout).unwrap_err();
/// assert!(matches!(error, ConnectError::Handshake(HandshakeError::Timeout)));
/// # Ok::<(), ws_core::handshake::RequestError>(())
/// ```
#[derive(Debug)]
pub struct Redirects {
    first: Url,
    request: Request,
    seed: Seed,
    followed: u8,
    limit: u8,
}

impl Redirects {
    /// The first hop is the request itself, with the seed itself.
    #[must_use]
    pub fn new(request: &Request, options: &ConnectOptions, seed: Seed) -> Self {
        Self {
            first: request.url().clone(),
            request: request.clone(),
            seed,
            followed: 0,
            limit: options.redirects,
        }
    }

    /// What to ask for now.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// The way to the host of this hop: what is known of the first host is not true of another, and
    /// another origin is not shown who the client is.
    #[must_use]
    pub fn route<'a>(&self, route: &'a Route) -> Cow<'a, Route> {
        let url = self.request.url();
        if url.is_same_origin(&self.first) {
            return Cow::Borrowed(route);
        }
        #[cfg_attr(not(feature = "tls"), allow(unused_mut))]
        let mut other = route.clone().towards(url.host(), &self.first);
        #[cfg(feature = "tls")]
        {
            other.tls = other.tls.anonymous();
        }
        Cow::Owned(other)
    }

    /// Where the keys of this hop come from: each has its own.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed.clone()
    }

    /// The handshake failed with this: goes on to the next hop, if there is one.
    ///
    /// # Errors
    /// The failure itself, if it is no redirect or none are followed;
    /// [`ConnectError::Redirect`], if this one is not.
    pub fn follow(&mut self, failure: HandshakeError) -> Result<(), ConnectError> {
        let rejection = match failure {
            HandshakeError::Rejected(rejection) if rejection.location().is_some() => rejection,
            failure => return Err(failure.into()),
        };
        match self.limit {
            0 => return Err(HandshakeError::Rejected(rejection).into()),
            limit if self.followed == limit => return Err(RedirectError::TooMany { limit }.into()),
            _ => {}
        }
        self.request = self.request.redirected(&rejection)?;
        self.seed = Rng::new(&self.seed).seed();
        self.followed += 1;
        Ok(())
    }
}
