//! Compressed messages: what two ends may have agreed on, and a plain decompressor that is given
//! each payload whole.

use ws_core::Role;
use ws_core::connection::{Config, Connection};
use ws_core::deflate::{Deflate, Takeover, Terms};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Instant, Seed};
use zlib_rs::{Inflate, InflateFlush, Status};

use crate::input::Input;

/// What follows a payload: what the sender left off, and a last block that is empty.
const END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

/// What the peer may refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    keep: bool,
    window: usize,
    bits: u8,
}

impl Past {
    pub(crate) fn choose(input: &mut Input<'_>) -> Self {
        let keep = !input.flag();
        let bits = input.pick(&[15, 9, 12]);
        Self {
            keep,
            window: 1 << bits,
            bits,
        }
    }

    /// An end that agreed on this.
    pub(crate) fn connection(self, role: Role, config: &Config) -> Connection {
        let mut agreed = Agreed::default();
        agreed.deflate = Some(self.terms(role));
        let opened = Opened::upgraded(role, agreed, &[], Seed::new([7; 32]));
        Connection::new(opened, config, Instant::ORIGIN)
    }

    fn terms(self, role: Role) -> Terms {
        let takeover = match self.keep {
            true => Takeover::Keep,
            false => Takeover::Reset,
        };
        let deflate = Deflate::max_ratio()
            .peer_takeover(takeover)
            .peer_window_bits(self.bits)
            .takeover(takeover)
            .window_bits(self.bits);
        let (answer, server) = deflate.accept(&deflate.offers()).expect("an agreement");
        match role {
            Role::Client => deflate.confirm(&answer).expect("an agreement"),
            Role::Server => server,
        }
    }
}

/// What becomes of a payload.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Unpacked {
    Bad,
    TooLong,
    Whole(Vec<u8>),
}

/// Decompresses whole payloads, one after the other.
#[derive(Debug)]
pub(crate) struct Plain {
    past: Past,
    history: Vec<u8>,
}

impl Plain {
    pub(crate) fn new(past: Past) -> Self {
        Self {
            past,
            history: Vec::new(),
        }
    }

    pub(crate) fn unpack(&mut self, payload: &[u8], max: usize) -> Unpacked {
        let before = match self.past.keep {
            true => self.history.clone(),
            false => Vec::new(),
        };
        let unpacked = self.inflate(&before, payload, max);
        if let Unpacked::Whole(data) = &unpacked {
            self.history.extend_from_slice(data);
            let surplus = self.history.len().saturating_sub(self.past.window);
            self.history.drain(..surplus);
        }
        unpacked
    }

    fn inflate(&self, before: &[u8], mut payload: &[u8], max: usize) -> Unpacked {
        let mut all = before.to_vec();
        loop {
            if payload.is_empty() {
                return Unpacked::Whole(all.split_off(before.len()));
            }
            let mut inflate = Inflate::new(false, 15);
            let recent = &all[all.len().saturating_sub(self.past.window)..];
            if !recent.is_empty() && inflate.set_dictionary(recent).is_err() {
                return Unpacked::Bad;
            }
            let Some((ended, used)) = run(&mut inflate, payload, &mut all, before.len(), max)
            else {
                return Unpacked::Bad;
            };
            if all.len() - before.len() > max {
                return Unpacked::TooLong;
            }
            payload = &payload[used..];
            if !ended {
                let len = all.len();
                let end = run(&mut inflate, &END, &mut all, before.len(), max);
                return match end == Some((true, END.len())) && all.len() == len {
                    true => Unpacked::Whole(all.split_off(before.len())),
                    false => Unpacked::Bad,
                };
            }
        }
    }
}

/// Decompresses up to a last block, the end of the input, or more than `max` bytes: whether it was a
/// last block, and how much was used.
fn run(
    inflate: &mut Inflate,
    input: &[u8],
    out: &mut Vec<u8>,
    from: usize,
    max: usize,
) -> Option<(bool, usize)> {
    let begin = inflate.total_in();
    loop {
        let used = usize::try_from(inflate.total_in() - begin).ok()?;
        let made = inflate.total_out();
        let mut block = [0; 4096];
        let status = inflate.decompress(&input[used..], &mut block, InflateFlush::SyncFlush);
        let status = status.ok()?;
        let n = usize::try_from(inflate.total_out() - made).ok()?;
        out.extend_from_slice(&block[..n]);
        let now = usize::try_from(inflate.total_in() - begin).ok()?;
        let over = out.len() - from > max;
        if status == Status::StreamEnd || over || (n < block.len() && now == input.len()) {
            return Some((status == Status::StreamEnd, now));
        }
        if n == 0 && now == used {
            return Some((false, now));
        }
    }
}
