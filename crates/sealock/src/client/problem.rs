//! A problem (RFC 9457) in words.

use serde::Deserialize;

use crate::output::printable;

#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<FieldError>,
}

/// One field that was wrong (DESIGN §3.3).
#[derive(Deserialize)]
struct FieldError {
    field: String,
    message: String,
}

/// What a problem's body says: its detail (else its title), then one line for each wrong field.
/// `None` where the body is no problem at all, as a proxy's error page.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let problem: Problem = serde_json::from_slice(body).ok()?;
    let mut message = printable(&problem.detail.or(problem.title)?);
    for FieldError { field, message: rule } in &problem.errors {
        message.push_str(&format!("\n  {}: {}", printable(field), printable(rule)));
    }
    Some(message)
}
