//! The catalog: the names of repositories (Docker's registry API V2, "Listing Repositories").

use http::{StatusCode, header};
use oci::name::MAX_NAME_CHARACTERS;
use registry::ListRepositories;

use super::{
    Answered, Exchange,
    answer::{self, WithHeader},
    paging::{WantedPage, malformed},
};
use crate::query::Query;

/// A page of names, with a `Link` to the next.
pub(crate) async fn list(exchange: &mut Exchange<'_>) -> Answered {
    let grant = exchange.may(ListRepositories { namespace: None }).await?;
    let query = Query::of(exchange.parts).map_err(|reason| malformed(&reason))?;
    let WantedPage { limit, last } = WantedPage::of(&query, MAX_NAME_CHARACTERS, "a repository's name")?;
    let page = exchange.app.registry().list_repositories(&grant, &last, limit).await?;
    let names: Vec<&str> = page.items.iter().map(|repository| repository.name.as_str()).collect();
    let response = answer::json(StatusCode::OK, &serde_json::json!({ "repositories": names }));
    Ok(match page.next {
        // A name has no character that would have to be escaped in a query.
        Some(next) => {
            response.with(header::LINK, format!("</v2/_catalog?n={limit}&last={next}>; rel=\"next\""))
        }
        None => response,
    })
}
