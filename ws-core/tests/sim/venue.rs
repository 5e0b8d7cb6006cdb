//! An application protocol with everything that a session has a place for, small enough to read in a
//! log: requests, a login, options after the login, topics with sequence numbers, heartbeats, limits.
//!
//! The client says `number what`, the server answers `number ok ...` or `number no code`. Data is
//! `data topic number`, everything else is a message for the application.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use ws_core::handshake::{Agreed, Request};
use ws_core::message::{Message, Text};
use ws_core::policy::BucketId;
use ws_core::session::auth::{Purpose, Rejection};
use ws_core::session::correlate::{Key, RequestId};
use ws_core::session::subscriptions::{Item, Mark, Resume};
use ws_core::session::{Asked, Class, Dialect, News, Out};

/// What the dialect does beyond the minimum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Venue {
    /// Says `number hello` and waits for the answer.
    pub(crate) hello: bool,
    /// Says `number arm` after the login.
    pub(crate) arm: bool,
    /// Names the topics in answers instead of numbers.
    pub(crate) by_topic: bool,
    /// Topics that the application has subscribed to by a request of its own, by its number.
    pub(crate) overheard: BTreeMap<u64, Vec<Text>>,
}

fn topics(items: &[Item<Text>]) -> String {
    let topics: Vec<&str> = items.iter().map(|item| item.topic.as_str()).collect();
    topics.join(",")
}

impl Venue {
    fn ask(&self, what: &str, out: &mut Out<'_>) {
        if self.by_topic {
            out.send(format!("- {what}"));
        } else {
            let id = out.id().number();
            out.send(format!("{id} {what}"));
        }
    }
}

impl Dialect for Venue {
    /// A leading `=key ` gives the request a key of its own, `$kind ` a kind.
    type Request = &'static str;
    type Credentials = &'static str;

    fn request(&mut self, id: RequestId, request: &&'static str, out: &mut Out<'_>) {
        let (own, rest) = match request.strip_prefix('=') {
            Some(rest) => rest.split_once(' ').unwrap(),
            None => ("", *request),
        };
        if let Some((kind, _)) = rest.split_once(' ') {
            out.kind(kind);
        }
        if own.is_empty() {
            out.send(format!("{} {rest}", id.number()));
        } else {
            out.send(format!("{own} {rest}"));
        }
    }

    fn save(&self, request: &&'static str) -> Option<String> {
        Some(request.to_string())
    }

