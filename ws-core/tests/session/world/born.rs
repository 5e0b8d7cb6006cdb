//! How such a world comes about.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::World;
use super::server::Server;
use crate::sim::venue::Venue;
use crate::sim::{Plan, Sim};
use ws_core::connection::{Config, Keepalive};
use ws_core::policy::{
    BackoffPolicy, Bucket, BucketId, Cost, Heartbeat, LimiterPolicy, Pricing, Shape,
};
use ws_core::session::SessionConfig;
use ws_core::session::auth::{AuthConfig, CredError};
use ws_core::session::queue::{Overflow, QueueConfig};
use ws_core::session::subscriptions::RegistryConfig;
use ws_core::{Rng, Seed, UnixTime};

fn seed_of(seed: u64) -> Seed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[9] = 1;
    Seed::new(bytes)
}

fn config(rng: &mut Rng, login: bool, limited: bool) -> SessionConfig {
    let millis = |rng: &mut Rng, max: u64| Duration::from_millis(rng.up_to(max));
    let mut limits = LimiterPolicy::default();
    if limited {
        limits = limits.bucket(
            BucketId::A,
            Bucket::new(Shape::Window {
                limit: 5,
                per: Duration::from_secs(1),
                guard: Duration::from_millis(50),
            }),
        );
    }
    let overflow = [
        Overflow::Reject,
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::DropLowestLane,
    ][usize::try_from(rng.up_to(3)).unwrap()];
    let mut config = SessionConfig::default()
        .connection(Config::default().keepalive(Some(Keepalive::default())))
        .backoff(
            BackoffPolicy::default()
                .base(millis(rng, 2000))
                .cap(millis(rng, 20_000))
                .stable_after(millis(rng, 30_000)),
        )
        .limits(limits)
        .pricing(Pricing::flat(Cost::new(1)))
        .queue(
            QueueConfig::default()
                .max_items(usize::try_from(2 + rng.up_to(20)).unwrap())
                .overflow(overflow),
        )
        .subscriptions(
            RegistryConfig::default()
                .batches(usize::try_from(1 + rng.up_to(4)).unwrap(), millis(rng, 300)),
        )
        .send_window(usize::try_from(1 + rng.up_to(200)).unwrap());
    if rng.up_to(2) == 0 {
        let heartbeat = Heartbeat::default().app(Some(Duration::from_secs(7)));
        config = config.heartbeat(heartbeat);
    }
    if login {
        config = config.login(Some(AuthConfig::default()));
    }
    config
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut world = Self::unborn(seed);
        world.begin();
        world
    }

    pub(super) fn unborn(seed: u64) -> Self {
        let mut rng = Rng::new(&seed_of(seed));
        let (login, limited) = (rng.up_to(2) > 0, rng.up_to(1) == 0);
        let config = config(&mut rng, login, limited);
        let plans: Vec<Plan> = (0..200)
            .map(|_| match rng.up_to(11) {
                0 | 1 => Plan::Refuse,
                2 => Plan::Reject(503, &[("Retry-After", "3")], b"busy"),
                3 => Plan::Hang,
                _ => Plan::Serve,
            })
            .collect();
        let dialect = Venue {
            hello: true,
            arm: rng.up_to(1) == 0,
            by_topic: false,
            ..Venue::default()
        };
        let mut sim = Sim::with(dialect, config, &plans);
        let server = Rc::new(RefCell::new(Server {
            rng: Rng::new(&seed_of(!seed)),
            healthy: false,
            login,
            greeted: false,
            logged_in_at: None,
            topics: BTreeSet::new(),
            arrivals: Vec::new(),
            logins: 0,
        }));
        let ear = Rc::clone(&server);
        sim.answers = Some(Box::new(move |text, now| ear.borrow_mut().hear(text, now)));
        let moods = Rc::clone(&server);
        sim.provider = Some(Box::new(move |_, _| {
            let mut server = moods.borrow_mut();
            match if server.healthy {
                9
            } else {
                server.rng.up_to(19)
            } {
                0 => None,
                1 => Some(Err(CredError::Temporary)),
                _ => Some(Ok("key")),
            }
        }));
        Self {
            sim,
            server,
            rng,
            accepted: BTreeSet::new(),
            wanted: Vec::new(),
            limited,
            numbers: BTreeMap::new(),
            day: 0,
            steps: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self) {
        let now = self.sim.now;
        let midnight = UnixTime::from_nanos(0);
        self.sim.session.wall_clock(midnight, now);
        self.sim.start();
    }
}
