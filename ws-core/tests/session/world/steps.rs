//! What happens in it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::World;
use crate::sim::{Done, Plan, ServerEnd};
use ws_core::close::CloseCode;
use ws_core::session::subscriptions::{
    Access, Continuity, Remedy, Retry, State as Topic, SubOptions,
};
use ws_core::session::{
    DrainOptions, Network, Offline, RequestOptions, SendOptions, State, Traffic,
};
use ws_core::{Rng, TransportEnd, UnixTime};

const TOPICS: [&str; 6] = ["pubA", "pubB", "C", "D", "E", "F"];

fn options(rng: &mut Rng) -> (Traffic, u8, Option<Duration>, Offline) {
    let lane = [Traffic::Cancel, Traffic::Request, Traffic::Bulk];
    let lane = lane[usize::try_from(rng.up_to(2)).unwrap()];
    let priority = u8::try_from(rng.up_to(3)).unwrap();
    let ttl = (rng.up_to(2) == 0).then(|| Duration::from_millis(rng.up_to(5000)));
    let offline = match rng.up_to(1) {
        0 => Offline::Queue,
        _ => Offline::Refuse,
    };
    (lane, priority, ttl, offline)
}

impl World {
    pub(super) fn step(&mut self) {
        let now = self.sim.now;
        let what = self.rng.up_to(23);
        self.steps.push(format!("{}: {what}", self.sim.millis()));
        match what {
            0 => self.sim.cut(TransportEnd::Reset),
            1 => self.sim.cut_now(TransportEnd::Other),
            2 => self.go_silent(),
            3 => {
                if let Some(server) = self.sim.server() {
                    let codes = [1000, 1001, 1011, 1012, 4000];
                    let code = codes[usize::try_from(self.rng.up_to(4)).unwrap()];
                    server.close(CloseCode::new(code), now);
                }
            }
            4 => self.sim.session.reconnect(now),
            5..=8 => self.subscribe(),
            9 => {
                if let Some(id) = self.wanted.pop() {
                    self.sim.session.unsubscribe(id, now);
                }
            }
            10..=13 => {
                let (lane, priority, ttl, offline) = options(&mut self.rng);
                let send = SendOptions::default()
                    .lane(lane)
                    .priority(priority)
                    .ttl(ttl)
                    .offline(offline);
                let options = RequestOptions::default().send(send);
                if let Ok(id) = self.sim.session.request_with(&"x", &options, now) {
                    assert!(
                        self.accepted.insert(Done::Request(id)),
                        "ids are never used twice"
                    );
                    if self.rng.up_to(9) == 0 && self.sim.session.cancel(id, now).is_some() {
                        // Its end was told by the call.
                        self.accepted.remove(&Done::Request(id));
                    }
                }
            }
            14..=17 => {
                let (lane, priority, ttl, offline) = options(&mut self.rng);
                let options = SendOptions::default()
                    .lane(lane)
                    .priority(priority)
                    .ttl(ttl)
                    .offline(offline);
                if let Ok(id) = self.sim.session.send_with("0 message", &options, now) {
                    assert!(self.accepted.insert(Done::Message(id)));
                    if self.rng.up_to(9) == 0 {
                        self.sim.session.unsend(id, now);
                    }
                }
            }
            18 => {
                if let Ok(id) = self.sim.session.ping(Duration::from_secs(4), now) {
                    assert!(self.accepted.insert(Done::Ping(id)));
                }
            }
            19 => self.say_data(),
            20 => {
                let hints = [Network::Offline, Network::Online, Network::PathChanged];
                let hint = hints[usize::try_from(self.rng.up_to(2)).unwrap()];
                self.sim.session.network(hint, now);
            }
            21 => {
                self.day += self.rng.up_to(100);
                let asleep = Duration::from_secs(self.day);
                let nanos = now.as_nanos() + u64::try_from(asleep.as_nanos()).unwrap();
                self.sim
                    .session
                    .wall_clock(UnixTime::from_nanos(nanos), now);
            }
            22 => {
                for id in std::mem::take(&mut self.sim.asked) {
                    self.sim.session.credentials(id, Ok("key"), now);
                }
            }
            _ if self.rng.up_to(99) == 0 => {
                let options = DrainOptions::default();
                self.sim
                    .session
                    .drain(CloseCode::NORMAL, "", options, now)
                    .unwrap();
            }
            _ => self.sim.session.handle_timeout(now),
        }
        let pause = match self.rng.up_to(3) {
            0 => 0,
            1 => self.rng.up_to(100),
            2 => self.rng.up_to(2_000),
            _ => self.rng.up_to(40_000),
        };
        let until = self.sim.millis() + pause;
        self.sim.run(until);
    }

