//! The peers' echo servers, on tokio's current-thread runtime.
//!
//! Each comes as its own examples write it, and, where its documentation or its interface offers a
//! way to write once per burst, once more in that way ("batched").

mod batched;
mod coalesce;
mod fastwebsockets;
mod handshake;
mod sockudo;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod wtx;
mod yawc;

use std::io;
use std::net::TcpListener;

use super::accept::tokio::{Flavor, serve};
use super::{Runtime, Server};
use crate::table::Class;

/// One server.
macro_rules! server {
    ($class:ident $name:literal $echo:path) => {
        Server {
            name: $name,
            class: Class::$class,
            upgrades: true,
            runtime: Runtime::Tokio,
            run: |listener: TcpListener| -> io::Result<()> {
                serve(Flavor::CurrentThread, listener, $echo)
            },
        }
    };
}

pub(super) fn servers() -> Vec<Server> {
    vec![
        server!(Full "tokio-tungstenite" tungstenite::echo),
        server!(Full "tokio-tungstenite, batched" tungstenite::echo_batched),
        server!(Full "fastwebsockets" fastwebsockets::echo),
        server!(Full "fastwebsockets, coalescing stream" fastwebsockets::echo_coalesced),
        server!(Full "tokio-websockets" tokio_websockets::echo),
        server!(Full "tokio-websockets, batched" tokio_websockets::echo_batched),
        server!(Full "yawc" yawc::echo),
        server!(Full "yawc, batched" yawc::echo_batched),
        server!(Full "sockudo-ws" sockudo::echo),
        server!(Full "sockudo-ws, batched" sockudo::echo_batched),
        server!(Full "wtx" wtx::echo),
        server!(Full "soketto" soketto::echo),
        server!(Frames "web-socket" web_socket::echo),
        server!(Frames "web-socket, coalescing stream" web_socket::echo_coalesced),
    ]
}
