//! What each message is: an answer, data of a topic, something for the session itself, or simply a
//! message. The dialect says it, and the session acts on it.

use core::time::Duration;

use super::Session;
use super::correlate::{Answer, Correlator, Key, RequestId, Unmatched};
use super::dialect::{Class, Dialect};
use super::errands::What;
use super::link::Link;
use super::lost::{Lost, SetupError};
use super::out::{Out, Said};
use super::outbox::Token;
use super::requests::Tag;
use super::subscriptions::{Step, SubId};
use super::vitals::own_ping;
use super::waiters::WaitId;
use crate::Instant;
use crate::connection::Event as Heard;
use crate::message::Message;

/// What the event that the connection found is to the application.
#[derive(Clone, Debug)]
pub(super) enum Sorted {
    Awaited(WaitId),
    Call(Key),
    Data(SubId, Step),
    Answer(RequestId, Duration),
    Plain,
    Stray(Unmatched),
}

impl<D: Dialect> Session<D> {
    /// Looks at what the connection found. `false` if it is for the application; what is not is
    /// consumed.
    #[inline]
    pub(super) fn sort(&mut self, now: Instant) -> bool {
        let Link::Open { connection, .. } = &mut self.link else {
            return false;
        };
        let (found, sender) = connection.peek_mut();
        let message = match found {
            Some(Heard::Text(text)) => Message::Text(text),
            Some(Heard::Binary(data)) => Message::Binary(data),
            _ => return self.sort_other(now),
        };
        self.vitals.data(now);
        let mut out = Out::wire(&mut *sender, &mut self.requests, &self.config.pricing);
        let mut class = self.dialect.classify(&message, &mut out);
        let mut said = out.done();
        let mut asked = None;
        #[cfg(feature = "testing")]
        let numbered = match class {
            Class::Response(Key::Number(number)) => Some(number),
            _ => None,
        };
        if let Class::Response(Key::Number(number)) = class {
            if let Some((id, what)) = self.errands.find(number) {
                let what = what.clone();
                let mut out = Out::wire(sender, &mut self.requests, &self.config.pricing);
                #[cfg(feature = "testing")]
                if let Some(log) = &mut self.log {
                    if matches!(what, What::Login(_)) {
                        log.login(number);
                    }
                    if log.is_login(number) {
                        out.hide();
                    }
                }
                self.dialect.answered(&what.asked(), &message, &mut out);
                said.add(out.done());
                asked = Some((id, what));
                class = Class::Handled;
            }
        }
        #[cfg(feature = "testing")]
        if let Some(log) = &mut self.log {
            let login = numbered.is_some_and(|number| log.is_login(number));
            let secret = login || self.dialect.is_secret(&message);
            log.received(&message, secret, now);
            log.hide_digests(core::mem::take(&mut said.hidden));
            if login {
                // What goes on with the login is part of it.
                said.ids.iter().for_each(|id| log.login(id.number()));
            }
        }
        let mut news = None;
        self.sorted = match class {
            Class::Handled => None,
            Class::Message => Some(Sorted::Plain),
            Class::Call(key) => Some(Sorted::Call(key)),
            Class::Response(key) => Some(answered(&mut self.requests, &key, now)),
            Class::Error => match self.requests.only().cloned() {
                Some(key) => Some(answered(&mut self.requests, &key, now)),
                None => Some(Sorted::Stray(Unmatched::Unattributed)),
            },
            Class::Data { topic, mark } => match self.topics.data(&*topic, mark, now) {
                None => Some(Sorted::Plain),
                Some(seen) => {
                    let sorted = Sorted::Data(seen.id, seen.step);
                    let is_news = seen.notice.is_some() || seen.continued.is_some();
                    news = is_news.then_some(seen);
                    Some(sorted)
                }
            },
        };
        if !matches!(self.sorted, None | Some(Sorted::Answer(..))) {
            if let Some(id) = self.waiters.find(&message) {
                self.sorted = Some(Sorted::Awaited(id));
            }
        }
        if let Some(seen) = news {
            self.tell_seen(seen);
        }
        if let Some(Sorted::Answer(id, _)) = self.sorted {
            self.extents.remove(&Token::Request(id));
            self.release(id);
        }
        if !self.consume(now) {
            return true;
        }
        if said.is_news() || asked.is_some() {
            self.act_on(said, asked, now);
            return true;
        }
        self.sorted.is_none()
    }

    /// Takes what is not for the application, or not yet. `false` if that was the end.
    #[inline]
    fn consume(&mut self, now: Instant) -> bool {
        let Link::Open { connection, .. } = &mut self.link else {
            return false;
        };
        match self.sorted {
            None => drop(connection.poll(now)),
            Some(Sorted::Plain) if self.setup.is_some() => {
                self.sorted = None;
                if let Some(message) = connection.poll_owned(now) {
                    self.keep_early(message, now);
                }
                return self.setup.is_some();
            }
            Some(_) => {}
        }
        true
    }

    #[cold]
    fn act_on(&mut self, said: Said, asked: Option<(RequestId, What)>, now: Instant) {
        if said.failed.is_some() {
            return self.lost_link(Lost::Setup(SetupError::NotSent), now);
        }
        if let Some(cost) = &said.cost {
            self.outbox.limits.lend(|limiter| limiter.debit(cost, now));
        }
        let number = self.errands.number();
        self.errands.begin(number, What::Reply, said.ids, false);
        let items = match &asked {
            Some((id, what)) => {
                self.errands.answered(*id);
                what.items()
            }
            None => &[],
        };
        self.hear(said.news, items, now);
        self.pump(now);
        self.drain_on(now);
    }

    /// What is neither text nor binary.
    #[cold]
    fn sort_other(&mut self, now: Instant) -> bool {
        let Link::Open { connection, .. } = &mut self.link else {
            return false;
        };
        #[cfg(feature = "testing")]
        if let Some(log) = &mut self.log {
            match connection.peek_mut().0 {
                Some(Heard::Closed(_)) => log.peer_closed(connection.peer_said(), now),
                Some(event) => log.heard(&event, now),
                None => {}
            }
        }
        match connection.peek_mut().0 {
            Some(Heard::Pong(payload)) => {
                let number = own_ping(payload);
                if number.is_some_and(|number| self.ponged(number, now)) {
                    if let Link::Open { connection, .. } = &mut self.link {
                        connection.poll(now);
                    }
                    return true;
                }
                self.note_round_trip();
                self.sorted = Some(Sorted::Plain);
                false
            }
            Some(Heard::Ping(_) | Heard::ProtocolError(_)) => {
                self.sorted = Some(Sorted::Plain);
                false
            }
            Some(Heard::Closed(closed)) => {
                let lost = Lost::Closed(closed.clone());
                self.lost_link(lost, now);
                true
            }
            // None comes: a session's messages are whole.
            Some(Heard::Chunk(_)) => {
                connection.poll(now);
                true
            }
            Some(Heard::Text(_) | Heard::Binary(_)) | None => false,
        }
    }
}

fn answered(requests: &mut Correlator<Tag>, key: &Key, now: Instant) -> Sorted {
    match requests.answered(key, now) {
        Answer::Matched(answered) => Sorted::Answer(answered.id, answered.round_trip),
        Answer::Unmatched(why) => Sorted::Stray(why),
    }
}
