//! What a session writes down, on its way to a file: taken by whoever writes it, at his own pace, so
//! that the session never waits for a disk. It touches no file itself.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use std::io;

use super::{Client, Inner, Shared};
use crate::pump::Runtime;
use crate::session::Dialect;
use crate::testing::RecorderStats;

/// Lines that a session has written down, in blocks: to be appended to a file. Made by
/// [`Client::frames`] and [`Client::journal`]; it is not a handle.
///
/// What waits is bounded where it is written down; whoever is too slow loses lines, which are counted.
pub struct Lines<D, R> {
    shared: Arc<Shared<D, R>>,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Frames,
    Journal,
}

/// How far the writing is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Recording {
    /// Frames that were written down or dropped.
    pub frames: RecorderStats,
    /// Bytes that were taken, to be written to files.
    pub bytes: u64,
    /// Why a file could not be written; nothing more is written to it.
    pub failed: Option<io::ErrorKind>,
}

/// Who writes.
#[derive(Debug, Default)]
pub(super) struct Writers {
    /// Those that are not done.
    open: usize,
    wakers: Vec<Waker>,
    bytes: u64,
    failed: Option<io::ErrorKind>,
}

impl<D: Dialect, R: Runtime> Client<D, R> {
    /// The frames of the session as lines of JSON, if
    /// [`Session::record_frames`](crate::session::Session::record_frames) was said before it was run.
    #[must_use]
    pub fn frames(&self) -> Lines<D, R> {
        self.lines(What::Frames)
    }

    /// The inputs of the session, if [`Session::record`](crate::session::Session::record) was said
    /// before it was run.
    #[must_use]
    pub fn journal(&self) -> Lines<D, R> {
        self.lines(What::Journal)
    }

    fn lines(&self, what: What) -> Lines<D, R> {
        self.shared.lock().writers.open += 1;
        Lines {
            shared: Arc::clone(&self.shared),
            what,
        }
    }

    /// How far the writing of what is recorded is.
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.shared.lock().recording()
    }

    /// Waits until the session is over and all that was recorded is in its files, as far as they could
    /// be written.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn recorded(&self) -> Recording {
        self.until(|inner| {
            let done = inner.end.is_some() && inner.writers.open == 0;
            done.then(|| inner.recording())
        })
        .await
    }
}

impl<D: Dialect, R> Inner<D, R> {
    fn recording(&self) -> Recording {
        Recording {
            frames: self.session.frame_stats().unwrap_or_default(),
            bytes: self.writers.bytes,
            failed: self.writers.failed,
        }
    }
}

impl<D, R> Inner<D, R> {
    /// There may be something to write.
    pub(super) fn wake_writers(&mut self, wake: &mut Vec<Waker>) {
        wake.append(&mut self.writers.wakers);
    }
}

impl<D: Dialect, R: Runtime> Lines<D, R> {
    /// The next block of whole lines; `None` when the session is over and all of them were taken, or
    /// if it writes nothing down.
    ///
    /// # Cancel safety
    /// A block is returned or stays where it was.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut inner = self.shared.lock();
        let now = inner.clock.now();
        let block = match self.what {
            What::Frames => inner.session.take_frames(now),
            What::Journal => inner.session.take_journal().map(Into::into),
        };
        match block {
            Some(block) if !block.is_empty() => {
                inner.writers.bytes += block.len() as u64;
                Poll::Ready(Some(block))
            }
            Some(_) if inner.end.is_none() => {
                let mut known = inner.writers.wakers.iter();
                if !known.any(|one| one.will_wake(cx.waker())) {
                    inner.writers.wakers.push(cx.waker().clone());
                }
                Poll::Pending
            }
            _ => Poll::Ready(None),
        }
    }
}

impl<D: Dialect, R: Runtime> Lines<D, R> {
    /// Writes all of it, up to the end of the session or the first error, which
    /// [`Client::recording`] then tells. The writer may block, so this wants a thread of its own.
    pub async fn write_to(mut self, mut file: impl io::Write) {
        while let Some(block) = self.next().await {
            if let Err(error) = file.write_all(&block) {
                let why = error.kind();
                self.shared.lock().writers.failed.get_or_insert(why);
                return;
            }
        }
    }
}

/// Whoever wrote is done.
impl<D, R> Drop for Lines<D, R> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.writers.open -= 1;
        let watchers = inner.watchers.take();
        drop(inner);
        watchers.for_each(Waker::wake);
    }
}

impl<D, R> fmt::Debug for Lines<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}
