//! soketto: the loop of its Autobahn example.

use std::io;

use futures_util::io::{BufReader, BufWriter};
use soketto::connection::Builder;
use soketto::{Data, Mode};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::handshake::upgraded;

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let stream = upgraded(stream).await?;
    let io = BufReader::new(BufWriter::new(stream.compat()));
    let (mut sender, mut receiver) = Builder::new(io, Mode::Server).finish();
    let mut message = Vec::new();
    loop {
        message.clear();
        let sent = match receiver
            .receive_data(&mut message)
            .await
            .map_err(io::Error::other)?
        {
            Data::Binary(_) => sender.send_binary_mut(&mut message).await,
            Data::Text(_) => {
                let text = std::str::from_utf8(&message).map_err(io::Error::other)?;
                sender.send_text(text).await
            }
        };
        sent.map_err(io::Error::other)?;
        sender.flush().await.map_err(io::Error::other)?;
    }
}
