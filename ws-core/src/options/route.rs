//! How a host is reached: its addresses, a proxy before it or a socket file, TLS. Plain values; it opens nothing.

use std::path::PathBuf;

use crate::dial::DialConfig;
use crate::proxy::Proxy;
#[cfg(feature = "tls")]
use crate::tls::TlsOptions;
use crate::url::{Host, Url};

/// How a client reaches the host of a URL.
///
/// ```
/// use ws_core::dial::{DialConfig, Family};
/// use ws_core::options::{ConnectOptions, Route};
///
/// let route = Route::default()
///     .dial(DialConfig::default().family(Family::V4Only))
///     .proxy(Some("socks5://127.0.0.1:1080".parse()?));
/// let options = ConnectOptions::default().route(route);
/// # Ok::<(), ws_core::url::UrlError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Route {
    /// How addresses are found and tried, and what a socket is made like.
    pub dial: DialConfig,
    /// The proxy to go through. Default `None`: there is none, whatever the environment says;
    /// [`ProxyEnv`](crate::proxy::ProxyEnv) reads that for those who want it.
    pub proxy: Option<Proxy>,
    /// The Unix socket to connect to, whatever host the URL names: that is then only what the server
    /// is told, as in `ws://localhost/chat`. Default `None`: the host is dialed. With one, neither
    /// addresses nor a proxy count, and of [`dial`](Self#structfield.dial) only `connect_timeout`.
    pub unix: Option<PathBuf>,
    /// What a server must prove to be the one that is meant, and what is shown to it.
    #[cfg(feature = "tls")]
    pub tls: TlsOptions,
}

impl Route {
    /// The same way to a host that may be another than that of `first`, whose addresses are known.
    pub(crate) fn towards(mut self, host: &Host, first: &Url) -> Self {
        if self.proxy.is_none() && host != first.host() {
            self.dial.addresses.clear();
        }
        self
    }

    /// Sets [`dial`](Self#structfield.dial).
    #[must_use]
    pub fn dial(mut self, dial: DialConfig) -> Self {
        self.dial = dial;
        self
    }

    /// Sets [`proxy`](Self#structfield.proxy).
    #[must_use]
    pub fn proxy(mut self, proxy: Option<Proxy>) -> Self {
        self.proxy = proxy;
        self
    }

    /// Sets [`unix`](Self#structfield.unix).
    #[must_use]
    pub fn unix(mut self, path: Option<PathBuf>) -> Self {
        self.unix = path;
        self
    }

    /// Sets [`tls`](Self#structfield.tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.tls = tls;
        self
    }
}
