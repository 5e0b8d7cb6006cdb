//! What a peer may not do, and what becomes of one that does.

#[path = "../support/mod.rs"]
mod support;

mod close;
mod control;
mod header;
mod limits;
mod masking;
mod resources;
mod text;
