//! What lasts (DESIGN §5): rows in SQL, bytes in the blob store. No rule is decided here, and no statement stands
//! anywhere else.

pub mod audit;
pub mod blobs;
pub mod db;
pub mod first_steps;
pub mod leaving;
pub mod links;
pub mod manifests;
pub mod members;
pub mod migrations;
pub mod namespaces;
pub mod repositories;
pub mod rights;
pub mod scopes;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod tags;
pub mod teams;
pub mod tokens;
pub mod tombstones;
pub mod uploads;
pub mod usage;
pub mod users;
