//! The client commands: one file a verb or a family of small ones. Each is given a [`Session`] and never touches
//! the process itself, so that tests can be the terminal.

pub(crate) mod audit;
pub(crate) mod login;
pub(crate) mod namespace;
pub(crate) mod repo;
mod session;
pub(crate) mod settings;
pub(crate) mod team;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod whoami;

pub(crate) use session::Session;
