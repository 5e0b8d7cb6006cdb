//! The contract of the example programs, which the conformance suite and the README rely on: how
//! they are called, what they print, how they exit. Included by a test of each binding.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use super::guard::guard;
use super::raw::{self, BINARY, CLOSE, PING, PONG, TEXT};

/// An example of the package under test, as cargo has built it for this run.
///
/// The examples of different packages share names, so the one that cargo copies to `examples/NAME`
/// may be another's. What was compiled is there under a longer name, and says what it was made from.
pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("this program");
    let target = test.ancestors().nth(2).expect("a target directory");
    let source = format!("{}/examples/{name}.rs", env!("CARGO_PKG_NAME"));
    let mut found = Vec::new();
    for entry in fs::read_dir(target.join("examples")).expect("examples, built") {
        let rules = entry.expect("an entry").path();
        let file = rules.file_name().unwrap_or_default().to_string_lossy();
        if !file.starts_with(&format!("{name}-")) || !file.ends_with(".d") {
            continue;
        }
        let made_from = fs::read_to_string(&rules).expect("a list of sources");
        let program = rules.with_extension(std::env::consts::EXE_EXTENSION);
        let built = fs::metadata(&program).and_then(|meta| meta.modified());
        if let (true, Ok(built)) = (made_from.contains(&source), built) {
            found.push((built, program));
        }
    }
    found.sort();
    // Where cargo runs the test, not where it was compiled: worktrees may share a target folder.
    let root = std::env::var("CARGO_MANIFEST_DIR");
    let root = root.unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
    let written = fs::metadata(format!("{root}/examples/{name}.rs"));
    let written = written.and_then(|meta| meta.modified()).expect("a source");
    found.retain(|(built, _)| *built >= written);
    let program = found.into_iter().rev().map(|(_, program)| program);
    let program = { program }.find(|program| {
        // `cargo test --all-targets` also makes tests of the examples, which list none.
        let listed = Command::new(program).arg("--list").output();
        listed.is_ok_and(|listed| !listed.status.success())
    });
    let program = program.expect("built by `cargo test`, or by `cargo build --examples`");
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Ends the program with the test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server(args: &[&str]) -> (Running, SocketAddr, BufReader<ChildStdout>) {
    listening("echo_server", args)
}

/// An example that serves, and where.
pub(crate) fn listening(
    name: &str,
    args: &[&str],
) -> (Running, SocketAddr, BufReader<ChildStdout>) {
    let mut command = example(name);
    let mut child = command
        .arg("127.0.0.1:0")
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let running = Running(child);
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let address = line
        .strip_prefix("listening on ")
        .and_then(|rest| rest.trim_end().parse::<SocketAddr>().ok())
        .unwrap_or_else(|| panic!("{line:?}"));
    assert_ne!(
        address.port(),
        0,
        "the port that it got, not the one it asked for"
    );
    (running, address, stdout)
}

fn finish(mut command: Command) -> Output {
    command.output().expect("started")
}

#[track_caller]
fn assert_usage(name: &str, args: &[&str]) {
    let mut command = example(name);
    command.args(args);
    let output = finish(command);
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success(), "{name} {args:?} succeeded");
    assert_eq!(output.stdout, b"", "{name} {args:?}");
    assert!(stderr.contains(&format!("usage: {name} ")), "{stderr}");
}

#[test]
fn bad_arguments_get_the_usage_and_a_status_that_says_so() {
    guard(|| {
        for args in [
            &[][..],
            &["127.0.0.1:0", "--unknown"],
            &["127.0.0.1:0", "--max-message"],
            &["127.0.0.1:0", "--max-message", "1", "more"],
            &["127.0.0.1:0", "--max-message", "many"],
        ] {
            assert_usage("echo_server", args);
        }
        assert_usage("ask", &[]);
        assert_usage("echo_client", &[]);
        assert_usage("autobahn_client", &[]);
        assert_usage("autobahn_client", &["ws://localhost:1"]);
    });
}

