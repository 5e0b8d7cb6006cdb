//! Tests that end, whatever goes wrong.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// When a test is given up. Generous: it only tells a hang from a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test, and fails it if it hangs.
#[track_caller]
pub(crate) fn guard(test: impl FnOnce() + Send + 'static) {
    guard_within(PATIENCE, test);
}

/// As [`guard`], with a patience of one's own.
#[track_caller]
pub(crate) fn guard_within(patience: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let test = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match finished.recv_timeout(patience) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs"),
        // Done, or it has panicked: then its own message says more.
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => join(test),
    }
}

/// The result of a thread, or its panic.
pub(crate) fn join<T>(thread: JoinHandle<T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
