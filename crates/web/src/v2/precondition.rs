//! Conditional requests (RFC 9110 §13) on what never changes under its digest, which is its entity tag.

use http::{HeaderMap, HeaderName, StatusCode, header};
use oci::Digest;

use super::errors::V2Error;

/// The entity tag of whatever has this digest. A strong one: equal digests are equal bytes.
pub(super) fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether a GET or HEAD goes on: `Some` is the status that is the whole answer instead (RFC 9110 §13.2.2).
pub(super) fn settled(headers: &HeaderMap, digest: &Digest) -> Result<Option<StatusCode>, V2Error> {
    let tag = entity_tag(digest);
    if headers.contains_key(header::IF_MATCH) && !names(headers, header::IF_MATCH, |named| named == tag) {
        let reason = format!("If-Match does not name what is here, which is {tag}");
        return Err(V2Error::PreconditionFailed(reason));
    }
    // §13.1.2: compared weakly, so that a cache that marked the tag as weak on its way need not fetch again.
    let is_known =
        names(headers, header::IF_NONE_MATCH, |named| named.strip_prefix("W/").unwrap_or(named) == tag);
    Ok(is_known.then_some(StatusCode::NOT_MODIFIED))
}

/// Whether `Range` counts: with `If-Range` only where that names these bytes (§13.1.5; a date never does, we send none).
pub(super) fn range_counts(headers: &HeaderMap, digest: &Digest) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|named| named.as_bytes() == entity_tag(digest).as_bytes())
}

/// Whether a list of entity tags has one that is wanted, or is `*`. No tag of ours holds a comma.
fn names(headers: &HeaderMap, name: HeaderName, is_wanted: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|named| named == "*" || is_wanted(named))
}
