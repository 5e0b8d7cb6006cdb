//! In which order the addresses of a name are tried (RFC 8305 §4). It never adds one, never repeats
//! one, and keeps the order of the lookup within a family.

use alloc::collections::VecDeque;
use core::net::IpAddr;

use super::{DialConfig, Family};

/// The addresses to try: the families by turns.
pub(super) fn order(
    found: impl IntoIterator<Item = IpAddr>,
    config: &DialConfig,
) -> VecDeque<IpAddr> {
    let (mut v4, mut v6) = (VecDeque::new(), VecDeque::new());
    let mut first = None;
    for address in found {
        first = first.or(Some(address));
        let list = if address.is_ipv6() { &mut v6 } else { &mut v4 };
        // A resolver may repeat itself, and may be hostile: what is kept is what will be tried.
        if list.len() < config.max_addresses.max(1) && !list.contains(&address) {
            list.push_back(address);
        }
    }
    let bind_is_v6 = config.bind.map(|address| address.is_ipv6());
    if config.family == Family::V4Only || bind_is_v6 == Some(false) {
        v6.clear();
    }
    if config.family == Family::V6Only || bind_is_v6 == Some(true) {
        v4.clear();
    }
    let v6_first = match config.family {
        Family::Any => first.is_some_and(|address| address.is_ipv6()),
        Family::PreferV4 | Family::V4Only => false,
        Family::PreferV6 | Family::V6Only => true,
    };
    let (mut next, mut other) = if v6_first { (v6, v4) } else { (v4, v6) };
    let mut ordered = VecDeque::new();
    while ordered.len() < config.max_addresses.max(1) {
        let Some(address) = next.pop_front().or_else(|| other.pop_front()) else {
            break;
        };
        ordered.push_back(address);
        core::mem::swap(&mut next, &mut other);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::net::{Ipv4Addr, Ipv6Addr};

    fn v4(n: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, n).into()
    }

    fn v6(n: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n).into()
    }

    fn ordered(found: &[IpAddr], config: &DialConfig) -> Vec<IpAddr> {
        order(found.iter().copied(), config).into()
    }

    #[test]
    fn families_take_turns_and_the_first_found_begins() {
        let any = DialConfig::default();
        let found = [v6(1), v6(2), v6(3), v4(1), v4(2)];
        assert_eq!(ordered(&found, &any), [v6(1), v4(1), v6(2), v4(2), v6(3)]);
        let found = [v4(1), v4(2), v6(1)];
        assert_eq!(ordered(&found, &any), [v4(1), v6(1), v4(2)]);
        assert!(ordered(&[], &any).is_empty());
    }

    #[test]
    fn a_family_can_be_preferred_or_left_out() {
        let found = [v6(1), v4(1), v4(2)];
        for (family, expected) in [
            (Family::PreferV4, &[v4(1), v6(1), v4(2)][..]),
            (Family::PreferV6, &[v6(1), v4(1), v4(2)]),
            (Family::V4Only, &[v4(1), v4(2)]),
            (Family::V6Only, &[v6(1)]),
        ] {
            let config = DialConfig::default().family(family);
            assert_eq!(ordered(&found, &config), expected, "{family:?}");
        }
        let bound = DialConfig::default().bind(Some(v4(9)));
        assert_eq!(ordered(&found, &bound), [v4(1), v4(2)]);
        let bound = DialConfig::default().bind(Some(v6(9)));
        assert_eq!(ordered(&found, &bound), [v6(1)]);
    }

    #[test]
    fn no_address_twice_and_not_more_than_the_limit() {
        let few = DialConfig::default().max_addresses(3);
        let found = [v4(1), v4(1), v4(2), v4(3), v6(1), v6(1), v6(2)];
        assert_eq!(ordered(&found, &few), [v4(1), v6(1), v4(2)]);
        let none = DialConfig::default().max_addresses(0);
        assert_eq!(ordered(&found, &none), [v4(1)]);
    }
}
