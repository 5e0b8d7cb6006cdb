//! A provider of credentials that panics, in the thread of its own.

#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/examples/market/mod.rs"]
mod market;

use std::net::TcpListener;
use std::thread;

use guard::guard;
use market::{Market, answer};
use ws_blocking::session::{CredError, End, Lost, SessionOptions, Wanted, start_with_credentials};
use ws_blocking::ws_core::session::auth::AuthConfig;
use ws_blocking::ws_core::session::{LoginLost, SessionConfig};
use ws_blocking::{Request, accept};

#[test]
fn a_provider_that_panics_counts_as_one_that_denies() {
    guard(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut socket = accept(stream).expect("an upgrade");
            while socket.next().is_some() {}
        });
        let login = SessionConfig::default().login(Some(AuthConfig::default()));
        let options = SessionOptions::default().config(login);
        let panics = |_: Wanted| -> Result<String, CredError> { panic!("{}", answer("", "")) };
        let request = Request::new(&*url).expect("a url");
        let started = start_with_credentials(request, Market, &options, panics);
        let (client, _events) = started.expect("threads");
        let denied = Lost::Login(LoginLost::Denied { code: None });
        assert_eq!(client.ended(), End::Fatal(denied));
    });
}
