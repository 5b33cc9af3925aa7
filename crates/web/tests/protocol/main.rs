//! `/v2/` and `/auth/` over real connections, on both engines. One binary: linking takes longer than running.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers_table;
mod broken_off;
mod catalog;
mod conditions;
mod damage;
mod deleting;
mod forged_bearers;
mod hostile;
mod manifests;
mod mounting;
mod outage;
mod push_and_pull;
mod ranges;
mod referrers;
mod refusals;
mod tags;
mod token_endpoint;
mod uploads;
