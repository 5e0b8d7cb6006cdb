//! The driver that the async bindings share, in virtual time and over scripted transports.
#![cfg(feature = "pump")]

#[path = "../pump_sim/mod.rs"]
mod pump_sim;
#[path = "../pump_support/mod.rs"]
mod pump_support;

mod bursts;
mod cancel;
mod dialing_may_use_the_handles;
mod failures;
mod handles_outlive_the_driver;
mod handshake;
mod lag;
mod room;
mod server;
mod silence;
mod streams;
mod wakes;
