//! A session that speaks to an exchange, without a network: `cargo run -p ws-core --example deribit
//! --features json`. It shows what the session says in which order, and how little of it is written
//! down in the dialect.

mod dialect;

use bytes::Buf;
use dialect::{ApiKey, Deribit};
use ws_core::connection::{Config, Connection, Event as Heard};
use ws_core::handshake::{Accept, Limits, Request, ServerHandshake};
use ws_core::session::auth::AuthConfig;
use ws_core::session::subscriptions::SubOptions;
use ws_core::session::{Action, Call, Event, Session, SessionConfig};
use ws_core::{Instant, Machine, Seed};

/// What the exchange answers.
fn answer(text: &str) -> Option<String> {
    let call: serde_json::Value = serde_json::from_str(text).ok()?;
    let result = match call["method"].as_str()? {
        "public/auth" => r#"{"expires_in":900,"refresh_token":"again"}"#.into(),
        "private/subscribe" => call["params"]["channels"].to_string(),
        _ => r#""ok""#.into(),
    };
    Some(format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
        call["id"]
    ))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Instant::ORIGIN;
    let request = Request::new("ws://www.example.com/ws/api/v2")?;
    let config = SessionConfig::default().login(Some(AuthConfig::default()));
    let seed = Seed::new([7; 32]);
    let mut session = Session::with_dialect(request, Deribit::default(), config, seed);
    session.subscribe("ticker.BTC-PERPETUAL.100ms", SubOptions::default(), now)?;
    session.start(now);

    let mut handshake = Some(ServerHandshake::new(Limits::default(), now));
    let mut exchange: Option<Connection> = None;
    for _ in 0..100 {
        while let Some(action) = session.action() {
            match action {
                Action::Dial { conn, .. } => drop(session.dialed(conn, now)),
                Action::Credentials { id, .. } => {
                    let key = ApiKey {
                        id: "me".into(),
                        secret: "not shown".into(),
                    };
                    session.credentials(id, Ok(key), now);
                }
                Action::Drop { .. } => return Err("the exchange is gone".into()),
            }
        }
        while let Some(event) = session.poll(now) {
            match event {
                Event::Ready { .. } => {
                    println!("ready");
                    session.request(&Call::new("public/get_time"), now)?;
                }
                Event::Subscription { topic, change, .. } => println!("{topic}: {change:?}"),
                Event::Response { message, .. } => {
                    println!("< {}", message.into_text().unwrap_or_default());
                    return Ok(());
                }
                _ => {}
            }
        }
        // The network, and the exchange behind it.
        let Some((inbox, outbox)) = session.io(session.conn()) else {
            continue;
        };
        if let Some(mut opening) = handshake.take() {
            opening
                .io()
                .0
                .extend_from_slice(&outbox.copy_to_bytes(outbox.remaining()));
            if opening.poll(now)?.is_some() {
                opening.accept(Accept::new())?;
                let (_, answer) = opening.io();
                inbox.extend_from_slice(&answer.copy_to_bytes(answer.remaining()));
            }
            match opening.finish() {
                Ok(opened) => exchange = Some(Connection::new(opened, &Config::default(), now)),
                Err(opening) => handshake = Some(*opening),
            }
        } else if let Some(exchange) = &mut exchange {
            exchange
                .io()
                .0
                .extend_from_slice(&outbox.copy_to_bytes(outbox.remaining()));
            while let Some((heard, sender)) = exchange.poll(now) {
                if let Heard::Text(text) = heard {
                    println!("> {}", text.replace("not shown", "..."));
                    if let Some(answer) = answer(text) {
                        sender.text(&answer)?;
                    }
                }
            }
            let (_, answers) = exchange.io();
            inbox.extend_from_slice(&answers.copy_to_bytes(answers.remaining()));
        }
    }
    Err("nothing came of it".into())
}
