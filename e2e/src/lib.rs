//! Real clients against the released binary: `target/release/sealock serve` in a folder of its own, and machines
//! with docker, skopeo, podman and others that know nothing of each other. Tests are in `tests/`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test ground panics with the reason; nobody handles it.

mod answer;
mod browser;
mod clock;
mod containerd;
pub mod hostile;
mod installation;
mod machine;
mod outcome;
mod pebble;
mod programs;
mod read_only;
mod server;
pub mod soak;

pub use answer::Answer;
pub use browser::Browser;
pub use containerd::Containerd;
pub use installation::{Installation, NOBODY, Run};
pub use machine::Machine;
pub use outcome::Outcome;
pub use pebble::Pebble;
pub use read_only::ReadOnly;
pub use server::{ADMIN_PASSWORD, Sealock};
