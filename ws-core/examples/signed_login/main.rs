//! Prints the login that a key, a secret and a time make:
//! `signed_login KEY SECRET 2001-09-09T01:46:40Z`.
//!
//! The dialect beside it is a sample for protocols that log in with a signed message.
#![allow(dead_code, reason = "the dialect is for sessions")]

mod dialect;

use std::process::ExitCode;

use dialect::{Credentials, Proof};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [api_key, secret, now] = &*words else {
        eprintln!("usage: signed_login KEY SECRET TIME");
        return ExitCode::from(2);
    };
    let Ok(now) = now.parse() else {
        eprintln!("not a time: {now}");
        return ExitCode::from(2);
    };
    let proof = Proof::Key {
        api_key: api_key.clone(),
        secret: secret.clone(),
    };
    println!("{}", Credentials { now, proof }.login());
    ExitCode::SUCCESS
}
