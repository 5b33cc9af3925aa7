//! The console's pages over real connections, on both engines. What a real browser makes of them is in `e2e`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;
mod login;
mod namespaces;
mod sessions;
