//! Everything that needs the database: a request for each, with what opens it and what it comes to while that is there.

use serde_json::{Value, json};
use testkit::{
    Actor, Answer, ServiceToken, TestServer, Wire,
    image::{Blob, Image, MANIFEST_TYPE},
    randomness::SeededRandomness,
    server::ADMIN_PASSWORD,
};

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// A request that needs the database.
pub(super) struct Door {
    actor: Actor,
    method: &'static str,
    path: String,
    headers: Vec<String>,
    body: Vec<u8>,
    /// What it is answered with while the database is there.
    status: u16,
}

impl Door {
    fn new(actor: &Actor, method: &'static str, path: impl Into<String>, status: u16) -> Self {
        Self {
            actor: actor.clone(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            status,
        }
    }

    fn get(actor: &Actor, path: &str) -> Self {
        Self::new(actor, "GET", path, 200)
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(format!("{name}: {value}"));
        self
    }

    fn with(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let door =
            self.header("Content-Type", content_type).header("Content-Length", &body.len().to_string());
        Self { body, ..door }
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        self.with("application/octet-stream", bytes)
    }

    fn json(self, body: &Value) -> Self {
        self.with("application/json", body.to_string())
    }

    async fn open(&self, more: &[&str]) -> Wire {
        let headers: Vec<&str> =
            self.headers.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.actor.wire(self.method, &self.path, &headers).await
    }

    pub(super) async fn knock(&self) -> Answer {
        let mut wire = self.open(&[]).await;
        wire.send(&self.body).await;
        wire.answer().await
    }

    pub(super) async fn opens(&self) -> Answer {
        self.knock().await.is(self.status)
    }

    /// The same request as far as half of its body: whatever is asked of the database before that was.
    pub(super) async fn begun(&self) -> UnderWay {
        let mut wire = self.open(&["Expect: 100-continue"]).await;
        wire.continued().await;
        let (sent, rest) = self.body.split_at(self.body.len() / 2);
        wire.send(sent).await;
        UnderWay { wire, rest: rest.to_vec() }
    }
}

/// A request whose body came in part.
pub(super) struct UnderWay {
    wire: Wire,
    rest: Vec<u8>,
}

impl UnderWay {
    pub(super) async fn ends(mut self) -> Answer {
        self.wire.send(&self.rest).await;
        self.wire.answer().await
    }
}

/// All of them.
pub(super) struct Doors {
    pub(super) reads: Vec<Door>,
    /// Those whose bodies may be long, first of all writes.
    pub(super) uploads: Vec<Door>,
    pub(super) writes: Vec<Door>,
}

impl Doors {
    pub(super) async fn of(t: &TestServer) -> Self {
        t.admin()
            .post_json("/api/v1/namespaces", &json!({"name": "acme", "visibility": "public"}))
            .await
            .is(201);
        let scope = json!({"type": "repository", "path": "*", "actions": ["pull", "push", "delete"]});
        let token = t.service_token("acme", "ci-bot", json!({ "scopes": [scope] })).await;
        let ci = t.with(&token);
        ci.push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
        let (uploads, goes_on) = uploads(&ci).await;
        let mut writes = vec![goes_on];
        writes.extend(of_content(&ci).await);
        writes.extend(of_tokens(t, &token).await);
        Self { reads: reads(t, &ci).await, uploads, writes }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Door> {
        self.reads.iter().chain(&self.uploads).chain(&self.writes)
    }
}

/// Each face, with everything that opens it.
async fn reads(t: &TestServer, token: &Actor) -> Vec<Door> {
    const FETCH: &str = "/auth/token?service=sealock&scope=repository:acme/api:pull";
    const TAGS: &str = "/v2/acme/api/tags/list";
    let bearer = token.asks("repository:acme/api:pull").await;
    let login = login(t).knock().await.is(303);
    let cookie = login.header("set-cookie").split(';').next().unwrap();
    let console = Door::get(&t.anonymous(), "/").header("Cookie", cookie);
    let dtr = Door::get(&t.admin(), "/api/v0/repositories");
    let mut doors = vec![console, dtr, Door::get(&t.anonymous(), TAGS)];
    doors.extend(["/v2/", TAGS].map(|path| Door::get(&bearer, path)));
    for actor in [&t.admin(), token] {
        doors.extend(["/v2/", TAGS, FETCH, "/api/v1/me"].map(|path| Door::get(actor, path)));
    }
    doors
}

fn login(t: &TestServer) -> Door {
    let form = format!("username=admin&password={}", ADMIN_PASSWORD.replace(' ', "+"));
    Door::new(&t.anonymous(), "POST", "/login", 303)
        .header("Sec-Fetch-Site", "same-origin")
        .with(FORM_TYPE, form)
}

fn blob(seed: u64) -> Blob {
    Blob::new("", SeededRandomness::new(seed).bytes(3000))
}

/// A session to which the first 1,000 bytes of the blob were acknowledged.
async fn session(ci: &Actor, blob: &Blob) -> String {
    let location = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
    ci.stream_chunk(&location, &blob.bytes[..1000]).await.is(202);
    location
}

/// What brings bytes, and the end of the upload in chunks. Each blob is whole only if its session stands where it was
/// acknowledged last.
async fn uploads(ci: &Actor) -> (Vec<Door>, Door) {
    let (at_once, chunked, last) = (blob(1), blob(2), blob(3));
    let (chunks, finish) = (session(ci, &chunked).await, session(ci, &last).await);
    let whole = format!("/v2/acme/api/blobs/uploads/?digest={}", at_once.digest);
    let uploads = vec![
        Door::new(ci, "POST", whole, 201).bytes(&at_once.bytes),
        Door::new(ci, "PATCH", &chunks, 202).bytes(&chunked.bytes[1000..2000]),
        Door::new(ci, "PUT", format!("{finish}?digest={}", last.digest), 201).bytes(&last.bytes[1000..]),
        Door::new(ci, "PUT", "/v2/acme/api/manifests/2.0", 201)
            .with(MANIFEST_TYPE, Image::new(1, 10).manifest.bytes),
    ];
    let goes_on = Door::new(ci, "PUT", format!("{chunks}?digest={}", chunked.digest), 201);
    (uploads, goes_on.bytes(&chunked.bytes[2000..]))
}

/// Everything else that changes content.
async fn of_content(ci: &Actor) -> Vec<Door> {
    let cancelled = session(ci, &blob(4)).await;
    ci.push_blob("acme/api", &blob(5)).await.is(201);
    let image = Image::new(6, 10);
    ci.push("acme/api", "3.0", &image).await.is(201);
    let mount = format!("/v2/acme/other/blobs/uploads/?mount={}&from=acme/api", blob(5).digest);
    vec![
        Door::new(ci, "POST", "/v2/acme/api/blobs/uploads/", 202),
        Door::new(ci, "POST", mount, 201),
        Door::new(ci, "DELETE", cancelled, 204),
        Door::new(ci, "DELETE", "/v2/acme/api/manifests/1.0", 202),
        Door::new(ci, "DELETE", format!("/v2/acme/api/manifests/{}", image.manifest.digest), 202),
        Door::new(ci, "DELETE", format!("/v2/acme/api/blobs/{}", blob(5).digest), 202),
    ]
}

/// Whatever makes or changes a credential.
async fn of_tokens(t: &TestServer, token: &ServiceToken) -> Vec<Door> {
    let pull = json!({"name": "toy-bot", "permission": "pull"});
    let toy = t.service_token("acme", "old-bot", pull.clone()).await;
    let (toy, tokens) = (format!("/api/v1/tokens/{}", toy.id), "/api/v1/namespaces/acme/tokens");
    let grant = format!("service=sealock&grant_type=password&username=ci-bot&password={}", token.secret);
    let admin = &t.admin();
    vec![
        Door::new(&t.anonymous(), "POST", "/auth/token", 200).with(FORM_TYPE, grant),
        Door::new(admin, "POST", tokens, 201).json(&pull),
        Door::new(admin, "PATCH", &toy, 200).json(&json!({"status": "disabled"})),
        Door::new(admin, "POST", format!("{toy}/reset"), 200).json(&json!({})),
        Door::new(admin, "DELETE", &toy, 204),
        Door::new(admin, "POST", "/api/v1/namespaces", 201).json(&json!({"name": "globex"})),
        login(t),
    ]
}
