//! From a host to a connected transport: which addresses to try, in which order, how soon after one
//! another, and when to give up (Happy Eyeballs, RFC 8305).
//!
//! A pure machine: it never looks a name up and never opens a socket. It says which lookup and which
//! connects to begin and to abandon, is told what came of them, and knows time as the `now` it is
//! handed. A way through a proxy begins with a way to the proxy.
//!
//! | item | is |
//! |---|---|
//! | [`Dialer`] | the machine |
//! | [`DialConfig`] | deadlines, families, and what a socket is made like |
//! | [`Family`] | which addresses may be used, and which are tried first |
//!
//! ```
//! use core::net::Ipv4Addr;
//! use ws_core::Instant;
//! use ws_core::dial::{DialConfig, Dialer, Step};
//! use ws_core::url::Host;
//!
//! let mut now = Instant::ORIGIN;
//! let host = Host::Domain("example.com".into());
//! let mut dialer = Dialer::<&str>::new(&host, 80, &DialConfig::default(), now);
//! assert_eq!(dialer.poll(now), Some(Step::Resolve));
//! dialer.resolved(["2001:db8::1".parse()?, Ipv4Addr::new(192, 0, 2, 1).into()], now);
//!
//! // The first address does not answer: 250 ms later the second is tried as well.
//! let Some(Step::Connect(first, address)) = dialer.poll(now) else { panic!() };
//! assert!(address.is_ipv6());
//! now = dialer.poll_timeout().unwrap();
//! dialer.handle_timeout(now);
//! let Some(Step::Connect(second, address)) = dialer.poll(now) else { panic!() };
//! assert!(address.is_ipv4());
//!
//! // It wins, and the first is given up.
//! dialer.connected(second);
//! assert_eq!(dialer.poll(now), Some(Step::Abandon(first)));
//! assert_eq!(dialer.outcome(), Some(Ok(second)));
//! # Ok::<(), core::net::AddrParseError>(())
//! ```

mod config;
mod machine;
mod order;
#[cfg(test)]
mod tests;

pub use config::{DialConfig, Family, KeepAlive};
pub use machine::{Attempt, DialFailure, Dialer, Step};
