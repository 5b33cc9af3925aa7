//! `/v2/`: OCI distribution 1.1. The path becomes a call, the call an ask, the gate says yes or no, a use case does it.

mod answer;
mod blobs;
mod catalog;
mod challenge;
mod errors;
mod manifests;
mod paging;
mod precondition;
mod referrers;
mod tags;
mod uploads;

use axum::{body::Body, extract::State, response::Response};
use errors::{Challenger, V2Error};
use http::{Method, Request, StatusCode, header, request::Parts};
use oci::{Call, RouteError, route};
use registry::{
    AppendUpload, Ask, CancelUpload, DeleteBlob, DeleteManifest, FinishUpload, Grant, ListReferrers,
    ListTags, PullBlob, PullManifest, PushManifest, Refusal, StartUpload, UploadStatus,
};

use crate::{
    app::App,
    gate::{BearerIs, Caller},
    headers, request,
};

/// What a handler comes to.
pub(crate) type Answered = Result<Response, V2Error>;

/// One `/v2/` request on its way: what its handler works with besides what it asks for.
pub(crate) struct Exchange<'a> {
    app: &'a App,
    parts: &'a Parts,
    body: &'a mut Body,
    caller: Caller,
    /// What the answer says before it is too late (rule 11), once the gate has said who asks.
    warnings: Vec<String>,
}

impl Exchange<'_> {
    /// Asks the gate; a handler gets no further without the grant.
    async fn may<A: Ask>(&mut self, ask: A) -> Result<Grant<A>, Refusal> {
        let grant = self.caller.may(self.app, ask).await?;
        self.warnings = grant.warnings(self.app.now());
        Ok(grant)
    }

    /// HEAD is GET without a body (DESIGN §3.1).
    fn is_head(&self) -> bool {
        self.parts.method == Method::HEAD
    }
}

/// Answers any `/v2/` request.
pub(crate) async fn handle(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, mut body) = request.into_parts();
    let caller = Caller::of(&parts, BearerIs::Jwt);
    let origin = app.public_urls().origin_for(request::host(&parts));
    let call = call_of(&parts);
    let scope = call.as_ref().ok().and_then(|call| call.operation().need().challenge_scope());
    let challenger = Challenger {
        origin: &origin,
        scope: scope.as_deref(),
        is_for_bearer: caller.as_ref().is_ok_and(Caller::brings_bearer),
    };
    let mut warnings = Vec::new();
    let answered = match (call, caller) {
        // A path or method that is nothing here, whoever asks: there is no call to challenge for, and nothing is looked
        // up that could show who may see what.
        (Err(error), _) => Err(error.into()),
        (Ok(_), Err(refusal)) => Err(refusal.into()),
        (Ok(call), Ok(caller)) => {
            let mut exchange =
                Exchange { app: &app, parts: &parts, body: &mut body, caller, warnings: Vec::new() };
            let answered = dispatch(&mut exchange, call).await;
            warnings = exchange.warnings;
            answered
        }
    };
    let mut response = answered.unwrap_or_else(|error| errors::answer(&error, challenger));
    for text in &warnings {
        response.headers_mut().append(header::WARNING, headers::warning(text));
    }
    answer::harden(response.headers_mut());
    response
}

fn call_of(parts: &Parts) -> Result<Call, RouteError> {
    route::parse(route::Method::parse(parts.method.as_str()), parts.uri.path())
}

/// Each call to its handler, which begins by asking the gate.
async fn dispatch(exchange: &mut Exchange<'_>, call: Call) -> Answered {
    match call {
        Call::Ping => ping(exchange).await,
        Call::PullManifest { repository, reference } => {
            manifests::pull(exchange, PullManifest { repository, reference }).await
        }
        Call::PushManifest { repository, reference } => {
            manifests::push(exchange, PushManifest { repository, reference }).await
        }
        Call::DeleteManifest { repository, reference } => {
            manifests::delete(exchange, DeleteManifest { repository, reference }).await
        }
        Call::PullBlob { repository, digest } => blobs::pull(exchange, PullBlob { repository, digest }).await,
        Call::DeleteBlob { repository, digest } => {
            blobs::delete(exchange, DeleteBlob { repository, digest }).await
        }
        Call::StartUpload { repository } => uploads::start(exchange, StartUpload { repository }).await,
        Call::AppendUpload { repository, upload } => {
            uploads::append(exchange, AppendUpload { repository, upload }).await
        }
        Call::FinishUpload { repository, upload } => {
            uploads::finish(exchange, FinishUpload { repository, upload }).await
        }
        Call::UploadStatus { repository, upload } => {
            uploads::status(exchange, UploadStatus { repository, upload }).await
        }
        Call::CancelUpload { repository, upload } => {
            uploads::cancel(exchange, CancelUpload { repository, upload }).await
        }
        Call::ListTags { repository } => tags::list(exchange, ListTags { repository }).await,
        Call::ListReferrers { repository, digest } => {
            referrers::list(exchange, ListReferrers { repository, digest }).await
        }
        Call::Catalog => catalog::list(exchange).await,
    }
}

async fn ping(exchange: &mut Exchange<'_>) -> Answered {
    exchange.may(Call::Ping).await?;
    Ok(answer::json(StatusCode::OK, &serde_json::json!({})))
}
