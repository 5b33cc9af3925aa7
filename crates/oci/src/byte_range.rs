//! `Range` of a GET (RFC 9110 §14.2), in bytes: how a client goes on with a blob that broke off, or reads a part.

/// What a `Range` selects of a representation of known length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// All of it: the header is malformed, of another unit, or names several ranges. RFC 9110 §14.2 lets a server
    /// ignore those, and a client must bear it.
    Whole,
    /// Exactly these bytes.
    Part(ByteRange),
    /// Nothing: the range begins behind the end, of the representation or its own (416).
    Nothing,
}

/// A part of a representation: at least one byte, all of them inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    start: u64,
    length: u64,
}

impl ByteRange {
    /// Offset of the first byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// How many bytes, at least 1.
    pub const fn length(self) -> u64 {
        self.length
    }

    /// `Content-Range` of a 206 (RFC 9110 §14.4), of a representation of `size` bytes.
    pub fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.start, self.start + (self.length - 1))
    }
}

/// Reads the value of `Range` for a representation of `size` bytes.
pub fn select(range: &str, size: u64) -> Selected {
    let Some((unit, set)) = range.split_once('=') else { return Selected::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Selected::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Selected::Whole };
    match (position(first), position(last)) {
        (Some(Position::Absent), Some(Position::At(suffix))) => last_bytes(suffix, size),
        (Some(Position::At(first)), Some(Position::Absent)) => from_to(first, u64::MAX, size),
        (Some(Position::At(first)), Some(Position::At(last))) if first <= last => from_to(first, last, size),
        // RFC 9110 §14.2 lets a server ignore or refuse it; the conformance suite wants 416.
        (Some(Position::At(_)), Some(Position::At(_))) => Selected::Nothing,
        _ => Selected::Whole,
    }
}

fn from_to(first: u64, last: u64, size: u64) -> Selected {
    if first >= size {
        return Selected::Nothing;
    }
    let last = last.min(size - 1);
    Selected::Part(ByteRange { start: first, length: last - first + 1 })
}

/// `-n`: the last `n` bytes, or all of them where there are fewer.
fn last_bytes(suffix: u64, size: u64) -> Selected {
    let length = suffix.min(size);
    if length == 0 { Selected::Nothing } else { Selected::Part(ByteRange { start: size - length, length }) }
}

enum Position {
    Absent,
    At(u64),
}

/// Digits, or nothing at all; so a comma, which would make several ranges and a multipart answer, is in none. A number
/// beyond all sizes is the largest there is: it lies behind every end.
fn position(text: &str) -> Option<Position> {
    if text.is_empty() {
        return Some(Position::Absent);
    }
    // `parse` alone would take a sign.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Position::At(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUGE: &str = "99999999999999999999999999999999";

    fn check(range: &str, size: u64, expected: Option<(u64, u64)>) {
        let expected =
            expected.map_or(Selected::Nothing, |(start, length)| Selected::Part(ByteRange { start, length }));
        assert_eq!(select(range, size), expected, "{range} of {size}");
    }

    #[test]
    fn a_range_selects_what_lies_inside() {
        check("bytes=0-0", 10, Some((0, 1)));
        check("bytes=0-9", 10, Some((0, 10)));
        check("bytes=3-", 10, Some((3, 7)));
        check("bytes=9-", 10, Some((9, 1)));
        check("bytes=5-99", 10, Some((5, 5)));
        check(&format!("bytes=5-{HUGE}"), 10, Some((5, 5)));
        check("bytes=-3", 10, Some((7, 3)));
        check("bytes=-99", 10, Some((0, 10)));
        check(&format!("bytes=-{HUGE}"), 10, Some((0, 10)));
        check("Bytes = 1-2", 10, Some((1, 2)));
        check("bytes=00001-2", 10, Some((1, 2)));
        check("bytes=0-", u64::MAX, Some((0, u64::MAX)));
    }

    #[test]
    fn a_range_behind_the_end_selects_nothing() {
        for (range, size) in [
            ("bytes=10-", 10),
            ("bytes=10-20", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=-5", 0),
            ("bytes=2-1", 10),
        ] {
            check(range, size, None);
        }
        check(&format!("bytes={HUGE}-"), 10, None);
    }

    #[test]
    fn what_is_no_single_range_of_bytes_selects_everything() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "=0-1",
            "items=0-1",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes=0x1-2",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=0-1,3-4",
            "bytes=0-1,",
            "bytes=1 - 2",
            "bytes=٣-٤",
            "0-1",
        ] {
            assert_eq!(select(range, 10), Selected::Whole, "{range}");
        }
    }

    #[test]
    fn content_range_names_the_last_byte_and_the_size() {
        let Selected::Part(part) = select("bytes=2-4", 10) else { panic!("not a part") };
        assert_eq!(part.content_range(10), "bytes 2-4/10");
        assert_eq!((part.start(), part.length()), (2, 3));
    }
}
