//! Making payloads shorter (RFC 7692 §7.2.1).
//!
//! It knows no frames, and sends nothing.

use alloc::vec::Vec;
use core::fmt;

use zlib_rs::{DeflateFlush, Status};

use super::negotiate::Terms;
use super::options::{Compress, Takeover};
use super::pool::{self, Packer, Shape, Stamp};
use super::window::Window;
use super::{TAIL, window_size};

/// The first room for output, in bytes.
const FIRST: usize = 4 * 1024;

/// The part of a connection that compresses. Between messages it holds its window, if there is
/// context takeover, and nothing else.
pub(crate) struct Compressor {
    shape: Shape,
    takeover: Takeover,
    threshold: usize,
    window: Window,
    /// The state of the compressor that made the last message, if that can be gone on with.
    stamp: Option<Stamp>,
    /// In the middle of a message that is compressed piece by piece.
    packer: Option<Packer>,
}

/// A compressed payload, in the place where it was made.
pub(crate) struct Packed {
    packer: Packer,
    len: usize,
}

impl Packed {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.packer.out[..self.len]
    }

    /// The payload as storage of its own, for one that is too long to be copied.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        let mut out = core::mem::take(&mut self.packer.out);
        out.truncate(self.len);
        self.give_back();
        out
    }

    /// Done with it.
    pub(crate) fn give_back(self) {
        pool::reclaim_packer(self.packer);
    }
}

impl Compressor {
    pub(crate) fn new(terms: &Terms) -> Self {
        Self {
            shape: Shape {
                level: terms.tuning.level,
                mem_level: terms.tuning.mem_level,
                bits: terms.own.bits,
            },
            takeover: terms.own.takeover,
            threshold: terms.tuning.threshold,
            window: Window::default(),
            stamp: None,
            packer: None,
        }
    }

    /// Begins a message that is compressed piece by piece; `false` if it is to be sent as it is.
    pub(crate) fn begin(&mut self, compress: Compress) -> bool {
        if compress == Compress::Never || self.shape.bits < 9 {
            return false;
        }
        let mut packer = pool::packer(self.shape, self.stamp.take());
        if packer.stamp.take().is_none() && begin(&mut packer, &self.window).is_none() {
            return false;
        }
        self.packer = Some(packer);
        true
    }

    /// Compresses the next piece of the message that was begun, so that the peer can make all of it
    /// whole at once. The last one is without its tail.
    pub(crate) fn piece(&mut self, payload: &[u8], last: bool) -> &[u8] {
        let Some(packer) = &mut self.packer else {
            return &[];
        };
        if self.takeover == Takeover::Keep {
            self.window.push(payload, window_size(self.shape.bits));
        }
        let len = flush(packer, payload);
        if !last {
            return &packer.out[..len];
        }
        if packer.out[..len].ends_with(&TAIL) {
            return &packer.out[..len - TAIL.len()];
        }
        // An empty last piece: the tail before it has gone out, so that one more empty block follows
        // without its own (§7.2.3.6).
        &[0]
    }

    /// The message whose last piece was compressed is complete.
    pub(crate) fn end(&mut self) {
        if let Some(mut packer) = self.packer.take() {
            if self.takeover == Takeover::Keep {
                packer.stamp = pool::stamp();
                self.stamp = packer.stamp;
            }
            pool::reclaim_packer(packer);
        }
    }

    /// Gives up the message that was begun piece by piece, if there is one.
    pub(crate) fn abandon(&mut self) {
        if let Some(packer) = self.packer.take() {
            pool::reclaim_packer(packer);
        }
    }

    /// The window that a payload of this length must be compressed for apart from this connection;
    /// `None` if it is to be sent as it is.
    pub(crate) fn apart(&self, len: usize, compress: Compress) -> Option<u8> {
        self.wants(len, compress).then_some(self.shape.bits)
    }

    /// A message is sent that was compressed apart from those before it. The peer's window takes it
    /// in, and so would this one have to, with a copy for each connection; instead nothing that was
    /// sent so far is referred to any more, which is always allowed.
    pub(crate) fn forget(&mut self) {
        self.window.clear();
        self.stamp = None;
    }

    /// Is a payload of this length worth a try?
    fn wants(&self, len: usize, compress: Compress) -> bool {
        let least = match compress {
            Compress::Auto => self.threshold,
            Compress::Always => 0,
            Compress::Never => return false,
        };
        len >= least && self.shape.bits >= 9
    }

    /// Compresses the payload of a message; `None` if it is to be sent as it is, because that is
    /// asked for or not longer.
    pub(crate) fn pack(&mut self, payload: &[u8], compress: Compress) -> Option<Packed> {
        if !self.wants(payload.len(), compress) {
            return None;
        }
        let mut packer = pool::packer(self.shape, self.stamp.take());
        if packer.stamp.take().is_none() {
            begin(&mut packer, &self.window)?;
        }
        let Some(len) = run(&mut packer, payload) else {
            // It has seen a message that the peer will not see: it is not gone on with. The window
            // is as it was, and so the next message builds on those before this one.
            if end(&mut packer).is_some() {
                pool::reclaim_packer(packer);
            }
            return None;
        };
        if self.takeover == Takeover::Keep {
            self.window.push(payload, window_size(self.shape.bits));
            packer.stamp = pool::stamp();
            self.stamp = packer.stamp;
        }
        Some(Packed { packer, len })
    }
}

