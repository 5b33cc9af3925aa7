//! The only file that asks the system for random bytes; everything else is handed a source.

use access::randomness::Randomness;

/// The cryptographic generator of AWS-LC, seeded by the operating system and safe after a fork or a cloned machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemRandomness;

impl Randomness for SystemRandomness {
    /// Fills `bytes` entirely, or ends the process.
    #[allow(clippy::disallowed_methods)] // the one place: randomness enters the program here
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // The threat: a buffer left at zeros becomes a secret or a key that everyone can guess. A panic is not
            // enough, because a task or `catch_unwind` may swallow it and whoever owns the buffer goes on.
            tracing::error!(
                "the system gives no random bytes; stopping, since no secret made now could be trusted"
            );
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_buffer_is_filled_and_never_twice_alike() {
        let (mut first, mut second) = ([0u8; 256], [0u8; 256]);
        SystemRandomness.fill(&mut first);
        SystemRandomness.fill(&mut second);
        assert_ne!(first, second);
        // 16 zeros in a row by chance: below 2^-119. Left unfilled: certain.
        for buffer in [first, second] {
            assert!(buffer.chunks(16).all(|chunk| chunk.iter().any(|byte| *byte != 0)), "{buffer:?}");
        }
    }
}
