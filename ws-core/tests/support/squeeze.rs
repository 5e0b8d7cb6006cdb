//! Connections that compress, and payloads compressed apart from them.

use ws_core::connection::{Config, Connection};
use ws_core::deflate::{Deflate, Terms};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Instant, Role, Seed};
use zlib_rs::{DeflateConfig, DeflateFlush, Inflate, InflateFlush};

use super::End;

/// What a client and a server agree on: the terms of each.
pub(crate) fn terms(client: &Deflate, server: &Deflate) -> (Terms, Terms) {
    let (answer, at_server) = server.accept(&client.offers()).expect("an agreement");
    (client.confirm(&answer).expect("an agreement"), at_server)
}

pub(crate) fn connection(role: Role, terms: Terms, config: &Config) -> Connection {
    let mut agreed = Agreed::default();
    agreed.deflate = Some(terms);
    let opened = Opened::upgraded(role, agreed, &[], Seed::new([7; 32]));
    Connection::new(opened, config, Instant::ORIGIN)
}

/// One end that compresses, with a peer of the same mind.
pub(crate) fn end(role: Role, deflate: &Deflate, config: &Config) -> End {
    let (client, server) = terms(deflate, deflate);
    let terms = match role {
        Role::Client => client,
        Role::Server => server,
    };
    End {
        role,
        connection: connection(role, terms, config),
        now: Instant::ORIGIN,
    }
}

/// A compressor of the peer's.
pub(crate) struct Peer(zlib_rs::Deflate);

impl Peer {
    pub(crate) fn new(bits: u8) -> Self {
        let config = DeflateConfig {
            window_bits: -i32::from(bits),
            ..DeflateConfig::default()
        };
        Self(zlib_rs::Deflate::new_with_config(config))
    }

    /// A payload that goes on where the last one ended, without its tail.
    pub(crate) fn pack(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = self.write(payload, DeflateFlush::SyncFlush);
        assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
        out.truncate(out.len() - 4);
        out
    }

    /// A payload that ends with a last block, as RFC 7692 §7.2.3.4 writes it.
    pub(crate) fn pack_final(payload: &[u8]) -> Vec<u8> {
        let mut out = Self::new(15).write(payload, DeflateFlush::Finish);
        out.push(0);
        out
    }

    fn write(&mut self, payload: &[u8], flush: DeflateFlush) -> Vec<u8> {
        let mut out = vec![0; payload.len() + payload.len() / 10 + 100];
        let before = self.0.total_out();
        self.0.compress(payload, &mut out, flush).expect("valid");
        let n = self.0.total_out() - before;
        out.truncate(usize::try_from(n).expect("a length"));
        out
    }
}

/// A decompressor of the peer's, which remembers what it saw.
pub(crate) struct Reader(Inflate);

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Inflate::new(false, 15))
    }

    pub(crate) fn unpack(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 1 << 20];
        let before = self.0.total_out();
        let payload = [payload, &[0, 0, 0xff, 0xff]].concat();
        self.0
            .decompress(&payload, &mut out, InflateFlush::SyncFlush)
            .expect("valid");
        let n = self.0.total_out() - before;
        out.truncate(usize::try_from(n).expect("a length"));
        out
    }
}

/// Bytes that don't compress.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let step = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    core::iter::repeat_with(step).take(len).collect()
}

/// Bytes that compress well.
pub(crate) fn prose(len: usize) -> Vec<u8> {
    let text = (0..)
        .flat_map(|i: usize| format!("{{\"id\":{i},\"price\":{}}},", i * 7919 % 1000).into_bytes());
    text.take(len).collect()
}
