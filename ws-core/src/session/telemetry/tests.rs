use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::{History, Level, Metrics};
use crate::Instant;
use crate::error::ProtocolError;
use crate::policy::{IoClass, Stage};
use crate::session::action::ConnId;
use crate::session::{DialError, End, Event, Lost, Payload};
use crate::url::Url;

fn at(ms: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(ms)
}

fn lost() -> Lost {
    Lost::Dial(DialError::new(Stage::Connect, IoClass::Refused))
}

/// A day in the life of a session.
fn day() -> Vec<(u64, Event)> {
    let conn = ConnId;
    let to = Url::parse("wss://ann:s3cret@b.test/feed?token=s3cret").unwrap();
    vec![
        (
            0,
            Event::Failed {
                conn: conn(1),
                attempt: 1,
                lost: lost(),
            },
        ),
        (
            0,
            Event::RetryScheduled {
                attempt: 2,
                delay: Duration::from_secs(1),
                at: at(1000),
            },
        ),
        (1000, Event::Redirected { conn: conn(2), to }),
        (
            1500,
            Event::Ready {
                conn: conn(3),
                attempt: 2,
                downtime: None,
            },
        ),
        (1600, Event::Text("s3cret".into())),
        (1600, Event::Binary(b"s3cret!".to_vec().into())),
        (1700, Event::Ping(b"s3cret".to_vec().into())),
        (2000, Event::ProtocolError(ProtocolError::BadDeflate)),
        (
            2500,
            Event::Disconnected {
                conn: conn(3),
                lost: lost(),
            },
        ),
        (2500, Event::Terminated(End::Fatal(lost()))),
    ]
}

#[test]
fn a_history_has_what_mattered_and_no_secrets() {
    let mut history = History::new(100);
    for (ms, event) in day() {
        history.remember(&event, at(ms));
    }
    let text = history.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert!(
        lines[0].starts_with("+0.000 warn connection failed conn=1 attempt=1: "),
        "{text}"
    );
    assert_eq!(lines[1], "+0.000 info connection retry attempt=2 time=1s");
    assert_eq!(
        lines[2],
        "+1.000 info connection redirected conn=2: wss://b.test"
    );
    assert_eq!(lines[3], "+1.500 info connection ready conn=3 attempt=2");
    assert!(
        lines[4].starts_with("+2.000 error connection protocol_error: "),
        "{text}"
    );
    assert!(
        lines[6].starts_with("+2.500 error connection terminated: "),
        "{text}"
    );
    for (_, event) in day() {
        assert!(!event.entry().to_string().contains("s3cret"), "{event:?}");
    }
}

#[test]
fn a_history_is_bounded_and_forgets_the_oldest() {
    let mut history = History::new(2);
    for (ms, event) in day() {
        history.remember(&event, at(ms));
    }
    let names: Vec<&str> = history.iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["disconnected", "terminated"]);
    assert_eq!(history.forgotten(), 5);
    assert!(history.iter().all(|entry| entry.level >= Level::Info));
    let mut least = History::new(0);
    least.remember(&day()[0].1, at(0));
    assert_eq!(least.iter().len(), 1);
}

#[test]
fn metrics_are_the_sum_of_the_events() {
    let mut metrics = Metrics::default();
    for (ms, event) in day() {
        metrics.count(&event, at(ms));
        if ms == 2000 {
            assert_eq!(metrics.uptime(at(2100)), Duration::from_millis(600));
        }
    }
    assert_eq!((metrics.failed, metrics.ready, metrics.lost), (1, 1, 1));
    assert_eq!(
        (metrics.messages, metrics.bytes, metrics.control),
        (2, 13, 1)
    );
    assert_eq!((metrics.redirected, metrics.protocol_errors), (1, 1));
    assert_eq!(metrics.uptime, Duration::from_secs(1));
    assert_eq!(
        metrics.uptime(at(9000)),
        Duration::from_secs(1),
        "it is over"
    );
}

#[test]
fn answers_are_messages_too() {
    use crate::session::correlate::Unmatched;
    let mut metrics = Metrics::default();
    let message = Payload::Text(String::from("four"));
    let event = Event::<String, Vec<u8>>::Unmatched {
        why: Unmatched::Unknown,
        message,
    };
    metrics.count(&event, at(0));
    assert_eq!(
        (metrics.unmatched, metrics.messages, metrics.bytes),
        (1, 1, 4)
    );
}
