//! This project on tokio: the loop that its documentation calls the fast one, and the easy one.

use std::io;

use tokio::net::TcpStream;
use ws_core::connection::{Config, Event, OwnedEvent};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Role, Seed};
use ws_tokio::{Tokio, WebSocket};

use super::tokio_accept::{Flavor, serve};
use super::{Server, handshake};
use crate::table::Class;

pub(super) const SERVERS: [Server; 3] = [
    Server {
        name: "ours, tokio, read()",
        class: Class::Ours,
        upgrades: true,
        run: |listener| serve(Flavor::CurrentThread, listener, lent),
    },
    Server {
        name: "ours, tokio, next()",
        class: Class::Ours,
        upgrades: true,
        run: |listener| serve(Flavor::CurrentThread, listener, owned),
    },
    Server {
        name: "ours, tokio multi, read()",
        class: Class::Ours,
        upgrades: true,
        run: |listener| serve(Flavor::MultiThread, listener, lent),
    },
];

async fn accept(mut stream: TcpStream) -> io::Result<WebSocket> {
    handshake::accept(&mut stream).await?;
    let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([0; 32]));
    Ok(WebSocket::upgraded(
        stream,
        Tokio::new(),
        opened,
        &Config::default(),
    ))
}

async fn lent(stream: TcpStream) -> io::Result<()> {
    let mut socket = accept(stream).await?;
    while let Some((event, sender)) = socket.read().await {
        let sent = match event {
            Event::Binary(data) => sender.binary(data),
            Event::Text(text) => sender.text(text),
            _ => Ok(()),
        };
        sent.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn owned(stream: TcpStream) -> io::Result<()> {
    let mut socket = accept(stream).await?;
    while let Some(event) = socket.next().await {
        let fed = match event {
            OwnedEvent::Binary(data) => socket.feed(data).await,
            OwnedEvent::Text(text) => socket.feed(text).await,
            _ => Ok(()),
        };
        fed.map_err(io::Error::other)?;
    }
    Ok(())
}
