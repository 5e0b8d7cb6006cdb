//! The grammar of `Sec-WebSocket-Extensions`.

use ws_core::ext::{self, ExtError, Offer};

use crate::handshake::http::{is_token_byte, trim};

/// Lists of extensions: what is read is what a plain reader finds, and is written so that it reads
/// the same.
///
/// Input: header values, separated by line feeds.
pub fn extensions(data: &[u8]) {
    let lines = || data.split(|&byte| byte == b'\n');
    let offers = match ext::parse(lines()) {
        Ok(offers) => offers,
        Err(error) => {
            let plain = lists(lines());
            match error {
                ExtError::TooMany { limit } => assert!(matches!(limit, 16 | 32)),
                ExtError::Empty => assert_eq!(plain, Some(vec![])),
                _ => assert_eq!(plain, None),
            }
            assert!(!error.to_string().is_empty() && !error.explain().message.is_empty());
            return;
        }
    };
    assert!((1..=32).contains(&offers.len()));
    let read = offers.iter().map(|offer| {
        let own = |text: &str| text.as_bytes().to_vec();
        let params = offer.params();
        let params = params.map(|(name, value)| (own(name), value.map(own)));
        (own(offer.name()), params.collect())
    });
    assert_eq!(lists(lines()), Some(read.collect()));
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

/// An extension and its parameters, all of them tokens.
type Plain = (Vec<u8>, Vec<(Vec<u8>, Option<Vec<u8>>)>);

/// The same lists, read in the plainest way: cut at commas, at semicolons, at the first equals sign.
fn lists<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Plain>> {
    let elements = lines.flat_map(|line| cut(line, b',')).map(trim);
    let elements = elements.filter(|element| !element.is_empty());
    elements.map(offer).collect()
}

fn offer(element: &[u8]) -> Option<Plain> {
    let mut parts = cut(element, b';').into_iter();
    let name = token(trim(parts.next()?))?;
    let params = parts.map(|part| {
        let Some(at) = part.iter().position(|&byte| byte == b'=') else {
            return Some((token(trim(part))?, None));
        };
        let (name, value) = (token(trim(&part[..at]))?, trim(&part[at + 1..]));
        let value = match value {
            [b'"', quoted @ ..] => token(&unquoted(quoted)?)?,
            _ => token(value)?,
        };
        Some((name, Some(value)))
    });
    Some((name, params.collect::<Option<_>>()?))
}

/// What comes before the closing quote, behind which nothing may come.
fn unquoted(quoted: &[u8]) -> Option<Vec<u8>> {
    let (mut value, mut bytes) = (Vec::new(), quoted.iter());
    loop {
        match *bytes.next()? {
            b'"' => return bytes.as_slice().is_empty().then_some(value),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(byte),
        }
    }
}

/// Cuts at every `at` that is not in quotes.
fn cut(bytes: &[u8], at: u8) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = bytes.split(|&byte| {
        let escapes = quoted && !escaped && byte == b'\\';
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = escapes;
        byte == at && !quoted
    });
    parts.collect()
}

fn token(bytes: &[u8]) -> Option<Vec<u8>> {
    let all = !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte));
    all.then(|| bytes.to_vec())
}
