//! The management API against a whole server, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit;
mod bodies;
mod callers;
mod dtr;
mod members;
mod namespace_life;
mod namespaces;
mod order;
mod people;
mod personal_tokens;
mod repositories;
mod revisions;
mod token_addresses;
mod token_bad_input;
mod token_created;
mod token_lists;
mod token_scopes;
mod token_secrets;
mod tokens;
mod usage;
mod users;

use serde_json::Value;
use testkit::Answer;

/// The fields that a 422 names.
fn wrong_fields(answer: &Answer) -> Vec<String> {
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors\n{answer:?}"));
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// The names of the items of a page.
fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}
