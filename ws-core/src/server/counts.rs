//! What a server has at the moment and what it has seen, as numbers. It counts nothing itself.

/// A server's numbers.
///
/// The first five say what is under way, the rest what has happened since the server began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections that are open.
    pub open: usize,
    /// Of these, those whose client takes less than is sent to it: bytes wait for the transport to
    /// take them. Their handlers wait as well, once the send queue is full. Where each connection has
    /// a thread, a write that is just under way counts too.
    pub stalled: usize,
    /// Opening handshakes under way.
    pub handshaking: usize,
    /// Refusals under way.
    pub refusing: usize,
    /// No connection is accepted at the moment, because accepting has failed for want of something:
    /// descriptors, most likely. Clients wait in the kernel's queue.
    pub paused: bool,

    /// Connections that were opened.
    pub opened: u64,
    /// Handshakes that led to no connection: too slow, not for a WebSocket, refused by the
    /// application or for their origin.
    pub failed: u64,
    /// Clients refused because the server was full ([`Refusal::Full`](super::Refusal::Full)).
    pub refused_full: u64,
    /// Clients refused because there were too many from their address.
    pub refused_address: u64,
    /// Clients refused because too many handshakes were under way.
    pub refused_handshakes: u64,
    /// Clients refused because the server was going down.
    pub refused_closing: u64,
    /// Clients that were hung up on without an answer.
    pub dropped: u64,
    /// Handlers that panicked. What a panic drops is closed with 1011.
    pub panicked: u64,
    /// Times that accepting failed, for whatever reason.
    pub accept_faults: u64,
}
