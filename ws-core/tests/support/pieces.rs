//! Messages that were handed out in pieces, put together again.

use ws_core::connection::OwnedEvent;
use ws_core::message::Kind;

/// Events as they would be if messages were handed out whole. The pieces of a message that did not
/// end are dropped.
pub(crate) fn join(events: Vec<OwnedEvent>) -> Vec<OwnedEvent> {
    let mut joined = Vec::new();
    let mut message: Option<(Kind, Vec<u8>)> = None;
    for event in events {
        let OwnedEvent::Chunk(chunk) = event else {
            joined.push(event);
            continue;
        };
        assert_eq!(chunk.first, message.is_none(), "the first piece, once");
        let (kind, bytes) = message.get_or_insert((chunk.kind, Vec::new()));
        assert_eq!(*kind, chunk.kind);
        assert!(!chunk.data.is_empty() || chunk.last, "a piece of nothing");
        bytes.extend_from_slice(&chunk.data);
        if chunk.last {
            let (kind, bytes) = message.take().expect("begun");
            joined.push(match kind {
                Kind::Text => OwnedEvent::Text(String::from_utf8(bytes).expect("checked").into()),
                Kind::Binary => OwnedEvent::Binary(bytes.into()),
            });
        }
    }
    joined
}
