//! From a URL to a transport that leads to its host: the dialer of [`dial`](crate::dial), the tunnels
//! of [`proxy`](crate::proxy) and TLS, driven. Looks nothing up and opens no socket: the runtime does.

use alloc::boxed::Box;
#[cfg(feature = "tls")]
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Arguments;
use core::future::{Future, poll_fn};
use core::net::{IpAddr, SocketAddr};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::path::Path;

#[cfg(feature = "tls")]
use rustls::{ClientConfig, pki_types::ServerName};

use super::client::{Dial, Dialing};
use super::driver::Driver;
use super::race::dial;
use super::runtime::{PollRead, PollWrite, Runtime};
use crate::dial::{DialConfig, DialFailure};
use crate::handshake::{Limits, Request};
use crate::options::{ConnectError, Route, plain};
use crate::policy::Stage;
use crate::proxy::{ProxyError, Tunnel};
#[cfg(feature = "tls")]
use crate::tls::{TlsError, TlsOptions};
use crate::url::Url;

/// Something of the operating system's that takes its time. Dropping it gives it up.
pub type Opening<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// How a runtime looks names up and opens sockets. The deadlines of it all are the caller's affair.
pub trait Net: Runtime + Clone {
    /// A socket that it opens.
    type Socket: Unpin;

    /// What leads to a host in the end: a socket, or TLS over one.
    type Stream;

    /// Is there TLS, that is, [`secure`](Self::secure)? Without it, which is the default, `wss` is
    /// refused before anything is dialed.
    const TLS: bool = false;

    /// Looks a name up: its addresses, the best first (RFC 6724).
    fn resolve(&self, name: &str, port: u16) -> Opening<Vec<IpAddr>>;

    /// Connects to an address, with a socket as the configuration says.
    fn connect(&self, to: SocketAddr, config: &DialConfig) -> Opening<Self::Socket>;

    /// Connects to a Unix socket. Default: `Unsupported`.
    fn connect_unix(&self, path: &Path) -> Opening<Self::Socket> {
        let _ = path;
        unsupported()
    }

    /// The socket itself is what leads to the host.
    fn plain(socket: Self::Socket) -> Self::Stream;

