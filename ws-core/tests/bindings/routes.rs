//! Ways to a host that are not the straight one: proxies, names with several addresses, a local
//! address of one's own.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::{echo, guard, join, listener, listener_v6, server};
use crate::rt::{self, wait, ws};
use ws::ws_core::policy::Stage;
use ws::ws_core::proxy::{ProxyFault, SocksFault};
use ws::{
    CloseCode, ConnectError, ConnectOptions, DialConfig, Family, OwnedEvent, ProxyEnv, ProxyError,
    Request, Route,
};

/// A proxy for one connection; it knows one user.
pub(super) fn proxy(serve: fn(&mut TcpStream) -> io::Result<Option<SocketAddr>>) -> SocketAddr {
    let (listener, address) = listener();
    thread::spawn(move || {
        let (mut near, _) = listener.accept()?;
        let Some(to) = serve(&mut near)? else {
            return near.shutdown(Shutdown::Write);
        };
        let mut far = TcpStream::connect(to)?;
        let (mut from_far, mut to_near) = (far.try_clone()?, near.try_clone()?);
        thread::spawn(move || {
            let copied = io::copy(&mut from_far, &mut to_near);
            let _ = to_near.shutdown(Shutdown::Write);
            copied
        });
        io::copy(&mut near, &mut far)?;
        far.shutdown(Shutdown::Write)
    });
    address
}

/// CONNECT, for `ann` with the password `s3cret`.
pub(super) fn http(near: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        near.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let to = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let to: SocketAddr = to.and_then(|to| to.parse().ok()).expect("an address");
    if !head.contains("\r\nProxy-Authorization: Basic YW5uOnMzY3JldA==\r\n") {
        near.write_all(b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n")?;
        return Ok(None);
    }
    near.write_all(b"HTTP/1.1 200 Go on\r\n\r\n")?;
    Ok(Some(to))
}

/// SOCKS5, for everyone; ports below 1024 are forbidden.
fn socks(near: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut hello = [0; 3];
    near.read_exact(&mut hello)?;
    assert_eq!(hello, [5, 1, 0]);
    near.write_all(&[5, 0])?;
    let mut request = [0; 10];
    near.read_exact(&mut request)?;
    let [5, 1, 0, 1, a, b, c, d, high, low] = request else {
        panic!("{request:?}");
    };
    let port = u16::from_be_bytes([high, low]);
    if port < 1024 {
        near.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0])?;
        return Ok(None);
    }
    near.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 7])?;
    Ok(Some((Ipv4Addr::new(a, b, c, d), port).into()))
}

fn through(proxy: &str) -> ConnectOptions {
    let proxy = proxy.parse().expect("a proxy");
    ConnectOptions::default().route(Route::default().proxy(Some(proxy)))
}

fn refused(to: &str, options: &ConnectOptions) -> ConnectError {
    let request = Request::new(to).expect("a url");
    wait!(ws::connect_with(&request, options)).expect_err("there is no way")
}

/// Connects, and asks the echo server at the other end something.
fn talk(url: &str, options: &ConnectOptions) {
    let request = Request::new(url).expect("a url");
    let mut socket = wait!(ws::connect_with(&request, options)).expect("a connection");
    wait!(socket.send("hello")).expect("sent");
    assert_eq!(wait!(socket.next()), Some(OwnedEvent::Text("hello".into())));
    assert!(
        wait!(socket.close(CloseCode::NORMAL, ""))
            .expect("closed")
            .is_clean()
    );
}

fn echo_server() -> (SocketAddr, thread::JoinHandle<()>) {
    server(|stream| {
        let mut socket = wait!(ws::accept(stream)).expect("an upgrade");
        echo(&mut socket);
    })
}

#[test]
fn the_environment_names_a_proxy_for_those_who_ask_it() {
    guard(|| {
        // One without a proxy would not see the refusal of a wrong login.
        let wrong = format!("http://ann:wrong@{}", proxy(http));
        let (address, serving) = echo_server();
        for (except, way) in [("example.org", false), ("127.0.0.0/8", true)] {
            let env = ProxyEnv::read(|name| match name {
                "all_proxy" => Some(wrong.clone()),
                "no_proxy" => Some(except.into()),
                _ => None,
            });
            let route = Route::default().proxy_env(Some(env));
            let options = ConnectOptions::default().route(route);
            let url = format!("ws://{address}/");
            match way {
                true => talk(&url, &options),
                false => assert!(matches!(refused(&url, &options), ConnectError::Proxy(_))),
            }
        }
        join(serving);
    });
}

