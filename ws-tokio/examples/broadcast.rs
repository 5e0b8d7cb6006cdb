//! One sender, many receivers, one of them too slow: each message is encoded once and queued by
//! reference, and what a slow receiver costs is bounded by its backlog and decided by its policy.
//!
//! `broadcast [--policy close|drop-newest|drop-oldest|reject] [--receivers N] [--messages N]
//! [--bytes N] [--deflate]`; runs over loopback, prints what became of the messages, and ends.

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use ws_tokio::ws_core::policy::{
    Backlog, BacklogCounts, BacklogPolicy, Offered, SlowConsumer, Taken,
};
use ws_tokio::{
    AcceptOptions, CloseCode, Closed, Config, ConnectOptions, OwnedEvent, PreparedMessage, Request,
    accept_with, connect_with,
};

type Failure = Box<dyn Error + Send + Sync>;

/// What waits for one receiver, and who is told when something does.
struct Receiver {
    backlog: Mutex<Backlog<PreparedMessage>>,
    wake: Notify,
    /// Nothing more will come.
    last: AtomicBool,
}

impl Receiver {
    fn new(policy: BacklogPolicy) -> Self {
        Self {
            backlog: Mutex::new(Backlog::new(policy)),
            wake: Notify::new(),
            last: AtomicBool::new(false),
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog<PreparedMessage>> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never waits, whatever the receiver does.
    fn offer(&self, message: &PreparedMessage) -> Offered<PreparedMessage> {
        let offered = self
            .backlog()
            .offer(message.clone(), message.payload().len());
        self.wake.notify_one();
        offered
    }

    fn finish(&self) {
        self.last.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }
}

/// Sends one receiver what waits for it, until there will be nothing more, or it is given up.
async fn serve(
    stream: TcpStream,
    options: Arc<AcceptOptions>,
    receiver: Arc<Receiver>,
) -> Result<(), Failure> {
    let (mut reader, mut writer) = accept_with(stream, &options).await?.split();
    // Pings are answered and the end is noticed while the other half waits.
    let reading = tokio::spawn(async move { while reader.next().await.is_some() {} });
    loop {
        let last = receiver.last.load(Ordering::SeqCst);
        let taken = receiver.backlog().take();
        match taken {
            Taken::Message(message) => {
                if writer.feed(&message).await.is_err() {
                    break;
                }
            }
            Taken::Close(code) => {
                let _ = writer.close(code, "too slow").await;
                break;
            }
            Taken::Nothing if last => {
                let _ = writer.close(CloseCode::NORMAL, "").await;
                break;
            }
            Taken::Nothing => {
                if writer.flush().await.is_err() {
                    break;
                }
                receiver.wake.notified().await;
            }
        }
    }
    receiver.backlog().close();
    reading.await?;
    Ok(())
}

/// Receives everything; how many messages, and the end.
async fn receive(
    url: String,
    options: ConnectOptions,
    begin: Option<oneshot::Receiver<()>>,
) -> Result<(u64, Option<Closed>), Failure> {
    let mut socket = connect_with(&Request::new(url)?, &options).await?;
    if let Some(begin) = begin {
        begin.await?;
    }
    let mut messages = 0;
    while let Some(event) = socket.next().await {
        match event {
            OwnedEvent::Text(_) => messages += 1,
            OwnedEvent::Closed(closed) => return Ok((messages, Some(closed))),
            _ => {}
        }
    }
    Ok((messages, None))
}

struct Arguments {
    policy: SlowConsumer,
    receivers: usize,
    messages: u64,
    bytes: usize,
    deflate: bool,
}

const USAGE: &str = "usage: broadcast [--policy close|drop-newest|drop-oldest|reject] \
    [--receivers N] [--messages N] [--bytes N] [--deflate]";

fn arguments() -> Result<Arguments, Failure> {
    let mut chosen = Arguments {
        policy: SlowConsumer::DropOldest,
        receivers: 10,
        messages: 2000,
        bytes: 16 << 10,
        deflate: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse::<u32>().ok());
        match &*arg {
            "--deflate" => chosen.deflate = true,
            "--receivers" => chosen.receivers = number().ok_or(USAGE)?.try_into()?,
            "--messages" => chosen.messages = number().ok_or(USAGE)?.into(),
            "--bytes" => chosen.bytes = number().ok_or(USAGE)?.try_into()?,
            "--policy" => {
                chosen.policy = match args.next().as_deref() {
                    Some("close") => SlowConsumer::Close,
                    Some("drop-newest") => SlowConsumer::DropNewest,
                    Some("drop-oldest") => SlowConsumer::DropOldest,
                    Some("reject") => SlowConsumer::Reject,
                    _ => return Err(USAGE.into()),
                }
            }
            _ => return Err(USAGE.into()),
        }
    }
    Ok(chosen)
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let arguments = arguments()?;
    // What has left a backlog waits in the send queue: that is kept short.
    let config = Config::default()
        .send_limit(64 << 10)
        .close_timeout(Duration::from_secs(60));
    let mut accept = AcceptOptions::default().config(config);
    let mut connect = ConnectOptions::default();
    if arguments.deflate {
        (accept, connect) = compressing(accept, connect)?;
    }
    let accept = Arc::new(accept);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let (go, slow) = oneshot::channel();
    let mut begin = Some(slow);
    let mut receivers = Vec::new();
    let mut ends = Vec::new();
    let mut serving = Vec::new();
    for _ in 0..=arguments.receivers {
        // The first of them reads nothing until all is sent.
        let receiving = receive(url.clone(), connect.clone(), begin.take());
        ends.push(tokio::spawn(receiving));
        let (stream, _) = listener.accept().await?;
        let policy = BacklogPolicy::default().overflow(arguments.policy);
        let receiver = Arc::new(Receiver::new(policy.max_bytes(2 << 20)));
        receivers.push(Arc::clone(&receiver));
        serving.push(tokio::spawn(serve(stream, Arc::clone(&accept), receiver)));
    }

    for i in 0..arguments.messages {
        let line = format!("{{\"sequence\":{i},\"price\":{}}} ", i * 7919 % 1000);
        let text: String = line.chars().cycle().take(arguments.bytes).collect();
        let message = PreparedMessage::new(text);
        for receiver in &receivers {
            receiver.offer(&message);
        }
        // The fast ones set the pace; the slow one does not.
        while receivers[1..].iter().any(|fast| fast.backlog().len() > 32) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    receivers.iter().for_each(|receiver| receiver.finish());
    let _ = go.send(());

    for (i, (end, receiver)) in ends.into_iter().zip(&receivers).enumerate() {
        let (messages, closed) = end.await??;
        let who = if i == 0 { "slow" } else { "fast" };
        let end = closed.map_or_else(|| "no end".into(), |closed| closed.to_string());
        println!("{who}: {messages} received, {end}");
        report(receiver.backlog().counts());
    }
    for task in serving {
        task.await??;
    }
    Ok(())
}

fn report(counts: &BacklogCounts) {
    println!(
        "      {} queued, {} taken, {} dropped newest, {} dropped oldest, {} rejected, {} discarded, \
         {} after the close",
        counts.queued,
        counts.taken,
        counts.dropped_newest,
        counts.dropped_oldest,
        counts.rejected,
        counts.discarded,
        counts.closed
    );
}

#[cfg(feature = "deflate")]
fn compressing(
    accept: AcceptOptions,
    connect: ConnectOptions,
) -> Result<(AcceptOptions, ConnectOptions), Failure> {
    let deflate = Some(ws_tokio::Deflate::low_memory());
    Ok((accept.deflate(deflate.clone()), connect.deflate(deflate)))
}

#[cfg(not(feature = "deflate"))]
fn compressing(
    _: AcceptOptions,
    _: ConnectOptions,
) -> Result<(AcceptOptions, ConnectOptions), Failure> {
    Err(USAGE.into())
}
