//! The gate matrix: every operation, asked for by everyone, on both engines (issue 3, "Shown by").
//!
//! The rows come from a match without `_` over `Operation` and `Call`: an operation without a row does not compile,
//! and a row without a request and its answers doesn't either.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use access::{
    operation::Operation,
    secret::{Secret, SecretKind},
    time::Length,
};
use oci::route;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Actor, ServiceToken, TestServer, both_engines,
    image::{Blob, Image, MANIFEST_TYPE},
    randomness::SeededRandomness,
    server::ADMIN_PASSWORD,
};

/// The repository of the rows about content, as the API names it.
const REPOSITORY: &str = "/api/v1/namespaces/acme/repositories/api";

macro_rules! every_operation {
    (calls: $($call:ident)+; management: $($operation:ident)+;) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Row { $($call,)+ $($operation,)+ }

        impl Row {
            const CALLS: &[Row] = &[$(Row::$call,)+];
            const MANAGEMENT: &[Row] = &[$(Row::$operation,)+];

            fn of(operation: &Operation) -> Self {
                match operation {
                    Operation::Oci(call) => match call { $(oci::Call::$call { .. } => Self::$call,)+ },
                    $(Operation::$operation { .. } => Self::$operation,)+
                }
            }
        }
    };
}

every_operation! {
    calls: Ping Catalog PullManifest PushManifest DeleteManifest PullBlob DeleteBlob StartUpload AppendUpload
        FinishUpload UploadStatus CancelUpload ListTags ListReferrers;
    management: WhoAmI ListNamespaces CreateNamespace ShowNamespace ListTokens CreateToken ShowToken EditToken
        ResetToken DeleteToken AddScope RemoveScopes ListSecrets EndSecret ExplainToken ActOnTokens ListPersonalTokens
        CreatePersonalToken ListInstanceTokens CreateInstanceToken DisableTokens EndAll ListSessions EndSession ListUsers CreateUser ShowUser
        EditUser ChangePassword DeleteUser ListTeams CreateTeam ShowTeam RenameTeam DeleteTeam AddToTeam RemoveFromTeam
        EditNamespace DeleteNamespace ListMembers SetMember RemoveMember ShowSettings EditSettings
        ShowActivity ListRepositories ShowRepository ListManifests DeleteRepository ShowAudit ShowNamespaceAudit
        ShowUserAudit ShowTokenAudit ListCreated EndCreated;
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Anonymous,
    WrongSecret,
    /// A token with every right on another repository of the namespace.
    OtherRepository,
    /// A token with every right in another namespace.
    OtherNamespace,
    Expired,
    Disabled,
    PullOnly,
    Allowed,
}

impl Column {
    const ALL: [Column; 8] = [
        Self::Anonymous,
        Self::WrongSecret,
        Self::OtherRepository,
        Self::OtherNamespace,
        Self::Expired,
        Self::Disabled,
        Self::PullOnly,
        Self::Allowed,
    ];
}

