//! The contract of this crate's example programs.

#[path = "../../ws-core/tests/bindings/examples.rs"]
mod examples;
#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/tests/bindings/raw.rs"]
mod raw;

mod rt {
    pub(crate) use ws_tokio as ws;
}

/// What `broadcast` prints: whether the receiver was slow, how many messages it received, how it
/// ended; then what became of those that were queued for it.
fn broadcast(policy: &str) -> Vec<(String, String)> {
    let mut command = examples::example("broadcast");
    command.args(["--policy", policy, "--receivers", "2"]);
    let output = command.output().expect("started");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pair = |pair: &[&str]| (pair[0].to_owned(), pair[1].to_owned());
    lines.chunks(2).map(pair).collect()
}

#[test]
fn a_broadcast_reaches_the_fast_and_gives_the_slow_what_the_policy_says() {
    guard::guard(|| {
        for (policy, end, counted) in [
            ("close", "1013 try again later", "discarded"),
            ("drop-newest", "1000 normal closure", "dropped newest"),
            ("drop-oldest", "1000 normal closure", "dropped oldest"),
            ("reject", "1000 normal closure", "rejected"),
        ] {
            let seen = broadcast(policy);
            let [(slow, lost), fast @ ..] = &seen[..] else {
                panic!("{seen:?}");
            };
            assert!(slow.starts_with("slow: ") && slow.contains(end), "{slow}");
            let count = |part: &str| part.trim().split(' ').next().map(str::to_owned);
            let lost = lost.split(',').find(|part| part.contains(counted));
            assert_ne!(lost.and_then(count).as_deref(), Some("0"), "{policy}");
            assert_eq!(fast.len(), 2);
            for (fast, _) in fast {
                assert!(fast.starts_with("fast: 2000 received, "), "{fast}");
            }
        }
    });
}

#[test]
fn a_large_message_comes_back_as_it_was_sent() {
    guard::guard(|| {
        let ways = [&[][..], &["--deflate"]];
        for compressed in &ways[..1 + usize::from(cfg!(feature = "deflate"))] {
            for bytes in ["0", "65537", "30000000"] {
                let mut command = examples::example("large_message");
                command.args(["--bytes", bytes]).args(*compressed);
                let output = command.output().expect("started");
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{output:?}");
                assert!(text.starts_with(&format!("{bytes} bytes there and back in ")));
            }
        }
    });
}

