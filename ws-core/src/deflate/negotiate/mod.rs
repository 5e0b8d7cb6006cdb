//! What is offered, accepted and agreed on (RFC 7692 §5, §7.1).
//!
//! Nothing is compressed here.
//!
//! | file | |
//! |---|---|
//! | `params` | the parameters, read and written |
//! | `offer` | what a client offers, and what it makes of the answer |
//! | `accept` | what a server answers |
//! | `terms` | what they agreed on, or why they did not |

mod accept;
mod offer;
mod params;
mod terms;
#[cfg(test)]
mod tests;

pub use terms::{Terms, TermsError};