/// A status, and the code that stands in the body of a refusal.
type Cell = (u16, &'static str);

const UNAUTHORIZED: Cell = (401, "UNAUTHORIZED");
const UNSEEN: Cell = (404, "NAME_UNKNOWN");
const DENIED: Cell = (403, "DENIED");
const NO_CREDENTIAL: Cell = (401, "log-in-needed");
const BAD_CREDENTIAL: Cell = (401, "bad-credential");
const MAY_NOT: Cell = (403, "denied");
const NOT_FOUND: Cell = (404, "not-found");

impl Row {
    /// The answers of `Column::ALL`, in order.
    fn cells(self) -> [Cell; 8] {
        match self {
            // Being somebody is enough.
            Self::Ping => calls([(200, ""); 3]),
            Self::Catalog => calls([DENIED, DENIED, (200, "")]),
            Self::PullManifest | Self::PullBlob | Self::ListTags | Self::ListReferrers => {
                calls([UNSEEN, (200, ""), (200, "")])
            }
            Self::PushManifest | Self::FinishUpload => calls([UNSEEN, DENIED, (201, "")]),
            Self::StartUpload | Self::AppendUpload => calls([UNSEEN, DENIED, (202, "")]),
            Self::UploadStatus | Self::CancelUpload => calls([UNSEEN, DENIED, (204, "")]),
            Self::DeleteManifest | Self::DeleteBlob => calls([UNSEEN, DENIED, (202, "")]),
            Self::WhoAmI => management([(200, ""); 3]),
            // Rule 9: a service token manages nothing.
            Self::ListNamespaces => management([MAY_NOT, MAY_NOT, (200, "")]),
            Self::CreateNamespace => management([MAY_NOT, MAY_NOT, (201, "")]),
            // A namespace's own tokens know of it, so they are told that they manage nothing.
            Self::ShowNamespace | Self::ListTokens => at_home((200, "")),
            Self::CreateToken => at_home((201, "")),
            Self::ShowToken | Self::EditToken | Self::ResetToken => {
                management([NOT_FOUND, NOT_FOUND, (200, "")])
            }
            Self::DeleteToken | Self::RemoveScopes | Self::EndSecret => {
                management([NOT_FOUND, NOT_FOUND, (204, "")])
            }
            Self::AddScope => management([NOT_FOUND, NOT_FOUND, (201, "")]),
            Self::ListSecrets
            | Self::ExplainToken
            | Self::ListPersonalTokens
            | Self::DisableTokens
            | Self::EndAll
            | Self::ListCreated
            | Self::EndCreated
            | Self::ListSessions => management([NOT_FOUND, NOT_FOUND, (200, "")]),
            Self::CreatePersonalToken => management([NOT_FOUND, NOT_FOUND, (201, "")]),
            Self::ActOnTokens | Self::ListInstanceTokens => management([MAY_NOT, MAY_NOT, (200, "")]),
            Self::CreateInstanceToken | Self::CreateUser | Self::CreateTeam => {
                management([MAY_NOT, MAY_NOT, (201, "")])
            }
            Self::ListUsers
            | Self::ListTeams
            | Self::ShowTeam
            | Self::RenameTeam
            | Self::ShowSettings
            | Self::EditSettings => management([MAY_NOT, MAY_NOT, (200, "")]),
            Self::DeleteTeam | Self::AddToTeam | Self::RemoveFromTeam => {
                management([MAY_NOT, MAY_NOT, (204, "")])
            }
            Self::ShowUser
            | Self::EditUser
            | Self::ChangePassword
            | Self::EditNamespace
            | Self::ListMembers
            | Self::SetMember => management([NOT_FOUND, NOT_FOUND, (200, "")]),
            Self::DeleteUser | Self::DeleteNamespace | Self::RemoveMember | Self::EndSession => {
                management([NOT_FOUND, NOT_FOUND, (204, "")])
            }
            Self::ShowActivity => management([NOT_FOUND, NOT_FOUND, (200, "")]),
            // Told before it is looked at whose audit they ask for.
            Self::ShowAudit | Self::ShowNamespaceAudit | Self::ShowUserAudit | Self::ShowTokenAudit => {
                management([MAY_NOT, MAY_NOT, (200, "")])
            }
            // None of them has the scope of type registry.
            Self::ListRepositories => management([MAY_NOT, MAY_NOT, (200, "")]),
            // What a token may do through `/v2/`, it may do here.
            Self::ShowRepository | Self::ListManifests => management([NOT_FOUND, (200, ""), (200, "")]),
            Self::DeleteRepository => management([NOT_FOUND, MAY_NOT, (204, "")]),
        }
    }

    /// The scope that the challenge to an anonymous caller names (DESIGN §3.1).
    fn challenge_scope(self) -> Option<&'static str> {
        match self {
            Self::Catalog => Some("registry:catalog:*"),
            Self::PullManifest | Self::PullBlob | Self::ListTags | Self::ListReferrers => {
                Some("repository:acme/api:pull")
            }
            Self::PushManifest
            | Self::StartUpload
            | Self::AppendUpload
            | Self::FinishUpload
            | Self::UploadStatus
            | Self::CancelUpload => Some("repository:acme/api:pull,push"),
            Self::DeleteManifest | Self::DeleteBlob => Some("repository:acme/api:delete"),
            // `/v2/` itself takes none, and no bearer opens a door of the API.
            _ => None,
        }
    }
}

