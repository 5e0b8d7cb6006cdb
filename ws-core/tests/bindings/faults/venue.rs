//! A server that keeps a book of everything it was asked.
//!
//! Its data is `data topic connection number`: on each connection the messages of a topic are counted
//! anew.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::super::listener;
use crate::rt::{self, wait, ws};

/// What the server has seen.
#[derive(Default)]
pub(crate) struct Book {
    /// How often each order was executed.
    pub(crate) executed: BTreeMap<u64, u32>,
    /// What each connection has subscribed to, in the order in which it did.
    pub(crate) joined: Vec<Vec<String>>,
    /// What it did not understand.
    pub(crate) nonsense: Vec<String>,
}

/// A server for any number of connections, until the test process ends.
#[derive(Clone)]
pub(crate) struct Venue {
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl Venue {
    pub(crate) fn open() -> Self {
        let (listener, address) = listener();
        let venue = Self {
            address,
            book: Arc::default(),
        };
        let servers = venue.clone();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let venue = servers.clone();
                thread::spawn(move || venue.serve(rt::tcp(stream)));
            }
        });
        venue
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: rt::Tcp) {
        let Ok(mut socket) = wait!(ws::accept(stream)) else {
            return;
        };
        let conn = {
            let joined = &mut self.book().joined;
            joined.push(Vec::new());
            joined.len()
        };
        let mut numbers: Vec<(String, u64)> = Vec::new();
        while let Some((event, reply)) = wait!(socket.read()) {
            let ws::Event::Text(text) = event else {
                continue;
            };
            let mut words = text.splitn(3, ' ');
            let (number, verb) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let rest = words.next().unwrap_or("");
            let mut data = None;
            match (verb, rest.parse::<u64>()) {
                ("hello", _) => {}
                ("join", _) => {
                    let topics = rest.split(',').map(str::to_string);
                    self.book().joined[conn - 1].extend(topics.clone());
                    numbers.extend(topics.map(|topic| (topic, 0)));
                }
                ("do", Ok(order)) => {
                    *self.book().executed.entry(order).or_default() += 1;
                    let len = numbers.len().max(1);
                    data = numbers.get_mut(order as usize % len);
                }
                _ => self.book().nonsense.push(text.to_string()),
            }
            // It may be gone already.
            let _ = reply.text(&format!("{number} ok {verb} {rest}"));
            if let Some((topic, number)) = data {
                *number += 1;
                let _ = reply.text(&format!("data {topic} {conn} {number}"));
            }
        }
    }
}
