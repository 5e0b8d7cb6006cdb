//! A login by a message that is signed, or that carries a token, as a dialect: a sample to start from.
//!
//! The client says `{"type":"auth","api_key":…,"timestamp":…,"signature":…}`, where the signature is
//! HMAC-SHA256 over the key and the timestamp, in hexadecimal; or
//! `{"type":"auth","timestamp":…,"token":…}`. The server says `{"type":"auth_success"}`, with
//! `expires_in` seconds or a time `expires_at` if it knows, or `{"type":"auth_error","reason":…}`.
//! It reads no clock: whoever comes up with credentials says what time it is.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use ws_core::UnixTime;
use ws_core::message::Message;
use ws_core::session::auth::{Purpose, Rejection};
use ws_core::session::correlate::RequestId;
use ws_core::session::{Class, Dialect, News, Out};

/// What a login needs, fresh for each.
pub(crate) struct Credentials {
    /// What time it is.
    pub(crate) now: UnixTime,
    pub(crate) proof: Proof,
}

/// Who one is.
pub(crate) enum Proof {
    Key { api_key: String, secret: String },
    Token(String),
}

impl Credentials {
    /// The message that logs in with them.
    pub(crate) fn login(&self) -> String {
        let timestamp = self.now.as_nanos() / 1_000_000_000;
        let mut login = Login {
            r#type: "auth",
            api_key: None,
            timestamp,
            signature: None,
            token: None,
        };
        match &self.proof {
            Proof::Key { api_key, secret } => {
                let text = format!("{api_key}{timestamp}");
                login.signature = Some(sign(secret.as_bytes(), &text));
                login.api_key = Some(api_key);
            }
            Proof::Token(token) => login.token = Some(token),
        }
        serde_json::to_string(&login).expect("strings and numbers")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

/// The dialect. It remembers when it logged in, by the clock of whoever gave the credentials.
#[derive(Debug, Default)]
pub(crate) struct SignedLogin {
    asked_at: UnixTime,
}

/// How long a login lasts if the server does not say.
const DEFAULT_TTL: Duration = Duration::from_secs(3600);

#[derive(Serialize)]
struct Login<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
    timestamp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// What the server answers.
#[derive(Deserialize)]
struct Answer {
    r#type: String,
    /// Seconds from now.
    expires_in: Option<u64>,
    /// Seconds since the beginning of 1970.
    expires_at: Option<u64>,
}

impl Answer {
    fn ttl(&self, now: UnixTime) -> Duration {
        let until = |at: u64| {
            let at = UnixTime::from_nanos(at.saturating_mul(1_000_000_000));
            at.saturating_duration_since(now)
        };
        let ttl = self.expires_at.map(until);
        ttl.or_else(|| self.expires_in.map(Duration::from_secs))
            .unwrap_or(DEFAULT_TTL)
    }
}

/// HMAC-SHA256 (RFC 2104) in hexadecimal.
pub(crate) fn sign(secret: &[u8], text: &str) -> String {
    // A key of any length will do.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    let digits = mac.finalize().into_bytes();
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Dialect for SignedLogin {
    type Request = Infallible;
    type Credentials = Credentials;

    fn request(&mut self, _: RequestId, request: &Infallible, _: &mut Out<'_>) {
        match *request {}
    }

    fn login(&mut self, credentials: &Credentials, _: Purpose, out: &mut Out<'_>) {
        self.asked_at = credentials.now;
        out.send(credentials.login());
    }

    fn classify<'m>(&mut self, message: &Message<'m>, out: &mut Out<'_>) -> Class<'m> {
        let Ok(answer) = serde_json::from_slice::<Answer>(message.payload()) else {
            return Class::Message;
        };
        match &*answer.r#type {
            "auth_success" => {
                let ttl = Some(answer.ttl(self.asked_at));
                out.tell(News::LoggedIn { ttl });
            }
            "auth_error" => out.tell(News::LoginRefused(Rejection::Denied(0))),
            _ => return Class::Message,
        }
        Class::Handled
    }
}
