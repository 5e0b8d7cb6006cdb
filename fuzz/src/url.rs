//! URLs, as far as into the request that is made of them.

use bytes::Buf;
use ws_core::handshake::{ClientHandshake, Limits, Request, ServerHandshake};
use ws_core::url::{Host, Url, UrlError};
use ws_core::{Instant, Machine, Seed};

/// A URL: what is accepted reads back as the same, goes into a request that a server understands in
/// the same way, and never shows the password.
///
/// Input: the URL.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Url::parse(&text) {
        Ok(url) => {
            check(&url, &text);
            request(&url);
        }
        Err(error) => refused(&error, &text),
    }
}

fn check(url: &Url, text: &str) {
    let shown = url.to_string();
    let again = Url::parse(&shown).expect("what is shown is a url");
    assert_eq!(again.to_string(), shown);
    assert_eq!((again.host(), again.port()), (url.host(), url.port()));
    assert_eq!(
        (again.target(), again.is_secure()),
        (url.target(), url.is_secure())
    );
    assert_eq!(
        again == *url,
        url.user().is_none(),
        "shown without user and password"
    );
    assert!(!url.authority().contains('@'));
    assert!(url.target().starts_with('/') && !url.target().contains('#'));
    assert!(url.target().bytes().all(|byte| byte.is_ascii_graphic()));
    assert_ne!(url.port(), 0);
    if let Host::Domain(name) = url.host() {
        assert!(!name.contains(|c: char| c.is_ascii_uppercase()));
        assert!(!name.is_empty() && name.parse::<core::net::IpAddr>().is_err());
    }
    for part in [url.user(), url.password()].into_iter().flatten() {
        assert!(!part.chars().any(char::is_control));
    }
    assert!(url.user().is_none_or(|user| !user.contains(':')));
    // What follows the first slashes up to an at sign, if there is one before the path.
    let authority = text.split_once("://").expect("a scheme").1;
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let (userinfo, server) = authority.rsplit_once('@').unwrap_or(("", authority));
    let port = server.rsplit_once(':').map_or("", |(_, port)| port);
    let default = if url.is_secure() { 443 } else { 80 };
    let port = match port {
        "" => default,
        address if address.ends_with(']') => default,
        port => port.parse().expect("a number"),
    };
    assert_eq!(url.port(), port);
    let shown_port = (port != default).then(|| format!(":{port}"));
    assert_eq!(
        url.authority(),
        format!("{}{}", url.host(), shown_port.unwrap_or_default())
    );
    let (user, password) = userinfo
        .split_once(':')
        .map_or((userinfo, None), |(u, p)| (u, Some(p)));
    let user = (!userinfo.is_empty()).then(|| decoded(user));
    assert_eq!(url.user().map(Into::into), user);
    assert_eq!(url.password().map(Into::into), password.map(decoded));
    decoded(url.target());
    if let Some(user) = url.user() {
        assert!(format!("{url:?}").contains("[redacted]@"), "{user}");
    }
}

/// Undoes the percent-encoding, which must be one.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        assert!(part.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit));
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A server reads the request as the URL means it.
fn request(url: &Url) {
    let now = Instant::ORIGIN;
    let request = Request::new(url).expect("a url is never refused");
    let seed = Seed::new([7; 32]);
    let mut client = ClientHandshake::with_key(&request, Limits::default(), seed, [7; 16], now);
    let mut server = ServerHandshake::new(Limits::default(), now);
    server.io().0.extend_from_slice(client.io().1.chunk());
    let seen = server.poll(now).expect("valid").expect("complete");
    assert_eq!(
        (seen.target(), seen.host()),
        (url.target(), &*url.authority())
    );
    let basic = seen.basic_auth();
    assert_eq!(basic.as_ref().map(|basic| basic.user()), url.user());
    if let (Some(basic), Some(user)) = (basic, url.user()) {
        let password = url.password().unwrap_or_default();
        assert!(basic.matches(user, password));
        assert!(!basic.matches(user, &[password, "x"].concat()));
    }
}

fn refused(error: &UrlError, text: &str) {
    match *error {
        UrlError::MustEncode { found, at } => assert!(text[at..].starts_with(found)),
        UrlError::TooLong { len } => assert_eq!(len, text.len()),
        _ => {}
    }
    assert!(!error.to_string().is_empty() && !error.explain().message.is_empty());
}
