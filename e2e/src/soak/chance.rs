//! Decisions of a run: the same for the same seed.

use testkit::randomness::SeededRandomness;

/// A source of decisions. Its seed is printed, so that a run can be repeated: the same clients decide the same, though
/// what the machine is doing at the moment of a kill is never quite the same.
#[derive(Debug)]
pub(super) struct Chance(SeededRandomness);

impl Chance {
    /// The source of `seed` for `purpose`, apart from those for others.
    pub(super) fn of(seed: u64, purpose: u64) -> Self {
        Self(SeededRandomness::new(seed.wrapping_mul(1_000_003).wrapping_add(purpose)))
    }

    /// A number below `end`, which is at least 1.
    pub(super) fn below(&self, end: u64) -> u64 {
        let bytes: [u8; 8] = self.0.bytes(8).try_into().expect("eight bytes");
        u64::from_be_bytes(bytes) % end
    }

    /// One in `count` times true.
    pub(super) fn one_in(&self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of `items`; `None` where there is none.
    pub(super) fn one_of<'a, T>(&self, items: impl ExactSizeIterator<Item = &'a T>) -> Option<&'a T> {
        let mut items = items;
        let count = items.len() as u64;
        if count == 0 { None } else { items.nth(self.below(count) as usize) }
    }
}
