//! The door's decisions, in virtual time.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::*;
use crate::Instant;
use crate::close::CloseCode;

const NOW: Instant = Instant::ORIGIN;

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[track_caller]
fn admit(door: &mut Admission, from: Option<IpAddr>) -> Ticket {
    match door.arrived(from) {
        Verdict::Admit(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refuse(door: &mut Admission, from: Option<IpAddr>) -> (Ticket, Refusal) {
    match door.arrived(from) {
        Verdict::Refuse(ticket, refusal) => (ticket, refusal),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_limit_refuses_with_its_own_status_and_gives_way_when_someone_leaves() {
    let limits = ServerLimits::default()
        .max_connections(3)
        .max_per_address(2)
        .max_handshakes(2);
    let mut door = Admission::new(limits);
    let mut first = admit(&mut door, ip("1.1.1.1"));
    let second = admit(&mut door, ip("1.1.1.1"));
    let (ticket, why) = refuse(&mut door, ip("1.1.1.1"));
    assert_eq!((why, why.status()), (Refusal::Address, 429));
    door.left(ticket);
    let (ticket, why) = refuse(&mut door, ip("2.2.2.2"));
    assert_eq!((why, why.status()), (Refusal::Handshakes, 503));
    door.left(ticket);
    door.opened(&mut first);
    door.opened(&mut first);
    let third = admit(&mut door, ip("2.2.2.2"));
    assert_eq!(door.room(), 0);
    let (ticket, why) = refuse(&mut door, None);
    assert_eq!((why, why.status()), (Refusal::Full, 503));
    door.left(ticket);
    let counts = door.counts();
    assert_eq!((counts.open, counts.handshaking, counts.opened), (1, 2, 1));
    door.left(second);
    assert_eq!(door.counts().failed, 1);
    let fourth = admit(&mut door, ip("1.1.1.1"));
    for ticket in [first, third, fourth] {
        door.left(ticket);
    }
    assert!(door.is_empty());
    assert!(door.addresses_are_forgotten());
}

#[test]
fn addresses_that_one_client_is_given_count_together() {
    for (a, b, same) in [
        ("1.2.3.4", "::ffff:1.2.3.4", true),
        ("1.2.3.4", "1.2.3.5", false),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
    ] {
        let mut door = Admission::new(ServerLimits::default().max_per_address(1));
        let _first = admit(&mut door, ip(a));
        let refused = matches!(door.arrived(ip(b)), Verdict::Refuse(..));
        assert_eq!(refused, same, "{a} {b}");
    }
    let mut door = Admission::new(ServerLimits::default().max_per_address(0));
    let _unix = admit(&mut door, None);
}

#[test]
fn refusals_have_a_limit_too() {
    let limits = ServerLimits::default().max_connections(0).max_refusals(2);
    let mut door = Admission::new(limits);
    let (first, _) = refuse(&mut door, None);
    let _second = refuse(&mut door, None);
    assert!(matches!(door.arrived(None), Verdict::Drop));
    door.left(first);
    let _third = refuse(&mut door, None);
    let counts = door.counts();
    assert_eq!(
        (counts.refusing, counts.refused_full, counts.dropped),
        (2, 3, 1)
    );
}

#[test]
fn going_down_refuses_everyone_and_ends_at_the_drain_deadline() {
    let drain = Duration::from_secs(3);
    let mut door = Admission::new(ServerLimits::default().drain_timeout(drain));
    let ticket = admit(&mut door, None);
    assert_eq!((door.phase(), door.poll_timeout()), (Phase::Serving, None));
    door.shutdown(NOW);
    door.shutdown(NOW + drain);
    assert_eq!(door.phase(), Phase::Closing);
    assert_eq!(door.poll_timeout(), Some(NOW + drain));
    let (refused, why) = refuse(&mut door, None);
    assert_eq!((why, why.status()), (Refusal::Closing, 503));
    door.left(refused);
    door.handle_timeout(NOW + drain - Duration::from_nanos(1));
    assert_eq!(door.phase(), Phase::Closing);
    door.handle_timeout(NOW + drain);
    assert_eq!((door.phase(), door.poll_timeout()), (Phase::Over, None));
    assert!(!door.is_empty());
    door.left(ticket);
    assert!(door.is_empty());
}

#[test]
fn aborting_ends_it_from_anywhere_and_for_good() {
    for closing in [false, true] {
        let mut door = Admission::new(ServerLimits::default());
        door.accept_failed(AcceptFault::Shortage, NOW);
        if closing {
            door.shutdown(NOW);
        }
        door.abort();
        door.shutdown(NOW);
        assert_eq!((door.phase(), door.poll_timeout()), (Phase::Over, None));
        assert!(!door.counts().paused);
        let (refused, why) = refuse(&mut door, None);
        assert_eq!(why, Refusal::Closing);
        door.left(refused);
    }
}

#[test]
fn a_shortage_is_waited_out_ever_longer_until_a_connection_is_opened() {
    let mut door = Admission::new(ServerLimits::default());
    assert_eq!(door.accept_failed(AcceptFault::Connection, NOW), None);
    let mut waits = Vec::new();
    let mut now = NOW;
    for _ in 0..7 {
        let at = door.accept_failed(AcceptFault::Shortage, now).unwrap();
        assert!(door.counts().paused);
        assert_eq!(door.poll_timeout(), Some(at));
        waits.push((at - now).as_millis());
        now = at;
        door.handle_timeout(now);
        assert_eq!((door.poll_timeout(), door.counts().paused), (None, false));
    }
    assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
    let mut ticket = admit(&mut door, None);
    door.opened(&mut ticket);
    let at = door.accept_failed(AcceptFault::Shortage, now).unwrap();
    assert_eq!((at - now).as_millis(), 50);
    assert_eq!(door.counts().accept_faults, 9);
    door.left(ticket);
}

#[test]
fn a_shortage_that_is_found_after_the_arrival_is_waited_out_ever_longer_too() {
    let mut door = Admission::new(ServerLimits::default());
    let mut waits = Vec::new();
    let mut now = NOW;
    for _ in 0..7 {
        // It is accepted, and then there is no thread to serve it.
        let ticket = admit(&mut door, None);
        assert!(!door.counts().paused);
        door.left(ticket);
        let at = door.accept_failed(AcceptFault::Shortage, now).unwrap();
        waits.push((at - now).as_millis());
        now = at;
        door.handle_timeout(now);
    }
    assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
}

#[cfg(feature = "std")]
#[test]
fn errors_of_accept_are_a_connection_s_or_the_server_s() {
    use std::io::{Error, ErrorKind};
    for kind in [ErrorKind::ConnectionAborted, ErrorKind::Interrupted] {
        assert_eq!(AcceptFault::of(&kind.into()), AcceptFault::Connection);
    }
    // EMFILE, which has no kind of its own.
    let used_up = Error::from_raw_os_error(24);
    assert_eq!(AcceptFault::of(&used_up), AcceptFault::Shortage);
}

#[test]
fn the_last_words_say_whose_doing_it_is() {
    let code = |farewell: Farewell| farewell.code();
    assert_eq!(code(Farewell::Done), CloseCode::NORMAL);
    assert_eq!(code(Farewell::Panic), CloseCode::INTERNAL_ERROR);
    assert_eq!(code(Farewell::Shutdown), CloseCode::GOING_AWAY);
    assert!(Farewell::Panic.reason() != Farewell::Shutdown.reason());
}

#[test]
fn clients_that_take_less_than_is_sent_are_counted_once_and_until_they_leave() {
    let mut door = Admission::new(ServerLimits::default());
    let mut ticket = admit(&mut door, None);
    door.stalled(&mut ticket, true);
    assert_eq!(door.counts().stalled, 0, "it is not open yet");
    door.opened(&mut ticket);
    for (stalled, counted) in [(true, 1), (true, 1), (false, 0), (false, 0), (true, 1)] {
        door.stalled(&mut ticket, stalled);
        assert_eq!(door.counts().stalled, counted);
    }
    door.left(ticket);
    assert_eq!(door.counts().stalled, 0);
}

/// Any order of events keeps the numbers within the limits and adds up in the end.
#[test]
fn no_order_of_events_breaks_a_limit_or_loses_count() {
    let mut seed = 7_u64;
    let mut random = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % n
    };
    for _ in 0..200 {
        let limits = ServerLimits::default()
            .max_connections(usize::try_from(random(9)).unwrap())
            .max_per_address(usize::try_from(random(4)).unwrap())
            .max_handshakes(usize::try_from(random(6)).unwrap())
            .max_refusals(usize::try_from(random(3)).unwrap());
        let mut door = Admission::new(limits.clone());
        let mut held: Vec<Ticket> = Vec::new();
        let mut arrived = 0;
        for _ in 0..100 {
            let at = usize::try_from(random(8)).unwrap();
            match random(6) {
                5 => {
                    let stalled = random(2) == 0;
                    if let Some(held) = held.get_mut(at) {
                        door.stalled(held, stalled);
                    }
                }
                0 | 1 => {
                    arrived += 1;
                    let from = IpAddr::from([10, 0, 0, u8::try_from(random(3)).unwrap()]);
                    match door.arrived(Some(from)) {
                        Verdict::Admit(ticket) | Verdict::Refuse(ticket, _) => held.push(ticket),
                        Verdict::Drop => {}
                    }
                }
                2 => held
                    .get_mut(at)
                    .into_iter()
                    .for_each(|held| door.opened(held)),
                3 if at < held.len() => door.left(held.swap_remove(at)),
                _ if random(40) == 0 => door.shutdown(NOW),
                _ => {}
            }
            let counts = door.counts();
            assert!(counts.open + counts.handshaking <= limits.max_connections);
            assert!(counts.handshaking <= limits.max_handshakes);
            assert!(counts.stalled <= counts.open);
            assert!(counts.refusing <= limits.max_refusals);
            assert_eq!(
                counts.open + counts.handshaking + counts.refusing,
                held.len()
            );
        }
        held.into_iter().for_each(|ticket| door.left(ticket));
        let counts = door.counts();
        assert_eq!(counts.stalled, 0);
        let refused = counts.refused_address
            + counts.refused_closing
            + counts.refused_full
            + counts.refused_handshakes;
        assert_eq!(
            counts.opened + counts.failed + refused + counts.dropped,
            arrived
        );
        assert!(door.is_empty() && door.addresses_are_forgotten());
    }
}
