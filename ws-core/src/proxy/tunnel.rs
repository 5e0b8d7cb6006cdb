//! The machine that asks a proxy for a way. Never touches the bytes that go through it afterwards.

use alloc::boxed::Box;
use core::fmt;

use super::http::{self, Answer};
use super::socks::Socks;
use super::{Kind, Proxy, ProxyError, ProxyFault, name};
use crate::buf::{RecvBuf, SendBuf};
use crate::handshake::{HandshakeError, Limits};
use crate::url::Host;
use crate::{Deadline, Instant, Machine, Transport, TransportEnd};

/// Asks a proxy for a way to a host. Drive it like every [`Machine`], over a transport that is
/// connected to the proxy; once [`poll`](Self::poll) says `true`, the transport leads to the host.
pub struct Tunnel {
    recv: RecvBuf,
    send: SendBuf,
    proxy: Box<str>,
    state: State,
    deadline: Instant,
}

enum State {
    Failed(ProxyFault),
    Http(Answer),
    Open,
    Socks(Socks),
}

impl Tunnel {
    /// Queues the first words to the proxy. The limits are for its answer; their `timeout` starts to
    /// run `now`.
    #[must_use]
    pub fn new(proxy: &Proxy, host: &Host, port: u16, limits: &Limits, now: Instant) -> Self {
        let mut send = SendBuf::new(usize::MAX);
        let state = match proxy.kind {
            Kind::Http => {
                send.push(http::request(proxy, host, port).as_bytes(), 0, |_| {});
                State::Http(Answer::new(limits, proxy.login.is_some()))
            }
            Kind::Socks5 => match Socks::new(proxy, host, port, &mut send) {
                Ok(socks) => State::Socks(socks),
                Err(fault) => State::Failed(fault),
            },
        };
        Self {
            recv: RecvBuf::new(),
            send,
            proxy: name(proxy),
            state,
            deadline: now + limits.timeout,
        }
    }

    /// Is the way open?
    ///
    /// # Errors
    /// Why it never will be. The transport can be closed then.
    pub fn poll(&mut self, _now: Instant) -> Result<bool, ProxyError> {
        self.advance();
        match &self.state {
            State::Failed(fault) => Err(ProxyError {
                proxy: self.proxy.clone(),
                fault: fault.clone(),
            }),
            State::Open => Ok(true),
            State::Http(_) | State::Socks(_) => Ok(false),
        }
    }

    fn advance(&mut self) {
        let opened = match &mut self.state {
            State::Failed(_) | State::Open => return,
            State::Http(answer) => answer.advance(&mut self.recv),
            State::Socks(socks) => socks.advance(&mut self.recv, &mut self.send),
        };
        match opened {
            Ok(false) => {}
            // The host speaks when it is spoken to, with TLS as without it. Nobody would read this.
            Ok(true) if !self.recv.filled().is_empty() => {
                self.fail(HandshakeError::EarlyData { limit: 0 }.into());
            }
            Ok(true) => self.state = State::Open,
            Err(fault) => self.fail(fault),
        }
    }

    fn end(&mut self, orderly: bool, error: HandshakeError) {
        self.advance();
        let fault = match &mut self.state {
            State::Failed(_) | State::Open => return,
            State::Http(answer) => answer.end(orderly),
            State::Socks(_) => None,
        };
        self.fail(fault.unwrap_or(ProxyFault::Handshake(error)));
    }

    fn fail(&mut self, fault: ProxyFault) {
        self.recv.clear();
        self.send.abandon();
        self.state = State::Failed(fault);
    }
}

impl Machine for Tunnel {
    fn ready(&mut self, _now: Instant) -> bool {
        self.advance();
        matches!(self.state, State::Failed(_) | State::Open)
    }

    fn io(&mut self) -> (&mut RecvBuf, &mut SendBuf) {
        (&mut self.recv, &mut self.send)
    }

    fn lost(&mut self, end: TransportEnd) {
        let received = self.recv.received();
        let orderly = end == TransportEnd::Eof;
        self.end(orderly, HandshakeError::Ended { end, received });
    }

    fn unwritable(&mut self, _now: Instant) {
        // It may be saying why: that is read until the end, or the deadline.
        self.send.abandon();
    }

    fn transport(&self) -> Transport {
        match self.state {
            State::Failed(_) => Transport::Close,
            State::Http(_) | State::Open | State::Socks(_) => Transport::Open,
        }
    }

    fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        match self.state {
            State::Failed(_) | State::Open => None,
            State::Http(_) | State::Socks(_) => Some((self.deadline, Deadline::Dial)),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now >= self.deadline {
            self.end(false, HandshakeError::Timeout);
        }
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Failed(_) => "Failed",
            State::Http(_) => "Http",
            State::Open => "Open",
            State::Socks(_) => "Socks",
        };
        f.debug_struct("Tunnel")
            .field("proxy", &self.proxy)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
