//! What the machine could do at best: every byte of payload moved once.

use super::{Case, Job, Subject, Tally};
use crate::table::Class;

pub(super) const DECODERS: [Subject; 2] = [
    Subject {
        name: "memcpy",
        class: Class::Limit,
        owns: false,
        job: copy,
    },
    Subject {
        name: "memcpy + XOR in place",
        class: Class::Limit,
        owns: false,
        job: copy_and_mask,
    },
];

pub(super) const ENCODERS: [Subject; 1] = [Subject {
    name: "memcpy",
    class: Class::Limit,
    owns: false,
    job: write,
}];

/// Copies each message to where the one before it went.
#[allow(clippy::unnecessary_wraps, reason = "the signature of all subjects")]
fn copy(case: &Case) -> Option<Job> {
    Some(passes(case, |_| {}))
}

/// Writes each message as it is: the copy that a kernel makes.
#[allow(clippy::unnecessary_wraps, reason = "the signature of all subjects")]
fn write(case: &Case) -> Option<Job> {
    let (mut tape, messages) = (case.tape(), case.messages);
    let payload = case.payload.clone();
    Some(Box::new(move || {
        let mut tally = Tally::default();
        for _ in 0..messages {
            tape.swallow(&payload);
            tally.count(&payload);
        }
        tally
    }))
}

/// Copies each message, and goes over it once more.
fn copy_and_mask(case: &Case) -> Option<Job> {
    case.server.then(|| {
        passes(case, |data| {
            let (words, rest) = data.as_chunks_mut::<8>();
            for word in words {
                *word = (u64::from_ne_bytes(*word) ^ 0x1234_5678_1234_5678).to_ne_bytes();
            }
            rest.iter_mut().for_each(|byte| *byte ^= 0x12);
        })
    })
}

fn passes(case: &Case, mut second: impl FnMut(&mut [u8]) + 'static) -> Job {
    let (messages, size) = (case.messages, case.payload.len());
    let source = vec![7u8; messages * size];
    let mut target = vec![0u8; size];
    Box::new(move || {
        let mut tally = Tally::default();
        for message in source.chunks_exact(size) {
            target.copy_from_slice(message);
            second(&mut target);
            tally.count(&target);
        }
        tally
    })
}
