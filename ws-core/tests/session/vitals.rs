//! Heartbeats, silence, sleep and the network, in virtual time.

use std::time::Duration;

use crate::sim::venue::{Venue, yes};
use crate::sim::{Plan, Sim, backoff, plain};
use ws_core::connection::{Config, Keepalive};
use ws_core::policy::{Heartbeat, Percent};
use ws_core::session::clock::ClockConfig;
use ws_core::session::{Network, SessionConfig, State};
use ws_core::{TransportEnd, UnixTime};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn calm() -> Heartbeat {
    Heartbeat::default().jitter(Percent(0))
}

fn pinging() -> SessionConfig {
    let keepalive = Keepalive::default().interval(secs(15)).timeout(secs(5));
    plain().connection(Config::default().keepalive(Some(keepalive)))
}

fn venue(config: SessionConfig) -> Sim<Venue> {
    let mut sim = Sim::with(Venue::default(), config, &[Plan::Serve]);
    sim.answers = Some(Box::new(yes));
    sim.start();
    sim.take_log();
    sim
}

#[test]
fn s10_a_silent_server_is_left_at_20_s_and_the_next_is_pinged_after_its_own_open() {
    let mut sim = venue(pinging());
    sim.black_hole();
    sim.run(36_000);
    let log = sim.take_log();
    let lost = "20000: disconnected: closed after the pong timeout";
    assert!(log[0].starts_with(lost), "{log:#?}");
    assert_eq!(log[1], "20000: attempt 1 in 1000");
    assert_eq!(log[2..4], ["21000: opened", "21000: ready 1 after 1000"]);
    assert_eq!(log[4], "36000: < ping [0, 0, 0, 0, 0, 0, 0, 1]");
    let health = sim.session.health();
    assert!(health.is_watched);
    assert_eq!((health.failures, health.pings, health.pongs), (1, 1, 1));
    assert_eq!(health.round_trip, Some(Duration::ZERO));
    assert_eq!(health.last_heard, Some(sim.now));
    assert_eq!(health.next_ping_at, Some(sim.now + secs(15)));
    assert_eq!(sim.session.round_trips().count(), 1);
}

#[test]
fn s10_any_byte_puts_the_end_of_an_idle_connection_off() {
    let config = plain().connection(Config::default().idle_timeout(Some(secs(20))));
    let mut sim = venue(config);
    sim.run(19_000);
    sim.say("something");
    sim.run(38_999);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    sim.black_hole();
    sim.run(45_000);
    let log = sim.take_log();
    let lost = "44000: disconnected: closed after the idle timeout";
    assert!(log[1].starts_with(lost), "{log:#?}");
    assert_eq!(log[2], "44000: attempt 1 in 1000");
}

#[test]
fn s10_a_heartbeat_that_is_asked_for_is_said_once_and_not_delivered() {
    let mut sim = venue(plain());
    sim.say("test?");
    assert_eq!(sim.take_log(), ["0: < - test!"]);
}

#[test]
fn the_dialect_s_heartbeat_is_said_on_time_on_each_connection() {
    let mut sim = venue(plain().heartbeat(calm().app(Some(secs(10)))));
    sim.run(25_000);
    assert_eq!(sim.take_log(), ["10000: < - beat", "20000: < - beat"]);
    sim.cut(TransportEnd::Eof);
    sim.run(36_000);
    assert_eq!(sim.take_log()[4..], ["36000: < - beat"]);
    assert_eq!(sim.session.health().heartbeats_sent, 3);
}

#[test]
fn a_server_that_owes_a_heartbeat_is_left() {
    let mut sim = venue(plain().heartbeat(calm().expect(Some(secs(10)))));
    sim.run(9000);
    sim.say("beat");
    sim.run(18_999);
    sim.say("something else");
    assert_eq!(sim.session.health().heartbeats_heard, 1);
    sim.run(19_000);
    let log = sim.take_log();
    assert_eq!(log[1], "19000: disconnected: nothing was heard for 10s");
}

#[test]
fn a_connection_without_data_is_left_however_well_it_pongs() {
    let config = pinging().heartbeat(calm().idle_data(Some(secs(40))));
    let mut sim = venue(config);
    sim.run(10_000);
    sim.say("data");
    sim.run(49_999);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    sim.run(50_000);
    let log = sim.take_log();
    let lost = "50000: disconnected: nothing was heard for 40s".to_string();
    assert!(log.contains(&lost), "{log:#?}");
    assert_eq!(sim.session.health().failures, 1);
}

#[test]
fn g03_a_ping_is_answered_with_its_round_trip_or_lost() {
    let mut sim = venue(plain());
    let first = sim.session.ping(secs(5), sim.now).unwrap();
    let second = sim.session.ping(secs(5), sim.now).unwrap();
    assert_ne!(first, second);
    sim.settle();
    let log = sim.take_log();
    assert_eq!(log.len(), 4, "{log:#?}");
    assert!(log[2].starts_with("0: PingAnswered"), "{log:#?}");
    sim.black_hole();
    sim.session.ping(secs(5), sim.now).unwrap();
    sim.run(5000);
    assert!(sim.take_log()[0].starts_with("5000: PingLost"));
    sim.session.ping(secs(60), sim.now).unwrap();
    sim.cut(TransportEnd::Reset);
    assert!(sim.take_log()[1].starts_with("5000: PingLost"));
    assert!(sim.session.ping(secs(5), sim.now).is_err());
    assert_eq!(sim.session.poll_timeout().unwrap().0, sim.now + secs(1));
}

