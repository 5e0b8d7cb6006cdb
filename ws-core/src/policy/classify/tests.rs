//! The table row by row, what comes before it, and what the judge remembers.

use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::close::CloseCode;
use crate::policy::Penalty;

fn http(status: u16) -> Failure<'static> {
    let kind = FailureKind::Http {
        status,
        retry_after: None,
        body: b"",
    };
    Failure::new(Stage::Upgrade, kind)
}

fn closed(code: u16, reason: &str) -> Failure<'_> {
    let code = CloseCode::new(code);
    Failure::new(Stage::Ready, FailureKind::Close { code, reason })
}

fn io(class: IoClass) -> Failure<'static> {
    Failure::new(Stage::Connect, FailureKind::Io(class))
}

fn verdict(failure: &Failure<'_>) -> Verdict {
    Classifier::default().classify(failure)
}

/// How many of the same failure in a row a session survives, up to ten.
fn survives(classifier: Classifier, failure: &Failure<'_>) -> (usize, Option<Stop>) {
    let mut judge = Judge::new(classifier, Credentials::Renewable);
    for i in 0..10 {
        if let Decision::Stop(why) = judge.judge(failure) {
            return (i, Some(why));
        }
    }
    (10, None)
}

#[test]
fn statuses_have_their_rows() {
    let lives = |status| survives(Classifier::default(), &http(status)).0;
    for status in [408, 418, 425, 429, 500, 502, 503, 504, 520, 529] {
        assert_eq!(lives(status), 10, "{status}");
    }
    for status in [200, 301, 302, 400, 404, 405, 410, 426, 501, 505, 507, 999] {
        assert_eq!(lives(status), 2, "{status} ends at the third");
    }
    assert_eq!(lives(401), 1);
    assert_eq!(lives(403), 1);
}

#[test]
fn close_codes_have_their_rows() {
    let lives = |code| survives(Classifier::default(), &closed(code, "")).0;
    for code in [
        1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 3001, 4000, 4999,
    ] {
        assert_eq!(lives(code), 10, "{code}");
    }
    for code in [1002, 1003, 1007, 1010, 1015] {
        assert_eq!(lives(code), 2, "{code}");
    }
    assert_eq!(lives(1009), 0);
    assert_eq!(lives(3000), 1);
    assert_eq!(lives(3003), 1);
    let try_later = verdict(&closed(1013, "")).wait;
    assert_eq!(try_later.penalty, Some(Penalty::Base));
}

#[test]
fn s05_policy_closes_are_penalised_and_end_at_the_fifth() {
    let policy = closed(1008, "policy");
    let wait = verdict(&policy).wait;
    assert_eq!(wait.penalty, Some(Penalty::HalfCap));
    assert_eq!(
        survives(Classifier::default(), &policy),
        (4, Some(Stop::Repeated(5)))
    );
}

#[test]
fn s05_a_normal_close_retries_unless_it_is_the_end() {
    let normal = closed(1000, "");
    assert_eq!(verdict(&normal).then, Then::Retry);
    let stops = Classifier::default().stop_on_normal_close();
    assert_eq!(survives(stops, &normal), (0, Some(Stop::Finished)));
    let local = Failure::new(Stage::Draining, FailureKind::Local);
    assert_eq!(verdict(&local).then, Then::Finish);
}

#[test]
fn s05_an_authentication_failure_by_close_code_without_a_provider_is_final() {
    let unauthorized = closed(4401, "unauthorized");
    let mut judge = Judge::new(Classifier::graphql_transport_ws(), Credentials::Fixed);
    assert_eq!(judge.judge(&unauthorized), Decision::Stop(Stop::Rejected));
    assert_eq!(
        verdict(&unauthorized).then,
        Then::Retry,
        "without a dialect"
    );
}

#[test]
fn s03_rejected_credentials_are_refreshed_once() {
    let mut judge = Judge::new(Classifier::default(), Credentials::Fixed);
    assert_eq!(judge.judge(&http(401)), Decision::Stop(Stop::Rejected));

    let mut judge = Judge::new(Classifier::default(), Credentials::Renewable);
    let Decision::Retry { refresh, .. } = judge.judge(&http(401)) else {
        panic!("fresh credentials are asked for");
    };
    assert!(refresh);
    // An outage in between does not make the credentials better, being accepted does.
    judge.judge(&io(IoClass::Refused));
    let mut forgiven = judge.clone();
    assert_eq!(judge.judge(&http(401)), Decision::Stop(Stop::Rejected));
    forgiven.accepted(0);
    assert!(matches!(
        forgiven.judge(&http(401)),
        Decision::Retry { refresh: true, .. }
    ));
}

