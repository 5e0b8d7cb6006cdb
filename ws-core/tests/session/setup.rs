//! What a connection goes through before it is ready, and the login, in virtual time.

use std::time::Duration;

use crate::sim::venue::{Venue, yes};
use crate::sim::{Plan, Sim, plain};
use ws_core::TransportEnd;
use ws_core::policy::Percent;
use ws_core::session::auth::{AuthConfig, CredError, Purpose, Refresh};
use ws_core::session::subscriptions::{Access, SubOptions};
use ws_core::session::{HandshakeLogin, SendError, SessionConfig, Stage, State};

fn login() -> AuthConfig {
    AuthConfig::default().timeout(Duration::from_secs(30))
}

fn venue(config: SessionConfig, dialect: Venue, plans: &[Plan]) -> Sim<Venue> {
    let mut sim = Sim::with(dialect, config, plans);
    sim.answers = Some(Box::new(yes));
    sim.provider = Some(Box::new(|_, _| Some(Ok("key"))));
    sim
}

/// What the server heard, without times.
fn heard(log: &[String]) -> Vec<&str> {
    let lines = log.iter().filter_map(|line| line.split_once(": < "));
    lines.map(|(_, text)| text).collect()
}

fn subscribe(sim: &mut Sim<Venue>, topic: &str) -> ws_core::session::subscriptions::SubId {
    let now = sim.now;
    let options = SubOptions::default();
    let id = sim.session.subscribe(topic, options, now).unwrap();
    sim.settle();
    id
}

#[test]
fn s01_after_a_drop_login_comes_first_and_topics_follow_in_their_order() {
    let dialect = Venue {
        hello: true,
        arm: true,
        by_topic: false,
        ..Venue::default()
    };
    let config = plain().login(Some(login()));
    let plans = [
        Plan::Serve,
        Plan::Refuse,
        Plan::Refuse,
        Plan::Refuse,
        Plan::Serve,
    ];
    let mut sim = venue(
        config.backoff(crate::sim::backoff().cap(Duration::from_secs(4))),
        dialect,
        &plans,
    );
    sim.start();
    for topic in ["C", "D", "A", "B"] {
        subscribe(&mut sim, topic);
    }
    let d = sim.session.find_subscription("D").unwrap();
    sim.session.unsubscribe(d, sim.now);
    sim.run(100);
    sim.take_log();
    let seven = sim.session.request(&"seven", sim.now).unwrap();
    let eight = sim.session.request(&"eight", sim.now).unwrap();
    sim.answers = None;
    sim.settle();
    assert_eq!(heard(&sim.take_log()).len(), 2);

    sim.answers = Some(Box::new(yes));
    sim.cut(TransportEnd::Reset);
    assert!(matches!(
        sim.session.request(&"nine", sim.now),
        Err(ws_core::session::RequestError::Send(SendError::NotReady(
            State::Waiting { .. }
        )))
    ));
    let log = sim.take_log();
    assert_eq!(
        log[0],
        "100: disconnected: broken off: the connection was reset"
    );
    assert_eq!(
        log[1],
        format!("100: request {} ended: Disconnected Full", seven.number())
    );
    assert_eq!(
        log[2],
        format!("100: request {} ended: Disconnected Full", eight.number())
    );
    assert_eq!(log[3], "100: attempt 1 in 1000");

    sim.run(60_000);
    let log = sim.take_log();
    assert_eq!(sim.dials[1..], [1100, 3100, 7100, 11_100]);
    let said: Vec<String> = heard(&log)
        .iter()
        .map(|text| text.split_once(' ').unwrap().1.to_string())
        .collect();
    assert_eq!(said, ["hello", "login key", "arm", "sub C,A,B"]);
    let ready = log
        .iter()
        .position(|line| line == "11100: ready 4 after 11000");
    let asked = log.iter().position(|line| line.ends_with("sub C,A,B"));
    assert!(ready.unwrap() < log.len() && asked.is_some(), "{log:#?}");
    for topic in ["C", "A", "B"] {
        let restored = format!("11100: topic {topic}: Restored");
        let blind = format!("11100: topic {topic}: Unknown after 11100");
        assert!(log.contains(&restored) && log.contains(&blind), "{log:#?}");
    }
    sim.cut(TransportEnd::Reset);
    assert!(sim.take_log().contains(&"60000: attempt 1 in 1000".into()));
}

