//! An owner that is slower than the peer, or stops driving.
//!
//! Nothing is read or dropped here: whether to take what has come is the owner's to decide.

use super::Session;
use super::correlate::RequestId;
use super::dialect::Dialect;
use super::link::Link;
use super::lost::End;
use super::order::Phase;
use super::sort::Sorted;
use crate::Instant;
use crate::connection::Event as Heard;

/// What [`Session::poll`] would give next.
///
/// Exhaustive on purpose: an owner without room takes some of them and leaves others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Upcoming {
    /// The answer to this request.
    Answer(RequestId),
    /// A ping or pong of the peer's.
    Control,
    /// A message of the peer's.
    Message,
    /// Something that the session itself tells.
    Notice,
}

impl<D: Dialect> Session<D> {
    /// What [`poll`](Self::poll) would give next, for an owner that has no room for everything; `None`
    /// if there is nothing. What is not taken stays, and everything behind it in the stream with it.
    pub fn upcoming(&mut self, now: Instant) -> Option<Upcoming> {
        // With nothing to give it may say so because there is something to be done.
        if !self.ready(now) || !self.has_something() {
            return None;
        }
        if !self.events.is_empty() {
            return Some(Upcoming::Notice);
        }
        if self.setup.is_none() && !self.early.is_empty() {
            return Some(Upcoming::Message);
        }
        let Link::Open { connection, .. } = &mut self.link else {
            return None;
        };
        match (&self.sorted, connection.peek_mut().0?) {
            (Some(Sorted::Answer(id, _)), _) => Some(Upcoming::Answer(*id)),
            // Somebody waits for it, once.
            (Some(Sorted::Awaited(_)), _) => Some(Upcoming::Notice),
            (Some(_), Heard::Ping(_) | Heard::Pong(_)) => Some(Upcoming::Control),
            (Some(_), Heard::ProtocolError(_)) => Some(Upcoming::Notice),
            (Some(_), _) => Some(Upcoming::Message),
            (None, _) => None,
        }
    }

    fn has_something(&self) -> bool {
        let early = self.setup.is_none() && !self.early.is_empty();
        !self.events.is_empty() || early || self.sorted.is_some()
    }

    /// The owner has not read, for want of room: until now, silence is not the peer's fault. To be
    /// said before [`handle_timeout`](Self::handle_timeout) by an owner that leaves something
    /// [`upcoming`](Self::upcoming) where it is.
    pub fn excuse(&mut self, now: Instant) {
        self.note("excuse", now, |_, _| {});
        if let Link::Open { connection, .. } = &mut self.link {
            connection.excuse(now);
            self.vitals.excuse(now);
        }
    }

    /// Ends the session at once and without a word to the peer, because nobody will drive it any
    /// more. What waited for something learns that nothing will come.
    pub fn abandon(&mut self, now: Instant) {
        self.note("abandon", now, |_, _| {});
        if !matches!(self.phase, Phase::Over) {
            self.drop_link(now);
            self.terminate(End::Closed(None), now);
        }
    }
}
