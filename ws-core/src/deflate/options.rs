//! What the owner of a connection may choose about compression.
//!
//! Nothing is negotiated here.

/// How to compress: what is offered to a server or accepted from a client, and how much work and
/// memory goes into it. The setters chain.
///
/// Three presets cover most uses, and every knob can be turned alone:
///
/// | | [`low_memory`](Self::low_memory) | [`balanced`](Self::balanced) | [`max_ratio`](Self::max_ratio) |
/// |---|---|---|---|
/// | [`level`](Self::level) | 1 | 2 | 9 |
/// | [`takeover`](Self::takeover), both ways | `Reset` | `Keep` | `Keep` |
/// | [`window_bits`](Self::window_bits), both ways | 15 | 12 | 15 |
/// | [`demand`](Self::demand) | `Insist` | `Prefer` | `Prefer` |
/// | idle memory of a connection | none | two windows of 4 KiB | two windows of 32 KiB |
///
/// What compresses and decompresses is shared by the connections of a thread and is not part of
/// that memory: at most 8 compressors of up to 400 KiB and 8 decompressors of 65 KiB are kept. In
/// the middle of a message a connection holds one of them.
///
/// ```
/// use ws_core::deflate::{Deflate, Takeover};
///
/// let deflate = Deflate::balanced().level(6).peer_takeover(Takeover::Reset);
/// assert_eq!(deflate, Deflate::default().level(6).peer_takeover(Takeover::Reset));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deflate {
    pub(super) tuning: Tuning,
    pub(super) takeover: Takeover,
    pub(super) peer_takeover: Takeover,
    pub(super) window_bits: u8,
    pub(super) peer_window_bits: u8,
    pub(super) demand: Demand,
}

/// What only this end knows of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Tuning {
    pub(super) level: u8,
    pub(super) mem_level: u8,
    pub(super) threshold: usize,
}

/// Does a message build on what was sent before it (RFC 7692 §7.1.1)?
///
/// Exhaustive on purpose: it does or it does not.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Takeover {
    /// It does: better compression of messages that are alike, for the memory of one window.
    Keep,
    /// Each message stands alone, and nothing is remembered between two of them.
    Reset,
}

/// What to do if the peer can't be bound to the wishes about its side.
///
/// Exhaustive on purpose: there are no half measures.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Demand {
    /// Do not compress then. The memory a connection takes is certain.
    Insist,
    /// Compress all the same. A client says so by a second offer without the wishes, a server by
    /// accepting a client that did not say that its window can be limited.
    Prefer,
}

impl Default for Deflate {
    fn default() -> Self {
        Self::balanced()
    }
}

impl Deflate {
    /// Nothing is remembered between messages: an idle connection takes no more memory than without
    /// compression.
    #[must_use]
    pub const fn low_memory() -> Self {
        Self {
            tuning: Tuning {
                level: 1,
                mem_level: 8,
                threshold: 64,
            },
            takeover: Takeover::Reset,
            peer_takeover: Takeover::Reset,
            window_bits: 15,
            peer_window_bits: 15,
            demand: Demand::Insist,
        }
    }

    /// Small windows, which suit short messages that are alike. The default.
    #[must_use]
    pub const fn balanced() -> Self {
        Self {
            tuning: Tuning {
                level: 2,
                mem_level: 8,
                threshold: 64,
            },
            takeover: Takeover::Keep,
            peer_takeover: Takeover::Keep,
            window_bits: 12,
            peer_window_bits: 12,
            demand: Demand::Prefer,
        }
    }

    /// As few bytes on the wire as deflate can do, whatever that takes.
    #[must_use]
    pub const fn max_ratio() -> Self {
        Self {
            tuning: Tuning {
                level: 9,
                mem_level: 9,
                threshold: 64,
            },
            takeover: Takeover::Keep,
            peer_takeover: Takeover::Keep,
            window_bits: 15,
            peer_window_bits: 15,
            demand: Demand::Prefer,
        }
    }

    /// How hard to try, from 1 (fast) to 9 (small); what lies outside is taken as the nearest.
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.tuning.level = clamped(level, 1, 9);
        self
    }

    /// How much a compressor may hold before it writes a block, from 1 (256 symbols) to 9 (32 768);
    /// what lies outside is taken as the nearest. Default 8.
    #[must_use]
    pub const fn mem_level(mut self, level: u8) -> Self {
        self.tuning.mem_level = clamped(level, 1, 9);
        self
    }

    /// Messages shorter than this are sent as they are, in bytes. Default 64. Whatever its length, a
    /// message that would not become shorter is sent as it is, too.
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.tuning.threshold = bytes;
        self
    }

    /// Do messages that this end sends build on each other?
    #[must_use]
    pub const fn takeover(mut self, takeover: Takeover) -> Self {
        self.takeover = takeover;
        self
    }

    /// May messages that the peer sends build on each other? A wish that a server can always
    /// enforce; see [`demand`](Self::demand) for a client's.
    #[must_use]
    pub const fn peer_takeover(mut self, takeover: Takeover) -> Self {
        self.peer_takeover = takeover;
        self
    }

    /// How far back this end looks when it compresses, as the exponent of a power of two: from 9
    /// (512 bytes) to 15 (32 KiB); what lies outside is taken as the nearest. The peer may ask for
    /// less.
    #[must_use]
    pub const fn window_bits(mut self, bits: u8) -> Self {
        self.window_bits = clamped(bits, 9, 15);
        self
    }

    /// How far back the peer may look, likewise. 15 asks nothing of it; see
    /// [`demand`](Self::demand) for what becomes of other wishes.
    #[must_use]
    pub const fn peer_window_bits(mut self, bits: u8) -> Self {
        self.peer_window_bits = clamped(bits, 9, 15);
        self
    }

    /// What to do if the peer can't be bound to [`peer_takeover`](Self::peer_takeover) and
    /// [`peer_window_bits`](Self::peer_window_bits).
    #[must_use]
    pub const fn demand(mut self, demand: Demand) -> Self {
        self.demand = demand;
        self
    }
}

const fn clamped(value: u8, least: u8, most: u8) -> u8 {
    if value < least {
        least
    } else if value > most {
        most
    } else {
        value
    }
}

/// Whether to compress one message, where a connection compresses.
///
/// Exhaustive on purpose: who asks for compression may ask for nothing more.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Compress {
    /// As [`Deflate::threshold`] says.
    #[default]
    Auto,
    /// Whatever its length, if that makes it shorter.
    Always,
    /// Never: it is compressed already, or must not share a context with others (RFC 7692 §8).
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_stay_in_their_range() {
        let low = Deflate::max_ratio().level(0).mem_level(0).window_bits(8);
        let low = low.peer_window_bits(0);
        assert_eq!((low.tuning.level, low.tuning.mem_level), (1, 1));
        assert_eq!((low.window_bits, low.peer_window_bits), (9, 9));
        let high = low.level(10).mem_level(10).window_bits(16);
        let high = high.peer_window_bits(99);
        assert_eq!((high.tuning.level, high.tuning.mem_level), (9, 9));
        assert_eq!((high.window_bits, high.peer_window_bits), (15, 15));
    }
}
