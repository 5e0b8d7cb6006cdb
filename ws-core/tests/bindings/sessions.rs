//! What every binding's sessions must do on real sockets, written once.
//!
//! A binding's test includes this folder's parts by path and provides a module `rt`: its crate as
//! `ws`, a macro `wait!` that calls a method of it to the end, and `start` and `handle`, which start a
//! session and a handler. The server is threads and raw sockets, so each test says what goes over the
//! wire and when. Nothing sleeps, and no test measures time.
#![allow(
    clippy::while_let_on_iterator,
    reason = "an iterator on threads, a stream elsewhere"
)]

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::clients::serve as venue;
use crate::guard::{guard, join};
use crate::market::Market;
use crate::raw::{self, CLOSE, PING, PONG, TEXT};
use crate::rt::{self, wait, ws};
use ws::session::{
    Client, End, Event, Events, Inbox, Overflow, Payload, PingFailed, RequestFailed,
    SessionOptions, State, SubscribeError, WaitFailed,
};
use ws::ws_core::policy::BackoffPolicy;
use ws::ws_core::session::correlate::{End as Why, Sent, Timing};
use ws::ws_core::session::subscriptions::SubOptions;
use ws::ws_core::session::{
    DrainOptions, Network, NoDialect, Offline, RequestError, RequestOptions, SendError,
    SendOptions, SessionConfig,
};
use ws::{CloseCode, Message, Request};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough to be reached on purpose, and no longer.
const MOMENT: Duration = Duration::from_millis(20);

pub(crate) fn quick() -> SessionConfig {
    let millisecond = Duration::from_millis(1);
    let policy = BackoffPolicy::default()
        .first(None)
        .base(millisecond)
        .cap(millisecond);
    SessionConfig::default().backoff(policy).budget(None)
}

pub(crate) fn options() -> SessionOptions {
    SessionOptions::default().config(quick())
}

pub(crate) fn listener() -> (TcpListener, Request) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    (listener, Request::new(&*url).expect("a url"))
}

/// A session, and the server's end of its first connection.
fn connected(options: &SessionOptions) -> (Client, Events, TcpStream, TcpListener) {
    let (listener, request) = listener();
    let (client, events) = rt::start(request, NoDialect, options);
    let server = raw::accept(&listener);
    wait!(client.ready()).expect("a connection");
    (client, events, server, listener)
}

fn say(server: &mut TcpStream, texts: std::ops::Range<usize>) {
    let frames = texts.flat_map(|i| raw::frame(TEXT, i.to_string().as_bytes()));
    server.write_all(&frames.collect::<Vec<_>>()).expect("read");
}

/// Waits until the client has read everything that was said so far.
fn caught_up(server: &mut TcpStream) {
    server
        .write_all(&raw::frame(PING, b"there?"))
        .expect("read");
    let pong = raw::read_frame(server).expect("a pong");
    assert_eq!(pong, (PONG, b"there?".to_vec()));
}

/// What is told up to the text with this number: how many texts, and how many events were missed.
fn told(mut next: impl FnMut() -> Option<Event>, last: usize) -> (Vec<usize>, u64) {
    let (mut texts, mut lost) = (Vec::new(), 0);
    while texts.last() != Some(&last) {
        match next().expect("not the end") {
            Event::Text(text) => texts.push(text.parse().expect("a number")),
            Event::Lagged { missed } => lost += missed,
            _ => {}
        }
    }
    (texts, lost)
}

#[test]
fn a_consumer_that_takes_nothing_delays_neither_pongs_nor_timers() {
    guard(|| {
        let (client, mut events, mut server, _listener) = connected(&options());
        for round in 0..10 {
            say(&mut server, round * 500..(round + 1) * 500);
            caught_up(&mut server);
        }
        let lost = wait!(client.ping(MOMENT));
        assert_eq!(lost, Err(PingFailed::Lost), "the server says nothing");
        let (texts, lost) = told(|| wait!(events.next()), 4999);
        assert!(texts.into_iter().eq(0..5000));
        assert_eq!(lost, 0);
    });
}

