//! The grammar of `Sec-WebSocket-Extensions`, read (RFC 6455 §9.1).
//!
//! It never asks what a parameter means.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::ext::token::{is_token, is_token_byte};
use crate::ext::{ExtError, MAX_OFFERS, MAX_PARAMS, Offer, Param};

/// Reads one or more `Sec-WebSocket-Extensions` headers, which together form one list.
///
/// # Errors
/// A list without any extension, or one that breaks the grammar; more than 32 extensions or 16
/// parameters of one.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Offer>, ExtError> {
    let mut offers = Vec::new();
    for line in lines {
        let mut rest = Rest(line);
        loop {
            // Empty elements are allowed in a list (RFC 9110 §5.6.1.2).
            while rest.separator(b',') {}
            if rest.0.is_empty() {
                break;
            }
            if offers.len() == MAX_OFFERS {
                return Err(ExtError::TooMany { limit: MAX_OFFERS });
            }
            offers.push(rest.offer()?);
            if !rest.0.is_empty() && rest.0[0] != b',' {
                return Err(ExtError::Separator);
            }
        }
    }
    if offers.is_empty() {
        Err(ExtError::Empty)
    } else {
        Ok(offers)
    }
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// Takes `byte` and the space around it, or only the space before it.
    fn separator(&mut self, byte: u8) -> bool {
        self.skip_space();
        let Some((&first, rest)) = self.0.split_first() else {
            return false;
        };
        if first == byte {
            self.0 = rest;
            self.skip_space();
        }
        first == byte
    }

    fn offer(&mut self) -> Result<Offer, ExtError> {
        let name = self.token()?;
        let mut params = Vec::new();
        while self.separator(b';') {
            if params.len() == MAX_PARAMS {
                return Err(ExtError::TooMany { limit: MAX_PARAMS });
            }
            let name = self.token()?;
            let value = if self.separator(b'=') {
                Some(self.value()?)
            } else {
                None
            };
            params.push(Param { name, value });
        }
        Ok(Offer { name, params })
    }

    fn token(&mut self) -> Result<Box<str>, ExtError> {
        let end = self
            .0
            .iter()
            .position(|&byte| !is_token_byte(byte))
            .unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        text(token).ok_or(ExtError::NotToken)
    }

    fn value(&mut self) -> Result<Box<str>, ExtError> {
        let Some(mut rest) = self.0.strip_prefix(b"\"") else {
            return self.token().map_err(|_| ExtError::ValueNotToken);
        };
        let mut value = String::new();
        loop {
            let (byte, next) = match rest {
                [b'"', next @ ..] => {
                    self.0 = next;
                    break;
                }
                [b'\\', byte, next @ ..] | [byte, next @ ..] => (*byte, next),
                [] => return Err(ExtError::Unterminated),
            };
            value.push(char::from(byte));
            rest = next;
        }
        // "the value after quoted-string unescaping MUST conform to the 'token' ABNF" (§9.1)
        text(value.as_bytes()).ok_or(ExtError::ValueNotToken)
    }
}

/// A token as text.
fn text(token: &[u8]) -> Option<Box<str>> {
    let text = core::str::from_utf8(token).ok()?;
    is_token(token).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn read(lines: &[&str]) -> Result<Vec<String>, ExtError> {
        let offers = parse(lines.iter().map(|line| line.as_bytes()))?;
        Ok(offers.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        // RFC 6455 §9.1
        assert_eq!(read(&["foo"]).unwrap(), ["foo"]);
        assert_eq!(read(&["bar; baz=2"]).unwrap(), ["bar; baz=2"]);
        assert_eq!(read(&["foo", "bar; baz=2"]), read(&["foo, bar; baz=2"]));
        assert_eq!(read(&["deflate-stream"]).unwrap(), ["deflate-stream"]);
        let three = "mux; max-channels=4; flow-control, deflate-stream";
        assert_eq!(read(&[three]).unwrap().join(", "), three);
        assert_eq!(read(&["private-extension"]).unwrap(), ["private-extension"]);
    }

    #[test]
    fn space_empty_elements_and_quotes_are_read_as_the_grammar_says() {
        assert_eq!(
            read(&[" ,\t, a ;b = \"1\\0\" ;c , ,", ""]).unwrap(),
            ["a; b=10; c"]
        );
        assert_eq!(read(&["a;b=\"x\""]).unwrap(), ["a; b=x"]);
    }

    #[test]
    fn what_the_grammar_does_not_allow_is_refused() {
        for (line, error) in [
            ("", ExtError::Empty),
            (" , ,", ExtError::Empty),
            ("a b", ExtError::Separator),
            ("a=1", ExtError::Separator),
            ("a;b=1=2", ExtError::Separator),
            ("a;b=\"x\"y", ExtError::Separator),
            ("a;", ExtError::NotToken),
            ("a;;b", ExtError::NotToken),
            (";b", ExtError::NotToken),
            ("\"a\"", ExtError::NotToken),
            ("\u{e4}", ExtError::NotToken),
            ("a;b=", ExtError::ValueNotToken),
            ("a;b=,c", ExtError::ValueNotToken),
            ("a;b=\"\"", ExtError::ValueNotToken),
            ("a;b=\"x y\"", ExtError::ValueNotToken),
            ("a;b=\"\u{e4}\"", ExtError::ValueNotToken),
            ("a;b=\"x", ExtError::Unterminated),
            ("a;b=\"x\\", ExtError::Unterminated),
        ] {
            assert_eq!(read(&[line]), Err(error), "{line:?}");
        }
    }

    #[test]
    fn a_header_can_not_make_more_of_itself_than_its_limits() {
        let list = |n| ["a"].repeat(n).join(",");
        assert_eq!(read(&[&list(32)]).unwrap().len(), 32);
        assert_eq!(read(&[&list(33)]), Err(ExtError::TooMany { limit: 32 }));
        assert_eq!(
            read(&[&list(16), &list(17)]),
            Err(ExtError::TooMany { limit: 32 })
        );
        assert!(read(&[&format!("x{}", ";a".repeat(16))]).is_ok());
        assert_eq!(
            read(&[&format!("x{}", ";a".repeat(17))]),
            Err(ExtError::TooMany { limit: 16 })
        );
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was_meant(line in "[ab,;=\"\\\\ \\t\u{e4}]{0,24}") {
            if let Ok(offers) = parse([line.as_bytes()]) {
                let written: Vec<String> = offers.iter().map(ToString::to_string).collect();
                prop_assert_eq!(parse([written.join(", ").as_bytes()]), Ok(offers));
            }
        }
    }
}
