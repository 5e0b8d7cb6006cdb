//! Whom a server lets in, how many at once, and how it goes down: what the bindings' servers decide,
//! once. Knows counts, addresses and time; refuses to know sockets, tasks and handshakes.
//!
//! ```
//! use core::net::IpAddr;
//! use ws_core::Instant;
//! use ws_core::server::{Admission, Phase, Refusal, ServerLimits, Verdict};
//!
//! let now = Instant::ORIGIN;
//! let mut door = Admission::new(ServerLimits::default().max_per_address(1));
//! let client = IpAddr::from([192, 0, 2, 1]);
//! let Verdict::Admit(mut ticket) = door.arrived(Some(client)) else { unreachable!() };
//! door.opened(&mut ticket); // its opening handshake is done
//! let Verdict::Refuse(refused, why) = door.arrived(Some(client)) else { unreachable!() };
//! assert_eq!((why, why.status()), (Refusal::Address, 429));
//! door.left(refused); // it has its answer
//!
//! door.shutdown(now);
//! assert_eq!(door.phase(), Phase::Closing); // every connection is closed with 1001 now
//! door.left(ticket);
//! assert!(door.is_empty());
//! ```

mod admission;
mod backoff;
mod counts;
mod farewell;
mod limits;
#[cfg(test)]
mod tests;

pub use admission::{Admission, Phase, Refusal, Ticket, Verdict};
pub use backoff::AcceptFault;
pub use counts::Counts;
pub use farewell::Farewell;
pub use limits::ServerLimits;
