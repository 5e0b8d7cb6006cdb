//! soketto: messages into a buffer of the caller's, which is used again and again.

use futures_util::io::{BufReader, BufWriter};
use soketto::connection::{Builder, Receiver, Sender};
use soketto::{Data, Mode};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::codec::{Case, Job, Tally};
use crate::tape::{READ, Tape, drive};
use crate::wire::LIMIT;

/// Buffered, as in its examples.
type Io = BufReader<BufWriter<Compat<Tape>>>;

fn halves(case: &Case) -> (Sender<Io>, Receiver<Io>) {
    let mode = if case.server {
        Mode::Server
    } else {
        Mode::Client
    };
    let io = BufWriter::with_capacity(READ, case.tape().compat());
    let mut builder = Builder::new(BufReader::with_capacity(READ, io), mode);
    builder.set_max_message_size(LIMIT);
    builder.set_max_frame_size(LIMIT);
    builder.finish()
}

pub(super) fn decode(case: &Case) -> Job {
    let ((_sender, mut receiver), messages) = (halves(case), case.messages);
    let mut message = Vec::new();
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                message.clear();
                match receiver.receive_data(&mut message).await {
                    Ok(Data::Binary(_)) => tally.count(&message),
                    // The check that its examples make.
                    Ok(Data::Text(_)) => match std::str::from_utf8(&message) {
                        Ok(text) => tally.count(text.as_bytes()),
                        Err(_) => break,
                    },
                    Err(_) => break,
                }
            }
            tally
        })
    })
}

pub(super) fn encode(case: &Case) -> Job {
    let (mut sender, _receiver) = halves(case);
    let text = case.kind.is_text().then(|| String::from(case.text()));
    let data = case.payload.clone();
    let (bursts, burst, len) = (case.messages / case.burst, case.burst, case.payload.len());
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..bursts {
                for _ in 0..burst {
                    let sent = match &text {
                        Some(text) => sender.send_text(text).await,
                        None => sender.send_binary(&data).await,
                    };
                    if sent.is_ok() {
                        tally.count_all(1, len);
                    }
                }
                if sender.flush().await.is_err() {
                    break;
                }
            }
            tally
        })
    })
}
