//! Limits, lanes and the queue of a session, in virtual time.

mod queue;
mod shared;

use std::time::Duration;

use crate::sim::venue::{Venue, yes};
use crate::sim::{Plan, Sim, plain};
use ws_core::TransportEnd;
use ws_core::policy::{Bucket, BucketId, Cost, LimiterPolicy, Mode, Percent, Pricing, Shape};
use ws_core::session::correlate::{CorrelatorConfig, Sent, Timing};
use ws_core::session::queue::QueueConfig;
use ws_core::session::{
    Offline, RequestError, RequestOptions, SendError, SendOptions, SessionConfig,
};

fn costs() -> Pricing {
    Pricing::default()
        .with("subscription", Cost::new(5))
        .with("auth", Cost::new(10))
        .with("query", Cost::new(1))
        .with("order", Cost::new(10))
        .with("test", Cost::new(1))
        .with("huge", Cost::new(121))
}

/// 120 units, 10 more each second, 200 items in the queue.
fn limited() -> SessionConfig {
    plain()
        .limits(LimiterPolicy::deribit())
        .pricing(costs())
        .queue(QueueConfig::default().max_items(200).age_after(None))
        .requests(CorrelatorConfig::default().timeout(Duration::from_secs(3600)))
}

fn venue(config: SessionConfig) -> Sim<Venue> {
    let mut sim = Sim::with(Venue::default(), config, &[Plan::Serve]);
    sim.start();
    sim.take_log();
    sim
}

fn order(sim: &mut Sim<Venue>) -> Result<(), RequestError> {
    let asked = sim.session.request(&"order x", sim.now);
    sim.settle();
    asked.map(drop)
}

/// When the server heard what, without numbers.
fn heard(sim: &mut Sim<Venue>) -> Vec<(u64, String)> {
    let log = sim.take_log();
    let lines = log.iter().filter_map(|line| line.split_once(": < "));
    let lines = lines.map(|(time, text)| {
        let what = text.split_once(' ').map_or(text, |(_, what)| what);
        (time.parse().unwrap(), what.to_string())
    });
    lines.collect()
}

fn times(sim: &mut Sim<Venue>) -> Vec<u64> {
    heard(sim).into_iter().map(|(at, _)| at).collect()
}

#[test]
fn s09_twelve_orders_leave_at_once_and_the_thirteenth_after_a_second() {
    let mut sim = venue(limited());
    for _ in 0..13 {
        order(&mut sim).unwrap();
    }
    assert_eq!(times(&mut sim), [0; 12]);
    sim.run(1000);
    assert_eq!(times(&mut sim), [1000]);
    // With five units an order waits until there are ten.
    sim.run(1500);
    order(&mut sim).unwrap();
    sim.run(10_000);
    assert_eq!(times(&mut sim), [2000]);
}

#[test]
fn s09_what_may_wait_is_bounded_and_what_could_never_leave_is_refused() {
    let mut sim = venue(limited());
    for _ in 0..212 {
        order(&mut sim).unwrap();
    }
    assert!(matches!(
        order(&mut sim),
        Err(RequestError::Send(SendError::QueueFull(_)))
    ));
    assert_eq!(sim.session.snapshot(sim.now).queue.fill, Percent(100));
    assert_eq!(sim.session.pending_requests(), 212);
    assert!(matches!(
        sim.session.request(&"huge x", sim.now),
        Err(RequestError::Send(SendError::Limit(_)))
    ));
    assert_eq!(
        sim.session.pending_requests(),
        212,
        "it left nothing behind"
    );
}

#[test]
fn s09_priorities_go_first_equals_keep_their_order_and_nothing_overtakes() {
    let mut sim = venue(limited());
    for _ in 0..12 {
        order(&mut sim).unwrap();
    }
    let with = |priority| RequestOptions::default().send(SendOptions::default().priority(priority));
    for (text, priority) in [
        ("order one", 0),
        ("order two", 0),
        ("query last", 9),
        ("query cheap", 0),
    ] {
        let options = with(priority);
        sim.session.request_with(&text, &options, sim.now).unwrap();
    }
    sim.settle();
    sim.take_log();
    sim.run(10_000);
    let order = heard(&mut sim);
    let expected = [
        (100, "query last"),
        (1100, "order one"),
        (2100, "order two"),
        (2200, "query cheap"),
    ];
    assert_eq!(order, expected.map(|(at, what)| (at, what.to_string())));
}

