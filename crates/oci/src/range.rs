//! `Content-Range` of a chunk and `Range` of an upload's state: OCI distribution 1.1, "Pushing a blob in chunks".
//! Its form is `<start>-<end>`, both inclusive, without the `bytes` of HTTP.

/// Highest offset in bytes: what a BIGINT holds.
const MAX_OFFSET: u64 = i64::MAX.unsigned_abs();

/// The first and the last byte of a chunk; `start <= end <= 2^63 - 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadRange {
    start: u64,
    end: u64,
}

/// The text is not `<start>-<end>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Content-Range of a chunk is <first byte>-<last byte>, both counted from 0, such as 0-1023")]
pub struct UploadRangeError;

impl UploadRange {
    /// Offset of the first byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// Offset of the last byte.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// How many bytes it spans, at least 1.
    pub const fn bytes(self) -> u64 {
        self.end - self.start + 1 // MAX_OFFSET leaves room for the 1
    }
}

impl std::fmt::Display for UploadRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// Reads the value of a chunk's `Content-Range`, such as `0-1023`: digits only, no overflow, start not after end.
pub fn parse_content_range(text: &str) -> Result<UploadRange, UploadRangeError> {
    let (start, end) = text.split_once('-').ok_or(UploadRangeError)?;
    let (start, end) = (offset(start)?, offset(end)?);
    if start <= end { Ok(UploadRange { start, end }) } else { Err(UploadRangeError) }
}

fn offset(text: &str) -> Result<u64, UploadRangeError> {
    // `parse` alone would take a sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UploadRangeError);
    }
    text.parse().ok().filter(|offset| *offset <= MAX_OFFSET).ok_or(UploadRangeError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_inclusive() {
        let read = |text| parse_content_range(text).map(|range| (range.start(), range.end(), range.bytes()));
        assert_eq!(read("0-1023"), Ok((0, 1023, 1024)));
        assert_eq!(read("7-7"), Ok((7, 7, 1)));
        assert_eq!(read("0-9223372036854775807"), Ok((0, MAX_OFFSET, 1 << 63)));
        assert_eq!(parse_content_range("007-10").map(|range| range.to_string()), Ok("7-10".to_owned()));
    }

    #[test]
    fn other_forms_are_refused() {
        let huge = format!("0-{}", "9".repeat(10_000));
        for text in [
            "",
            "-",
            "0",
            "0-",
            "-1",
            "1-0",
            "+0-1",
            "0-+1",
            " 0-1",
            "0-1 ",
            "0 - 1",
            "0-1-2",
            "0x0-1",
            "٣-٤",
            "bytes 0-1/2",
            "bytes=0-1",
            "0-9223372036854775808",
            "0-18446744073709551616",
            &huge,
        ] {
            assert_eq!(parse_content_range(text), Err(UploadRangeError), "{text}");
        }
    }
}
