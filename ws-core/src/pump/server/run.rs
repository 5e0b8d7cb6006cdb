//! The loop that accepts, and the end of a server. It spawns nothing and opens nothing itself.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::task::{Context, Poll, ready};

use super::super::bell::Watch;
use super::super::gate::{Gate, Seat};
use super::arrival::Arrival;
use super::guest::{Desk, Guest};
use super::handle::Handle;
use super::host::Host;
use super::task::{Rules, refuse, serve};
use crate::Instant;
use crate::options::ServerOptions;
use crate::server::{AcceptFault, Admission, Counts, Phase, Verdict};

/// Connections accepted in one poll before other tasks get a turn.
const BURST: u32 = 64;

/// A server that listens, and does nothing else before it [`run`](Self::run)s.
pub struct Server<H: Host> {
    listener: H::Listener,
    end: End,
    rules: Arc<Rules<H>>,
}

impl<H: Host> Server<H> {
    /// A server for the connections of a listener.
    #[must_use]
    pub fn new(listener: H::Listener, runtime: H, options: ServerOptions) -> Self {
        let gate = Gate::new(options.limits.clone());
        let judging = Arc::new(options.judging());
        let rules = Rules {
            runtime,
            options,
            judging,
        };
        Self {
            listener,
            end: End(gate),
            rules: Arc::new(rules),
        }
    }

    /// What it listens with.
    #[must_use]
    pub const fn listener(&self) -> &H::Listener {
        &self.listener
    }

    /// A handle, to look at its numbers and to shut it down.
    #[must_use]
    pub fn handle(&self) -> Handle<H> {
        Handle {
            gate: Arc::clone(&self.end.0),
            runtime: self.rules.runtime.clone(),
        }
    }

    /// Accepts connections as the options say and runs `handler` for each of them, in a task of its
    /// own, until the server is shut down. Returns when all connections are closed, or at the drain
    /// deadline, when those that are still open are dropped; the numbers say how many that were.
    ///
    /// # Cancel safety
    /// If the future is dropped, the server goes down at once: all its connections are dropped.
    pub async fn run<F, Fut>(self, handler: F) -> Counts
    where
        F: Fn(Guest<<H as Host>::Stream, H>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let open = move |arrival: Arrival<<H as Host>::Stream, H>| {
            let handler = Arc::clone(&handler);
            async move {
                if let Ok(guest) = Box::pin(arrival.open()).await {
                    handler(guest).await;
                }
            }
        };
        self.run_with(open).await
    }

    /// [`run`](Self::run), with a handler that sees each request and answers it itself: by path, by
    /// credentials, by subprotocol. Origins are checked before.
    ///
    /// # Cancel safety
    /// As [`run`](Self::run).
    pub async fn run_with<F, Fut>(self, handler: F) -> Counts
    where
        F: Fn(Arrival<<H as Host>::Stream, H>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let Self {
            mut listener,
            end,
            rules,
        } = self;
        let gate = &end.0;
        let handler = Arc::new(handler);
        let mut timer = rules.runtime.clone();
        let mut watch = gate.bell.watch();
        let mut resume: Option<Instant> = None;
        poll_fn(|cx| {
            for _ in 0..BURST {
                if watch.poll(Phase::Closing, cx).is_ready() {
                    return Poll::Ready(());
                }
                if let Some(at) = resume {
                    ready!(timer.poll_until(cx, at));
                    gate.with(|door| door.handle_timeout(timer.now().max(at)));
                    resume = None;
                }
                match ready!(H::poll_accept(&mut listener, cx)) {
                    Ok((tcp, peer)) => let_in(tcp, peer, gate, &rules, &handler),
                    Err(error) => {
                        let (fault, now) = (AcceptFault::of(&error), timer.now());
                        resume = gate.with(|door| door.accept_failed(fault, now));
                    }
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        // Nobody waits in a queue that nobody looks at.
        drop(listener);
        poll_fn(|cx| poll_drained(gate, &mut timer, &mut watch, cx)).await;
        gate.ask(Admission::outcome)
    }
}

fn let_in<H, F, Fut>(
    tcp: H::Tcp,
    peer: SocketAddr,
    gate: &Arc<Gate>,
    rules: &Arc<Rules<H>>,
    handler: &Arc<F>,
) where
    H: Host,
    F: Fn(Arrival<<H as Host>::Stream, H>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let desk = |ticket| Desk::new(Seat::new(Arc::clone(gate), ticket));
    let rules = Arc::clone(rules);
    match gate.with(|door| door.arrived(Some(peer.ip()))) {
        Verdict::Admit(ticket) => {
            H::spawn(serve(tcp, peer, desk(ticket), rules, Arc::clone(handler)));
        }
        Verdict::Refuse(ticket, refusal) => H::spawn(refuse(tcp, desk(ticket), rules, refusal)),
        Verdict::Drop => drop(tcp),
    }
}

/// Waits until everyone has left, or the time for it is over.
fn poll_drained<H: Host>(
    gate: &Gate,
    timer: &mut H,
    watch: &mut Watch,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        let over = watch.poll(Phase::Over, cx).is_ready();
        if over || gate.ask(Admission::is_empty) {
            return Poll::Ready(());
        }
        let Some(at) = gate.ask(Admission::poll_timeout) else {
            return Poll::Ready(());
        };
        ready!(timer.poll_until(cx, at));
        let now = timer.now().max(at);
        gate.with(|door| door.handle_timeout(now));
    }
}

/// However the server ends, also before it has run, nothing of it goes on.
struct End(Arc<Gate>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.with(Admission::abort);
    }
}

impl<H: Host> fmt::Debug for Server<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}
