//! Running a journal again, and telling where the outcome is another.

use alloc::format;
use alloc::string::String;

use bytes::Buf;
use thiserror::Error;

use super::{Fields, HEADER, digest_of};
use crate::close::CloseCode;
use crate::machine::TransportEnd;
use crate::message::Message;
use crate::policy::{IoClass, Stage};
use crate::session::Session;
use crate::session::action::ConnId;
use crate::session::auth::{CredError, CredId};
use crate::session::correlate::RequestId;
use crate::session::dialect::Dialect;
use crate::session::drain::DrainOptions;
use crate::session::lost::DialError;
use crate::session::send::MessageId;
use crate::session::subscriptions::SubId;
use crate::session::vitals::Network;
use crate::wall::UnixTime;

/// A journal that was run again to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Replayed {
    /// Lines.
    pub lines: usize,
    /// Events and actions that were the same.
    pub outputs: u64,
}

/// A journal can't be run again, or not with the same outcome.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Divergence {
    /// A line is not what a journal is made of.
    #[error("line {line} of the journal can't be read")]
    BadLine {
        /// Counted from 1.
        line: usize,
    },
    /// The session is configured in another way.
    #[error("the journal is that of another configuration")]
    Config,
    /// What was done there is not in the journal.
    #[error("line {line} of the journal stands for something that it can't hold: {what}")]
    Gap {
        /// Counted from 1.
        line: usize,
        /// What.
        what: String,
    },
    /// Something else came out, or nothing.
    #[error("something else came out at line {line} of the journal")]
    Output {
        /// Counted from 1.
        line: usize,
    },
    /// Less was to be written than was written then.
    #[error("less was written at line {line} of the journal")]
    Written {
        /// Counted from 1.
        line: usize,
    },
}

const STAGES: &[Stage] = &[
    Stage::Resolve,
    Stage::Connect,
    Stage::Proxy,
    Stage::Tls,
    Stage::Upgrade,
    Stage::Auth,
    Stage::Setup,
    Stage::Ready,
    Stage::Draining,
];

const CLASSES: &[IoClass] = &[
    IoClass::Certificate,
    IoClass::NameNotFound,
    IoClass::Other,
    IoClass::Refused,
    IoClass::Reset,
    IoClass::ResolveFailed,
    IoClass::TimedOut,
    IoClass::Tls,
    IoClass::Unreachable,
];

const ENDS: &[TransportEnd] = &[
    TransportEnd::Eof,
    TransportEnd::Other,
    TransportEnd::Reset,
    TransportEnd::TimedOut,
];

const NETWORKS: &[Network] = &[Network::Offline, Network::Online, Network::PathChanged];

/// The place of a value among all of its kind, as a journal writes it.
pub(in crate::session) fn place<T: PartialEq>(all: &[T], value: &T) -> u64 {
    all.iter().position(|one| one == value).unwrap_or(0) as u64
}

pub(in crate::session) fn dial_error(error: DialError) -> [u64; 2] {
    [place(STAGES, &error.stage), place(CLASSES, &error.class)]
}

pub(in crate::session) fn transport_end(end: TransportEnd) -> u64 {
    place(ENDS, &end)
}

pub(in crate::session) fn network(network: Network) -> u64 {
    place(NETWORKS, &network)
}

/// Runs a journal again in a session that was made as the one it is of: with the same target,
/// dialect, configuration and seed, and not started. `credentials` hands out what was handed in
/// then, by the number of the question; to get the same bytes it must be as long as it was.
///
/// # Errors
/// Where it first goes another way.
pub fn replay<D: Dialect>(
    session: &mut Session<D>,
    journal: &str,
    mut credentials: impl FnMut(CredId) -> Option<D::Credentials>,
) -> Result<Replayed, Divergence> {
    let config = format!("{HEADER} {:016x}", digest_of(&session.config));
    let mut lines = journal.lines().enumerate().map(|(at, text)| (at + 1, text));
    match lines.next() {
        Some((_, header)) if header == config => {}
        Some((_, header)) if header.starts_with(HEADER) => return Err(Divergence::Config),
        _ => return Err(Divergence::BadLine { line: 1 }),
    }
    if !journal.ends_with('\n') {
        // The last line was not written to its end.
        let line = journal.lines().count();
        return Err(Divergence::BadLine { line });
    }
    session.record();
    let mut replayed = Replayed {
        lines: 1,
        outputs: 0,
    };
    for (line, text) in lines {
        replayed.lines = line;
        let mut fields = Fields::new(text);
        match fields.verb {
            "=" => {
                let expected = fields
                    .word()
                    .and_then(|word| u64::from_str_radix(word, 16).ok());
                let tape = session.tape.as_ref();
                replayed.outputs += 1;
                if tape.map(|tape| (tape.digest, tape.outputs))
                    != expected.map(|digest| (digest, replayed.outputs))
                {
                    return Err(Divergence::Output { line });
                }
            }
            "gap" => {
                let what = fields.now().and_then(|_| fields.text());
                let what = what.unwrap_or_default();
                return Err(Divergence::Gap { line, what });
            }
            "out" => {
                let count = fields.now().and_then(|_| fields.small());
                let count: usize = count.ok_or(Divergence::BadLine { line })?;
                let send = session.link.machine().map(|machine| machine.io().1);
                match send {
                    Some(send) if send.remaining() >= count => send.advance(count),
                    _ => return Err(Divergence::Written { line }),
                }
            }
            _ => {
                let done = apply(session, &mut fields, &mut credentials);
                if done.is_none() || !fields.is_empty() {
                    return Err(Divergence::BadLine { line });
                }
                let outputs = session.tape.as_ref().map_or(0, |tape| tape.outputs);
                // More than one output has lines of its own.
                if outputs > replayed.outputs + 1 {
                    return Err(Divergence::Output { line });
                }
            }
        }
    }
    Ok(replayed)
}

