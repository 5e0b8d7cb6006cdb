//! What a client trusts and shows. Whatever is set is added to the checks, never put in their place,
//! save by the one method whose name says that it is dangerous.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use std::sync::OnceLock;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::danger::Unverified;
use super::{ALPN, Crypto, TlsError};
use crate::url::Host;

/// How a client does TLS: TLS 1.2 and 1.3, the server's certificate and name always checked.
///
/// Clones share what was built from them, and with it the sessions that can be resumed; setting
/// anything begins anew.
#[derive(Clone, Default)]
pub struct TlsOptions {
    crypto: Crypto,
    roots: Roots,
    more_roots: Vec<CertificateDer<'static>>,
    identity: Option<Arc<Identity>>,
    invalid_certs: bool,
    config: Option<Arc<ClientConfig>>,
    built: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// Who a client is.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Which certificate authorities are trusted, besides those that were added by hand.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Roots {
    /// None.
    None,
    /// Those of the operating system, asked anew for each certificate.
    #[cfg(feature = "platform-verifier")]
    Platform,
    /// Those that Mozilla's browsers trust, as of the release of `webpki-roots` that was built in.
    #[default]
    Webpki,
}

impl TlsOptions {
    /// Whose cryptography is used. Default [`Crypto::Ring`].
    #[must_use]
    pub fn crypto(mut self, crypto: Crypto) -> Self {
        self.crypto = crypto;
        self.renewed()
    }

    /// Which certificate authorities are trusted. Default [`Roots::Webpki`].
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self.renewed()
    }

    /// Trusts one more certificate authority, in DER.
    #[must_use]
    pub fn root(mut self, certificate: CertificateDer<'static>) -> Self {
        self.more_roots.push(certificate);
        self.renewed()
    }

    /// Trusts the certificate authorities in a text of PEM sections.
    ///
    /// # Errors
    /// [`TlsError::BadPem`], also if there is none in it.
    pub fn roots_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.more_roots.extend(certificates(pem)?);
        Ok(self.renewed())
    }

    /// Who this client is, for servers that ask: its certificate, those that lead from it to a root,
    /// and its key.
    #[must_use]
    pub fn identity(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        self.identity = Some(Arc::new(Identity { chain, key }));
        self.renewed()
    }

    /// The same, from PEM.
    ///
    /// # Errors
    /// [`TlsError::BadPem`].
    pub fn identity_pem(self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::BadPem)?;
        Ok(self.identity(certificates(chain)?, key))
    }

    /// **Dangerous.** Accepts whatever certificate a server shows: expired, self-signed, or somebody
    /// else's. Whoever stands in between can then read and change everything. For tests against
    /// servers on this machine; to trust a certificate of your own, add it with
    /// [`root`](Self::root). With feature `tracing` of a binding each connection that uses it is
    /// warned of.
    #[must_use]
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.invalid_certs = accept;
        self.renewed()
    }

    /// Is any certificate accepted, because
    /// [`danger_accept_invalid_certs`](Self::danger_accept_invalid_certs) says so? Such connections
    /// are warned of. What a [configuration of your own](Self::config) accepts is not known.
    #[must_use]
    pub const fn verifies_nothing(&self) -> bool {
        self.invalid_certs && self.config.is_none()
    }

    /// A configuration of your own, used exactly as it is: nothing else that is set here counts. It
    /// should offer `http/1.1` with ALPN, and nothing else.
    #[must_use]
    pub fn config(mut self, config: Arc<ClientConfig>) -> Self {
        self.config = Some(config);
        self.renewed()
    }

    /// What rustls is given; built once.
    ///
    /// # Errors
    /// [`TlsError::Config`]: a root or the identity can't be used, or the operating system gives no
    /// roots.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = self.config.as_ref().or_else(|| self.built.get()) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.build().map_err(TlsError::Config)?);
        Ok(Arc::clone(self.built.get_or_init(|| config)))
    }

    /// The name that a server's certificate must have: that of the URL, address or not.
    ///
    /// # Errors
    /// [`TlsError::BadName`]: no certificate can have it.
    pub fn server_name(host: &Host) -> Result<ServerName<'static>, TlsError> {
        match host {
            Host::Domain(name) => {
                // A dot at the end makes a name absolute; certificates go without it.
                let name = name.strip_suffix('.').unwrap_or(name);
                ServerName::try_from(alloc::string::String::from(name))
                    .map_err(|_| TlsError::BadName)
            }
            Host::V4(address) => Ok(core::net::IpAddr::from(*address).into()),
            Host::V6(address) => Ok(core::net::IpAddr::from(*address).into()),
        }
    }

    fn build(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = self.crypto.provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if self.invalid_certs {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified::new(provider)))
        } else {
            match self.roots {
                #[cfg(feature = "platform-verifier")]
                Roots::Platform => {
                    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
                        self.more_roots.iter().cloned(),
                        provider,
                    )?;
                    builder
                        .dangerous()
                        .with_custom_certificate_verifier(Arc::new(verifier))
                }
                Roots::None | Roots::Webpki => {
                    let mut store = RootCertStore::empty();
                    if self.roots == Roots::Webpki {
                        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                    }
                    for root in &self.more_roots {
                        store.add(root.clone())?;
                    }
                    builder.with_root_certificates(store)
                }
            }
        };
        let mut config = match &self.identity {
            Some(identity) => {
                builder.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = Vec::from([ALPN.into()]);
        Ok(config)
    }

    /// The same, without an identity to show.
    pub(crate) fn anonymous(mut self) -> Self {
        self.identity = None;
        self.renewed()
    }

    /// Forgets what was built from the options before.
    fn renewed(mut self) -> Self {
        self.built = Arc::default();
        self
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("crypto", &self.crypto)
            .field("roots", &self.roots)
            .field("more_roots", &self.more_roots.len())
            .field("identity", &self.identity.is_some())
            .field("danger_accept_invalid_certs", &self.invalid_certs)
            .field("config", &self.config.is_some())
            .finish_non_exhaustive()
    }
}

/// The certificates in a text of PEM sections; there is at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(TlsError::BadPem),
    }
}
