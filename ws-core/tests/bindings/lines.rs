//! A protocol of lines, for sessions: the client says `number what`, the server answers `number ok
//! what`, and data is `data topic` with whatever follows.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::mpsc;

use crate::rt::ws;
use ws::ws_core::handshake::Agreed;
use ws::ws_core::message::{Message, Text};
use ws::ws_core::session::correlate::{Key, RequestId};
use ws::ws_core::session::subscriptions::Item;
use ws::ws_core::session::{Class, Dialect, Out};

/// The client's part of the protocol.
#[derive(Default)]
pub(crate) struct Lines {
    /// Is dropped along with the session.
    #[allow(dead_code, reason = "that it is dropped is all it is for")]
    pub(crate) alive: Option<mpsc::Sender<()>>,
}

fn ask(what: &str, out: &mut Out<'_>) {
    let id = out.id().number();
    out.send(format!("{id} {what}"));
}

fn topics(items: &[Item<Text>]) -> String {
    let topics: Vec<&str> = items.iter().map(|item| item.topic.as_str()).collect();
    topics.join(",")
}

impl Dialect for Lines {
    type Request = String;
    type Credentials = Infallible;

    fn request(&mut self, id: RequestId, request: &String, out: &mut Out<'_>) {
        out.send(format!("{} {request}", id.number()));
    }

    fn on_connect(&mut self, _: &Agreed, out: &mut Out<'_>) {
        ask("hello", out);
        out.wait();
    }

    fn subscribe(&mut self, items: &[Item<Text>], out: &mut Out<'_>) {
        ask(&format!("join {}", topics(items)), out);
    }

    fn unsubscribe(&mut self, items: &[Item<Text>], out: &mut Out<'_>) {
        ask(&format!("leave {}", topics(items)), out);
    }

    fn classify<'m>(&mut self, message: &Message<'m>, _: &mut Out<'_>) -> Class<'m> {
        let Message::Text(text) = message else {
            return Class::Message;
        };
        let mut words = text.split(' ');
        match (words.next(), words.next()) {
            (Some("data"), Some(topic)) => Class::Data {
                topic: Cow::Borrowed(topic),
                mark: None,
            },
            (Some(number), Some("ok")) => match number.parse() {
                Ok(number) => Class::Response(Key::Number(number)),
                Err(_) => Class::Message,
            },
            _ => Class::Message,
        }
    }
}
