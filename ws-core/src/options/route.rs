//! How a host is reached: its addresses, a proxy before it or a socket file, TLS. Plain values; it opens nothing.

use alloc::borrow::Cow;
#[cfg(feature = "pump")]
use alloc::vec::Vec;
use std::path::PathBuf;

use crate::dial::DialConfig;
use crate::proxy::{Proxy, ProxyEnv, ProxyError};
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
    /// The proxy to go through. Default `None`: there is none, unless
    /// [`proxy_env`](Self#structfield.proxy_env) says so.
    pub proxy: Option<Proxy>,
    /// What the environment says about proxies, asked anew for each host that is gone to, redirects
    /// included. [`proxy`](Self#structfield.proxy) goes before it. Default `None`: the environment
    /// does not count.
    pub proxy_env: Option<ProxyEnv>,
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

    /// How to dial, and which proxy to go through, to get to the host of a URL. The addresses that
    /// are known are those of the host, or of the proxy that was set, and not of one that the
    /// environment names.
    #[cfg(feature = "pump")]
    pub(crate) fn way(
        &self,
        url: &Url,
    ) -> Result<(Cow<'_, DialConfig>, Option<Cow<'_, Proxy>>), ProxyError> {
        let proxy = self.proxy_to(url)?;
        let dial = match &proxy {
            Some(Cow::Owned(_)) => Cow::Owned(self.dial.clone().addresses(Vec::new())),
            Some(Cow::Borrowed(_)) | None => Cow::Borrowed(&self.dial),
        };
        Ok((dial, proxy))
    }

    /// The proxy to go through to the host of a URL, if any.
    ///
    /// # Errors
    /// What the environment names can't be one ([`ProxyFault::BadUrl`](crate::proxy::ProxyFault)).
    pub fn proxy_to(&self, url: &Url) -> Result<Option<Cow<'_, Proxy>>, ProxyError> {
        if let Some(proxy) = &self.proxy {
            return Ok(Some(Cow::Borrowed(proxy)));
        }
        let Some(env) = &self.proxy_env else {
            return Ok(None);
        };
        let proxy = env.proxy(url).map_err(ProxyError::of_environment)?;
        Ok(proxy.map(Cow::Owned))
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

    /// Sets [`proxy_env`](Self#structfield.proxy_env).
    ///
    /// ```
    /// use ws_core::options::Route;
    /// use ws_core::proxy::ProxyEnv;
    ///
    /// let route = Route::default().proxy_env(Some(ProxyEnv::read(|name| std::env::var(name).ok())));
    /// assert!(route.proxy.is_none());
    /// ```
    #[must_use]
    pub fn proxy_env(mut self, env: Option<ProxyEnv>) -> Self {
        self.proxy_env = env;
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn env(name: &str, value: &str) -> Option<ProxyEnv> {
        Some(ProxyEnv::read(|asked| {
            (asked == name).then(|| value.into())
        }))
    }

    #[test]
    fn the_environment_counts_only_where_it_is_asked_and_nothing_else_is_said() {
        let url: Url = "ws://server.example/".parse().unwrap();
        let named: Proxy = "http://named.example:1".parse().unwrap();
        let route = Route::default();
        assert_eq!(route.proxy_to(&url).unwrap(), None);
        let route = route.proxy_env(env("all_proxy", "socks5://user:s3cret@all.example:2"));
        let found = route.proxy_to(&url).unwrap().unwrap();
        assert_eq!(found.host().to_string(), "all.example");
        let route = route.proxy(Some(named.clone()));
        assert_eq!(*route.proxy_to(&url).unwrap().unwrap(), named);
    }

    #[cfg(feature = "pump")]
    #[test]
    fn known_addresses_are_not_those_of_a_proxy_that_the_environment_names() {
        let url: Url = "ws://server.example/".parse().unwrap();
        let known = [core::net::IpAddr::from([192, 0, 2, 1])];
        let route = Route::default().dial(DialConfig::default().addresses(known.to_vec()));
        let addresses = |route: &Route| route.way(&url).unwrap().0.addresses.len();
        assert_eq!(addresses(&route), 1);
        let named = route.clone().proxy(Some("http://named:1".parse().unwrap()));
        assert_eq!(addresses(&named), 1);
        let route = route.proxy_env(env("all_proxy", "http://all:2"));
        assert_eq!(addresses(&route), 0);
    }

    #[test]
    fn what_is_no_proxy_is_an_error_that_does_not_show_it() {
        let url: Url = "ws://server.example/".parse().unwrap();
        let route = Route::default().proxy_env(env("all_proxy", "gopher://user:s3cret@h"));
        let error = route.proxy_to(&url).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("proxy of the environment: "), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
