//! Values of headers that are made from text.

use http::{HeaderMap, HeaderValue, header};

/// Lets nobody take an answer for a page of the console, whose origin it has (DESIGN §3.1: every `/v2/` answer, and those
/// that are given before it is known whether it is one).
pub(crate) fn sandbox(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
}

/// A quoted string (RFC 9110 §5.6.4) of what RFC 6750 §3 allows in `error_description`: printable ASCII without
/// `"` and `\`, which become `'` and `/`; everything else becomes `?`.
pub(crate) fn quoted(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|character| match character {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => character,
            _ => '?',
        })
        .collect();
    format!("\"{inner}\"")
}

/// The value of a `Warning` (RFC 7234 §5.5, code 299: "miscellaneous persistent warning") that OCI distribution 1.1
/// clients print: the agent stays `-`, the text is quoted.
pub(crate) fn warning(text: &str) -> HeaderValue {
    value(&format!("299 - {}", quoted(text)))
}

/// `text` as the value of a header; characters that can't stand there become `?`.
pub(crate) fn value(text: &str) -> HeaderValue {
    let plain: String =
        text.chars().map(|character| if matches!(character, ' '..='~') { character } else { '?' }).collect();
    HeaderValue::from_str(&plain).unwrap_or(HeaderValue::from_static("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_quotes_or_lines() {
        assert_eq!(quoted("a \"b\" \\ \r\nX: y é"), "\"a 'b' / ??X: y ?\"");
        assert_eq!(value("a\r\nb: \u{7f}"), "a??b: ?");
        let label = "token \"Ann's läptop\" of user ann expires on 2026-12-01";
        assert_eq!(warning(label), "299 - \"token 'Ann's l?ptop' of user ann expires on 2026-12-01\"");
    }
}
