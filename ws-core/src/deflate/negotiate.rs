//! What is offered, accepted and agreed on (RFC 7692 §5, §7.1).
//!
//! Nothing is compressed here.

use alloc::boxed::Box;
use alloc::vec::Vec;

use thiserror::Error;

use super::NAME;
use super::options::{Deflate, Demand, Takeover, Tuning};
use crate::error::Explanation;
use crate::ext::{ExtError, Offer};

const CLIENT_BITS: &str = "client_max_window_bits";
const CLIENT_RESET: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const SERVER_RESET: &str = "server_no_context_takeover";

/// What both ends agreed on, and how this end goes about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms {
    pub(super) tuning: Tuning,
    pub(super) own: Side,
    pub(super) peer: Side,
}

/// What one end agreed to do when it compresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Side {
    pub(super) takeover: Takeover,
    /// From 8 to 15.
    pub(super) bits: u8,
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

/// The parameters of an offer or an answer.
#[derive(Default)]
struct Params {
    client_reset: bool,
    server_reset: bool,
    client_bits: Option<Bits>,
    server_bits: Option<u8>,
}

/// The value of `client_max_window_bits`, which only an offer may leave out.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Bits {
    Any,
    Most(u8),
}

impl Params {
    fn read(offer: &Offer) -> Result<Self, TermsError> {
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
        write(&own)
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
            own: Side {
                takeover: stricter(self.takeover, params.client_reset),
                bits: client_bits.min(self.window_bits),
            },
            peer: Side {
                takeover: stricter(Takeover::Keep, params.server_reset),
                bits: params.server_bits.unwrap_or(15),
            },
        })
    }

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
        let own = Side {
            takeover: stricter(self.takeover, offered.server_reset),
            bits: offered.server_bits.unwrap_or(15).min(self.window_bits),
        };
        let peer = Side {
            takeover: stricter(self.peer_takeover, offered.client_reset),
            bits: limit,
        };
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
        Some((write(&answer), terms))
    }
}

fn stricter(takeover: Takeover, reset: bool) -> Takeover {
    if reset { Takeover::Reset } else { takeover }
}

