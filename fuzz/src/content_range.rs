//! `Content-Range` of a chunk: `<first>-<last>` in digits, nothing else.

use oci::range::parse_content_range;

use crate::message::is_fit_to_print;

/// Reads the input, where it is UTF-8.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = parse_content_range(text);
    assert_eq!(read.map(|range| (range.start(), range.end())).ok(), expected(text), "{text:?}");
    match read {
        Ok(range) => {
            assert_eq!(u128::from(range.bytes()), u128::from(range.end()) - u128::from(range.start()) + 1);
            assert_eq!(parse_content_range(&range.to_string()), Ok(range));
        }
        Err(error) => is_fit_to_print(&error),
    }
}

/// By decimal digits: numbers above 2^63 - 1, the largest BIGINT, are none.
fn expected(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

fn number(text: &str) -> Option<u64> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let digits = text.trim_start_matches('0');
    let limit = i64::MAX.to_string();
    let fits = digits.len() < limit.len() || (digits.len() == limit.len() && digits <= limit.as_str());
    (all_digits && fits)
        .then(|| digits.bytes().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
