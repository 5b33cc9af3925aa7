//! The token rules of DESIGN §2 as pure code: data in, decision out.
//!
//! Nothing here reads a clock, draws a random number, opens a file or asks a database: the instant and the
//! source of randomness are arguments. Whoever wants to know what a token may do reads this crate and no other.

pub mod allowed_addresses;
pub mod authorization;
pub mod bearer;
mod bearer_access;
mod claims;
pub mod expiry;
pub mod field_error;
pub mod id;
pub mod name;
pub mod network;
pub mod operation;
mod path_pattern;
pub mod policy;
pub mod randomness;
pub mod rights;
pub mod role;
pub mod scope;
pub mod secret;
#[cfg(test)]
mod seeded;
pub mod session;
mod signing_key;
pub mod time;
pub mod visible;