#[test]
fn an_address_that_is_taken_is_an_error_on_one_line() {
    guard(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut command = example("echo_server");
        command.arg(listener.local_addr().expect("an address").to_string());
        let output = finish(command);
        assert!(!output.status.success());
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert!(stderr.starts_with("error: "), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    });
}

#[test]
fn the_server_echoes_text_as_text_and_binary_as_binary_on_any_path() {
    guard(|| {
        let (_running, address, _stdout) = server(&[]);
        for path in ["/", "/chat?x=1"] {
            let mut peer = TcpStream::connect(address).expect("a server");
            let request = raw::REQUEST.replacen("GET / ", &format!("GET {path} "), 1);
            peer.write_all(request.as_bytes()).expect("written");
            assert!(raw::read_head(&mut peer).starts_with("HTTP/1.1 101 "));
            for (first, payload) in [(TEXT, "grüße".as_bytes()), (BINARY, &[0, 255, 7])] {
                peer.write_all(&raw::masked(first, payload))
                    .expect("written");
                let echo = raw::read_frame(&mut peer).expect("an echo");
                assert_eq!(echo, (first, payload.to_vec()));
            }
            peer.write_all(&raw::masked(PING, b"?")).expect("written");
            assert_eq!(raw::read_frame(&mut peer).expect("a pong").0, PONG);
            let close = raw::close(1000, "");
            peer.write_all(&raw::masked(CLOSE, &close))
                .expect("written");
            assert_eq!(raw::read_frame(&mut peer).expect("a close"), (CLOSE, close));
            assert_eq!(raw::drain(&mut peer), b"");
        }
    });
}

#[test]
fn the_server_survives_those_who_break_off_and_keeps_its_limit() {
    guard(|| {
        let (_running, address, _stdout) = server(&["--max-message", "1000"]);
        // One who says nothing and stays, one who stops in the middle, one who floods and never reads.
        let _silent = TcpStream::connect(address).expect("a server");
        let mut broken = raw::connect(address);
        broken
            .write_all(&raw::masked(TEXT, b"half")[..7])
            .expect("written");
        drop(broken);
        let mut flood = raw::connect(address);
        flood
            .set_write_timeout(Some(Duration::from_millis(50)))
            .expect("a timeout");
        let pings = raw::masked(PING, &[7; 125]).repeat(1000);
        let _ = (0..100).try_for_each(|_| flood.write_all(&pings));

        let mut peer = raw::connect(address);
        let fits = vec![7; 1000];
        peer.write_all(&raw::masked(BINARY, &fits))
            .expect("written");
        assert_eq!(raw::read_frame(&mut peer).expect("an echo"), (BINARY, fits));
        peer.write_all(&raw::masked(BINARY, &[7; 1001]))
            .expect("written");
        let (first, payload) = raw::read_frame(&mut peer).expect("a close");
        assert_eq!((first, &payload[..2]), (CLOSE, &1009_u16.to_be_bytes()[..]));
    });
}

type Frame = (u8, Vec<u8>);

/// A server for one client: what it is sent, then a Close.
fn script(code: u16) -> (SocketAddr, thread::JoinHandle<Vec<Frame>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let serving = thread::spawn(move || {
        let mut client = raw::accept(&listener);
        let mut frames = raw::frame(TEXT, b"echo this");
        frames.extend(raw::frame(BINARY, b"and this"));
        frames.extend(raw::frame(CLOSE, &raw::close(code, "done")));
        client.write_all(&frames).expect("written");
        (0..3)
            .map(|_| raw::read_frame(&mut client).expect("a frame"))
            .collect()
    });
    (address, serving)
}

#[test]
fn the_client_echoes_and_succeeds_after_a_clean_close() {
    guard(|| {
        let (address, serving) = script(1000);
        let mut command = example("echo_client");
        command.arg(format!("ws://{address}/"));
        let output = finish(command);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            serving.join().expect("served"),
            [
                (TEXT, b"echo this".to_vec()),
                (BINARY, b"and this".to_vec()),
                (CLOSE, raw::close(1000, "done"))
            ]
        );
    });
}

