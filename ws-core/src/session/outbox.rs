//! What waits to be sent: the queue, the limiter, and the moment at which something really leaves.
//!
//! Costs are taken when a parcel is handed to the connection, never before, and no more is handed
//! over than the connection writes soon, so that what is urgent overtakes what is not.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

use super::correlate::{self, RequestId, Sent};
use super::event::Pressure;
use super::link::Link;
use super::order::Afterwards;
use super::out::{Kept, Said};
use super::queue::{ItemId, Lanes, Place, Queue, Taken};
use super::requests::Extent;
use super::send::{MessageId, Offline, SendError, Unsent};
use super::setup::Stage;
use super::{Dialect, Event, Session, SessionConfig};
use crate::Instant;
#[cfg(feature = "std")]
use crate::policy::SharedLimiter;
use crate::policy::{BucketId, Cost, Lane, Limiter, LimiterPolicy, Mode};

/// One thing to be sent, in one piece.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) token: Token,
    pub(super) offline: Offline,
    pub(super) messages: Vec<Kept>,
}

/// What a parcel is to the session.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Token {
    /// A message whose fate nobody asks for.
    None,
    Message(MessageId),
    Request(RequestId),
    /// Something of the session's own, by the number of its errand.
    Errand(u64),
}

#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) queue: Queue<Parcel>,
    pub(super) limits: Limits,
    limited: bool,
    /// When something may leave, as far as is known.
    pub(super) wake: Option<Instant>,
    pub(super) next_message: u64,
    blocked: bool,
    places: BTreeMap<Token, ItemId>,
    /// What the units out at the moment are for, to be given back.
    pub(super) out: BTreeMap<RequestId, Cost>,
}

/// The limiter of this session alone, or one that it shares.
#[derive(Debug)]
pub(super) enum Limits {
    Own(Box<Limiter>),
    #[cfg(feature = "std")]
    Shared(SharedLimiter),
}

impl Limits {
    fn new(config: &SessionConfig) -> Self {
        #[cfg(feature = "std")]
        if let Some(shared) = &config.shared_limits {
            return Self::Shared(shared.clone());
        }
        Self::Own(Box::new(Limiter::new(&config.limits, Instant::ORIGIN)))
    }

    /// Is there anything that limits?
    fn limit(&self, config: &SessionConfig) -> bool {
        match self {
            Self::Own(_) => {
                let policy = &config.limits;
                policy.mode != Mode::Normal || policy.buckets.iter().any(Option::is_some)
            }
            #[cfg(feature = "std")]
            Self::Shared(_) => true,
        }
    }

    pub(super) fn lend<T>(&mut self, act: impl FnOnce(&mut Limiter) -> T) -> T {
        match self {
            Self::Own(limiter) => act(limiter),
            #[cfg(feature = "std")]
            Self::Shared(shared) => shared.lend(act),
        }
    }

    pub(super) fn available(&self, bucket: BucketId, now: Instant) -> Option<u32> {
        match self {
            Self::Own(limiter) => limiter.available(bucket, now),
            #[cfg(feature = "std")]
            Self::Shared(shared) => shared.lend(|limiter| limiter.available(bucket, now)),
        }
    }

    /// The buckets fill from now on; those that are shared already do.
    pub(super) fn start(&mut self, policy: &LimiterPolicy, now: Instant) {
        match self {
            Self::Own(limiter) => **limiter = Limiter::new(policy, now),
            #[cfg(feature = "std")]
            Self::Shared(_) => {}
        }
    }

    /// A new connection begins, which means nothing to the others that share.
    pub(super) fn on_new_epoch(&mut self, now: Instant) {
        match self {
            Self::Own(limiter) => limiter.on_new_epoch(now),
            #[cfg(feature = "std")]
            Self::Shared(_) => {}
        }
    }
}

impl Outbox {
    pub(super) fn new(config: &SessionConfig) -> Self {
        let limits = Limits::new(config);
        Self {
            queue: Queue::new(config.queue.clone()),
            limited: limits.limit(config),
            limits,
            wake: None,
            next_message: 0,
            blocked: false,
            places: BTreeMap::new(),
            out: BTreeMap::new(),
        }
    }

