//! The benches of the workspace: ours beside the peers, in the same run.
//!
//! One harness ([`main`](../ws_benches/index.html) and the modules here) answers one question per
//! table; the criterion benches under `benches/` look at single cells. `README.md` says how to run
//! them and what the tables mean.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, reason = "never built without std")]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a bench handles messages; the rest of a peer's enum is not its business"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by it"))]
#![allow(
    clippy::print_stdout,
    reason = "printing tables is what this crate is for"
)]

pub mod args;
pub mod child;
pub mod codec;
pub mod csv;
pub mod echo;
pub mod growth;
pub mod load;
pub mod memory;
pub mod report;
pub mod servers;
pub mod stats;
pub mod svg;
pub mod table;
pub mod tape;
pub mod wire;
