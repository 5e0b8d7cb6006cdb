//! The benches of the workspace: ours beside the peers, in the same run.
//!
//! One harness (the binary, and the modules here) answers one question per table; the criterion
//! benches under `benches/` look at single cells. `README.md` says how to run them and what the tables
//! mean.

#![forbid(unsafe_code)]

pub mod args;
pub mod broadcast;
pub mod child;
pub mod codec;
pub mod csv;
pub mod deflate;
pub mod echo;
pub mod growth;
pub mod load;
pub mod memory;
pub mod paths;
pub mod report;
pub mod servers;
pub mod session;
pub mod stats;
pub mod svg;
pub mod table;
pub mod tape;
pub mod wire;
