//! Floor 2.
mod utf8;
