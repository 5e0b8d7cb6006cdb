//! A driver that is dropped, with its runtime for example: the handles say that it is over.
#![cfg(feature = "pump")]

use std::future::pending;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::pump_support::{Clock, Io, poll_once};
use ws_core::Seed;
use ws_core::handshake::Request;
use ws_core::pump::client::{self, Dialing, PingFailed};
use ws_core::session::subscriptions::SubOptions;
use ws_core::session::{
    DialError, End, Event, Offline, SendError, SendOptions, Session, SessionConfig, State,
};

#[test]
fn handles_of_a_session_that_nobody_drives_any_more_say_that_it_is_over() {
    let request = Request::new("ws://example.com/").expect("a url");
    let session = Session::new(request, SessionConfig::default(), Seed::new([7; 32]));
    let dial = |_: &Request| -> Dialing<Io> { Box::pin(pending::<Result<Io, DialError>>()) };
    let (client, mut events, run) = client::run(session, Clock::default(), dial);
    let mut listener = client.listen(Default::default());
    let mut watch = client.watch();
    let mut run = Box::pin(run);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    assert!(matches!(client.state(), State::Dialing { .. }));
    let kept = SendOptions::default().offline(Offline::Queue);
    let kept = client.send_with("kept", &kept).expect("it may wait");

    // Whoever waits is woken.
    let (ended, ready) = (client.clone(), client.clone());
    let mut waiting = [
        Box::pin(async move { drop(ended.ended().await) })
            as std::pin::Pin<Box<dyn Future<Output = ()>>>,
        Box::pin(async move { assert!(ready.ready().await.is_err()) }),
    ];
    for waits in &mut waiting {
        assert!(waits.as_mut().poll(&mut cx).is_pending());
    }
    drop(run);
    for waits in &mut waiting {
        assert_eq!(waits.as_mut().poll(&mut cx), Poll::Ready(()));
    }

    let over = || SendError::NotReady(State::Terminal);
    assert_eq!(client.state(), State::Terminal);
    assert_eq!(client.send("x"), Err(over()));
    assert!(!client.unsend(kept));
    assert!(client.subscribe("topic", SubOptions::default()).is_err());
    assert!(client.reconnect().is_err());
    let pinged = poll_once(client.ping(Duration::from_secs(1))).0;
    assert_eq!(pinged, Some(Err(PingFailed::Refused(over()))));
    let told: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
    let lost = |event: &Event| matches!(event, Event::MessageLost { id, .. } if *id == kept);
    assert!(told.iter().any(lost), "{told:?}");
    assert_eq!(told.last(), Some(&Event::Terminated(End::Closed(None))));
    assert_eq!(poll_once(events.next()).0, Some(None));
    let heard = std::iter::from_fn(|| listener.try_next()).last();
    assert_eq!(heard, Some(Event::Terminated(End::Closed(None))));
    let mut last = pin!(watch.next());
    assert_eq!(
        last.as_mut().poll(&mut cx),
        Poll::Ready(Some(State::Terminal))
    );
}
