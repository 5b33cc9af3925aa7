//! Who calls the API: Basic with a password or a token's secret, or `Bearer` with a token's secret, or a
//! session of the console (DESIGN §3.3).

use axum::extract::FromRequestParts;
use http::request::Parts;
use registry::{Ask, Grant, ListNamespaces, Refusal, WhoAmI};

use super::problem::Problem;
use crate::{
    app::App,
    cross_site,
    gate::{BearerIs, Caller},
};

/// Whoever sent the request, not yet looked at. Nothing here is for nobody: who brings no credential is refused
/// before anything else of the request is.
pub(super) struct ApiCaller(Caller);

impl FromRequestParts<App> for ApiCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::of(parts, BearerIs::Secret)?;
        if !caller.credential.is_anonymous() {
            return Ok(Self(caller));
        }
        // The console's script, or a page of another site that makes the reader's browser send this.
        let browser = Caller::of_browser(parts, app.public_urls());
        if browser.credential.is_anonymous() || cross_site::is_foreign(parts, app.public_urls()) {
            return Err(Refusal::SignIn { scope: None }.into());
        }
        Ok(Self(browser))
    }
}

/// What the path names. That it can name nothing is told to somebody alone: whoever brings a bad credential hears about
/// that.
pub(super) async fn told_to_somebody<T>(
    parts: &mut Parts,
    app: &App,
    named: Result<T, Problem>,
) -> Result<T, Problem> {
    if named.is_err() {
        ApiCaller::from_request_parts(parts, app).await?.may(app, WhoAmI).await?;
    }
    named
}

impl ApiCaller {
    /// Asks the gate whether the caller may do what `ask` says.
    pub(super) async fn may<A: Ask>(&self, app: &App, ask: A) -> Result<Grant<A>, Problem> {
        Ok(self.0.may(app, ask).await?)
    }

    /// Asks the gate whether the caller manages anything at all, where what they ask for has to be read first.
    pub(super) async fn manages(&self, app: &App) -> Result<Grant<impl Ask>, Problem> {
        self.may(app, ListNamespaces).await
    }
}
