//! The attacks, and what they were answered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// One kind of attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Attack {
    /// Manifests of 4 MiB that are expensive to parse.
    Manifests,
    /// Manifests and login forms whose end never comes.
    Bodies,
    /// Token requests with 64 scopes.
    Scopes,
    /// Mounts without a source.
    Mounts,
    /// Wrong passwords of unknown users.
    Passwords,
    /// Upload sessions that are never finished, and blobs that exist already.
    Uploads,
}

/// Counts of answers, by attack and status.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<&'static str, BTreeMap<u16, u64>>>>);

/// The status that stands for a connection without an answer.
const NO_ANSWER: u16 = 0;

impl Tally {
    pub(super) fn count(&self, attack: &'static str, status: Option<u16>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(attack).or_default().entry(status.unwrap_or(NO_ANSWER)).or_default() += 1;
    }

    /// The counts so far.
    pub fn counts(&self) -> BTreeMap<&'static str, BTreeMap<u16, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
