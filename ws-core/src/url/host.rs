//! The host of a URL: a name or an address, told apart without asking anyone.

use alloc::boxed::Box;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::url::UrlError;

/// The longest name that DNS can carry, without the dot at its end (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;

/// The longest label of a name (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// Where a URL points. Addresses need no DNS lookup.
///
/// Exhaustive on purpose: there is no fourth kind.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Host {
    /// A name, in lower case.
    Domain(Box<str>),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

impl Host {
    /// Reads a host as it stands in a URL, IPv6 in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(address) = text.strip_prefix('[') {
            let address = address.strip_suffix(']').ok_or(UrlError::BadIpv6)?;
            return address.parse().map(Self::V6).map_err(|_| UrlError::BadIpv6);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(UrlError::EmptyHost);
        }
        if name.len() > MAX_NAME || !name.split('.').all(is_label) {
            return Err(UrlError::BadHost);
        }
        // What a resolver might take for a number must be an address that reads one way only:
        // `127.1` and `0x7f.1` are loopback to some and names to others.
        let last = name.rsplit('.').next().unwrap_or_default();
        if is_number(last) {
            return text.parse().map(Self::V4).map_err(|_| UrlError::BadIpv4);
        }
        Ok(Self::Domain(text.to_ascii_lowercase().into()))
    }
}

/// Underscores are no part of a host name, and yet common inside private networks.
fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(allowed)
}

fn is_number(label: &str) -> bool {
    match label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"))
    {
        Some(hex) => hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn shown(text: &str) -> Result<alloc::string::String, UrlError> {
        Host::parse(text).map(|host| host.to_string())
    }

    #[test]
    fn names_and_addresses_are_told_apart() {
        for (text, expected) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com."),
            ("my_service", "my_service"),
            ("1.2.3.example", "1.2.3.example"),
            ("0xff.example", "0xff.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
            ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected));
        }
        assert_eq!(Host::parse("127.0.0.1"), Ok(Host::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(Host::parse("[::1]"), Ok(Host::V6(Ipv6Addr::LOCALHOST)));
    }

    #[test]
    fn what_only_looks_like_an_address_is_refused() {
        for text in [
            "1.2.3",
            "127.1",
            "1.2.3.4.",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4.5",
            "7",
            "0x7f.1",
            "0x7f",
        ] {
            assert_eq!(Host::parse(text), Err(UrlError::BadIpv4), "{text}");
        }
        for text in [
            "[::1",
            "[]",
            "[1.2.3.4]",
            "[::1%25eth0]",
            "[v1.x]",
            "[::1]]",
            "[:::]",
        ] {
            assert_eq!(Host::parse(text), Err(UrlError::BadIpv6), "{text}");
        }
    }

    #[test]
    fn names_that_dns_can_not_carry_are_refused() {
        let label = "a".repeat(64);
        let long = ["a".repeat(63).as_str(); 4].join(".");
        for text in [
            ".", "..", "a..b", ".a", "a b", "a%41", "a\\b", "a,b", "ü", &label, &long,
        ] {
            assert_eq!(Host::parse(text), Err(UrlError::BadHost), "{text}");
        }
        assert_eq!(Host::parse(""), Err(UrlError::EmptyHost));
        assert!(Host::parse(&label[1..]).is_ok());
        assert!(Host::parse(&long[..253]).is_ok());
    }
}