#[test]
fn a_session_lives_through_a_bad_day_at_an_exchange() {
    guard::guard(|| {
        let output = examples::example("market_feed").arg("4").output();
        let output = output.expect("started");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("20/20 subscriptions"), "{text}");
        assert!(text.contains("turned away with 429"), "{text}");
        assert!(text.trim_end().ends_with(" 0 of them lost"), "{text}");
        let wrong = examples::example("market_feed").arg("soon").output();
        assert_eq!(wrong.expect("started").status.code(), Some(2));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_crowd_is_served_and_those_who_never_finish_are_cut() {
    guard::guard(|| {
        let mut command = examples::example("crowd");
        command.args(["--connections", "200", "--half-open", "100"]);
        let output = command.args(["--rounds", "20", "--patience", "1"]).output();
        let output = output.expect("started");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        for line in [
            "200 connections are open, ",
            " handshakes are half open",
            "100 of them were cut",
            "200 were closed with 1001, ",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let wrong = examples::example("crowd").arg("--connections").output();
        assert_eq!(wrong.expect("started").status.code(), Some(2));
    });
}

#[test]
fn only_who_has_the_token_is_let_in() {
    guard::guard(|| {
        let output = examples::example("auth_headers").output().expect("started");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("welcome"), "{text}");
        assert!(text.contains("wrong: 401 Some(\"Bearer"), "{text}");
        assert!(text.contains("no token: 401 "), "{text}");
        assert!(text.trim_end().ends_with("1 let in, 2 not"), "{text}");
    });
}

/// Two in a room hear each other, and nobody in another does.
#[cfg(feature = "axum")]
#[test]
fn a_chat_has_a_page_and_rooms() {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    guard::guard(|| {
        let (_running, address, _stdout) = examples::listening("chat", &[]);
        let ask = |request: &str| {
            let mut stream = TcpStream::connect(address).expect("a server");
            stream.write_all(request.as_bytes()).expect("written");
            stream
        };
        let mut page = String::new();
        ask("GET /den HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            .read_to_string(&mut page)
            .expect("a page");
        assert!(page.contains("new WebSocket(url)"), "{page}");
        let enter = |room: &str, name: &str| {
            let way = format!("GET /ws/{room}?name={name} ");
            let mut stream = ask(&raw::REQUEST.replace("GET / ", &way));
            assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
            stream
        };
        let hear = |stream: &mut TcpStream| {
            let (first, line) = raw::read_frame(stream).expect("a line");
            assert_eq!(first, raw::TEXT);
            String::from_utf8(line).expect("text")
        };
        let mut ann = enter("den", "ann");
        assert_eq!(hear(&mut ann), "ann is here");
        let mut eve = enter("elsewhere", "eve");
        assert_eq!(hear(&mut eve), "eve is here");
        let mut bob = enter("den", "bob");
        assert_eq!(hear(&mut bob), "bob is here");
        let said = raw::masked(raw::TEXT, b"hello");
        bob.write_all(&said).expect("written");
        for line in ["bob is here", "bob: hello"] {
            assert_eq!(hear(&mut ann), line);
        }
        drop(bob);
        assert_eq!(hear(&mut ann), "bob is gone");
        eve.write_all(&said).expect("written");
        assert_eq!(hear(&mut eve), "eve: hello");
    });
}

#[test]
fn a_client_goes_through_the_proxy_that_it_is_told_of() {
    use std::io::{Read, Write};

    guard::guard(|| {
        let (_running, address, _stdout) = examples::listening("echo_server", &[]);
        let proxy = raw::serve(move |client| {
            let request = raw::read_head(client);
            let asked = format!("CONNECT {address} HTTP/1.1\r\n");
            assert!(request.starts_with(&asked), "{request}");
            // "user:secret"
            assert!(request.contains("Basic dXNlcjpzZWNyZXQ="), "{request}");
            client
                .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
                .expect("written");
            let mut server = std::net::TcpStream::connect(address).expect("a server");
            let (mut back, mut answers) = (
                client.try_clone().expect("a handle"),
                server.try_clone().expect("a handle"),
            );
            let returning =
                std::thread::spawn(move || drop(std::io::copy(&mut answers, &mut back)));
            let mut all = [0; 1024];
            while let Ok(n @ 1..) = client.read(&mut all) {
                server.write_all(&all[..n]).expect("written");
            }
            let _ = server.shutdown(std::net::Shutdown::Write);
            guard::join(returning);
        });
        let mut command = examples::example("client_proxy");
        command.arg(format!("ws://{address}/"));
        command.args(["--proxy", &format!("http://{proxy}")]);
        let output = command.args(["--login", "user", "secret"]).output();
        let output = output.expect("started");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        assert!(
            text.starts_with(&format!("through http://{proxy}")),
            "{text}"
        );
        assert!(text.contains("hello"), "{text}");
        let output = examples::example("client_proxy").output().expect("started");
        assert!(!output.status.success());
    });
}

#[cfg(feature = "tls")]
#[test]
fn a_client_trusts_whom_it_is_told_to() {
    guard::guard(|| {
        let folder = std::env::temp_dir().join(format!("ws-client-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let made = examples::example("certificate").arg(&folder).output();
        assert!(made.expect("started").status.success());
        let file = |name: &str| folder.join(name).display().to_string();
        let tls = ["--tls", &file("cert.pem"), &file("key.pem")];
        let (_running, address, _stdout) = examples::listening("echo_server", &tls);
        let url = format!("wss://localhost:{}/", address.port());
        let ask = |roots: &[&str]| {
            let mut command = examples::example("client_tls");
            command.arg(&url).args(roots).output().expect("started")
        };
        let trusted = ask(&["--roots", &file("ca.pem")]);
        let text = String::from_utf8_lossy(&trusted.stdout);
        assert!(
            trusted.status.success() && text.contains("hello"),
            "{trusted:?}"
        );
        let unknown = ask(&[]);
        let text = String::from_utf8_lossy(&unknown.stderr);
        assert!(!unknown.status.success() && text.contains("tls"), "{text}");
        std::fs::remove_dir_all(&folder).expect("removed");
    });
}
