//! What the path of a request names. A text that can't be a name or an id names nothing: 404, as for one that nobody
//! has.

use access::id::TokenId;
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use oci::NamespaceName;

use super::problem::{Code, Problem};

/// `{ns}`: a namespace.
pub(super) struct NamespaceInPath(pub(super) NamespaceName);

impl<S: Send + Sync> FromRequestParts<S> for NamespaceInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state, "namespace").await?;
        let name = NamespaceName::parse(&text);
        name.map(Self).map_err(|error| absent(format!("no namespace has this name: {error}")))
    }
}

/// `{id}`: a token.
pub(super) struct TokenInPath(pub(super) TokenId);

impl<S: Send + Sync> FromRequestParts<S> for TokenInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state, "token").await?;
        TokenId::parse(&text).map(Self).map_err(|error| absent(format!("no token has this id: {error}")))
    }
}

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S, what: &str) -> Result<String, Problem> {
    let path = Path::<String>::from_request_parts(parts, state).await;
    path.map(|Path(text)| text).map_err(|_| absent(format!("the path names no {what}: it is not UTF-8")))
}

fn absent(detail: String) -> Problem {
    Problem::new(Code::NotFound, detail)
}
