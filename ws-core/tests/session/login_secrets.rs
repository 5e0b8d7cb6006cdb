//! A login of several steps, and an answer to it that comes twice: no record shows any of it.
#![cfg(feature = "testing")]

use std::convert::Infallible;

use bytes::Buf;
use ws_core::connection::{Config, Connection, Event as Heard};
use ws_core::handshake::{Accept, Limits, Request, ServerHandshake};
use ws_core::message::Message;
use ws_core::session::auth::{AuthConfig, Purpose};
use ws_core::session::correlate::{Key, RequestId};
use ws_core::session::{Action, Asked, Class, Dialect, News, Out, Session, SessionConfig, State};
use ws_core::testing::RecorderConfig;
use ws_core::{Instant, Machine, Seed};

const NOW: Instant = Instant::ORIGIN;

/// Messages are a number and words. The server answers a login with a challenge.
struct Challenged;

impl Dialect for Challenged {
    type Request = Infallible;
    type Credentials = &'static str;

    fn request(&mut self, _: RequestId, request: &Infallible, _: &mut Out<'_>) {
        match *request {}
    }

    fn login(&mut self, credentials: &&'static str, _: Purpose, out: &mut Out<'_>) {
        let id = out.id().number();
        out.send(&*format!("{id} i am {credentials}"));
    }

    fn classify<'m>(&mut self, message: &Message<'m>, _: &mut Out<'_>) -> Class<'m> {
        let text = std::str::from_utf8(message.payload()).unwrap_or_default();
        let number = text.split(' ').next().and_then(|word| word.parse().ok());
        number.map_or(Class::Message, |number| {
            Class::Response(Key::Number(number))
        })
    }

    fn answered(&mut self, asked: &Asked<'_>, _: &Message<'_>, out: &mut Out<'_>) {
        match asked {
            Asked::Login(_) => {
                let id = out.id().number();
                out.send(&*format!("{id} signed s3cret-2"));
            }
            _ => out.tell(News::LoggedIn { ttl: None }),
        }
    }
}

/// Moves bytes both ways until nothing moves; what the server hears.
fn exchange(session: &mut Session<Challenged>, server: &mut Connection) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        while session.poll_owned(NOW).is_some() {}
        let conn = session.conn();
        let (recv, send) = session.io(conn).expect("a connection");
        let written = send.copy_to_bytes(send.remaining());
        server.io().0.extend_from_slice(&written);
        while let Some((event, _)) = server.poll(NOW) {
            if let Heard::Text(text) = event {
                heard.push(text.to_owned());
            }
        }
        match server.io().1.pop() {
            Some(bytes) => recv.extend_from_slice(&bytes),
            None if written.is_empty() => return heard,
            None => {}
        }
    }
}

#[test]
fn no_step_of_a_login_is_in_a_record() {
    let request = Request::new("ws://example.com/").expect("a url");
    let config = SessionConfig::default().login(Some(AuthConfig::default()));
    let mut session = Session::with_dialect(request, Challenged, config, Seed::new([3; 32]));
    session.record_frames(RecorderConfig::default());
    session.start(NOW);
    let Some(Action::Dial { conn, .. }) = session.action() else {
        panic!("a dial");
    };
    assert!(session.dialed(conn, NOW));
    let mut handshake = ServerHandshake::new(Limits::default(), NOW);
    let (recv, send) = session.io(conn).expect("a handshake");
    handshake
        .io()
        .0
        .extend_from_slice(&send.copy_to_bytes(send.remaining()));
    assert!(handshake.poll(NOW).expect("a request").is_some());
    handshake.accept(Accept::new()).expect("acceptable");
    while let Some(bytes) = handshake.io().1.pop() {
        recv.extend_from_slice(&bytes);
    }
    let opened = handshake.finish().expect("an answer that was written");
    let mut server = Connection::new(opened, &Config::default(), NOW);
    while session.poll_owned(NOW).is_some() {}
    let Some(Action::Credentials { id, .. }) = session.action() else {
        panic!("a question");
    };
    session.credentials(id, Ok("s3cret-1"), NOW);

    let said = exchange(&mut session, &mut server);
    let [login] = &said[..] else {
        panic!("{said:?}")
    };
    let number = login.strip_suffix(" i am s3cret-1").expect("a login");
    let challenge = format!("{number} challenge s3cret-3");
    server.sender().text(&challenge).expect("open");
    let said = exchange(&mut session, &mut server);
    let [signed] = &said[..] else {
        panic!("{said:?}")
    };
    let next = signed
        .strip_suffix(" signed s3cret-2")
        .expect("a signature");
    server.sender().text(&challenge).expect("open");
    let token = format!("{next} token s3cret-4");
    server.sender().text(&token).expect("open");
    server.sender().text(&token).expect("open");
    server.sender().text("shown").expect("open");
    exchange(&mut session, &mut server);
    assert!(
        matches!(session.state(), State::Ready { .. }),
        "{:?}",
        session.state()
    );

    let lines = session.take_frames(NOW).expect("a record");
    let lines = String::from_utf8(lines).expect("text");
    assert!(!lines.contains("s3cret"), "{lines}");
    assert!(lines.contains("shown"), "{lines}");
}
