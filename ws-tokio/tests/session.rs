//! The session on real sockets.

use std::time::Duration;

#[cfg(feature = "tls")]
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use ws_tokio::session::{End, Event, Events, Lost, State, connect, start};
use ws_tokio::ws_core::options::SessionOptions;
use ws_tokio::ws_core::policy::{BackoffPolicy, Exhausted, Stage};
use ws_tokio::ws_core::session::{Initial, SendError, SessionConfig};
use ws_tokio::{CloseCode, Event as Heard, Request, accept};

/// Far longer than anything here takes; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn quick() -> SessionConfig {
    let millisecond = Duration::from_millis(1);
    SessionConfig::default()
        .backoff(
            BackoffPolicy::default()
                .first(None)
                .base(millisecond)
                .cap(millisecond),
        )
        .budget(None)
}

fn options(config: SessionConfig) -> SessionOptions {
    SessionOptions::default().config(config)
}

/// Echoes `count` messages on a connection, then drops it without a word.
async fn echo(stream: TcpStream, count: usize) -> Option<()> {
    let mut socket = accept(stream).await.ok()?;
    let mut echoed = 0;
    while let Some((event, reply)) = socket.read().await {
        if let Heard::Text(text) = event {
            let _ = reply.text(text);
            echoed += 1;
        }
        if echoed == count {
            socket.flush().await.ok()?;
            return Some(());
        }
    }
    None
}

async fn next(events: &mut Events) -> Option<Event> {
    timeout(PATIENCE, events.next()).await.expect("an event")
}

/// The next event that is a message, or the end of all.
async fn message(events: &mut Events) -> Option<Event> {
    loop {
        let event = next(events).await?;
        if matches!(event, Event::Text(_) | Event::Terminated(_)) {
            return Some(event);
        }
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_server_that_drops_every_connection_is_dialled_again_and_again() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            echo(stream, 3).await;
        }
    });
    let (client, mut events) = start(Request::new(&*url).unwrap(), &options(quick())).unwrap();
    let (mut connections, mut echoes) = (0, 0);
    while connections < 20 {
        match next(&mut events).await.unwrap() {
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

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let (gone, url) = listener().await;
    let address = gone.local_addr().unwrap();
    drop(gone);
    let (client, mut events) = start(Request::new(&*url).unwrap(), &options(quick())).unwrap();
    assert!(matches!(
        next(&mut events).await,
        Some(Event::Failed {
            lost: Lost::Dial(_),
            ..
        })
    ));
    assert!(matches!(client.send("x"), Err(SendError::NotReady(_))));

    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            echo(stream, usize::MAX).await;
        }
    });
    timeout(PATIENCE, client.ready()).await.unwrap().unwrap();
    assert!(matches!(client.state(), State::Ready { .. }));
    client.send("at last").unwrap();
    assert_eq!(
        message(&mut events).await,
        Some(Event::Text("at last".into()))
    );

    client.close(CloseCode::NORMAL, "done").unwrap();
    assert!(matches!(
        client.send("x"),
        Err(SendError::NotReady(State::Draining { .. }))
    ));
    let Some(Event::Terminated(End::Closed(Some(closed)))) = message(&mut events).await else {
        panic!("it was closed");
    };
    assert_eq!((closed.code, &*closed.reason), (CloseCode::NORMAL, "done"));
    assert_eq!(next(&mut events).await, None);
    assert!(timeout(PATIENCE, client.ended()).await.unwrap().is_clean());
    assert!(matches!(
        client.send("x"),
        Err(SendError::NotReady(State::Terminal))
    ));
    assert!(client.reconnect().is_err());
    assert_eq!(client.state(), State::Terminal);
}

#[tokio::test]
async fn connect_says_why_there_is_no_connection() {
    let error = connect("ws://").await.unwrap_err();
    assert!(
        error.explain().message.contains("no host"),
        "{error}: {}",
        error.explain()
    );
    #[cfg(not(feature = "tls"))]
    {
        let error = connect("wss://localhost/").await.unwrap_err();
        assert!(error.explain().message.contains("TLS"), "{error}");
    }

    let (gone, url) = listener().await;
    drop(gone);
    let config = quick().initial(Initial::FailFast);
    let (client, _events) = start(Request::new(&*url).unwrap(), &options(config)).unwrap();
    let end = timeout(PATIENCE, client.ready())
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(end, End::Fatal(Lost::Dial(_))), "{end}");
    assert!(end.explain().suggestion.contains("server is running"));

    let policy = quick().backoff.max_attempts(Some(3));
    let (client, _events) = start(
        Request::new(&*url).unwrap(),
        &options(quick().backoff(policy)),
    )
    .unwrap();
    let end = timeout(PATIENCE, client.ended()).await.unwrap();
    assert!(
        matches!(
            end,
            End::Exhausted {
                limit: Exhausted::Attempts(3),
                ..
            }
        ),
        "{end}"
    );
}

#[tokio::test]
async fn a_target_with_tls_is_never_dialled_in_the_clear() {
    let (listener, url) = listener().await;
    let (client, mut events) = start(Request::new(&*url).unwrap(), &options(quick())).unwrap();
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let secure = url.replace("ws://", "wss://");
    client.set_target(Request::new(&*secure).unwrap());
    drop(stream);
    #[cfg(feature = "tls")]
    {
        let (mut stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        // The hello of TLS (RFC 8446 §5.1), which is not answered.
        assert_eq!(stream.read_u8().await.unwrap(), 22);
        drop((stream, listener));
    }
    loop {
        let event = next(&mut events).await.unwrap();
        if let Event::Failed {
            lost: Lost::Dial(error),
            ..
        } = event
        {
            assert_eq!(error.stage, Stage::Tls);
            break;
        }
    }
}

#[tokio::test]
async fn without_handles_the_session_says_goodbye() {
    let (listener, url) = listener().await;
    let (client, events) = start(Request::new(&*url).unwrap(), &options(quick())).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = accept(stream).await.unwrap();
    timeout(PATIENCE, client.ready()).await.unwrap().unwrap();
    drop((client.clone(), events));
    client.send("still here").unwrap();
    drop(client);
    let told = async {
        assert!(socket.next().await.unwrap().into_message().is_some());
        while socket.next().await.is_some() {}
        socket.closed().cloned().unwrap()
    };
    let closed = timeout(PATIENCE, told).await.unwrap();
    assert_eq!(closed.code, CloseCode::GOING_AWAY);
}

#[tokio::test]
async fn events_that_nobody_takes_slow_the_peer_down_and_are_not_lost() {
    let (listener, url) = listener().await;
    let total = 5000;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept(stream).await.unwrap();
        for i in 0..total {
            socket.feed(&*i.to_string()).await.unwrap();
        }
        socket.close(CloseCode::NORMAL, "").await.unwrap();
    });
    let config = quick().reconnect(false);
    let (_client, mut events) = start(Request::new(&*url).unwrap(), &options(config)).unwrap();
    let mut expected = 0;
    loop {
        match message(&mut events).await {
            Some(Event::Text(text)) => {
                assert_eq!(*text, *expected.to_string());
                expected += 1;
                if expected % 1000 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Some(Event::Terminated(_)) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(expected, total);
    server.await.unwrap();
}
