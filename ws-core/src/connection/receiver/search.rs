//! Looking for the next thing to do: what was received, up to the next event or what is owed to the peer.
//!
//! It finds positions, and hands nothing out.

use super::Receiver;
use super::handout::NOT_UTF8;
use crate::Instant;
use crate::close::parse_close;
use crate::connection::config::AutoPong;
use crate::connection::turn::{Next, Turn};
use crate::error::ProtocolError;
use crate::message::{Step, What};

impl Receiver {
    /// Notes that bytes arrived since it last looked.
    #[inline]
    pub(super) fn note_heard(&mut self, now: impl FnOnce() -> Instant) {
        if self.decoder.buf().is_fresh() {
            self.decoder.buf_mut().stale();
            if let Some(silence) = &mut self.rare_mut().silence {
                silence.heard(now());
            }
        }
    }

    /// What was found and not handed out yet.
    #[inline(always)]
    pub(in crate::connection) fn take_next(&mut self) -> Option<Turn> {
        self.next.take()
    }

    /// Was something found, or can it be without knowing the time? The time of what arrived must
    /// have been noted, and nothing but a message may come of looking.
    #[inline(always)]
    pub(in crate::connection) fn at_hand(&mut self) -> bool {
        if self.next.is_none() && self.rare().closing.is_open() && !self.decoder.buf().is_fresh() {
            self.next = self.whole();
        }
        self.next.is_some()
    }

    /// The next message, if it is alone in its frame and all there.
    #[inline(always)]
    fn whole(&mut self) -> Option<Turn> {
        let Step { what, span } = self.decoder.step_whole()?;
        let next = if what == What::Text {
            Next::Text
        } else {
            Next::Binary
        };
        Some(Turn::new(next, span))
    }

    /// The next thing to do, as positions. `unwritten`: does something wait to be written?
    #[inline(always)]
    pub(in crate::connection) fn turn(
        &mut self,
        now: impl Fn() -> Instant,
        unwritten: bool,
    ) -> Option<Turn> {
        if let Some(turn) = self.next.take() {
            return Some(turn);
        }
        self.note_heard(&now);
        if self.rare().closing.is_open() {
            if let Some(turn) = self.whole() {
                return Some(turn);
            }
            return self.slow_turn(now, unwritten);
        }
        self.closing_turn(now, unwritten)
    }

    /// [`turn`](Self::turn) where no message is all there in one frame.
    #[inline(never)]
    fn slow_turn(&mut self, now: impl Fn() -> Instant, unwritten: bool) -> Option<Turn> {
        let step = self.decoder.step_slow();
        self.rare_turn(step, now, unwritten)
    }

    /// [`turn`](Self::turn) on a connection that is not simply open.
    #[cold]
    fn closing_turn(&mut self, now: impl Fn() -> Instant, unwritten: bool) -> Option<Turn> {
        if self.rare().closing.is_receiving() && !self.owes_close {
            let step = self.decoder.step();
            return self.rare_turn(step, now, unwritten);
        }
        self.ending_turn(unwritten)
    }

    /// What a step found, or the end of what was received. For messages the time does not matter.
    fn rare_turn(
        &mut self,
        step: Option<Step>,
        now: impl Fn() -> Instant,
        unwritten: bool,
    ) -> Option<Turn> {
        let Some(Step { what, span }) = step else {
            let end = self.end?;
            self.rare_mut().closing.lost(end);
            return self.ending_turn(unwritten);
        };
        let asked = self.rare_mut().asked.as_mut();
        let rate = asked.and_then(|asked| asked.rate.as_mut());
        if let (What::Ping | What::Pong, Some(rate)) = (what, rate) {
            let now = now();
            if let Err(error) = rate.count(now) {
                self.fault(error, now);
                return self.ending_turn(unwritten);
            }
        }
        let next = match what {
            What::Assembled => Next::Assembled,
            What::Binary => Next::Binary,
            What::Chunk => Next::Chunk,
            What::Close => {
                let now = now();
                let (rare, payload) = self.decoder.kept_with(span);
                match parse_close(payload) {
                    Ok((code, why)) => {
                        self.owes_close |= rare.closing.peer_close(code, why, now);
                    }
                    Err(error) => self.fault(error, now),
                }
                return self.ending_turn(unwritten);
            }
            What::Fault => {
                let fault = self.decoder.fault();
                self.fault(fault.unwrap_or(NOT_UTF8), now());
                return self.ending_turn(unwritten);
            }
            What::Ping if self.auto_pong == AutoPong::On => {
                self.next = Some(Turn::new(Next::Ping, span));
                Next::OwePong
            }
            What::Ping => Next::Ping,
            What::Pong => {
                let (rare, payload) = self.decoder.kept_with(span);
                if let Some(silence) = &mut rare.silence {
                    silence.ponged(payload, now());
                }
                Next::Pong
            }
            What::Text => Next::Text,
        };
        Some(Turn::new(next, span))
    }

    /// Nothing is received any more: pays what is owed, then tells the end.
    fn ending_turn(&mut self, unwritten: bool) -> Option<Turn> {
        if let Some(owed) = self.take_owed_close() {
            return Some(owed);
        }
        if core::mem::take(&mut self.tell_fault) {
            return Some(Next::Fault.into());
        }
        debug_assert!(
            !self.rare().closing.is_receiving(),
            "only what owes a Close comes here earlier"
        );
        self.decoder.stop();
        let (rare, buf) = self.decoder.kept_mut();
        rare.closing.drain(buf);
        if let Some(end) = self.end {
            self.rare_mut().closing.lost(end);
        }
        self.rare_mut()
            .closing
            .tell(unwritten)
            .then(|| Next::Closed.into())
    }

    /// The Close frame that is owed, if one is. Once.
    pub(in crate::connection) fn take_owed_close(&mut self) -> Option<Turn> {
        let owes = core::mem::take(&mut self.owes_close);
        self.flushed &= !owes;
        owes.then(|| Next::OweClose.into())
    }

    fn fault(&mut self, error: ProtocolError, now: Instant) {
        self.owes_close |= self.rare_mut().closing.fault(error, now);
        self.tell_fault = true;
    }

    /// Looks for the next event without handing it out; what is owed on the way comes as an error.
    #[inline]
    pub(in crate::connection) fn find(
        &mut self,
        now: impl Fn() -> Instant,
        unwritten: bool,
    ) -> Result<bool, Turn> {
        if self.next.is_none() {
            match self.turn(now, unwritten) {
                Some(turn) if turn.is_owed() => return Err(turn),
                turn => self.next = turn,
            }
        }
        Ok(self.next.is_some())
    }
}
