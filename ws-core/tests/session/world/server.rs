//! The server of that world: what it does with what it hears depends on its mood.

use std::collections::BTreeSet;

use ws_core::Rng;

/// What the server has seen, and what it is up to.
pub(super) struct Server {
    pub(super) rng: Rng,
    /// It does what it is asked at once.
    pub(super) healthy: bool,
    /// What the client is expected to do.
    pub(super) login: bool,
    pub(super) greeted: bool,
    pub(super) logged_in_at: Option<u64>,
    pub(super) topics: BTreeSet<String>,
    pub(super) arrivals: Vec<u64>,
    pub(super) logins: u64,
}

impl Server {
    pub(super) fn hear(&mut self, text: &str, now: u64) -> Vec<(u64, String)> {
        let (number, what) = text.split_once(' ').unwrap();
        if number == "-" {
            return vec![];
        }
        if what.starts_with("ping") || number.starts_with("ping") || number == "pong" {
            return vec![];
        }
        if number == "closed" {
            return vec![];
        }
        self.arrivals.push(now);
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        if verb == "hello" {
            self.greeted = true;
            self.logged_in_at = None;
            self.topics.clear();
        }
        assert!(self.greeted, "the first word is hello, not {text}");
        let open = !self.login || self.logged_in_at.is_some_and(|at| at <= now);
        let private = match verb {
            "hello" | "login" | "refresh" => false,
            "sub" | "unsub" => !rest.split(',').all(|topic| topic.starts_with("pub")),
            _ => true,
        };
        // I2: nothing private before the login.
        assert!(open || !private, "{text} before the login");
        let mood = match self.healthy {
            true => 99,
            false => self.rng.up_to(99),
        };
        let after = match self.healthy {
            true => 0,
            false => self.rng.up_to(1500),
        };
        let yes = |answer: &str| (after, format!("{number} {answer}"));
        match verb {
            "login" | "refresh" => {
                self.logins += 1;
                match mood {
                    0..=4 => vec![yes("no 503")],
                    5..=6 => vec![yes("no 401")],
                    7..=9 => vec![],
                    _ => {
                        self.logged_in_at.get_or_insert(now + after);
                        vec![yes(if mood < 40 { "ok 90" } else { "ok" })]
                    }
                }
            }
            "sub" => match mood {
                0..=7 => vec![yes("no 7")],
                8..=15 => vec![],
                16..=19 => {
                    self.topics.extend(rest.split(',').map(str::to_string));
                    vec![yes("ok"), yes("ok")]
                }
                20..=23 => {
                    self.topics.extend(rest.split(',').map(str::to_string));
                    vec![(45_000, format!("{number} ok"))]
                }
                _ => {
                    self.topics.extend(rest.split(',').map(str::to_string));
                    vec![yes(if mood < 40 { "ok 1" } else { "ok" })]
                }
            },
            "unsub" => {
                for topic in rest.split(',') {
                    self.topics.remove(topic);
                }
                vec![yes("ok")]
            }
            _ => match mood {
                0..=9 => vec![],
                10..=14 => vec![yes("ok"), yes("ok")],
                15..=19 => vec![(40_000, format!("{number} ok"))],
                20..=22 => vec![(after, "slow 3000".into()), yes("no 9")],
                23..=25 => vec![(after, "error what".into())],
                _ => vec![yes("ok")],
            },
        }
    }
}
