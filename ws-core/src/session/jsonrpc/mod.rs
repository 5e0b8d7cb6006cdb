//! JSON-RPC 2.0 over WebSocket: a dialect in which requests are answered by their numbers.
//!
//! Notifications of the server's are messages for the application, and so is all that is not JSON-RPC:
//! nothing that a server sends is an error here. It interprets no results.

mod call;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::convert::Infallible;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

pub use call::Call;
use call::of_member;

use super::correlate::{Key, RequestId};
use super::dialect::{Class, Dialect};
use super::out::Out;
use crate::message::Message;

/// The JSON-RPC 2.0 dialect.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct JsonRpc;

/// What tells an answer from other messages.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<IgnoredAny>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

impl Probe<'_> {
    fn key(&self) -> Option<Key> {
        let id = self.id?.get();
        if let Ok(number) = serde_json::from_str(id) {
            return Some(Key::Number(number));
        }
        let text: String = serde_json::from_str(id).ok()?;
        Some(Key::Text(text.into()))
    }
}

impl Dialect for JsonRpc {
    type Request = Call;
    type Credentials = Infallible;

    fn request(&mut self, id: RequestId, request: &Call, out: &mut Out<'_>) {
        for call in request.calls() {
            out.kind(&call.method);
        }
        out.send(request.to_text(id.number()));
    }

    fn save(&self, request: &Call) -> Option<String> {
        Some(request.save())
    }

    fn load(&self, saved: &str) -> Option<Call> {
        Call::load(saved)
    }

    fn key(&self, request: &Call) -> Option<Key> {
        request.own_id()
    }

    fn classify<'m>(&mut self, message: &Message<'m>, _: &mut Out<'_>) -> Class<'m> {
        let payload = message.payload().trim_ascii_start();
        match payload.first() {
            Some(b'[') => of_batch(payload),
            Some(b'{') => of_object(payload),
            _ => Class::Message,
        }
    }
}

fn of_object(payload: &[u8]) -> Class<'static> {
    let Ok(probe) = serde_json::from_slice::<Probe<'_>>(payload) else {
        return Class::Message;
    };
    match (probe.key(), probe.method) {
        (Some(key), Some(_)) => Class::Call(key),
        (Some(key), None) => Class::Response(key),
        // For an answer to what the server could not read.
        (None, None) if probe.error.is_some() => Class::Error,
        (None, _) => Class::Message,
    }
}

/// The answers to a batch name it in their ids.
fn of_batch(payload: &[u8]) -> Class<'static> {
    let answers: Result<Vec<Probe<'_>>, _> = serde_json::from_slice(payload);
    let batch = answers.ok().and_then(|answers| {
        let mut answers = answers.iter().filter(|probe| probe.method.is_none());
        answers.find_map(|probe| match probe.key()? {
            Key::Text(id) => of_member(&id),
            _ => None,
        })
    });
    batch.map_or(Class::Message, |(batch, _)| {
        Class::Response(Key::Number(batch))
    })
}

/// What a JSON-RPC server answered instead of a result.
#[derive(Clone, Debug, Deserialize, Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// The number of the error; those from -32768 to -32000 are JSON-RPC's own.
    pub code: i64,
    /// What happened, in the server's words.
    #[serde(default)]
    pub message: String,
    /// Whatever else the server says about it, as JSON.
    #[serde(default)]
    pub data: Option<Box<RawValue>>,
}

impl PartialEq for RpcError {
    fn eq(&self, other: &Self) -> bool {
        let data = |error: &Self| error.data.as_ref().map(ToString::to_string);
        (self.code, &self.message, data(self)) == (other.code, &other.message, data(other))
    }
}

