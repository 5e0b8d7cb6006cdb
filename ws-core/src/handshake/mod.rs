//! The opening handshake (RFC 6455 §4), for both roles.
//!
//! Knows HTTP/1.1 heads and what RFC 6455 asks of them; refuses to know frames and connections. What
//! a handshake leaves behind is an [`Opened`], the only way into a connection.
//!
//! A client makes a [`Request`] and drives a [`ClientHandshake`]; a server drives a
//! [`ServerHandshake`] and answers with an [`Accept`] or a refusal. Both are strict: what is not a
//! handshake of RFC 6455 ends in one [`HandshakeError`], and a server tells its client why before it
//! says so here. Both hold no more than [`Limits`] allow and take no longer.
//!
//! Joined in memory:
//!
//! ```
//! use bytes::Buf;
//! use ws_core::handshake::{Accept, ClientHandshake, Limits, Request, ServerHandshake};
//! use ws_core::{Instant, Machine, Seed};
//!
//! let now = Instant::ORIGIN;
//! let request = Request::new("ws://example.com/chat")?.subprotocol("chat")?;
//! let mut client = ClientHandshake::new(&request, Limits::default(), Seed::new([7; 32]), now);
//! let mut server = ServerHandshake::new(Limits::default(), now);
//!
//! fn carry(from: &mut impl Machine, to: &mut impl Machine) {
//!     let send = from.io().1;
//!     to.io().0.extend_from_slice(&send.copy_to_bytes(send.remaining()));
//! }
//! carry(&mut client, &mut server);
//! assert_eq!(server.poll(now)?.expect("a request").path(), "/chat");
//! server.accept(Accept::new().subprotocol("chat"))?;
//! carry(&mut server, &mut client);
//! assert_eq!(client.poll(now)?.expect("an answer").subprotocol(), Some("chat"));
//! let (client, server) = (client.finish().expect("accepted"), server.finish().expect("written"));
//! assert_eq!(client.agreed().subprotocol, server.agreed().subprotocol);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admit;
mod answer;
mod auth;
mod body;
mod client;
mod error;
mod explain;
mod fields;
mod head;
#[cfg(feature = "http")]
pub mod http;
mod incoming;
mod key;
mod limits;
mod misuse;
mod origin;
mod redirect;
mod rejection;
mod request;
mod response;
mod scan;
mod server;
mod target;
mod token;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::buf::RecvBuf;
#[cfg(feature = "deflate")]
use crate::deflate::Terms;
use crate::ext::Offer;
use crate::seed::Keys;
use crate::{Role, Seed};

/// What the answer of a proxy is read with, which is HTTP too.
pub(crate) mod wire {
    pub(crate) use super::auth::basic;
    pub(crate) use super::body::Body;
    pub(crate) use super::head::{parse, parse_status_line};
    pub(crate) use super::scan::{Kind, Scanner};
}

pub use answer::Accept;
pub use auth::BasicAuth;
pub use client::ClientHandshake;
pub use error::{HandshakeError, HeadFault};
pub use fields::HeaderError;
pub use head::Headers;
pub use incoming::RequestHead;
pub use limits::Limits;
pub use misuse::{AnswerError, RequestError};
pub use origin::OriginPolicy;
pub use redirect::RedirectError;
pub use rejection::Rejection;
pub use request::Request;
pub use response::Response;
pub use server::ServerHandshake;

/// Bytes that are kept of what a peer sends behind its part while the other part is not written yet.
/// No one has to send that early (RFC 6455 §4.1), and without a limit it could be anything.
const EARLY: usize = 64 * 1024;

/// What both ends agreed on in the opening handshake.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Agreed {
    /// The subprotocol that the server chose (`Sec-WebSocket-Protocol`), if any.
    pub subprotocol: Option<Box<str>>,
    /// The extensions that the server accepted by name (`Sec-WebSocket-Extensions`), with its
    /// parameters. Applying them is up to who offered them.
    pub extensions: Vec<Offer>,
    /// How messages are compressed (`permessage-deflate`), if they are.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Terms>,
    /// All headers of the server's answer. Only a client has them.
    pub response_headers: Option<Box<Headers>>,
}

impl Agreed {
    /// Nothing beyond the protocol itself.
    pub(crate) const fn nothing() -> Self {
        Self {
            subprotocol: None,
            extensions: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
            response_headers: None,
        }
    }
}

/// What an opening handshake leaves behind: the role, what was agreed, and the bytes that followed
/// the handshake in the same read, which already belong to the first frames.
pub struct Opened {
    pub(crate) role: Role,
    pub(crate) agreed: Agreed,
    pub(crate) recv: RecvBuf,
    pub(crate) keys: Option<Keys>,
}

impl Opened {
    /// For connections whose handshake was done elsewhere, by an HTTP server or a test: `leftover`
    /// is what was received after it. Only a client uses the seed.
    #[must_use]
    pub fn upgraded(role: Role, agreed: Agreed, leftover: &[u8], seed: Seed) -> Self {
        let mut recv = RecvBuf::new();
        if !leftover.is_empty() {
            recv.extend_from_slice(leftover);
        }
        let keys = (role == Role::Client).then(|| Keys::new(&seed));
        Self {
            role,
            agreed,
            recv,
            keys,
        }
    }

    /// [`upgraded`](Self::upgraded), for servers.
    #[must_use]
    pub fn accepted(agreed: Agreed, leftover: &[u8]) -> Self {
        Self::upgraded(Role::Server, agreed, leftover, Seed::new([0; 32]))
    }

    /// Which end this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// What was agreed.
    #[must_use]
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// Bytes that were received behind the handshake.
    #[must_use]
    pub fn leftover(&self) -> &[u8] {
        self.recv.filled()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("role", &self.role)
            .field("agreed", &self.agreed)
            .field("leftover", &self.recv.filled().len())
            .finish_non_exhaustive()
    }
}
