//! From a URL to a transport that leads to its host: the dialer of [`dial`](crate::dial) and the
//! tunnels of [`proxy`](crate::proxy), driven. Looks nothing up and opens no socket: the runtime does.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::{Future, poll_fn};
use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll};
#[cfg(feature = "tls")]
use core::time::Duration;
use std::io;

use super::driver::Driver;
use super::runtime::{PollRead, PollWrite, Runtime};
use crate::dial::{Attempt, DialConfig, DialFailure, Dialer, Step};
use crate::handshake::Limits;
use crate::options::{ConnectError, Route};
use crate::proxy::{ProxyError, Tunnel};
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use crate::url::{Host, Url};

/// Something of the operating system's that takes its time. Dropping it gives it up.
pub type Opening<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// How a runtime looks names up and opens sockets.
pub trait Net: Runtime {
    /// What it opens.
    type Stream;

    /// Looks a name up: its addresses, the best first (RFC 6724).
    fn resolve(&self, name: &str, port: u16) -> Opening<Vec<IpAddr>>;

    /// Connects to an address, with a socket as the configuration says. Its deadlines are the
    /// caller's affair.
    fn connect(&self, to: SocketAddr, config: &DialConfig) -> Opening<Self::Stream>;
}

/// Connects to the host of the URL, through the proxy of the route if there is one. TLS is left to
/// the caller.
///
/// # Errors
/// [`ConnectError::Dial`] and [`ConnectError::Proxy`].
///
/// # Cancel safety
/// If the future is dropped, the attempt is given up.
pub async fn reach<R>(runtime: &R, url: &Url, route: &Route) -> Result<R::Stream, ConnectError>
where
    R: Net + Clone + PollRead<<R as Net>::Stream> + PollWrite<<R as Net>::Stream>,
    R::Stream: Unpin,
{
    let Some(proxy) = &route.proxy else {
        let dialed = dial(runtime, url.host(), url.port(), &route.dial).await;
        return dialed.map_err(|failure| failed(url.authority(), failure));
    };
    let dialed = dial(runtime, proxy.host(), proxy.port(), &route.dial).await;
    let stream = dialed.map_err(|failure| failed(alloc::format!("proxy {proxy}"), failure))?;
    let limits = Limits::default().timeout(route.dial.proxy_timeout);
    let mut driver = Driver::new(stream, runtime.clone());
    let mut tunnel = Tunnel::new(proxy, url.host(), url.port(), &limits, driver.now);
    poll_fn(|cx| driver.poll(&mut tunnel, cx)).await;
    match tunnel.poll(driver.now) {
        Ok(true) => Ok(driver.io),
        // The machine is driven until it is open or has failed.
        Ok(false) => Err(ConnectError::Proxy(ProxyError::gone(proxy))),
        Err(error) => Err(ConnectError::Proxy(error)),
    }
}

/// A TLS handshake with the host of the URL, as the adapter of the runtime does it, and how long it
/// took: that is taken from the time of the opening handshake, so that one limit bounds both.
///
/// # Errors
/// [`ConnectError::Tls`].
///
/// # Cancel safety
/// As the handshake itself.
#[cfg(feature = "tls")]
pub async fn secure<R, T>(
    runtime: &R,
    url: &Url,
    limit: Duration,
    handshake: impl Future<Output = io::Result<T>>,
) -> Result<(T, Duration), ConnectError>
where
    R: Runtime + Clone,
{
    let began = runtime.now();
    let mut timer = runtime.clone();
    let mut handshake = core::pin::pin!(handshake);
    let secured = poll_fn(|cx| match handshake.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(done.map_err(TlsError::from_io)),
        Poll::Pending => timer
            .poll_until(cx, began + limit)
            .map(|()| Err(TlsError::Timeout)),
    });
    match secured.await {
        Ok(stream) => Ok((stream, runtime.now() - began)),
        Err(error) => Err(ConnectError::tls(url, error)),
    }
}

