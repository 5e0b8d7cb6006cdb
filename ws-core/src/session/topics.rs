//! What the application subscribes to through a session. A wish outlives any connection; see
//! [`subscriptions`](super::subscriptions).

use alloc::vec::Vec;

use super::Session;
use super::dialect::Dialect;
use super::errands::What;
use super::event::Event;
use super::lost::{Lost, SetupError};
use super::order::Phase;
use super::subscriptions::{Command, Notice, Saved, Seen, State, SubId, SubOptions, TooManyTopics};
use crate::Instant;
use crate::message::Text;
use crate::policy::Lane;

impl<D: Dialect> Session<D> {
    /// Wants a topic, or wants it once more: one that is wanted already costs nothing. It is
    /// subscribed to as soon as there is a connection, on each connection, until
    /// [`unsubscribe`](Self::unsubscribe). The options are those of whoever was first.
    ///
    /// # Errors
    /// [`RegistryConfig::max_topics`](super::subscriptions::RegistryConfig) are wanted already.
    pub fn subscribe(
        &mut self,
        topic: impl Into<Text>,
        options: SubOptions,
        now: Instant,
    ) -> Result<SubId, TooManyTopics> {
        let topic = topic.into();
        self.note("subscribe", now, |_, line| {
            line.text(&topic);
            line.sub_options(&options);
        });
        let id = self.topics.subscribe(topic, options)?;
        self.pump(now);
        Ok(id)
    }

    /// Wants a topic no more, on behalf of one who did.
    pub fn unsubscribe(&mut self, id: SubId, now: Instant) {
        self.note("unsubscribe", now, |_, line| line.number(id.0));
        let notice = self.topics.unsubscribe(id);
        self.tell_notice(notice);
        self.pump(now);
    }

    /// Leaves a topic and joins it again, such as after a gap that was noticed elsewhere.
    pub fn resubscribe(&mut self, id: SubId, now: Instant) {
        self.note("resubscribe", now, |_, line| line.number(id.0));
        self.topics.resubscribe(id);
        self.pump(now);
    }

    /// Where a subscription stands; `None` if it is not remembered.
    #[must_use]
    pub fn subscription(&self, id: SubId) -> Option<State> {
        self.topics.state(id)
    }

    /// The subscription of a topic, the last one if it is over.
    #[must_use]
    pub fn find_subscription(&self, topic: &str) -> Option<SubId> {
        self.topics.find(topic)
    }

    /// The topic of a subscription; `None` if it is not remembered.
    #[must_use]
    pub fn topic(&self, id: SubId) -> Option<&Text> {
        self.topics.topic(id)
    }

    /// Why a subscription was refused last, in the server's words.
    #[must_use]
    pub fn refusal(&self, id: SubId) -> Option<&str> {
        self.topics.reason(id)
    }

    /// The subscriptions in a state, in the order in which they were made.
    pub fn subscriptions(&self, state: State) -> impl Iterator<Item = (SubId, &Text)> {
        self.topics.in_state(state)
    }

    /// What is wanted, in the order in which it was, to be stored or imported elsewhere.
    #[must_use]
    pub fn export_subscriptions(&self) -> Vec<Saved<Text>> {
        self.topics.export()
    }

    /// Wants what was exported, after what is wanted already.
    ///
    /// # Errors
    /// More topics are wanted than the configuration allows; those before are wanted.
    pub fn import_subscriptions(
        &mut self,
        saved: Vec<Saved<Text>>,
        now: Instant,
    ) -> Result<(), TooManyTopics> {
        self.note_gap("import_subscriptions");
        let imported = self.topics.import(saved, now);
        self.pump(now);
        imported
    }

    /// Puts what is to be subscribed to into the queue, one command at a time.
    pub(super) fn pump_topics(&mut self, now: Instant) {
        while self.outbox.queue.waiting(Lane::Subscribe) == 0 {
            let Some(command) = self.topics.poll(now) else {
                return;
            };
            let what = match command {
                Command::Join(items) => What::Join(items),
                Command::Leave(items) => What::Leave(items),
            };
            let number = self.errands.number();
            let said = self.say(
                Lane::Subscribe,
                "subscription",
                number,
                |dialect, out| match &what {
                    What::Leave(items) => dialect.unsubscribe(items, out),
                    what => dialect.subscribe(what.items(), out),
                },
                now,
            );
            if said.failed.is_some() {
                return self.lost_link(Lost::Setup(SetupError::NotSent), now);
            }
            if said.posted {
                self.topics.waits(what.items());
            } else if let What::Leave(items) = &what {
                // Nothing has to be said: it is left.
                for item in items {
                    self.topics.left(item.ticket);
                }
            }
            let items = what.items().to_vec();
            self.errands.begin(number, what, said.ids, said.posted);
            self.hear(said.news, &items, now);
        }
    }

    pub(super) fn expire_topics(&mut self, now: Instant) {
        if self.topics.next_deadline().is_none_or(|at| at > now) {
            return;
        }
        while let Some(notice) = self.topics.poll_expired(now) {
            self.tell_notice(Some(notice));
        }
        self.prune_errands();
    }

    /// What a message told beyond its data.
    #[cold]
    pub(super) fn tell_seen(&mut self, seen: Seen<Text>) {
        self.tell_notice(seen.notice);
        if let (Some(continued), Some(topic)) = (seen.continued, self.topics.topic(seen.id)) {
            let (id, topic) = (seen.id, topic.clone());
            self.events.push_back(Event::Continuity {
                id,
                topic,
                continued,
            });
        }
    }

    /// When something about subscriptions is due that can be done then.
    pub(super) fn topics_due(&self) -> Option<Instant> {
        let may_send = self.takes_commands() && self.outbox.queue.waiting(Lane::Subscribe) == 0;
        let command = self.topics.next_command().filter(|_| may_send);
        let due = [command, self.topics.next_deadline()];
        due.into_iter().flatten().min()
    }

    pub(super) fn tell_notice(&mut self, notice: Option<Notice<Text>>) {
        let Some(Notice {
            id,
            topic,
            change,
            continued,
            ..
        }) = notice
        else {
            return;
        };
        if matches!(self.phase, Phase::Over) {
            // Nothing follows the end.
            return;
        }
        if let Some(continued) = continued {
            let topic = topic.clone();
            self.events.push_back(Event::Subscription {
                id,
                topic: topic.clone(),
                change,
            });
            self.events.push_back(Event::Continuity {
                id,
                topic,
                continued,
            });
        } else {
            self.events
                .push_back(Event::Subscription { id, topic, change });
        }
    }
}
