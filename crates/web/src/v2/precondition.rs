//! Conditional requests (RFC 9110 §13) on what never changes under its digest, which is its entity tag.

use http::{HeaderMap, HeaderName, StatusCode, header};
use oci::Digest;
use registry::{Expected, Named};

use super::errors::V2Error;

/// The entity tag of whatever has this digest. A strong one: equal digests are equal bytes.
pub(super) fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether a GET or HEAD goes on: `Some` is the status that is the whole answer instead (RFC 9110 §13.2.2).
pub(super) fn settled(headers: &HeaderMap, digest: &Digest) -> Result<Option<StatusCode>, V2Error> {
    let Expected { one_of, none_of, .. } = expected(headers);
    if one_of.is_some_and(|named| !named.has(digest)) {
        let reason = format!("If-Match does not name what is here, which is {}", entity_tag(digest));
        return Err(V2Error::PreconditionFailed(reason));
    }
    Ok(none_of.is_some_and(|named| named.has(digest)).then_some(StatusCode::NOT_MODIFIED))
}

/// What the request takes for granted; for a change the use case compares it, where nothing can come in between.
pub(super) fn expected(headers: &HeaderMap) -> Expected {
    Expected {
        // §13.1.1: compared strongly, a weak tag never matches.
        one_of: named(headers, header::IF_MATCH, |tag| tag),
        // §13.1.2: compared weakly, so that a cache that marked the tag as weak on its way need not fetch again.
        none_of: named(headers, header::IF_NONE_MATCH, |tag| tag.strip_prefix("W/").unwrap_or(tag)),
        tags: None,
    }
}

/// Whether `Range` counts: with `If-Range` only where that names these bytes (§13.1.5; a date never does, we send none).
pub(super) fn range_counts(headers: &HeaderMap, digest: &Digest) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|named| named.as_bytes() == entity_tag(digest).as_bytes())
}

/// What a list of entity tags names, where there is one. No tag of ours holds a comma; what is none of ours names
/// nothing.
fn named(headers: &HeaderMap, name: HeaderName, strong: impl Fn(&str) -> &str) -> Option<Named> {
    if !headers.contains_key(&name) {
        return None;
    }
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let tags: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    if tags.contains(&"*") {
        return Some(Named::Any);
    }
    let digest = |tag: &&str| Digest::parse(strong(tag).strip_prefix('"')?.strip_suffix('"')?).ok();
    Some(Named::These(tags.iter().filter_map(digest).collect()))
}
