//! Deribit's JSON-RPC over WebSocket as a dialect: what it takes to teach a session one exchange.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use ws_core::handshake::Agreed;
use ws_core::message::{Message, Text};
use ws_core::policy::BucketId;
use ws_core::session::auth::{Purpose, Rejection};
use ws_core::session::correlate::{Key, RequestId};
use ws_core::session::subscriptions::{Item, Mark, Resume};
use ws_core::session::{Asked, Call, Class, Dialect, JsonRpc, News, Out};

/// An API key.
pub(crate) struct ApiKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}

/// The dialect, and what it has to remember from one message to the next.
#[derive(Default)]
pub(crate) struct Deribit {
    rpc: JsonRpc,
    /// Answers that the set-up of this connection still waits for.
    setting_up: u32,
    logged_in: bool,
    refresh_token: Option<String>,
}

/// The server sends heartbeats this often, and asks for a sign of life if it has had none.
const HEARTBEAT_SECS: u32 = 30;

impl Deribit {
    /// Asks something of the dialect's own.
    fn ask(method: &str, params: &impl serde::Serialize, out: &mut Out<'_>) {
        let id = out.id().number();
        // These parameters are strings and numbers.
        let call = Call::new(method).params(params).unwrap();
        out.kind(method);
        out.send(call.to_text(id));
    }
}

/// What the dialect looks at in a message that is no answer.
#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// How an order book numbers its changes.
#[derive(Deserialize)]
struct Change {
    change_id: u64,
    prev_change_id: Option<u64>,
}

#[derive(Deserialize)]
struct Token {
    expires_in: u64,
    refresh_token: String,
}

/// Too many requests.
const TOO_MANY: i64 = 10_028;

impl Dialect for Deribit {
    type Request = Call;
    type Credentials = ApiKey;

    fn request(&mut self, id: RequestId, request: &Call, out: &mut Out<'_>) {
        self.rpc.request(id, request, out);
    }

    fn key(&self, request: &Call) -> Option<Key> {
        self.rpc.key(request)
    }

    fn on_connect(&mut self, _: &Agreed, out: &mut Out<'_>) {
        self.logged_in = false;
        self.setting_up = 1;
        let params = [("client_name", "example"), ("client_version", "1")];
        Self::ask("public/hello", &object(params), out);
        out.wait();
    }

    fn login(&mut self, key: &ApiKey, purpose: Purpose, out: &mut Out<'_>) {
        let params = match (purpose, &self.refresh_token) {
            (Purpose::Refresh, Some(token)) => object([
                ("grant_type", "refresh_token"),
                ("refresh_token", token.as_str()),
            ]),
            _ => object([
                ("grant_type", "client_credentials"),
                ("client_id", &key.id),
                ("client_secret", &key.secret),
            ]),
        };
        Self::ask("public/auth", &params, out);
    }

    fn after_login(&mut self, out: &mut Out<'_>) {
        self.setting_up = 1;
        let interval = [("interval", HEARTBEAT_SECS)];
        Self::ask("public/set_heartbeat", &object(interval), out);
        if self.logged_in {
            self.setting_up += 1;
            let scope = object([("scope", "connection")]);
            Self::ask("private/enable_cancel_on_disconnect", &scope, out);
        }
        out.wait();
    }

    fn subscribe(&mut self, topics: &[Item<Text>], out: &mut Out<'_>) {
        // Raw channels are for those who are logged in, and all others are as well.
        let method = match self.logged_in {
            true => "private/subscribe",
            false => "public/subscribe",
        };
        Self::ask(method, &object([("channels", names(topics))]), out);
    }

    fn unsubscribe(&mut self, topics: &[Item<Text>], out: &mut Out<'_>) {
        let channels = object([("channels", names(topics))]);
        Self::ask("public/unsubscribe", &channels, out);
    }

    fn classify<'m>(&mut self, message: &Message<'m>, out: &mut Out<'_>) -> Class<'m> {
        let Message::Text(text) = *message else {
            return Class::Message;
        };
        if let Ok(Notification { method, params }) = serde_json::from_str(text) {
            return match (&*method, params.kind.as_deref(), params.channel) {
                ("heartbeat", kind, _) => {
                    out.tell(News::Heartbeat);
                    if kind == Some("test_request") {
                        out.kind("public/test");
                        out.send(r#"{"jsonrpc":"2.0","method":"public/test","params":{}}"#);
                    }
                    Class::Handled
                }
                ("subscription", _, Some(topic)) => {
                    let change = params.data.map(|data| serde_json::from_str(data.get()));
                    let mark = change
                        .and_then(Result::ok)
                        .map(|change: Change| Mark::Chain {
                            previous: change.prev_change_id,
                            current: change.change_id,
                        });
                    Class::Data { topic, mark }
                }
                _ => Class::Message,
            };
        }
        if let Ok(Err(error)) = JsonRpc::answer(text) {
            if error.code == TOO_MANY {
                let (bucket, wait) = (BucketId::A, Duration::from_secs(1));
                out.tell(News::Throttled { bucket, wait });
            }
        }
        self.rpc.classify(message, out)
    }

    fn answered(&mut self, asked: &Asked<'_>, message: &Message<'_>, out: &mut Out<'_>) {
        let text = std::str::from_utf8(message.payload()).unwrap_or_default();
        let Ok(outcome) = JsonRpc::answer(text) else {
            return;
        };
        match (asked, outcome) {
            (Asked::Setup, Ok(_)) => {
                self.setting_up = self.setting_up.saturating_sub(1);
                if self.setting_up == 0 {
                    out.tell(News::Proceed);
                }
            }
            (Asked::Setup, Err(_)) => out.tell(News::SetupRefused),
            (Asked::Login(_), Ok(result)) => {
                let token: Option<Token> = serde_json::from_str(result).ok();
                let ttl = token
                    .as_ref()
                    .map(|token| Duration::from_secs(token.expires_in));
                self.refresh_token = token.map(|token| token.refresh_token);
                self.logged_in = true;
                out.tell(News::LoggedIn { ttl });
            }
            (Asked::Login(_), Err(error)) => {
                // What worked once may not work twice: next time with the key.
                self.refresh_token = None;
                out.tell(News::LoginRefused(Rejection::Credentials(error.code)));
            }
            (Asked::Subscribe(items), Ok(result)) => {
                let channels: Vec<Cow<'_, str>> = serde_json::from_str(result).unwrap_or_default();
                for item in *items {
                    let topic = item.topic.clone();
                    let taken = channels.iter().any(|channel| *channel == *topic);
                    out.tell(match taken {
                        true => News::Subscribed {
                            topic,
                            resume: Resume::Unsaid,
                        },
                        false => News::SubscribeRefused {
                            topic,
                            reason: "no such channel".into(),
                        },
                    });
                }
            }
            (Asked::Subscribe(items), Err(error)) => {
                for item in *items {
                    let (topic, reason) = (item.topic.clone(), error.to_string().into());
                    out.tell(News::SubscribeRefused { topic, reason });
                }
            }
            (Asked::Unsubscribe(items), _) => {
                for item in *items {
                    let topic = item.topic.clone();
                    out.tell(News::Unsubscribed { topic });
                }
            }
            _ => {}
        }
    }
}

fn names(topics: &[Item<Text>]) -> Vec<&str> {
    topics.iter().map(|item| item.topic.as_str()).collect()
}

/// A JSON object of these fields.
fn object<T, const N: usize>(
    fields: [(&'static str, T); N],
) -> std::collections::BTreeMap<&'static str, T> {
    fields.into()
}
