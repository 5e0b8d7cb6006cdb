//! A chat on axum: a page at `/` and at `/ROOM`, and a WebSocket at `/ws/ROOM?name=NAME` for each
//! room. What one says, all in the room hear; who is slow misses lines, and is told how many.
//!
//! `chat ADDR [--deflate] [--max-message BYTES] [--tls CERT KEY]`; port 0 picks a free one. Prints
//! `listening on ADDR`.

#[path = "../../ws-core/examples/flags/mod.rs"]
mod flags;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, Response};
use axum::routing::{any, get};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use ws::axum::Asked;
use ws::{AcceptOptions, OriginPolicy, OwnedEvent, Text, WebSocket};
use ws_tokio as ws;

/// Lines that wait for who is slow.
const BACKLOG: usize = 256;

/// Characters of a name.
const NAME: usize = 32;

/// What a client may take for TLS, and for each request.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the handlers share.
struct Chat {
    options: AcceptOptions,
    rooms: Mutex<HashMap<String, Sender<Text>>>,
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(server) = flags::server()? else {
        return Err(format!("usage: chat ADDR {}", flags::SERVER).into());
    };
    let chat = Chat {
        options: server.options.origins(OriginPolicy::SameOrigin),
        rooms: Mutex::default(),
    };
    let page = || async { Html(include_str!("page/chat.html")) };
    let app = Router::new()
        .route("/", get(page))
        .route("/{room}", get(page))
        .route("/ws/{room}", any(enter))
        .with_state(Arc::new(chat));

    let listener = TcpListener::bind(&server.address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            // Out of descriptors, most likely: those who are here are still served.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let app = app.clone();
        #[cfg(feature = "tls")]
        let tls = server.tls.clone();
        tokio::spawn(async move {
            #[cfg(feature = "tls")]
            if let Some(config) = tls {
                let secured = ws::tls::accept_tls(tcp, config);
                if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, secured).await {
                    serve(stream, app).await;
                }
                return;
            }
            serve::<TcpStream>(tcp, app).await;
        });
    }
}

/// HTTP, for one client.
async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S, app: Router) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let service = TowerToHyperService::new(app);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    // A client that breaks off is no news.
    let _ = connection.with_upgrades().await;
}

/// The way into a room.
async fn enter(Path(room): Path<String>, State(chat): State<Arc<Chat>>, asked: Asked) -> Response {
    let name = name_in(asked.request().query().unwrap_or_default());
    let options = chat.options.clone();
    asked.options(options).open(move |socket| async move {
        let sender = chat.room(&room);
        talk(socket, &name, &sender).await;
        drop(sender);
        chat.tidy(&room);
    })
}

impl Chat {
    /// A room, which is there from now on.
    fn room(&self, room: &str) -> Sender<Text> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = rooms.entry(room.into());
        sender.or_insert_with(|| Sender::new(BACKLOG)).clone()
    }

    /// A room that nobody is in is no room.
    fn tidy(&self, room: &str) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if { rooms.get(room) }.is_some_and(|sender| sender.strong_count() == 1) {
            rooms.remove(room);
        }
    }
}

/// One client in a room, from coming to going.
async fn talk<S>(mut socket: WebSocket<S>, name: &str, room: &Sender<Text>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut heard: broadcast::Receiver<Text> = room.subscribe();
    // There is one who hears it: this one.
    let say = |line: String| drop(room.send(line.into()));
    say(format!("{name} is here"));
    loop {
        tokio::select! {
            event = socket.next() => match event {
                Some(OwnedEvent::Text(text)) => say(format!("{name}: {text}")),
                Some(_) => {}
                None => break,
            },
            line = heard.recv() => {
                let sent = match line {
                    Ok(line) => socket.send(line).await,
                    Err(RecvError::Lagged(count)) => {
                        socket.send(format!("({count} lines were too fast for you)")).await
                    }
                    Err(RecvError::Closed) => break,
                };
                // Reading tells how it ended.
                let _ = sent;
            }
        }
    }
    say(format!("{name} is gone"));
}

/// Who it is, in so many characters.
fn name_in(query: &str) -> String {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let name = pairs.find(|(key, _)| *key == "name");
    let name: String = { name.unwrap_or_default().1.chars() }
        .filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_')
        .take(NAME)
        .collect();
    match name.is_empty() {
        true => "somebody".into(),
        false => name,
    }
}
