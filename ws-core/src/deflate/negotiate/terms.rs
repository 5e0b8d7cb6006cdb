//! What was agreed on, or why it can't be.
//!
//! Nothing is read or decided here.

use alloc::boxed::Box;

use thiserror::Error;

#[cfg(doc)]
use crate::deflate::Demand;
use crate::deflate::options::{Takeover, Tuning};
use crate::error::Explanation;

/// What both ends agreed on, and how this end goes about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms {
    pub(in crate::deflate) tuning: Tuning,
    pub(in crate::deflate) own: Side,
    pub(in crate::deflate) peer: Side,
}

/// What one end agreed to do when it compresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::deflate) struct Side {
    pub(in crate::deflate) takeover: Takeover,
    /// From 8 to 15.
    pub(in crate::deflate) bits: u8,
}

impl Terms {
    /// The same, as the peer sees it.
    #[cfg(feature = "testing")]
    pub(crate) fn reversed(&self) -> Self {
        Self {
            own: self.peer,
            peer: self.own,
            ..self.clone()
        }
    }

    /// Do the messages of this end build on each other?
    #[must_use]
    pub const fn takeover(&self) -> Takeover {
        self.own.takeover
    }

    /// May the messages of the peer build on each other?
    #[must_use]
    pub const fn peer_takeover(&self) -> Takeover {
        self.peer.takeover
    }

    /// How far back this end looks when it compresses, as the exponent of a power of two, from 8 to
    /// 15. With 8 it sends everything as it is: zlib can't compress with so small a window.
    #[must_use]
    pub const fn window_bits(&self) -> u8 {
        self.own.bits
    }

    /// How far back the peer may look, likewise.
    #[must_use]
    pub const fn peer_window_bits(&self) -> u8 {
        self.peer.bits
    }
}

/// An answer to an offer of permessage-deflate that a client can't live with (RFC 7692 §7).
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TermsError {
    /// A parameter with a value that it can't have, or without one that it must have.
    #[error("{name} has a value that is not valid")]
    BadValue {
        /// The parameter.
        name: &'static str,
    },
    /// The server did not agree to what this client insists on (see [`Demand`]).
    #[error("{name} was asked for and not granted")]
    NotGranted {
        /// The parameter.
        name: &'static str,
    },
    /// A parameter appears twice.
    #[error("{name} appears twice")]
    Repeated {
        /// The parameter.
        name: &'static str,
    },
    /// A parameter that RFC 7692 does not define.
    #[error("parameter {name} is unknown")]
    Unknown {
        /// The parameter, cut to 64 bytes.
        name: Box<str>,
    },
}

impl TermsError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::NotGranted { .. } => Explanation::new(
                "The server compresses in a way that this client was told not to accept",
                "Use Demand::Prefer, ask for less, or configure the server",
            ),
            Self::BadValue { .. } | Self::Repeated { .. } | Self::Unknown { .. } => {
                Explanation::new(
                    "The server's answer to the offer of compression breaks RFC 7692",
                    "Report this to whoever wrote the server, or offer no compression",
                )
            }
        }
    }
}

impl Side {
    /// What a wish and a demand come to.
    pub(super) const fn new(takeover: Takeover, reset: bool, bits: u8) -> Self {
        let takeover = if reset { Takeover::Reset } else { takeover };
        Self { takeover, bits }
    }
}
