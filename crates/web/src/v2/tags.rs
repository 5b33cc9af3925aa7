//! The list of tags.

use http::{StatusCode, header};
use registry::ListTags;

use super::{
    Answered, Exchange,
    answer::{self, WithHeader},
    paging::{WantedPage, malformed},
};
use crate::query::Query;

/// The longest `last` looked at: no tag is longer.
const MAX_LAST_BYTES: usize = 128;

/// A page of tags, with a `Link` to the next (RFC 8288; OCI distribution 1.1, "Listing Tags").
pub(crate) async fn list(exchange: &mut Exchange<'_>, ask: ListTags) -> Answered {
    let grant = exchange.may(ask).await?;
    let query = Query::of(exchange.parts).map_err(|reason| malformed(&reason))?;
    let WantedPage { limit, last } = WantedPage::of(&query, MAX_LAST_BYTES, "a tag")?;
    let page = exchange.app.registry().list_tags(&grant, &last, limit).await?;
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
