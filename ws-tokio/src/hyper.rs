//! WebSockets on the routes of a hyper 1 server. Requests are judged and answered as the core says;
//! hyper reads and writes them, and hands the connection over.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::http::Extensions;
use hyper::rt::{Read as _, Write as _};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_core::connection::Config;
pub use ws_core::handshake::http::Refusal;
use ws_core::handshake::http::Upgrade;
use ws_core::handshake::{Accept, Agreed, Opened};
use ws_core::options::AcceptOptions;

use crate::WebSocket;

/// Answers a request for a WebSocket: the response to send, and the WebSocket that comes of the
/// connection when hyper has sent it. Await that in a task of its own: it takes until the response
/// has left. The connection must be served `with_upgrades`.
///
/// ```no_run
/// use hyper::body::Incoming;
/// use hyper::{Request, Response};
/// use ws_tokio::{AcceptOptions, Event, hyper::upgrade};
///
/// async fn serve(mut request: Request<Incoming>) -> Result<Response<String>, hyper::Error> {
///     let (response, upgrading) = match upgrade(&mut request, &AcceptOptions::default()) {
///         Ok(upgraded) => upgraded,
///         // 405, 426, 400…: what is wrong with it, as a line of text.
///         Err(refusal) => {
///             return Ok(refusal.response.map(|body| String::from_utf8_lossy(&body).into()));
///         }
///     };
///     tokio::spawn(async move {
///         let Ok(mut socket) = upgrading.await else { return };
///         while let Some((event, reply)) = socket.read().await {
///             if let Event::Text(text) = event {
///                 let _ = reply.text(text);
///             }
///         }
///     });
///     Ok(response.map(|()| String::new()))
/// }
/// ```
///
/// # Errors
/// The request is not one for a WebSocket, or the options refuse it (403 for its origin), or hyper
/// can't hand its connection over (500); the refusal has the answer to send.
pub fn upgrade<B>(
    request: &mut Request<B>,
    options: &AcceptOptions,
) -> Result<(Response<()>, Upgrading), Refusal> {
    let upgrade = Upgrade::of(request, &options.handshake)?;
    let answer = options.judge(&upgrade.request()).map_err(refused)?;
    answered(upgrade, answer, request.extensions_mut(), options)
}

fn refused(status: u16) -> Refusal {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    Refusal::new(status, "")
}

/// Accepts a request whose connection is among its extensions.
pub(crate) fn answered(
    upgrade: Upgrade,
    answer: Accept,
    extensions: &mut Extensions,
    options: &AcceptOptions,
) -> Result<(Response<()>, Upgrading), Refusal> {
    let failed = |why: String| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why);
    let on = extensions.remove::<OnUpgrade>();
    let on = on.ok_or_else(|| failed("this connection can't be handed over\n".into()))?;
    let accepted = upgrade.accept(answer);
    let (agreed, response) = accepted.map_err(|error| failed(format!("{error}\n")))?;
    let upgrading = Upgrading {
        on,
        agreed,
        config: options.config.clone(),
    };
    Ok((response, upgrading))
}

/// A WebSocket that is there when hyper has sent the response.
///
/// # Errors
/// hyper gave the connection up before.
///
/// # Cancel safety
/// If it is dropped, so is the connection.
#[derive(Debug)]
pub struct Upgrading {
    on: OnUpgrade,
    agreed: Agreed,
    config: Config,
}

impl Future for Upgrading {
    type Output = Result<WebSocket<Upgraded>, hyper::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = Upgraded(ready!(Pin::new(&mut self.on).poll(cx))?);
        // What hyper has read too far, it gives back as the first bytes of the stream.
        let opened = Opened::accepted(std::mem::take(&mut self.agreed), b"");
        Poll::Ready(Ok(WebSocket::upgraded(upgraded, opened, &self.config)))
    }
}

/// A connection that hyper has handed over, as a stream of tokio's.
#[derive(Debug)]
pub struct Upgraded(hyper::upgrade::Upgraded);

impl Upgraded {
    /// What hyper handed over.
    #[must_use]
    pub fn into_inner(self) -> hyper::upgrade::Upgraded {
        self.0
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut own = hyper::rt::ReadBuf::new(buf.initialize_unfilled());
        ready!(Pin::new(&mut self.0).poll_read(cx, own.unfilled()))?;
        let n = own.filled().len();
        buf.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
