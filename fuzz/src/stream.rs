//! Messages read as streams of bytes, against the same messages taken whole.

use std::io::ErrorKind;

use ws_core::connection::{Config, Connection, OwnedEvent};
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::{Delivery, Kind};
use ws_core::stream::{ByteInlet, Found, Inlet};
use ws_core::{Instant, Role, Seed};

use crate::compressed::Past;
use crate::config::limits;
use crate::input::{Cuts, Input};

const NOW: Instant = Instant::ORIGIN;

/// What a peer sends, plain or compressed, under any limits: messages read piece by piece, some of
/// them given up, are those that are handed out whole; so are the bytes of a stream over all of them;
/// and what is cut off or refused is an error, not an end.
///
/// Input: role, compression, limits, delivery, how much is read at once, how many reads before a
/// reader is dropped, cuts; then the bytes of the peer.
pub fn stream(data: &[u8]) {
    let mut input = Input::new(data);
    let role = input.pick(&[Role::Server, Role::Client]);
    let past = input.flag().then(|| Past::choose(&mut input));
    // What a few bytes may become is bounded, so that an input takes no longer than it has to.
    let limits = limits(&mut input);
    let max = limits.max_message.min(1 << 20);
    let config = Config::default().limits(limits.max_message(max));
    let delivery = input.pick(&[Delivery::Chunks, Delivery::Messages]);
    let step = input.number().max(1);
    let patience = input.pick(&[usize::MAX, 0, 1, 3]);
    let cuts = input.cuts();
    let wire = input.rest();

    let end = |delivery| {
        let config = config.clone().delivery(delivery);
        match past {
            Some(past) => past.connection(role, &config),
            None => {
                let opened = Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]));
                Connection::new(opened, &config, NOW)
            }
        }
    };
    let (whole, ended) = whole(end(Delivery::Messages), wire);

    let mut reading = Reading::new(step, patience);
    let mut connection = end(delivery);
    for part in cuts.parts(wire) {
        connection.io().0.extend_from_slice(part);
        reading.go(&mut connection);
    }
    assert_eq!(reading.failed, ended);
    // What was given up began as the message does.
    let same = |(read, all): (&Read, &(Kind, Vec<u8>))| {
        read.kind == all.0 && all.1.starts_with(&read.data) && (read.given_up || read.data == all.1)
    };
    assert!(reading.done.iter().zip(&whole).all(same));
    assert!(reading.done.len() >= whole.len());
    // The last may have been given up before it was refused.
    let more = &reading.done[whole.len()..];
    assert!(more.len() <= 1 && more.iter().all(|read| read.given_up));

    bytes(end(delivery), wire, cuts, step, &whole);
}

/// The messages as they are handed out, and whether a fault or a Close ended them.
fn whole(mut end: Connection, wire: &[u8]) -> (Vec<(Kind, Vec<u8>)>, bool) {
    end.io().0.extend_from_slice(wire);
    let (mut messages, mut ended) = (Vec::new(), false);
    while let Some(event) = end.poll_owned(NOW) {
        match event {
            OwnedEvent::Binary(data) => messages.push((Kind::Binary, data.to_vec())),
            OwnedEvent::Text(text) => messages.push((Kind::Text, text.as_bytes().to_vec())),
            OwnedEvent::ProtocolError(_) => ended = true,
            _ => {}
        }
    }
    (messages, ended)
}

/// A message that was read.
#[derive(Debug)]
struct Read {
    kind: Kind,
    data: Vec<u8>,
    given_up: bool,
}

/// Reads message after message.
struct Reading {
    step: usize,
    patience: usize,
    inlet: Option<Inlet>,
    data: Vec<u8>,
    reads: usize,
    done: Vec<Read>,
    failed: bool,
}

impl Reading {
    fn new(step: usize, patience: usize) -> Self {
        Self {
            step,
            patience,
            inlet: None,
            data: Vec::new(),
            reads: 0,
            done: Vec::new(),
            failed: false,
        }
    }

    fn go(&mut self, from: &mut Connection) {
        let mut buf = vec![0; self.step];
        loop {
            let at_hand = self.inlet.as_ref().is_some_and(Inlet::is_at_hand);
            if !at_hand && !from.ready(NOW) {
                return;
            }
            let Some(inlet) = &mut self.inlet else {
                match Inlet::begin(from, NOW) {
                    Found::Fault(_) => self.failed = true,
                    Found::Message(inlet) => self.inlet = Some(inlet),
                    Found::Closed(_) | Found::Other => {}
                }
                continue;
            };
            let kind = inlet.kind();
            self.reads += 1;
            match inlet.read(from, &mut buf, NOW) {
                Some(Ok(0)) => self.end(kind, false),
                Some(Ok(n)) => {
                    self.data.extend_from_slice(&buf[..n]);
                    if self.reads > self.patience {
                        self.end(kind, true);
                    }
                }
                Some(Err(error)) => {
                    self.failed |= error.kind() == ErrorKind::InvalidData;
                    self.inlet = None;
                    self.data.clear();
                }
                None => {}
            }
        }
    }

    fn end(&mut self, kind: Kind, given_up: bool) {
        let data = std::mem::take(&mut self.data);
        let read = Read {
            kind,
            data,
            given_up,
        };
        self.done.push(read);
        self.inlet = None;
        self.reads = 0;
    }
}

/// All binary messages before the first text, as one stream.
fn bytes(mut end: Connection, wire: &[u8], cuts: Cuts, step: usize, whole: &[(Kind, Vec<u8>)]) {
    let binary = whole.iter().take_while(|message| message.0 == Kind::Binary);
    let expected: Vec<u8> = binary
        .flat_map(|message| message.1.iter().copied())
        .collect();
    let (mut inlet, mut read, mut buf) = (ByteInlet::default(), Vec::new(), vec![0; step]);
    'all: for part in cuts.parts(wire) {
        end.io().0.extend_from_slice(part);
        while inlet.is_at_hand() || end.ready(NOW) {
            match inlet.read(&mut end, &mut buf, NOW) {
                Some(Ok(0) | Err(_)) => break 'all,
                Some(Ok(n)) => read.extend_from_slice(&buf[..n]),
                None => {}
            }
        }
    }
    assert!(
        read.starts_with(&expected),
        "whole messages come in any case"
    );
}
