//! Makes a certificate to try TLS with, and the authority that signed it.
//!
//! `certificate FOLDER` writes `ca.pem`, `cert.pem` and `key.pem`, good for `localhost` and
//! `127.0.0.1`. The key of the authority is forgotten: it can sign
//! nothing else.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use words::words;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args = words()?;
    let folder = match &args[..] {
        [folder] if !folder.starts_with('-') => folder,
        _ => return Err("usage: certificate FOLDER".into()),
    };
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let name = "an authority for tests";
    params.distinguished_name.push(DnType::CommonName, name);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let names = ["localhost", "127.0.0.1"].map(String::from);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;

    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    fs::write(folder.join("ca.pem"), authority.pem())?;
    fs::write(folder.join("cert.pem"), certificate.pem())?;
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    Ok(())
}
