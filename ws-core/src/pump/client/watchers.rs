//! Tasks that wait for something to change. A wait that was given up leaves nothing behind for long.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::mem;
use core::task::{Context, Waker};

/// One wait, or several by the same owner, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Wait(Arc<()>);

/// Those who wait.
#[derive(Debug, Default)]
pub(super) struct Watchers(Vec<(Weak<()>, Waker)>);

impl Watchers {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Wakes this task at the next change. Gives back the wakers of waits that are over, to be dropped
    /// where no lock is held: a task may go with its waker.
    #[must_use = "to be dropped where no lock is held"]
    pub(super) fn add(&mut self, wait: &Wait, cx: &Context<'_>) -> Vec<Waker> {
        let mut over = Vec::new();
        while let Some(i) = { self.0.iter() }.position(|(owner, _)| owner.strong_count() == 0) {
            over.push(self.0.swap_remove(i).1);
        }
        let own = self.0.iter_mut();
        match { own }.find(|(owner, _)| owner.as_ptr() == Arc::as_ptr(&wait.0)) {
            Some((_, known)) if known.will_wake(cx.waker()) => {}
            Some((_, known)) => over.push(mem::replace(known, cx.waker().clone())),
            None => self.0.push((Arc::downgrade(&wait.0), cx.waker().clone())),
        }
        over
    }

    /// All of them, to be woken; none waits any more.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        mem::take(&mut self.0).into_iter().map(|(_, waker)| waker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gave_up_is_forgotten_and_nobody_is_there_twice() {
        let mut watchers = Watchers::default();
        let cx = Context::from_waker(Waker::noop());
        let stays = Wait::default();
        for _ in 0..100 {
            drop(watchers.add(&Wait::default(), &cx));
            drop(watchers.add(&stays, &cx));
        }
        assert!(watchers.0.len() <= 2, "{}", watchers.0.len());
        assert_eq!(watchers.take().count(), watchers.0.len().max(1));
        assert_eq!(watchers.take().count(), 0);
    }
}
