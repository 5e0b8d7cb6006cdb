//! What is asked of a JSON-RPC server: one call, or several in one message.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::session::correlate::Key;

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
pub struct Call(Shape);

#[derive(Clone, Debug)]
enum Shape {
    Batch(Box<[One]>),
    One(One),
}

#[derive(Clone, Debug)]
pub(super) struct One {
    pub(super) method: Box<str>,
    params: Option<Box<RawValue>>,
    /// An id of the application's own.
    id: Option<Key>,
}

#[derive(Serialize)]
struct Wire<'a> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id<'a>>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Id<'a> {
    Number(u64),
    Text(Cow<'a, str>),
}

impl One {
    fn wire<'a>(&'a self, id: Option<Id<'a>>) -> Wire<'a> {
        Wire {
            jsonrpc: "2.0",
            id,
            method: &self.method,
            params: self.params.as_deref(),
        }
    }
}

impl Call {
    /// A call without parameters.
    #[must_use]
    pub fn new(method: &str) -> Self {
        Self(Shape::One(One {
            method: method.into(),
            params: None,
            id: None,
        }))
    }

    /// Several calls in one message, answered in one message; see
    /// [`JsonRpc::answers`](super::JsonRpc::answers). A batch within becomes part of it, and own ids
    /// within are ignored.
    #[must_use]
    pub fn batch(calls: impl IntoIterator<Item = Self>) -> Self {
        let calls = calls.into_iter().flat_map(|call| match call.0 {
            Shape::Batch(calls) => calls.into_vec(),
            Shape::One(call) => Vec::from([call]),
        });
        Self(Shape::Batch(calls.collect()))
    }

    /// With parameters: anything that becomes a JSON array or object. A batch stays as it is: its
    /// calls have their own.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn params<T: Serialize + ?Sized>(mut self, params: &T) -> Result<Self, serde_json::Error> {
        let params = serde_json::value::to_raw_value(params)?;
        if let Shape::One(call) = &mut self.0 {
            call.params = Some(params);
        }
        Ok(self)
    }

    /// With an id of the application's own instead of a number of the session's. It is refused while
    /// another request with it waits for its answer. A batch stays as it is.
    #[must_use]
    pub fn id(mut self, id: Key) -> Self {
        if let Shape::One(call) = &mut self.0 {
            call.id = Some(id);
        }
        self
    }

    /// The call as it is sent.
    #[must_use]
    pub fn to_text(&self, id: u64) -> String {
        // Text, a number and JSON that was checked before: there is nothing that could fail.
        match &self.0 {
            Shape::One(call) => {
                let id = match &call.id {
                    Some(Key::Number(number)) => Id::Number(*number),
                    Some(Key::Text(text)) => Id::Text(Cow::Borrowed(text)),
                    Some(Key::Order(_)) | None => Id::Number(id),
                };
                serde_json::to_string(&call.wire(Some(id))).unwrap_or_default()
            }
            Shape::Batch(calls) => {
                let calls = calls.iter().enumerate();
                let wire = calls.map(|(at, call)| call.wire(Some(Id::Text(member(id, at).into()))));
                serde_json::to_string(&wire.collect::<Vec<_>>()).unwrap_or_default()
            }
        }
    }

    /// The call as a notification, which is not answered, to be sent as a message. A batch becomes
    /// one of notifications.
    #[must_use]
    pub fn to_notification(&self) -> String {
        match &self.0 {
            Shape::One(call) => serde_json::to_string(&call.wire(None)).unwrap_or_default(),
            Shape::Batch(calls) => {
                let wire: Vec<_> = calls.iter().map(|call| call.wire(None)).collect();
                serde_json::to_string(&wire).unwrap_or_default()
            }
        }
    }

    /// The call as JSON of its own, to be loaded again.
    pub(super) fn save(&self) -> String {
        let saved = |call: &One| {
            let id = call.id.as_ref().map(|id| match id {
                Key::Number(number) => (Some(*number), None),
                Key::Text(text) => (None, Some(text.clone())),
                Key::Order(_) => (None, None),
            });
            (call.method.clone(), call.params.clone(), id)
        };
        let batch = matches!(self.0, Shape::Batch(_));
        let calls: Vec<Saved> = self.calls().iter().map(saved).collect();
        serde_json::to_string(&(batch, calls)).unwrap_or_default()
    }

    pub(super) fn load(saved: &str) -> Option<Self> {
        let (batch, calls): (bool, Vec<Saved>) = serde_json::from_str(saved).ok()?;
        let call = |(method, params, id): Saved| One {
            method,
            params,
            id: id.and_then(|(number, text)| match (number, text) {
                (Some(number), _) => Some(Key::Number(number)),
                (None, text) => text.map(Key::Text),
            }),
        };
        let mut calls = calls.into_iter().map(call);
        Some(Self(if batch {
            Shape::Batch(calls.collect())
        } else {
            Shape::One(calls.next()?)
        }))
    }

    pub(super) fn calls(&self) -> &[One] {
        match &self.0 {
            Shape::Batch(calls) => calls,
            Shape::One(call) => core::slice::from_ref(call),
        }
    }

    /// The id of the application's own.
    pub(super) fn own_id(&self) -> Option<Key> {
        match &self.0 {
            Shape::Batch(_) => None,
            Shape::One(call) => call.id.clone(),
        }
    }
}

