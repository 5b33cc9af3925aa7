//! The answers table of DESIGN §3.1, whole: every principal, with every kind of credential, asks for every call in
//! every kind of repository. What is expected is worked out from two sets alone, R (the rights) and B (the bearer's
//! access), as the table does.

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Actor, Answer, TestServer, both_engines,
    image::{Image, sha256_digest},
    server::ADMIN_PASSWORD,
};

/// Repositories that are there or not, in namespaces that are there or not.
const REPOSITORIES: [&str; 7] =
    ["acme/api", "acme/web", "acme/none", "open/api", "other/api", "other/none", "ghost/api"];
/// Those that somebody pushed to.
const PRESENT: [&str; 4] = ["acme/api", "acme/web", "open/api", "other/api"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Pull,
    Push,
    Delete,
}

use Action::{Delete, Pull, Push};

impl Action {
    fn scope(self, repository: &str) -> String {
        let actions = match self {
            Pull => "pull",
            Push => "pull,push",
            Delete => "delete",
        };
        format!("repository:{repository}:{actions}")
    }
}

/// A principal, how it logs in, and R in a table of its own: path pattern and actions, as a person would write it.
struct Principal {
    name: &'static str,
    actor: Actor,
    rights: &'static [(&'static str, &'static [Action])],
    lists: bool,
}

impl Principal {
    fn is_anonymous(&self) -> bool {
        self.name == "anonymous"
    }

    fn may(&self, action: Action, repository: &str) -> bool {
        let is_public = action == Pull && repository.starts_with("open/");
        let reaches = |path: &str| match path.strip_suffix('*') {
            Some(start) => repository.starts_with(start),
            None => repository == path,
        };
        is_public || self.rights.iter().any(|(path, actions)| reaches(path) && actions.contains(&action))
    }
}

/// Which credential a principal sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credential {
    /// Name and secret, or nothing for anonymous: B has no limit.
    Directly,
    /// A bearer for everything that the principal has.
    BearerForAll,
    /// A bearer to pull from `acme/api` and `open/api`.
    BearerToPull,
    /// A bearer for nothing: what `docker login` fetches. (Anonymous gets none.)
    BearerForNothing,
}

impl Credential {
    const ALL: [Self; 4] = [Self::Directly, Self::BearerForAll, Self::BearerToPull, Self::BearerForNothing];

    async fn of(self, principal: &Principal) -> Actor {
        let every: Vec<_> = REPOSITORIES.iter().map(|name| format!("repository:{name}:*")).collect();
        let scope = match self {
            Self::Directly => return principal.actor.clone(),
            Self::BearerForAll => format!("{} registry:catalog:*", every.join(" ")),
            Self::BearerToPull => "repository:acme/api:pull repository:open/api:pull".to_owned(),
            // Grants nothing, and asks for something.
            Self::BearerForNothing => "repository:acme/api:frobnicate".to_owned(),
        };
        principal.actor.asks(&scope).await
    }

    fn covers(self, action: Action, repository: &str) -> bool {
        match self {
            Self::Directly | Self::BearerForAll => true,
            Self::BearerToPull => action == Pull && ["acme/api", "open/api"].contains(&repository),
            Self::BearerForNothing => false,
        }
    }
}

