//! The opening handshakes, driven over a stream.
//!
//! They decide nothing: who is accepted is said by the options, or by the caller.

use alloc::boxed::Box;
use core::fmt;
use core::future::poll_fn;

use super::driver::Driver;
use super::reach::{Net, reach};
use super::runtime::{PollRead, PollWrite};
use super::socket::WebSocket;
use crate::connection::Config;
use crate::handshake::{
    Accept, ClientHandshake, HandshakeError, Request, RequestHead, ServerHandshake,
};
use crate::options::{AcceptError, AcceptOptions, ConnectError, ConnectOptions, Redirects};
use crate::{Instant, Seed, TransportEnd};

/// What a machine that gives neither a result nor an error stands for; none does.
const GONE: HandshakeError = HandshakeError::Ended {
    end: TransportEnd::Other,
    received: 0,
};

/// Opens a WebSocket as a client, on a stream that is connected to the server.
///
/// # Errors
/// The server refused, or did not speak the protocol, or took too long.
///
/// # Cancel safety
/// If the future is dropped, the stream is dropped with it.
pub async fn client<S, R>(
    io: S,
    runtime: R,
    request: &Request,
    options: &ConnectOptions,
    seed: Seed,
) -> Result<WebSocket<S, R>, HandshakeError>
where
    R: PollRead<S> + PollWrite<S>,
{
    // Boxed, as in `accept`.
    Box::pin(async move {
        let mut driver = Driver::new(io, runtime);
        let limits = options.handshake.clone();
        let mut handshake = ClientHandshake::new(&options.apply(request), limits, seed, driver.now);
        poll_fn(|cx| driver.poll(&mut handshake, cx)).await;
        handshake.poll(driver.now)?;
        let opened = handshake.finish().map_err(|_| GONE)?;
        Ok(WebSocket::over(driver, opened, &options.config))
    })
    .await
}

/// Opens a WebSocket as a client: reaches the host, then the opening handshake, and the same again
/// where a redirect leads, if those are followed.
///
/// # Errors
/// The host can't be reached, or it does not open a WebSocket.
///
/// # Cancel safety
/// If the future is dropped, the attempt is given up.
pub async fn connect<R>(
    runtime: R,
    request: &Request,
    options: &ConnectOptions,
    seed: Seed,
) -> Result<WebSocket<R::Stream, R>, ConnectError>
where
    R: Net + PollRead<R::Socket> + PollWrite<R::Socket>,
    R: PollRead<R::Stream> + PollWrite<R::Stream>,
{
    let mut hops = Redirects::new(request, options, seed);
    loop {
        let url = hops.request().url();
        let limit = options.handshake.timeout;
        let (stream, spent) = reach(&runtime, url, &hops.route(&options.route), limit).await?;
        let left = options.after(spent);
        match client(stream, runtime.clone(), hops.request(), &left, hops.seed()).await {
            Ok(socket) => return Ok(socket),
            Err(failure) => hops.follow(failure)?,
        }
    }
}

/// Opens a WebSocket as a server: answers the request as `options` say.
///
/// # Errors
/// There was no request for a WebSocket, or it was refused. The client was told, where
/// [`HandshakeError`] says it is.
///
/// # Cancel safety
/// If the future is dropped, the stream is dropped with it.
pub fn accept<S, R>(
    io: S,
    runtime: R,
    options: &AcceptOptions,
) -> impl Future<Output = Result<WebSocket<S, R>, AcceptError>>
where
    R: PollRead<S> + PollWrite<S>,
{
    // Boxed, and by hand, because a task is as large as the largest of its states for as long as it runs:
    // the handshake takes four times the memory of the connection that it leads to.
    Box::pin(async move {
        let mut upgrade = upgrade(io, runtime, options).await?;
        let now = upgrade.driver.runtime.now();
        options.answer(&mut upgrade.handshake, now)?;
        Ok(upgrade.finish().await?)
    })
}

/// Reads a client's request for a WebSocket and leaves the answer to the caller.
///
/// # Errors
/// There was no request for a WebSocket. The client was told, where [`HandshakeError`] says it is.
///
/// # Cancel safety
/// If the future is dropped, the stream is dropped with it.
pub async fn upgrade<S, R>(
    io: S,
    runtime: R,
    options: &AcceptOptions,
) -> Result<Upgrade<S, R>, HandshakeError>
where
    R: PollRead<S> + PollWrite<S>,
{
    let began = runtime.now();
    upgrade_since(io, runtime, options, began).await
}

/// [`upgrade`] of a client that arrived before, and has done something since that its time counts
/// for.
pub(super) async fn upgrade_since<S, R>(
    io: S,
    runtime: R,
    options: &AcceptOptions,
    began: Instant,
) -> Result<Upgrade<S, R>, HandshakeError>
where
    R: PollRead<S> + PollWrite<S>,
{
    let mut driver = Driver::new(io, runtime);
    let mut handshake = ServerHandshake::new(options.handshake.clone(), began);
    poll_fn(|cx| driver.poll(&mut handshake, cx)).await;
    match handshake.poll(driver.now)? {
        Some(_) => Ok(Upgrade {
            handshake,
            driver,
            config: options.config.clone(),
        }),
        None => Err(GONE),
    }
}

/// A client's request for a WebSocket, to be accepted or rejected.
///
/// Dropping it drops the stream without an answer.
pub struct Upgrade<S, R> {
    handshake: ServerHandshake,
    driver: Driver<S, R>,
    config: Config,
}

impl<S, R> Upgrade<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    /// What the client asks for.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn request(&self) -> RequestHead<'_> {
        self.handshake
            .request()
            .expect("there is one until it is answered, which consumes this")
    }

    /// The stream underneath; to see who the client is, for example.
    #[must_use]
    pub const fn stream(&self) -> &S {
        &self.driver.io
    }

    /// Accepts: writes the answer, and the WebSocket is open.
    ///
    /// # Errors
    /// The answer can't be given, or the client is gone.
    ///
    /// # Cancel safety
    /// If the future is dropped, the stream is dropped with it.
    pub async fn accept(mut self, answer: Accept) -> Result<WebSocket<S, R>, AcceptError> {
        self.handshake.accept(answer)?;
        Ok(self.finish().await?)
    }

    /// Writes the answer; what comes of it is the connection, or why there is none.
    async fn finish(self) -> Result<WebSocket<S, R>, HandshakeError> {
        let Self {
            mut handshake,
            mut driver,
            config,
        } = self;
        poll_fn(|cx| driver.poll(&mut handshake, cx)).await;
        handshake.poll(driver.now)?;
        let opened = handshake.finish().map_err(|_| GONE)?;
        Ok(WebSocket::over(driver, opened, &config))
    }

    /// Refuses, with headers and a body, and returns when the client has the answer, or is gone. The
    /// status is one from 300 to 599: no other refuses a request.
    ///
    /// # Errors
    /// The answer can't be given ([`AnswerError::BadStatus`](crate::handshake::AnswerError::BadStatus)
    /// for another status); the stream is closed without one.
    ///
    /// # Cancel safety
    /// If the future is dropped, the stream is dropped with it, whether or not it has the answer.
    pub async fn reject(
        mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), AcceptError> {
        let now = self.driver.runtime.now();
        self.handshake.reject(status, headers, body, now)?;
        poll_fn(|cx| self.driver.poll(&mut self.handshake, cx)).await;
        Ok(())
    }
}

impl<S, R> fmt::Debug for Upgrade<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("handshake", &self.handshake)
            .finish_non_exhaustive()
    }
}