#[test]
fn nothing_of_the_application_leaves_before_the_login_and_nothing_reaches_it() {
    let mut sim = venue(
        plain().login(Some(login())),
        Venue::default(),
        &[Plan::Serve],
    );
    // The server takes its time to answer, and talks meanwhile.
    sim.answers = Some(Box::new(|text, _| {
        let number = text.split(' ').next().unwrap();
        vec![(10, "early".into()), (500, format!("{number} ok"))]
    }));
    sim.start();
    sim.run(499);
    assert!(matches!(
        sim.session.state(),
        State::Setup {
            stage: Stage::Login,
            ..
        }
    ));
    assert!(matches!(
        sim.session.send("order", sim.now),
        Err(SendError::NotReady(State::Setup { .. }))
    ));
    assert_eq!(sim.take_log(), ["0: opened", "0: < 1 login key"]);
    sim.run(500);
    let log = sim.take_log();
    assert!(log[0].starts_with("500: login Accepted"), "{log:#?}");
    assert_eq!(log[1..], ["500: ready 1", "500: text early"]);
}

#[test]
fn public_topics_go_with_the_login_and_private_ones_after_it() {
    let mut sim = venue(
        plain().login(Some(login())),
        Venue::default(),
        &[Plan::Serve],
    );
    sim.answers = Some(Box::new(|text, _| {
        let number = text.split(' ').next().unwrap();
        vec![(100, format!("{number} ok"))]
    }));
    let (now, options) = (sim.now, SubOptions::default());
    sim.session.subscribe("private", options, now).unwrap();
    let public = options.access(Access::Public);
    sim.session.subscribe("public", public, now).unwrap();
    sim.start();
    assert_eq!(heard(&sim.take_log()), ["1 sub public", "2 login key"]);
    sim.run(1000);
    assert_eq!(heard(&sim.take_log()), ["3 sub private"]);
}

#[test]
fn a_set_up_that_stands_still_ends_after_its_time() {
    let dialect = Venue {
        hello: true,
        ..Venue::default()
    };
    let config = plain().setup_timeout(Duration::from_secs(7));
    let mut sim = venue(config, dialect.clone(), &[Plan::Serve]);
    sim.answers = None;
    sim.start();
    sim.run(8000);
    assert_eq!(
        sim.take_log()[2..4],
        [
            "7000: disconnected: the connection could not be set up: it took too long",
            "7000: attempt 2 in 1000",
        ]
    );
    // It goes on with the news, and ends with the bad ones.
    sim.say("go");
    assert!(
        sim.take_log()
            .contains(&"8000: ready 2 after 0".to_string())
            || { matches!(sim.session.state(), State::Ready { .. }) }
    );
    let mut sim = venue(plain(), dialect, &[Plan::Serve]);
    sim.answers = Some(Box::new(|text, _| {
        let number = text.split(' ').next().unwrap();
        vec![(0, format!("{number} no 1"))]
    }));
    sim.start();
    let log = sim.take_log();
    assert_eq!(
        log[2],
        "0: disconnected: the connection could not be set up: the server refused it"
    );
}

#[test]
fn no_more_messages_come_early_than_may() {
    let config = plain().login(Some(login())).max_early(3);
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    sim.answers = None;
    sim.start();
    for _ in 0..3 {
        sim.say("hurry");
    }
    assert_eq!(sim.take_log().len(), 2);
    sim.say("hurry");
    let log = sim.take_log();
    assert!(
        log[0].contains("too many messages came before that"),
        "{log:#?}"
    );
}