#[test]
fn s03_retry_after_reaches_the_backoff() {
    let kind = FailureKind::Http {
        status: 503,
        retry_after: Some(Duration::from_secs(7)),
        body: b"",
    };
    let wait = verdict(&Failure::new(Stage::Upgrade, kind)).wait;
    assert_eq!(wait.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(verdict(&http(429)).wait, Wait::default());
}

#[test]
fn s16_certificates_end_at_the_third_and_can_be_made_to_end_at_once() {
    let certificate = io(IoClass::Certificate);
    assert_eq!(
        survives(Classifier::default(), &certificate),
        (2, Some(Stop::Repeated(3)))
    );
    let when = When::Io(IoClass::Certificate);
    let strict = Classifier::default().row(Row::new(when, Verdict::RETRY.fatal_after(1)));
    assert_eq!(survives(strict, &certificate).0, 0);
}

#[test]
fn a_denial_is_final_at_once_and_protocol_errors_at_the_third() {
    let denied = Failure::new(Stage::Auth, FailureKind::AuthDenied);
    assert_eq!(
        survives(Classifier::default(), &denied),
        (0, Some(Stop::Fatal))
    );
    let protocol = Failure::new(Stage::Ready, FailureKind::Protocol);
    assert_eq!(survives(Classifier::default(), &protocol).0, 2);
}

#[test]
fn a_name_that_never_worked_is_given_up_earlier_than_one_that_did() {
    let missing = io(IoClass::NameNotFound);
    let first = missing.phase(Phase::Initial);
    assert_eq!(survives(Classifier::default(), &first).0, 4);
    assert_eq!(survives(Classifier::default(), &missing).0, 10);
}

#[test]
fn what_another_endpoint_may_cure_says_so() {
    for class in [
        IoClass::NameNotFound,
        IoClass::Refused,
        IoClass::Reset,
        IoClass::ResolveFailed,
        IoClass::TimedOut,
        IoClass::Unreachable,
    ] {
        assert!(verdict(&io(class)).next_endpoint, "{class:?}");
    }
    for kind in [
        FailureKind::Timeout,
        FailureKind::PongTimeout,
        FailureKind::IdleTimeout,
    ] {
        assert!(verdict(&Failure::new(Stage::Ready, kind)).next_endpoint);
    }
    for failure in [io(IoClass::Tls), io(IoClass::Other), closed(1001, "")] {
        assert_eq!(verdict(&failure), Verdict::RETRY);
    }
    let eof = Failure::new(Stage::Ready, FailureKind::Eof);
    assert_eq!(verdict(&eof), Verdict::RETRY);
}

#[test]
fn rows_come_before_the_table_the_last_one_first_and_a_function_before_all() {
    let fatal = Row::new(When::Http(503..=503), Verdict::FATAL);
    let one = Classifier::default().row(fatal.clone());
    assert_eq!(one.classify(&http(503)), Verdict::FATAL);
    let two = one.row(Row::new(When::Http(500..=599), Verdict::FINISH));
    assert_eq!(two.classify(&http(503)), Verdict::FINISH);
    let elsewhere = Classifier::default().row(fatal.stage(Stage::Proxy));
    assert_eq!(elsewhere.classify(&http(503)), Verdict::RETRY);
    let asked = two.function(|failure: &Failure<'_>| {
        (failure.endpoint == 3).then(|| Verdict::RETRY.immediate())
    });
    assert!(asked.classify(&http(503).endpoint(3)).wait.immediate);
    assert_eq!(asked.classify(&http(503)), Verdict::FINISH);
    assert!(alloc::format!("{asked:?}").contains("function: true"));
}

