//! What a new connection goes through before it is ready: its first words, the login, what follows
//! the login, and the subscriptions of the connection before.
//!
//! ```text
//!   101 ──▶ Hello ──▶ Login ──▶ Arm ──▶ Restore ──▶ Ready
//!             │         │ (where there is a login)
//!             └── waits for the server where the dialect says so
//! ```
//!
//! Each connection goes through all of it, so that nothing is forgotten after a reconnect.

use core::fmt;

use super::Session;
use super::dialect::Dialect;
use super::errands::What;
use super::lost::{Lost, SetupError};
use super::out::Out;
use super::payload::Payload;
use super::subscriptions::Access;
use crate::Instant;
use crate::connection::OwnedEvent;
use crate::handshake::Agreed;
use crate::policy::Lane;

/// How far the set-up of a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// What every connection begins with.
    Hello,
    /// The login.
    Login,
    /// What follows the login.
    Arm,
    /// Subscriptions are made again.
    Restore,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "beginning",
            Self::Login => "logging in",
            Self::Arm => "setting options",
            Self::Restore => "restoring subscriptions",
        })
    }
}

/// A connection that is being set up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) stage: Stage,
    pub(super) by: Option<Instant>,
    early_bytes: usize,
}

/// Bytes of messages that may come before a connection is set up.
const MAX_EARLY_BYTES: usize = 1 << 20;

impl<D: Dialect> Session<D> {
    pub(super) fn stage(&self) -> Option<Stage> {
        self.setup.map(|setup| setup.stage)
    }

    /// A connection has opened: it says its first words, which leave before all else.
    pub(super) fn begin_set_up(&mut self, agreed: &Agreed, now: Instant) {
        self.setup = Some(Setup {
            stage: Stage::Hello,
            by: Some(now + self.config.setup_timeout),
            early_bytes: 0,
        });
        self.outbox.limits.on_new_epoch(now);
        self.vitals.open(now);
        self.speak(|dialect, out| dialect.on_connect(agreed, out), now);
    }

    /// Has the dialect say what belongs to the stage, and goes on unless it waits.
    fn speak(&mut self, what: impl FnOnce(&mut D, &mut Out<'_>), now: Instant) {
        let (conn, stage) = (self.link.conn(), self.stage());
        let number = self.errands.number();
        let said = self.say(Lane::Auth, "setup", number, what, now);
        if said.failed.is_some() {
            return self.lost_link(Lost::Setup(SetupError::NotSent), now);
        }
        self.errands
            .begin(number, What::Setup, said.ids, said.posted);
        if let (true, Some(setup)) = (said.posted, &mut self.setup) {
            // The server's time begins when it has left.
            setup.by = None;
        }
        self.hear(said.news, &[], now);
        self.pump(now);
        // The news may have ended the stage, or the connection.
        if !said.waits && self.link.conn() == conn && self.stage() == stage {
            self.proceed(now);
        }
    }

    /// Something that the set-up waits for has left.
    pub(super) fn set_up_left(&mut self, now: Instant) {
        if let Some(setup) = &mut self.setup {
            if matches!(setup.stage, Stage::Hello | Stage::Arm) {
                setup.by = Some(now + self.config.setup_timeout);
            }
        }
    }

    /// The stage is done.
    pub(super) fn proceed(&mut self, now: Instant) {
        let Some(setup) = &mut self.setup else {
            return;
        };
        match setup.stage {
            Stage::Hello if self.auth.is_some() => {
                setup.stage = Stage::Login;
                // The login has deadlines of its own.
                setup.by = None;
                self.topics.open(Access::Public, now);
                self.begin_login(now);
                self.pump(now);
            }
            Stage::Hello | Stage::Login => {
                setup.stage = Stage::Arm;
                setup.by = Some(now + self.config.setup_timeout);
                self.speak(D::after_login, now);
            }
            Stage::Arm => {
                setup.stage = Stage::Restore;
                setup.by = None;
                self.topics.open(Access::Private, now);
                self.pump(now);
            }
            Stage::Restore => {}
        }
    }

    /// Ready, if all that is to be restored has been asked for.
    pub(super) fn restored(&mut self, now: Instant) {
        let queue = &self.outbox.queue;
        let waits = self.topics.next_command().is_some()
            || queue.waiting(Lane::Subscribe) > 0
            || queue.waiting(Lane::Auth) > 0;
        if self.stage() == Some(Stage::Restore) && !waits {
            self.setup = None;
            self.set_up(now);
            // What was kept for a connection that is ready leaves before anything new.
            self.pump(now);
        }
    }

    /// A message came before the connection is set up: it is kept for later.
    pub(super) fn keep_early(&mut self, message: OwnedEvent, now: Instant) {
        let Some(setup) = &mut self.setup else {
            return;
        };
        let message = match message {
            OwnedEvent::Binary(data) => Payload::Binary(data),
            OwnedEvent::Text(text) => Payload::Text(text),
            OwnedEvent::Chunk(_)
            | OwnedEvent::Closed(_)
            | OwnedEvent::Ping(_)
            | OwnedEvent::Pong(_)
            | OwnedEvent::ProtocolError(_) => return,
        };
        setup.early_bytes += match &message {
            Payload::Binary(data) => data.len(),
            Payload::Text(text) => text.len(),
        };
        let too_much = setup.early_bytes > MAX_EARLY_BYTES;
        self.early.push_back(message);
        if too_much || self.early.len() > self.config.max_early {
            self.lost_link(Lost::Setup(SetupError::TooMany), now);
        }
    }

    /// Gives a connection up whose set-up has taken too long.
    pub(super) fn expire_set_up(&mut self, now: Instant) {
        let by = self.setup.and_then(|setup| setup.by);
        if by.is_some_and(|by| by <= now) {
            self.lost_link(Lost::Setup(SetupError::TimedOut), now);
        }
    }

    /// The connection is gone, and all that was asked on it.
    pub(super) fn forget_set_up(&mut self) {
        self.setup = None;
        self.sorted = None;
        self.errands.clear();
        self.early.clear();
    }
}