/// An offer or answer with these parameters.
fn write(params: &Params) -> Offer {
    let written = || -> Result<Offer, ExtError> {
        let mut offer = Offer::new(NAME)?;
        if params.server_reset {
            offer = offer.flag(SERVER_RESET)?;
        }
        if params.client_reset {
            offer = offer.flag(CLIENT_RESET)?;
        }
        if let Some(bits) = params.server_bits {
            offer = offer.param(SERVER_BITS, &alloc::format!("{bits}"))?;
        }
        match params.client_bits {
            None => Ok(offer),
            Some(Bits::Any) => offer.flag(CLIENT_BITS),
            Some(Bits::Most(bits)) => offer.param(CLIENT_BITS, &alloc::format!("{bits}")),
        }
    };
    written().expect("these are tokens, and four parameters at most")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    fn offers(header: &str) -> Vec<Offer> {
        ext::parse([header.as_bytes()]).unwrap()
    }

    /// What a server answers, and the bits and takeovers it ends up with.
    fn accept(deflate: &Deflate, header: &str) -> Option<String> {
        let (answer, _) = deflate.accept(&offers(header))?;
        Some(answer.to_string())
    }

    fn confirm(deflate: &Deflate, header: &str) -> Result<Terms, TermsError> {
        deflate.confirm(&offers(header)[0])
    }

    fn offered(deflate: &Deflate) -> Vec<String> {
        deflate.offers().iter().map(ToString::to_string).collect()
    }

    const PLAIN: Deflate = Deflate::max_ratio();

    #[test]
    fn each_preset_offers_what_it_wants_and_what_it_would_take() {
        assert_eq!(
            offered(&PLAIN),
            ["permessage-deflate; client_max_window_bits"]
        );
        assert_eq!(
            offered(&Deflate::balanced()),
            [
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
                "permessage-deflate; client_max_window_bits=12",
            ]
        );
        assert_eq!(
            offered(&Deflate::low_memory()),
            [
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
              client_max_window_bits"
            ]
        );
    }

    #[test]
    fn a_server_answers_the_first_offer_that_it_can_accept() {
        for (header, answer) in [
            ("permessage-deflate", Some("permessage-deflate")),
            ("x-other", None),
            ("x-other, permessage-deflate", Some("permessage-deflate")),
            (
                "permessage-deflate; x, permessage-deflate; server_max_window_bits=10",
                Some("permessage-deflate; server_max_window_bits=10"),
            ),
            (
                "permessage-deflate; server_max_window_bits=10, permessage-deflate",
                Some("permessage-deflate; server_max_window_bits=10"),
            ),
            (
                "permessage-deflate; server_max_window_bits=\"9\"; server_no_context_takeover",
                Some("permessage-deflate; server_no_context_takeover; server_max_window_bits=9"),
            ),
            (
                "permessage-deflate; client_no_context_takeover; client_max_window_bits=8",
                Some("permessage-deflate; client_no_context_takeover; client_max_window_bits=8"),
            ),
            (
                "permessage-deflate; client_max_window_bits",
                Some("permessage-deflate"),
            ),
        ] {
            assert_eq!(accept(&PLAIN, header).as_deref(), answer, "{header}");
        }
    }

    #[test]
    fn an_offer_that_breaks_the_rules_is_declined_and_the_next_one_looked_at() {
        for bad in [
            "unknown",
            "server_max_window_bits",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=08",
            "server_max_window_bits=010",
            "server_max_window_bits=1e1",
            "client_max_window_bits=0",
            "client_max_window_bits=16",
            "client_max_window_bits=+9",
            "client_max_window_bits; client_max_window_bits",
            "client_max_window_bits=9; client_max_window_bits=9",
            "server_max_window_bits=9; server_max_window_bits=9",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "server_no_context_takeover=1",
            "client_no_context_takeover=true",
            "SERVER_NO_CONTEXT_TAKEOVER",
        ] {
            let header = alloc::format!("permessage-deflate; {bad}");
            assert_eq!(accept(&PLAIN, &header), None, "{bad}");
            let header = alloc::format!("{header}, permessage-deflate");
            assert!(accept(&PLAIN, &header).is_some(), "{bad}");
            assert!(
                confirm(&PLAIN, &alloc::format!("permessage-deflate; {bad}")).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn eight_bits_are_decompressed_and_never_compressed() {
        assert_eq!(
            accept(&PLAIN, "permessage-deflate; server_max_window_bits=8"),
            None
        );
        let terms = confirm(&PLAIN, "permessage-deflate; client_max_window_bits=8").unwrap();
        assert_eq!(terms.window_bits(), 8);
        let terms = confirm(&PLAIN, "permessage-deflate; server_max_window_bits=8").unwrap();
        assert_eq!((terms.window_bits(), terms.peer_window_bits()), (15, 8));
    }

    #[test]
    fn a_client_follows_the_answer() {
        let terms = confirm(
            &PLAIN,
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
        );
        let terms = terms.unwrap();
        assert_eq!(
            (terms.takeover(), terms.window_bits()),
            (Takeover::Reset, 10)
        );
        assert_eq!(
            (terms.peer_takeover(), terms.peer_window_bits()),
            (Takeover::Keep, 15)
        );
        let own = PLAIN.takeover(Takeover::Reset).window_bits(9);
        let terms = confirm(&own, "permessage-deflate").unwrap();
        assert_eq!(
            (terms.takeover(), terms.window_bits()),
            (Takeover::Reset, 9)
        );
    }

    #[test]
    fn a_client_that_insists_gives_up_where_one_that_prefers_goes_on() {
        let insist = PLAIN.peer_takeover(Takeover::Reset).peer_window_bits(10);
        let insist = insist.demand(Demand::Insist);
        let full = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10";
        for (answer, name) in [
            ("permessage-deflate", SERVER_RESET),
            (
                "permessage-deflate; server_max_window_bits=10",
                SERVER_RESET,
            ),
            (
                "permessage-deflate; server_no_context_takeover",
                SERVER_BITS,
            ),
            (&full.replace("10", "11"), SERVER_BITS),
        ] {
            let refused = Err(TermsError::NotGranted { name });
            assert_eq!(confirm(&insist, answer), refused);
            assert!(confirm(&insist.clone().demand(Demand::Prefer), answer).is_ok());
        }
        for better in ["10", "9", "8"] {
            assert!(confirm(&insist, &full.replace("10", better)).is_ok());
        }
    }

    #[test]
    fn a_server_that_insists_declines_a_client_that_can_not_be_bound() {
        let server = PLAIN.peer_window_bits(10);
        assert_eq!(
            accept(&server, "permessage-deflate").as_deref(),
            Some("permessage-deflate")
        );
        let server = server.demand(Demand::Insist);
        assert_eq!(accept(&server, "permessage-deflate"), None);
        assert_eq!(
            accept(&server, "permessage-deflate; client_max_window_bits").as_deref(),
            Some("permessage-deflate; client_max_window_bits=10")
        );
    }

    fn any_deflate() -> impl Strategy<Value = Deflate> {
        let takeover = || prop_oneof![Just(Takeover::Keep), Just(Takeover::Reset)];
        let demand = prop_oneof![Just(Demand::Insist), Just(Demand::Prefer)];
        (takeover(), takeover(), 9..=15u8, 9..=15u8, demand).prop_map(
            |(own, peer, bits, peer_bits, demand)| {
                let deflate = Deflate::default().takeover(own).peer_takeover(peer);
                let deflate = deflate.window_bits(bits).peer_window_bits(peer_bits);
                deflate.demand(demand)
            },
        )
    }

    proptest! {
        #[test]
        fn two_of_us_agree_whatever_each_is_set_to(client in any_deflate(), server in any_deflate()) {
            let (answer, at_server) = server.accept(&client.offers()).expect("we can be bound");
            let at_client = client.confirm(&answer).expect("an answer to what was offered");
            // Neither looks farther back than the other remembers.
            for (sender, receiver) in [(&at_client, &at_server), (&at_server, &at_client)] {
                prop_assert!(sender.window_bits() <= receiver.peer_window_bits());
                if receiver.peer_takeover() == Takeover::Reset {
                    prop_assert_eq!(sender.takeover(), Takeover::Reset);
                }
            }
            prop_assert!(at_server.peer_window_bits() <= server.peer_window_bits);
            prop_assert!(at_client.peer_window_bits() <= client.peer_window_bits);
        }

        #[test]
        fn an_answer_never_has_what_was_not_offered(
            server in any_deflate(),
            header in "permessage-deflate(; (client|server)_(no_context_takeover|max_window_bits)(=(8|9|15))?){0,4}",
        ) {
            let offers = offers(&header);
            if let Some((answer, _)) = server.accept(&offers) {
                prop_assert!(Params::read(&answer).is_ok());
                let names = |offer: &Offer| offer.params().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
                let (offered, answered) = (names(&offers[0]), names(&answer));
                for name in [CLIENT_BITS, SERVER_BITS] {
                    let name = name.to_string();
                    prop_assert!(!answered.contains(&name) || offered.contains(&name));
                }
                if offered.contains(&SERVER_RESET.to_string()) {
                    prop_assert!(answered.contains(&SERVER_RESET.to_string()));
                }
            }
        }
    }
}
