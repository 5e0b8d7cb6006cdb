//! Scenario S18: a session that speaks to an exchange as its protocol demands, through a restart of
//! the exchange, in virtual time.
#![cfg(feature = "json")]

#[path = "../../examples/deribit/dialect.rs"]
mod dialect;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::sim::{NORMAL, Plan, ServerEnd, Sim, plain};
use dialect::{ApiKey, Deribit};
use serde_json::Value;
use ws_core::close::CloseCode;
use ws_core::policy::{BucketId, LimiterPolicy, Pricing};
use ws_core::session::auth::{AuthConfig, Refresh};
use ws_core::session::subscriptions::{State as Topic, SubOptions};
use ws_core::session::{Call, State};

/// What the exchange knows about the connection.
#[derive(Default)]
struct Exchange {
    logged_in: bool,
    methods: Vec<String>,
    grants: Vec<String>,
}

impl Exchange {
    fn hear(&mut self, text: &str) -> Vec<(u64, String)> {
        let Ok(call) = serde_json::from_str::<Value>(text) else {
            return vec![];
        };
        let method = call["method"].as_str().unwrap().to_string();
        let (id, params) = (&call["id"], &call["params"]);
        let result = match &*method {
            "public/hello" => {
                self.logged_in = false;
                r#"{"version":"1.2.26"}"#.to_string()
            }
            "public/auth" => {
                self.logged_in = true;
                self.grants
                    .push(params["grant_type"].as_str().unwrap().into());
                r#"{"expires_in":900,"refresh_token":"again","access_token":"x"}"#.into()
            }
            "private/subscribe" | "public/subscribe" => {
                let channels = params["channels"].as_array().unwrap();
                let raw = channels
                    .iter()
                    .any(|name| name.as_str().unwrap().ends_with(".raw"));
                if raw && (!self.logged_in || method.starts_with("public")) {
                    let error = r#"{"code":13778,"message":"raw_subscriptions_not_available"}"#;
                    self.methods.push(method);
                    return vec![(
                        0,
                        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#),
                    )];
                }
                params["channels"].to_string()
            }
            "private/buy" => r#"{"order":{"order_id":"1"}}"#.into(),
            _ => r#""ok""#.into(),
        };
        self.methods.push(method);
        if id.is_null() {
            return vec![];
        }
        vec![(
            0,
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        )]
    }
}

fn exchange() -> (Sim<Deribit>, Rc<RefCell<Exchange>>) {
    let refresh = Refresh::Before(Duration::from_secs(120));
    let config = plain()
        .login(Some(AuthConfig::default().refresh(refresh)))
        .limits(LimiterPolicy::deribit())
        .pricing(Pricing::deribit());
    let mut sim = Sim::with(Deribit::default(), config, &[Plan::Serve]);
    let exchange = Rc::new(RefCell::new(Exchange::default()));
    let ear = Rc::clone(&exchange);
    sim.answers = Some(Box::new(move |text, _| ear.borrow_mut().hear(text)));
    sim.provider = Some(Box::new(|_, _| {
        Some(Ok(ApiKey {
            id: "me".into(),
            secret: "hunter2".into(),
        }))
    }));
    (sim, exchange)
}

