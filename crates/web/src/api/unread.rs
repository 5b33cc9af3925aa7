//! What is looked at behind the gate: whoever may not do what they ask hears 401, 403 or 404, and nothing about the
//! form of the rest.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use registry::{Ask, Grant};

use super::problem::Problem;

/// A query or a header that a grant opens.
pub(super) struct Unread<T>(Result<T, Problem>);

impl<S: Sync, T: FromRequestParts<S, Rejection = Problem>> FromRequestParts<S> for Unread<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(T::from_request_parts(parts, state).await))
    }
}

impl<T> Unread<T> {
    /// What stands there, or what is wrong with it, for somebody who may.
    pub(super) fn read(self, _: &Grant<impl Ask>) -> Result<T, Problem> {
        self.0
    }
}