    /// Does the handshake of TLS over a socket. Default: `Unsupported`.
    #[cfg(feature = "tls")]
    fn secure(
        &self,
        socket: Self::Socket,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Opening<Self::Stream> {
        let _ = (socket, config, name);
        unsupported()
    }

    /// Somebody should know of this. Default: nobody is told.
    fn warn(&self, warning: Arguments<'_>) {
        let _ = warning;
    }
}

/// Connects to the host of the URL, through the proxy of the route if there is one, with TLS if the
/// URL asks for it. Also tells how much of `limit`, the time for handshakes, TLS took: that is taken
/// from the time of the opening handshake, so that one limit bounds both.
///
/// # Errors
/// [`ConnectError::Dial`], [`ConnectError::Proxy`], [`ConnectError::Tls`] and
/// [`ConnectError::TlsNotBuilt`].
///
/// # Cancel safety
/// If the future is dropped, the attempt is given up.
pub async fn reach<R>(
    runtime: &R,
    url: &Url,
    route: &Route,
    limit: Duration,
) -> Result<(R::Stream, Duration), ConnectError>
where
    R: Net + PollRead<R::Socket> + PollWrite<R::Socket>,
{
    if !R::TLS {
        plain(url)?;
    }
    #[cfg(feature = "tls")]
    if url.is_secure() {
        let failed = |error| ConnectError::tls(url, error);
        let config = route.tls.client_config().map_err(failed)?;
        if route.tls.verifies_nothing() {
            let host = url.authority();
            runtime.warn(format_args!(
                "the certificate of {host} is not verified: whoever is in between can read and \
                 change everything"
            ));
        }
        let name = TlsOptions::server_name(url.host()).map_err(failed)?;
        let socket = socket(runtime, url, route).await?;
        let began = runtime.now();
        let secured = within(runtime, limit, runtime.secure(socket, config, name)).await;
        return match secured {
            Some(Ok(stream)) => Ok((stream, runtime.now() - began)),
            Some(Err(error)) => Err(failed(TlsError::from_io(error))),
            None => Err(failed(TlsError::Timeout)),
        };
    }
    #[cfg(not(feature = "tls"))]
    let _ = limit;
    let socket = socket(runtime, url, route).await?;
    Ok((R::plain(socket), Duration::ZERO))
}

/// How sessions reach their hosts: along a route, with a runtime.
#[derive(Clone, Debug)]
pub struct Reach<R> {
    runtime: R,
    route: Route,
    /// What the route was made for.
    first: Url,
}

impl<R> Reach<R> {
    pub(super) const fn new(runtime: R, route: Route, first: Url) -> Self {
        Self {
            runtime,
            route,
            first,
        }
    }
}

impl<R> Dial<R::Stream> for Reach<R>
where
    R: Net + PollRead<R::Socket> + PollWrite<R::Socket> + Send + Sync + 'static,
    R::Socket: Send,
    R::Stream: Send,
{
    fn dial(&mut self, request: &Request) -> Dialing<R::Stream> {
        let (runtime, url) = (self.runtime.clone(), request.url().clone());
        let route = self.route.clone().towards(url.host(), &self.first);
        Box::pin(async move {
            // The session bounds the attempt as a whole.
            match reach(&runtime, &url, &route, Duration::MAX).await {
                Ok((stream, _)) => Ok(stream),
                Err(error) => Err(error.dial_error()),
            }
        })
    }
}

/// A socket that leads to the host, whatever is between.
async fn socket<R>(runtime: &R, url: &Url, route: &Route) -> Result<R::Socket, ConnectError>
where
    R: Net + PollRead<R::Socket> + PollWrite<R::Socket>,
{
    if let Some(path) = &route.unix {
        let opening = runtime.connect_unix(path);
        let opened = within(runtime, route.dial.connect_timeout, opening).await;
        return opened
            .unwrap_or_else(|| Err(ErrorKind::TimedOut.into()))
            .map_err(|error| ConnectError::Dial {
                authority: alloc::format!("{}", path.display()),
                stage: Stage::Connect,
                error,
            });
    }
    let (config, proxy) = route.way(url)?;
    let Some(proxy) = proxy else {
        let dialed = dial(runtime, url.host(), url.port(), &config).await;
        return dialed.map_err(|failure| failed(url.authority(), failure));
    };
    let dialed = dial(runtime, proxy.host(), proxy.port(), &config).await;
    let socket = dialed.map_err(|failure| failed(alloc::format!("proxy {proxy}"), failure))?;
    let limits = Limits::default().timeout(config.proxy_timeout);
    let mut driver = Driver::new(socket, runtime.clone());
    let mut tunnel = Tunnel::new(&proxy, url.host(), url.port(), &limits, driver.now);
    poll_fn(|cx| driver.poll(&mut tunnel, cx)).await;
    match tunnel.poll(driver.now) {
        Ok(true) => Ok(driver.io),
        // The machine is driven until it is open or has failed.
        Ok(false) => Err(ConnectError::Proxy(ProxyError::gone(&proxy))),
        Err(error) => Err(ConnectError::Proxy(error)),
    }
}

/// What comes of it, or `None` if the time is up first.
async fn within<R: Runtime + Clone, T>(
    runtime: &R,
    limit: Duration,
    opening: Opening<T>,
) -> Option<io::Result<T>> {
    let until = runtime.now() + limit;
    let mut timer = runtime.clone();
    let mut opening = pin!(opening);
    poll_fn(|cx| match opening.as_mut().poll(cx) {
        Poll::Ready(opened) => Poll::Ready(Some(opened)),
        Poll::Pending => timer.poll_until(cx, until).map(|()| None),
    })
    .await
}

fn unsupported<T>() -> Opening<T> {
    Box::pin(async { Err(ErrorKind::Unsupported.into()) })
}

fn failed(authority: alloc::string::String, failure: DialFailure<io::Error>) -> ConnectError {
    let kind = match failure.timed_out {
        true => ErrorKind::TimedOut,
        false => ErrorKind::NotFound,
    };
    // What failed first says more than that the rest took too long.
    let error = failure.error.unwrap_or_else(|| kind.into());
    ConnectError::Dial {
        authority,
        stage: failure.stage,
        error,
    }
}
