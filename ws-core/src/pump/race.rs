//! The dialer of [`dial`](crate::dial), driven: names are looked up and attempts run as it says. It
//! decides nothing about either.

use alloc::vec::Vec;
use core::future::poll_fn;
use core::net::IpAddr;
use core::task::{Context, Poll};
use std::io;

use super::reach::{Net, Opening};
use crate::dial::{Attempt, DialConfig, DialFailure, Dialer, Step};
use crate::url::Host;

/// A socket that is connected to the host.
pub(super) async fn dial<R>(
    runtime: &R,
    host: &Host,
    port: u16,
    config: &DialConfig,
) -> Result<R::Socket, DialFailure<io::Error>>
where
    R: Net,
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
    running: Vec<(Attempt, Opening<R::Socket>)>,
    /// The winner, and whoever connected in the same moment.
    connected: Vec<(Attempt, R::Socket)>,
}

impl<R: Net> Race<'_, R> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<R::Socket, DialFailure<io::Error>>> {
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