#[test]
fn both_kinds_of_proxy_lead_to_the_server() {
    guard(|| {
        for kind in ["http", "socks5"] {
            let (address, serving) = echo_server();
            let options = match kind {
                "http" => through(&format!("http://ann:s3cret@{}", proxy(http))),
                _ => through(&format!("socks5://{}", proxy(socks))),
            };
            talk(&format!("ws://{address}/"), &options);
            join(serving);
        }
    });
}

#[test]
fn a_proxy_that_refuses_is_named() {
    guard(|| {
        for (login, expected) in [
            ("ann:wrong@", ProxyFault::AuthRefused),
            ("", ProxyFault::AuthRequired),
        ] {
            let address = proxy(http);
            let options = through(&format!("http://{login}{address}"));
            let error = refused("ws://127.0.0.1:9/", &options);
            assert!(error.to_string().contains(&address.to_string()), "{error}");
            let ConnectError::Proxy(ProxyError { fault, .. }) = error else {
                panic!("{error:?}");
            };
            assert_eq!(fault, expected);
        }
        let options = through(&format!("socks5://{}", proxy(socks)));
        let error = refused("ws://127.0.0.1:9/", &options);
        let ConnectError::Proxy(ProxyError { fault, .. }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(fault, ProxyFault::Socks(SocksFault::NotAllowed));
    });
}

#[test]
fn a_proxy_that_is_not_there_is_named_too() {
    guard(|| {
        let (listener, address) = listener();
        drop(listener);
        let options = through(&format!("http://{address}"));
        let error = refused("ws://127.0.0.1:9/", &options);
        assert!(
            error
                .to_string()
                .contains(&format!("proxy http://{address}"))
        );
        let ConnectError::Dial { stage, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(stage, Stage::Connect);
    });
}

/// `localhost` may have addresses of both families; the server listens at one of them.
#[test]
fn a_name_leads_to_whichever_of_its_addresses_answers() {
    guard(|| {
        for family in [Family::Any, Family::PreferV6, Family::PreferV4] {
            let (address, serving) = echo_server();
            let dial = DialConfig::default().family(family);
            let options = ConnectOptions::default().route(Route::default().dial(dial));
            talk(&format!("ws://localhost:{}/", address.port()), &options);
            join(serving);
        }
    });
}

#[test]
fn an_address_of_ipv6_is_a_host_too() {
    guard(|| {
        let Some((listener, address)) = listener_v6() else {
            return;
        };
        let serving = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let upgrade = wait!(ws::upgrade(rt::tcp(stream), &ws::AcceptOptions::default()));
            let upgrade = upgrade.expect("a request");
            assert_eq!(
                upgrade.request().header("Host"),
                Some(&*address.to_string())
            );
            let accept = ws::Accept::new();
            echo(&mut wait!(upgrade.accept(accept)).expect("an upgrade"));
        });
        talk(&format!("ws://{address}/"), &ConnectOptions::default());
        join(serving);
    });
}

#[test]
fn a_socket_is_bound_where_the_route_says() {
    guard(|| {
        let local = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));
        // Some systems have but one address in the loopback network.
        if TcpListener::bind((local, 0)).is_err() {
            return;
        }
        let (listener, address) = listener();
        let dial = DialConfig::default()
            .bind(Some(local))
            .recv_buffer(Some(16 << 10))
            .send_buffer(Some(16 << 10));
        let options = ConnectOptions::default().route(Route::default().dial(dial));
        let seen = thread::spawn(move || listener.accept().map(|(_, from)| from.ip()));
        let error = refused(&format!("ws://{address}/"), &options);
        assert!(matches!(error, ConnectError::Handshake(_)), "{error:?}");
        assert_eq!(join(seen).expect("a client"), local);
    });
}

/// A listener that answers nobody: its backlog is full, and what comes then is dropped.
#[cfg(target_os = "linux")]
fn black_hole(port: u16) -> impl Sized {
    use socket2::{Domain, Socket, Type};

    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let address = SocketAddr::from(([127, 0, 0, 99], port));
    socket.bind(&address.into()).expect("a free port");
    socket.listen(0).expect("a listener");
    let filling: Vec<Socket> = (0..8)
        .map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("not blocking");
            // It is under way, or it is not: either way it takes a place in the queue, or finds none.
            let _ = socket.connect(&address.into());
            socket
        })
        .collect();
    (socket, filling)
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_swallows_everything_is_passed_by() {
    guard(|| {
        let (address, serving) = echo_server();
        let hole = black_hole(address.port());
        let addresses = vec![Ipv4Addr::new(127, 0, 0, 99).into(), address.ip()];
        let dial = DialConfig::default().addresses(addresses);
        let options = ConnectOptions::default().route(Route::default().dial(dial));
        talk(&format!("ws://two.test:{}/", address.port()), &options);
        drop(hole);
        join(serving);
    });
}
