//! What a peer may make an opening handshake hold, and for how long.
//!
//! Nothing is enforced here.

use core::time::Duration;

/// Limits of an opening handshake, for both roles.
///
/// ```
/// use core::time::Duration;
/// use ws_core::handshake::Limits;
///
/// let limits = Limits::default().max_head(64 << 10).timeout(Duration::from_secs(5));
/// assert_eq!(limits.max_headers, 100);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes in the peer's request or answer up to and including the empty line. Default 16 KiB
    /// (a server answers 431). More than 4 GiB count as 4 GiB.
    pub max_head: usize,
    /// Header lines in it. Default 100 (a server answers 431).
    pub max_headers: usize,
    /// Bytes in the body of a refusal: what a client keeps of the one it gets, and what a server may
    /// send. Default 16 KiB.
    pub max_body: usize,
    /// Time for the whole handshake, counted from when its machine was made, the body of a refusal
    /// included; never per read. Default 10 s (a server answers 408).
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_head: 16 << 10,
            max_headers: 100,
            max_body: 16 << 10,
            timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Sets [`max_head`](Self#structfield.max_head), in bytes.
    #[must_use]
    pub const fn max_head(mut self, bytes: usize) -> Self {
        self.max_head = bytes;
        self
    }

    /// Sets [`max_headers`](Self#structfield.max_headers).
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.max_headers = count;
        self
    }

    /// Sets [`max_body`](Self#structfield.max_body), in bytes.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets [`timeout`](Self#structfield.timeout).
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}