#[test]
fn s11_a_login_is_renewed_on_the_open_connection_at_its_threshold() {
    let threshold = Refresh::Before(Duration::from_secs(120));
    let config = plain().login(Some(login().refresh(threshold)));
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    let mut refreshes = 0;
    sim.answers = Some(Box::new(move |text, _| {
        let number = text.split(' ').next().unwrap();
        if text.contains("refresh") {
            refreshes += 1;
            // The first renewal fails for the time being.
            if refreshes == 1 {
                return vec![(0, format!("{number} no 503"))];
            }
        }
        vec![(0, format!("{number} ok 600"))]
    }));
    sim.start();
    sim.take_log();
    sim.run(479_999);
    assert_eq!(sim.take_log(), [""; 0]);
    sim.session.send("traffic", sim.now).unwrap();
    sim.run(480_000);
    let log = sim.take_log();
    assert_eq!(heard(&log), ["traffic", "2 refresh key"]);
    assert!(log.last().unwrap().contains("RefreshFailed"), "{log:#?}");
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    sim.run(500_000);
    let log = sim.take_log();
    assert_eq!(heard(&log), ["3 refresh key"]);
    assert!(log[1].contains("Accepted { purpose: Refresh"), "{log:#?}");
    assert_eq!(sim.dials, [0]);
}

#[test]
fn s11_credentials_that_are_no_good_end_the_session_and_nothing_is_dialled() {
    let config = plain().login(Some(login()));
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    sim.answers = Some(Box::new(|text, _| {
        let number = text.split(' ').next().unwrap();
        vec![(0, format!("{number} no 401"))]
    }));
    let mut asked = Vec::new();
    let (tell, told) = std::sync::mpsc::channel();
    sim.provider = Some(Box::new(move |purpose, refused| {
        asked.push(refused);
        tell.send((purpose, refused)).unwrap();
        Some(Ok("key"))
    }));
    sim.start();
    sim.run(600_000);
    assert_eq!(sim.dials, [0], "no further dials in ten minutes");
    assert_eq!(sim.session.state(), State::Terminal);
    // Fresh ones are asked for once.
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(told, [(Purpose::Login, None), (Purpose::Login, Some(401))]);
    let log = sim.take_log();
    assert_eq!(
        log.last().unwrap(),
        "0: over: the login was refused for good"
    );
}

#[test]
fn s11_a_login_without_an_answer_is_lost_after_30_s_and_the_session_dials_again() {
    let config = plain()
        .login(Some(login()))
        .setup_timeout(Duration::from_secs(60));
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    sim.answers = None;
    sim.start();
    sim.run(31_000);
    let log = sim.take_log();
    assert_eq!(log[2], "30000: login Failed(Timeout)");
    assert_eq!(
        log[3],
        "30000: disconnected: the login failed: the server did not answer in time"
    );
    assert_eq!(log[4], "30000: attempt 2 in 1000");
    assert_eq!(sim.dials, [0, 31_000]);
}

#[test]
fn s11_a_renewal_refused_for_good_ends_the_session() {
    let threshold = Refresh::Before(Duration::from_secs(120));
    let config = plain().login(Some(login().refresh(threshold)));
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    sim.answers = Some(Box::new(|text, _| {
        let number = text.split(' ').next().unwrap();
        let answer = if text.contains("refresh") {
            "no 403"
        } else {
            "ok 600"
        };
        vec![(0, format!("{number} {answer}"))]
    }));
    sim.start();
    sim.run(1_200_000);
    assert_eq!(sim.dials, [0]);
    assert_eq!(
        sim.take_log().last().unwrap(),
        "480000: over: the login was refused for good"
    );
}

#[test]
fn an_expired_login_is_a_connection_of_no_use() {
    let config = plain().login(Some(login().refresh(Refresh::Never)));
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    sim.answers = Some(Box::new(|text, _| {
        let number = text.split(' ').next().unwrap();
        vec![(0, format!("{number} ok 10"))]
    }));
    sim.start();
    sim.take_log();
    sim.run(11_000);
    let log = sim.take_log();
    assert_eq!(log[0], "10000: login Expired");
    assert_eq!(log[1], "10000: disconnected: the login expired");
    assert_eq!(heard(&log), ["2 login key"]);
}

