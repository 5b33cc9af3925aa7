//! `/v2/` and `/auth/` over real connections, on both engines. One binary: linking takes longer than running.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod deleting;
mod manifests;
mod push_and_pull;
mod refusals;
mod tags;
mod token_endpoint;
mod uploads;
