//! Parts of a client that stays alive, each a machine of its own.
//!
//! | item | keeps |
//! |---|---|
//! | [`auth`] | the login and its renewal |
//! | [`clock`] | an eye on two clocks: was the computer asleep? |
//! | [`correlate`] | requests and their answers |
//! | [`queue`] | what waits to be sent, by lane and priority |
//! | [`subscriptions`] | which topics are wanted, and which the server has confirmed |
//!
//! None of them knows a socket, a frame or another of them; they are handed the time, and what they
//! have to say is returned by the call that caused it, so that nothing piles up inside.

pub mod auth;
pub mod clock;
pub mod correlate;
pub mod queue;
pub mod subscriptions;
