//! The registry's host, as the lines to copy name it: for the API and the console alike.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{app::App, request};

/// The registry's host as clients of this request's `Host` reach it: always one of the configured ones.
pub(crate) struct PublicHost(pub(crate) String);

impl FromRequestParts<App> for PublicHost {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(app.public_urls().authority_for(request::host(parts)).to_owned()))
    }
}
