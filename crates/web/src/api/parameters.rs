//! What stands in paths and headers, as the document describes it: once, for every operation that takes it.

use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        ObjectBuilder, RefOr, Required, Schema, SchemaFormat, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::{
    path::{
        MemberInPath, NamespaceInPath, ScopeInPath, SecretInPath, SessionInPath, TeamInPath, TeamUserInPath,
        TokenInPath, UserInPath,
    },
    repository_path::{ManifestInPath, RepositoryInPath, TagInPath},
    revision::IfMatch,
    words::MemberKind,
};

/// A parameter of the path: its name and what it says.
struct Segment(&'static str, &'static str);

/// A parameter of the path that holds an id.
struct Id(&'static str, &'static str);

/// The kind of a member, which is in the path.
struct KindOfMember;

const NAMESPACE: Segment = Segment("ns", "The namespace's name");
const USER: Segment = Segment("username", "The login name");
const TEAM: Segment = Segment("team", "The team's name");
const MEMBER: Segment = Segment("name", "The username or the team's name");
const REPOSITORY: Segment = Segment(
    "repository",
    "The rest of the repository's name, escaped as one segment (`team%2Fapi`); `-` where it is called like its namespace",
);
const TAG: Segment = Segment("tag", "The tag");
const DIGEST: Segment = Segment("digest", "The manifest's digest, such as `sha256:…`");
const TOKEN: Id = Id("id", "The token's id");
const SCOPE: Id = Id("scope", "The scope's id");
const SECRET: Id = Id("secret", "The secret's id; never the secret itself");

const SESSION: Id = Id("session", "The session's id; never what its cookie carries");

macro_rules! documented {
    ($($path:ty: $($parameter:expr),+;)+) => {$(
        impl IntoParams for $path {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$($parameter.into()),+]
            }
        }
    )+};
}

documented! {
    NamespaceInPath: NAMESPACE;
    MemberInPath: NAMESPACE, KindOfMember, MEMBER;
    RepositoryInPath: NAMESPACE, REPOSITORY;
    TagInPath: NAMESPACE, REPOSITORY, TAG;
    ManifestInPath: NAMESPACE, REPOSITORY, DIGEST;
    UserInPath: USER;
    TeamInPath: TEAM;
    TeamUserInPath: TEAM, USER;
    TokenInPath: TOKEN;
    ScopeInPath: TOKEN, SCOPE;
    SecretInPath: TOKEN, SECRET;
    SessionInPath: USER, SESSION;
}

impl From<Segment> for Parameter {
    fn from(Segment(name, says): Segment) -> Self {
        in_path(name, says, ObjectBuilder::new().schema_type(Type::String).into())
    }
}

impl From<Id> for Parameter {
    fn from(Id(name, says): Id) -> Self {
        let uuid = SchemaFormat::Custom("uuid".to_owned());
        in_path(name, says, ObjectBuilder::new().schema_type(Type::String).format(Some(uuid)).into())
    }
}

impl From<KindOfMember> for Parameter {
    fn from(_: KindOfMember) -> Self {
        in_path("kind", "Whether it is about a user or a team", MemberKind::schema())
    }
}

fn in_path(name: &str, says: &str, schema: RefOr<Schema>) -> Parameter {
    parameter(name, says, schema).parameter_in(ParameterIn::Path).required(Required::True).build()
}

fn parameter(name: &str, says: &str, schema: RefOr<Schema>) -> ParameterBuilder {
    ParameterBuilder::new().name(name).description(Some(says)).schema(Some(schema))
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let says = "The ETag that the edit is based on: 412 where something was changed since. Without it, or with `*`, \
            the edit is meant for whatever is there";
        let text = ObjectBuilder::new().schema_type(Type::String).into();
        let header = parameter("If-Match", says, text).parameter_in(ParameterIn::Header);
        vec![header.required(Required::False).build()]
    }
}
