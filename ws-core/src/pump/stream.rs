//! The poll-based traits of the async ecosystem: `Stream` of events, `Sink` of messages.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::runtime::{PollRead, PollWrite};
use super::socket::WebSocket;
use super::split::{Reader, Writer};
use crate::close::CloseCode;
use crate::connection::OwnedEvent;
use crate::error::Error;
use crate::message::Message;

impl<S, R> Stream for WebSocket<S, R>
where
    S: Unpin,
    R: PollRead<S> + PollWrite<S>,
{
    type Item = OwnedEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OwnedEvent>> {
        self.poll_event(cx)
    }
}

impl<S, R> FusedStream for WebSocket<S, R>
where
    S: Unpin,
    R: PollRead<S> + PollWrite<S>,
{
    fn is_terminated(&self) -> bool {
        self.closed().is_some()
    }
}

impl<'m, S, R> Sink<Message<'m>> for WebSocket<S, R>
where
    S: Unpin,
    R: PollRead<S> + PollWrite<S>,
{
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_room(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message<'m>) -> Result<(), Error> {
        Ok(self.sender().send(message)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush_all(cx)
    }

    /// Queues a Close frame (1000) and writes it out; the stream tells the end.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.sender().is_open() {
            self.start_close(CloseCode::NORMAL, "")?;
        }
        self.poll_flush_all(cx)
    }
}

impl<Rd, Wr, R> Stream for Reader<Rd, Wr, R>
where
    Rd: Unpin,
    R: PollRead<Rd> + PollWrite<Wr>,
{
    type Item = OwnedEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OwnedEvent>> {
        self.poll_event(cx)
    }
}

impl<'m, Wr, R> Sink<Message<'m>> for Writer<Wr, R>
where
    R: PollWrite<Wr>,
{
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_room(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message<'m>) -> Result<(), Error> {
        Ok(self.with_sender(|sender| sender.send(message))?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(&self, cx)
    }

    /// Queues a Close frame (1000) and writes it out; the reader tells the end.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.with_sender(|sender| match sender.is_open() {
            true => sender.close(CloseCode::NORMAL, ""),
            false => Ok(()),
        })?;
        ready!(Self::poll_flush(&self, cx))?;
        Poll::Ready(Ok(()))
    }
}