/// Compresses a payload that refers to nothing before it; `None` if that is not shorter.
pub(crate) fn pack_alone(payload: &[u8], level: u8, bits: u8) -> Option<Packed> {
    let shape = Shape {
        level,
        mem_level: 8,
        bits,
    };
    let mut packer = pool::packer(shape, None);
    begin(&mut packer, &Window::default())?;
    if let Some(len) = run(&mut packer, payload) {
        return Some(Packed { packer, len });
    }
    if end(&mut packer).is_some() {
        pool::reclaim_packer(packer);
    }
    None
}

/// Makes the compressor one that has just compressed what is in the window.
fn begin(packer: &mut Packer, window: &Window) -> Option<()> {
    packer.deflate.reset();
    for part in window.parts() {
        if !part.is_empty() {
            packer.deflate.set_dictionary(part).ok()?;
        }
    }
    Some(())
}

/// Compresses into `out`: the length without the tail, or `None` if it is not shorter.
fn run(packer: &mut Packer, payload: &[u8]) -> Option<usize> {
    let Packer { deflate, out, .. } = packer;
    let limit = (payload.len() + TAIL.len()).saturating_sub(1);
    let (mut read, mut written) = (0, 0);
    loop {
        if written == out.len() {
            out.resize((2 * written).max(FIRST).min(limit.max(FIRST)), 0);
        }
        let end = out.len().min(limit);
        let (before_in, before_out) = (deflate.total_in(), deflate.total_out());
        let flush = DeflateFlush::SyncFlush;
        deflate
            .compress(&payload[read..], &mut out[written..end], flush)
            .ok()?;
        read += usize::try_from(deflate.total_in() - before_in).ok()?;
        written += usize::try_from(deflate.total_out() - before_out).ok()?;
        if written < end && read == payload.len() {
            // "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end" (§7.2.1)
            return out[..written].strip_suffix(&TAIL).map(<[u8]>::len);
        }
        if written == limit {
            return None;
        }
    }
}

/// Compresses into `out`, however long that becomes, up to where the peer can make it whole: the
/// length with the tail, or nothing if there is nothing new.
fn flush(packer: &mut Packer, payload: &[u8]) -> usize {
    let Packer { deflate, out, .. } = packer;
    let (mut read, mut written) = (0, 0);
    loop {
        if written == out.len() {
            out.resize((2 * written).max(FIRST), 0);
        }
        let (before_in, before_out) = (deflate.total_in(), deflate.total_out());
        deflate
            .compress(
                &payload[read..],
                &mut out[written..],
                DeflateFlush::SyncFlush,
            )
            .expect("a compressor that is between two blocks takes anything");
        let count = |before, after| usize::try_from(after - before).expect("within a slice");
        read += count(before_in, deflate.total_in());
        written += count(before_out, deflate.total_out());
        if written < out.len() {
            debug_assert_eq!(read, payload.len());
            return written;
        }
    }
}

/// Ends the stream and drops what comes out; `None` if it can't be ended. A reset alone is not enough
/// in the middle of one: zlib-rs 0.6.8 remembers that a block was open and how much was written.
fn end(packer: &mut Packer) -> Option<()> {
    let Packer { deflate, out, .. } = packer;
    out.resize(out.len().max(FIRST), 0);
    loop {
        match deflate.compress(&[], out, DeflateFlush::Finish).ok()? {
            Status::Ok => {}
            Status::StreamEnd => return Some(()),
            Status::BufError => return None,
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("shape", &self.shape)
            .field("takeover", &self.takeover)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Deflate;
    use super::*;

    fn compressor(deflate: &Deflate) -> Compressor {
        let (_, terms) = deflate.accept(&deflate.offers()).expect("an agreement");
        Compressor::new(&terms)
    }

    fn noise(len: usize) -> Vec<u8> {
        let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005) + 1);
        let states = core::iter::successors(Some(1u64), next);
        states
            .map(|state| state.to_be_bytes()[0])
            .take(len)
            .collect()
    }

    #[test]
    fn a_message_that_would_grow_leaves_the_compressor_fit_for_the_next() {
        for mem_level in [1, 8, 9] {
            for level in 1..=9 {
                let deflate = Deflate::low_memory().level(level).mem_level(mem_level);
                let mut compressor = compressor(&deflate);
                for len in [1, 100, 500, 5_000, 200_000] {
                    assert!(compressor.pack(&noise(len), Compress::Always).is_none());
                    let packed = compressor.pack(&[b'a'; 2000], Compress::Always);
                    let packed = packed.expect("much shorter");
                    let mut inflate = zlib_rs::Inflate::new(false, 15);
                    let mut out = [0; 2000];
                    let flush = zlib_rs::InflateFlush::SyncFlush;
                    inflate.decompress(packed.bytes(), &mut out, flush).unwrap();
                    assert_eq!(out, [b'a'; 2000]);
                    packed.give_back();
                }
            }
        }
    }

    #[test]
    fn long_payloads_are_handed_over_and_short_ones_lent() {
        let mut compressor = compressor(&Deflate::low_memory());
        let payload: Vec<u8> = (0..200_000u32)
            .flat_map(|i| (i / 7).to_be_bytes())
            .collect();
        let packed = compressor.pack(&payload, Compress::Auto).expect("shorter");
        let lent = packed.bytes().to_vec();
        packed.give_back();
        let packed = compressor.pack(&payload, Compress::Auto).expect("shorter");
        assert_eq!(packed.into_vec(), lent);
    }
}
