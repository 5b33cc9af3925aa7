//! The test ground: engines, clock, randomness, images, programs that may be missing. Dev only; nothing that is
//! released depends on it.
//!
//! A crate's unit tests may use what is here only for engines, time, bytes and images. Tests that need another
//! crate of the house stand in its `tests/` folder, so that there is one compilation of its types.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test ground panics with the reason; nobody handles it.

#[cfg(test)]
extern crate self as testkit; // What #[both_engines] writes says `::testkit`.

pub mod actor;
pub mod answer;
pub mod clock;
pub mod engine;
pub mod faults;
pub mod image;
pub mod listener;
pub mod missing;
pub mod postgres;
pub mod randomness;
pub mod server;
pub mod tampering;
pub mod transaction;
pub mod watchdog;
pub mod wire;

pub use actor::Actor;
pub use answer::Answer;
pub use engine::Engine;
pub use faults::{Fault, Faults};
pub use listener::Listener;
pub use registry::Swept;
pub use server::{ServiceToken, TestServer};
pub use testkit_macros::{both_engines, on_postgres};
pub use transaction::OpenTransaction;
pub use wire::Wire;
