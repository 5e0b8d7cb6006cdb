//! What messages are read from, and written to: a socket, or one half of one.

use core::task::{Context, Poll, ready};

use bytes::Buf;

use crate::Instant;
use crate::buf::SendBuf;
use crate::close::CloseCode;
use crate::connection::{Closed, Connection, Event, Receiver, Sender};
use crate::error::{Error, SendError};
use crate::pump::runtime::{PollRead, PollWrite};
use crate::pump::socket::WebSocket;
use crate::pump::split::{Reader, Writer};
use crate::pump::wakers::Half;
use crate::stream::{BLOCK, Events};

/// What messages are read from: a [`WebSocket`] or a [`Reader`].
pub trait Incoming {
    /// What holds the events.
    type Events: Events;

    /// Waits until something is found (`true`) or nothing more will ever be (`false`).
    fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<bool>;

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
    fn poll_queue<T>(
        &mut self,
        cx: &mut Context<'_>,
        queue: &mut dyn FnMut(&mut Sender) -> Result<T, SendError>,
    ) -> Poll<Result<T, Error>>;

    /// Writes out everything queued.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Writes what the transport takes at once.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Queues a Close frame (1000), unless one was, and writes everything out.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
}

/// Is there room for the next frame?
fn is_short(out: &SendBuf) -> bool {
    !out.is_full() && out.remaining() < BLOCK
}

impl<S, R> WebSocket<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    /// Polls for one of two tasks if there are two.
    fn poll_side<T>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        match { self.extra.as_ref() }.and_then(|extra| extra.wakers.as_ref()) {
            Some(_) => self.poll_as(half, cx, poll),
            None => poll(self, cx),
        }
    }

    /// Reads on while a message is written, as far as that concerns the application with nothing:
    /// pings are answered, deadlines run, and what a reader waits for is left to it.
    fn poll_controls(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(true) = self.driver.poll(&mut self.conn, cx) {
            let answered = self.conn.answers_pings();
            match self.conn.peek() {
                Some(Event::Ping(_) | Event::Pong(_)) if answered => {
                    Events::skip(&mut self.conn, self.driver.runtime.now());
                }
                _ => return,
            }
        }
    }
}

impl<S, R> Incoming for WebSocket<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    type Events = Connection;

    fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.poll_side(Half::Reader, cx, Self::poll_ready)
    }

    fn found(&mut self) -> (&mut Connection, Instant) {
        let now = self.driver.runtime.now();
        (&mut self.conn, now)
    }

    fn closed(&self) -> Option<&Closed> {
        Self::closed(self)
    }
}

impl<Rd, Wr, R> Incoming for Reader<Rd, Wr, R>
where
    R: PollRead<Rd> + PollWrite<Wr>,
{
    type Events = Receiver;

    fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.poll_ready(cx)
    }

    fn found(&mut self) -> (&mut Receiver, Instant) {
        Self::found(self)
    }

    fn closed(&self) -> Option<&Closed> {
        Self::closed(self)
    }
}

impl<S, R> Outgoing for WebSocket<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    fn poll_queue<T>(
        &mut self,
        cx: &mut Context<'_>,
        queue: &mut dyn FnMut(&mut Sender) -> Result<T, SendError>,
    ) -> Poll<Result<T, Error>> {
        self.poll_side(Half::Writer, cx, |socket, cx| {
            loop {
                match queue(socket.sender()) {
                    Err(SendError::Full { .. }) => {}
                    queued => return Poll::Ready(Ok(queued?)),
                }
                socket.poll_controls(cx);
                if is_short(socket.conn.io().1) {
                    continue;
                }
                ready!(socket.driver.poll_flush(&mut socket.conn, cx, is_short))?;
            }
        })
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_side(Half::Writer, cx, Self::poll_flush_all)
    }

    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_side(Half::Writer, cx, |socket, cx| {
            let some = socket.driver.poll_flush(&mut socket.conn, cx, |_| true);
            some.map_err(Error::Io)
        })
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_side(Half::Writer, cx, |socket, cx| {
            if socket.sender().is_open() {
                socket.start_close(CloseCode::NORMAL, "")?;
            }
            socket.poll_flush_all(cx)
        })
    }
}

impl<Wr, R> Outgoing for Writer<Wr, R>
where
    R: PollWrite<Wr>,
{
    fn poll_queue<T>(
        &mut self,
        cx: &mut Context<'_>,
        queue: &mut dyn FnMut(&mut Sender) -> Result<T, SendError>,
    ) -> Poll<Result<T, Error>> {
        loop {
            match self.with_sender(&mut *queue) {
                Err(SendError::Full { .. }) => {}
                queued => return Poll::Ready(Ok(queued?)),
            }
            ready!(self.poll_write(cx, is_short))?;
        }
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(self, cx)
    }

    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_write(cx, |_| true)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.with_sender(|sender| match sender.is_open() {
            true => sender.close(CloseCode::NORMAL, ""),
            false => Ok(()),
        })?;
        Self::poll_flush(self, cx)
    }
}
