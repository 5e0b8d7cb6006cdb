//! The life of one connection, from its arrival to its end, as one task. Whatever happens in here
//! stays in here: a panic is caught, and the ticket comes back.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::io;
use std::panic::catch_unwind;

use super::super::bell::Watch;
use super::super::handshake::{Upgrade, upgrade_since};
use super::arrival::{Arrival, retry_after};
use super::guest::{Desk, Left};
use super::host::Host;
use crate::options::{AcceptOptions, ServerOptions};
use crate::server::{Admission, Farewell, Phase, Refusal};

/// What the tasks of a server share.
pub(super) struct Rules<H> {
    pub(super) runtime: H,
    pub(super) options: ServerOptions,
    /// How requests are judged.
    pub(super) judging: Arc<AcceptOptions>,
}

type DeskOf<H> = Arc<Desk<<H as Host>::Stream, H>>;

/// Serves a connection that was let in.
pub(super) async fn serve<H, F, Fut>(
    tcp: H::Tcp,
    peer: SocketAddr,
    desk: DeskOf<H>,
    rules: Arc<Rules<H>>,
    handler: Arc<F>,
) where
    H: Host,
    F: Fn(Arrival<<H as Host>::Stream, H>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut watch = desk.seat.gate.bell.watch();
    // Boxed: a task is as large as the largest of its states for as long as it runs.
    let Some(upgrade) = Box::pin(receive(tcp, &rules, &mut watch)).await else {
        return;
    };
    if !rules.options.origins.check(&upgrade.request()) {
        let refused = upgrade.reject(403, &[], b"this origin may not connect\n");
        let _ = before(&mut watch, Phase::Over, Box::pin(refused)).await;
        return;
    }
    let options = Arc::clone(&rules.judging);
    let arrival = Arrival::new(upgrade, peer, options, desk.lend());
    drop(rules);
    let handling = Box::pin(async move { handler(arrival).await });
    let Some(returned) = before(&mut watch, Phase::Over, Contained(Some(handling))).await else {
        return;
    };
    if returned.is_err() {
        desk.seat.gate.with(|door| door.panicked());
    }
    // It may have been moved into another task, which is then waited for.
    let returned = before(&mut watch, Phase::Over, pin!(desk.returned())).await;
    let Some(Some((left, panicked))) = returned else {
        return;
    };
    let phase = desk.seat.gate.ask(Admission::phase);
    let Some(farewell) = Farewell::of(phase, panicked) else {
        return;
    };
    let end = Box::pin(part(left, farewell));
    let _ = before(&mut watch, Phase::Over, end).await;
}

/// Closes what a handler has left.
async fn part<H: Host>(left: Left<<H as Host>::Stream, H>, farewell: Farewell) {
    match left {
        Left::Asked(upgrade) => drop(upgrade.reject(500, &[], b"").await),
        Left::Open(mut socket) => {
            drop(socket.close(farewell.code(), farewell.reason()).await);
        }
    }
}

/// Refuses a connection: reads what it asks for, as nobody understands an answer before, and says
/// no.
pub(super) async fn refuse<H: Host>(
    tcp: H::Tcp,
    desk: DeskOf<H>,
    rules: Arc<Rules<H>>,
    refusal: Refusal,
) {
    let mut watch = desk.seat.gate.bell.watch();
    if let Some(upgrade) = receive(tcp, &rules, &mut watch).await {
        let wait = retry_after(&desk.seat.gate);
        let headers = [("Retry-After", &*wait)];
        let text = refusal.text().as_bytes();
        let refused = pin!(upgrade.reject(refusal.status(), &headers, text));
        let _ = before(&mut watch, Phase::Over, refused).await;
    }
}

/// TLS and the request, both within the one time limit. When the server goes down, those who have
/// not asked yet need no answer.
async fn receive<H: Host>(
    tcp: H::Tcp,
    rules: &Rules<H>,
    watch: &mut Watch,
) -> Option<Upgrade<<H as Host>::Stream, H>> {
    let Rules {
        runtime,
        options,
        judging,
    } = rules;
    let (began, mut timer) = (runtime.now(), runtime.clone());
    let until = began + judging.handshake.timeout;
    let mut securing = H::secure(tcp, options);
    let secured = poll_fn(|cx| match securing.as_mut().poll(cx) {
        Poll::Ready(secured) => Poll::Ready(secured),
        Poll::Pending => timer
            .poll_until(cx, until)
            .map(|()| Err(io::ErrorKind::TimedOut.into())),
    });
    let stream = before(watch, Phase::Closing, pin!(secured)).await?.ok()?;
    let upgrade = upgrade_since(stream, runtime.clone(), judging, began);
    before(watch, Phase::Closing, pin!(upgrade)).await?.ok()
}

/// What comes of a future, unless the server's life gets that far before.
async fn before<F: Future + Unpin>(
    watch: &mut Watch,
    phase: Phase,
    mut future: F,
) -> Option<F::Output> {
    poll_fn(|cx| match watch.poll(phase, cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => Pin::new(&mut future).poll(cx).map(Some),
    })
    .await
}

/// The panic hook has said so.
struct Panicked;

/// A handler that can't take the task down with it.
struct Contained<F>(Option<Pin<Box<F>>>);

impl<F: Future<Output = ()>> Future for Contained<F> {
    type Output = Result<(), Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(handling) = &mut self.0 else {
            return Poll::Ready(Ok(()));
        };
        let polled = catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(cx)));
        if let Ok(Poll::Pending) = polled {
            return Poll::Pending;
        }
        // What it held comes back to the desk, and what it drops may panic as well.
        let handling = self.0.take();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(handling)));
        Poll::Ready(match (polled, dropped) {
            (Ok(_), Ok(())) => Ok(()),
            _ => Err(Panicked),
        })
    }
}

impl<F> Drop for Contained<F> {
    fn drop(&mut self) {
        let handling = self.0.take();
        drop(catch_unwind(AssertUnwindSafe(|| drop(handling))));
    }
}
