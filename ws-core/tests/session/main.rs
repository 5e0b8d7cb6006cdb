//! The resilient session: a file for each thing it does, in virtual time.

#[path = "../sim/mod.rs"]
mod sim;

mod accept_then_close;
mod deribit;
mod drain;
mod frames;
mod journal;
mod life;
mod limits;
mod login_secrets;
mod options;
mod overhear;
mod owner;
mod random;
mod redirects;
mod requests;
mod scenarios;
mod setup;
mod signed;
mod topics;
mod vitals;
mod world;