/// A call on a repository: method, what follows the name, what it takes, and the answer where it is allowed and the
/// repository is there, or is not.
struct Call {
    method: Method,
    rest: String,
    action: Action,
    present: (u16, &'static str),
    absent: (u16, &'static str),
}

impl Call {
    async fn ask(&self, actor: &Actor, repository: &str) -> Answer {
        let request = actor.request(self.method.clone(), &format!("/v2/{repository}/{}", self.rest));
        actor.send(request.body(if self.method == Method::PUT { BRACES } else { "" })).await
    }
}

fn calls(image: &Image) -> Vec<Call> {
    const UNKNOWN: (u16, &str) = (404, "NAME_UNKNOWN");
    const NO_UPLOAD: (u16, &str) = (404, "BLOB_UPLOAD_UNKNOWN");
    const NO_MANIFEST: (u16, &str) = (404, "MANIFEST_UNKNOWN");
    const INVALID: (u16, &str) = (400, "MANIFEST_INVALID");
    const WRONG_DIGEST: (u16, &str) = (400, "DIGEST_INVALID");
    let (nothing, braces) = (sha256_digest(b"nobody pushed this"), sha256_digest(BRACES.as_bytes()));
    let (layer, manifest) = (&image.layer.digest, &image.manifest.digest);
    let call = |method, rest: String, action, present, absent| Call { method, rest, action, present, absent };
    vec![
        call(Method::GET, "manifests/1.0".into(), Pull, (200, ""), UNKNOWN),
        call(Method::HEAD, "manifests/1.0".into(), Pull, (200, ""), (404, "")),
        call(Method::GET, format!("manifests/{manifest}"), Pull, (200, ""), UNKNOWN),
        call(Method::HEAD, format!("manifests/{manifest}"), Pull, (200, ""), (404, "")),
        call(Method::GET, format!("blobs/{layer}"), Pull, (200, ""), UNKNOWN),
        call(Method::HEAD, format!("blobs/{layer}"), Pull, (200, ""), (404, "")),
        call(Method::GET, "tags/list".into(), Pull, (200, ""), UNKNOWN),
        call(Method::HEAD, "tags/list".into(), Pull, (200, ""), (404, "")),
        // OCI distribution 1.1, "Listing Referrers": never 404, which would say that there is no such API.
        call(Method::GET, format!("referrers/{manifest}"), Pull, (200, ""), (200, "")),
        call(Method::HEAD, format!("referrers/{manifest}"), Pull, (200, ""), (200, "")),
        call(Method::PUT, "manifests/2.0".into(), Push, INVALID, INVALID),
        call(Method::PUT, format!("manifests/{braces}"), Push, INVALID, INVALID),
        call(Method::POST, "blobs/uploads/".into(), Push, (202, ""), (202, "")),
        call(Method::POST, format!("blobs/uploads/?digest={nothing}"), Push, WRONG_DIGEST, WRONG_DIGEST),
        call(Method::POST, format!("blobs/uploads/?mount={nothing}"), Push, (202, ""), (202, "")),
        call(Method::POST, format!("{MOUNT}{nothing}&from=other/api"), Push, (202, ""), (202, "")),
        call(Method::PATCH, "blobs/uploads/x".into(), Push, NO_UPLOAD, NO_UPLOAD),
        call(Method::PUT, format!("blobs/uploads/x?digest={nothing}"), Push, NO_UPLOAD, NO_UPLOAD),
        call(Method::GET, "blobs/uploads/x".into(), Push, NO_UPLOAD, NO_UPLOAD),
        call(Method::HEAD, "blobs/uploads/x".into(), Push, (404, ""), (404, "")),
        call(Method::DELETE, "blobs/uploads/x".into(), Push, NO_UPLOAD, NO_UPLOAD),
        call(Method::DELETE, "manifests/none".into(), Delete, NO_MANIFEST, UNKNOWN),
        call(Method::DELETE, format!("manifests/{nothing}"), Delete, NO_MANIFEST, UNKNOWN),
        call(Method::DELETE, format!("blobs/{nothing}"), Delete, (404, "BLOB_UNKNOWN"), UNKNOWN),
    ]
}

/// What every PUT sends: no manifest, and not the blob that it names.
const BRACES: &str = "{}";
const MOUNT: &str = "blobs/uploads/?mount=";

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Challenge,
    BadCredential,
    Go,
    InsufficientScope,
    Denied,
    Unseen,
}

fn line(principal: &Principal, credential: Credential, action: Action, repository: &str) -> Line {
    match (principal.may(action, repository), credential.covers(action, repository)) {
        (true, true) => Line::Go,
        (true, false) => Line::InsufficientScope,
        (false, _) if principal.is_anonymous() => Line::Challenge,
        (false, _) if principal.may(Pull, repository) => Line::Denied,
        (false, _) => Line::Unseen,
    }
}

async fn user(t: &TestServer, name: &str) -> Actor {
    let body = json!({ "username": name, "password": ADMIN_PASSWORD });
    t.admin().post_json("/api/v1/users", &body).await.is(201);
    t.basic(name, ADMIN_PASSWORD)
}

async fn put(t: &TestServer, path: &str, body: Value) {
    let admin = t.admin();
    let answer = admin.send(admin.request(Method::PUT, path).json(&body)).await;
    assert!([200, 204].contains(&answer.status), "{answer:?}");
}

async fn member(t: &TestServer, name: &str, role: &str) -> Actor {
    let actor = user(t, name).await;
    put(t, &format!("/api/v1/namespaces/acme/members/users/{name}"), json!({ "role": role })).await;
    actor
}

async fn people(t: &TestServer) -> Vec<Principal> {
    let of_team = user(t, "of-team").await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "builders" })).await.is(201);
    put(t, "/api/v1/teams/builders/members/of-team", json!({})).await;
    put(t, "/api/v1/namespaces/acme/members/teams/builders", json!({ "role": "writer" })).await;
    let person = |name, actor, rights| Principal { name, actor, rights, lists: true };
    vec![
        Principal { name: "anonymous", actor: t.anonymous(), rights: &[], lists: false },
        person("a user without a role", user(t, "stranger").await, &[]),
        person("a reader", member(t, "reader", "reader").await, &[("acme/*", &[Pull])]),
        person("a writer", member(t, "writer", "writer").await, &[("acme/*", &[Pull, Push])]),
        person("a writer by team", of_team, &[("acme/*", &[Pull, Push])]),
        person("an admin", member(t, "keeper", "admin").await, &[("acme/*", &[Pull, Push, Delete])]),
        person("an instance administrator", t.admin(), &[("*", &[Pull, Push, Delete])]),
    ]
}

