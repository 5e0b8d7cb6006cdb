//! The client's part: what it offers, and what it makes of the answer.

use alloc::vec::Vec;

use super::params::{Bits, CLIENT_BITS, Params, SERVER_BITS, SERVER_RESET};
use super::terms::{Side, Terms, TermsError};
use crate::deflate::options::{Deflate, Demand, Takeover};
use crate::ext::Offer;

impl Deflate {
    /// What a client offers, the preferred offer first.
    #[must_use]
    pub fn offers(&self) -> Vec<Offer> {
        let mut offers = Vec::from([self.offer(self.wishes())]);
        if self.demand == Demand::Prefer && self.has_wishes() {
            offers.push(self.offer(Params::default()));
        }
        offers
    }

    /// What this end, as a client, asks of a server.
    fn wishes(&self) -> Params {
        Params {
            server_reset: self.peer_takeover == Takeover::Reset,
            server_bits: Some(self.peer_window_bits).filter(|&bits| bits < 15),
            ..Params::default()
        }
    }

    fn has_wishes(&self) -> bool {
        self.peer_takeover == Takeover::Reset || self.peer_window_bits < 15
    }

    fn offer(&self, wishes: Params) -> Offer {
        let own = Params {
            client_reset: self.takeover == Takeover::Reset,
            // That a client can limit its window has to be said for a server to do so.
            client_bits: Some(match self.window_bits {
                15 => Bits::Any,
                bits => Bits::Most(bits),
            }),
            ..wishes
        };
        own.write()
    }

    /// What a client makes of a server's answer.
    ///
    /// # Errors
    /// The connection has to be given up: the answer breaks RFC 7692, or grants none of the
    /// [`offers`](Self::offers).
    pub fn confirm(&self, answer: &Offer) -> Result<Terms, TermsError> {
        let params = Params::read(answer)?;
        let client_bits = match params.client_bits {
            // "This parameter has no value" is for offers alone (§7.1.2.2).
            Some(Bits::Any) => return Err(TermsError::BadValue { name: CLIENT_BITS }),
            Some(Bits::Most(bits)) => bits,
            None => 15,
        };
        if self.demand == Demand::Insist {
            if self.peer_takeover == Takeover::Reset && !params.server_reset {
                return Err(TermsError::NotGranted { name: SERVER_RESET });
            }
            if params.server_bits.unwrap_or(15) > self.peer_window_bits {
                return Err(TermsError::NotGranted { name: SERVER_BITS });
            }
        }
        Ok(Terms {
            tuning: self.tuning.clone(),
            own: Side::new(
                self.takeover,
                params.client_reset,
                client_bits.min(self.window_bits),
            ),
            peer: Side::new(
                Takeover::Keep,
                params.server_reset,
                params.server_bits.unwrap_or(15),
            ),
        })
    }
}
