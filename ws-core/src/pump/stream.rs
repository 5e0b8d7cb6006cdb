//! The poll-based traits of the async ecosystem: `Stream` of events, `Sink` of messages.
//!
//! They buffer nothing of their own.

use alloc::sync::Arc;
use core::mem::take;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use super::runtime::{PollRead, PollWrite};
use super::socket::WebSocket;
use super::split::{Reader, Writer};
use super::wakers::Half;
use crate::close::CloseCode;
use crate::connection::{OwnedEvent, Sender};
use crate::error::{Error, SendError};
use crate::machine::Machine;
use crate::message::Message;

impl<S, R> WebSocket<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    /// Polls as the stream or as the sink, which may be in different tasks (`StreamExt::split`):
    /// the transport and the timer wake both, and each hears of what the other did for it.
    pub(super) fn poll_as<T>(
        &mut self,
        half: Half,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let wakers = Arc::clone(self.wakers());
        wakers.register(half, cx.waker());
        let before = self.outlook(half);
        let polled = poll(self, &mut Context::from_waker(&wakers.waker()));
        if polled.is_ready() {
            wakers.forget(half);
        }
        if self.outlook(half) != before {
            wakers.wake_half(half.other());
        }
        polled
    }

    /// What the other half waits for: the sink for its bytes to leave, the stream for a deadline,
    /// and for the last words to leave.
    fn outlook(&mut self, half: Half) -> impl PartialEq + use<S, R> {
        let sender = self.conn.sender();
        let (written, open) = (sender.buf().written(), sender.is_open());
        match half {
            Half::Reader => (None, written, open),
            Half::Writer => (
                self.conn.poll_timeout(),
                if open { 0 } else { written },
                open,
            ),
        }
    }
}

impl<S, R> Stream for WebSocket<S, R>
where
    S: Unpin,
    R: PollRead<S> + PollWrite<S>,
{
    type Item = OwnedEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<OwnedEvent>> {
        self.poll_as(Half::Reader, cx, Self::poll_event)
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
        let room = self.poll_as(Half::Writer, cx, Self::poll_room);
        self.driver.promised = matches!(room, Poll::Ready(Ok(())));
        room
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message<'m>) -> Result<(), Error> {
        let promised = take(&mut self.driver.promised);
        Ok(send(self.sender(), message, promised)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_as(Half::Writer, cx, Self::poll_flush_all)
    }

    /// Queues a Close frame (1000) and writes it out; the stream tells the end.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_as(Half::Writer, cx, |socket, cx| {
            if socket.sender().is_open() {
                socket.start_close(CloseCode::NORMAL, "")?;
            }
            socket.poll_flush_all(cx)
        })
    }
}

/// What `poll_ready` has said stays true, although replies go to the same queue.
fn send(sender: &mut Sender, message: Message<'_>, promised: bool) -> Result<(), SendError> {
    match promised {
        true => sender.send_promised(message),
        false => sender.send(message),
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

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let room = self.poll_room(cx);
        self.promised = matches!(room, Poll::Ready(Ok(())));
        room
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message<'m>) -> Result<(), Error> {
        let promised = take(&mut self.promised);
        Ok(self.with_sender(|sender| send(sender, message, promised))?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Self::poll_flush(&mut self, cx)
    }

    /// Queues a Close frame (1000) and writes it out; the reader tells the end.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.with_sender(|sender| match sender.is_open() {
            true => sender.close(CloseCode::NORMAL, ""),
            false => Ok(()),
        })?;
        ready!(Self::poll_flush(&mut self, cx))?;
        Poll::Ready(Ok(()))
    }
}