async fn tokens(t: &TestServer) -> Vec<Principal> {
    let scope =
        |path: &str, actions: &[&str]| json!({ "type": "repository", "path": path, "actions": actions });
    let list = json!({ "type": "registry", "actions": ["list"] });
    let service = async |name: &str, scopes: Value| {
        t.with(&t.service_token("acme", name, json!({ "scopes": scopes })).await)
    };
    let personal = async |user: &str, body: Value| t.with(&t.personal_token(user, body).await);
    let instance = json!({ "name": "everywhere", "scopes": [scope("acme/*", &["pull", "push"])] });
    let instance = t.admin().post_json("/api/v1/tokens", &instance).await.is(201).json();
    let instance = t.basic("everywhere", instance["secret"].as_str().unwrap());
    let scoped = json!({ "name": "scoped", "access": "scoped", "scopes": [scope("*", &["pull"])] });
    let token = |name, actor, rights| Principal { name, actor, rights, lists: false };
    let puller = service("puller", json!([scope("*", &["pull"])])).await;
    let pusher = service("pusher", json!([scope("acme/api", &["pull", "push"])])).await;
    let cleaner = service("cleaner", json!([scope("acme/api", &["delete"])])).await;
    let all = service("all", json!([scope("*", &["pull", "push", "delete"]), list])).await;
    let account = personal("writer", json!({ "name": "account", "access": "account" })).await;
    vec![
        token("a service token without scopes", service("nothing", json!([])).await, &[]),
        token("a service token that pulls", puller, &[("acme/*", &[Pull])]),
        token("a service token of one repository", pusher, &[("acme/api", &[Pull, Push])]),
        token("a service token that only deletes", cleaner, &[("acme/api", &[Delete])]),
        Principal {
            lists: true,
            ..token("a service token with all", all, &[("acme/*", &[Pull, Push, Delete])])
        },
        Principal { lists: true, ..token("a personal token", account, &[("acme/*", &[Pull, Push])]) },
        token("a scoped personal token", personal("keeper", scoped).await, &[("acme/*", &[Pull])]),
        token("an instance token", instance, &[("acme/*", &[Pull, Push])]),
    ]
}

async fn furnished(t: &TestServer, image: &Image) -> Vec<Principal> {
    for repository in PRESENT {
        t.admin().push(repository, "1.0", image).await.is(201);
    }
    t.admin().patch_json("/api/v1/namespaces/open", &json!({ "visibility": "public" })).await.is(200);
    people(t).await.into_iter().chain(tokens(t).await).collect()
}

