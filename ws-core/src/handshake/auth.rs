//! `Authorization: Basic` (RFC 7617): written by a client, read and compared by a server.
//!
//! It lets nobody in: whose credentials are welcome is the application's to say.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The value of an `Authorization` header.
pub(crate) fn basic(user: &str, password: &str) -> String {
    let mut value = String::from("Basic ");
    STANDARD.encode_string([user, ":", password].concat(), &mut value);
    value
}

/// User and password as a client sent them (RFC 7617). `Debug` shows neither.
#[derive(Clone)]
pub struct BasicAuth {
    user: Box<str>,
    password: Box<str>,
}

impl BasicAuth {
    /// Reads the value of an `Authorization` header: `None` if it has another scheme or is not
    /// well formed.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (scheme, credentials) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let text = STANDARD.decode(credentials.trim_start_matches(' ')).ok()?;
        let text = String::from_utf8(text).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Self {
            user: user.into(),
            password: password.into(),
        })
    }

    /// The user, to look the password up with.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Are these the user and password expected?
    ///
    /// The time that this takes depends on what the client sent and not on how much of it is right,
    /// so the answer can't be guessed byte by byte.
    #[must_use]
    pub fn matches(&self, user: &str, password: &str) -> bool {
        // Both are always compared.
        same(&self.user, user) & same(&self.password, password)
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicAuth([redacted])")
    }
}

/// Compares to the end of `given`, wherever the first difference is.
fn same(given: &str, secret: &str) -> bool {
    let mut differ = u8::from(given.len() != secret.len());
    for (a, b) in given.bytes().zip(secret.bytes().cycle()) {
        // Opaque to the compiler, which could leave the loop early otherwise.
        differ = black_box(differ | (a ^ b));
    }
    differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        // RFC 7617 §2
        let value = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(basic("Aladdin", "open sesame"), value);
        let auth = BasicAuth::parse(value).unwrap();
        assert_eq!(auth.user(), "Aladdin");
        assert!(auth.matches("Aladdin", "open sesame"));
        assert_eq!(alloc::format!("{auth:?}"), "BasicAuth([redacted])");
    }

    #[test]
    fn the_password_may_hold_colons_and_anything_may_be_empty() {
        for (user, password) in [("a", "b:c"), ("", ""), ("\u{fc}", ""), ("", ":")] {
            let auth = BasicAuth::parse(&basic(user, password)).unwrap();
            assert!(auth.matches(user, password));
            assert!(!auth.matches(user, "x") && !auth.matches("x", password));
        }
        assert!(BasicAuth::parse("bAsIc   Og==").is_some());
    }

    #[test]
    fn other_schemes_and_broken_credentials_are_none() {
        for value in [
            "",
            "Basic",
            "Basic ",
            "Basic !",
            "Bearer Og==",
            "Basic YWI=",
            "Basic /zo=",
        ] {
            assert!(BasicAuth::parse(value).is_none(), "{value:?}");
        }
    }

    #[test]
    fn only_equal_texts_are_the_same() {
        for (given, secret) in [
            ("", "a"),
            ("a", ""),
            ("ab", "a"),
            ("aa", "a"),
            ("a", "aa"),
            ("b", "a"),
        ] {
            assert!(!same(given, secret), "{given:?} {secret:?}");
        }
        assert!(same("", "") && same("secret", "secret"));
    }
}
