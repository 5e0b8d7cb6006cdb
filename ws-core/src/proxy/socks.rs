//! SOCKS5 (RFC 1928) with user and password (RFC 1929): what is said, and what the answers mean.
//! Never offers GSS-API, never asks for a connection in the other direction.

use alloc::vec::Vec;

use super::{Proxy, ProxyFault, SocksFault};
use crate::buf::{RecvBuf, SendBuf};
use crate::url::Host;

const VERSION: u8 = 5;
const NO_AUTH: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_OF_THEM: u8 = 0xff;
const CONNECT: u8 = 1;
const V4: u8 = 1;
const NAME: u8 = 3;
const V6: u8 = 4;
/// The version of the exchange of user and password (RFC 1929 §2).
const LOGIN: u8 = 1;

/// Which answer is awaited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Awaits {
    Method,
    Login,
    Reply,
}

/// The client's side, one question at a time.
pub(super) struct Socks {
    awaits: Awaits,
    /// What to answer if the proxy wants to know who asks.
    login: Option<Vec<u8>>,
    request: Vec<u8>,
}

impl Socks {
    /// Queues the first words.
    pub(super) fn new(
        proxy: &Proxy,
        host: &Host,
        port: u16,
        send: &mut SendBuf,
    ) -> Result<Self, ProxyFault> {
        let login = proxy.credentials().map(login).transpose()?;
        let methods: &[u8] = match login {
            Some(_) => &[VERSION, 2, NO_AUTH, PASSWORD],
            None => &[VERSION, 1, NO_AUTH],
        };
        say(send, methods);
        Ok(Self {
            awaits: Awaits::Method,
            login,
            request: request(host, port),
        })
    }

    /// Takes in what was received: `true` once the way is open.
    pub(super) fn advance(
        &mut self,
        recv: &mut RecvBuf,
        send: &mut SendBuf,
    ) -> Result<bool, ProxyFault> {
        loop {
            let bytes = recv.filled();
            let used = match (self.awaits, bytes) {
                (Awaits::Login, [version, ..]) if *version != LOGIN => {
                    return Err(ProxyFault::NotSocks);
                }
                (Awaits::Method | Awaits::Reply, [version, ..]) if *version != VERSION => {
                    return Err(ProxyFault::NotSocks);
                }
                (Awaits::Method, [_, method, ..]) => {
                    match (*method, &self.login) {
                        (NO_AUTH, _) => self.ask(send),
                        (PASSWORD, Some(login)) => {
                            say(send, login);
                            self.awaits = Awaits::Login;
                        }
                        (NONE_OF_THEM, Some(_)) => return Err(ProxyFault::AuthRefused),
                        (NONE_OF_THEM, None) => return Err(ProxyFault::AuthRequired),
                        // It chose what was not offered.
                        _ => return Err(ProxyFault::NotSocks),
                    }
                    2
                }
                (Awaits::Login, [_, 0, ..]) => {
                    self.ask(send);
                    2
                }
                (Awaits::Login, [_, _, ..]) => return Err(ProxyFault::AuthRefused),
                // A refusal may end here, whatever its length.
                (Awaits::Reply, [_, reply, ..]) if *reply != 0 => {
                    let fault = SocksFault::from_reply(*reply).unwrap_or(SocksFault::General);
                    return Err(ProxyFault::Socks(fault));
                }
                (Awaits::Reply, bytes) => match reply_len(bytes)? {
                    Some(len) if len <= bytes.len() => {
                        recv.consume(len);
                        return Ok(true);
                    }
                    _ => return Ok(false),
                },
                (Awaits::Method | Awaits::Login, _) => return Ok(false),
            };
            recv.consume(used);
        }
    }

    fn ask(&mut self, send: &mut SendBuf) {
        say(send, &self.request);
        self.awaits = Awaits::Reply;
    }
}

fn say(send: &mut SendBuf, bytes: &[u8]) {
    send.push(bytes, 0, |_| {});
}

/// How long a reply is; `None` if that is not there yet (RFC 1928 §6).
fn reply_len(bytes: &[u8]) -> Result<Option<usize>, ProxyFault> {
    Ok(match *bytes {
        [_, _, _, V4, ..] => Some(4 + 4 + 2),
        [_, _, _, V6, ..] => Some(4 + 16 + 2),
        [_, _, _, NAME, len, ..] => Some(5 + usize::from(len) + 2),
        [_, _, _, NAME] | [] | [_] | [_, _] | [_, _, _] => None,
        _ => return Err(ProxyFault::NotSocks),
    })
}

/// User and password (RFC 1929 §2).
fn login((user, password): (&str, &str)) -> Result<Vec<u8>, ProxyFault> {
    let mut message = Vec::from([LOGIN]);
    for part in [user, password] {
        let len = u8::try_from(part.len()).ok().filter(|&len| len > 0);
        message.push(len.ok_or(ProxyFault::LoginTooLong)?);
        message.extend_from_slice(part.as_bytes());
    }
    Ok(message)
}

/// The request to connect (RFC 1928 §4).
fn request(host: &Host, port: u16) -> Vec<u8> {
    let mut message = Vec::from([VERSION, CONNECT, 0]);
    match host {
        Host::V4(address) => {
            message.push(V4);
            message.extend_from_slice(&address.octets());
        }
        Host::V6(address) => {
            message.push(V6);
            message.extend_from_slice(&address.octets());
        }
        Host::Domain(name) => {
            // A host name has at most 254 bytes, its last dot included.
            message.extend_from_slice(&[NAME, u8::try_from(name.len()).unwrap_or(u8::MAX)]);
            message.extend_from_slice(name.as_bytes());
        }
    }
    message.extend_from_slice(&port.to_be_bytes());
    message
}
