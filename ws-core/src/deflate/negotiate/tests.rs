//! What two ends agree on, whatever they are set to and whatever the other one says.

use super::params::{CLIENT_BITS, Params, SERVER_BITS, SERVER_RESET};
use super::*;
use crate::deflate::options::{Deflate, Demand, Takeover};
use crate::ext::{self, Offer};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
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
