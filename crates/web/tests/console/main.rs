//! The console's pages over real connections, on both engines. What a real browser makes of them is in `e2e`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod assets;
mod audit;
mod browser;
mod crowded;
mod dead_ends;
mod hidden_characters;
mod lists;
mod login;
mod namespace;
mod namespaces;
mod people;
mod sessions;
mod tokens;
mod tokens_acts;
mod tokens_created;
mod tokens_filtered;
mod tokens_told;
mod welcome;