    /// I8: a server that says nothing any more is left within 26.5 s, or sooner.
    fn go_silent(&mut self) {
        let State::Ready { conn, .. } = self.sim.session.state() else {
            return;
        };
        self.sim.black_hole();
        let until = self.sim.millis() + 26_500;
        self.sim.run(until);
        assert!(
            !matches!(self.sim.session.state(), State::Ready { conn: now, .. } if now == conn),
            "nobody noticed"
        );
    }

    fn subscribe(&mut self) {
        let topic = TOPICS[usize::try_from(self.rng.up_to(5)).unwrap()];
        let mut options = SubOptions::default();
        if topic.starts_with("pub") {
            options = options.access(Access::Public);
        }
        if topic == "E" {
            options = options.continuity(Continuity::Counter { step: 1 }, Remedy::Resubscribe);
        }
        if topic == "F" {
            options = options.retry(Some(Retry {
                after: Duration::from_secs(2),
                times: 3,
            }));
        }
        let now = self.sim.now;
        self.wanted
            .push(self.sim.session.subscribe(topic, options, now).unwrap());
    }

    fn say_data(&mut self) {
        let topics: Vec<String> = self.server.borrow().topics.iter().cloned().collect();
        let Some(topic) = TOPICS
            .iter()
            .find(|topic| topics.iter().any(|t| t == *topic))
        else {
            return;
        };
        let number = self.numbers.entry(*topic).or_default();
        *number += 1 + self.rng.up_to(10) / 9;
        let text = format!("data {topic} {number}");
        if let Some(server) = self.sim.server() {
            if server.is_open() {
                // It may be closing already.
                let _ = server.connection().sender().text(&text);
            }
        }
        self.sim.settle();
    }

    /// I4: once all is well, the server has what is wanted, except for what it refused.
    pub(super) fn heal(&mut self) {
        self.server.borrow_mut().healthy = true;
        self.sim.plans = [Plan::Serve].into();
        let now = self.sim.now;
        self.sim.session.network(Network::Online, now);
        for id in std::mem::take(&mut self.sim.asked) {
            self.sim.session.credentials(id, Ok("key"), now);
        }
        self.sim.cut(TransportEnd::Reset);
        let until = self.sim.millis() + 300_000;
        self.sim.run(until);
        let state = self.sim.session.state();
        if state == State::Terminal {
            return;
        }
        assert!(matches!(state, State::Ready { .. }), "{state:?}");
        let names = |state| {
            let topics = self.sim.session.subscriptions(state);
            topics.map(|(_, topic)| topic.to_string()).collect()
        };
        let confirmed: BTreeSet<String> = names(Topic::Confirmed);
        assert_eq!(confirmed, self.server.borrow().topics);
        assert_eq!(names(Topic::Pending), BTreeSet::new());
        let wanted = self.wanted.iter();
        for id in wanted.filter(|id| self.sim.session.subscription(**id).is_some()) {
            let state = self.sim.session.subscription(*id).unwrap();
            let known = matches!(state, Topic::Confirmed | Topic::Failed | Topic::Expired);
            assert!(known || state == Topic::Unsubscribed, "{state:?}");
        }
        let snapshot = self.sim.session.snapshot(self.sim.now);
        assert_eq!(snapshot.queue.lanes, [0; 6]);
    }
}
