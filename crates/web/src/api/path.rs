//! What the path of a request names. A text that can't be a name or an id names nothing: 404, as for one that nobody
//! has.

use access::{
    id::{ScopeId, SecretId, SessionId, TokenId},
    name::{TeamName, Username},
};
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use oci::NamespaceName;
use registry::MemberName;

use super::problem::{Code, Problem};

/// `{ns}`: a namespace.
pub(super) struct NamespaceInPath(pub(super) NamespaceName);

impl<S: Send + Sync> FromRequestParts<S> for NamespaceInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        namespace(&segment(parts, state, "namespace").await?).map(Self)
    }
}

/// `{username}`: a user.
pub(super) struct UserInPath(pub(super) Username);

impl<S: Send + Sync> FromRequestParts<S> for UserInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        user(&segment(parts, state, "user").await?).map(Self)
    }
}

/// `{id}`: a token.
pub(super) struct TokenInPath(pub(super) TokenId);

impl<S: Send + Sync> FromRequestParts<S> for TokenInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        token(&segment(parts, state, "token").await?).map(Self)
    }
}

/// `{id}` and `{scope}`: a token and one of its scopes.
pub(super) struct ScopeInPath {
    pub(super) token: TokenId,
    pub(super) scope: ScopeId,
}

impl<S: Send + Sync> FromRequestParts<S> for ScopeInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (token, scope) = two_segments(parts, state, "scope").await?;
        let token = self::token(&token)?;
        let scope =
            ScopeId::parse(&scope).map_err(|error| absent(format!("no scope has this id: {error}")))?;
        Ok(Self { token, scope })
    }
}

/// `{id}` and `{secret}`: a token and one of its secrets.
pub(super) struct SecretInPath {
    pub(super) token: TokenId,
    pub(super) secret: SecretId,
}

impl<S: Send + Sync> FromRequestParts<S> for SecretInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (token, secret) = two_segments(parts, state, "secret").await?;
        let token = self::token(&token)?;
        // A secret itself is no id, and is not repeated to whoever pastes one here.
        let secret =
            SecretId::parse(&secret).map_err(|error| absent(format!("no secret has this id: {error}")))?;
        Ok(Self { token, secret })
    }
}

/// `{username}` and `{session}`: a user and one of their sessions.
pub(super) struct SessionInPath {
    pub(super) username: Username,
    pub(super) session: SessionId,
}

impl<S: Send + Sync> FromRequestParts<S> for SessionInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (username, session) = two_segments(parts, state, "session").await?;
        let username = user(&username)?;
        let session =
            SessionId::parse(&session).map_err(|error| absent(format!("no session has this id: {error}")))?;
        Ok(Self { username, session })
    }
}

/// `{team}`: a team.
pub(super) struct TeamInPath(pub(super) TeamName);

impl<S: Send + Sync> FromRequestParts<S> for TeamInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        team(&segment(parts, state, "team").await?).map(Self)
    }
}

/// `{team}` and `{username}`: a team and a user.
pub(super) struct TeamUserInPath {
    pub(super) team: TeamName,
    pub(super) user: Username,
}

impl<S: Send + Sync> FromRequestParts<S> for TeamUserInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (name, username) = two_segments(parts, state, "team and user").await?;
        Ok(Self { team: team(&name)?, user: user(&username)? })
    }
}

/// `{ns}`, `{kind}` and `{name}`: a namespace, and a user or a team.
pub(super) struct MemberInPath {
    pub(super) namespace: NamespaceName,
    pub(super) member: MemberName,
}

impl<S: Send + Sync> FromRequestParts<S> for MemberInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String, String)>::from_request_parts(parts, state).await;
        let Path((namespace, kind, name)) =
            path.map_err(|_| absent("the path names no member: it is not UTF-8".to_owned()))?;
        let namespace = self::namespace(&namespace)?;
        let member = match kind.as_str() {
            "users" => MemberName::User(user(&name)?),
            "teams" => MemberName::Team(team(&name)?),
            _ => return Err(absent("members are under users/ and teams/".to_owned())),
        };
        Ok(Self { namespace, member })
    }
}

fn namespace(text: &str) -> Result<NamespaceName, Problem> {
    NamespaceName::parse(text).map_err(|error| absent(format!("no namespace has this name: {error}")))
}

fn token(text: &str) -> Result<TokenId, Problem> {
    TokenId::parse(text).map_err(|error| absent(format!("no token has this id: {error}")))
}

fn user(text: &str) -> Result<Username, Problem> {
    Username::parse(text).map_err(|error| absent(format!("no user has this name: {error}")))
}

fn team(text: &str) -> Result<TeamName, Problem> {
    TeamName::parse(text).map_err(|error| absent(format!("no team has this name: {error}")))
}

async fn two_segments<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    what: &str,
) -> Result<(String, String), Problem> {
    let path = Path::<(String, String)>::from_request_parts(parts, state).await;
    path.map(|Path(both)| both).map_err(|_| absent(format!("the path names no {what}: it is not UTF-8")))
}

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S, what: &str) -> Result<String, Problem> {
    let path = Path::<String>::from_request_parts(parts, state).await;
    path.map(|Path(text)| text).map_err(|_| absent(format!("the path names no {what}: it is not UTF-8")))
}

fn absent(detail: String) -> Problem {
    Problem::new(Code::NotFound, detail)
}
