//! JSON-RPC 2.0 over WebSocket: a dialect in which requests are answered by their numbers.
//!
//! Notifications and requests of the server's are messages for the application, and so is all that
//! is not JSON-RPC: nothing that a server sends is an error here. It interprets no results.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::convert::Infallible;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::correlate::{Key, RequestId};
use super::dialect::{Class, Dialect};
use super::out::Out;
use crate::message::Message;

/// The JSON-RPC 2.0 dialect.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct JsonRpc;

/// What is asked of a JSON-RPC server.
///
/// ```
/// use ws_core::session::Call;
///
/// let call = Call::new("public/subscribe").params(&["ticker"])?;
/// assert_eq!(call.to_text(7), r#"{"jsonrpc":"2.0","id":7,"method":"public/subscribe","params":["ticker"]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    method: Box<str>,
    params: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Wire<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a RawValue>,
}

impl Call {
    /// A call without parameters.
    #[must_use]
    pub fn new(method: &str) -> Self {
        Self {
            method: method.into(),
            params: None,
        }
    }

    /// With parameters: anything that becomes a JSON array or object.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn params<T: Serialize + ?Sized>(mut self, params: &T) -> Result<Self, serde_json::Error> {
        self.params = Some(serde_json::value::to_raw_value(params)?);
        Ok(self)
    }

    /// The call as it is sent.
    #[must_use]
    pub fn to_text(&self, id: u64) -> String {
        let wire = Wire {
            jsonrpc: "2.0",
            id,
            method: &self.method,
            params: self.params.as_deref(),
        };
        // Text, a number and JSON that was checked before: there is nothing that could fail.
        serde_json::to_string(&wire).unwrap_or_default()
    }
}

/// What tells an answer from other messages.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<IgnoredAny>,
}

impl Dialect for JsonRpc {
    type Request = Call;
    type Credentials = Infallible;

    fn request(&mut self, id: RequestId, request: &Call, out: &mut Out<'_>) {
        out.send(request.to_text(id.number()));
    }

    fn classify<'m>(&mut self, message: &Message<'m>, _: &mut Out<'_>) -> Class<'m> {
        let payload = message.payload().trim_ascii_start();
        if !payload.starts_with(b"{") {
            // An array could be read as the fields of an answer, in their order.
            return Class::Message;
        }
        let probe = serde_json::from_slice(payload);
        let Ok(Probe {
            id: Some(id),
            method: None,
        }) = probe
        else {
            return Class::Message;
        };
        if let Ok(number) = serde_json::from_str(id.get()) {
            return Class::Response(Key::Number(number));
        }
        match serde_json::from_str::<String>(id.get()) {
            Ok(text) => Class::Response(Key::Text(text.into())),
            // Null, for an answer to what the server could not read.
            Err(_) => Class::Message,
        }
    }
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

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

impl JsonRpc {
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
        for other in [
            r#"{"jsonrpc":"2.0","method":"subscription","params":{"id":5}}"#,
            r#"{"jsonrpc":"2.0","id":5,"method":"public/test"}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
            r#"{"id":-1,"result":1}"#,
            "[1]",
            "hello",
            "",
            "{",
        ] {
            assert_eq!(class(other), Class::Message, "{other}");
        }
    }
}
