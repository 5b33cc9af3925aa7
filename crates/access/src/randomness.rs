//! Randomness as an argument. The one source that asks the system lives in the binary; tests bring a seeded one.

/// A source of random bytes. The implementation used in production must be cryptographically secure:
/// secrets, keys and ids are made from it.
pub trait Randomness: Send + Sync {
    /// Fills `bytes` entirely.
    fn fill(&self, bytes: &mut [u8]);
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` characters of `0-9A-Za-z`, each equally likely.
pub fn base62(random: &dyn Randomness, length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut bytes = [0u8; 32];
    while text.len() < length {
        random.fill(&mut bytes);
        // 248 = 4 × 62: a byte above would make the first characters likelier than the others.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| BASE62[usize::from(byte % 62)]);
        text.extend(fair.map(char::from).take(length - text.len()));
    }
    text
}

/// `number` written with `width` base62 digits, the most significant first; higher digits are cut off.
pub(crate) fn base62_digits(mut number: u64, width: usize) -> String {
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(number % 62) as usize];
        number /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Randomness for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        let text = base62(&Counting(Default::default()), 248 * 10);
        for character in BASE62 {
            assert_eq!(text.bytes().filter(|byte| byte == character).count(), 40);
        }
    }

    #[test]
    fn digits_are_padded_to_the_width() {
        assert_eq!(base62_digits(0, 6), "000000");
        assert_eq!(base62_digits(61, 2), "0z");
        assert_eq!(base62_digits(62, 2), "10");
        assert_eq!(base62_digits(u64::from(u32::MAX), 6), "4gfFC3");
    }
}
