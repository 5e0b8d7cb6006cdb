//! Connections: what they hear, say and wait for, whole and in halves.

#[path = "../support/mod.rs"]
mod support;

mod byte_streams;
mod closing;
mod closing_edges;
mod cuts;
mod deadlines;
mod drain;
mod exchanged;
mod idle;
mod keepalive;
mod leftover;
mod messages_at_hand_need_no_clock;
mod pair;
mod prepared;
mod reference;
mod refusal_arrives;
mod sends;
mod sent_back;
mod split;
mod stream;
mod text_as_a_key;
