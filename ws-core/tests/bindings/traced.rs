//! Sessions as events of crate `tracing`: names, levels and fields, and no secrets.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::guard::guard;
use crate::raw::{self, CLOSE, TEXT};
use crate::rt::{self, wait, ws};
use crate::sessions::{listener, options};
use ws::CloseCode;
use ws::ws_core::session::NoDialect;

/// Hands on a line for each event.
struct Lines(Mutex<Sender<String>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What others tell is none of this test's business.
        metadata.fields().field("category").is_some()
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        event.record(&mut line);
        let _ = self.0.lock().expect("whole").send(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn what_happens_to_a_session_is_told_to_tracing_without_what_was_said() {
    guard(|| {
        let (send, lines) = mpsc::channel();
        tracing::subscriber::set_global_default(Lines(Mutex::new(send))).expect("the first");
        let (listener, request) = listener();
        let (client, _events) = rt::start(request, NoDialect, &options());
        rt::trace(&client);
        let mut server = raw::accept(&listener);
        server
            .write_all(&raw::frame(TEXT, b"s3cret"))
            .expect("written");
        wait!(client.ready()).expect("a connection");
        client.close(CloseCode::NORMAL, "done").expect("open");
        assert_eq!(raw::read_frame(&mut server).expect("a close").0, CLOSE);
        let close = raw::frame(CLOSE, &raw::close(1000, "done"));
        server.write_all(&close).expect("written");
        drop(server);
        let mut told = Vec::new();
        while !told
            .last()
            .is_some_and(|line: &String| line.contains("terminated"))
        {
            told.push(lines.recv().expect("more"));
        }
        assert!(!told.concat().contains("s3cret"), "{told:?}");
        // Level, target, message and all fields.
        let lines = [
            "DEBUG websocket message= category=connection event=opened conn=1",
            "INFO websocket message= category=connection event=ready conn=1 attempt=1",
            "TRACE websocket message= category=data event=received size=6",
            "WARN websocket message=closed by this end with 1000 normal closure: \"done\" \
             category=connection event=disconnected conn=1",
            "INFO websocket message=closed by this end with 1000 normal closure: \"done\" \
             category=connection event=terminated",
        ];
        assert_eq!(told, lines);
    });
}
