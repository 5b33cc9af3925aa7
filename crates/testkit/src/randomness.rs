//! Bytes that look random and are the same on every run.

use std::sync::atomic::{AtomicU64, Ordering};

use access::randomness::Randomness;
use sha2::{Digest, Sha256};

/// SHA-256 over seed and counter: the same seed gives the same bytes in the same order of calls.
/// Never for anything that must be secret.
#[derive(Debug)]
pub struct SeededRandomness {
    seed: u64,
    next_block: AtomicU64,
}

impl SeededRandomness {
    /// The source for `seed`, at its beginning.
    pub const fn new(seed: u64) -> Self {
        Self { seed, next_block: AtomicU64::new(0) }
    }

    /// The next `count` bytes.
    pub fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.fill(&mut bytes);
        bytes
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(<Sha256 as Digest>::output_size()) {
            let block = self.next_block.fetch_add(1, Ordering::Relaxed);
            let hash = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(block.to_be_bytes());
            chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_bytes() {
        assert_eq!(SeededRandomness::new(7).bytes(100), SeededRandomness::new(7).bytes(100));
    }

    #[test]
    fn seeds_and_calls_differ() {
        let random = SeededRandomness::new(7);
        let first = random.bytes(32);
        assert_ne!(first, random.bytes(32));
        assert_ne!(first, SeededRandomness::new(8).bytes(32));
    }
}
