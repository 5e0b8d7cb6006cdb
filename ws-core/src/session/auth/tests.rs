//! The life of a login, by the numbers of the scenario.

use proptest::prelude::*;

use super::*;
use crate::policy::Jitter;
use crate::rng::Rng;
use crate::seed::Seed;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + secs(seconds)
}

fn rng() -> Rng {
    Rng::new(&Seed::new([3; 32]))
}

/// The configuration of the scenario: renewed two minutes before the end, nothing random, 30 s for an
/// answer, and always the same key.
fn s11() -> AuthConfig {
    let retry = AuthConfig::default().retry.jitter(Jitter::None);
    AuthConfig::default()
        .timeout(secs(30))
        .refresh(Refresh::Before(secs(120)))
        .retry(retry)
        .credentials(Credentials::Fixed)
}

/// Does what is asked for until the login has left.
fn log_in(auth: &mut Auth, now: Instant) -> Purpose {
    let Some(AuthAction::Fetch { id, purpose, .. }) = auth.poll(now) else {
        panic!("credentials are needed: {:?}", auth.phase());
    };
    assert_eq!(auth.poll(now), None, "asked once");
    assert_eq!(auth.fetched(id, Ok(()), &mut rng(), now), None);
    assert_eq!(auth.poll(now), Some(AuthAction::Send { purpose }));
    assert_eq!(auth.poll(now), None, "sent once");
    auth.sent(now);
    purpose
}

/// Logged in since the origin, for 600 s.
fn live(config: AuthConfig) -> Auth {
    let mut auth = Auth::new(config);
    auth.begin(0);
    assert_eq!(log_in(&mut auth, at(0)), Purpose::Login);
    let event = auth.accepted(Some(secs(600)), Duration::ZERO, &mut rng(), at(0));
    assert!(matches!(event, Some(AuthEvent::Accepted { .. })));
    auth
}

#[test]
fn s11_the_login_is_renewed_at_480_s_and_traffic_goes_on() {
    let mut auth = live(s11());
    let (expires, refresh_at) = (Some(at(600)), Some(at(480)));
    assert_eq!(
        auth.phase(),
        AuthPhase::Live {
            expires,
            refresh_at
        }
    );
    assert_eq!(auth.poll_timeout(), Some(at(480)));
    assert_eq!(auth.handle_timeout(&mut rng(), at(479)), None);
    assert_eq!(auth.poll(at(479)), None);
    assert_eq!(auth.handle_timeout(&mut rng(), at(480)), None);
    assert_eq!(log_in(&mut auth, at(480)), Purpose::Refresh);
    assert!(auth.is_live());
    let expires = at(600);
    assert_eq!(auth.phase(), AuthPhase::Refreshing { expires });
    let event = auth.accepted(Some(secs(600)), Duration::ZERO, &mut rng(), at(481));
    let (purpose, refresh_at) = (Purpose::Refresh, Some(at(961)));
    assert_eq!(
        event,
        Some(AuthEvent::Accepted {
            purpose,
            refresh_at
        })
    );
}

#[test]
fn s11_a_renewal_that_fails_for_now_is_tried_again_before_the_expiry() {
    let mut auth = live(s11());
    auth.handle_timeout(&mut rng(), at(480));
    log_in(&mut auth, at(480));
    let busy = Rejection::Temporary(11_051);
    let event = auth.rejected(busy, &mut rng(), at(481));
    let why = LoginFailure::Temporary(11_051);
    let again = Some(at(482));
    assert_eq!(event, Some(AuthEvent::RefreshFailed { why, again }));
    assert!(auth.is_live());
    auth.handle_timeout(&mut rng(), at(482));
    log_in(&mut auth, at(482));
    let event = auth.handle_timeout(&mut rng(), at(512));
    let why = LoginFailure::Timeout;
    let again = Some(at(514));
    assert_eq!(event, Some(AuthEvent::RefreshFailed { why, again }));
    auth.handle_timeout(&mut rng(), at(514));
    log_in(&mut auth, at(514));
    let event = auth.accepted(Some(secs(600)), Duration::ZERO, &mut rng(), at(515));
    assert!(matches!(event, Some(AuthEvent::Accepted { .. })));

    // The next renewal starts afresh.
    auth.handle_timeout(&mut rng(), at(995));
    log_in(&mut auth, at(995));
    let event = auth.rejected(busy, &mut rng(), at(996));
    let (why, again) = (LoginFailure::Temporary(11_051), Some(at(997)));
    assert_eq!(event, Some(AuthEvent::RefreshFailed { why, again }));
}

#[test]
fn s11_invalid_credentials_end_it_for_good() {
    let mut auth = live(s11());
    auth.handle_timeout(&mut rng(), at(480));
    log_in(&mut auth, at(480));
    let invalid = Rejection::Credentials(13_004);
    let code = Some(13_004);
    let event = auth.rejected(invalid, &mut rng(), at(481));
    assert_eq!(event, Some(AuthEvent::Denied { code }));
    auth.lost();
    auth.begin(0);
    assert_eq!(auth.phase(), AuthPhase::Denied);
    assert_eq!((auth.poll(at(500)), auth.poll_timeout()), (None, None));
    assert_eq!(auth.handle_timeout(&mut rng(), at(1100)), None);
}

