//! A session that lives through a bad day at an exchange: `market_feed [SECONDS]`, 20 by default.
//!
//! The exchange is part of this program, behind a real socket: it drops connections without a word,
//! kicks clients out, answers 429 to those who come back too often, and refuses orders that come too
//! fast. The client subscribes to twenty topics and places one order after the other. Nothing here dials, logs in again or restores anything:
//! that is the session's. At the end every topic must be back, and every order that was acknowledged
//! must be in the exchange's books; otherwise the program fails.

#[path = "../../ws-core/examples/market/mod.rs"]
mod market;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{IsTerminal, Write, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use market::{Market, answer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout};
use words::words;
use ws_tokio::session::{Client, Event, Events, Payload, Wanted, start_with_credentials};
use ws_tokio::ws_core::options::SessionOptions;
use ws_tokio::ws_core::policy::{BackoffPolicy, Bucket, BucketId, LimiterPolicy, Shape};
use ws_tokio::ws_core::session::auth::AuthConfig;
use ws_tokio::ws_core::session::subscriptions::{Change, SubOptions};
use ws_tokio::ws_core::session::{DrainOptions, SessionConfig};
use ws_tokio::{Accept, AcceptOptions, CloseCode, OwnedEvent, Request, upgrade};

const TOPICS: usize = 20;
const TOKEN: &str = "open sesame";
/// Orders that the exchange takes in each of its [`SLICE`]s.
const ORDERS: u32 = 50;
const SLICE: Duration = Duration::from_millis(100);
/// How long the session gets to be whole again once the exchange has calmed down.
const RECOVERY: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let seconds = match words().as_deref() {
        Ok([]) => Some(20),
        Ok([seconds]) => seconds.parse().ok().filter(|seconds| *seconds > 0),
        _ => None,
    };
    let Some(seconds) = seconds else {
        eprintln!("usage: market_feed [SECONDS]");
        return ExitCode::from(2);
    };
    match run(Duration::from_secs(seconds)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(duration: Duration) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let request = Request::new(format!("ws://{}/", listener.local_addr()?))?;
    let exchange = Arc::new(Exchange {
        life: (duration / 6).min(Duration::from_millis(1500)),
        ..Exchange::default()
    });
    tokio::spawn(Arc::clone(&exchange).open(listener));

    let (client, mut events) = start_with_credentials(request, Market, &options(), credentials)?;
    for topic in 0..TOPICS {
        client.subscribe(format!("topic{topic}"), SubOptions::default())?;
    }
    let trader = Trader::start(client.clone());
    let mut feed = Feed::default();
    feed.watch(&client, &mut events, sleep(duration)).await?;

    exchange.calm.store(true, Ordering::Relaxed);
    let acknowledged = feed.watch(&client, &mut events, trader.stop()).await??;
    timeout(RECOVERY, feed.recover(&client, &mut events)).await??;
    client.drain(CloseCode::NORMAL, "", DrainOptions::default())?;
    while let Some(event) = events.next().await {
        feed.count(&event);
    }
    let end = client.ended().await;
    if !end.is_clean() {
        return Err(end.into());
    }
    feed.check(&exchange, &acknowledged)
}

fn options() -> SessionOptions {
    let backoff = BackoffPolicy::default()
        .first(None)
        .base(Duration::from_millis(20))
        .cap(Duration::from_millis(200));
    // Far more than the exchange takes: its own words are what slows the session down.
    let limits =
        LimiterPolicy::default().bucket(BucketId::A, Bucket::new(Shape::credits(100_000, 100_000)));
    let config = SessionConfig::default()
        .backoff(backoff)
        .limits(limits)
        .login(Some(AuthConfig::default()));
    SessionOptions::default().config(config)
}

async fn credentials(_: Wanted) -> Result<String, ws_tokio::session::CredError> {
    Ok(TOKEN.to_owned())
}

/// Places the orders 1, 2, 3 and so on, each until it is acknowledged.
struct Trader {
    enough: Arc<AtomicBool>,
    task: JoinHandle<Result<BTreeSet<u64>, Failure>>,
}

impl Trader {
    fn start(client: Client<Market>) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&enough);
        let task = tokio::spawn(async move {
            let mut acknowledged = BTreeSet::new();
            let mut order = 1;
            while !stop.load(Ordering::Relaxed) {
                match client.request(&order).await {
                    Ok(Payload::Text(text)) if text.ends_with("busy") => {}
                    Ok(_) => {
                        acknowledged.insert(order);
                        order += 1;
                    }
                    // Orders are told apart by their numbers: one may be placed twice.
                    Err(_) => client.ready().await?,
                }
            }
            Ok(acknowledged)
        });
        Self { enough, task }
    }

    /// The orders that were acknowledged.
    async fn stop(self) -> Result<BTreeSet<u64>, Failure> {
        self.enough.store(true, Ordering::Relaxed);
        timeout(RECOVERY, self.task).await??
    }
}

