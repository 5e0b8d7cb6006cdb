//! A thread that asks the application for credentials, so that a session goes on meanwhile.
//!
//! It holds one question: a newer one takes the place of one that was not begun.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

use ws_core::pump::client::{Provide, Providing, Wanted};
use ws_core::session::auth::CredError;

/// Where a session asks; the thread ends with it.
pub(crate) struct Desk<C>(Arc<Shared<C>>);

struct Shared<C> {
    inner: Mutex<Inner<C>>,
    asked: Condvar,
}

struct Inner<C> {
    /// The number of the last question.
    last: u64,
    question: Option<(u64, Wanted)>,
    answer: Option<(u64, Result<C, CredError>)>,
    waker: Option<Waker>,
    /// One of the two sides is gone.
    over: bool,
}

impl<C> Shared<C> {
    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let mut inner = self.lock();
        inner.over = true;
        let waker = inner.waker.take();
        drop(inner);
        self.asked.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The next question; `None` if there will be none.
    fn next(&self) -> Option<(u64, Wanted)> {
        let mut inner = self.lock();
        loop {
            if inner.over {
                return None;
            }
            if let Some(question) = inner.question.take() {
                return Some(question);
            }
            let woken = self.asked.wait(inner);
            inner = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give(&self, number: u64, answer: Result<C, CredError>) {
        let mut inner = self.lock();
        if inner.last != number {
            return;
        }
        inner.answer = Some((number, answer));
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The end of the thread, by a panic of the provider's too.
struct Leaving<C>(Arc<Shared<C>>);

impl<C> Drop for Leaving<C> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<C: Send + 'static> Desk<C> {
    /// Starts the thread.
    pub(crate) fn open<P>(mut provider: P) -> io::Result<Self>
    where
        P: FnMut(Wanted) -> Result<C, CredError> + Send + 'static,
    {
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner {
                last: 0,
                question: None,
                answer: None,
                waker: None,
                over: false,
            }),
            asked: Condvar::new(),
        });
        let leaving = Leaving(Arc::clone(&shared));
        thread::Builder::new()
            .name("websocket credentials".into())
            .spawn(move || {
                let shared = &leaving.0;
                while let Some((number, wanted)) = shared.next() {
                    shared.give(number, provider(wanted));
                }
            })?;
        Ok(Self(shared))
    }
}

impl<C: Send + 'static> Provide<C> for Desk<C> {
    fn provide(&mut self, wanted: Wanted) -> Providing<C> {
        let shared = Arc::clone(&self.0);
        let mut inner = shared.lock();
        inner.last += 1;
        let number = inner.last;
        inner.question = Some((number, wanted));
        inner.answer = None;
        drop(inner);
        shared.asked.notify_one();
        Box::pin(poll_fn(move |cx| {
            let mut inner = shared.lock();
            if let Some((_, answer)) = inner.answer.take_if(|(of, _)| *of == number) {
                return Poll::Ready(answer);
            }
            if inner.over {
                // It has panicked, and will not come up with anything again.
                return Poll::Ready(Err(CredError::Denied));
            }
            inner.waker = Some(cx.waker().clone());
            Poll::Pending
        }))
    }
}

impl<C> Drop for Desk<C> {
    fn drop(&mut self) {
        self.0.end();
    }
}