/// A call as a journal keeps it: its method, its parameters, its own id as a number or a text.
type Saved = (
    Box<str>,
    Option<Box<RawValue>>,
    Option<(Option<u64>, Option<Box<str>>)>,
);

/// The id of a call in a batch: the number of the batch and its place in it.
fn member(batch: u64, at: usize) -> String {
    format!("{batch}.{at}")
}

/// The batch and the place that an id names.
pub(super) fn of_member(id: &str) -> Option<(u64, usize)> {
    let (batch, at) = id.split_once('.')?;
    Some((batch.parse().ok()?, at.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_one_message() {
        let calls = ["a", "b"].map(Call::new);
        let batch = Call::batch([Call::batch(calls), Call::new("c").id(Key::Number(1))]);
        let text = batch.to_text(9);
        let expected = concat!(
            r#"[{"jsonrpc":"2.0","id":"9.0","method":"a"},"#,
            r#"{"jsonrpc":"2.0","id":"9.1","method":"b"},"#,
            r#"{"jsonrpc":"2.0","id":"9.2","method":"c"}]"#
        );
        assert_eq!(text, expected);
        assert_eq!(batch.own_id(), None);
        let notes = Call::batch([Call::new("a")]).to_notification();
        assert_eq!(notes, r#"[{"jsonrpc":"2.0","method":"a"}]"#);
        assert_eq!(of_member("9.2"), Some((9, 2)));
        assert_eq!(of_member("9"), None);
    }

    #[test]
    fn own_ids_and_notifications() {
        let own = Call::new("a").id(Key::Text("x\"y".into()));
        let text = r#"{"jsonrpc":"2.0","id":"x\"y","method":"a"}"#;
        assert_eq!(own.to_text(1), text);
        assert_eq!(own.own_id(), Some(Key::Text("x\"y".into())));
        let number = Call::new("a").id(Key::Number(77));
        let text = r#"{"jsonrpc":"2.0","id":77,"method":"a"}"#;
        assert_eq!(number.to_text(1), text);
        let note = Call::new("a").params(&[1]).unwrap().to_notification();
        assert_eq!(note, r#"{"jsonrpc":"2.0","method":"a","params":[1]}"#);
    }

    #[test]
    fn a_call_can_be_kept_and_loaded_again() {
        let params = Call::new("a").params(&[1]).unwrap();
        let calls = [
            Call::new("b").id(Key::Number(7)),
            Call::new("c").id(Key::Text("x".into())),
            Call::batch([Call::new("d"), params.clone()]),
            params,
        ];
        for call in calls {
            let again = Call::load(&call.save()).unwrap();
            assert_eq!(again.to_text(3), call.to_text(3));
            assert_eq!(again.own_id(), call.own_id());
        }
        assert!(Call::load("[false,[]]").is_none());
        assert!(Call::load("nonsense").is_none());
    }
}