/// What the client has seen.
#[derive(Default)]
struct Feed {
    messages: u64,
    attempt: u32,
    restored: u64,
}

impl Feed {
    /// Takes events until something else is done, and prints a line every now and then.
    async fn watch<T>(
        &mut self,
        client: &Client<Market>,
        events: &mut Events<Market>,
        until: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        tokio::pin!(until);
        let (now, pause) = (Instant::now(), Duration::from_millis(500));
        let mut lines = interval_at(now + pause, pause);
        let mut last = (now, self.messages);
        loop {
            tokio::select! {
                event = events.next() => self.see(event)?,
                now = lines.tick() => {
                    let passed = now.saturating_duration_since(last.0).as_secs_f64();
                    let rate = (self.messages - last.1) as f64 / passed.max(0.001);
                    last = (now, self.messages);
                    self.print(client, rate);
                }
                done = &mut until => return Ok(done),
            }
        }
    }

    fn see(&mut self, event: Option<Event>) -> Result<(), Failure> {
        match event {
            Some(Event::Terminated(end)) => Err(end.into()),
            Some(event) => {
                self.count(&event);
                Ok(())
            }
            None => Err("the session is over".into()),
        }
    }

    fn count(&mut self, event: &Event) {
        match event {
            Event::Data { .. } => self.messages += 1,
            Event::Ready { attempt, .. } | Event::RetryScheduled { attempt, .. } => {
                self.attempt = *attempt;
            }
            Event::Subscription { change, .. } => {
                self.restored += u64::from(*change == Change::Restored);
            }
            _ => {}
        }
    }

    fn print(&self, client: &Client<Market>, rate: f64) {
        let snapshot = client.snapshot();
        let (p50, p99) = snapshot
            .latency
            .map_or_else(Default::default, |latency| (latency.p50, latency.p99));
        let line = format!(
            "connection {}, attempt {}, {rate:.0} messages/s, round trip {p50:.0?} p50 {p99:.0?} p99, \
             {}/{TOPICS} subscriptions, {}",
            snapshot.conn, self.attempt, snapshot.subscriptions.confirmed, snapshot.state,
        );
        if stdout().is_terminal() {
            print!("\r\x1b[2K{line}");
            let _ = stdout().flush();
        } else {
            println!("{line}");
        }
    }

    /// Takes events until every subscription is confirmed again.
    async fn recover(
        &mut self,
        client: &Client<Market>,
        events: &mut Events<Market>,
    ) -> Result<(), Failure> {
        while client.snapshot().subscriptions.confirmed < TOPICS {
            let event = events.next().await;
            self.see(event)?;
        }
        self.print(client, 0.0);
        Ok(())
    }