#[test]
fn s11_no_answer_for_30_s_is_a_failure_of_the_connection() {
    let mut auth = Auth::new(s11());
    auth.begin(0);
    log_in(&mut auth, at(0));
    let deadline = at(30);
    assert_eq!(auth.phase(), AuthPhase::Awaiting { deadline });
    assert_eq!(auth.handle_timeout(&mut rng(), at(29)), None);
    let event = auth.handle_timeout(&mut rng(), at(30));
    assert_eq!(event, Some(AuthEvent::Failed(LoginFailure::Timeout)));
    assert_eq!(auth.poll_timeout(), None);
    let late = auth.accepted(None, Duration::ZERO, &mut rng(), at(31));
    assert_eq!(late, None, "nobody waits for it any more");
}

#[test]
fn s03_other_credentials_are_tried_once() {
    let mut auth = Auth::new(s11().credentials(Credentials::Renewable));
    auth.begin(0);
    log_in(&mut auth, at(0));
    let refusal = Rejection::Credentials(401);
    let event = auth.rejected(refusal, &mut rng(), at(0));
    assert_eq!(event, Some(AuthEvent::Rejected { code: 401 }));
    // Also on another connection, if the server has hung up.
    auth.lost();
    auth.begin(0);
    let Some(AuthAction::Fetch { id, refused, .. }) = auth.poll(at(1)) else {
        panic!("others are needed");
    };
    assert_eq!(refused, Some(401));
    auth.fetched(id, Ok(()), &mut rng(), at(1));
    auth.poll(at(1));
    auth.sent(at(1));
    let mut elsewhere = auth.clone();
    let code = Some(401);
    let event = auth.rejected(refusal, &mut rng(), at(2));
    assert_eq!(event, Some(AuthEvent::Denied { code }));

    elsewhere.begin(1);
    log_in(&mut elsewhere, at(2));
    let event = elsewhere.rejected(refusal, &mut rng(), at(2));
    assert_eq!(event, Some(AuthEvent::Rejected { code: 401 }), "endpoint 1");
    log_in(&mut elsewhere, at(2));
    elsewhere.accepted(None, Duration::ZERO, &mut rng(), at(2));
    elsewhere.begin(1);
    log_in(&mut elsewhere, at(3));
    let event = elsewhere.rejected(refusal, &mut rng(), at(3));
    assert_eq!(
        event,
        Some(AuthEvent::Rejected { code: 401 }),
        "accepted since"
    );
}

#[test]
fn refusals_with_ever_other_codes_end_as_well() {
    let mut auth = Auth::new(AuthConfig::default());
    auth.begin(0);
    for code in [1, 2] {
        log_in(&mut auth, at(0));
        let event = auth.rejected(Rejection::Credentials(code), &mut rng(), at(0));
        assert_eq!(event, Some(AuthEvent::Rejected { code }));
    }
    log_in(&mut auth, at(0));
    let event = auth.rejected(Rejection::Credentials(3), &mut rng(), at(0));
    assert_eq!(event, Some(AuthEvent::Denied { code: Some(3) }));
}

#[test]
fn a_denial_is_final_at_once_whoever_says_so() {
    let mut auth = Auth::new(AuthConfig::default());
    auth.begin(0);
    log_in(&mut auth, at(0));
    let event = auth.rejected(Rejection::Denied(7), &mut rng(), at(0));
    assert_eq!(event, Some(AuthEvent::Denied { code: Some(7) }));

    let mut auth = Auth::new(AuthConfig::default());
    auth.begin(0);
    let Some(AuthAction::Fetch { id, .. }) = auth.poll(at(0)) else {
        panic!("credentials are needed");
    };
    let event = auth.fetched(id, Err(CredError::Denied), &mut rng(), at(0));
    assert_eq!(event, Some(AuthEvent::Denied { code: None }));
}

#[test]
fn a_provider_may_fail_or_sleep() {
    let config = AuthConfig::default().fetch_timeout(secs(4));
    let mut auth = Auth::new(config);
    auth.begin(0);
    let Some(AuthAction::Fetch { id, .. }) = auth.poll(at(0)) else {
        panic!("credentials are needed");
    };
    assert_eq!(auth.phase(), AuthPhase::Fetching(id));
    let mut failing = auth.clone();
    let event = failing.fetched(id, Err(CredError::Temporary), &mut rng(), at(1));
    let why = LoginFailure::NoCredentials;
    assert_eq!(event, Some(AuthEvent::Failed(why)));

    let event = auth.handle_timeout(&mut rng(), at(4));
    let why = LoginFailure::ProviderTimeout;
    assert_eq!(event, Some(AuthEvent::Failed(why)));
    auth.begin(0);
    auth.poll(at(5));
    assert_eq!(auth.fetched(id, Ok(()), &mut rng(), at(5)), None);
    assert!(
        matches!(auth.phase(), AuthPhase::Fetching(_)),
        "an old answer"
    );
}

