//! The life of one connection, from its arrival to its end, as one thread. Whatever happens in here
//! stays in here: a panic is caught, and the ticket comes back.

use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use ws_core::server::Refusal;

use super::Rules;
use super::arrival::{Arrival, retry_after};
use super::gate::Seat;
use crate::accept::upgrade_since;
use crate::driver::Anchor;
use crate::{Stream, Upgrade};

/// Serves a connection that was let in.
pub(super) fn serve(
    tcp: Arc<TcpStream>,
    peer: SocketAddr,
    seat: &Arc<Seat>,
    rules: &Arc<Rules>,
    handler: &(impl Fn(Arrival) + Sync),
) {
    let Some(upgrade) = receive(tcp, rules) else {
        return;
    };
    if !rules.options.origins.check(&upgrade.request()) {
        let _ = upgrade.reject(403, &[], b"this origin may not connect\n");
        return;
    }
    let arrival = Arrival::new(upgrade, peer, Arc::clone(rules), Arc::clone(seat));
    // What it let go of on the way out is answered or closed by now.
    let returned = catch_unwind(AssertUnwindSafe(|| handler(arrival)));
    if returned.is_err() {
        seat.gate.with(|door, _| door.panicked());
    }
}

/// Refuses a connection: reads what it asks for, as nobody understands an answer before, and says
/// no.
pub(super) fn refuse(tcp: Arc<TcpStream>, seat: &Seat, rules: &Rules, refusal: Refusal) {
    if let Some(upgrade) = receive(tcp, rules) {
        let wait = retry_after(&seat.gate);
        let text = refusal.text().as_bytes();
        let _ = upgrade.reject(refusal.status(), &[("Retry-After", &wait)], text);
    }
}

/// TLS and the request, both within the one time limit.
fn receive(tcp: Arc<TcpStream>, rules: &Rules) -> Option<Upgrade> {
    let began = Instant::now();
    let _ = tcp.set_nodelay(rules.judging.nodelay);
    let stream = secure(tcp, rules, began)?;
    upgrade_since(stream, &rules.judging, Anchor::at(began)).ok()
}

#[cfg_attr(
    not(feature = "tls"),
    allow(unused_variables, clippy::unnecessary_wraps)
)]
fn secure(tcp: Arc<TcpStream>, rules: &Rules, began: Instant) -> Option<Stream> {
    #[cfg(feature = "tls")]
    if let Some(config) = &rules.options.tls {
        let until = began + rules.judging.handshake.timeout;
        return crate::tls::accept_tls_until(tcp, config.clone(), until).ok();
    }
    Some(Stream::shared(tcp))
}
