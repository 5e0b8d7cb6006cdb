//! Why there is no TLS. Decides nothing: which failures end a session is for its policy.

use std::io;

use rustls::{CertificateError, Error};
use thiserror::Error;

use crate::error::Explanation;
use crate::policy::IoClass;

/// TLS could not be set up, or not agreed on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The host of the URL is a name that no certificate can have.
    #[error("the host is not a name that a certificate can have")]
    BadName,
    /// A text holds no PEM section of the kind that was asked for, or a broken one.
    #[error("there is no certificate, or no key, in the pem text")]
    BadPem,
    /// What was configured can't be used.
    #[error("the tls configuration: {0}")]
    Config(Error),
    /// The transport failed during the handshake.
    #[error("the transport failed during the tls handshake: {0}")]
    Io(io::Error),
    /// The peers did not agree, or one does not trust the other.
    #[error("{0}")]
    Handshake(Error),
    /// The handshake took too long.
    #[error("the tls handshake took too long")]
    Timeout,
}

impl TlsError {
    /// What an error of an adapter around rustls stands for.
    #[must_use]
    pub fn from_io(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            Some(error) => Self::Handshake(Error::clone(error)),
            None => Self::Io(error),
        }
    }

    /// What kind of failure it is, for the policies.
    #[must_use]
    pub fn class(&self) -> IoClass {
        match self {
            Self::Handshake(Error::InvalidCertificate(_)) => IoClass::Certificate,
            Self::Timeout => IoClass::TimedOut,
            Self::Io(error) if error.kind() == io::ErrorKind::TimedOut => IoClass::TimedOut,
            Self::Io(_) => IoClass::Reset,
            Self::BadName | Self::BadPem | Self::Config(_) | Self::Handshake(_) => IoClass::Tls,
        }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::BadName => Explanation::new(
                "The host of the URL can't be the name in a certificate",
                "Use the server's DNS name, or its address",
            ),
            Self::BadPem => Explanation::new(
                "The file is not a certificate, or not a key, in PEM",
                "Check that it begins with -----BEGIN and is of the right kind",
            ),
            Self::Config(_) => Explanation::new(
                "The TLS options can't be used together",
                "Check that the key belongs to the certificate, and that roots are certificates",
            ),
            Self::Io(_) => Explanation::new(
                "The connection ended during the TLS handshake",
                "Check that the port speaks TLS, and the network",
            ),
            Self::Timeout => Explanation::new(
                "The server did not finish the TLS handshake in time",
                "Check that the port speaks TLS, or raise Limits::timeout",
            ),
            Self::Handshake(error) => explain(error),
        }
    }
}

fn explain(error: &Error) -> Explanation {
    #[allow(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
    match error {
        Error::InvalidCertificate(reason) => explain_certificate(reason),
        Error::InvalidMessage(_) => Explanation::new(
            "The server does not speak TLS at this port",
            "Use a ws:// URL, or the port that speaks TLS",
        ),
        Error::AlertReceived(_) => Explanation::new(
            "The server refused the TLS handshake",
            "It may want a client certificate (TlsOptions::identity), or another host name",
        ),
        Error::PeerIncompatible(_) => Explanation::new(
            "The server knows no version or cipher of TLS that is safe",
            "Update the server: TLS 1.2 with forward secrecy is the least",
        ),
        Error::NoApplicationProtocol => Explanation::new(
            "The server does not speak HTTP/1.1 above TLS",
            "Check that the port is that of a WebSocket server",
        ),
        _ => Explanation::new(
            "The TLS handshake failed",
            "Check that host and port lead to the server that is meant",
        ),
    }
}

fn explain_certificate(reason: &CertificateError) -> Explanation {
    #[allow(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Explanation::new(
            "The server's certificate has expired",
            "Have it renewed, and check this computer's clock",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Explanation::new(
                "The server's certificate is not valid yet",
                "Check this computer's clock",
            )
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Explanation::new(
                "The server's certificate is for another host",
                "Use one of the names in the certificate in the URL",
            )
        }
        CertificateError::UnknownIssuer => Explanation::new(
            "Nobody who is trusted vouches for the server's certificate",
            "If it is your own, add it or its issuer with TlsOptions::root",
        ),
        CertificateError::Revoked => Explanation::new(
            "The server's certificate was revoked",
            "Do not connect; tell whoever runs the server",
        ),
        _ => Explanation::new(
            "The server's certificate can't be trusted",
            "Check it, or add the root that signed it with TlsOptions::root",
        ),
    }
}