#[test]
fn what_finds_no_room_waits_in_the_connection_while_time_goes_on() {
    const TEXTS: usize = 200_000;
    guard(|| {
        let inbox = Inbox::default().max_events(10);
        let (client, mut events, mut server, _listener) = connected(&options().inbox(inbox));
        let mut reading = server.try_clone().expect("a second handle");
        let writing = thread::spawn(move || {
            say(&mut server, 0..TEXTS);
            server
        });
        // The pong is behind more than anyone has room for.
        let (asked, seen) = mpsc::channel();
        let serving = thread::spawn(move || {
            let ping = raw::read_frame(&mut reading).expect("a ping");
            asked.send(()).expect("asked for");
            ping
        });
        assert_eq!(wait!(client.ping(MOMENT)), Err(PingFailed::Lost));
        seen.recv().expect("it has left all the same");
        assert_eq!(join(serving).0, PING);
        assert!(matches!(client.state(), State::Ready { .. }));
        // What is said to the peer leaves.
        client.send("still here").expect("ready");

        let (texts, lost) = told(|| wait!(events.next()), TEXTS - 1);
        assert!(texts.into_iter().eq(0..TEXTS), "in order, all of them");
        assert_eq!(lost, 0);
        let mut server = join(writing);
        let said = raw::read_frame(&mut server).expect("a message");
        assert_eq!(said, (TEXT, b"still here".to_vec()));
        caught_up(&mut server);
    });
}

#[test]
fn a_full_inbox_answers_pings_up_to_the_message_that_it_holds() {
    guard(|| {
        let inbox = Inbox::default().max_events(10);
        let (_client, mut events, mut server, _listener) = connected(&options().inbox(inbox));
        // With what told of the connection there is no room left.
        say(&mut server, 0..8);
        caught_up(&mut server);
        caught_up(&mut server);
        say(&mut server, 8..9);
        let ping = raw::frame(PING, b"behind it");
        server.write_all(&ping).expect("read");
        let (texts, lost) = told(|| wait!(events.next()), 8);
        assert!(texts.into_iter().eq(0..9));
        assert_eq!(lost, 0, "pings are not counted");
        let pong = raw::read_frame(&mut server).expect("a pong");
        assert_eq!(pong, (PONG, b"behind it".to_vec()));
    });
}

#[test]
fn a_lossy_inbox_reads_on_and_tells_what_it_has_dropped() {
    guard(|| {
        for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
            let inbox = Inbox::default().max_events(10).overflow(overflow);
            let (_client, mut events, mut server, _listener) = connected(&options().inbox(inbox));
            say(&mut server, 0..1000);
            caught_up(&mut server);
            let mut texts = Vec::new();
            let (mut others, mut lost) = (0, 0);
            while let Some(event) = events.try_next() {
                match event {
                    Event::Text(text) => texts.push(text.parse::<usize>().expect("a number")),
                    Event::Lagged { missed } => lost += missed,
                    _ => others += 1,
                }
            }
            assert_eq!(texts.len() as u64 + others + lost, 1002, "{overflow:?}");
            // What tells of the connection is there, whatever was dropped.
            assert_eq!(others, 2, "{overflow:?}");
            let kept = match overflow {
                Overflow::DropOldest => 990..1000,
                _ => 0..8,
            };
            assert!(texts.into_iter().eq(kept), "{overflow:?}");
            // There is room again.
            say(&mut server, 1000..1001);
            assert_eq!(told(|| wait!(events.next()), 1000), (vec![1000], 0));
        }
    });
}

#[test]
fn a_session_that_is_closed_ends_although_nobody_takes_what_it_holds() {
    guard(|| {
        let inbox = Inbox::default().max_events(10);
        let (client, mut events, mut server, _listener) = connected(&options().inbox(inbox));
        say(&mut server, 0..1000);
        let closing = thread::spawn(move || {
            let close = raw::read_frame(&mut server).expect("a close");
            server
                .write_all(&raw::frame(CLOSE, &close.1))
                .expect("read");
            raw::drain(&mut server);
            close
        });
        client.close(CloseCode::NORMAL, "enough").expect("sent");
        assert!(wait!(client.ended()).is_clean());
        assert_eq!(join(closing), (CLOSE, raw::close(1000, "enough")));
        let mut last = None;
        while let Some(event) = wait!(events.next()) {
            last = Some(event);
        }
        assert!(matches!(last, Some(Event::Terminated(_))), "{last:?}");
    });
}

