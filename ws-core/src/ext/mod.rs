//! Extensions as they are named in the opening handshake (RFC 6455 §9.1).
//!
//! Knows the grammar of `Sec-WebSocket-Extensions`, both ways. Refuses to know what an extension
//! does: who offers one knows what its parameters mean.
//!
//! ```
//! use ws_core::ext::{self, Offer};
//!
//! let offer = Offer::new("x-trace")?.flag("verbose")?.param("level", "3")?;
//! assert_eq!(offer.to_string(), "x-trace; verbose; level=3");
//!
//! let lines: [&[u8]; 2] = [b"x-trace; level=\"3\"", b"x-other"];
//! let offers = ext::parse(lines)?;
//! assert_eq!(offers[0].value("level"), Some("3"));
//! assert_eq!(offers[1].name(), "x-other");
//! # Ok::<(), ws_core::ext::ExtError>(())
//! ```

mod error;
mod parse;
pub(crate) mod token;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

pub use error::ExtError;
pub use parse::parse;

/// Extensions in one list. Every one costs memory, so that a head full of them would cost many
/// times its own size.
const MAX_OFFERS: usize = 32;

/// Parameters of one extension.
const MAX_PARAMS: usize = 16;

/// An extension with its parameters: what a client offers, or what a server answers.
///
/// `Display` writes it as it stands in the header.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Offer {
    name: Box<str>,
    params: Vec<Param>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Param {
    name: Box<str>,
    value: Option<Box<str>>,
}

impl Offer {
    /// An extension without parameters.
    ///
    /// # Errors
    /// A name that is not a token.
    pub fn new(name: &str) -> Result<Self, ExtError> {
        let name = checked(name, ExtError::NotToken)?;
        Ok(Self {
            name,
            params: Vec::new(),
        })
    }

    /// Adds a parameter without a value.
    ///
    /// # Errors
    /// A name that is not a token; a 17th parameter.
    pub fn flag(self, name: &str) -> Result<Self, ExtError> {
        self.with(name, None)
    }

    /// Adds a parameter with a value.
    ///
    /// # Errors
    /// A name or value that is not a token; a 17th parameter.
    pub fn param(self, name: &str, value: &str) -> Result<Self, ExtError> {
        let value = checked(value, ExtError::ValueNotToken)?;
        self.with(name, Some(value))
    }

    fn with(mut self, name: &str, value: Option<Box<str>>) -> Result<Self, ExtError> {
        if self.params.len() == MAX_PARAMS {
            return Err(ExtError::TooMany { limit: MAX_PARAMS });
        }
        let name = checked(name, ExtError::NotToken)?;
        self.params.push(Param { name, value });
        Ok(self)
    }

    /// The name of the extension.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters in order, with their values.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.params
            .iter()
            .map(|param| (&*param.name, param.value.as_deref()))
    }

    /// The value of the first parameter with this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.params().find(|param| param.0 == name)?.1
    }

    /// Does a parameter appear twice?
    pub(crate) fn repeats_a_param(&self) -> bool {
        let names = || self.params.iter().map(|param| &param.name);
        names()
            .enumerate()
            .any(|(i, name)| names().take(i).any(|earlier| earlier == name))
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in self.params() {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

fn checked(text: &str, error: ExtError) -> Result<Box<str>, ExtError> {
    if token::is_token(text.as_bytes()) {
        Ok(text.into())
    } else {
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_get_into_a_header() {
        let offer = Offer::new("x").unwrap();
        for bad in ["", "a b", "a\r\nb", "a,b", "a;b", "\"a\"", "ä"] {
            assert_eq!(Offer::new(bad), Err(ExtError::NotToken));
            assert_eq!(offer.clone().flag(bad), Err(ExtError::NotToken));
            assert_eq!(offer.clone().param(bad, "v"), Err(ExtError::NotToken));
            assert_eq!(offer.clone().param("p", bad), Err(ExtError::ValueNotToken));
        }
    }

    #[test]
    fn parameters_are_limited_and_repetitions_seen() {
        let mut offer = Offer::new("x").unwrap();
        for i in 0..16 {
            assert!(!offer.repeats_a_param());
            offer = offer.flag(&alloc::format!("p{}", i % 15)).unwrap();
        }
        assert!(offer.repeats_a_param());
        assert_eq!(offer.flag("q"), Err(ExtError::TooMany { limit: 16 }));
    }

    #[test]
    fn errors_are_small_and_explained() {
        assert!(size_of::<ExtError>() <= 32);
        assert!(!ExtError::Empty.explain().suggestion.is_empty());
    }
}
