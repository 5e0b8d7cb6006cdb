//! What messages are read from, and written to: a socket, or one half of one.

use ws_core::Instant;
use ws_core::buf::SendBuf;
use ws_core::bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::connection::{Closed, Connection, Receiver, Sender};
use ws_core::error::{Error, SendError};
use ws_core::stream::{BLOCK, Events};

use crate::{Reader, Transport, WebSocket, Writer};

/// What messages are read from: a [`WebSocket`] or a [`Reader`].
pub trait Incoming {
    /// What holds the events.
    type Events: Events;

    /// Waits until something is found (`true`) or nothing more will ever be (`false`).
    fn find(&mut self) -> bool;

    /// What was found, and the time.
    fn found(&mut self) -> (&mut Self::Events, Instant);

    /// How it ended, if that was told.
    fn closed(&self) -> Option<&Closed>;
}

/// What messages are written to: a [`WebSocket`] or a [`Writer`].
pub trait Outgoing {
    /// Queues something as soon as there is room; `queue` says [`SendError::Full`] until then.
    ///
    /// # Errors
    /// As `queue`, and those of the transport.
    fn queue_piece<T>(
        &mut self,
        queue: &mut dyn FnMut(&mut Sender) -> Result<T, SendError>,
    ) -> Result<T, Error>;

    /// Writes out everything queued.
    ///
    /// # Errors
    /// Those of the transport.
    fn write_out(&mut self) -> Result<(), Error>;

    /// Queues a Close frame (1000), unless one was, and writes everything out.
    ///
    /// # Errors
    /// Those of the transport.
    fn end(&mut self) -> Result<(), Error>;
}

impl<S: Transport> Incoming for WebSocket<S> {
    type Events = Connection;

    fn find(&mut self) -> bool {
        self.driver.run(&mut self.conn)
    }

    fn found(&mut self) -> (&mut Connection, Instant) {
        let now = self.driver.now();
        (&mut self.conn, now)
    }

    fn closed(&self) -> Option<&Closed> {
        Self::closed(self)
    }
}

impl<S: Transport> Outgoing for WebSocket<S> {
    fn queue_piece<T>(
        &mut self,
        queue: &mut dyn FnMut(&mut Sender) -> Result<T, SendError>,
    ) -> Result<T, Error> {
        loop {
            match queue(self.sender()) {
                Err(SendError::Full { .. }) => self.write(is_short)?,
                queued => return Ok(queued?),
            }
        }
    }

    fn write_out(&mut self) -> Result<(), Error> {
        self.flush()
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.sender().is_open() {
            self.conn.close(CloseCode::NORMAL, "", self.driver.now())?;
        }
        self.flush()
    }
}

impl<S: Transport> Incoming for Reader<S> {
    type Events = Receiver;

    fn find(&mut self) -> bool {
        self.run()
    }

    fn found(&mut self) -> (&mut Receiver, Instant) {
        self.receiver_and_now()
    }

    fn closed(&self) -> Option<&Closed> {
        Self::closed(self)
    }
}

impl<S: Transport + Send + 'static> Outgoing for Writer<S> {
    fn queue_piece<T>(
        &mut self,
        queue: &mut dyn FnMut(&mut Sender) -> Result<T, SendError>,
    ) -> Result<T, Error> {
        loop {
            match self.with_sender(&mut *queue) {
                Err(SendError::Full { .. }) => self.flush()?,
                queued => return Ok(queued?),
            }
        }
    }

    fn write_out(&mut self) -> Result<(), Error> {
        self.flush()
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.close(CloseCode::NORMAL, "") {
            Err(Error::Send(SendError::Closed)) => self.flush(),
            closed => closed,
        }
    }
}

/// Is there room for the next frame?
fn is_short(out: &SendBuf) -> bool {
    !out.is_full() && out.remaining() < BLOCK
}
