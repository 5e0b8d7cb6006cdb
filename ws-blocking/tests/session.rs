//! The session on real sockets, from threads.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use ws_blocking::session::{End, Event, Events, Lost, State, start};
use ws_blocking::ws_core::options::SessionOptions;
use ws_blocking::ws_core::policy::BackoffPolicy;
use ws_blocking::ws_core::session::{Initial, SendError, SessionConfig};
use ws_blocking::{CloseCode, Event as Heard, Request, accept};

fn quick() -> SessionConfig {
    let millisecond = Duration::from_millis(1);
    let policy = BackoffPolicy::default()
        .first(None)
        .base(millisecond)
        .cap(millisecond);
    SessionConfig::default().backoff(policy).budget(None)
}

fn options(config: SessionConfig) -> SessionOptions {
    SessionOptions::default().config(config)
}

/// Echoes `count` messages on a connection, then drops it without a word.
fn echo(stream: TcpStream, count: usize) -> Option<()> {
    let mut socket = accept(stream).ok()?;
    let mut echoed = 0;
    while let Some((event, reply)) = socket.read() {
        if let Heard::Text(text) = event {
            let _ = reply.text(text);
            echoed += 1;
        }
        if echoed == count {
            socket.flush().ok()?;
            return Some(());
        }
    }
    None
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    (listener, url)
}

/// The next event that is a message, or the end of all.
fn message(events: &mut Events) -> Option<Event> {
    events.find(|event| matches!(event, Event::Text(_) | Event::Terminated(_)))
}

#[test]
fn a_server_that_drops_every_connection_is_dialled_again_and_again() {
    let (listener, url) = listener();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            echo(stream, 3);
        }
    });
    let (client, mut events) = start(Request::new(&*url).unwrap(), &options(quick())).unwrap();
    let (mut connections, mut echoes) = (0, 0);
    while connections < 20 {
        match events.next().unwrap() {
            Event::Ready { .. } => {
                connections += 1;
                for _ in 0..3 {
                    client.send("again").unwrap();
                }
            }
            Event::Text(text) => {
                assert_eq!(text, "again");
                echoes += 1;
            }
            Event::Terminated(end) => panic!("{end}"),
            _ => {}
        }
    }
    assert_eq!(client.conn().get(), 20);
    assert!(echoes >= 19, "{echoes} echoes");
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let (gone, url) = listener();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let (client, mut events) = start(Request::new(&*url).unwrap(), &options(quick())).unwrap();
    assert!(matches!(
        events.next(),
        Some(Event::Failed {
            lost: Lost::Dial(_),
            ..
        })
    ));
    assert!(matches!(client.send("x"), Err(SendError::NotReady(_))));

    let listener = TcpListener::bind(address).unwrap();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            echo(stream, usize::MAX);
        }
    });
    client.ready().unwrap();
    client.send("at last").unwrap();
    assert_eq!(message(&mut events), Some(Event::Text("at last".into())));
    client.close(CloseCode::NORMAL, "done").unwrap();
    let Some(Event::Terminated(End::Closed(Some(closed)))) = message(&mut events) else {
        panic!("it was closed");
    };
    assert_eq!((closed.code, &*closed.reason), (CloseCode::NORMAL, "done"));
    assert_eq!(events.next(), None);
    assert!(client.ended().is_clean());
    assert!(matches!(
        client.send("x"),
        Err(SendError::NotReady(State::Terminal))
    ));
}

#[test]
fn commands_and_events_come_from_different_threads() {
    let (listener, url) = listener();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            echo(stream, usize::MAX);
        }
    });
    let (client, events) = start(Request::new(&*url).unwrap(), &options(quick())).unwrap();
    client.ready().unwrap();
    let senders: Vec<_> = (0..4)
        .map(|thread| {
            let client = client.clone();
            thread::spawn(move || {
                for i in 0..1000 {
                    while client.send(format!("{thread} {i}")).is_err() {
                        thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut next = [0; 4];
    for text in events.filter_map(|event| match event {
        Event::Text(text) => Some(text),
        _ => None,
    }) {
        let (thread, i) = text.split_once(' ').unwrap();
        let thread: usize = thread.parse().unwrap();
        assert_eq!(i.parse(), Ok(next[thread]), "the order of each thread");
        next[thread] += 1;
        if next == [1000; 4] {
            break;
        }
    }
    senders
        .into_iter()
        .for_each(|sender| sender.join().unwrap());
}

#[test]
fn a_first_failure_can_be_the_end() {
    let (gone, url) = listener();
    drop(gone);
    let config = quick().initial(Initial::FailFast);
    let (client, _events) = start(Request::new(&*url).unwrap(), &options(config)).unwrap();
    let end = client.ready().unwrap_err();
    assert!(matches!(end, End::Fatal(Lost::Dial(_))), "{end}");
    assert!(end.explain().suggestion.contains("server is running"));
}
