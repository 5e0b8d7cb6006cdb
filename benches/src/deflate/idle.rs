//! Memory of idle compressed connections: each subject in a process of its own, with nothing but
//! connections that have received and sent a message of 16 KiB.

use std::any::Any;
use std::io::{self, Write};
use std::process::Command;

use ws_core::buf::Pool;
use ws_core::{Instant, Role};

use super::foreign::{self, Foreign};
use super::{Case, ours};
use crate::args::Effort;
use crate::child::resident_here;
use crate::stats::Samples;
use crate::table::{Class, Row, Scale, Table};

/// Connections that are measured, behind as many others.
const CONNECTIONS: usize = 500;

const NOW: Instant = Instant::ORIGIN;

/// The one message that each of them receives and sends.
const SIZE: usize = 16 << 10;

type Make = fn(&Case, usize) -> Vec<Box<dyn Any>>;

/// Who, what it is compared with, and what makes its connections.
fn subjects() -> Vec<(&'static str, Class, Make)> {
    let mut all: Vec<(&'static str, Class, Make)> = Vec::new();
    all.extend([("ours", Class::Ours, hold_ours as Make)]);
    #[cfg(feature = "peers")]
    all.extend([
        ("sockudo-ws, codec", Class::Full, held::sockudo as Make),
        ("yawc", Class::Full, held::yawc as Make),
    ]);
    all
}

/// Bytes per idle connection; `programs` take part too.
///
/// # Errors
/// If a process does not say.
pub fn memory(effort: &Effort, programs: &[Foreign]) -> io::Result<Table> {
    let mut rows = Vec::new();
    for (name, class, _) in subjects() {
        if !effort.wants(name) {
            continue;
        }
        let mut cells = vec![Samples::default(); 2];
        for _ in 0..effort.rounds.div_ceil(3) {
            for (cell, takeover) in cells.iter_mut().zip(["reset", "keep"]) {
                let mut command = Command::new(std::env::current_exe()?);
                let output = command.args(["hold", name, takeover]).output()?;
                let told = String::from_utf8_lossy(&output.stdout);
                let bytes = told.trim().parse::<f64>().map_err(io::Error::other)?;
                cell.push(bytes);
            }
        }
        rows.push(Row {
            name: name.into(),
            class,
            owns: true,
            runtime: None,
            cells: cells.into_iter().map(Some).collect(),
        });
    }
    let file = foreign::file();
    for who in programs.iter().filter(|who| effort.wants(&who.0)) {
        let mut cells = vec![Samples::default(); 2];
        for _ in 0..effort.rounds.div_ceil(3) {
            for (cell, takeover) in cells.iter_mut().zip([false, true]) {
                cell.push(foreign::held(who, &Case::new(SIZE, takeover, 1), &file)?);
            }
        }
        rows.push(Row {
            name: who.0.clone(),
            class: Class::Full,
            owns: true,
            runtime: None,
            cells: cells.into_iter().map(Some).collect(),
        });
    }
    let _ = std::fs::remove_file(file);
    Ok(Table {
        id: "deflate-memory".into(),
        title: format!("memory per idle compressed connection, {CONNECTIONS} connections"),
        unit: "bytes",
        more: false,
        scale: Scale::PerColumn,
        columns: ["no takeover", "takeover"].map(String::from).into(),
        rows,
    })
}

/// What such a process does: holds connections and says what each of them takes.
///
/// # Errors
/// If there is no such subject, or nobody listens.
pub fn hold(name: &str, takeover: &str) -> io::Result<()> {
    let subject = subjects().into_iter().find(|subject| subject.0 == name);
    let (_, _, make) = subject.ok_or_else(|| io::Error::other("no such subject"))?;
    let case = Case::new(SIZE, takeover == "keep", 1);
    // What is allocated once is no cost of a connection, and what was freed before is used up first.
    let first = make(&case, CONNECTIONS);
    let before = resident_here()?;
    let held = make(&case, CONNECTIONS);
    let after = resident_here()?;
    writeln!(
        io::stdout(),
        "{}",
        after.saturating_sub(before) as f64 / held.len() as f64
    )?;
    drop((first, held));
    Ok(())
}

/// As a binding holds it: storage is lent while something is under way.
fn hold_ours(case: &Case, count: usize) -> Vec<Box<dyn Any>> {
    let mut pool = Pool::new();
    let one = |_| {
        let mut server = ours::connection(Role::Server, case.takeover);
        let recv = server.io().0;
        drop(recv.put_storage(pool.lend_receiving(), 0));
        recv.extend_from_slice(&case.wire);
        assert!(server.poll(NOW).is_some(), "the message");
        assert!(server.poll(NOW).is_none(), "one message");
        server.io().1.put_storage(pool.lend_sending());
        ours::send(&mut server, &case.messages[0], |_| {});
        let (recv, send) = server.io();
        { recv.take_storage().into_iter() }.for_each(|storage| pool.reclaim_receiving(storage));
        { send.take_storage().into_iter() }.for_each(|storage| pool.reclaim_sending(storage));
        Box::new(server) as Box<dyn Any>
    };
    (0..count).map(one).collect()
}

#[cfg(feature = "peers")]
mod held {
    use std::any::Any;
    use std::io;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use bytes::BytesMut;
    use futures_util::SinkExt;
    use sockudo_ws::protocol::Message;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use yawc::Frame;

    use super::super::{Case, peers};
    use crate::tape::drive;

    /// A stream that has some bytes to read, takes all that is written, and holds nothing.
    struct Once(Arc<[u8]>, usize);

    impl AsyncRead for Once {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let n = buf.remaining().min(self.0.len() - self.1);
            if n == 0 {
                return Poll::Pending;
            }
            buf.put_slice(&self.0[self.1..self.1 + n]);
            self.1 += n;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Once {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    pub(super) fn yawc(case: &Case, count: usize) -> Vec<Box<dyn Any>> {
        let wire: Arc<[u8]> = (*case.wire).into();
        let one = |_| {
            let mut socket = peers::yawc(Once(Arc::clone(&wire), 0), case.takeover);
            let echo = Frame::text(case.messages[0].clone());
            drive(async {
                drop(socket.next_frame().await.expect("the message"));
                socket.send(echo).await.expect("a stream that takes all");
            });
            Box::new(socket) as Box<dyn Any>
        };
        (0..count).map(one).collect()
    }

    /// The codec and the two buffers that its stream has, which are empty and have given back what
    /// they can.
    pub(super) fn sockudo(case: &Case, count: usize) -> Vec<Box<dyn Any>> {
        let one = |_| {
            let mut protocol = peers::sockudo(case.takeover);
            let (mut buf, mut batch) = (BytesMut::from(&case.wire[..]), Vec::new());
            protocol.process_into(&mut buf, &mut batch).expect("valid");
            assert_eq!(batch.len(), 1, "the message");
            let mut out = BytesMut::new();
            let echo = Message::Text(case.messages[0].clone());
            protocol.encode_message(&echo, &mut out).expect("valid");
            Box::new(protocol) as Box<dyn Any>
        };
        (0..count).map(one).collect()
    }
}
