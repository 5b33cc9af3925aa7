//! The registry's host, as the lines to copy name it: for the API and the console alike.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{app::App, request};

/// The registry's host as clients of this request's `Host` reach it: always one of the configured ones.
pub(crate) struct PublicHost {
    /// `registry.example.com:5000`, as docker takes it.
    pub(crate) authority: String,
    /// Whether it is reached by TLS.
    pub(crate) is_https: bool,
}

impl FromRequestParts<App> for PublicHost {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let (urls, host) = (app.public_urls(), request::host(parts));
        Ok(Self { authority: urls.authority_for(host).to_owned(), is_https: urls.is_https_for(host) })
    }
}
