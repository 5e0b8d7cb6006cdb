//! What the application sends through a session.
//!
//! Nothing is kept for later: without a connection it is refused.

use thiserror::Error;

use super::link::Link;
use super::order::Afterwards;
use super::{Dialect, Session, State};
use crate::connection::Sender;
use crate::error::{self, Explanation};
use crate::message::Message;

/// A message was not accepted; nothing of it was queued.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// There is no connection to send on at the moment.
    #[error("not connected: the session is {0}")]
    NotReady(State),
    /// The connection does not take it.
    #[error(transparent)]
    Refused(#[from] error::SendError),
}

impl SendError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::NotReady(State::Terminal) => Explanation::new(
                "The session is over",
                "Read the Terminated event to learn why, and start another",
            ),
            Self::NotReady(_) => Explanation::new(
                "There is no connection at the moment",
                "Send again after the next Ready event",
            ),
            Self::Refused(error) => error.explain(),
        }
    }
}

impl<D: Dialect> Session<D> {
    /// Queues a message, ping or pong on the connection of the moment.
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless the session is ready; otherwise as
    /// [`Sender::send`].
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        Ok(self.sender()?.send(message)?)
    }

    /// The sending half of the connection of the moment: fragments, batches, pings.
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless the session is ready.
    #[inline]
    pub fn sender(&mut self) -> Result<&mut Sender, SendError> {
        if self.link.ready().is_none() || self.afterwards != Afterwards::Judge {
            return Err(SendError::NotReady(self.state()));
        }
        match &mut self.link {
            Link::Open { connection, .. } => Ok(connection.sender()),
            Link::Down | Link::Dialing { .. } | Link::Opening { .. } => {
                Err(SendError::NotReady(State::Idle))
            }
        }
    }
}
