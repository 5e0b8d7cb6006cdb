//! The parameters of permessage-deflate, read and written (RFC 7692 §7.1).
//!
//! What they mean for either end is not known here.

use super::terms::TermsError;
use crate::deflate::NAME;
use crate::ext::{ExtError, Offer};

pub(super) const CLIENT_BITS: &str = "client_max_window_bits";
pub(super) const CLIENT_RESET: &str = "client_no_context_takeover";
pub(super) const SERVER_BITS: &str = "server_max_window_bits";
pub(super) const SERVER_RESET: &str = "server_no_context_takeover";

/// The parameters of an offer or an answer.
#[derive(Default)]
pub(super) struct Params {
    pub(super) client_reset: bool,
    pub(super) server_reset: bool,
    pub(super) client_bits: Option<Bits>,
    pub(super) server_bits: Option<u8>,
}

/// The value of `client_max_window_bits`, which only an offer may leave out.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Bits {
    Any,
    Most(u8),
}

impl Params {
    pub(super) fn read(offer: &Offer) -> Result<Self, TermsError> {
        let mut read = Self::default();
        for (name, value) in offer.params() {
            let (name, again) = match (name, value) {
                (CLIENT_RESET, _) => (
                    CLIENT_RESET,
                    core::mem::replace(&mut read.client_reset, true),
                ),
                (SERVER_RESET, _) => (
                    SERVER_RESET,
                    core::mem::replace(&mut read.server_reset, true),
                ),
                (CLIENT_BITS, None) => (CLIENT_BITS, read.client_bits.replace(Bits::Any).is_some()),
                (CLIENT_BITS, Some(value)) => {
                    let bits = Bits::Most(window_bits(CLIENT_BITS, value)?);
                    (CLIENT_BITS, read.client_bits.replace(bits).is_some())
                }
                (SERVER_BITS, value) => {
                    let bits = window_bits(SERVER_BITS, value.unwrap_or_default())?;
                    (SERVER_BITS, read.server_bits.replace(bits).is_some())
                }
                (name, _) => {
                    let name = name.chars().take(64).collect();
                    return Err(TermsError::Unknown { name });
                }
            };
            if again {
                return Err(TermsError::Repeated { name });
            }
            if value.is_some() && matches!(name, CLIENT_RESET | SERVER_RESET) {
                return Err(TermsError::BadValue { name });
            }
        }
        Ok(read)
    }

    /// An offer or answer with these parameters.
    pub(super) fn write(&self) -> Offer {
        let written = || -> Result<Offer, ExtError> {
            let mut offer = Offer::new(NAME)?;
            if self.server_reset {
                offer = offer.flag(SERVER_RESET)?;
            }
            if self.client_reset {
                offer = offer.flag(CLIENT_RESET)?;
            }
            if let Some(bits) = self.server_bits {
                offer = offer.param(SERVER_BITS, &alloc::format!("{bits}"))?;
            }
            match self.client_bits {
                None => Ok(offer),
                Some(Bits::Any) => offer.flag(CLIENT_BITS),
                Some(Bits::Most(bits)) => offer.param(CLIENT_BITS, &alloc::format!("{bits}")),
            }
        };
        written().expect("these are tokens, and four parameters at most")
    }
}

/// "a decimal integer value without leading zeroes between 8 to 15 inclusive" (§7.1.2.1)
fn window_bits(name: &'static str, value: &str) -> Result<u8, TermsError> {
    match value {
        "8" => Ok(8),
        "9" => Ok(9),
        "10" => Ok(10),
        "11" => Ok(11),
        "12" => Ok(12),
        "13" => Ok(13),
        "14" => Ok(14),
        "15" => Ok(15),
        _ => Err(TermsError::BadValue { name }),
    }
}
