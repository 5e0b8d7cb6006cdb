//! Servers behind a Unix socket.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{echo, guard, join, server};
use crate::rt::{wait, ws};
use ws::ws_core::policy::Stage;
use ws::{CloseCode, ConnectError, ConnectOptions, OwnedEvent, Request, Route};

/// A place for a socket, cleared when it is dropped. Its path is short: there are 108 bytes for one.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ws-{}-{count}.sock", process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn options(&self) -> ConnectOptions {
        ConnectOptions::default().route(Route::default().unix(Some(self.0.clone())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn copy_both(near: UnixStream, far: TcpStream) -> io::Result<()> {
    let (mut from_near, mut to_near) = (near.try_clone()?, near);
    let (mut from_far, mut to_far) = (far.try_clone()?, far);
    let back = thread::spawn(move || {
        io::copy(&mut from_far, &mut to_near)?;
        to_near.shutdown(Shutdown::Write)
    });
    io::copy(&mut from_near, &mut to_far)?;
    to_far.shutdown(Shutdown::Write)?;
    join(back)
}

#[test]
fn a_unix_socket_leads_to_the_server_whatever_host_the_url_names() {
    guard(|| {
        let place = Place::new();
        let listener = UnixListener::bind(&place.0).expect("a socket");
        let (address, serving) = server(|stream| {
            let upgrade =
                wait!(ws::upgrade(stream, &ws::AcceptOptions::default())).expect("a request");
            assert_eq!(upgrade.request().header("Host"), Some("no-such-host.test"));
            let accept = ws::Accept::new();
            echo(&mut wait!(upgrade.accept(accept)).expect("an upgrade"));
        });
        let between = thread::spawn(move || {
            let (near, _) = listener.accept()?;
            copy_both(near, TcpStream::connect(address)?)
        });
        let request = Request::new("ws://no-such-host.test/").expect("a url");
        let mut socket = wait!(ws::connect_with(&request, &place.options())).expect("a connection");
        assert!(socket.stream().tcp().is_none());
        assert!(!socket.stream().is_tls());
        wait!(socket.send("hello")).expect("sent");
        assert_eq!(wait!(socket.next()), Some(OwnedEvent::Text("hello".into())));
        assert!(
            wait!(socket.close(CloseCode::NORMAL, ""))
                .expect("closed")
                .is_clean()
        );
        drop(socket);
        join(serving);
        join(between).expect("copied");
    });
}

#[test]
fn a_unix_socket_that_is_not_there_is_named() {
    guard(|| {
        let place = Place::new();
        let request = Request::new("ws://localhost/").expect("a url");
        let error = wait!(ws::connect_with(&request, &place.options())).expect_err("nobody");
        let ConnectError::Dial {
            authority,
            stage,
            error,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(authority, place.0.display().to_string());
        assert_eq!((stage, error.kind()), (Stage::Connect, ErrorKind::NotFound));
    });
}