#[both_engines]
async fn every_principal_gets_the_tables_answer_to_every_call(t: TestServer) {
    let image = Image::new(1, 10);
    let (principals, calls) = (furnished(&t, &image).await, calls(&image));
    assert_eq!((principals.len(), calls.len()), (15, 24));
    let mut lines = std::collections::HashMap::new();
    for principal in &principals {
        for credential in Credential::ALL {
            let actor = credential.of(principal).await;
            for call in &calls {
                let mut unseen = Vec::new();
                for repository in REPOSITORIES {
                    let answer = call.ask(&actor, repository).await;
                    let line = line(principal, credential, call.action, repository);
                    let who = format!("{} ({credential:?})", principal.name);
                    check(&answer, &line, call, repository, &who);
                    if matches!(line, Line::Unseen | Line::Challenge) {
                        unseen.push(comparable(&answer, repository));
                    }
                    *lines.entry(format!("{line:?}")).or_insert(0) += 1;
                }
                // Absent and forbidden give the same answer.
                assert!(unseen.windows(2).all(|pair| pair[0] == pair[1]), "{}: {unseen:#?}", principal.name);
            }
        }
    }
    assert_eq!(lines.len(), 5, "every line of the table was asked for: {lines:?}");
}

/// Everybody whose credential was good once, with a way to log in and a bearer of that time.
async fn ended(t: &TestServer) -> Vec<(&'static str, Actor)> {
    let all = json!({ "permission": "pull-push" });
    let bearer = async |actor: &Actor| actor.asks("repository:acme/api:*").await;
    let brief = json!({ "permission": "pull-push", "expires_in": "1h" });
    let brief = t.with(&t.service_token("acme", "brief", brief).await);
    t.clock.advance(Length::seconds(3599));
    let mut actors = vec![("an expired token", bearer(&brief).await), ("an expired token", brief)];
    t.clock.advance(Length::seconds(1));
    for (name, how) in [
        ("disabled", "a disabled token"),
        ("deleted", "a deleted token"),
        ("replaced", "a token's old secret"),
    ] {
        let token = t.service_token("acme", name, all.clone()).await;
        actors.extend([(how, t.with(&token)), (how, bearer(&t.with(&token)).await)]);
        let path = format!("/api/v1/tokens/{}", token.id);
        match name {
            "disabled" => t.edit(&token, json!({ "status": "disabled" })).await.is(200),
            "deleted" => t.admin().delete(&path).await.is(204),
            _ => t.admin().post_json(&format!("{path}/reset"), &json!({})).await.is(200),
        };
    }
    let gone = member(t, "gone", "admin").await;
    let account = t.with(&t.personal_token("gone", json!({ "name": "account", "access": "account" })).await);
    let of_user = "a deactivated user";
    for actor in [gone, account] {
        actors.extend([(of_user, bearer(&actor).await), (of_user, actor)]);
    }
    t.admin().patch_json("/api/v1/users/gone", &json!({ "is_active": false })).await.is(200);
    actors
}