#[test]
fn s18_a_day_at_the_exchange() {
    let (mut sim, exchange) = exchange();
    let methods = || std::mem::take(&mut exchange.borrow_mut().methods);
    sim.start();
    for topic in ["trades.BTC-PERPETUAL.raw", "ticker.BTC-PERPETUAL.100ms"] {
        let (options, now) = (SubOptions::default(), sim.now);
        sim.session.subscribe(topic, options, now).unwrap();
        sim.settle();
    }
    let set_up = [
        "public/hello",
        "public/auth",
        "public/set_heartbeat",
        "private/enable_cancel_on_disconnect",
    ];
    let said = methods();
    assert_eq!(said[..4], set_up);
    assert_eq!(said[4..], ["private/subscribe", "private/subscribe"]);
    assert_eq!(sim.session.subscriptions(Topic::Confirmed).count(), 2);

    // An order costs 15 of 120, the rest of what was said 10 + 4 * 1 or 5.
    let before = sim.session.snapshot(sim.now).limits[0].unwrap();
    let order = Call::new("private/buy").params(&["BTC-PERPETUAL"]).unwrap();
    sim.session.request(&order, sim.now).unwrap();
    sim.settle();
    let left = sim.session.snapshot(sim.now).limits[0].unwrap();
    assert_eq!(before - left, 15);
    assert_eq!(methods(), ["private/buy"]);
    assert!(sim.take_log().last().unwrap().contains("order_id"));

    // The exchange asks for a sign of life, and gets it at once.
    sim.say(r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}"#);
    assert_eq!(methods(), ["public/test"]);
    let log = sim.take_log();
    assert_eq!(log.len(), 1, "the application is not told: {log:#?}");
    sim.say(
        r#"{"jsonrpc":"2.0","method":"subscription","params":{"channel":"ticker.BTC-PERPETUAL.100ms","data":{"last":1}}}"#,
    );
    assert!(sim.take_log()[0].contains("Unmarked"));

    // The exchange restarts: the session comes back by itself and forgets nothing.
    let now = sim.now;
    let server = sim.server().unwrap();
    server
        .connection()
        .close(CloseCode::GOING_AWAY, "restart", now)
        .unwrap();
    sim.run(2000);
    let said = methods();
    assert_eq!(said[..4], set_up);
    assert_eq!(said[4..], ["private/subscribe"], "both at once: {said:?}");
    let confirmed = sim.session.subscriptions(Topic::Confirmed);
    let confirmed: Vec<_> = confirmed.map(|(_, topic)| topic.to_string()).collect();
    let both = ["trades.BTC-PERPETUAL.raw", "ticker.BTC-PERPETUAL.100ms"];
    assert_eq!(confirmed, both);
    let log = sim.take_log();
    assert!(
        log.contains(&"1000: ready 1 after 1000".to_string()),
        "{log:#?}"
    );

    // The login is renewed with its token, two minutes before it ends.
    sim.run(1000 + 780_000);
    assert_eq!(methods(), ["public/auth"]);
    let grants = exchange.borrow().grants.clone();
    let expected = ["client_credentials", "client_credentials", "refresh_token"];
    assert_eq!(grants, expected);

    let raw = sim.session.find_subscription(both[0]).unwrap();
    sim.session.unsubscribe(raw, sim.now);
    sim.settle();
    sim.session.close(NORMAL, "", sim.now).unwrap();
    sim.settle();
    assert_eq!(sim.session.state(), State::Terminal);
    let shown = format!("{:?}", sim.session.snapshot(sim.now));
    assert!(!shown.contains("hunter2"));
    let (_, mut rest) = (shown, sim.take_log());
    rest.retain(|line| line.contains("public/unsubscribe"));
    assert_eq!(rest.len(), 1);
}

#[test]
fn s18_a_raw_channel_is_refused_to_those_who_are_not_logged_in() {
    let mut sim = Sim::with(Deribit::default(), plain(), &[Plan::Serve]);
    let exchange = Rc::new(RefCell::new(Exchange::default()));
    let ear = Rc::clone(&exchange);
    sim.answers = Some(Box::new(move |text, _| ear.borrow_mut().hear(text)));
    sim.start();
    let now = sim.now;
    let id = sim
        .session
        .subscribe("trades.BTC-PERPETUAL.raw", SubOptions::default(), now)
        .unwrap();
    sim.settle();
    assert_eq!(sim.session.subscription(id), Some(Topic::Failed));
    let why = sim.session.refusal(id).unwrap();
    assert_eq!(why, "raw_subscriptions_not_available (13778)");
}

#[test]
fn an_order_book_knows_its_gaps_and_too_many_requests_slow_the_session_down() {
    use ws_core::session::subscriptions::{Continuity, Remedy};
    let (mut sim, _exchange) = exchange();
    sim.start();
    let now = sim.now;
    let chained = SubOptions::default().continuity(Continuity::Chain, Remedy::Report);
    sim.session.subscribe("book.BTC", chained, now).unwrap();
    sim.settle();
    sim.take_log();
    let change = |previous: &str, current: u64| {
        format!(
            r#"{{"method":"subscription","params":{{"channel":"book.BTC","data":{{"change_id":{current}{previous}}}}}}}"#
        )
    };
    sim.say(&change("", 1));
    sim.say(&change(r#","prev_change_id":1"#, 5));
    sim.say(&change(r#","prev_change_id":7"#, 9));
    let log = sim.take_log();
    let steps = ["First", "Next", "Gap { expected: 5, found: 7 }"];
    for (line, step) in log.iter().zip(steps) {
        assert!(line.ends_with(step), "{line}");
    }
    let full = sim.session.snapshot(sim.now).limits[BucketId::A as usize];
    assert_ne!(full, Some(0));
    sim.say(r#"{"id":99,"error":{"code":10028,"message":"too_many_requests"}}"#);
    let frozen = sim.session.snapshot(sim.now).limits[BucketId::A as usize];
    assert_eq!(frozen, Some(0));
}