    /// Is there nothing that a message could have to wait for?
    pub(super) fn is_idle(&self) -> bool {
        !self.limited && self.queue.is_empty()
    }

    pub(super) fn take(&mut self, token: Token) -> Option<Parcel> {
        let id = self.places.remove(&token)?;
        self.queue.cancel(id).map(|taken| taken.item)
    }

    pub(super) fn holds(&self, token: Token) -> bool {
        self.places.contains_key(&token)
    }

    fn forget(&mut self, token: Token) {
        self.places.remove(&token);
    }
}

impl<D: Dialect> Session<D> {
    /// Puts a parcel into the queue.
    pub(super) fn post(
        &mut self,
        parcel: Parcel,
        mut place: Place,
        now: Instant,
    ) -> Result<(), SendError> {
        let cost = &place.cost;
        self.outbox.limits.lend(|limiter| limiter.check(cost))?;
        let token = parcel.token;
        place.bytes = parcel.messages.iter().map(Kept::len).sum();
        let pushed = self.outbox.queue.push(parcel, place, now);
        let pushed = pushed.map_err(|refused| SendError::QueueFull(refused.why))?;
        if token != Token::None {
            self.outbox.places.insert(token, pushed.id);
        }
        for taken in pushed.displaced {
            self.drop_parcel(taken.item, Unsent::Displaced, now);
        }
        self.note_pressure();
        Ok(())
    }

    /// A parcel will not be sent: whoever waits for it is told.
    fn drop_parcel(&mut self, parcel: Parcel, why: Unsent, now: Instant) {
        self.outbox.forget(parcel.token);
        match parcel.token {
            Token::Request(id) => {
                let end = match why {
                    Unsent::Displaced | Unsent::Refused => correlate::End::Displaced,
                    Unsent::Expired => correlate::End::TimedOut,
                    Unsent::Cancelled => correlate::End::Cancelled,
                    Unsent::Closed => correlate::End::Closed,
                    Unsent::Disconnected => correlate::End::Disconnected,
                };
                let ended = self.requests.end_if(
                    end,
                    |request, _| (request == id).then_some(Sent::No),
                    now,
                );
                self.tell_ended(ended);
            }
            Token::Errand(number) => self.errand_dropped(number, why, now),
            Token::Message(_) | Token::None => self.lose(parcel, why),
        }
    }

    /// Hands over what may leave now, and notes when more may.
    pub(super) fn pump(&mut self, now: Instant) {
        self.expire_parcels(now);
        self.outbox.wake = None;
        let lanes = self.lanes();
        if lanes == Lanes::NONE {
            return;
        }
        loop {
            self.pump_topics(now);
            if !self.has_room() {
                break;
            }
            let outbox = &mut self.outbox;
            let queue = &mut outbox.queue;
            let taken = outbox
                .limits
                .lend(|limiter| queue.poll(lanes, limiter, now));
            let Some(taken) = taken else {
                let wake = outbox
                    .limits
                    .lend(|limiter| queue.ready_at(lanes, limiter, now));
                outbox.wake = wake;
                break;
            };
            self.hand_over(taken, now);
        }
        self.note_pressure();
        self.restored(now);
    }

    pub(super) fn takes_commands(&self) -> bool {
        self.lanes() != Lanes::NONE
    }

    /// What may leave at this stage of the connection.
    fn lanes(&self) -> Lanes {
        let Link::Open { connection, .. } = &self.link else {
            return Lanes::NONE;
        };
        if !connection.is_open() || self.afterwards != Afterwards::Judge {
            return Lanes::NONE;
        }
        match self.setup.as_ref().map(|setup| setup.stage) {
            None => Lanes::ALL,
            Some(Stage::Hello) => Lanes::NONE.with(Lane::Control).with(Lane::Auth),
            Some(Stage::Login | Stage::Arm | Stage::Restore) => Lanes::NONE
                .with(Lane::Control)
                .with(Lane::Auth)
                .with(Lane::Subscribe),
        }
    }

    /// Does the connection write soon what it is given now?
    fn has_room(&mut self) -> bool {
        let window = self.config.send_window as u64;
        let Link::Open { connection, .. } = &mut self.link else {
            return false;
        };
        let sender = connection.sender();
        let buf = sender.buf();
        let waiting = buf.mark() - buf.written();
        waiting < window.max(1) && sender.is_between_messages()
    }

