//! `Range` of a GET: whatever is asked, the part that is answered lies inside what there is.

use std::sync::LazyLock;

use oci::byte_range::{Selected, select};
use regex::Regex;

/// RFC 9110 §14.1.1 and §14.2, one range of bytes; white space as a lenient reader takes it.
static ONE_RANGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A\s*[Bb][Yy][Tt][Ee][Ss]\s*=\s*([0-9]*)-([0-9]*)\s*\z").expect("a pattern")
});

/// Reads the input, where it is UTF-8: the size on its first line, `Range` on its second.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (size, range) = text.split_once('\n').unwrap_or(("1000", text));
    let Ok(size) = size.parse::<u64>() else { return };
    let selected = select(range, size);
    let bounds = match selected {
        Selected::Whole => None,
        Selected::Nothing => Some(0..0),
        Selected::Part(part) => {
            let end = part.start().checked_add(part.length()).expect("an end");
            assert!(part.length() > 0 && end <= size, "{part:?} of {size}");
            assert_eq!(part.content_range(size), format!("bytes {}-{}/{size}", part.start(), end - 1));
            // The same part, asked for by its two ends.
            assert_eq!(select(&format!("bytes={}-{}", part.start(), end - 1), size), selected);
            Some(part.start()..end)
        }
    };
    assert_eq!(bounds, expected(range, size), "{range:?} of {size}");
}

/// The bytes from and to; `0..0` where none is left; `None` where `Range` does not count.
fn expected(range: &str, size: u64) -> Option<std::ops::Range<u64>> {
    let parts = ONE_RANGE.captures(range)?;
    let (first, last) = (number(&parts[1]), number(&parts[2]));
    let (start, end) = match (first, last) {
        (None, None) => return None,
        (None, Some(suffix)) => (size.saturating_sub(suffix), size),
        (Some(first), None) => (first, size),
        (Some(first), Some(last)) if first > last => return Some(0..0),
        (Some(first), Some(last)) => (first, last.saturating_add(1).min(size)),
    };
    Some(if start < end { start..end } else { 0..0 })
}

/// A number beyond all sizes is the largest there is.
fn number(digits: &str) -> Option<u64> {
    let digit = |digit: u8| u64::from(digit - b'0');
    let read = |number: u64, next: u8| number.saturating_mul(10).saturating_add(digit(next));
    (!digits.is_empty()).then(|| digits.bytes().fold(0, read))
}
