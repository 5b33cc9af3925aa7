//! What no input may bring about: for each parser that reads what strangers send, a function that asserts what
//! always holds. libFuzzer calls them (`./dev/fuzz`), and so does `cargo test`, over the kept corpora and over
//! mutations of them (`tests/corpora.rs`).
//!
//! An opinion here never asks the code that it judges: grammars are the specification's regular expressions, and
//! matchers are the rule word for word, without a thought for speed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "whatever fails here is a finding")]

pub mod authorization;
pub mod bearer;
pub mod byte_range;
pub mod content_range;
mod grammar;
pub mod manifest;
mod message;
pub mod path;
pub mod route;
pub mod scope;
pub mod scopes;
pub mod words;

/// A target: the name of its corpus and of its program, and what it asserts.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 10] = [
    ("authorization", authorization::check),
    ("bearer", bearer::check),
    ("byte_range", byte_range::check),
    ("content_range", content_range::check),
    ("manifest", manifest::check),
    ("path", path::check),
    ("route", route::check),
    ("scope", scope::check),
    ("scopes", scopes::check),
    ("words", words::check),
];
