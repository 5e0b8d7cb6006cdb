//! The sample of a signed login (H05, H06), in virtual time.
#![cfg(feature = "json")]

#[path = "../../examples/signed_login/dialect.rs"]
mod dialect;

use std::time::Duration;

use crate::sim::{Plan, Sim, plain};
use dialect::{Credentials, Proof, SignedLogin, sign};
use ws_core::UnixTime;
use ws_core::session::auth::{AuthConfig, Refresh};
use ws_core::session::{SessionConfig, State};

#[test]
fn h05_the_signature_is_hmac_sha256_in_hexadecimal() {
    assert_eq!(
        sign(b"key", "The quick brown fox jumps over the lazy dog"),
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    );
}

fn proof(token: bool) -> Credentials {
    Credentials {
        now: UnixTime::from_nanos(1_000_000_000_000_000_000),
        proof: match token {
            true => Proof::Token("t0k3n".into()),
            false => Proof::Key {
                api_key: "me".into(),
                secret: "hunter2".into(),
            },
        },
    }
}

/// Logs in, and hears this answer.
fn log_in(token: bool, answer: &'static str) -> Sim<SignedLogin> {
    let threshold = Refresh::Before(Duration::from_secs(60));
    let config: SessionConfig = plain().login(Some(AuthConfig::default().refresh(threshold)));
    let mut sim = Sim::with(SignedLogin::default(), config, &[Plan::Serve]);
    sim.provider = Some(Box::new(move |_, _| Some(Ok(proof(token)))));
    sim.answers = Some(Box::new(move |_, _| vec![(0, answer.to_string())]));
    sim.start();
    sim
}

#[test]
fn h05_a_key_signs_and_a_token_is_shown() {
    let mut sim = log_in(false, r#"{"type":"auth_success","expires_in":600}"#);
    let signature = sign(b"hunter2", "me1000000000");
    let login = format!(
        r#"0: < {{"type":"auth","api_key":"me","timestamp":1000000000,"signature":"{signature}"}}"#
    );
    let log = sim.take_log();
    assert!(log.contains(&login), "{log:#?}");
    assert!(!format!("{log:?}{:?}", sim.session).contains("hunter2"));
    assert!(matches!(sim.session.state(), State::Ready { .. }));

    let mut sim = log_in(true, r#"{"type":"auth_success"}"#);
    let login = r#"0: < {"type":"auth","timestamp":1000000000,"token":"t0k3n"}"#;
    assert!(sim.take_log().contains(&login.to_string()));
}

#[test]
fn h06_a_login_lasts_as_long_as_the_server_says_or_an_hour() {
    for (answer, refresh_at) in [
        (r#"{"type":"auth_success","expires_in":600}"#, 540_000),
        (
            r#"{"type":"auth_success","expires_at":1000000300}"#,
            240_000,
        ),
        (r#"{"type":"auth_success"}"#, 3_540_000),
    ] {
        let mut sim = log_in(true, answer);
        sim.take_log();
        sim.run(refresh_at - 1);
        assert_eq!(sim.take_log(), [""; 0], "{answer}");
        sim.run(refresh_at);
        assert!(!sim.take_log().is_empty(), "{answer}");
    }
}

#[test]
fn h06_an_error_is_the_end() {
    let mut sim = log_in(true, r#"{"type":"auth_error","reason":"no such token"}"#);
    sim.run(600_000);
    assert_eq!(sim.session.state(), State::Terminal);
    assert_eq!(sim.dials, [0], "no loop on bad credentials");
}
