//! What is about a manifest (OCI distribution 1.1, "Listing Referrers").

use axum::response::Response;
use http::{HeaderName, StatusCode, header};
use oci::media_type::{MAX_MEDIA_TYPE_CHARACTERS, OCI_INDEX};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use registry::{ListReferrers, Page, StoredManifest};
use serde_json::{Value, json};

use super::{
    Answered, Exchange,
    answer::{self, WithHeader},
    paging::{WantedPage, malformed},
};
use crate::query::Query;

/// The most referrers on a page: each may bring annotations of some length.
const MAX_REFERRERS: u32 = 100;
/// The most bytes of JSON that the descriptors of a page have, unless the first alone has more: oras reads 4 MiB of an
/// index, and containerd 8.
const MAX_PAGE_BYTES: usize = 1024 * 1024;
/// The longest `last` looked at: a digest, of which sha512 is the longest.
const MAX_LAST_BYTES: usize = 160;
const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// An index of the manifests about this one, with a `Link` to the next page. Never 404 to whoever may pull: what
/// nothing is about has an empty list.
pub(crate) async fn list(exchange: &mut Exchange<'_>, ask: ListReferrers) -> Answered {
    let grant = exchange.may(ask).await?;
    let query = Query::of(exchange.parts).map_err(|reason| malformed(&reason))?;
    let wanted = WantedPage::of(&query, MAX_LAST_BYTES, "a digest")?;
    let limit = wanted.limit.min(MAX_REFERRERS);
    let artifact_type = query.one("artifactType").unwrap_or_default();
    if artifact_type.chars().count() > MAX_MEDIA_TYPE_CHARACTERS || artifact_type.contains('\0') {
        return Err(malformed("artifactType is a media type of at most 255 characters"));
    }
    let page = exchange.app.registry().list_referrers(&grant, artifact_type, &wanted.last, limit).await?;
    let page = short_enough(&page);
    let mut response = index(&page.items);
    if let Some(next) = &page.next {
        let ListReferrers { repository, digest } = grant.asked();
        let filter = utf8_percent_encode(artifact_type, NON_ALPHANUMERIC);
        let path = format!("/v2/{repository}/referrers/{digest}");
        let link = format!("<{path}?n={limit}&last={next}&artifactType={filter}>; rel=\"next\"");
        response = response.with(header::LINK, link);
    }
    if artifact_type.is_empty() {
        return Ok(response);
    }
    Ok(response.with(OCI_FILTERS_APPLIED, "artifactType"))
}

/// As many descriptors, from the first on, as clients read of one answer.
fn short_enough(page: &Page<StoredManifest>) -> Page<Value> {
    let (mut items, mut bytes) = (Vec::new(), 0);
    for (at, manifest) in page.items.iter().enumerate() {
        let descriptor = descriptor(manifest);
        bytes += descriptor.to_string().len();
        if at > 0 && bytes > MAX_PAGE_BYTES {
            let next = Some(page.items[at - 1].digest.to_string());
            return Page { items, next };
        }
        items.push(descriptor);
    }
    Page { items, next: page.next.clone() }
}

fn index(manifests: &[Value]) -> Response {
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
    answer::json(StatusCode::OK, &index).with(header::CONTENT_TYPE, OCI_INDEX)
}

fn descriptor(manifest: &StoredManifest) -> Value {
    let mut descriptor = json!({
        "mediaType": manifest.media_type,
        "digest": manifest.digest.as_str(),
        "size": manifest.size,
    });
    if !manifest.artifact_type.is_empty() {
        descriptor["artifactType"] = json!(manifest.artifact_type);
    }
    // Written by us, from what was read of the manifest: it is an object, or there are none.
    if let Ok(annotations @ Value::Object(_)) = serde_json::from_str(&manifest.annotations) {
        descriptor["annotations"] = annotations;
    }
    descriptor
}