#[test]
fn reasons_and_bodies_are_looked_into() {
    let wait = |reason| {
        let verdict = Classifier::binance().classify(&closed(1008, reason));
        verdict.wait.penalty
    };
    let minute = Penalty::Fixed(Duration::from_secs(60));
    assert_eq!(wait("Too many requests"), Some(minute));
    assert_eq!(wait("bad"), Some(Penalty::HalfCap));

    let row = Row::new(When::HttpBody(403..=403, "banned".into()), Verdict::FATAL);
    let classifier = Classifier::default().row(row);
    let with = |body| FailureKind::Http {
        status: 403,
        retry_after: None,
        body,
    };
    let of = |body| classifier.classify(&Failure::new(Stage::Upgrade, with(body)));
    assert_eq!(of(b"You are BANNED \xff"), Verdict::FATAL);
    assert_eq!(of(b"no").fatal_after, Some(2));
}

#[test]
fn presets_know_their_protocols() {
    let graphql = |code| survives(Classifier::graphql_transport_ws(), &closed(code, "")).0;
    for code in [4004, 4005, 4400, 4406, 4409, 4429, 4500] {
        assert_eq!(graphql(code), 0, "{code}");
    }
    assert_eq!((graphql(4401), graphql(4403), graphql(4408)), (1, 1, 10));

    let bands = |code| survives(Classifier::centrifugo_bands(), &closed(code, "")).0;
    let edges = [3000, 3499, 3500, 3999, 4000, 4499, 4500, 4999];
    assert_eq!(edges.map(bands), [10, 10, 0, 0, 10, 10, 0, 0]);

    for status in [403, 418, 429] {
        let verdict = Classifier::binance().classify(&http(status));
        assert!(matches!(verdict.wait.penalty, Some(Penalty::Fixed(_))));
        assert_eq!(survives(Classifier::binance(), &http(status)).0, 10);
    }

    let rejected = |code| Failure::new(Stage::Auth, FailureKind::AuthRejected { code });
    let deribit = |code| survives(Classifier::deribit(), &rejected(code)).0;
    let codes = [13_004, 13_021, 13_009, 10_028, 11_051, 13_028, 42];
    assert_eq!(codes.map(deribit), [0, 0, 1, 10, 10, 10, 1]);
}

#[test]
fn in_a_row_means_the_same_class_at_the_same_endpoint() {
    let mut judge = Judge::new(Classifier::default(), Credentials::Fixed);
    let goes_on = |decision| matches!(decision, Decision::Retry { .. });
    assert!(goes_on(judge.judge(&http(404))));
    assert!(goes_on(judge.judge(&http(404))));
    assert!(goes_on(judge.judge(&http(404).endpoint(1))), "elsewhere");
    let mut other = judge.clone();
    assert_eq!(judge.judge(&http(404)), Decision::Stop(Stop::Repeated(3)));
    assert!(goes_on(other.judge(&http(500))), "something else");
    assert!(goes_on(other.judge(&http(404))));
    assert!(goes_on(other.judge(&http(404))));
    other.stable();
    assert!(goes_on(other.judge(&http(404))));
}

fn any_kind() -> impl Strategy<Value = FailureKind<'static>> {
    prop_oneof![
        any::<i64>().prop_map(|code| FailureKind::AuthRejected { code }),
        any::<u16>().prop_map(|code| FailureKind::Close {
            code: CloseCode::new(code),
            reason: "too many"
        }),
        any::<u16>().prop_map(|status| FailureKind::Http {
            status,
            retry_after: None,
            body: b"body"
        }),
        Just(FailureKind::Eof),
        Just(FailureKind::Timeout),
        Just(FailureKind::Io(IoClass::Reset)),
    ]
}

proptest! {
    #[test]
    fn no_credentials_are_refused_three_times(
        kinds in prop::collection::vec(any_kind(), 0..40),
    ) {
        let mut judge = Judge::new(Classifier::default(), Credentials::Renewable);
        let mut refused = alloc::collections::BTreeMap::new();
        for kind in kinds {
            let failure = Failure::new(Stage::Ready, kind);
            let refresh = verdict(&failure).refresh;
            if let Decision::Retry { refresh: asked, .. } = judge.judge(&failure) {
                prop_assert_eq!(asked, refresh);
                if asked {
                    // Another kind of refusal in between starts over, never the same one.
                    let class = failure.class();
                    refused.retain(|other, _| *other == class);
                    let times = refused.entry(class).or_insert(0);
                    *times += 1;
                    prop_assert!(*times <= 1);
                }
            }
        }
    }
}
