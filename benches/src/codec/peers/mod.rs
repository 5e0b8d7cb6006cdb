//! The peers, each in its fastest documented way; one file each.
//!
//! A peer counts as full if it gives, or its documentation says how to get, what ours gives:
//! messages assembled, UTF-8 checked, limits on, control frames handled, and as a client keys that
//! nobody can foresee (RFC 6455 §5.3). Where a check is left to the user, the bench makes it; where
//! there is a choice of generators, it takes one that is made for secrets.

mod fastwebsockets;
mod sink;
mod sockudo;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod websocket_sans_io;
mod wtx;
mod yawc;

use super::{Case, Job, Subject};
use crate::table::Class;

type MakeJob = fn(&Case) -> Option<Job>;

const fn full(name: &'static str, owns: bool, job: MakeJob) -> Subject {
    Subject {
        name,
        class: Class::Full,
        owns,
        job,
    }
}

const fn frames(name: &'static str, owns: bool, job: MakeJob) -> Subject {
    Subject {
        name,
        class: Class::Frames,
        owns,
        job,
    }
}

pub(super) fn decoders() -> Vec<Subject> {
    vec![
        full("tungstenite", true, |case| Some(tungstenite::decode(case))),
        full("fastwebsockets", true, |case| {
            Some(fastwebsockets::decode(case))
        }),
        full("tokio-websockets", true, |case| {
            Some(tokio_websockets::decode(case))
        }),
        full("yawc", true, |case| Some(yawc::decode(case))),
        full("sockudo-ws", true, |case| Some(sockudo::decode(case))),
        full("wtx", false, |case| Some(wtx::decode(case))),
        full("soketto", false, |case| Some(soketto::decode(case))),
        frames("web-socket", true, web_socket::decode),
        frames("websocket-sans-io", false, websocket_sans_io::decode),
    ]
}

pub(super) fn encoders() -> Vec<Subject> {
    vec![
        full("tungstenite", false, |case| Some(tungstenite::encode(case))),
        full("fastwebsockets", false, |case| {
            Some(fastwebsockets::encode(case))
        }),
        full("tokio-websockets", false, |case| {
            Some(tokio_websockets::encode(case))
        }),
        full("yawc", false, |case| Some(yawc::encode(case))),
        full("sockudo-ws", false, |case| Some(sockudo::encode(case))),
        full("wtx", false, |case| Some(wtx::encode(case))),
        full("soketto", false, |case| Some(soketto::encode(case))),
        frames("web-socket", false, |case| Some(web_socket::encode(case))),
        frames("websocket-sans-io", false, |case| {
            Some(websocket_sans_io::encode(case))
        }),
    ]
}