#[both_engines]
async fn whoever_was_good_once_is_told_so_whatever_they_ask_for(t: TestServer) {
    let image = Image::new(1, 10);
    for repository in PRESENT {
        t.admin().push(repository, "1.0", &image).await.is(201);
    }
    // What anyone may pull takes no credential, and still none that is no good (DESIGN §3.1: "never downgraded").
    t.admin().patch_json("/api/v1/namespaces/open", &json!({ "visibility": "public" })).await.is(200);
    for (who, actor) in &ended(&t).await {
        actor.get("/v2/").await.refused(401, "UNAUTHORIZED");
        for call in &calls(&image) {
            let mut answers = Vec::new();
            for repository in ["acme/api", "acme/none", "open/api", "other/api", "ghost/api"] {
                let answer = call.ask(actor, repository).await;
                check(&answer, &Line::BadCredential, call, repository, who);
                answers.push(comparable(&answer, repository));
            }
            assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{who}: {answers:#?}");
        }
    }
}

/// A mount asks for two rights: to push here, which the table decides, and to pull there, without which the blob is as
/// absent as one that nobody pushed.
#[both_engines]
async fn a_mount_succeeds_for_whoever_may_also_pull_from_its_source(t: TestServer) {
    let image = Image::new(1, 10);
    let mut outcomes = std::collections::HashMap::new();
    for principal in &furnished(&t, &image).await {
        for credential in Credential::ALL {
            let actor = credential.of(principal).await;
            for (source, target) in
                [("other/api", "acme/api"), ("acme/web", "acme/api"), ("open/api", "acme/web")]
            {
                let is_pulled = principal.may(Pull, source) && credential.covers(Pull, source);
                let done = if is_pulled { (201, "") } else { (202, "") };
                let call = Call {
                    method: Method::POST,
                    rest: format!("{MOUNT}{}&from={source}", image.layer.digest),
                    action: Push,
                    present: done,
                    absent: done,
                };
                let answer = call.ask(&actor, target).await;
                let who = format!("{} ({credential:?}) mounts from {source}", principal.name);
                check(&answer, &line(principal, credential, Push, target), &call, target, &who);
                *outcomes.entry(answer.status).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(outcomes.len(), 5, "201, 202, 401, 403 and 404 were all seen: {outcomes:?}");
}

#[track_caller]
fn check(answer: &Answer, line: &Line, call: &Call, repository: &str, who: &str) {
    let is_present = PRESENT.contains(&repository);
    let (status, code) = match line {
        Line::Go => {
            if is_present {
                call.present
            } else {
                call.absent
            }
        }
        Line::Challenge | Line::BadCredential | Line::InsufficientScope => (401, "UNAUTHORIZED"),
        Line::Denied => (403, "DENIED"),
        Line::Unseen => (404, "NAME_UNKNOWN"),
    };
    let code = if call.method == Method::HEAD { "" } else { code };
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{who}: {line:?}\n{answer:?}");
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges.len(), usize::from(status == 401), "{who}: {line:?}\n{answer:?}");
    let challenge = answer.header("www-authenticate");
    if status == 401 {
        let scope = format!("scope=\"{}\"", call.action.scope(repository));
        assert!(challenge.contains(&scope), "{who}: {line:?}\n{answer:?}");
    }
    let error = match line {
        Line::InsufficientScope => "error=\"insufficient_scope\"",
        Line::BadCredential => "error=\"invalid_token\"",
        Line::Challenge | Line::Go | Line::Denied | Line::Unseen => return,
    };
    assert!(challenge.contains(error), "{who}\n{answer:?}");
}

/// What an observer can compare: everything but name, Date and request id.
fn comparable(answer: &Answer, name: &str) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(header, _)| !["date", "x-request-id", "content-length"].contains(&header.as_str()))
        .map(|(header, value)| (header.to_string(), value.to_str().unwrap().replace(name, "NAME")))
        .collect();
    headers.sort();
    (answer.status, headers, answer.text().replace(name, "NAME"))
}

#[both_engines]
async fn every_principal_gets_the_tables_answer_about_the_registry(t: TestServer) {
    for principal in &furnished(&t, &Image::new(1, 10)).await {
        for credential in Credential::ALL {
            let actor = credential.of(principal).await;
            let who = format!("{} ({credential:?})", principal.name);
            // `/v2/` always challenges an anonymous caller, and asks nothing else of anybody.
            let ping = actor.get("/v2/").await;
            assert_eq!(ping.status, if principal.is_anonymous() { 401 } else { 200 }, "{who}\n{ping:?}");

            let has_it = matches!(credential, Credential::Directly | Credential::BearerForAll);
            let expected = match (principal.is_anonymous(), principal.lists, has_it) {
                (true, ..) => (401, "UNAUTHORIZED", ""),
                (_, false, _) => (403, "DENIED", ""),
                (_, true, true) => (200, "", ""),
                (_, true, false) => {
                    (401, "UNAUTHORIZED", "scope=\"registry:catalog:*\",error=\"insufficient_scope\"")
                }
            };
            let catalog = actor.get("/v2/_catalog").await;
            assert_eq!(
                (catalog.status, catalog.code().as_str()),
                (expected.0, expected.1),
                "{who}\n{catalog:?}"
            );
            assert!(catalog.header("www-authenticate").contains(expected.2), "{who}\n{catalog:?}");
        }
    }
}
