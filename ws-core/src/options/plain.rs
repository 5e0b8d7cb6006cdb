//! What a binding can dial that was built without TLS. It dials nothing, and says nothing about a
//! stream that is connected already: that may speak TLS.

use alloc::string::String;

use thiserror::Error;

use super::{ConnectError, StartError};
use crate::error::Explanation;
use crate::policy::{IoClass, Stage};
use crate::session::DialError;
use crate::url::Url;

/// The URL again, if its host can be dialed without TLS.
///
/// # Errors
/// It asks for TLS (`wss`, `https`).
pub fn plain(url: &Url) -> Result<&Url, TlsNotBuilt> {
    if url.is_secure() {
        return Err(TlsNotBuilt {
            authority: url.authority(),
        });
    }
    Ok(url)
}

/// A URL asks for TLS, which is not built in.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{authority} wants tls")]
pub struct TlsNotBuilt {
    /// Host and port.
    pub authority: String,
}

impl TlsNotBuilt {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        NO_TLS
    }
}

pub(super) const NO_TLS: Explanation = Explanation::new(
    "The URL asks for TLS, which this binding was built without",
    "Turn on feature tls, use a ws:// URL, or hand a stream that speaks TLS to client()",
);

impl From<TlsNotBuilt> for ConnectError {
    fn from(TlsNotBuilt { authority }: TlsNotBuilt) -> Self {
        Self::TlsNotBuilt { authority }
    }
}

impl From<TlsNotBuilt> for StartError {
    fn from(TlsNotBuilt { authority }: TlsNotBuilt) -> Self {
        Self::TlsNotBuilt { authority }
    }
}

/// For a session whose target was changed to one that starting it would have refused.
impl From<TlsNotBuilt> for DialError {
    fn from(_: TlsNotBuilt) -> Self {
        Self::new(Stage::Tls, IoClass::Tls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_url_that_asks_for_tls_is_refused_in_every_language() {
        for url in ["ws://h/", "http://h/"] {
            let url = Url::parse(url).unwrap();
            assert_eq!(plain(&url), Ok(&url));
        }
        for url in ["wss://h/", "https://h:1/"] {
            let url = Url::parse(url).unwrap();
            let refused = plain(&url).unwrap_err();
            assert_eq!(refused.authority, url.authority());
            assert!(refused.to_string().ends_with("wants tls"));
            assert_eq!(refused.explain(), NO_TLS);
            let connect = ConnectError::from(refused.clone());
            assert_eq!(connect.to_string(), refused.to_string());
            assert_eq!(connect.explain(), refused.explain());
            let start = StartError::from(refused.clone());
            assert_eq!(start.to_string(), refused.to_string());
            assert_eq!(start.explain(), refused.explain());
            let dial = DialError::from(refused);
            assert_eq!((dial.stage, dial.class), (Stage::Tls, IoClass::Tls));
        }
    }
}
