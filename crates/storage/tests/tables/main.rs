//! What lasts, table by table: one suite, told on both engines. What the database layer itself promises stands in
//! `tests/database`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod accounts;
mod content;
mod plans;
mod rights;
mod schema;
mod setting;
mod statements;
mod tokens;
mod uploads;
