//! The grammar of `Sec-WebSocket-Extensions`.

use ws_core::ext::{self, Offer};

/// Lists of extensions: what is read is written so that it reads the same, within the limits.
///
/// Input: header values, separated by line feeds.
pub fn extensions(data: &[u8]) {
    let lines = || data.split(|&byte| byte == b'\n');
    let offers = match ext::parse(lines()) {
        Ok(offers) => offers,
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.explain().message.is_empty());
            return;
        }
    };
    assert!((1..=32).contains(&offers.len()));
    offers.iter().for_each(check);
    let written: Vec<String> = offers.iter().map(Offer::to_string).collect();
    for list in [written.join(", "), written.join(",")] {
        assert_eq!(ext::parse([list.as_bytes()]).as_ref(), Ok(&offers));
    }
    // Several headers are one list.
    let joined = lines().collect::<Vec<_>>().join(&b","[..]);
    assert_eq!(ext::parse([&joined[..]]), Ok(offers));
}

/// What was read can be made by hand, which takes tokens only.
fn check(offer: &Offer) {
    let mut made = Offer::new(offer.name()).expect("a token");
    assert!(offer.params().count() <= 16);
    for (name, value) in offer.params() {
        made = match value {
            Some(value) => made.param(name, value),
            None => made.flag(name),
        }
        .expect("tokens");
        let first = offer.params().find(|param| param.0 == name);
        assert_eq!(offer.value(name), first.and_then(|param| param.1));
    }
    assert_eq!(&made, offer);
}
