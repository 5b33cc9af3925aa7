//! The tenants, tokens, users and images of a run, made through the API before anything is measured.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::image::{Blob, Image, MANIFEST_TYPE};

/// Honest clients, each with an address and a repository of its own.
pub(super) const HONEST_CLIENTS: u8 = 3;
/// Between two logins of users who have not logged in before.
pub(super) const LOGIN_INTERVAL: Duration = Duration::from_secs(2);
/// Users who log in for the first time before the attack.
const LOGINS_BEFORE_ATTACK: usize = 5;
/// Scopes of the attacker's token: as many as a token may have.
const SCOPES: usize = 100;
/// Repositories of the attacker that hold one blob.
const HOLDERS: usize = 80;
/// Requests of the preparations take longer on a machine that builds at the same time.
const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const PASSWORD: &str = "staple battery horse correct";

/// A login name and what opens it.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) secret: String,
}

/// What is attacked, and who is honest.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) host: String,
    /// The honest tenant's token and what it pulls.
    pub(super) honest: Login,
    pub(super) image: Image,
    /// Users who have not logged in yet; each does it once.
    pub(super) people: Vec<Login>,
    /// The attacker's tokens: one over everything in its namespace, one with 100 scopes.
    pub(super) attacker: Login,
    pub(super) many_scopes: Login,
    /// A blob that many repositories of the attacker hold.
    pub(super) held: Blob,
}

pub(super) type Target = Arc<Prepared>;

/// When users log in for the first time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Logins {
    BeforeAttack,
    DuringAttack,
}

/// How many users a run of this length needs.
pub(super) fn first_logins(length: Duration) -> usize {
    LOGINS_BEFORE_ATTACK + usize::try_from(length.as_secs() / LOGIN_INTERVAL.as_secs()).unwrap_or(usize::MAX)
}

impl Prepared {
    /// The users who log in at this time, in order.
    pub(super) fn people(&self, when: Logins) -> &[Login] {
        let (before, during) = self.people.split_at(LOGINS_BEFORE_ATTACK.min(self.people.len()));
        match when {
            Logins::BeforeAttack => before,
            Logins::DuringAttack => during,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }
}

/// A client whose connections come from 127.0.0.`last`.
pub(super) fn client_at(last: u8) -> reqwest::ClientBuilder {
    client_from(Ipv4Addr::new(127, 0, 0, last))
}

/// A client whose connections come from `address`, which is in 127.0.0.0/8.
pub(super) fn client_from(address: Ipv4Addr) -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().local_address(IpAddr::V4(address))
}

/// Makes everything that a run needs.
///
/// # Panics
/// With the answer, if a step is refused.
pub(super) async fn prepare(host: &str, password: &str, people: usize) -> Target {
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("an HTTP client");
    let by_password = Login { name: "admin".into(), secret: password.into() };
    let mut api = Api { http, host: host.to_owned(), login: by_password };
    let made = api.create("/api/v1/users/admin/tokens", json!({ "name": "preparations" })).await;
    // Reads over the API with a token cost no password check.
    let admin_password = std::mem::replace(&mut api.login.secret, text(&made, "secret"));
    for namespace in ["honest", "mallory"] {
        api.create("/api/v1/namespaces", json!({ "name": namespace })).await;
    }
    let everything = json!([{ "type": "repository", "path": "*", "actions": ["pull", "push"] }]);
    let honest = api.token("honest", "ci-bot", &everything).await;
    let attacker = api.token("mallory", "attacker", &everything).await;
    let mounts = json!({ "type": "repository", "path": "mallory/mounting-*", "actions": ["pull", "push"] });
    let scopes: Vec<Value> = (1..SCOPES).map(hostile_scope).chain([mounts]).collect();
    let many_scopes = api.token("mallory", "many-scopes", &json!(scopes)).await;
    let image = Image::new(1, 50_000);
    api.push_image("honest/shared", &image).await;
    let held = Image::new(2, 1_000).layer;
    for number in 0..HOLDERS {
        api.push_blob(&format!("mallory/holder-{number}"), &held).await;
    }
    api.login.secret = admin_password;
    let people = api.people(people).await;
    Arc::new(Prepared { host: host.to_owned(), honest, image, people, attacker, many_scopes, held })
}

/// A pattern that takes a naive matcher long, and that matches nothing that is asked for.
fn hostile_scope(number: usize) -> Value {
    json!({ "type": "repository", "path": format!("mallory/{}b{number}", "a*".repeat(40)), "actions": ["pull"] })
}

struct Api {
    http: reqwest::Client,
    host: String,
    login: Login,
}

impl Api {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let Login { name, secret } = &self.login;
        self.http.request(method, format!("http://{}{path}", self.host)).basic_auth(name, Some(secret))
    }

    async fn create(&self, path: &str, body: Value) -> Value {
        created(self.request(Method::POST, path).json(&body), path).await
    }

    async fn token(&self, namespace: &str, name: &str, scopes: &Value) -> Login {
        let path = format!("/api/v1/namespaces/{namespace}/tokens");
        let made = self.create(&path, json!({ "name": name, "scopes": scopes })).await;
        Login { name: name.to_owned(), secret: text(&made, "secret") }
    }

    async fn push_blob(&self, repository: &str, blob: &Blob) {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={}", blob.digest);
        created(self.request(Method::POST, &path).body(blob.bytes.clone()), &path).await;
    }

    async fn push_image(&self, repository: &str, image: &Image) {
        for blob in [&image.layer, &image.config] {
            self.push_blob(repository, blob).await;
        }
        let path = format!("/v2/{repository}/manifests/1.0");
        let request = self.request(Method::PUT, &path).header("content-type", MANIFEST_TYPE);
        created(request.body(image.manifest.bytes.clone()), &path).await;
    }

    /// Users that have a password and have never used it.
    async fn people(&self, count: usize) -> Vec<Login> {
        let mut people = Vec::new();
        for number in 0..count {
            let name = format!("user-{number}");
            self.create("/api/v1/users", json!({ "username": name, "password": PASSWORD })).await;
            people.push(Login { name, secret: PASSWORD.to_owned() });
        }
        people
    }
}

async fn created(request: RequestBuilder, path: &str) -> Value {
    let answer = request.send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.text().await.unwrap_or_default());
    assert_eq!(status, 201, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_default()
}

fn text(made: &Value, name: &str) -> String {
    made[name].as_str().unwrap_or_default().to_owned()
}
