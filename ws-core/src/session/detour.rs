//! Where a server sends a connection that is being made: another dial of the same attempt, to
//! another place (RFC 9110 §15.4). What may be followed is the request's to say; nothing is unless
//! the configuration allows it, and secrets stay where they are.

use alloc::boxed::Box;

use super::event::Event;
use super::order::Phase;
use super::{Dialect, HandshakeLogin, Session};
use crate::Instant;
use crate::handshake::{HandshakeError, Request};

/// How far an attempt has been sent on.
#[derive(Debug, Default)]
pub(super) struct Detour {
    hops: u8,
    to: Option<Box<Request>>,
    /// The target was replaced meanwhile: what this attempt comes to says nothing about the new one.
    outdated: bool,
}

impl Detour {
    /// Where the attempt goes, if not to the target.
    #[cfg(feature = "testing")]
    pub(super) fn place(&self) -> Option<&Request> {
        self.to.as_deref()
    }
}

impl<D: Dialect> Session<D> {
    /// What the attempt of the moment asks for.
    pub(super) fn asked(&self) -> &Request {
        match &self.detour {
            Detour {
                to: Some(to),
                outdated: false,
                ..
            } => to,
            _ => &self.request,
        }
    }

    /// Is this dial one more of the same attempt?
    pub(super) const fn on_detour(&self) -> bool {
        self.detour.to.is_some() && !self.detour.outdated
    }

    /// The attempt is over, well or not: the next begins where the first did.
    pub(super) fn end_detour(&mut self) {
        self.detour = Detour::default();
    }

    /// The target is another from now on: the attempt under way goes where it went, and follows
    /// nothing any more.
    pub(super) fn outdate_detour(&mut self, former: Request) {
        self.detour.outdated = true;
        self.detour.to.get_or_insert_with(|| Box::new(former));
    }

    /// Goes where the refusal says; `false` if it stays a refusal.
    pub(super) fn follow(&mut self, error: &HandshakeError, now: Instant) -> bool {
        let (Phase::Trying { attempt }, HandshakeError::Rejected(rejection)) = (self.phase, error)
        else {
            return false;
        };
        if self.detour.outdated || self.detour.hops >= self.config.redirects {
            return false;
        }
        let Ok(next) = self.asked().redirected(rejection) else {
            return false;
        };
        let secret =
            self.config.login.is_some() || self.config.handshake_login == HandshakeLogin::Fresh;
        if secret && !next.url().is_same_origin(self.request.url()) {
            return false;
        }
        let Some(conn) = self.hang_up() else {
            return false;
        };
        self.events.push_back(Event::Redirected {
            conn,
            to: next.url().clone(),
        });
        self.detour.hops += 1;
        self.detour.to = Some(Box::new(next));
        self.wait(attempt, now, now);
        true
    }
}
