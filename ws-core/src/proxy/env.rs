//! The environment variables that name proxies, as curl and most others read them. Handed over as
//! values: reading them is for whoever owns the process, and only if it was asked to.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::net::IpAddr;

use super::Proxy;
use crate::url::{Host, Url, UrlError};

/// What the environment says about proxies.
///
/// ```
/// use ws_core::proxy::ProxyEnv;
///
/// let env = ProxyEnv::read(|name| match name {
///     "https_proxy" => Some("http://proxy.example:3128".into()),
///     "no_proxy" => Some("localhost, .internal, 10.0.0.0/8".into()),
///     _ => None,
/// });
/// assert!(env.proxy(&"wss://exchange.example".parse()?)?.is_some());
/// assert!(env.proxy(&"wss://db.internal".parse()?)?.is_none());
/// assert!(env.proxy(&"wss://10.1.2.3".parse()?)?.is_none());
/// # Ok::<(), ws_core::url::UrlError>(())
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ProxyEnv {
    /// For `ws`.
    http: Option<String>,
    /// For `wss`.
    https: Option<String>,
    /// For whatever has none of its own.
    all: Option<String>,
    /// What is reached without one.
    none: Option<String>,
}

impl ProxyEnv {
    /// Looks the variables up with `get`: `https_proxy` for `wss`, `http_proxy` for `ws`, `all_proxy`
    /// for both, and `no_proxy`; in upper case too, where lower case is not set, save for
    /// `HTTP_PROXY`, which whoever sends a request to a CGI script can set (CVE-2016-5385). An empty
    /// variable is one that is not set.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let either = |name: &str| set(name).or_else(|| set(&name.to_ascii_uppercase()));
        Self {
            http: set("http_proxy"),
            https: either("https_proxy"),
            all: either("all_proxy"),
            none: either("no_proxy"),
        }
    }

    /// The proxy for a URL, if one is set and the URL is not excepted from it.
    ///
    /// # Errors
    /// The variable holds no proxy that can be used. A value without a scheme is an HTTP proxy.
    pub fn proxy(&self, url: &Url) -> Result<Option<Proxy>, UrlError> {
        let own = if url.is_secure() {
            &self.https
        } else {
            &self.http
        };
        let Some(value) = own.as_ref().or(self.all.as_ref()) else {
            return Ok(None);
        };
        let except = self.none.as_deref().unwrap_or_default();
        if except
            .split([',', ' '])
            .any(|rule| covers(rule.trim(), url))
        {
            return Ok(None);
        }
        let value = value.trim();
        let value = match value.contains("://") {
            true => value.to_owned(),
            false => ["http://", value].concat(),
        };
        Proxy::parse(&value).map(Some)
    }
}

// The variables may hold passwords.
impl core::fmt::Debug for ProxyEnv {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let shown = |value: &Option<String>| value.as_ref().map(|_| "[set]");
        f.debug_struct("ProxyEnv")
            .field("http", &shown(&self.http))
            .field("https", &shown(&self.https))
            .field("all", &shown(&self.all))
            .field("none", &self.none)
            .finish()
    }
}

/// Does a rule of `no_proxy` cover the URL? `*`; a name, which covers what is below it; an address,
/// or a range of them (`10.0.0.0/8`); each with a port behind it or not.
fn covers(rule: &str, url: &Url) -> bool {
    if rule.is_empty() {
        return false;
    }
    if rule == "*" {
        return true;
    }
    let address = match url.host() {
        Host::Domain(name) => return covers_name(rule, name, url.port()),
        Host::V4(address) => IpAddr::V4(*address),
        Host::V6(address) => IpAddr::V6(*address),
    };
    if let Some((net, bits)) = rule.split_once('/') {
        return match (parse_address(net), bits.parse()) {
            (Some(net), Ok(bits)) => is_inside(address, net, bits),
            _ => false,
        };
    }
    let (rule, port) = split_port(rule);
    port.is_none_or(|port| port == url.port()) && parse_address(rule) == Some(address)
}

fn covers_name(rule: &str, name: &str, port: u16) -> bool {
    let (rule, only) = split_port(rule);
    let rule = rule.strip_prefix("*.").unwrap_or(rule);
    let rule = rule.trim_matches('.');
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some(start) = name.len().checked_sub(rule.len()) else {
        return false;
    };
    // Host names are ASCII; a rule that is not can't be one of them.
    let ends = name
        .get(start..)
        .is_some_and(|end| end.eq_ignore_ascii_case(rule));
    let whole = start == 0 || name.as_bytes()[start - 1] == b'.';
    !rule.is_empty() && ends && whole && only.is_none_or(|only| only == port)
}

