//! What the owner of a [`Registry`](super::Registry), and of each subscription, may choose.
//!
//! Nothing is subscribed to here.

use core::time::Duration;

use super::cursor::Continuity;

/// How a registry behaves.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RegistryConfig {
    /// Subscriptions that may be wanted at a time. Default 4096.
    pub max_topics: usize,
    /// Subscriptions that are over and can still be asked about. Default 256.
    pub max_ended: usize,
    /// Topics in one command. Default 100.
    pub batch: usize,
    /// From one command to the next. Default zero: as fast as the owner sends.
    pub spacing: Duration,
    /// What happens to subscriptions when their connection is lost. Default [`Restore::Always`].
    pub restore: Restore,
}

/// How one subscription behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SubOptions {
    /// What confirms it. Default [`Confirm::Either`].
    pub confirm: Confirm,
    /// How long the server may take to confirm it. Default 30 s.
    pub ack_timeout: Duration,
    /// Tries again what failed or expired before it was ever confirmed. Default `None`.
    pub retry: Option<Retry>,
    /// Its part in what [`RegistryConfig::restore`] says for all. Default [`Restore::Always`].
    pub restore: Restore,
    /// When it may be sent. Default [`Access::Private`].
    pub access: Access,
    /// How its messages follow one another. Default [`Continuity::None`].
    pub continuity: Continuity,
    /// What a gap between two messages does. Default [`Remedy::Report`].
    pub on_gap: Remedy,
    /// Without a message for this long it counts as stale. Default `None`: it may be quiet.
    pub stale_after: Option<Duration>,
    /// What going stale does. Default [`Remedy::Report`].
    pub on_stale: Remedy,
}

/// What confirms a subscription.
///
/// Exhaustive on purpose: the one, the other, or both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Confirm {
    /// The server's acknowledgement.
    Ack,
    /// Whichever comes first.
    #[default]
    Either,
    /// Its first message.
    FirstData,
}

/// Whether a subscription outlives its connection.
///
/// Exhaustive on purpose: it does, or does not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Restore {
    /// It is made again on the next connection.
    #[default]
    Always,
    /// It ends with its connection.
    Never,
}

/// When a subscription may be sent.
///
/// Exhaustive on purpose: before a login, or not before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Access {
    /// After the login, where there is one.
    #[default]
    Private,
    /// Together with the login.
    Public,
}

/// What is done about a subscription in trouble.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Remedy {
    /// Its owner is told.
    #[default]
    Report,
    /// And it is left and joined again.
    Resubscribe,
}

/// Trying again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retry {
    /// How long after a failure.
    pub after: Duration,
    /// How often.
    pub times: u32,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            max_topics: 4096,
            max_ended: 256,
            batch: 100,
            spacing: Duration::ZERO,
            restore: Restore::Always,
        }
    }
}

impl RegistryConfig {
    /// Sets [`max_topics`](Self#structfield.max_topics).
    #[must_use]
    pub const fn max_topics(mut self, topics: usize) -> Self {
        self.max_topics = topics;
        self
    }

    /// Sets [`max_ended`](Self#structfield.max_ended).
    #[must_use]
    pub const fn max_ended(mut self, topics: usize) -> Self {
        self.max_ended = topics;
        self
    }

    /// Sets [`batch`](Self#structfield.batch) and [`spacing`](Self#structfield.spacing).
    #[must_use]
    pub const fn batches(mut self, topics: usize, spacing: Duration) -> Self {
        self.batch = topics;
        self.spacing = spacing;
        self
    }

    /// Sets [`restore`](Self#structfield.restore).
    #[must_use]
    pub const fn restore(mut self, restore: Restore) -> Self {
        self.restore = restore;
        self
    }
}

impl Default for SubOptions {
    fn default() -> Self {
        Self {
            confirm: Confirm::Either,
            ack_timeout: Duration::from_secs(30),
            retry: None,
            restore: Restore::Always,
            access: Access::Private,
            continuity: Continuity::None,
            on_gap: Remedy::Report,
            stale_after: None,
            on_stale: Remedy::Report,
        }
    }
}

impl SubOptions {
    /// Sets [`confirm`](Self#structfield.confirm).
    #[must_use]
    pub const fn confirm(mut self, confirm: Confirm) -> Self {
        self.confirm = confirm;
        self
    }

    /// Sets [`ack_timeout`](Self#structfield.ack_timeout).
    #[must_use]
    pub const fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = timeout;
        self
    }

    /// Sets [`retry`](Self#structfield.retry).
    #[must_use]
    pub const fn retry(mut self, retry: Option<Retry>) -> Self {
        self.retry = retry;
        self
    }

    /// Sets [`restore`](Self#structfield.restore).
    #[must_use]
    pub const fn restore(mut self, restore: Restore) -> Self {
        self.restore = restore;
        self
    }

    /// Sets [`access`](Self#structfield.access).
    #[must_use]
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets [`continuity`](Self#structfield.continuity) and [`on_gap`](Self#structfield.on_gap).
    #[must_use]
    pub const fn continuity(mut self, continuity: Continuity, on_gap: Remedy) -> Self {
        self.continuity = continuity;
        self.on_gap = on_gap;
        self
    }

    /// Sets [`stale_after`](Self#structfield.stale_after) and [`on_stale`](Self#structfield.on_stale).
    #[must_use]
    pub const fn stale_after(mut self, after: Option<Duration>, remedy: Remedy) -> Self {
        self.stale_after = after;
        self.on_stale = remedy;
        self
    }
}