#[test]
fn what_is_not_renewed_expires() {
    let mut auth = live(s11().refresh(Refresh::Never));
    assert_eq!(auth.poll_timeout(), Some(at(600)));
    assert_eq!(
        auth.handle_timeout(&mut rng(), at(600)),
        Some(AuthEvent::Expired)
    );
    assert!(!auth.is_live());

    // Nor is it when the provider has nothing until it is too late.
    let mut auth = live(s11().refresh(Refresh::Before(secs(3))).guard(secs(2)));
    auth.handle_timeout(&mut rng(), at(597));
    let Some(AuthAction::Fetch { id, .. }) = auth.poll(at(597)) else {
        panic!("it is to be renewed");
    };
    let event = auth.fetched(id, Err(CredError::Temporary), &mut rng(), at(598));
    let (why, again) = (LoginFailure::NoCredentials, None);
    assert_eq!(event, Some(AuthEvent::RefreshFailed { why, again }));
    assert_eq!(auth.poll_timeout(), Some(at(600)));
    assert_eq!(
        auth.handle_timeout(&mut rng(), at(600)),
        Some(AuthEvent::Expired)
    );

    let mut forever = Auth::new(s11());
    forever.begin(0);
    log_in(&mut forever, at(0));
    forever.accepted(None, Duration::ZERO, &mut rng(), at(0));
    assert_eq!(forever.poll_timeout(), None);
}

#[test]
fn a_login_is_renewed_in_the_second_half_of_its_life() {
    let after = |config: AuthConfig, ttl, slow| {
        let auth = Auth::new(config);
        let after = auth.refresh_after(secs(ttl), secs(slow), &mut rng());
        after.unwrap()
    };
    let auto = |ttl, slow| after(AuthConfig::default(), ttl, slow);
    for (ttl, slow, latest) in [
        (3600, 0, 2880),
        (200, 0, 140),
        (200, 15, 125),
        (60, 0, 30),
        (200, 100, 100),
    ] {
        let found = auto(ttl, slow);
        let earliest = secs(latest) * 95 / 100;
        assert!(
            found >= earliest && found <= secs(latest),
            "{ttl}: {found:?}"
        );
    }
    let short = after(s11(), 100, 0);
    assert_eq!(short, secs(50), "not at once, and again and again");
}

#[derive(Clone, Debug)]
enum Op {
    Begin(u32),
    Lost,
    Poll,
    Fetched(u64, bool),
    Sent,
    Accepted(Option<u64>),
    Rejected(u8),
    Wait(u64),
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0..3u32).prop_map(Op::Begin),
        1 => Just(Op::Lost),
        6 => Just(Op::Poll),
        6 => (0..2u64, any::<bool>()).prop_map(|(back, well)| Op::Fetched(back, well)),
        6 => Just(Op::Sent),
        4 => prop::option::of(0..400u64).prop_map(Op::Accepted),
        2 => (0..4u8).prop_map(Op::Rejected),
        4 => (0..200u64).prop_map(Op::Wait),
    ]
}

proptest! {
    #[test]
    fn no_wait_is_for_no_time_and_a_denial_is_for_ever(
        ops in prop::collection::vec(any_op(), 0..150),
        auto: bool,
    ) {
        let refresh = if auto { Refresh::Auto } else { Refresh::Before(secs(60)) };
        let mut auth = Auth::new(AuthConfig::default().refresh(refresh));
        let (mut now, mut rng) = (at(0), rng());
        let mut denied = false;
        for op in ops {
            let event = match op {
                Op::Begin(endpoint) => { auth.begin(endpoint); None }
                Op::Lost => { auth.lost(); None }
                Op::Poll => {
                    let action = auth.poll(now);
                    prop_assert!(!denied || action.is_none());
                    None
                }
                Op::Fetched(back, well) => {
                    let id = CredId(auth.next_id.saturating_sub(back));
                    let outcome = if well { Ok(()) } else { Err(CredError::Temporary) };
                    auth.fetched(id, outcome, &mut rng, now)
                }
                Op::Sent => { auth.sent(now); None }
                Op::Accepted(ttl) => {
                    auth.accepted(ttl.map(secs), Duration::ZERO, &mut rng, now)
                }
                Op::Rejected(kind) => {
                    let rejection = match kind {
                        0 => Rejection::Credentials(1),
                        1 => Rejection::Credentials(2),
                        2 => Rejection::Temporary(1),
                        _ => Rejection::Denied(9),
                    };
                    auth.rejected(rejection, &mut rng, now)
                }
                Op::Wait(wait) => { now += secs(wait); None }
            };
            prop_assert!(!denied || event.is_none());
            denied |= matches!(event, Some(AuthEvent::Denied { .. }));
            let mut times = 0;
            while auth.poll_timeout().is_some_and(|at| at <= now) {
                auth.handle_timeout(&mut rng, now);
                times += 1;
                prop_assert!(times < 4, "a busy loop");
            }
            prop_assert_eq!(denied, auth.phase() == AuthPhase::Denied);
        }
    }
}
