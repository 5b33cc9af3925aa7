//! The list of tags.

use http::{StatusCode, header};
use oci::ErrorCode;
use registry::ListTags;

use super::{
    Answered, Exchange,
    answer::{self, WithHeader},
    errors::V2Error,
};
use crate::query::Query;

/// The longest page (DESIGN §6).
const MAX_PAGE: u32 = 1000;
/// The longest `last` looked at: no tag is longer.
const MAX_LAST_BYTES: usize = 128;

/// A page of tags, with a `Link` to the next (RFC 8288; OCI distribution 1.1, "Listing Tags").
pub(crate) async fn list(exchange: &mut Exchange<'_>, ask: ListTags) -> Answered {
    let grant = exchange.may(ask).await?;
    let query = Query::of(exchange.parts).map_err(|reason| malformed(&reason))?;
    let limit = match query.one("n") {
        None => MAX_PAGE,
        Some(text) => text
            .parse::<u32>()
            .map_err(|_| malformed("n is a whole number from 0 to 4294967295"))?
            .min(MAX_PAGE),
    };
    let last = query.one("last").unwrap_or_default();
    if last.len() > MAX_LAST_BYTES || last.contains('\0') {
        return Err(malformed("last is a tag, as a page before this one ended with"));
    }
    let page = exchange.app.registry().list_tags(&grant, last, limit).await?;
    let repository = &grant.asked().repository;
    let response =
        answer::json(StatusCode::OK, &serde_json::json!({ "name": repository.as_str(), "tags": page.items }));
    Ok(match page.next {
        // A tag has no character that would have to be escaped in a query.
        Some(next) => response
            .with(header::LINK, format!("</v2/{repository}/tags/list?n={limit}&last={next}>; rel=\"next\"")),
        None => response,
    })
}

fn malformed(reason: &str) -> V2Error {
    V2Error::Malformed(ErrorCode::PaginationNumberInvalid, reason.to_owned())
}