#[test]
fn listeners_come_and_go_and_none_holds_the_session_up() {
    guard(|| {
        let (client, mut events, mut server, _listener) = connected(&options());
        let roomy = Inbox::default();
        let mut first = client.listen(roomy);
        let mut narrow = client.listen(roomy.max_events(10));
        say(&mut server, 0..100);
        caught_up(&mut server);
        let mut late = client.listen(roomy);
        say(&mut server, 100..200);
        assert!(told(|| wait!(first.next()), 199).0.into_iter().eq(0..200));
        drop(first);
        say(&mut server, 200..300);
        assert!(told(|| wait!(late.next()), 299).0.into_iter().eq(100..300));
        assert!(told(|| wait!(events.next()), 299).0.into_iter().eq(0..300));
        let (texts, lost) = told(|| wait!(narrow.next()), 299);
        assert!(texts.into_iter().eq(290..300));
        // What told of the connection may have been before it, or not.
        assert!((290..=292).contains(&lost), "{lost}");

        // Listeners are no handles: without the others the session ends, and they hear of it.
        drop((client, events));
        let close = raw::read_frame(&mut server).expect("a close");
        assert_eq!(close, (CLOSE, raw::close(1001, "")));
        server
            .write_all(&raw::frame(CLOSE, &close.1))
            .expect("read");
        drop(server);
        for listener in [&mut late, &mut narrow] {
            let mut last = None;
            while let Some(event) = wait!(listener.next()) {
                last = Some(event);
            }
            assert!(matches!(last, Some(Event::Terminated(_))), "{last:?}");
        }
    });
}

#[test]
fn states_can_be_waited_for() {
    guard(|| {
        let (listener, request) = listener();
        let (client, _events) = rt::start(request, NoDialect, &options());
        let mut watch = client.watch();
        let (seen, states) = mpsc::channel();
        let watching = thread::spawn(move || {
            while let Some(state) = wait!(watch.next()) {
                seen.send(state).expect("read");
            }
        });
        let ready = |conn| loop {
            let state = states.recv().expect("a state");
            if matches!(state, State::Ready { conn: c, .. } if c.get() == conn) {
                return;
            }
        };
        let server = raw::accept(&listener);
        ready(1);
        drop(server);
        let server = raw::accept(&listener);
        ready(2);
        client.reconnect().expect("alive");
        drop(server);
        let server = raw::accept(&listener);
        ready(3);
        drop(server);
        client.close(CloseCode::NORMAL, "").expect("sent");
        join(watching);
        let last = states.iter().last();
        assert_eq!(last, Some(State::Terminal), "and nothing after it");
        let mut late = client.watch();
        assert_eq!(wait!(late.next()), Some(State::Terminal));
        assert_eq!(wait!(late.next()), None);
    });
}

#[test]
fn requests_have_places_and_timeouts_of_their_own() {
    guard(|| {
        let (listener, request) = listener();
        let (client, _events) = rt::start(request, Market, &options());
        let refused = wait!(client.request(&1)).expect_err("nobody listens yet");
        assert!(refused.definitely_not_executed(), "{refused}");

        let kept = SendOptions::default().offline(Offline::Queue);
        let kept = RequestOptions::default().send(kept);
        let short = kept.clone().timing(Timing::default().timeout(Some(MOMENT)));
        let late = wait!(client.request_with(&2, &short)).expect_err("nobody listens yet");
        let expected = RequestFailed::Ended {
            why: Why::TimedOut,
            sent: Sent::No,
        };
        assert_eq!(late, expected);

        let asking = {
            let client = client.clone();
            thread::spawn(move || wait!(client.request_with(&3, &kept)))
        };
        thread::spawn(move || venue(&listener));
        let Payload::Text(text) = join(asking).expect("an answer") else {
            panic!("a text");
        };
        assert!(text.starts_with("done ") && text.ends_with(" 3"), "{text}");
    });
}

