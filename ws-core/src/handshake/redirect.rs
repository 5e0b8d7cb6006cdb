//! Following a redirect: which request comes next, if one may (RFC 9110 §15.4, RFC 3986 §5.2).
//!
//! Off unless the owner of the connection asks for it, after each refusal anew; counting how often
//! is up to the owner too. It never connects.

use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use crate::error::Explanation;
use crate::handshake::{Rejection, Request};
use crate::url::{Url, UrlError};

/// A redirect that can't be followed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RedirectError {
    /// The new place is not a URL that a WebSocket can be opened with.
    #[error("the new location: {0}")]
    BadLocation(UrlError),
    /// From TLS to a plain connection.
    #[error("the redirect leads from wss to ws")]
    Downgrade,
    /// The answer is no redirect, or does not say where to.
    #[error("the answer does not redirect")]
    NoLocation,
    /// As many were followed as may be.
    #[error("more than {limit} redirects")]
    TooMany {
        /// The limit that was passed.
        limit: u8,
    },
}

impl RedirectError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::BadLocation(error) => error.explain(),
            Self::Downgrade => Explanation::new(
                "The server sends a client that came over TLS to a place without it",
                "Make the server redirect to a wss:// or https:// URL",
            ),
            Self::NoLocation => Explanation::new(
                "The answer does not say where to go",
                "Follow only 301, 302, 303, 307 and 308 with a Location header",
            ),
            Self::TooMany { .. } => Explanation::new(
                "The server sends clients on and on",
                "Check that its redirects do not go in circles, or raise ConnectOptions::redirects",
            ),
        }
    }
}

impl Request {
    /// The request that follows a redirect: the same, to where the answer says.
    ///
    /// If the new place has another scheme, host or port, it does not get to see what was meant for
    /// the old one: the headers `Authorization`, `Cookie`, `Host` and `Proxy-*`, and the user and
    /// password of the URL. Do this a bounded number of times: servers may redirect in circles.
    ///
    /// # Errors
    /// An answer that does not redirect, a place that is not a WebSocket URL (`http` and `https`
    /// are), and every step from `wss` to `ws`.
    pub fn redirected(&self, answer: &Rejection) -> Result<Self, RedirectError> {
        let location = answer.location().ok_or(RedirectError::NoLocation)?;
        let mut url = resolve(&self.url, location).map_err(RedirectError::BadLocation)?;
        if self.url.is_secure() && !url.is_secure() {
            return Err(RedirectError::Downgrade);
        }
        let mut next = self.clone();
        if url.is_same_origin(&self.url) {
            url.inherit_user(&self.url);
        } else {
            next.fields.retain(|name| !is_private(name));
        }
        next.url = url;
        Ok(next)
    }
}

fn is_private(name: &str) -> bool {
    let proxy = name
        .get(..6)
        .is_some_and(|start| start.eq_ignore_ascii_case("Proxy-"));
    let names = ["Authorization", "Cookie", "Cookie2", "Host"];
    proxy
        || names
            .iter()
            .any(|private| name.eq_ignore_ascii_case(private))
}

/// What a reference means, seen from `base`. A fragment is nothing that a server gets to see.
fn resolve(base: &Url, reference: &str) -> Result<Url, UrlError> {
    let reference = reference.split('#').next().unwrap_or_default();
    if has_scheme(reference) {
        return Url::parse(reference);
    }
    let scheme = base.scheme();
    if reference.starts_with("//") {
        return Url::parse(&[scheme, ":", reference].concat());
    }
    let path = base.target().split('?').next().unwrap_or_default();
    let directory = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
    let target = match reference.chars().next() {
        None => base.target().into(),
        Some('/') => without_dots(reference),
        Some('?') => [path, reference].concat(),
        Some(_) => without_dots(&[directory, reference].concat()),
    };
    Url::parse(&[scheme, "://", &base.authority(), &target].concat())
}

fn has_scheme(reference: &str) -> bool {
    let end = reference.find([':', '/', '?']).unwrap_or(reference.len());
    end > 0 && reference[end..].starts_with(':')
}

/// Removes the segments `.` and `..` from a path, with a query behind it or not (RFC 3986 §5.2.4).
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
        if last && matches!(segment, "." | "..") {
            kept.push("");
        }
    }
    ["/", &kept.join("/"), query].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn references_are_resolved_as_the_rfc_says() {
        // RFC 3986 §5.4, as far as a WebSocket URL can be told apart.
        let base = Url::parse("ws://a/b/c/d;p?q").unwrap();
        for (reference, expected) in [
            ("wss://g", "wss://g/"),
            ("g", "ws://a/b/c/g"),
            ("./g", "ws://a/b/c/g"),
            ("g/", "ws://a/b/c/g/"),
            ("/g", "ws://a/g"),
            ("//g", "ws://g/"),
            ("?y", "ws://a/b/c/d;p?y"),
            ("g?y", "ws://a/b/c/g?y"),
            ("g?y/../x", "ws://a/b/c/g?y/../x"),
            ("#s", "ws://a/b/c/d;p?q"),
            ("g#s", "ws://a/b/c/g"),
            (";x", "ws://a/b/c/;x"),
            ("", "ws://a/b/c/d;p?q"),
            (".", "ws://a/b/c/"),
            ("./", "ws://a/b/c/"),
            ("..", "ws://a/b/"),
            ("../", "ws://a/b/"),
            ("../g", "ws://a/b/g"),
            ("../..", "ws://a/"),
            ("../../g", "ws://a/g"),
            ("../../../../g", "ws://a/g"),
            ("/./g", "ws://a/g"),
            ("/../g", "ws://a/g"),
            ("g.", "ws://a/b/c/g."),
            ("..g", "ws://a/b/c/..g"),
            ("./../g", "ws://a/b/g"),
            ("g;x=1/../y", "ws://a/b/c/y"),
        ] {
            let resolved = resolve(&base, reference).unwrap();
            assert_eq!(resolved.to_string(), expected, "{reference:?}");
        }
        assert_eq!(resolve(&base, "mailto:a"), Err(UrlError::NoScheme));
        assert_eq!(resolve(&base, "ftp://a/"), Err(UrlError::UnknownScheme));
    }
}