    fn hand_over(&mut self, taken: Taken<Parcel>, now: Instant) {
        let cost = taken.cost;
        let parcel = taken.item;
        self.outbox.forget(parcel.token);
        let Link::Open { connection, .. } = &mut self.link else {
            return;
        };
        let sender = connection.sender();
        let from = sender.buf().mark();
        let mut messages = parcel.messages.iter();
        let failed = messages.find_map(|kept| sender.send_promised(kept.borrowed()).err());
        let to = sender.buf().mark();
        if failed.is_some() {
            return self.drop_parcel(parcel, Unsent::Refused, now);
        }
        match parcel.token {
            Token::None => {}
            Token::Errand(number) => self.errand_left(number, now),
            Token::Message(_) => {
                self.extents.insert(parcel.token, Extent { from, to });
                self.leaving.push_back(parcel.token);
            }
            Token::Request(id) => {
                self.extents.insert(parcel.token, Extent { from, to });
                self.leaving.push_back(parcel.token);
                self.outbox.out.insert(id, cost);
            }
        }
    }

    fn expire_parcels(&mut self, now: Instant) {
        while let Some(taken) = self.outbox.queue.poll_expired(now) {
            self.drop_parcel(taken.item, Unsent::Expired, now);
        }
    }

    /// A request has come to its end: what it had out is free again.
    pub(super) fn release(&mut self, id: RequestId) {
        if let Some(cost) = self.outbox.out.remove(&id) {
            self.outbox.limits.lend(|limiter| limiter.release(&cost));
        }
    }

    /// The connection is gone: what waits only for this one is lost. Requests among it end with
    /// those that have left, in the order in which they began.
    pub(super) fn forget_parcels(&mut self) {
        let stays = |parcel: &Parcel| parcel.offline == Offline::Queue;
        let gone = self.outbox.queue.take_if(|parcel| !stays(parcel));
        for taken in gone {
            self.outbox.forget(taken.item.token);
            self.lose(taken.item, Unsent::Disconnected);
        }
        self.outbox.wake = None;
        self.note_pressure();
    }

    /// The session is closing: nothing of what waits will be sent any more.
    pub(super) fn stop_outbox(&mut self, now: Instant) {
        for taken in self.outbox.queue.take_if(|_| true) {
            self.drop_parcel(taken.item, Unsent::Closed, now);
        }
        self.outbox.wake = None;
        self.note_pressure();
    }

    fn note_pressure(&mut self) {
        let blocked = self.outbox.queue.is_blocked();
        if mem::replace(&mut self.outbox.blocked, blocked) != blocked {
            let pressure = if blocked {
                Pressure::High
            } else {
                Pressure::Low
            };
            self.events.push_back(Event::Pressure(pressure));
        }
    }

    /// Has the dialect say something of the session's own, and queues it.
    pub(super) fn say(
        &mut self,
        lane: Lane,
        kind: &str,
        number: u64,
        what: impl FnOnce(&mut D, &mut super::Out<'_>),
        now: Instant,
    ) -> Said {
        let mut messages = Vec::new();
        let mut out = super::Out::parcel(&mut messages, &mut self.requests, &self.config.pricing);
        what(&mut self.dialect, &mut out);
        let mut said = out.done();
        if messages.is_empty() {
            return said;
        }
        #[cfg(feature = "testing")]
        if let ("auth", Some(log)) = (kind, &mut self.log) {
            log.hide(&messages);
        }
        let cost = said.cost.unwrap_or_else(|| self.config.pricing.cost(kind));
        let parcel = Parcel {
            token: Token::Errand(number),
            offline: Offline::Refuse,
            messages,
        };
        // What could never leave would have the connection wait for ever.
        if self
            .outbox
            .limits
            .lend(|limiter| limiter.check(&cost))
            .is_err()
        {
            said.failed = Some(crate::error::SendError::Closed);
            return said;
        }
        let bytes = parcel.messages.iter().map(Kept::len).sum();
        let place = Place::default().lane(lane).cost(cost).bytes(bytes);
        let token = parcel.token;
        let id = self.outbox.queue.insist(parcel, place, now);
        self.outbox.places.insert(token, id);
        said.posted = true;
        said
    }
}