/// The row of a `/v2/` call, whose credentials all end alike: elsewhere, pull only and allowed differ.
fn calls([elsewhere, pull_only, allowed]: [Cell; 3]) -> [Cell; 8] {
    [UNAUTHORIZED, UNAUTHORIZED, elsewhere, elsewhere, UNAUTHORIZED, UNAUTHORIZED, pull_only, allowed]
}

fn management([elsewhere, pull_only, allowed]: [Cell; 3]) -> [Cell; 8] {
    [NO_CREDENTIAL, BAD_CREDENTIAL, elsewhere, elsewhere, BAD_CREDENTIAL, BAD_CREDENTIAL, pull_only, allowed]
}

/// The row of an operation on the namespace that all tokens but the one of another namespace belong to.
fn at_home(allowed: Cell) -> [Cell; 8] {
    let mut cells = management([MAY_NOT, MAY_NOT, allowed]);
    cells[Column::OtherNamespace as usize] = NOT_FOUND;
    cells
}

/// Who lives in the house, and what lies in it.
struct House {
    t: TestServer,
    ci: ServiceToken,
    other_repository: ServiceToken,
    other_namespace: ServiceToken,
    expired: ServiceToken,
    disabled: ServiceToken,
    pull_only: ServiceToken,
    image: Image,
    /// In no manifest.
    loose: Blob,
    /// The rest of a blob whose beginning the open upload holds.
    rest: Blob,
}

/// What a row acts on: made anew for each, and again before each request that is allowed.
struct Fixture {
    /// The open upload of `ci`.
    upload: String,
    /// The id of a token to be managed.
    token: String,
    /// The id of its only scope.
    scope: String,
    /// The id of its only secret.
    secret: String,
    /// The id of that user's only console session.
    session: String,
    /// The name of a user, of their own namespace, and of a team that they are in.
    name: String,
}

fn scope(path: &str, actions: &[&str]) -> Value {
    json!({ "type": "repository", "path": path, "actions": actions })
}

impl House {
    async fn build(t: TestServer) -> Self {
        let every = ["pull", "push", "delete"];
        let all =
            json!({ "scopes": [scope("acme/api", &every), { "type": "registry", "actions": ["list"] }] });
        let with_expiry = |mut body: Value| {
            body["expires_in"] = json!("1h");
            body
        };
        let ci = t.service_token("acme", "ci-all", all.clone()).await;
        let disabled = t.service_token("acme", "disabled", all.clone()).await;
        let expired = t.service_token("acme", "expired", with_expiry(all)).await;
        let web = json!({ "scopes": [scope("acme/web", &every)] });
        let other_repository = t.service_token("acme", "web", web).await;
        let everything = json!({ "scopes": [scope("*", &every)] });
        let other_namespace = t.service_token("other", "web", everything).await;
        let pull_only = t.service_token("acme", "pull-only", json!({ "permission": "pull" })).await;
        t.service_token("spare", "idle", json!({ "permission": "pull" })).await;
        let image = Image::new(1, 1000);
        let (loose, rest) = (Blob::new("", b"loose".to_vec()), Blob::new("", b"begun and finished".to_vec()));
        Self { t, ci, other_repository, other_namespace, expired, disabled, pull_only, image, loose, rest }
    }