/// `host:port`; an IPv6 address has a port only behind brackets.
fn split_port(rule: &str) -> (&str, Option<u16>) {
    let host_of = |at: usize| (&rule[..at], rule[at + 1..].parse().ok());
    match rule.rfind(':') {
        Some(at) if rule.find(':') == Some(at) || rule[..at].ends_with(']') => host_of(at),
        _ => (rule, None),
    }
}

fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}

fn is_inside(address: IpAddr, net: IpAddr, bits: u32) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        bits <= width && (a ^ b).checked_shr(width - bits).unwrap_or(0) == 0
    };
    match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn env(values: &[(&str, &str)]) -> ProxyEnv {
        ProxyEnv::read(|name| {
            let found = values.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_string())
        })
    }

    fn chosen(values: &[(&str, &str)], url: &str) -> Option<String> {
        let proxy = env(values).proxy(&url.parse().unwrap()).unwrap();
        proxy.map(|proxy| proxy.to_string())
    }

    #[test]
    fn each_scheme_has_its_variable_and_lower_case_goes_first() {
        let both = [
            ("HTTPS_PROXY", "http://upper"),
            ("https_proxy", "http://lower"),
        ];
        assert_eq!(chosen(&both, "wss://h").as_deref(), Some("http://lower:80"));
        assert_eq!(chosen(&both, "ws://h"), None);
        let upper = [("HTTPS_PROXY", "upper:3128"), ("https_proxy", " ")];
        assert_eq!(
            chosen(&upper, "wss://h").as_deref(),
            Some("http://upper:3128")
        );
        let all = [("ALL_PROXY", "socks5h://s"), ("http_proxy", "http://p:8")];
        assert_eq!(chosen(&all, "wss://h").as_deref(), Some("socks5://s:1080"));
        assert_eq!(chosen(&all, "ws://h").as_deref(), Some("http://p:8"));
    }

    #[test]
    fn http_proxy_in_upper_case_is_not_trusted() {
        assert_eq!(chosen(&[("HTTP_PROXY", "http://evil")], "ws://h"), None);
    }

    #[test]
    fn what_is_set_wrongly_is_an_error_and_not_a_direct_connection() {
        let url = "wss://h".parse().unwrap();
        let broken = env(&[("https_proxy", "ftp://p")]);
        assert_eq!(broken.proxy(&url), Err(UrlError::UnknownScheme));
    }

    #[test]
    fn no_proxy_names_hosts_domains_addresses_and_ranges() {
        for (rule, url, covered) in [
            ("*", "wss://h", true),
            ("", "wss://h", false),
            ("h", "wss://h", true),
            ("H", "wss://h.", true),
            ("h", "wss://xh", false),
            ("h", "wss://a.h", true),
            (".h", "wss://a.h", true),
            ("*.h", "wss://a.h", true),
            ("a.h", "wss://h", false),
            (".", "wss://h", false),
            ("x, h", "wss://h", true),
            ("x h", "wss://h", true),
            ("h:443", "wss://h", true),
            ("h:444", "wss://h", false),
            ("ü", "wss://h", false),
            ("10.0.0.1", "wss://10.0.0.1", true),
            ("10.0.0.1:443", "wss://10.0.0.1", true),
            ("10.0.0.1:80", "wss://10.0.0.1", false),
            ("10.0.0.0/8", "wss://10.255.0.1", true),
            ("10.0.0.0/8", "wss://11.0.0.1", false),
            ("0.0.0.0/0", "wss://11.0.0.1", true),
            ("10.0.0.0/33", "wss://10.0.0.0", false),
            ("10.0.0.0/x", "wss://10.0.0.0", false),
            ("::/0", "wss://10.0.0.0", false),
            ("::1", "wss://[::1]", true),
            ("[::1]:443", "wss://[::1]", true),
            ("[::1]:80", "wss://[::1]", false),
            ("2001:db8::/32", "wss://[2001:db8:7::1]", true),
            ("2001:db8::/32", "wss://[2001:db9::1]", false),
        ] {
            let values = [("all_proxy", "http://p"), ("no_proxy", rule)];
            assert_eq!(chosen(&values, url).is_none(), covered, "{rule:?} {url}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let env = env(&[("all_proxy", "http://ann:s3cret@p")]);
        assert!(!alloc::format!("{env:?}").contains("s3cret"));
    }
}
