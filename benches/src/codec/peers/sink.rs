//! Encoding through a `Sink`: feed a burst, flush it.

use futures_util::{Sink, SinkExt};

use crate::codec::{Case, Job, Tally};
use crate::tape::drive;

/// Feeds clones of `message`, flushing burst by burst.
pub(super) fn encode<S, M>(case: &Case, mut sink: S, message: M) -> Job
where
    S: Sink<M> + Unpin + 'static,
    M: Clone + 'static,
{
    let (bursts, burst, len) = (case.messages / case.burst, case.burst, case.payload.len());
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..bursts {
                for _ in 0..burst {
                    if sink.feed(message.clone()).await.is_ok() {
                        tally.count_all(1, len);
                    }
                }
                if sink.flush().await.is_err() {
                    break;
                }
            }
            tally
        })
    })
}