    async fn fixture(&self, number: usize) -> Fixture {
        let ci = self.t.with(&self.ci);
        ci.push("acme/api", "1.0", &self.image).await.is(201);
        ci.push_blob("acme/api", &self.loose).await.is(201);
        let upload = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
        ci.stream_chunk(&upload, b"begun").await.is(202);
        let token =
            self.t.service_token("acme", &format!("managed-{number}"), json!({ "permission": "pull" })).await;
        let path = format!("/api/v1/tokens/{}", token.id);
        let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let scope = text(&self.t.admin().get(&path).await.is(200).json()["scopes"][0]);
        let secret = text(&self.t.admin().get(&format!("{path}/secrets")).await.is(200).json()["items"][0]);
        let name = format!("managed-{number}");
        let user = json!({ "username": name, "password": ADMIN_PASSWORD });
        self.t.admin().post_json("/api/v1/users", &user).await.is(201);
        self.t.admin().post_json("/api/v1/teams", &json!({ "name": name })).await.is(201);
        let admin = self.t.admin();
        let place = format!("/api/v1/teams/{name}/members/{name}");
        admin.send(admin.request(Method::PUT, &place)).await.is(204);
        let form = format!("username={name}&password={}", ADMIN_PASSWORD.replace(' ', "+"));
        admin.send(admin.request(Method::POST, "/login").body(form)).await.is(200);
        let sessions = admin.get(&format!("/api/v1/users/{name}/sessions")).await.is(200).json();
        let session = text(&sessions["items"][0]);
        Fixture { upload, token: token.id, scope, secret, session, name }
    }

    fn token(&self, column: Column) -> Option<&ServiceToken> {
        match column {
            Column::Anonymous | Column::WrongSecret => None,
            Column::OtherRepository => Some(&self.other_repository),
            Column::OtherNamespace => Some(&self.other_namespace),
            Column::Expired => Some(&self.expired),
            Column::Disabled => Some(&self.disabled),
            Column::PullOnly => Some(&self.pull_only),
            Column::Allowed => Some(&self.ci),
        }
    }

    fn by_basic(&self, column: Column) -> Actor {
        match (column, self.token(column)) {
            (_, Some(token)) => self.t.with(token),
            (Column::WrongSecret, None) => {
                let foreign = Secret::mint(SecretKind::Service, &SeededRandomness::new(999));
                self.t.basic(&self.ci.name, foreign.expose())
            }
            (_, None) => self.t.anonymous(),
        }
    }

    /// Disables one token and lets another expire; bearers that were made before are 2 s old by then.
    async fn end_two(&self) {
        self.t.clock.advance(Length::seconds(2));
        self.t.admin().set_status(&self.disabled, "disabled").await.is(200);
    }

    /// What no refused request may change, as the administrator and the upload's owner see it.
    async fn as_it_is(&self, fixture: &Fixture) -> Vec<String> {
        let (admin, ci) = (self.t.admin(), self.t.with(&self.ci));
        let mut seen = Vec::new();
        let name = &fixture.name;
        for path in [
            &format!("/api/v1/teams/{name}"),
            &format!("/api/v1/namespaces/{name}/members"),
            "/api/v1/users?limit=1000",
            "/api/v1/teams?limit=1000",
            "/api/v1/settings",
            "/v2/acme/api/tags/list",
            "/v2/acme/api/manifests/1.0",
            "/api/v1/namespaces",
            "/api/v1/namespaces/acme/tokens",
            "/api/v1/namespaces/spare/tokens",
            "/api/v1/users/admin/tokens",
            "/api/v1/tokens",
        ] {
            seen.push(admin.get(path).await.is(200).text());
        }
        let loose = format!("/v2/acme/api/blobs/{}", self.loose.digest);
        seen.push(admin.head(&loose).await.is(200).header("content-length").to_owned());
        seen.push(ci.get(&fixture.upload).await.is(204).header("range").to_owned());
        seen.push(self.t.blob_files().to_string());
        seen
    }

