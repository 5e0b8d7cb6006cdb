//! A client and a server that talk over two buffers: no socket, no clock, no runtime.
//!
//! This is how the protocol is tested and simulated, and all there is to driving it.

use std::error::Error;

use bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::connection::{Config, Connection, Event};
use ws_core::handshake::{Accept, ClientHandshake, Limits, Request, ServerHandshake};
use ws_core::{Instant, Machine, Seed};

/// The network: everything that one end has to write is received by the other.
fn carry(from: &mut impl Machine, to: &mut impl Machine) {
    let out = from.io().1;
    let bytes = out.copy_to_bytes(out.remaining());
    to.io().0.extend_from_slice(&bytes);
}

fn main() -> Result<(), Box<dyn Error>> {
    // Time stands still, and the client's randomness is always the same.
    let now = Instant::ORIGIN;
    let seed = Seed::new([7; 32]);

    // The opening handshake.
    let request = Request::new("ws://example.com/chat")?.subprotocol("chat.v1")?;
    let mut client = ClientHandshake::new(&request, Limits::default(), seed, now);
    let mut server = ServerHandshake::new(Limits::default(), now);
    carry(&mut client, &mut server);
    let asked = server.poll(now)?.ok_or("the request is incomplete")?;
    println!("server: {} asks for {}", asked.host(), asked.target());
    server.accept(Accept::new().subprotocol("chat.v1"))?;
    carry(&mut server, &mut client);
    let answer = client.poll(now)?.ok_or("the answer is incomplete")?;
    println!(
        "client: {} with {:?}",
        answer.status(),
        answer.subprotocol()
    );

    // The conversation.
    let config = Config::default();
    let client = client.finish().map_err(|_| "not accepted")?;
    let server = server.finish().map_err(|_| "not written")?;
    let mut client = Connection::new(client, &config, now);
    let mut server = Connection::new(server, &config, now);
    client.sender().text("hello")?;
    client.sender().ping(b"still there?")?;
    client.close(CloseCode::NORMAL, "that was all", now)?;
    while client.closed().is_none() || server.closed().is_none() {
        carry(&mut client, &mut server);
        while let Some((event, reply)) = server.poll(now) {
            println!("server: {event:?}");
            if let Event::Text(text) = event {
                reply.text(&format!("{text} yourself"))?;
            }
        }
        carry(&mut server, &mut client);
        while let Some((event, _)) = client.poll(now) {
            println!("client: {event:?}");
        }
    }
    Ok(())
}
