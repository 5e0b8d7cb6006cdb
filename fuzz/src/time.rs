//! Deadlines: the rule that keeps drivers from busy loops.

use bytes::Buf;
use ws_core::{Instant, Machine};

/// Acts on the deadlines that have passed. Afterwards the next is later, or there is something to
/// take or to write; otherwise a driver would be called again and again.
pub(crate) fn wake(machine: &mut (impl Machine + ?Sized), now: Instant) {
    machine.handle_timeout(now);
    let due = machine.poll_timeout();
    let later = due.is_none_or(|(at, _)| at > now);
    let something = machine.io().1.has_remaining() || machine.ready(now);
    assert!(later || something, "{due:?} at {now:?}: a busy loop");
}