    fn request(&self, actor: &Actor, row: Row, fixture: &Fixture) -> reqwest::RequestBuilder {
        let (method, path) = self.line(row, fixture);
        let request = actor.request(method, &path);
        match row {
            Row::PushManifest => {
                request.header("content-type", MANIFEST_TYPE).body(self.image.manifest.bytes.clone())
            }
            Row::AppendUpload | Row::FinishUpload => request.body(self.rest.bytes[b"begun".len()..].to_vec()),
            Row::CreateNamespace => request.json(&json!({ "name": "new" })),
            Row::CreateToken => request.json(&json!({ "name": "made" })),
            Row::AddScope => request.json(&scope("acme/more", &["pull"])),
            Row::ExplainToken => request.json(&json!({ "action": "pull", "repository": "acme/api" })),
            Row::ActOnTokens => request.json(&json!({ "ids": [fixture.token], "do": "disable" })),
            Row::CreatePersonalToken | Row::CreateInstanceToken => request.json(&json!({ "name": "made" })),
            Row::EditToken => request.json(&json!({ "description": "edited", "permission": "pull-push" })),
            Row::CreateUser => request.json(&json!({ "username": "made", "password": ADMIN_PASSWORD })),
            Row::EditUser => request.json(&json!({ "is_active": false })),
            Row::ChangePassword => {
                request.json(&json!({ "current_password": ADMIN_PASSWORD, "password": ADMIN_PASSWORD }))
            }
            Row::CreateTeam => request.json(&json!({ "name": "made" })),
            Row::RenameTeam => request.json(&json!({ "name": "renamed" })),
            Row::EditNamespace => request.json(&json!({ "visibility": "public" })),
            Row::SetMember => request.json(&json!({ "role": "reader" })),
            Row::EditSettings => request.json(&json!({ "users_make_namespaces": true })),
            _ => request,
        }
    }

