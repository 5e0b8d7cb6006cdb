//! One write per burst for every peer with a `Stream` and a `Sink`: all messages that are ready are
//! taken first, then all of them are fed, then they are flushed.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use futures_util::{Sink, SinkExt, Stream};

/// Messages taken before they are echoed.
const BATCH: usize = 64;

/// Echoes what `keep` keeps.
pub(super) async fn echo<S, T, M>(mut socket: S, keep: impl Fn(T) -> Option<M>) -> io::Result<()>
where
    S: Stream<Item = T> + Sink<M> + Unpin,
{
    let broken = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    let mut batch = Vec::new();
    loop {
        let end = poll_fn(|cx| {
            while batch.len() < BATCH {
                match Pin::new(&mut socket).poll_next(cx) {
                    Poll::Ready(Some(item)) => batch.extend(keep(item)),
                    Poll::Ready(None) => return Poll::Ready(true),
                    Poll::Pending if batch.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            Poll::Ready(false)
        });
        if end.await {
            return Ok(());
        }
        for message in batch.drain(..) {
            socket.feed(message).await.map_err(broken)?;
        }
        socket.flush().await.map_err(broken)?;
    }
}
