//! Opening handshakes, on either side.

#[path = "../handshake_support/mod.rs"]
mod handshake_support;

mod access;
mod choice;
mod client;
mod errors;
mod example;
mod head;
mod props;
mod redirect;
mod refusal;
mod rejection;
mod server;
mod setters;
mod time;