    /// Method and path.
    fn line(&self, row: Row, fixture: &Fixture) -> (Method, String) {
        let Fixture { upload, token: id, scope, secret, session, name } = fixture;
        let (v2, token) = ("/v2/acme/api", format!("/api/v1/tokens/{id}"));
        let [user, team, namespace] =
            ["users", "teams", "namespaces"].map(|kind| format!("/api/v1/{kind}/{name}"));
        match row {
            Row::Ping => (Method::GET, "/v2/".into()),
            Row::Catalog => (Method::GET, "/v2/_catalog".into()),
            Row::PullManifest => (Method::GET, format!("{v2}/manifests/1.0")),
            Row::PushManifest => (Method::PUT, format!("{v2}/manifests/2.0")),
            Row::DeleteManifest => (Method::DELETE, format!("{v2}/manifests/1.0")),
            Row::PullBlob => (Method::GET, format!("{v2}/blobs/{}", self.image.layer.digest)),
            Row::DeleteBlob => (Method::DELETE, format!("{v2}/blobs/{}", self.loose.digest)),
            Row::StartUpload => (Method::POST, format!("{v2}/blobs/uploads/")),
            Row::AppendUpload => (Method::PATCH, upload.clone()),
            Row::FinishUpload => (Method::PUT, format!("{upload}?digest={}", self.rest.digest)),
            Row::UploadStatus => (Method::GET, upload.clone()),
            Row::CancelUpload => (Method::DELETE, upload.clone()),
            Row::ListTags => (Method::GET, format!("{v2}/tags/list")),
            Row::ListReferrers => (Method::GET, format!("{v2}/referrers/{}", self.image.manifest.digest)),
            Row::WhoAmI => (Method::GET, "/api/v1/me".into()),
            Row::ListNamespaces => (Method::GET, "/api/v1/namespaces".into()),
            Row::CreateNamespace => (Method::POST, "/api/v1/namespaces".into()),
            Row::ShowNamespace => (Method::GET, "/api/v1/namespaces/acme".into()),
            Row::ListTokens => (Method::GET, "/api/v1/namespaces/acme/tokens".into()),
            Row::CreateToken => (Method::POST, "/api/v1/namespaces/acme/tokens".into()),
            Row::ShowToken => (Method::GET, token),
            Row::EditToken => (Method::PATCH, token),
            Row::ResetToken => (Method::POST, format!("{token}/reset")),
            Row::DeleteToken => (Method::DELETE, token),
            Row::AddScope => (Method::POST, format!("{token}/scopes")),
            Row::RemoveScopes => (Method::DELETE, format!("{token}/scopes/{scope}")),
            Row::ListSecrets => (Method::GET, format!("{token}/secrets")),
            Row::EndSecret => (Method::DELETE, format!("{token}/secrets/{secret}")),
            Row::ExplainToken => (Method::POST, format!("{token}/explain")),
            Row::ActOnTokens => (Method::POST, "/api/v1/tokens/batch".into()),
            Row::ListPersonalTokens => (Method::GET, "/api/v1/users/admin/tokens".into()),
            Row::CreatePersonalToken => (Method::POST, "/api/v1/users/admin/tokens".into()),
            Row::ListInstanceTokens => (Method::GET, "/api/v1/tokens".into()),
            Row::CreateInstanceToken => (Method::POST, "/api/v1/tokens".into()),
            // Not acme, whose tokens the other rows live from.
            Row::DisableTokens => (Method::POST, "/api/v1/namespaces/spare/tokens/disable-all".into()),
            Row::EndAll => (Method::POST, "/api/v1/users/admin/end-all".into()),
            Row::ListSessions => (Method::GET, format!("{user}/sessions")),
            Row::EndSession => (Method::DELETE, format!("{user}/sessions/{session}")),
            Row::ListUsers => (Method::GET, "/api/v1/users".into()),
            Row::CreateUser => (Method::POST, "/api/v1/users".into()),
            Row::ShowUser => (Method::GET, user),
            Row::EditUser => (Method::PATCH, user),
            Row::ChangePassword => (Method::PATCH, "/api/v1/users/admin".into()),
            Row::DeleteUser => (Method::DELETE, user),
            Row::ListTeams => (Method::GET, "/api/v1/teams".into()),
            Row::CreateTeam => (Method::POST, "/api/v1/teams".into()),
            Row::ShowTeam => (Method::GET, team),
            Row::RenameTeam => (Method::PATCH, team),
            Row::DeleteTeam => (Method::DELETE, team),
            Row::AddToTeam => (Method::PUT, format!("{team}/members/admin")),
            Row::RemoveFromTeam => (Method::DELETE, format!("{team}/members/{name}")),
            Row::EditNamespace => (Method::PATCH, namespace),
            Row::DeleteNamespace => (Method::DELETE, namespace),
            Row::ListMembers => (Method::GET, format!("{namespace}/members")),
            Row::SetMember => (Method::PUT, format!("{namespace}/members/users/{name}")),
            Row::RemoveMember => (Method::DELETE, format!("{namespace}/members/users/{name}")),
            Row::ShowSettings => (Method::GET, "/api/v1/settings".into()),
            Row::EditSettings => (Method::PATCH, "/api/v1/settings".into()),
            Row::ShowActivity => (Method::GET, format!("{token}/activity")),
            Row::ListRepositories => (Method::GET, "/api/v1/namespaces/acme/repositories".into()),
            Row::ShowRepository => (Method::GET, REPOSITORY.into()),
            Row::ListManifests => (Method::GET, format!("{REPOSITORY}/manifests")),
            Row::DeleteRepository => (Method::DELETE, REPOSITORY.into()),
            Row::ShowAudit => (Method::GET, "/api/v1/audit".into()),
            Row::ShowNamespaceAudit => (Method::GET, "/api/v1/audit?namespace=acme".into()),
            Row::ShowUserAudit => (Method::GET, "/api/v1/audit?user=admin".into()),
            Row::ListCreated => (Method::GET, format!("{token}/created")),
            Row::EndCreated => (Method::POST, format!("{token}/end-created")),
            Row::ShowTokenAudit => (Method::GET, format!("/api/v1/audit?token={id}")),
        }
    }

