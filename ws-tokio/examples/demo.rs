//! A server and a client that talk over a real socket, print what happens, and end by themselves.

use std::error::Error;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use ws_tokio::{
    AcceptOptions, CloseCode, ConnectOptions, Event, OwnedEvent, Request, WebSocket, accept_with,
    connect_with,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    println!("server    listening on {address}");
    tokio::spawn(serve(listener));

    let request = Request::new(format!("ws://{address}/demo"))?
        .subprotocol("demo.v2")?
        .subprotocol("demo.v1")?;
    let mut socket = connect_with(&request, &ConnectOptions::default()).await?;
    println!(
        "client    open, subprotocol {:?}",
        socket.agreed().subprotocol
    );

    socket.send("hello").await?;
    println!(
        "client    echo of a text: {:?}",
        message(&mut socket).await?
    );

    socket.send(vec![7; 1 << 20]).await?;
    if let OwnedEvent::Binary(data) = message(&mut socket).await? {
        println!("client    echo of a binary message: {} bytes", data.len());
    }

    let began = Instant::now();
    socket.sender().ping(b"are you there?")?;
    socket.flush().await?;
    let pong = socket.next().await;
    println!("client    {pong:?} after {:?}", began.elapsed());

    burst(&mut socket).await?;
    broken_client(address).await?;

    let closed = socket.close(CloseCode::NORMAL, "that was all").await?;
    println!("client    {closed}");
    Ok(())
}

/// Echoes every message of every client.
async fn serve(listener: TcpListener) {
    let options = AcceptOptions::default().subprotocols(["demo.v1"]);
    while let Ok((stream, client)) = listener.accept().await {
        let options = options.clone();
        tokio::spawn(async move {
            let mut socket = match accept_with(stream, &options).await {
                Ok(socket) => socket,
                Err(error) => return println!("server    {client}: {error}"),
            };
            while let Some((event, reply)) = socket.read().await {
                let _ = match event {
                    Event::Text(text) => reply.text(text),
                    Event::Binary(data) => reply.binary(data),
                    Event::Closed(closed) => {
                        println!("server    {client}: {closed}");
                        Ok(())
                    }
                    _ => Ok(()),
                };
            }
        });
    }
}

async fn message(socket: &mut WebSocket) -> Result<OwnedEvent, Box<dyn Error>> {
    match socket.next().await {
        Some(OwnedEvent::Closed(closed)) => Err(closed.into()),
        Some(event) => Ok(event),
        None => Err("the connection has ended".into()),
    }
}

/// Many small messages: fed one by one, they leave in few writes and come back in few reads.
async fn burst(socket: &mut WebSocket) -> Result<(), Box<dyn Error>> {
    const MESSAGES: usize = 100_000;
    let began = Instant::now();
    let (mut sent, mut echoed) = (0, 0);
    while echoed < MESSAGES {
        while sent < MESSAGES && sent < echoed + 500 {
            socket.feed("a price, or a position, or a move").await?;
            sent += 1;
        }
        message(socket).await?;
        echoed += 1;
    }
    let rate = MESSAGES as f64 / began.elapsed().as_secs_f64();
    println!("client    {MESSAGES} small messages there and back, {rate:.0} per second");
    Ok(())
}

/// A client that opens a WebSocket and then breaks the rules: it is told why, and no one else
/// notices.
async fn broken_client(address: std::net::SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
              Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await?;
    // A text frame without the mask that every frame of a client must have.
    stream.write_all(b"\x81\x05hello").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or("no answer")?;
    let close = &answer[end + 4..];
    let code = u16::from_be_bytes([close[2], close[3]]);
    println!(
        "broken    closed with {code}: {}",
        String::from_utf8_lossy(&close[4..])
    );
    Ok(())
}
