//! The Close frame that says what a peer did wrong reaches it, also while it is still sending and
//! over a transport that answers unread bytes with a reset, as TCP does.
//!
//! `WS_CASES` sets the number of cases; a failure prints how to replay it (see `support`).

use core::time::Duration;

use crate::support::cases;
use crate::support::pair::Pair;
use proptest::prelude::*;
use ws_core::Instant;
use ws_core::connection::{By, Cause, Config, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::message::Limits;

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_peer_in_the_middle_of_too_long_a_message_learns_why_it_is_refused(
        strict in 0..2usize,
        rooms in [1_000..300_000usize, 1_000..300_000usize],
        len in 1_001..900_000usize,
        step in 100..50_000usize,
        behind in 0..3usize,
    ) {
        let limits = Limits::default().max_message(1_000);
        let mut configs = [Config::default(), Config::default()];
        configs[strict] = Config::default().limits(limits);
        let mut pair = Pair::new(configs, rooms, [u64::MAX; 2]);
        pair.longest = len;
        let sender = 1 - strict;
        pair.sides[sender].send(OwnedEvent::Binary(b"before"[..].into()));
        pair.sides[sender].send(OwnedEvent::Binary(vec![7; len].into()));
        (0..behind).for_each(|_| pair.sides[sender].send(OwnedEvent::Text("behind".into())));
        pair.finish(step);

        let [refused, refusing] = [&pair.sides[sender], &pair.sides[strict]];
        let error = ProtocolError::MessageTooLarge { limit: 1_000 };
        let [first, fault, OwnedEvent::Closed(closed)] = &refusing.events[..] else {
            panic!("{:?}", refusing.events);
        };
        prop_assert_eq!(first, &OwnedEvent::Binary(b"before"[..].into()));
        prop_assert_eq!(fault, &OwnedEvent::ProtocolError(error.clone()));
        prop_assert_eq!(&closed.cause, &Cause::Protocol(error.clone()));

        let closed = refused.end().expect("the refused end is told");
        prop_assert_eq!((closed.by, closed.code.get()), (By::Peer, 1009));
        prop_assert_eq!(&closed.reason, &error.to_string());
        prop_assert!(pair.now - Instant::ORIGIN <= Duration::from_secs(10));
    }
}
