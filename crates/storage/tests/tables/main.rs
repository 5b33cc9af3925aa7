//! What lasts, table by table: one suite, told on both engines. What the database layer itself promises stands in
//! `tests/database`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod accounts;
mod audit;
mod certificates;
mod checks;
mod content;
mod people;
mod plans;
mod recompilations;
mod repositories;
mod rights;
mod schema;
mod sessions;
mod setting;
mod signing_keys;
mod statements;
mod store;
mod targets;
mod token_lists;
mod tokens;
mod tombstones;
mod uploads;
mod usage;
