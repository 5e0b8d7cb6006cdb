//! What the peer writes, how it arrives, and what is told of it.

use core::mem;

use ws_core::connection::OwnedEvent;
use ws_core::{Machine, Role, Transport};

use super::Run;
use crate::frame::{frame, header};
use crate::frames::seen;
use crate::input::Input;
use crate::plain::Seen;
use crate::reading::Reads;
use crate::sending::SIZES;

/// The first bytes of frames, mostly of those that are allowed.
const FIRST: &[u8] = &[
    0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88, 0x83, 0xc1, 0x09,
];

impl Run {
    /// The peer writes a well-formed frame.
    pub(super) fn frame(&mut self, input: &mut Input<'_>) {
        let (first, payload) = (input.pick(FIRST), input.chunk());
        let frame = frame(self.role.peer(), first, payload);
        self.wire.extend_from_slice(&frame);
    }

    /// The peer writes a long frame, of which the input holds only how long it is.
    pub(super) fn long_frame(&mut self, input: &mut Input<'_>) {
        let (first, fill, size) = (input.pick(FIRST), input.byte(), input.pick(SIZES));
        let size = size.min(self.budget);
        self.budget -= size;
        let wire = match self.role.peer() {
            Role::Server => frame(Role::Server, first, &vec![fill; size]),
            // Masked with the key as it is: what the server reads repeats every four bytes.
            Role::Client => {
                let mut wire = header(Role::Client, first, size);
                wire.resize(wire.len() + size, fill);
                wire
            }
        };
        self.wire.extend_from_slice(&wire);
    }

    /// At most `n` bytes arrive, in one read.
    pub(super) fn read(&mut self, n: usize, reads: Reads) {
        if self.lost.is_some() {
            return;
        }
        let bytes = self.wire.split_to(n.min(self.wire.len()));
        reads.receive(self.end.io().0, &bytes);
        self.most_held = self.most_held.max(self.end.io().0.filled().len());
        reads.settle(self.end.io().0);
        self.received.extend_from_slice(&bytes);
    }

    /// The storage is taken away, and perhaps given back.
    pub(super) fn swap_receiving(&mut self, back: bool) {
        let buf = self.end.io().0;
        let held = buf.filled().to_vec();
        if let (Some(storage), true) = (buf.take_storage(), back) {
            drop(buf.put_storage(storage, 0));
        }
        assert_eq!(buf.filled(), held);
    }

    /// Notes an event that was taken; says whether there was one. `fresh`: it was not found before.
    pub(super) fn took(&mut self, event: Option<OwnedEvent>, fresh: bool) -> bool {
        if let Some(peeked) = mem::take(&mut self.peeked) {
            assert_eq!(event, Some(peeked));
        }
        let Some(event) = event else {
            assert!(!self.end.ready(self.now));
            if self.end.transport() == Transport::Close {
                assert!(self.closed.is_some(), "over, and not told so");
            }
            return false;
        };
        assert_eq!(self.closed, None, "nothing follows the end");
        match event {
            OwnedEvent::Closed(closed) => {
                assert_eq!(self.end.closed(), Some(&closed));
                self.closed = Some(closed);
            }
            event => {
                assert_eq!(self.fault, None, "only the end follows a fault");
                assert_eq!(self.end.closed(), None);
                match event {
                    OwnedEvent::ProtocolError(error) => self.fault = Some(error),
                    event => self.tell(seen(&event), fresh),
                }
            }
        }
        if self.closed.is_some() || self.fault.is_some() {
            assert!(!self.end.sender().is_open());
        }
        true
    }

    /// Notes what was told, and how many control frames at this time.
    fn tell(&mut self, seen: Option<Seen>, fresh: bool) {
        if self.burst.0 != self.now {
            self.burst = (self.now, 0);
        }
        let control = seen.as_ref().is_some_and(|seen| !seen.is_message());
        self.burst.1 += u32::from(control && fresh);
        let limit = self.config.limits.max_control_rate;
        assert!(limit.is_none_or(|limit| self.burst.1 <= limit));
        self.told.extend(seen);
    }
}