async fn dial<R>(
    runtime: &R,
    host: &Host,
    port: u16,
    config: &DialConfig,
) -> Result<R::Stream, DialFailure<io::Error>>
where
    R: Net + Clone,
{
    let mut race = Race {
        timer: runtime.clone(),
        runtime,
        host,
        port,
        config,
        dialer: Dialer::new(host, port, config, runtime.now()),
        resolving: None,
        running: Vec::new(),
        connected: Vec::new(),
    };
    poll_fn(|cx| race.poll(cx)).await
}

/// What a dialer has under way.
struct Race<'a, R: Net> {
    timer: R,
    runtime: &'a R,
    host: &'a Host,
    port: u16,
    config: &'a DialConfig,
    dialer: Dialer<io::Error>,
    resolving: Option<Opening<Vec<IpAddr>>>,
    running: Vec<(Attempt, Opening<R::Stream>)>,
    /// The winner, and whoever connected in the same moment.
    connected: Vec<(Attempt, R::Stream)>,
}

impl<R: Net> Race<'_, R> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<R::Stream, DialFailure<io::Error>>> {
        loop {
            self.begin();
            match self.dialer.outcome() {
                Some(Ok(winner)) => {
                    let at = self
                        .connected
                        .iter()
                        .position(|(attempt, _)| *attempt == winner);
                    if let Some(at) = at {
                        return Poll::Ready(Ok(self.connected.swap_remove(at).1));
                    }
                }
                Some(Err(failure)) => return Poll::Ready(Err(failure)),
                None => {}
            }
            if !self.poll_running(cx) && !self.poll_timer(cx) {
                return Poll::Pending;
            }
        }
    }

    /// Begins and gives up what the dialer says.
    fn begin(&mut self) {
        let now = self.runtime.now();
        while let Some(step) = self.dialer.poll(now) {
            match step {
                Step::Abandon(attempt) => self.running.retain(|(running, _)| *running != attempt),
                Step::Connect(attempt, to) => {
                    let connecting = self.runtime.connect(to, self.config);
                    self.running.push((attempt, connecting));
                }
                Step::Resolve => {
                    let name = alloc::format!("{}", self.host);
                    self.resolving = Some(self.runtime.resolve(&name, self.port));
                }
            }
        }
    }

    /// Tells the dialer what has come of anything; `false` if nothing has.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(resolving) = &mut self.resolving {
            if let Poll::Ready(resolved) = resolving.as_mut().poll(cx) {
                self.resolving = None;
                match resolved {
                    Ok(found) => self.dialer.resolved(found, self.runtime.now()),
                    Err(error) => self.dialer.unresolved(error),
                }
                return true;
            }
        }
        let mut told = false;
        let mut i = 0;
        while let Some((attempt, connecting)) = self.running.get_mut(i) {
            let attempt = *attempt;
            let Poll::Ready(connected) = connecting.as_mut().poll(cx) else {
                i += 1;
                continue;
            };
            drop(self.running.swap_remove(i));
            told = true;
            match connected {
                Ok(stream) => {
                    self.connected.push((attempt, stream));
                    self.dialer.connected(attempt);
                    break;
                }
                Err(error) => self.dialer.failed(attempt, error),
            }
        }
        told
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.dialer.poll_timeout() else {
            return false;
        };
        let due = self.timer.poll_until(cx, at).is_ready();
        if due {
            self.dialer.handle_timeout(self.runtime.now().max(at));
        }
        due
    }
}

fn failed(authority: alloc::string::String, failure: DialFailure<io::Error>) -> ConnectError {
    let kind = match failure.timed_out {
        true => io::ErrorKind::TimedOut,
        false => io::ErrorKind::NotFound,
    };
    // What failed first says more than that the rest took too long.
    let error = failure.error.unwrap_or_else(|| kind.into());
    ConnectError::Dial {
        authority,
        stage: failure.stage,
        error,
    }
}
