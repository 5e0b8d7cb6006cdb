//! One message that is larger than memory should be, through an echo server and back.
//!
//! `large_message [--bytes N] [--deflate]`, 4 GiB unless told otherwise; both ends are in this
//! process. Checks every byte, and prints how long it took and, on Linux, how much memory at most.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use ws_tokio::{
    AcceptOptions, CloseCode, Config, ConnectOptions, Delivery, Kind, Limits, Reader, Request,
    Writer, accept_with, connect_with,
};

type Failure = Box<dyn Error + Send + Sync>;

/// What is read and written at once.
const PIECE: usize = 64 * 1024;

const USAGE: &str = "usage: large_message [--bytes N] [--deflate]";

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

async fn run() -> Result<(), Failure> {
    let mut bytes = 4u64 << 30;
    #[cfg_attr(not(feature = "deflate"), allow(unused_mut))]
    let mut accept = AcceptOptions::default().config(pieces());
    #[cfg_attr(not(feature = "deflate"), allow(unused_mut))]
    let mut connect = ConnectOptions::default().config(pieces());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match &*arg {
            #[cfg(feature = "deflate")]
            "--deflate" => {
                accept = accept.deflate(Some(ws_tokio::Deflate::low_memory()));
                connect = connect.deflate(Some(ws_tokio::Deflate::low_memory()));
            }
            "--bytes" => {
                let n = args.next().and_then(|n| n.parse().ok());
                bytes = n.ok_or(USAGE)?;
            }
            _ => return Err(USAGE.into()),
        }
    }

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let request = Request::new(format!("ws://{}/", listener.local_addr()?))?;
    let server = tokio::spawn(async move { echo(listener.accept().await?.0, &accept).await });
    let begin = Instant::now();
    let (reader, writer) = connect_with(&request, &connect).await?.split();
    let sending = tokio::spawn(send(writer, bytes));
    receive(reader, bytes).await?;
    sending.await??;
    server.await??;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{bytes} bytes there and back in {seconds:.1} s");
    if let Some(most) = most_memory() {
        println!("{:.1} MiB of memory at most", most as f64 / 1024.0);
    }
    Ok(())
}

/// Messages of any length, handed out as they arrive.
fn pieces() -> Config {
    let limits = Limits::default()
        .max_message(usize::MAX)
        .max_fragments(u32::MAX);
    Config::default().delivery(Delivery::Chunks).limits(limits)
}

/// Sends every message back while it arrives.
async fn echo(stream: TcpStream, options: &AcceptOptions) -> Result<(), Failure> {
    let (mut reader, mut writer) = accept_with(stream, options).await?.split();
    while let Some(mut message) = reader.next_message().await {
        let mut answer = writer.write_message(message.kind());
        tokio::io::copy(&mut message, &mut answer).await?;
        answer.finish().await?;
    }
    Ok(())
}

async fn send(mut writer: Writer, bytes: u64) -> Result<(), Failure> {
    let mut message = writer.write_message(Kind::Binary);
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < bytes {
        let n = PIECE.min(usize::try_from(bytes - at).unwrap_or(PIECE));
        fill(&mut piece, at);
        message.write_all(&piece[..n]).await?;
        at += n as u64;
    }
    message.finish().await?;
    writer.close(CloseCode::NORMAL, "").await?;
    Ok(())
}

async fn receive(mut reader: Reader, bytes: u64) -> Result<(), Failure> {
    let mut message = reader.next_message().await.ok_or("no message")?;
    let (mut piece, mut expected) = (vec![0; PIECE], vec![0; PIECE]);
    let mut at = 0;
    while at < bytes {
        let n = PIECE.min(usize::try_from(bytes - at).unwrap_or(PIECE));
        message.read_exact(&mut piece[..n]).await?;
        fill(&mut expected, at);
        if piece[..n] != expected[..n] {
            return Err(format!("other bytes came back behind {at}").into());
        }
        at += n as u64;
    }
    if message.read(&mut piece).await? > 0 {
        return Err("more came back than was sent".into());
    }
    drop(message);
    if reader.next_message().await.is_some() {
        return Err("a message that was not sent".into());
    }
    Ok(())
}

/// The bytes of the message from `at` on: not the same anywhere, and yet worth compressing.
fn fill(piece: &mut [u8], at: u64) {
    for (i, word) in (at / 8..).zip(piece.chunks_exact_mut(8)) {
        let value = (i / 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word.copy_from_slice(&value.to_le_bytes());
    }
}

/// The most memory that this process ever had, in KiB.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