#[test]
fn credentials_that_come_late_or_not_at_all_are_no_login() {
    let config = plain().login(Some(login().fetch_timeout(Duration::from_secs(3))));
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    sim.provider = None;
    sim.start();
    sim.run(3000);
    let log = sim.take_log();
    assert_eq!(log[1], "3000: login Failed(ProviderTimeout)");
    // An answer to that question is of no use to the next connection.
    sim.run(4000);
    let (old, new) = (sim.asked[0], sim.asked[1]);
    let stale = sim.session.stale_inputs();
    sim.session.credentials(old, Ok("old"), sim.now);
    assert_eq!(sim.session.stale_inputs(), stale + 1);
    sim.settle();
    sim.session.credentials(new, Ok("new"), sim.now);
    sim.settle();
    assert_eq!(heard(&sim.take_log()), ["1 login new"]);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    // Without any there is nothing to try.
    sim.provider = Some(Box::new(|_, _| Some(Err(CredError::Denied))));
    sim.cut(TransportEnd::Reset);
    sim.run(60_000);
    assert_eq!(sim.session.state(), State::Terminal);
}

#[test]
fn s03_a_401_asks_for_fresh_credentials_once() {
    let config = plain().handshake_login(HandshakeLogin::Fresh);
    let no = Plan::Reject(401, &[], b"");
    let mut sim = venue(config.clone(), Venue::default(), &[no.clone(), Plan::Serve]);
    let (tell, told) = std::sync::mpsc::channel();
    sim.provider = Some(Box::new(move |_, refused| {
        tell.send(refused).unwrap();
        Some(Ok("fresh"))
    }));
    sim.start();
    sim.run(60_000);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [None, Some(401)]);
    assert_eq!(sim.keys, ["fresh", "fresh"]);

    let mut sim = venue(config, Venue::default(), &[no]);
    sim.start();
    sim.run(60_000);
    assert_eq!((sim.dials.len(), sim.session.state()), (2, State::Terminal));
}

#[test]
fn s11_secrets_are_in_no_log_and_no_debug_output() {
    let config = plain()
        .login(Some(login()))
        .handshake_login(HandshakeLogin::Fresh);
    let mut sim = venue(config, Venue::default(), &[Plan::Serve]);
    sim.provider = Some(Box::new(|_, _| Some(Ok("hunter2"))));
    sim.start();
    subscribe(&mut sim, "A");
    let shown = format!("{:?} {:?}", sim.session, sim.session.snapshot(sim.now));
    assert!(!shown.contains("hunter2"), "{shown}");
    let log = sim.take_log();
    let own = log.iter().filter(|line| !line.contains(": < "));
    assert!(!own.clone().any(|line| line.contains("hunter2")));
    sim.cut(TransportEnd::Eof);
    let shown = format!("{:?}", sim.session);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_jitter_of_pings_is_drawn_for_each_connection() {
    use ws_core::connection::{Config, Keepalive};
    use ws_core::policy::Heartbeat;
    let config = plain()
        .connection(Config::default().keepalive(Some(Keepalive::default())))
        .heartbeat(Heartbeat::default().jitter(Percent(10)));
    let mut sim = Sim::new(config, &[Plan::Serve]);
    sim.start();
    let mut due = Vec::new();
    for _ in 0..8 {
        let (at, _) = sim.session.poll_timeout().unwrap();
        let wait = at - sim.now;
        assert!(wait >= Duration::from_millis(13_500), "{wait:?}");
        assert!(wait <= Duration::from_millis(16_500), "{wait:?}");
        due.push(wait);
        sim.cut(TransportEnd::Eof);
        let next = sim.millis() + 1000;
        sim.run(next);
    }
    due.dedup();
    assert_eq!(due.len(), 8, "{due:?}");
}