#[test]
fn s09_heartbeats_and_closes_do_not_wait_but_are_counted() {
    let mut sim = venue(limited());
    for _ in 0..12 {
        order(&mut sim).unwrap();
    }
    order(&mut sim).unwrap();
    sim.take_log();
    sim.say("test?");
    assert_eq!(heard(&mut sim), [(0, "test!".to_string())]);
    // It took one unit: the order leaves a tenth of a second later.
    sim.run(5000);
    assert_eq!(times(&mut sim), [1100]);
    for _ in 0..30 {
        order(&mut sim).unwrap();
    }
    sim.take_log();
    let now = sim.now;
    sim.session.close(crate::sim::NORMAL, "", now).unwrap();
    sim.settle();
    let log = sim.take_log();
    let ended = log.iter().filter(|line| line.ends_with("ended: Closed No"));
    assert_eq!(ended.count(), 27);
    assert!(log.iter().any(|line| line.contains("over:")), "{log:#?}");
}

#[test]
fn s09_what_waits_fails_with_its_connection_or_is_kept() {
    let mut sim = venue(limited());
    for _ in 0..12 {
        order(&mut sim).unwrap();
    }
    order(&mut sim).unwrap();
    let kept = RequestOptions::default().send(SendOptions::default().offline(Offline::Queue));
    sim.session
        .request_with(&"order kept", &kept, sim.now)
        .unwrap();
    sim.settle();
    sim.take_log();
    sim.cut(TransportEnd::Reset);
    let log = sim.take_log();
    let ended = |what: &str| log.iter().filter(|line| line.ends_with(what)).count();
    assert_eq!(ended("ended: Disconnected Full"), 12);
    assert_eq!(ended("ended: Disconnected No"), 1);
    sim.run(60_000);
    assert_eq!(heard(&mut sim), [(1000, "order kept".to_string())]);
    assert_eq!(sim.session.pending_requests(), 1);
}

#[test]
fn s09_the_server_s_word_counts() {
    let mut sim = venue(limited());
    sim.say("slow 7000");
    order(&mut sim).unwrap();
    sim.run(20_000);
    assert_eq!(times(&mut sim), [7000]);
    // It says that 95 of 100 are used: five are left, and ten after half a second.
    sim.say("used 95");
    order(&mut sim).unwrap();
    sim.run(30_000);
    assert_eq!(times(&mut sim), [20_500]);
}

#[test]
fn a_window_of_the_server_s_is_never_broken_whatever_the_application_does() {
    let window = Shape::Window {
        limit: 5,
        per: Duration::from_secs(1),
        guard: Duration::from_millis(50),
    };
    let config = plain()
        .limits(LimiterPolicy::default().bucket(BucketId::A, Bucket::new(window)))
        .pricing(Pricing::flat(Cost::new(1)));
    let mut sim = venue(config);
    for n in 0..60 {
        sim.session.send(format!("m {n}"), sim.now).unwrap();
        if n % 7 == 0 {
            let next = sim.millis() + 90;
            sim.run(next);
        }
    }
    sim.run(60_000);
    let times = times(&mut sim);
    assert_eq!(times.len(), 60);
    for six in times.windows(6) {
        assert!(six[5] - six[0] >= 1050, "{six:?}");
    }
}

#[test]
fn units_in_flight_are_free_again_whatever_became_of_the_request() {
    let one = Bucket::new(Shape::InFlight { max: 1 });
    let config = plain()
        .limits(LimiterPolicy::default().bucket(BucketId::A, one))
        .pricing(Pricing::flat(Cost::new(1)));
    let mut sim = venue(config);
    let timing = Timing::default().timeout(Some(Duration::from_secs(5)));
    let first = sim.session.request(&"answered", sim.now).unwrap();
    let second = sim.session.request_within(
        &"expires",
        timing.budget(Some(Duration::from_secs(60))),
        sim.now,
    );
    second.unwrap();
    let third = sim.session.request(&"cancelled", sim.now).unwrap();
    sim.session.request(&"last", sim.now).unwrap();
    sim.settle();
    assert_eq!(heard(&mut sim), [(0, "answered".to_string())]);
    sim.say(&format!("{} ok", first.number()));
    assert_eq!(heard(&mut sim), [(0, "expires".to_string())]);
    sim.run(5000);
    assert_eq!(heard(&mut sim), [(5000, "cancelled".to_string())]);
    assert_eq!(sim.session.cancel(third, sim.now), Some(Sent::Full));
    sim.settle();
    assert_eq!(heard(&mut sim), [(5000, "last".to_string())]);
    sim.cut(TransportEnd::Eof);
    sim.run(7000);
    sim.session.request(&"anew", sim.now).unwrap();
    sim.settle();
    assert_eq!(heard(&mut sim), [(7000, "anew".to_string())]);
}

