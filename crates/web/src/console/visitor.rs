//! Who looks at a page: the holder of a living session, known before anything else of the request is read.

use std::sync::{Arc, OnceLock};

use access::{rights::Principal, session::SessionSecret};
use axum::extract::FromRequestParts;
use http::{Method, request::Parts};
use registry::{Ask, Credential, Grant, Refusal, WhoAmI};

use super::{error::ConsoleError, frame::Viewer};
use crate::{app::App, cross_site, gate::Caller};

/// Somebody who has logged in.
pub(super) struct Visitor {
    caller: Caller,
    /// The secret of the session that they came with.
    pub(super) session: SessionSecret,
    /// What the frame shows of them.
    pub(super) viewer: Viewer,
}

/// Who looks, once it is known: kept with the request, so that also a page that is refused stands in their frame.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<OnceLock<Viewer>>);

impl Seen {
    /// Whoever was recognised.
    pub(super) fn viewer(&self) -> Option<&Viewer> {
        self.0.get()
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = ConsoleError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ConsoleError> {
        if cross_site::is_foreign(parts, app.public_urls()) {
            return Err(ConsoleError::Foreign);
        }
        let logged_out = || ConsoleError::LoggedOut { next: wanted(parts) };
        let caller = Caller::of_browser(parts, app.public_urls());
        let Credential::Session(session) = caller.credential.clone() else { return Err(logged_out()) };
        let grant = match caller.may(app, WhoAmI).await {
            Ok(grant) => grant,
            Err(Refusal::BadCredential(_)) => return Err(logged_out()),
            Err(refusal) => return Err(refusal.into()),
        };
        let Principal::User(user) = grant.principal() else { return Err(logged_out()) };
        let viewer = Viewer { username: user.username.clone(), is_admin: user.is_admin };
        if let Some(seen) = parts.extensions.get::<Seen>() {
            // It is the same person, however often a request is looked at.
            seen.0.get_or_init(|| viewer.clone());
        }
        Ok(Self { caller, session, viewer })
    }
}

impl Visitor {
    /// Asks the gate whether they may do what `ask` says.
    pub(super) async fn may<A: Ask>(&self, app: &App, ask: A) -> Result<Grant<A>, ConsoleError> {
        Ok(self.caller.may(app, ask).await?)
    }

    /// Asks the gate where a page goes on without: nothing where they may not.
    pub(super) async fn where_allowed<A: Ask>(
        &self,
        app: &App,
        ask: A,
    ) -> Result<Option<Grant<A>>, ConsoleError> {
        match self.caller.may(app, ask).await {
            Ok(grant) => Ok(Some(grant)),
            Err(Refusal::Denied(_) | Refusal::Unseen(_)) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Whether the gate would say yes: for what a page offers, never for what it does.
    pub(super) async fn could<A: Ask>(&self, app: &App, ask: A) -> Result<bool, ConsoleError> {
        Ok(self.where_allowed(app, ask).await?.is_some())
    }
}

/// The page to come back to after logging in; what was to be done is not done by coming back.
fn wanted(parts: &Parts) -> Option<String> {
    let target = parts.uri.path_and_query().map(|target| target.as_str().to_owned());
    target.filter(|target| parts.method == Method::GET && target != "/")
}