/// The time of day so many seconds after an arbitrary one.
fn day(seconds: u64) -> UnixTime {
    UnixTime::from_nanos((1_800_000_000 + seconds) * 1_000_000_000)
}

#[test]
fn a_short_sleep_is_probed_and_a_long_one_is_a_reconnect_at_once() {
    let first = Duration::ZERO..=Duration::ZERO;
    let mut sim = venue(plain().backoff(backoff().first(Some(first))));
    sim.session.wall_clock(day(0), sim.now);
    sim.run(10_000);
    // Twenty seconds of the day in ten of ours.
    sim.session.wall_clock(day(20), sim.now);
    sim.settle();
    let log = sim.take_log();
    assert!(log[0].starts_with("10000: ClockJump(Probe"), "{log:#?}");
    assert!(log[1].starts_with("10000: < ping"), "{log:#?}");
    sim.run(60_000);
    assert!(matches!(sim.session.state(), State::Ready { .. }));

    // The same, and nobody answers: three seconds.
    sim.session.wall_clock(day(70), sim.now);
    sim.take_log();
    sim.black_hole();
    sim.session.wall_clock(day(80), sim.now);
    sim.run(70_000);
    let log = sim.take_log();
    let lost = "63000: disconnected: closed after the pong timeout";
    assert!(log[1].starts_with(lost), "{log:#?}");

    // Eight hours: the server has given up long ago.
    sim.session.wall_clock(day(90), sim.now);
    sim.take_log();
    sim.session.wall_clock(day(28_890), sim.now);
    sim.settle();
    let log = sim.take_log();
    assert!(log[0].starts_with("70000: ClockJump(Reconnect"), "{log:#?}");
    assert_eq!(log[1], "70000: disconnected: the computer slept for 28800s");
    sim.run(70_000);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
}

#[test]
fn a_wait_that_was_slept_through_is_over() {
    let mut sim = Sim::new(plain(), &[Plan::Refuse, Plan::Serve]);
    sim.session.wall_clock(day(0), sim.now);
    sim.start();
    assert!(matches!(sim.session.state(), State::Waiting { .. }));
    sim.session.wall_clock(day(3600), sim.now);
    sim.run(0);
    assert_eq!(sim.dials, [0, 0]);
    // What counts as a sleep can be chosen.
    let patient = ClockConfig::default().tolerance(secs(7200));
    let mut sim = Sim::new(plain().clock(patient), &[Plan::Refuse, Plan::Serve]);
    sim.session.wall_clock(day(0), sim.now);
    sim.start();
    sim.session.wall_clock(day(3600), sim.now);
    sim.run(0);
    assert_eq!(sim.dials, [0]);
}

#[test]
fn a_timer_that_is_very_late_costs_a_ping_and_no_connection() {
    let config = plain().heartbeat(calm().app(Some(secs(10))));
    let mut sim = venue(config);
    sim.now += secs(100);
    sim.session.handle_timeout(sim.now);
    sim.settle();
    let log = sim.take_log();
    assert!(log[0].starts_with("100000: ClockJump(Probe"), "{log:#?}");
    let pings = log.iter().filter(|line| line.contains("< ping"));
    assert_eq!(pings.count(), 1, "{log:#?}");
    sim.run(104_000);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
}

#[test]
fn without_a_network_nothing_is_dialled_until_there_is_one() {
    let mut sim = venue(plain());
    sim.session.network(Network::Offline, sim.now);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    sim.cut(TransportEnd::Reset);
    assert_eq!(sim.session.state(), State::Parked { attempt: 1 });
    assert_eq!(sim.session.poll_timeout(), None);
    sim.run(3_600_000);
    assert_eq!(sim.dials, [0]);
    sim.session.network(Network::Online, sim.now);
    sim.run(3_600_000);
    assert_eq!(sim.dials, [0, 3_600_000]);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    // Another path: is the server still there?
    sim.take_log();
    sim.session.network(Network::PathChanged, sim.now);
    sim.settle();
    assert!(sim.take_log()[0].starts_with("3600000: < ping"));
    // A wait ends with the network, and comes back with it; the owner may also ask.
    sim.cut(TransportEnd::Reset);
    sim.session.network(Network::Offline, sim.now);
    assert!(matches!(sim.session.state(), State::Parked { .. }));
    sim.session.reconnect(sim.now);
    sim.run(3_600_000);
    assert_eq!(sim.dials.len(), 3);
}

#[test]
fn i13_an_idle_session_wakes_at_most_twice_per_ping_interval() {
    let mut sim = venue(pinging());
    let mut wakes = 0;
    while sim.millis() < 150_000 {
        let (at, _) = sim.session.poll_timeout().unwrap();
        let next = at.as_nanos() / 1_000_000;
        sim.run(next);
        wakes += 1;
    }
    assert!(wakes <= 20, "{wakes} in ten intervals");
}
