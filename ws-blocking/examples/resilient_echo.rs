//! Sends the messages `1` to `N` to an echo server and ends when all echoes are in, whatever happens
//! to the connection meanwhile: `resilient_echo URL N`.
//!
//! A message counts as delivered when its echo has arrived. After a loss the session connects again,
//! and what has no echo yet is sent again.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::collections::BTreeSet;
use std::process::ExitCode;

use words::words;
use ws_blocking::session::{Client, End, Event, Events, start};
use ws_blocking::ws_core::options::SessionOptions;
use ws_blocking::ws_core::policy::BackoffPolicy;
use ws_blocking::ws_core::session::{SendError, SessionConfig};
use ws_blocking::{CloseCode, Request, SendError as Refused};

/// Messages under way at a time.
const WINDOW: usize = 1000;

fn main() -> ExitCode {
    let arguments = match words() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let [url, count] = &*arguments else {
        eprintln!("usage: resilient_echo URL N");
        return ExitCode::from(2);
    };
    let Ok(count) = count.parse() else {
        eprintln!("N is not a number: {count}");
        return ExitCode::from(2);
    };
    match run(url, count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(url: &str, count: u64) -> Result<(), Box<dyn std::error::Error>> {
    let backoff = BackoffPolicy::default().max_attempts(Some(20));
    let config = SessionConfig::default().backoff(backoff);
    let (client, mut events) = start(
        Request::new(url)?,
        &SessionOptions::default().config(config),
    )?;
    let mut work = Work {
        missing: (1..=count).collect(),
        next: 1,
        under_way: 0,
    };
    while !work.missing.is_empty() {
        match events.next() {
            Some(Event::Ready { .. }) => (work.next, work.under_way) = (1, 0),
            Some(Event::Text(text)) => {
                work.missing.remove(&text.parse()?);
                work.under_way = work.under_way.saturating_sub(1);
            }
            Some(Event::Terminated(end)) => return Err(end.into()),
            Some(_) => {}
            None => return Err("the session ended".into()),
        }
        work.send_some(&client)?;
    }
    client.close(CloseCode::NORMAL, "")?;
    finish(&mut events)
}

/// What is still to be done.
struct Work {
    /// Messages whose echo has not arrived.
    missing: BTreeSet<u64>,
    /// The first message that was not sent on this connection yet.
    next: u64,
    /// Sent on this connection, and not echoed yet.
    under_way: usize,
}

impl Work {
    /// Sends what is missing, as far as the window and the queue allow.
    fn send_some(&mut self, client: &Client) -> Result<(), SendError> {
        let room = WINDOW.saturating_sub(self.under_way);
        for &number in self.missing.range(self.next..).take(room) {
            match client.send(number.to_string()) {
                Ok(()) => (self.next, self.under_way) = (number + 1, self.under_way + 1),
                // The next event makes room, or tells of the loss.
                Err(
                    SendError::NotReady(_)
                    | SendError::Refused(Refused::Full { .. } | Refused::Closed),
                ) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn finish(events: &mut Events) -> Result<(), Box<dyn std::error::Error>> {
    for event in events.by_ref() {
        if let Event::Terminated(end) = event {
            return match end {
                End::Closed(_) => Ok(()),
                other => Err(other.into()),
            };
        }
    }
    Ok(())
}