fn id_text(key: &Key) -> String {
    match key {
        Key::Number(number) => number.to_string(),
        Key::Text(text) => serde_json::to_string(text).unwrap_or_default(),
        Key::Order(_) => "null".into(),
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

/// The outcomes of a batch, by the places of its calls.
pub type Answers<'a> = Vec<(usize, Result<&'a str, RpcError>)>;

impl JsonRpc {
    /// Reads the answer to a [batch](Call::batch): the place of each call in it, and its outcome, in
    /// the order of the answers. Calls that the server has not answered are missing.
    ///
    /// # Errors
    /// The text is not JSON, or no array of answers; a single error means the batch as a whole, and
    /// is read by [`answer`](Self::answer).
    pub fn answers(text: &str) -> Result<Answers<'_>, serde_json::Error> {
        let answers: Vec<&RawValue> = serde_json::from_str(text)?;
        let mut read = Vec::with_capacity(answers.len());
        for answer in answers {
            let probe: Probe<'_> = serde_json::from_str(answer.get())?;
            if let Some(Key::Text(id)) = probe.key() {
                if let Some((_, at)) = of_member(&id) {
                    read.push((at, Self::answer(answer.get())?));
                }
            }
        }
        Ok(read)
    }

    /// The answer to a request of the server's, by the key of its
    /// [`Event::Call`](super::Event::Call); to be sent as a message.
    ///
    /// # Errors
    /// The result can't be written as JSON.
    pub fn reply<T: Serialize + ?Sized>(
        key: &Key,
        result: &T,
    ) -> Result<String, serde_json::Error> {
        let result = serde_json::value::to_raw_value(result)?;
        let id = id_text(key);
        Ok(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
        ))
    }

    /// The refusal of a request of the server's; to be sent as a message.
    #[must_use]
    pub fn refuse(key: &Key, code: i64, message: &str) -> String {
        let message = serde_json::to_string(message).unwrap_or_default();
        let id = id_text(key);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#)
    }

    /// Reads an answer: its result as JSON, or the server's error. A result that is missing is
    /// `null`.
    ///
    /// ```
    /// use ws_core::session::JsonRpc;
    ///
    /// let result = JsonRpc::answer(r#"{"jsonrpc":"2.0","id":1,"result":[1,2]}"#)?;
    /// assert_eq!(result.unwrap(), "[1,2]");
    /// let error = JsonRpc::answer(r#"{"id":1,"error":{"code":-32601,"message":"what?"}}"#)?;
    /// assert_eq!(error.unwrap_err().code, -32601);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// The text is not JSON, or not an answer.
    pub fn answer(text: &str) -> Result<Result<&str, RpcError>, serde_json::Error> {
        let Answer { result, error } = serde_json::from_str(text)?;
        Ok(match error {
            Some(error) => Err(error),
            None => Ok(result.map_or("null", RawValue::get)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Config, Connection};
    use crate::handshake::{Agreed, Opened};
    use crate::policy::Pricing;
    use crate::session::correlate::{Correlator, CorrelatorConfig};
    use crate::{Instant, Role, Seed};

    fn class(text: &str) -> Class<'_> {
        let opened = Opened::upgraded(Role::Client, Agreed::default(), b"", Seed::new([0; 32]));
        let mut connection = Connection::new(opened, &Config::default(), Instant::ORIGIN);
        let mut ids = Correlator::new(CorrelatorConfig::default());
        let pricing = Pricing::default();
        let mut out = Out::wire(connection.sender(), &mut ids, &pricing);
        JsonRpc.classify(&Message::Text(text), &mut out)
    }

    #[test]
    fn only_answers_are_answers() {
        let number = |n| Class::Response(Key::Number(n));
        assert_eq!(
            class(r#"{"jsonrpc":"2.0","id":5,"result":null}"#),
            number(5)
        );
        assert_eq!(
            class(r#"{"error":{"code":1},"id":9007199254740991}"#),
            number((1 << 53) - 1)
        );
        let text = Class::Response(Key::Text("a-1".into()));
        assert_eq!(class(r#"{"id":"a\u002d1","result":1}"#), text);
        let call = class(r#"{"jsonrpc":"2.0","id":5,"method":"public/test"}"#);
        assert_eq!(call, Class::Call(Key::Number(5)));
        let error =
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;
        assert_eq!(class(error), Class::Error);
        let batch = r#"[{"id":null,"error":{}},{"id":"12.1","result":1}]"#;
        assert_eq!(class(batch), number(12));
        for other in [
            r#"[{"id":"x","result":1}]"#,
            r#"[{"id":"1.0","method":"x"}]"#,
            r#"{"jsonrpc":"2.0","method":"subscription","params":{"id":5}}"#,
            r#"{"id":-1,"result":1}"#,
            "[1]",
            "hello",
            "",
            "{",
        ] {
            assert_eq!(class(other), Class::Message, "{other}");
        }
    }

    #[test]
    fn the_answers_to_a_batch_find_their_calls() {
        let answers = r#"[{"id":"9.2","result":[1]},{"id":"9.0","error":{"code":7}}]"#;
        let answers = JsonRpc::answers(answers).unwrap();
        assert_eq!(answers[0], (2, Ok("[1]")));
        assert_eq!(answers[1].0, 0);
        assert_eq!(answers[1].1.as_ref().unwrap_err().code, 7);
        assert!(JsonRpc::answers("{}").is_err());
    }

    #[test]
    fn requests_of_the_server_s_can_be_answered() {
        let reply = JsonRpc::reply(&Key::Number(3), &[true]).unwrap();
        assert_eq!(reply, r#"{"jsonrpc":"2.0","id":3,"result":[true]}"#);
        let refusal = JsonRpc::refuse(&Key::Text("q".into()), -32601, "no \"x\"");
        let expected = r#"{"jsonrpc":"2.0","id":"q","error":{"code":-32601,"message":"no \"x\""}}"#;
        assert_eq!(refusal, expected);
    }
}
