//! The contract of this crate's example programs.

#[path = "../../ws-core/tests/bindings/examples.rs"]
mod examples;
#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/tests/bindings/raw.rs"]
mod raw;

mod rt {
    pub(crate) use ws_blocking as ws;
}