#[test]
fn the_answers_to_what_is_asked_are_printed() {
    guard(|| {
        let (_running, address, _stdout) = server(&[]);
        let mut command = example("ask");
        command.args([&format!("ws://{address}/"), "grüße", "", "again"]);
        let output = finish(command);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, "grüße\n\nagain\n".as_bytes());
        let (address, serving) = script(1000);
        let mut command = example("ask");
        command.args([&format!("ws://{address}/"), "one", "two", "three"]);
        let output = finish(command);
        assert!(!output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"echo this\n");
        drop(serving);
    });
}

/// What a client says of a port where nothing is, if it is to speak TLS with it.
const TLS: &str = if cfg!(feature = "tls") {
    "server is running"
} else {
    "ws://"
};

#[test]
fn the_client_fails_with_one_line_that_says_what_to_do() {
    guard(|| {
        let (nobody, _taken) = raw::nobody();
        let refused = format!("ws://{nobody}/");
        let address = raw::serve(|stream| {
            raw::read_head(stream);
            let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).expect("written");
        });
        let lost = raw::serve(|stream| {
            let request = raw::read_head(stream);
            stream.write_all(&raw::answer(&request)).expect("written");
        });
        for (url, words) in [
            (refused, "server is running"),
            (format!("ws://{address}/"), "path of the URL"),
            ("localhost".to_owned(), "ws://"),
            ("wss://localhost:1/".to_owned(), TLS),
            (format!("ws://{lost}/"), "broken off"),
        ] {
            let mut command = example("echo_client");
            command.arg(&url);
            let output = finish(command);
            let stderr = String::from_utf8(output.stderr).expect("text");
            assert!(!output.status.success(), "{url}");
            assert!(stderr.contains(words), "{url}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    });
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_text_are_complained_about() {
    use std::os::unix::ffi::OsStrExt;

    guard(|| {
        for name in [
            "ask",
            "echo_server",
            "echo_client",
            "autobahn_client",
            "resilient_echo",
        ] {
            let mut command = example(name);
            command.arg(std::ffi::OsStr::from_bytes(b"ws://\xff"));
            let output = finish(command);
            let stderr = String::from_utf8(output.stderr).expect("text");
            assert!(!output.status.success(), "{name}");
            assert!(stderr.contains("argument is not text"), "{name}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    });
}

/// The suite, with two cases: it counts them, runs them and writes its report.
#[test]
fn the_client_of_the_suite_runs_every_case_and_asks_for_the_report() {
    guard(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let suite = thread::spawn(move || {
            let mut targets = Vec::new();
            for _ in 0..4 {
                let (mut client, _) = listener.accept().expect("a client");
                let request = raw::read_head(&mut client);
                client.write_all(&raw::answer(&request)).expect("written");
                let target = request.split(' ').nth(1).expect("a target").to_owned();
                if target.starts_with("/getCaseCount") {
                    client.write_all(&raw::frame(TEXT, b"2")).expect("written");
                } else if target.starts_with("/runCase") {
                    client
                        .write_all(&raw::frame(TEXT, b"case"))
                        .expect("written");
                    let echo = raw::read_frame(&mut client).expect("an echo");
                    assert_eq!(echo, (TEXT, b"case".to_vec()));
                }
                targets.push(target);
                let close = raw::frame(CLOSE, &raw::close(1000, ""));
                client.write_all(&close).expect("written");
                raw::read_frame(&mut client).expect("a close");
            }
            targets
        });
        let mut command = example("autobahn_client");
        command.args([format!("ws://{address}/"), "ws-test".into()]);
        let output = finish(command);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            suite.join().expect("served"),
            [
                "/getCaseCount",
                "/runCase?case=1&agent=ws-test",
                "/runCase?case=2&agent=ws-test",
                "/updateReports?agent=ws-test"
            ]
        );
    });
}
