//! What the owner of a connection may choose.
//!
//! It holds no state: nothing here changes while a connection lasts.

use core::num::NonZeroUsize;
use core::time::Duration;

use crate::message::{Delivery, Limits};

/// How a connection behaves. Every field has a default that suits most; the setters chain.
///
/// ```
/// use core::time::Duration;
/// use ws_core::connection::{Config, Keepalive};
///
/// let config = Config::default()
///     .keepalive(Some(Keepalive::default()))
///     .close_timeout(Duration::from_secs(2));
/// assert_eq!(config.send_limit, 1 << 20);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Limits on what the peer sends.
    pub limits: Limits,
    /// How messages are handed out. Default [`Delivery::Messages`].
    pub delivery: Delivery,
    /// Who answers pings. Default [`AutoPong::On`].
    pub auto_pong: AutoPong,
    /// Pings to keep the connection alive and to notice when it is not. Default `None`.
    pub keepalive: Option<Keepalive>,
    /// Closes the connection with 1001 when nothing was received for this long. Default `None`.
    pub idle_timeout: Option<Duration>,
    /// How long the peer may take to answer a Close frame, and to hang up after that. Default 5 s.
    pub close_timeout: Duration,
    /// Bytes that may wait to be written before messages are refused; one message of any size fits
    /// into an empty queue. Default 1 MiB.
    pub send_limit: usize,
    /// Cuts longer messages into fragments of this many bytes, so that pongs and pings can go in
    /// between. Default 1 MiB; `None`: one message, one frame, whatever its length.
    pub fragment_size: Option<NonZeroUsize>,
    /// A server queues shared payloads of at least this many bytes without copying them, and what it
    /// sends back of a message while that is lent to it, if it is at least half of it and the message
    /// was put together apart from the receive buffer, as long ones are. Default
    /// 16 KiB: below that, copying into one write is cheaper than a vectored write.
    pub share_min: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            delivery: Delivery::Messages,
            auto_pong: AutoPong::On,
            keepalive: None,
            idle_timeout: None,
            close_timeout: Duration::from_secs(5),
            send_limit: 1 << 20,
            fragment_size: NonZeroUsize::new(1 << 20),
            share_min: 16 << 10,
        }
    }
}

impl Config {
    /// Sets [`limits`](Self#structfield.limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`delivery`](Self#structfield.delivery).
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets [`auto_pong`](Self#structfield.auto_pong).
    #[must_use]
    pub fn auto_pong(mut self, auto_pong: AutoPong) -> Self {
        self.auto_pong = auto_pong;
        self
    }

    /// Sets [`keepalive`](Self#structfield.keepalive).
    #[must_use]
    pub fn keepalive(mut self, keepalive: Option<Keepalive>) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// Sets [`idle_timeout`](Self#structfield.idle_timeout).
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets [`close_timeout`](Self#structfield.close_timeout).
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Sets [`send_limit`](Self#structfield.send_limit), in bytes.
    #[must_use]
    pub fn send_limit(mut self, bytes: usize) -> Self {
        self.send_limit = bytes;
        self
    }

    /// Sets [`fragment_size`](Self#structfield.fragment_size), in bytes.
    #[must_use]
    pub fn fragment_size(mut self, bytes: Option<NonZeroUsize>) -> Self {
        self.fragment_size = bytes;
        self
    }

    /// Sets [`share_min`](Self#structfield.share_min), in bytes.
    #[must_use]
    pub fn share_min(mut self, bytes: usize) -> Self {
        self.share_min = bytes;
        self
    }
}

/// Who answers pings.
///
/// Exhaustive on purpose: someone does, or no one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AutoPong {
    /// The application sees the ping and may answer with `Sender::pong`, with its own payload, or
    /// not at all.
    Off,
    /// The connection queues a pong with the payload of the ping, then shows the ping.
    #[default]
    On,
}

/// Pings that keep a connection alive, and end it when nothing comes back (RFC 6455 §5.5.2).
///
/// A ping goes out when nothing was received for `interval`. If nothing at all arrives within
/// `timeout` after it, the connection closes with 1011: any bytes are a sign of life, not the pong
/// alone. A peer that falls silent is noticed `interval + timeout` after its last byte; later only
/// while the ping itself waits behind a queue that the peer still takes bytes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Keepalive {
    /// How long the peer may be silent before it is pinged. Default 15 s.
    pub interval: Duration,
    /// How long it may stay silent after that. Default 10 s.
    pub timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
        }
    }
}

impl Keepalive {
    /// Sets [`interval`](Self#structfield.interval).
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets [`timeout`](Self#structfield.timeout).
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}
