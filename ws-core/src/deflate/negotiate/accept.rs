//! The server's part: which offer it accepts, and on what terms.

use super::params::{Bits, Params};
use super::terms::{Side, Terms};
use crate::deflate::NAME;
use crate::deflate::options::{Deflate, Demand, Takeover};
use crate::ext::Offer;

impl Deflate {
    /// What a server answers: to the first of a client's offers that it can accept, if there is one.
    /// Offers of other extensions, and those that break RFC 7692, are passed over.
    #[must_use]
    pub fn accept(&self, offers: &[Offer]) -> Option<(Offer, Terms)> {
        let mine = offers.iter().filter(|offer| offer.name() == NAME);
        mine.filter_map(|offer| Params::read(offer).ok())
            .find_map(|offered| self.answer(&offered))
    }

    fn answer(&self, offered: &Params) -> Option<(Offer, Terms)> {
        // zlib can't compress with a window of 8 bits: "A server declines an extension negotiation
        // offer with this parameter if the server doesn't support it" (§7.1.2.1).
        if offered.server_bits == Some(8) {
            return None;
        }
        let (limit, bound) = match offered.client_bits {
            // Nobody said that the client's window can be limited.
            None if self.peer_window_bits < 15 && self.demand == Demand::Insist => return None,
            None => (15, false),
            Some(Bits::Any) => (self.peer_window_bits, self.peer_window_bits < 15),
            Some(Bits::Most(bits)) => (bits.min(self.peer_window_bits), true),
        };
        let own = Side::new(
            self.takeover,
            offered.server_reset,
            offered.server_bits.unwrap_or(15).min(self.window_bits),
        );
        let peer = Side::new(self.peer_takeover, offered.client_reset, limit);
        let answer = Params {
            client_reset: peer.takeover == Takeover::Reset,
            server_reset: own.takeover == Takeover::Reset,
            client_bits: bound.then_some(Bits::Most(limit)),
            server_bits: offered.server_bits.map(|_| own.bits),
        };
        let terms = Terms {
            tuning: self.tuning.clone(),
            own,
            peer,
        };
        Some((answer.write(), terms))
    }
}
