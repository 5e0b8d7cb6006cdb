//! The loop of the thread that accepts, and the end of a server. Whom it lets in is decided by the
//! core; what a connection does in its thread is none of its business.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Events, Poll};
use ws_core::server::{AcceptFault, Admission, Counts, Phase, Verdict};

use super::gate::{End, Gate};
use super::{Arrival, Rules, thread};

/// Accepts until the server is to go down, and waits until it has; `wait` returns when something may
/// have changed. However this ends, nothing of the server goes on.
pub(super) fn run<F>(
    end: End,
    listener: TcpListener,
    rules: &Arc<Rules>,
    handler: F,
    mut wait: impl FnMut(&Gate) -> io::Result<()>,
) -> io::Result<Counts>
where
    F: Fn(Arrival) + Send + Sync + 'static,
{
    let gate = &end.0;
    let handler = Arc::new(handler);
    while gate.ask(Admission::phase) == Phase::Serving {
        let paused = gate.ask(Admission::poll_timeout);
        if paused.is_none() && accept_one(&listener, gate, rules, &handler) {
            continue;
        }
        wait(gate)?;
    }
    // Nobody waits in a queue that nobody looks at.
    drop(listener);
    if gate.ask(Admission::phase) == Phase::Closing {
        gate.close_all();
    }
    while gate.ask(|door| !door.is_empty() && door.phase() != Phase::Over) {
        wait(gate)?;
    }
    Ok(gate.ask(Admission::outcome))
}

/// Accepts one who waits; `false` if nobody does.
fn accept_one<F>(
    listener: &TcpListener,
    gate: &Arc<Gate>,
    rules: &Arc<Rules>,
    handler: &Arc<F>,
) -> bool
where
    F: Fn(Arrival) + Send + Sync + 'static,
{
    let fault = match listener.accept() {
        Ok((tcp, peer)) => {
            let tcp = TcpStream::from(tcp);
            let blocking = tcp.set_nonblocking(false);
            let begun = blocking.and_then(|()| let_in(tcp, peer, gate, rules, handler));
            // Whatever it is called, there was somebody: a thread or a descriptor is missing.
            begun.err().map(|_| AcceptFault::Shortage)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
        Err(error) => Some(AcceptFault::of(&error)),
    };
    if let Some(fault) = fault {
        gate.with(|door, now| door.accept_failed(fault, now));
    }
    true
}

/// Gives a connection its thread.
fn let_in<F>(
    tcp: TcpStream,
    peer: SocketAddr,
    gate: &Arc<Gate>,
    rules: &Arc<Rules>,
    handler: &Arc<F>,
) -> io::Result<()>
where
    F: Fn(Arrival) + Send + Sync + 'static,
{
    let (ticket, refusal) = match gate.with(|door, _| door.arrived(Some(peer.ip()))) {
        Verdict::Admit(ticket) => (ticket, None),
        Verdict::Refuse(ticket, refusal) => (ticket, Some(refusal)),
        Verdict::Drop => return Ok(()),
    };
    let tcp = Arc::new(tcp);
    let seat = gate.seat(ticket, &tcp);
    let (rules, handler) = (Arc::clone(rules), Arc::clone(handler));
    let work = move || match refusal {
        None => thread::serve(tcp, peer, &seat, &rules, &*handler),
        Some(refusal) => thread::refuse(tcp, &seat, &rules, refusal),
    };
    let thread = std::thread::Builder::new().name("ws-server".into());
    thread.spawn(work).map(drop)
}

/// Waits for someone to arrive, for the last to leave, for the handle, or for a deadline.
pub(super) fn wait(poll: &mut Poll, events: &mut Events, gate: &Gate) -> io::Result<()> {
    let until = gate.ask(Admission::poll_timeout);
    let left = until.map(|at| at - gate.now() + Duration::from_nanos(1));
    match poll.poll(events, left) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
        _ => {}
    }
    gate.with(|door, now| door.handle_timeout(now));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Guest, Server};
    use crate::{OwnedEvent, ServerOptions, connect};
    use std::sync::mpsc;

    #[test]
    fn a_server_that_can_not_wait_any_more_leaves_no_one_waiting() {
        let server = Server::bind("127.0.0.1:0", ServerOptions::threads()).expect("a free port");
        let (address, handle) = (server.local_addr().expect("an address"), server.handle());
        let Server {
            listener,
            end,
            rules,
            ..
        } = server;
        listener.set_nonblocking(true).expect("set");
        let listener = TcpListener::from_std(listener);
        let (told, ended) = mpsc::channel();
        let handler = move |arrival: Arrival| {
            let guest: Guest = arrival.open().expect("accepted");
            drop(told.send(guest.last()));
        };
        let wait = |gate: &Gate| match gate.ask(|door| door.counts().open) {
            0 => {
                std::thread::yield_now();
                Ok(())
            }
            _ => Err(io::ErrorKind::Other.into()),
        };
        let client = std::thread::spawn(move || {
            let mut client = connect(format!("ws://{address}/")).expect("served");
            client.next()
        });
        run(end, listener, &rules, handler, wait).expect_err("no wait");
        assert_eq!(handle.phase(), Phase::Over);
        for last in [ended.recv().expect("told"), client.join().expect("cut")] {
            assert!(
                matches!(&last, Some(OwnedEvent::Closed(closed)) if !closed.is_clean()),
                "{last:?}"
            );
        }
    }

    #[test]
    fn a_server_that_is_dropped_is_over() {
        let server = Server::bind("127.0.0.1:0", ServerOptions::threads()).expect("a free port");
        let handle = server.handle();
        assert_eq!(handle.phase(), Phase::Serving);
        drop(server);
        assert_eq!(handle.phase(), Phase::Over);
    }

    #[test]
    fn a_server_that_has_gone_down_is_over() {
        let server = Server::bind("127.0.0.1:0", ServerOptions::threads()).expect("a free port");
        let handle = server.handle();
        handle.shutdown();
        assert_eq!(handle.phase(), Phase::Closing);
        server.run(|_| {}).expect("a listener");
        assert_eq!(handle.phase(), Phase::Over);
    }
}