/// Does what a line says; `None` if it says nothing.
fn apply<D: Dialect>(
    session: &mut Session<D>,
    fields: &mut Fields<'_>,
    credentials: &mut impl FnMut(CredId) -> Option<D::Credentials>,
) -> Option<()> {
    let verb = fields.verb;
    let now = fields.now()?;
    match verb {
        "abandon" => session.abandon(now),
        "action" => drop(session.action()),
        "cancel" => drop(session.cancel(RequestId::numbered(fields.number()?), now)),
        "close" => {
            let code = CloseCode::new(fields.small()?);
            drop(session.close(code, &fields.text()?, now));
        }
        "credentials" => {
            let id = CredId(fields.number()?);
            let outcome = match fields.number()? {
                0 => Ok(credentials(id)?),
                1 => Err(CredError::Denied),
                _ => Err(CredError::Temporary),
            };
            session.credentials(id, outcome, now);
        }
        "dialed" => drop(session.dialed(ConnId(fields.number()?), now)),
        "drain" => {
            let code = CloseCode::new(fields.small()?);
            let reason = fields.text()?;
            let options = DrainOptions::default()
                .timeout(fields.span()??)
                .unsubscribe(fields.number()? == 1)
                .finish_requests(fields.number()? == 1);
            drop(session.drain(code, &reason, options, now));
        }
        "excuse" => session.excuse(now),
        "failed" => {
            let conn = ConnId(fields.number()?);
            let error = DialError::new(fields.one_of(STAGES)?, fields.one_of(CLASSES)?);
            session.dial_failed(conn, error, now);
        }
        "in" => {
            let bytes = fields.bytes()?;
            let (recv, _) = session.link.machine()?.io();
            recv.extend_from_slice(&bytes);
        }
        "lost" => session.lost(ConnId(fields.number()?), fields.one_of(ENDS)?),
        "network" => session.network(fields.one_of(NETWORKS)?, now),
        "ping" => drop(session.ping(fields.span()??, now)),
        "poll" => drop(session.poll_owned(now)),
        "ready" => drop(session.ready(now)),
        "reconnect" => session.reconnect(now),
        "request" => {
            let options = fields.request_options()?;
            let request = session.dialect.load(&fields.text()?)?;
            drop(session.request_with(&request, &options, now));
        }
        "retry_in" => session.retry_in(fields.span()??, now),
        "resubscribe" => session.resubscribe(SubId(fields.number()?), now),
        "send" => {
            let (kind, payload) = (fields.number()?, fields.bytes()?);
            drop(session.send(message(kind, &payload)?, now));
        }
        "send_with" => {
            let (kind, payload) = (fields.number()?, fields.bytes()?);
            let options = fields.send_options()?;
            drop(session.send_with(message(kind, &payload)?, &options, now));
        }
        "start" => session.start(now),
        "subscribe" => {
            let topic = fields.text()?;
            let options = fields.sub_options()?;
            let _ = session.subscribe(topic, options, now);
        }
        "timeout" => session.handle_timeout(now),
        "unsend" => drop(session.unsend(MessageId(fields.number()?), now)),
        "unsubscribe" => session.unsubscribe(SubId(fields.number()?), now),
        "unwritable" => session.unwritable(ConnId(fields.number()?), now),
        "wall" => session.wall_clock(UnixTime::from_nanos(fields.number()?), now),
        _ => return None,
    }
    Some(())
}

fn message(kind: u64, payload: &[u8]) -> Option<Message<'_>> {
    Some(match kind {
        0 => Message::Binary(payload),
        1 => Message::Text(core::str::from_utf8(payload).ok()?),
        2 => Message::Ping(payload),
        3 => Message::Pong(payload),
        _ => return None,
    })
}
