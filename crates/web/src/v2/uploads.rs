//! Upload of blobs: POST, PATCH, PUT, GET, DELETE (OCI distribution 1.1, "Pushing Blobs").

use axum::response::Response;
use http::{HeaderName, StatusCode, header};
use oci::{Digest, ErrorCode, RepositoryName, range::parse_content_range};
use registry::{Announced, AppendUpload, CancelUpload, FinishUpload, StartUpload, UploadBody, UploadStatus};

use super::{
    Answered, Exchange,
    answer::{self, CONTENT_DIGEST, WithHeader},
    errors::V2Error,
};
use crate::{body::as_stream, query::Query};

/// Docker's registry API V2: how the session is called in answers about it.
const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// OCI distribution 1.1, "Pushing a blob in chunks": how small a chunk of a session may be.
const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// What a new session advises, in bytes. Each chunk costs an fsync and two commits; smaller ones are taken all the same.
const ADVISED_CHUNK_BYTES: u64 = 64 * 1024;

/// Opens a session; with `digest` takes the whole blob at once; with `mount` takes it from another repository, or,
/// where the caller can pull it from none, opens a session all the same.
pub(crate) async fn start(exchange: &mut Exchange<'_>, ask: StartUpload) -> Answered {
    let grant = exchange.may(ask).await?;
    let (app, now) = (exchange.app, exchange.app.now());
    let repository = &grant.asked().repository;
    let query = query(exchange)?;
    if let Some((digest, from)) = mounted(&query)
        && app.registry().mount_blob(&grant, &digest, from.as_ref(), now).await?
    {
        return Ok(created(repository, &digest));
    }
    let digest = query.one("digest").map(parse_digest).transpose()?;
    if let Some(digest) = digest
        && query.one("mount").is_none()
    {
        let body = upload_body(exchange)?;
        app.registry().upload_at_once(&grant, &digest, body, app.clock()).await?;
        return Ok(created(repository, &digest));
    }
    let announced = match query.one("digest-algorithm") {
        Some("sha512") => Some(oci::Algorithm::Sha512),
        Some(_) | None => None,
    };
    let started = app.registry().start_upload(&grant, announced, now).await?;
    Ok(underway(StatusCode::ACCEPTED, repository, &started.upload.to_string(), 0)
        .with(CHUNK_MIN_LENGTH, ADVISED_CHUNK_BYTES.to_string()))
}

/// What is to be mounted, and from where. A digest or a name that is none can't be had anywhere, which is the same as
/// a blob that is absent.
fn mounted(query: &Query) -> Option<(Digest, Option<RepositoryName>)> {
    let digest = Digest::parse(query.one("mount")?).ok()?;
    let from = query.one("from").map(RepositoryName::parse).transpose().ok()?;
    Some((digest, from))
}

/// Adds a chunk.
pub(crate) async fn append(exchange: &mut Exchange<'_>, ask: AppendUpload) -> Answered {
    let grant = exchange.may(ask).await?;
    let (app, now) = (exchange.app, exchange.app.now());
    let body = upload_body(exchange)?;
    let progress = app.registry().append_upload(&grant, body, now).await?;
    let AppendUpload { repository, upload } = grant.asked();
    Ok(underway(StatusCode::ACCEPTED, repository, upload.as_str(), progress.offset))
}

/// Commits the upload, with a last chunk if there is one.
pub(crate) async fn finish(exchange: &mut Exchange<'_>, ask: FinishUpload) -> Answered {
    let grant = exchange.may(ask).await?;
    let app = exchange.app;
    let digest = match query(exchange)?.one("digest") {
        Some(text) => parse_digest(text)?,
        None => return Err(malformed("a PUT names the blob's digest in the query: ?digest=sha256:…")),
    };
    // A Content-Range without a body says that bytes are missing.
    let is_last_chunk = has_body(exchange) || exchange.parts.headers.contains_key(header::CONTENT_RANGE);
    let body = if is_last_chunk { Some(upload_body(exchange)?) } else { None };
    app.registry().finish_upload(&grant, &digest, body, app.clock()).await?;
    Ok(created(&grant.asked().repository, &digest))
}

/// Says where the upload stands.
pub(crate) async fn status(exchange: &mut Exchange<'_>, ask: UploadStatus) -> Answered {
    let grant = exchange.may(ask).await?;
    let progress = exchange.app.registry().upload_status(&grant, exchange.app.now()).await?;
    let UploadStatus { repository, upload } = grant.asked();
    Ok(underway(StatusCode::NO_CONTENT, repository, upload.as_str(), progress.offset))
}

/// Drops the upload.
pub(crate) async fn cancel(exchange: &mut Exchange<'_>, ask: CancelUpload) -> Answered {
    let grant = exchange.may(ask).await?;
    exchange.app.registry().cancel_upload(&grant, exchange.app.now()).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn created(repository: &RepositoryName, digest: &Digest) -> Response {
    answer::empty(StatusCode::CREATED)
        .with(header::LOCATION, format!("/v2/{repository}/blobs/{digest}"))
        .with(CONTENT_DIGEST, digest.as_str())
}

fn underway(status: StatusCode, repository: &RepositoryName, upload: &str, offset: u64) -> Response {
    answer::empty(status)
        .with(header::LOCATION, format!("/v2/{repository}/blobs/uploads/{upload}"))
        .with(header::RANGE, progress(offset))
        .with(UPLOAD_UUID, upload)
}

/// `Range` of an upload: `0-` and the last acknowledged byte. Nothing at all is written `0-0`, as every registry does.
pub(super) fn progress(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

fn query(exchange: &Exchange<'_>) -> Result<Query, V2Error> {
    Query::of(exchange.parts).map_err(|reason| malformed(&reason))
}

fn upload_body<'a>(exchange: &'a mut Exchange<'_>) -> Result<UploadBody<'a>, V2Error> {
    let range = match exchange.parts.headers.get(header::CONTENT_RANGE) {
        None => None,
        Some(value) => {
            let text = value.to_str().map_err(|_| malformed("the Content-Range is not ASCII"))?;
            Some(parse_content_range(text).map_err(|error| malformed(&error.to_string()))?)
        }
    };
    let at_least = http_body::Body::size_hint(&*exchange.body).lower();
    Ok(UploadBody { bytes: as_stream(exchange.body), announced: Announced { range, at_least } })
}

fn has_body(exchange: &Exchange<'_>) -> bool {
    !http_body::Body::is_end_stream(&*exchange.body)
}

fn parse_digest(text: &str) -> Result<Digest, V2Error> {
    Digest::parse(text).map_err(|error| V2Error::Malformed(ErrorCode::DigestInvalid, error.to_string()))
}

fn malformed(reason: &str) -> V2Error {
    V2Error::Malformed(ErrorCode::BlobUploadInvalid, reason.to_owned())
}
