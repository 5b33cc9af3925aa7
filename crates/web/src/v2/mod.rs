//! `/v2/`: OCI distribution 1.1. The path becomes a call, the call an ask, the gate says yes or no, a use case does it.

mod answer;
mod blobs;
mod challenge;
mod errors;
mod manifests;
mod tags;
mod uploads;

use axum::{body::Body, extract::State, response::Response};
use http::{Method, Request, StatusCode, request::Parts};
use oci::{Call, route};
use registry::{AppendUpload, CancelUpload, DeleteBlob, DeleteManifest, FinishUpload, ListTags, PullBlob};
use registry::{PullManifest, PushManifest, Refusal, StartUpload, UploadStatus};

use crate::{
    app::App,
    body::drain,
    gate::{BearerIs, Caller},
    request,
};
use errors::V2Error;

/// One `/v2/` request on its way: what its handler needs besides the grant.
pub(crate) struct Exchange<'a> {
    app: &'a App,
    parts: &'a Parts,
    body: &'a mut Body,
    /// HEAD is GET without a body (DESIGN §3.1).
    is_head: bool,
}

/// Answers any `/v2/` request.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, mut body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    let mut exchange = Exchange { app: &app, parts: &parts, body: &mut body, is_head };
    let mut response = match dispatch(&mut exchange).await {
        Ok(response) => response,
        Err(error) => {
            drain(&mut body).await;
            let origin = app.public_urls().origin_for(request::host(&parts));
            errors::answer(&error, origin, carries_bearer(&parts))
        }
    };
    answer::harden(response.headers_mut());
    if is_head {
        // The headers say what GET would; hyper sends no body on HEAD.
        *response.body_mut() = Body::empty();
    }
    response
}

fn carries_bearer(parts: &Parts) -> bool {
    matches!(Caller::of(parts, BearerIs::Jwt), Ok(caller) if matches!(caller.credential, registry::Credential::Bearer(_)))
}

async fn dispatch(exchange: &mut Exchange<'_>) -> Result<Response, V2Error> {
    let app = exchange.app;
    let call = route::parse(route::Method::parse(exchange.parts.method.as_str()), exchange.parts.uri.path())?;
    let caller = Caller::of(exchange.parts, BearerIs::Jwt)?;
    match call {
        Call::Ping => {
            caller.may(app, Call::Ping).await?;
            Ok(answer::json(StatusCode::OK, &serde_json::json!({})))
        }
        Call::PullManifest { repository, reference } => {
            let grant = caller.may(app, PullManifest { repository, reference }).await?;
            manifests::pull(exchange, &grant).await
        }
        Call::PushManifest { repository, reference } => {
            let grant = caller.may(app, PushManifest { repository, reference }).await?;
            manifests::push(exchange, &grant).await
        }
        Call::DeleteManifest { repository, reference } => {
            let grant = caller.may(app, DeleteManifest { repository, reference }).await?;
            app.registry().delete_manifest(&grant, app.now()).await?;
            Ok(answer::empty(StatusCode::ACCEPTED))
        }
        Call::PullBlob { repository, digest } => {
            let grant = caller.may(app, PullBlob { repository, digest }).await?;
            blobs::pull(exchange, &grant).await
        }
        Call::DeleteBlob { repository, digest } => {
            let grant = caller.may(app, DeleteBlob { repository, digest }).await?;
            app.registry().delete_blob(&grant, app.now()).await?;
            Ok(answer::empty(StatusCode::ACCEPTED))
        }
        Call::ListTags { repository } => {
            let grant = caller.may(app, ListTags { repository }).await?;
            tags::list(exchange, &grant).await
        }
        call @ (Call::StartUpload { .. }
        | Call::AppendUpload { .. }
        | Call::FinishUpload { .. }
        | Call::UploadStatus { .. }
        | Call::CancelUpload { .. }) => upload(exchange, &caller, call).await,
        call @ (Call::Catalog | Call::ListReferrers { .. }) => {
            caller.may(app, call).await?;
            Err(V2Error::NotServed)
        }
    }
}

async fn upload(exchange: &mut Exchange<'_>, caller: &Caller, call: Call) -> Result<Response, V2Error> {
    let app = exchange.app;
    match call {
        Call::StartUpload { repository } => {
            let grant = caller.may(app, StartUpload { repository }).await?;
            uploads::start(exchange, &grant).await
        }
        Call::AppendUpload { repository, upload } => {
            let grant = caller.may(app, AppendUpload { repository, upload }).await?;
            uploads::append(exchange, &grant).await
        }
        Call::FinishUpload { repository, upload } => {
            let grant = caller.may(app, FinishUpload { repository, upload }).await?;
            uploads::finish(exchange, &grant).await
        }
        Call::UploadStatus { repository, upload } => {
            let grant = caller.may(app, UploadStatus { repository, upload }).await?;
            uploads::status(exchange, &grant).await
        }
        Call::CancelUpload { repository, upload } => {
            let grant = caller.may(app, CancelUpload { repository, upload }).await?;
            app.registry().cancel_upload(&grant, app.now()).await?;
            Ok(answer::empty(StatusCode::NO_CONTENT))
        }
        other => Err(Refusal::Unseen(format!("{other:?} is no upload")).into()),
    }
}
