//! A venue with a protocol of words, as small as one can be that has a login, topics, orders and
//! limits; for examples and tests. It knows no sockets.
//!
//! | the client says | the venue answers |
//! |---|---|
//! | `login TOKEN` | `in`, or `out CODE` |
//! | `sub TOPIC` | `on TOPIC`, then `tick TOPIC NUMBER` now and then; or `slow MILLISECONDS` |
//! | `unsub TOPIC` | `off TOPIC` |
//! | `order ID NUMBER` | `done ID NUMBER` |

use std::borrow::Cow;
use std::time::Duration;

use ws_core::message::{Message, Text};
use ws_core::policy::BucketId;
use ws_core::session::auth::{Purpose, Rejection};
use ws_core::session::correlate::{Key, RequestId};
use ws_core::session::subscriptions::{Item, Mark, Resume};
use ws_core::session::{Class, Dialect, News, Out};

/// What the client speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Market;

impl Dialect for Market {
    /// The number of an order.
    type Request = u64;
    /// A token.
    type Credentials = String;

    fn request(&mut self, id: RequestId, order: &u64, out: &mut Out<'_>) {
        out.send(format!("order {} {order}", id.number()));
    }

    fn login(&mut self, token: &String, _: Purpose, out: &mut Out<'_>) {
        out.send(format!("login {token}"));
    }

    fn subscribe(&mut self, topics: &[Item<Text>], out: &mut Out<'_>) {
        for item in topics {
            out.send(format!("sub {}", &*item.topic));
        }
    }

    fn unsubscribe(&mut self, topics: &[Item<Text>], out: &mut Out<'_>) {
        for item in topics {
            out.send(format!("unsub {}", &*item.topic));
        }
    }

    fn classify<'m>(&mut self, message: &Message<'m>, out: &mut Out<'_>) -> Class<'m> {
        let Message::Text(text) = *message else {
            return Class::Message;
        };
        let mut words = text.split(' ');
        let (verb, what) = (words.next(), words.next().unwrap_or_default());
        let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
        let news = match verb {
            Some("in") => News::LoggedIn { ttl: None },
            Some("out") => {
                let code = what.parse().unwrap_or_default();
                News::LoginRefused(Rejection::Credentials(code))
            }
            Some("on") => News::Subscribed {
                topic: what.into(),
                resume: Resume::Unsaid,
            },
            Some("off") => News::Unsubscribed { topic: what.into() },
            Some("slow") => News::Throttled {
                bucket: BucketId::A,
                wait: Duration::from_millis(what.parse().unwrap_or_default()),
            },
            Some("tick") => {
                return Class::Data {
                    topic: Cow::Borrowed(what),
                    mark: number(words.next()).map(Mark::Counter),
                };
            }
            Some("done") => {
                let key = number(Some(what)).map(Key::Number);
                return key.map_or(Class::Message, Class::Response);
            }
            _ => return Class::Message,
        };
        out.tell(news);
        Class::Handled
    }
}

/// What the venue answers, apart from its limits.
pub(crate) fn answer(said: &str, token: &str) -> String {
    match said.split_once(' ') {
        Some(("login", given)) if given == token => "in".into(),
        Some(("login", _)) => "out 13009".into(),
        Some(("sub", topic)) => format!("on {topic}"),
        Some(("unsub", topic)) => format!("off {topic}"),
        Some(("order", order)) => format!("done {order}"),
        _ => "what?".into(),
    }
}
