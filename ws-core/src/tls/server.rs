//! What a server shows. Asks no client for a certificate: a server that wants one builds its own
//! configuration.

use alloc::sync::Arc;
use alloc::vec::Vec;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::options::certificates;
use super::{ALPN, Crypto, TlsError};

/// A server's configuration: its certificate, those that lead from it to a root, and its key, in PEM.
/// TLS 1.2 and 1.3, `http/1.1` above it.
///
/// # Errors
/// [`TlsError::BadPem`], and [`TlsError::Config`] if the key is not that of the certificate.
pub fn server_config(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::BadPem)?;
    let chain = certificates(chain)?;
    let config = ServerConfig::builder_with_provider(Crypto::Ring.provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(TlsError::Config)?;
    config.alpn_protocols = Vec::from([ALPN.into()]);
    Ok(Arc::new(config))
}
