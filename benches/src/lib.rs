//! The benches of the workspace: ours beside the peers, in the same run.
//!
//! One harness ([`main`](../ws_benches/index.html) and the modules here) answers one question per
//! table; the criterion benches under `benches/` look at single cells. `README.md` says how to run
//! them and what the tables mean.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "printing tables is what this crate is for")]

pub mod args;
pub mod codec;
pub mod csv;
pub mod report;
pub mod stats;
pub mod svg;
pub mod table;
pub mod tape;
pub mod wire;