#[test]
fn s08_a_key_in_use_is_refused_before_a_byte_is_written() {
    let mut sim = venue(plain());
    sim.session.request(&"=five first", sim.now).unwrap();
    assert!(matches!(
        sim.session.request(&"=five second", sim.now),
        Err(RequestError::Correlate(_))
    ));
    sim.settle();
    assert_eq!(heard(&mut sim), [(0, "first".to_string())]);
    sim.say("five ok");
    assert!(sim.take_log()[0].starts_with("0: answer to 1"));
    assert!(sim.session.request(&"=five third", sim.now).is_ok());
}

#[test]
fn an_error_without_a_number_is_that_of_the_only_request() {
    let mut sim = venue(plain());
    sim.session.request(&"one", sim.now).unwrap();
    sim.settle();
    sim.take_log();
    sim.say("error what");
    assert!(sim.take_log()[0].starts_with("0: answer to 1"));
    sim.session.request(&"two", sim.now).unwrap();
    sim.session.request(&"three", sim.now).unwrap();
    sim.settle();
    sim.take_log();
    sim.say("error what");
    assert!(sim.take_log()[0].starts_with("0: unmatched Unattributed"));
    assert_eq!(sim.session.pending_requests(), 2);
    sim.say("call 7 what");
    assert!(sim.take_log()[0].starts_with("0: Call"));
}

#[test]
fn a_request_that_waits_says_so_when_its_time_is_up() {
    let hold = LimiterPolicy::default().mode(Mode::Hold);
    let mut sim = venue(plain().limits(hold));
    let short = SendOptions::default().ttl(Some(Duration::from_secs(2)));
    let options = RequestOptions::default().send(short);
    sim.session.request_with(&"a", &options, sim.now).unwrap();
    sim.session.request(&"b", sim.now).unwrap();
    let id = sim.session.request(&"c", sim.now).unwrap();
    assert_eq!(sim.session.cancel(id, sim.now), Some(Sent::No));
    sim.run(40_000);
    assert_eq!(
        sim.take_log(),
        [
            "2000: request 1 ended: TimedOut No",
            "30000: request 2 ended: TimedOut No"
        ]
    );
    let snapshot = sim.session.snapshot(sim.now);
    assert_eq!((snapshot.queue.bytes, snapshot.requests), (0, 0));
}

#[test]
fn buckets_of_a_connection_start_over_and_shared_ones_do_not() {
    use ws_core::policy::Scope;
    for (scope, after) in [(Scope::Connection, 1000), (Scope::Shared, 10_000)] {
        let bucket = Bucket::new(Shape::Bucket {
            capacity: 1,
            rate: 1,
            interval: Duration::from_secs(10),
        })
        .scope(scope);
        let config = plain()
            .limits(LimiterPolicy::default().bucket(BucketId::A, bucket))
            .pricing(Pricing::flat(Cost::new(1)));
        let mut sim = venue(config);
        sim.session.send("one x", sim.now).unwrap();
        sim.settle();
        sim.cut(TransportEnd::Eof);
        let kept = SendOptions::default().offline(Offline::Queue);
        sim.session.send_with("two x", &kept, sim.now).unwrap();
        sim.run(60_000);
        assert_eq!(times(&mut sim), [0, after], "{scope:?}");
    }
}

#[test]
fn every_request_that_the_limits_let_through_is_answered() {
    let mut sim = venue(limited());
    sim.answers = Some(Box::new(yes));
    for _ in 0..20 {
        order(&mut sim).unwrap();
    }
    sim.run(60_000);
    assert_eq!(sim.session.pending_requests(), 0);
    assert_eq!(sim.session.latency().unwrap().count, 20);
}