#[test]
fn a_client_that_is_over_says_so_whatever_it_is_asked() {
    guard(|| {
        let (listener, request) = listener();
        thread::spawn(move || venue(&listener));
        let (client, mut events) = rt::start(request, Market, &options());
        wait!(client.ready()).expect("a connection");
        let topic = client
            .subscribe("btc", SubOptions::default())
            .expect("alive");
        client.close(CloseCode::NORMAL, "done").expect("sent");
        let end = wait!(client.ended());
        assert!(end.is_clean(), "{end}");
        while wait!(events.next()).is_some() {}
        assert_eq!(wait!(events.next()), None);

        let over = || SendError::NotReady(State::Terminal);
        assert_eq!(client.state(), State::Terminal);
        assert_eq!(client.send("x"), Err(over()));
        let queued = SendOptions::default().offline(Offline::Queue);
        assert_eq!(client.send_with("x", &queued), Err(over()));
        let refused = RequestFailed::Refused(RequestError::Send(over()));
        assert_eq!(wait!(client.request(&1)), Err(refused.clone()));
        let queued = RequestOptions::default().send(queued);
        assert_eq!(wait!(client.request_with(&1, &queued)), Err(refused));
        assert_eq!(
            wait!(client.ping(PATIENCE)),
            Err(PingFailed::Refused(over()))
        );
        let subscribed = client.subscribe("eth", SubOptions::default());
        let Err(SubscribeError::Over(why)) = subscribed else {
            panic!("{subscribed:?}");
        };
        assert_eq!(why.0, end);
        assert_eq!(client.reconnect(), Err(why));
        assert_eq!(wait!(client.ready()), Err(end.clone()));
        assert_eq!(wait!(client.ended()), end);
        assert_eq!(wait!(client.listen(Inbox::default()).next()), None);
        // What has nothing to say changes nothing.
        client.unsubscribe(topic);
        client.resubscribe(topic);
        client.network(Network::Online);
        client
            .close(CloseCode::NORMAL, "again")
            .expect("it is closed");
        let drained = client.drain(CloseCode::NORMAL, "", DrainOptions::default());
        drained.expect("it is closed");
        assert_eq!(client.snapshot().state, State::Terminal);
        assert!(matches!(wait!(client.ended()), End::Closed(Some(_))));
    });
}

#[test]
fn s08_a_message_that_is_waited_for_goes_to_who_waits_and_the_others_to_everyone() {
    guard(|| {
        let (client, mut events, mut server, _listener) = connected(&options());
        let waiter = client.clone();
        let waiting = thread::spawn(move || {
            let special = |message: &Message<'_>| matches!(message, Message::Text("special"));
            wait!(waiter.wait_for(special, PATIENCE))
        });
        while client.snapshot().waiting_for == 0 {
            thread::yield_now();
        }
        for text in ["other", "special", "special"] {
            let frame = raw::frame(TEXT, text.as_bytes());
            server.write_all(&frame).expect("written");
        }
        assert_eq!(join(waiting), Ok(Payload::Text("special".into())));
        let mut texts = Vec::new();
        while texts.len() < 2 {
            if let Some(Event::Text(text)) = wait!(events.next()) {
                texts.push(text);
            }
        }
        assert_eq!(texts, ["other", "special"], "the first of them was awaited");

        let never = |_: &Message<'_>| false;
        let why = Why::TimedOut;
        let ended = wait!(client.wait_for(never, MOMENT));
        assert_eq!(ended, Err(WaitFailed::Ended { why }));
        let waiter = client.clone();
        let waiting = thread::spawn(move || wait!(waiter.wait_for(never, PATIENCE)));
        while client.snapshot().waiting_for == 0 {
            thread::yield_now();
        }
        drop(server);
        let why = Why::Disconnected;
        assert_eq!(join(waiting), Err(WaitFailed::Ended { why }));
        assert_eq!(client.snapshot().waiting_for, 0);
    });
}
