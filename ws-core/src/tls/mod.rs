//! TLS as rustls is to be told: whom to trust, who this end is, and what a failure means.
//!
//! The cryptography, the protocol and the checks of certificates are rustls's. Nothing here moves a
//! byte: the bindings do, with the adapters of their runtime.
//!
//! | item | is |
//! |---|---|
//! | [`TlsOptions`] | what a client trusts and shows |
//! | [`Crypto`] | whose cryptography is used |
//! | [`TlsError`] | why there is no TLS |
//! | [`server_config`] | what a server shows, from PEM |
//!
//! ```
//! use ws_core::tls::TlsOptions;
//!
//! // The roots that browsers trust, TLS 1.2 and 1.3, and only HTTP/1.1 above it.
//! let config = TlsOptions::default().client_config()?;
//! assert_eq!(config.alpn_protocols, [b"http/1.1"]);
//! # Ok::<(), ws_core::tls::TlsError>(())
//! ```

mod danger;
mod error;
mod options;
mod server;

use alloc::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use error::TlsError;
pub use options::{Roots, TlsOptions};
pub use rustls;
pub use server::server_config;

/// WebSocket over HTTP/2 is another handshake (RFC 8441), so that is not offered: a front end that
/// chose it would drop the upgrade.
const ALPN: &[u8] = b"http/1.1";

/// Whose cryptography is used: rustls has none of its own. It is always named: a process-wide default
/// may be missing, or be another's.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Crypto {
    /// That of aws-lc-rs.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
    /// That of ring.
    #[default]
    Ring,
}

impl Crypto {
    /// As rustls wants it, for a configuration of your own.
    #[must_use]
    pub fn provider(self) -> Arc<CryptoProvider> {
        Arc::new(match self {
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => rustls::crypto::aws_lc_rs::default_provider(),
            Self::Ring => rustls::crypto::ring::default_provider(),
        })
    }
}