    /// One cell: asks, and holds what comes back against the table.
    async fn ask(&self, actor: &Actor, row: Row, column: Column, carrier: &str, fixture: &Fixture) {
        let expected = row.cells()[column as usize];
        let answer = actor.send(self.request(actor, row, fixture)).await;
        let told = (answer.status, answer.code());
        assert_eq!(
            told,
            (expected.0, expected.1.to_owned()),
            "{row:?} × {column:?} by {carrier}\n{answer:?}"
        );
        let challenges = answer.headers.get_all("www-authenticate").iter().count();
        assert_eq!(challenges, usize::from(expected.0 == 401), "{row:?} × {column:?}\n{answer:?}");
        let challenge = answer.header("www-authenticate");
        if let (Column::Anonymous, Some(scope)) = (column, row.challenge_scope()) {
            assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{row:?}\n{answer:?}");
        }
    }
}

/// The bearer of each token for each call, made while all tokens were alive.
async fn bearers(house: &House) -> Vec<(Row, Column, Actor)> {
    let mut made = Vec::new();
    for row in Row::CALLS {
        for column in Column::ALL.into_iter().filter(|column| house.token(*column).is_some()) {
            let scope = row.challenge_scope().unwrap_or_default();
            made.push((*row, column, house.by_basic(column).asks(scope).await));
        }
    }
    made
}

#[both_engines]
async fn every_call_is_answered_by_the_matrix(t: TestServer) {
    let house = House::build(t).await;
    house.t.clock.advance(Length::seconds(3599));
    let bearers = bearers(&house).await;
    house.end_two().await;
    for (number, row) in Row::CALLS.iter().copied().enumerate() {
        let fixture = house.fixture(number).await;
        let before = house.as_it_is(&fixture).await;
        let (method, path) = house.line(row, &fixture);
        let (path, _) = path.split_once('?').unwrap_or((&path, ""));
        let call = route::parse(route::Method::parse(method.as_str()), path).unwrap();
        assert_eq!(Row::of(&Operation::Oci(call)), row);
        for column in Column::ALL.into_iter().filter(|column| *column != Column::Allowed) {
            house.ask(&house.by_basic(column), row, column, "Basic", &fixture).await;
            for (.., bearer) in bearers.iter().filter(|(of, whose, _)| (*of, *whose) == (row, column)) {
                house.ask(bearer, row, column, "Bearer", &fixture).await;
            }
            assert_eq!(house.as_it_is(&fixture).await, before, "{row:?} × {column:?} left something behind");
        }
        let column = Column::Allowed;
        house.ask(&house.by_basic(column), row, column, "Basic", &fixture).await;
        let fixture = house.fixture(number + Row::CALLS.len()).await;
        let (.., bearer) = bearers.iter().find(|(of, whose, _)| (*of, *whose) == (row, column)).unwrap();
        house.ask(bearer, row, column, "Bearer", &fixture).await;
    }
}

#[both_engines]
async fn every_act_of_management_is_answered_by_the_matrix(t: TestServer) {
    let house = House::build(t).await;
    house.t.clock.advance(Length::seconds(3599));
    house.end_two().await;
    for (number, row) in Row::MANAGEMENT.iter().copied().enumerate() {
        let fixture = house.fixture(number).await;
        let before = house.as_it_is(&fixture).await;
        for column in Column::ALL.into_iter().filter(|column| *column != Column::Allowed) {
            house.ask(&house.by_basic(column), row, column, "Basic", &fixture).await;
            if let Some(token) = house.token(column) {
                house.ask(&house.t.bearer(&token.secret), row, column, "Bearer", &fixture).await;
            }
            assert_eq!(house.as_it_is(&fixture).await, before, "{row:?} × {column:?} left something behind");
        }
        // No service token is allowed to manage; a person is.
        house.ask(&house.t.admin(), row, Column::Allowed, "Basic", &fixture).await;
    }
}

#[both_engines]
async fn a_bearer_of_the_token_protocol_opens_no_door_of_the_api(t: TestServer) {
    let house = House::build(t).await;
    let fixture = house.fixture(0).await;
    let admin = house.t.admin().asks("repository:acme/api:*").await;
    for row in Row::MANAGEMENT {
        let answer = admin.send(house.request(&admin, *row, &fixture)).await;
        assert_eq!((answer.status, answer.code().as_str()), BAD_CREDENTIAL, "{row:?}\n{answer:?}");
    }
}