    fn check(&self, exchange: &Exchange, acknowledged: &BTreeSet<u64>) -> Result<(), Failure> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let books = exchange
            .books
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lost = acknowledged.difference(&books).count();
        let (drops, kicks) = (count(&exchange.drops), count(&exchange.kicks));
        let limited = count(&exchange.limited);
        println!(
            "\n{drops} connections dropped, {kicks} kicked, {limited} turned away with 429, {} orders \
             refused; {} messages, {} subscriptions restored, {} orders acknowledged, {lost} of them \
             lost",
            count(&exchange.refused),
            self.messages,
            self.restored,
            acknowledged.len(),
        );
        if [drops, kicks, limited, count(&exchange.refused)].contains(&0) {
            return Err("the exchange behaved too well to prove anything".into());
        }
        if self.messages == 0 || self.restored < TOPICS as u64 {
            return Err("the subscriptions were not restored".into());
        }
        if lost > 0 || acknowledged.is_empty() {
            return Err("orders were lost".into());
        }
        Ok(())
    }
}

/// The exchange: its books outlive connections.
#[derive(Default)]
struct Exchange {
    books: Mutex<BTreeSet<u64>>,
    /// How long a connection lasts.
    life: Duration,
    drops: AtomicU64,
    kicks: AtomicU64,
    limited: AtomicU64,
    refused: AtomicU64,
    /// No more of that.
    calm: AtomicBool,
}

impl Exchange {
    async fn open(self: Arc<Self>, listener: TcpListener) {
        for number in 1.. {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            let exchange = Arc::clone(&self);
            // A client that leaves in the middle of something is not the exchange's problem.
            tokio::spawn(async move { exchange.serve(stream, number).await.ok() });
        }
    }

    async fn serve(&self, stream: TcpStream, number: u64) -> Result<(), Failure> {
        let upgrade = upgrade(stream, &AcceptOptions::default()).await?;
        if number % 5 == 3 && !self.calm.load(Ordering::Relaxed) {
            self.limited.fetch_add(1, Ordering::Relaxed);
            // The session waits as long as it is told to, and a little longer.
            let wait = [("Retry-After", "1")];
            return Ok(upgrade.reject(429, &wait, b"slow down").await?);
        }
        let mut socket = upgrade.accept(Accept::new()).await?;
        let end = sleep(self.life);
        tokio::pin!(end);
        let mut ticks = interval(Duration::from_millis(5));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut topics, mut tick) = (Vec::new(), 0_u64);
        let mut slice = (Instant::now(), 0);
        loop {
            tokio::select! {
                event = socket.next() => {
                    let said = match event {
                        None => return Ok(()),
                        Some(OwnedEvent::Text(said)) => said,
                        Some(_) => continue,
                    };
                    if let Some(order) = said.strip_prefix("order ") {
                        for line in self.order(order, &mut slice) {
                            socket.feed(line).await?;
                        }
                        continue;
                    }
                    if let Some(topic) = said.strip_prefix("sub ") {
                        topics.push(topic.to_owned());
                    }
                    socket.feed(answer(&said, TOKEN)).await?;
                }
                _ = ticks.tick() => for topic in &topics {
                    tick += 1;
                    socket.feed(format!("tick {topic} {tick}")).await?;
                },
                () = &mut end, if !self.calm.load(Ordering::Relaxed) => {
                    if number % 2 == 1 {
                        self.drops.fetch_add(1, Ordering::Relaxed);
                    } else {
                        self.kicks.fetch_add(1, Ordering::Relaxed);
                        socket.close(CloseCode::GOING_AWAY, "maintenance").await?;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Takes an order and acknowledges it, or refuses it if there were too many.
    fn order(&self, order: &str, slice: &mut (Instant, u32)) -> Vec<String> {
        if slice.0.elapsed() >= SLICE {
            *slice = (Instant::now(), 0);
        }
        slice.1 += 1;
        if slice.1 > ORDERS {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let wait = SLICE.saturating_sub(slice.0.elapsed()).as_millis() + 1;
            return vec![format!("slow {wait}"), format!("done {order} busy")];
        }
        if let Some(Ok(number)) = order.split(' ').nth(1).map(str::parse) {
            let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
            books.insert(number);
        }
        vec![answer(&format!("order {order}"), TOKEN)]
    }
}