    fn load(&self, saved: &str) -> Option<&'static str> {
        Some(String::from(saved).leak())
    }

    fn key(&self, request: &&'static str) -> Option<Key> {
        let (own, _) = request.strip_prefix('=')?.split_once(' ')?;
        Some(Key::Text(own.into()))
    }

    fn sign(&mut self, credentials: &&'static str, request: &mut Request) {
        *request = request.clone().header("X-Key", credentials).unwrap();
    }

    fn on_connect(&mut self, _: &Agreed, out: &mut Out<'_>) {
        if self.hello {
            self.ask("hello", out);
            out.wait();
        }
    }

    fn login(&mut self, credentials: &&'static str, purpose: Purpose, out: &mut Out<'_>) {
        let how = match purpose {
            Purpose::Login => "login",
            Purpose::Refresh => "refresh",
        };
        self.ask(&format!("{how} {credentials}"), out);
    }

    fn after_login(&mut self, out: &mut Out<'_>) {
        if self.arm {
            self.ask("arm", out);
        }
    }

    fn subscribe(&mut self, items: &[Item<Text>], out: &mut Out<'_>) {
        self.ask(&format!("sub {}", topics(items)), out);
    }

    fn unsubscribe(&mut self, items: &[Item<Text>], out: &mut Out<'_>) {
        self.ask(&format!("unsub {}", topics(items)), out);
    }

    fn overhear(&mut self, message: &Message<'_>) -> Vec<News> {
        let text = std::str::from_utf8(message.payload()).unwrap();
        let (number, what) = text.split_once(' ').unwrap_or(("", text));
        let (verb, topics) = what.split_once(' ').unwrap_or((what, ""));
        let topics: Vec<Text> = topics.split(',').map(Into::into).collect();
        let all = topics.clone().into_iter();
        match verb {
            "sub" => {
                let mut news: Vec<News> = all.clone().map(|topic| News::Wanted { topic }).collect();
                match number.parse() {
                    Ok(number) => drop(self.overheard.insert(number, topics)),
                    // No answer will come.
                    Err(_) => news.extend(all.map(|topic| News::Subscribed {
                        topic,
                        resume: Resume::Unsaid,
                    })),
                }
                news
            }
            "unsub" => all.map(|topic| News::Unwanted { topic }).collect(),
            _ => Vec::new(),
        }
    }

    fn heartbeat(&mut self, out: &mut Out<'_>) {
        out.send("- beat");
    }

    fn classify<'m>(&mut self, message: &Message<'m>, out: &mut Out<'_>) -> Class<'m> {
        let Message::Text(text) = message else {
            return Class::Message;
        };
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        match first {
            "test?" => {
                out.kind("test");
                out.send("- test!");
                return Class::Handled;
            }
            "beat" => {
                out.tell(News::Heartbeat);
                return Class::Handled;
            }
            "go" => {
                out.tell(News::Proceed);
                return Class::Handled;
            }
            "stop" => {
                out.tell(News::SetupRefused);
                return Class::Handled;
            }
            "slow" => {
                let wait = Duration::from_millis(rest.parse().unwrap());
                let bucket = BucketId::A;
                out.tell(News::Throttled { bucket, wait });
                return Class::Handled;
            }
            "used" => {
                let used = rest.parse().unwrap();
                let (bucket, limit) = (BucketId::A, 100);
                out.tell(News::Used {
                    bucket,
                    used,
                    limit,
                });
                return Class::Handled;
            }
            "error" => return Class::Error,
            "call" => return Class::Call(Key::Text(rest.into())),
            "joined" => {
                let (topic, resume) = (rest.into(), Resume::Unsaid);
                out.tell(News::Subscribed { topic, resume });
                return Class::Handled;
            }
            "denied" => {
                let (topic, reason) = rest.split_once(' ').unwrap();
                let (topic, reason) = (topic.into(), reason.into());
                out.tell(News::SubscribeRefused { topic, reason });
                return Class::Handled;
            }
            "left" => {
                out.tell(News::Unsubscribed { topic: rest.into() });
                return Class::Handled;
            }
            "data" => {
                let (topic, number) = rest.split_once(' ').unwrap_or((rest, ""));
                let mark = number.parse().ok().map(Mark::Counter);
                let topic = Cow::Borrowed(topic);
                return Class::Data { topic, mark };
            }
            _ => {}
        }
        let answers = rest.starts_with("ok") || rest.starts_with("no");
        let overheard = first
            .parse()
            .ok()
            .and_then(|n: u64| self.overheard.remove(&n));
        for topic in overheard.into_iter().flatten() {
            let resume = Resume::Unsaid;
            out.tell(match rest.strip_prefix("no ") {
                None => News::Subscribed { topic, resume },
                Some(reason) => News::SubscribeRefused {
                    topic,
                    reason: reason.into(),
                },
            });
        }
        match first.parse() {
            Ok(number) if answers => Class::Response(Key::Number(number)),
            _ if answers => Class::Response(Key::Text(first.into())),
            _ => Class::Message,
        }
    }

    fn answered(&mut self, asked: &Asked<'_>, message: &Message<'_>, out: &mut Out<'_>) {
        let text = std::str::from_utf8(message.payload()).unwrap();
        let mut words = text.split(' ').skip(1);
        let good = words.next() == Some("ok");
        let number: Option<i64> = words.next().and_then(|word| word.parse().ok());
        match (asked, good) {
            (Asked::Setup, true) => out.tell(News::Proceed),
            (Asked::Setup, false) => out.tell(News::SetupRefused),
            (Asked::Login(_), true) => {
                let ttl = number.map(|secs| Duration::from_secs(secs.unsigned_abs()));
                out.tell(News::LoggedIn { ttl });
            }
            (Asked::Login(_), false) => {
                let code = number.unwrap_or(0);
                out.tell(News::LoginRefused(match code {
                    401 => Rejection::Credentials(code),
                    403 => Rejection::Denied(code),
                    _ => Rejection::Temporary(code),
                }));
            }
            (Asked::Subscribe(items), good) => {
                for item in *items {
                    let topic = item.topic.clone();
                    out.tell(if good {
                        let resume = match number {
                            Some(0) => Resume::Lost,
                            Some(_) => Resume::Recovered,
                            None => Resume::Unsaid,
                        };
                        News::Subscribed { topic, resume }
                    } else {
                        let reason = number.unwrap_or(0).to_string().into();
                        News::SubscribeRefused { topic, reason }
                    });
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

/// A server that says yes to everything at once.
pub(crate) fn yes(text: &str, _: u64) -> Vec<(u64, String)> {
    let number = text.split(' ').next().unwrap();
    match number.parse::<u64>() {
        Ok(_) => vec![(0, format!("{number} ok"))],
        Err(_) => vec![],
    }
}
