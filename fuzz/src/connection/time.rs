//! Time as it passes, noticed or not.

use ws_core::Machine;

use super::Run;
use crate::config::TIMES;
use crate::input::Input;
use crate::time::wake;

impl Run {
    pub(super) fn sleep(&mut self, input: &mut Input<'_>) {
        self.now += input.pick(TIMES);
    }

    /// Time passes up to the next deadline.
    pub(super) fn next_deadline(&mut self) {
        if let Some((at, _)) = self.end.poll_timeout() {
            self.now = self.now.max(at);
        }
        self.handle_timeout();
    }

    pub(super) fn handle_timeout(&mut self) {
        // While a piece is being written there is something to do, whatever the queue says.
        if self.popped.is_some() {
            self.end.handle_timeout(self.now);
        } else {
            wake(&mut self.end, self.now);
        }
    }
}
