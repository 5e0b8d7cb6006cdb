//! How to dial. Plain values: it never checks whether the operating system can do what they ask.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

/// How a host is looked up and connected to.
///
/// ```
/// use core::time::Duration;
/// use ws_core::dial::{DialConfig, Family};
///
/// let config = DialConfig::default().family(Family::V4Only).connect_timeout(Duration::from_secs(2));
/// assert_eq!(config.stagger, Duration::from_millis(250));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DialConfig {
    /// How long looking up the name may take. Default 5 s.
    pub resolve_timeout: Duration,
    /// How long connecting may take, all addresses together. Default 5 s.
    pub connect_timeout: Duration,
    /// How long a proxy may take to open the way, once it is connected to. Default 5 s.
    pub proxy_timeout: Duration,
    /// How long an address has to itself before the next one is tried beside it. Default 250 ms
    /// (RFC 8305 §5). What has failed is followed at once.
    pub stagger: Duration,
    /// How many of the addresses of a name are tried. Default 16; at least 1.
    pub max_addresses: usize,
    /// The addresses of the host, the best first, for those who know them or have a resolver of their
    /// own. Default empty: its name is looked up. TLS checks the name as ever. Behind a proxy they are
    /// the proxy's; behind one that the environment names they do not count.
    pub addresses: Vec<IpAddr>,
    /// Which families of addresses, and which of them first. Default [`Family::Any`].
    pub family: Family,
    /// The local address to connect from; addresses of the other family are left out. Default
    /// `None`: the operating system chooses.
    pub bind: Option<IpAddr>,
    /// Send segments at once instead of waiting to fill them (`TCP_NODELAY`). Default `true`.
    pub nodelay: bool,
    /// Probes of the operating system on a silent connection (`SO_KEEPALIVE`). Default `None`: the
    /// connection's own pings find out sooner, and through proxies.
    pub keepalive: Option<KeepAlive>,
    /// The size of the socket's receive buffer in bytes (`SO_RCVBUF`). Default `None`: that of the
    /// operating system, which adapts it.
    pub recv_buffer: Option<usize>,
    /// The size of the socket's send buffer in bytes (`SO_SNDBUF`). Default `None`, as above.
    pub send_buffer: Option<usize>,
}

/// When the operating system probes a silent connection, and how often.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct KeepAlive {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Time between probes.
    pub interval: Duration,
}

/// Which addresses of a name are tried.
///
/// Exhaustive on purpose: there are two families.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Family {
    /// Both, by turns, beginning with the one that the lookup puts first (RFC 6724, RFC 8305 §4).
    #[default]
    Any,
    /// Both, by turns, IPv4 first.
    PreferV4,
    /// Both, by turns, IPv6 first.
    PreferV6,
    /// IPv4 only.
    V4Only,
    /// IPv6 only.
    V6Only,
}

impl Default for DialConfig {
    fn default() -> Self {
        Self {
            resolve_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            proxy_timeout: Duration::from_secs(5),
            stagger: Duration::from_millis(250),
            max_addresses: 16,
            addresses: Vec::new(),
            family: Family::Any,
            bind: None,
            nodelay: true,
            keepalive: None,
            recv_buffer: None,
            send_buffer: None,
        }
    }
}

impl DialConfig {
    /// Sets [`resolve_timeout`](Self#structfield.resolve_timeout).
    #[must_use]
    pub const fn resolve_timeout(mut self, timeout: Duration) -> Self {
        self.resolve_timeout = timeout;
        self
    }

    /// Sets [`connect_timeout`](Self#structfield.connect_timeout).
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`proxy_timeout`](Self#structfield.proxy_timeout).
    #[must_use]
    pub const fn proxy_timeout(mut self, timeout: Duration) -> Self {
        self.proxy_timeout = timeout;
        self
    }

    /// Sets [`stagger`](Self#structfield.stagger).
    #[must_use]
    pub const fn stagger(mut self, stagger: Duration) -> Self {
        self.stagger = stagger;
        self
    }

    /// Sets [`max_addresses`](Self#structfield.max_addresses).
    #[must_use]
    pub const fn max_addresses(mut self, count: usize) -> Self {
        self.max_addresses = count;
        self
    }

    /// Sets [`addresses`](Self#structfield.addresses).
    #[must_use]
    pub fn addresses(mut self, addresses: Vec<IpAddr>) -> Self {
        self.addresses = addresses;
        self
    }

    /// Sets [`family`](Self#structfield.family).
    #[must_use]
    pub const fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Sets [`bind`](Self#structfield.bind).
    #[must_use]
    pub const fn bind(mut self, address: Option<IpAddr>) -> Self {
        self.bind = address;
        self
    }

    /// Sets [`nodelay`](Self#structfield.nodelay).
    #[must_use]
    pub const fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Sets [`keepalive`](Self#structfield.keepalive).
    #[must_use]
    pub const fn keepalive(mut self, keepalive: Option<KeepAlive>) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// Sets [`recv_buffer`](Self#structfield.recv_buffer).
    #[must_use]
    pub const fn recv_buffer(mut self, bytes: Option<usize>) -> Self {
        self.recv_buffer = bytes;
        self
    }

    /// Sets [`send_buffer`](Self#structfield.send_buffer).
    #[must_use]
    pub const fn send_buffer(mut self, bytes: Option<usize>) -> Self {
        self.send_buffer = bytes;
        self
    }
}
