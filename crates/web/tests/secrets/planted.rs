//! Distinctive passwords, secrets, bearers and cookies go through every face, right ones and wrong ones, wherever a
//! request has room for them, and are found afterwards in nothing that lasts, is logged or is answered.

use access::time::{Instant, Length};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use testkit::{
    Answer, ServiceToken, TestServer, both_engines, image::Image, randomness::SeededRandomness,
    server::ADMIN_PASSWORD,
};

use crate::{
    foreign,
    log::{is_logged, log_everything},
};

const PASSWORD: &str = "planted-Password-Wq7Zt2";
const NEXT_PASSWORD: &str = "planted-Successor-Kd9Rm4";
const WRONG_PASSWORD: &str = "planted-Mistake-Hb3Xv8";
/// What the file holds that seals the signing keys of every test server, as 32 bytes.
const KEY: [u8; 32] = [0x5e; 32];

/// Everything that is secret in one house, under the name by which a failure speaks of it.
struct Planted {
    t: TestServer,
    token: ServiceToken,
    bearers: [String; 2],
    all: Vec<(&'static str, String)>,
}

impl Planted {
    async fn on(engine: testkit::Engine) -> Self {
        log_everything();
        let t = TestServer::on(engine).await;
        let user = json!({ "username": "ann", "password": PASSWORD, "is_admin": true });
        t.admin().post_json("/api/v1/users", &user).await.is(201);
        let token = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
        let bearer = t.with(&token).fetch_bearer("repository:acme/api:pull,push").await;
        let cookie = log_in(&t, PASSWORD).await;
        let dead = token.secret.clone();
        let renewed = t.admin().post(&format!("/api/v1/tokens/{}/reset", token.id)).await.is(200).json();
        let token = ServiceToken { secret: renewed["secret"].as_str().unwrap().to_owned(), ..token };
        let living = t.with(&token).fetch_bearer("repository:acme/api:pull,push").await;
        // A bearer's signature is what makes it one; its claims are no secret.
        let signature = |bearer: &str| bearer.rsplit('.').next().unwrap().to_owned();
        let bearers = [bearer.clone(), living.clone()];
        let all = vec![
            ("a password", PASSWORD.to_owned()),
            ("the next password", NEXT_PASSWORD.to_owned()),
            ("a wrong password", WRONG_PASSWORD.to_owned()),
            ("the administrator's password", ADMIN_PASSWORD.to_owned()),
            ("a living secret", token.secret.clone()),
            ("a dead secret", dead),
            ("a secret of nobody", foreign(4711)),
            ("a secret with a typo", foreign(4712)[..40].to_owned()),
            ("a dead bearer's signature", signature(&bearer)),
            ("a living bearer's signature", signature(&living)),
            ("a session", cookie.split_once('=').unwrap().1.to_owned()),
            ("a session of nobody", "Zz".to_owned() + &foreign(4713)[..41]),
        ];
        let planted = Self { t, token, all, bearers };
        for bearer in [bearer, living] {
            for path in ["/v2/", "/v2/acme/api/tags/list", "/api/v1/me", "/auth/token"] {
                planted.refuse_to_echo(&planted.t.bearer(&bearer).get(path).await);
            }
        }
        planted
    }

    /// No answer shows any of it, neither in its body nor in a header, where it might lie in a redirect too.
    #[track_caller]
    fn refuse_to_echo(&self, answer: &Answer) {
        let headers = format!("{:?}", answer.headers);
        for (name, secret) in &self.all {
            let shows = answer.text().contains(secret) || headers.contains(secret.as_str());
            assert!(!shows, "{name} is shown\n{answer:?}");
        }
    }

    async fn send(&self, request: RequestBuilder) {
        self.refuse_to_echo(&self.t.anonymous().send(request).await);
    }
}

async fn log_in(t: &TestServer, password: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let request = http.build().unwrap().post(format!("http://{}/login", t.host));
    let request = request.header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = t.anonymous().send(request.body(format!("username=ann&password={password}"))).await.is(303);
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Where each face takes a credential, and where people put one by mistake.
fn requests(t: &TestServer, secret: &str) -> Vec<RequestBuilder> {
    let doors = [
        "/v2/",
        "/v2/acme/api/manifests/1.0",
        "/auth/token",
        "/api/v1/me",
        "/api/v0/repositories",
        "/",
        "/login",
    ];
    let form = |request: RequestBuilder, body: String| {
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", "same-origin").body(body)
    };
    let nobody = t.anonymous();
    let ask = |method: Method, path: &str| nobody.request(method, path);
    let mut all = Vec::new();
    for door in doors {
        let get = || ask(Method::GET, door);
        all.extend([
            get().basic_auth("ann", Some(secret)),
            get().basic_auth("ci-bot", Some(secret)),
            get().basic_auth("nobody", Some(secret)),
            get().bearer_auth(secret),
            get().header("authorization", secret),
            get().header("authorization", format!("Token {secret}")),
            get().header("cookie", format!("sealock={secret}; __Host-sealock={secret}")),
            get().header("x-api-key", secret).header("x-auth-token", secret).header("x-request-id", secret),
            get().header("referer", format!("http://{}/?password={secret}", t.host)),
        ]);
        // The console leads its visitor back to the page they asked for, query and all, once they have logged in.
        if door != "/" {
            all.push(ask(
                Method::GET,
                &format!("{door}?password={secret}&access_token={secret}&account={secret}"),
            ));
        }
    }
    for grant in ["password", "refresh_token", "client_credentials"] {
        let body = format!(
            "grant_type={grant}&service=sealock&username=ann&password={secret}&refresh_token={secret}"
        );
        all.push(form(ask(Method::POST, "/auth/token"), body));
    }
    let login = |name: &str, password: &str| format!("username={name}&password={password}&next=/profile");
    all.extend(
        [login("ann", secret), login("nobody", secret)].map(|body| form(ask(Method::POST, "/login"), body)),
    );
    all
}

/// A credential pasted where a name or an address belongs, and as the name of a client that is let in.
fn pasted(t: &TestServer, text: &str) -> Vec<RequestBuilder> {
    let get = |path: &str| t.anonymous().request(Method::GET, path);
    vec![
        get(&format!("/v2/{text}/tags/list")),
        get(&format!("/v2/acme/api/manifests/{text}")),
        get(&format!("/api/v1/tokens/{text}")),
        get(&format!("/{text}")),
        t.admin().request(Method::GET, "/api/v1/me").header("user-agent", text),
        t.admin().request(Method::GET, "/api/v1/me").header("user-agent", format!("docker/1 ({text})")),
    ]
}

/// As the administrator: bodies that hold it where it belongs, where it breaks a rule, and where no field is.
fn bodies(t: &TestServer, secret: &str) -> Vec<RequestBuilder> {
    let admin = t.admin();
    let post = |path: &str, body| admin.request(Method::POST, path).json(&body);
    let patch = |path: &str, body| admin.request(Method::PATCH, path).json(&body);
    vec![
        post("/api/v1/users", json!({ "username": "bob", "password": secret })),
        post("/api/v1/users", json!({ "username": "No Name", "password": secret })),
        post("/api/v1/users", json!({ "username": "bob", "passwrd": secret })),
        post("/api/v1/users", json!({ "username": "bob", "password": [secret] })),
        patch("/api/v1/users/bob", json!({ "password": secret })),
        patch("/api/v1/users/admin", json!({ "password": "short", "current_password": secret })),
        patch("/api/v1/users/admin", json!({ "password": secret, "current_password": WRONG_PASSWORD })),
        post("/api/v1/namespaces/acme/tokens", json!({ "name": "x-bot", "secret": secret })),
        admin
            .request(Method::POST, "/api/v1/users")
            .header("content-type", "application/json")
            .body(format!("{{\"username\": \"bob\", \"password\": \"{secret}\"")),
    ]
}

#[both_engines]
async fn what_is_planted_is_found_nowhere(planted: Planted) {
    let t = &planted.t;
    for (_, secret) in &planted.all {
        for request in requests(t, secret).into_iter().chain(bodies(t, secret)) {
            // Five wrong passwords a minute are heard out, and all of these are to be.
            t.clock.advance(Length::seconds(20));
            planted.send(request).await;
        }
    }
    for text in planted.bearers.iter().chain([&planted.token.secret]) {
        for request in pasted(t, text) {
            t.anonymous().send(request).await;
        }
    }
    planted
        .refuse_to_echo(&t.with(&planted.token).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201));
    let change = json!({ "password": NEXT_PASSWORD, "current_password": PASSWORD });
    planted.refuse_to_echo(&t.basic("ann", PASSWORD).patch_json("/api/v1/users/ann", &change).await.is(200));
    planted.refuse_to_echo(&t.basic("ann", NEXT_PASSWORD).get("/api/v1/audit?limit=1000").await.is(200));
    t.write_usage().await;
    let metrics = t.metrics_listener().await;
    let metrics = reqwest::get(format!("http://{}/metrics", metrics.host)).await.unwrap();
    let metrics = metrics.text().await.unwrap();

    // What is looked for could be found.
    assert!(is_logged("answered") && t.keeps("user.password-changed").await);
    assert!(metrics.contains("sealock_requests_total"), "{metrics}");
    for (name, secret) in &planted.all {
        for trace in traces(secret.as_bytes()).into_iter().chain([secret.clone()]) {
            assert!(!metrics.contains(&trace), "{name} is counted, as {trace}");
            assert!(!is_logged(&trace), "{name} is logged, as {trace}");
            assert!(!t.keeps(&trace).await, "{name} is kept, as {trace}");
        }
    }
    for trace in traces(&KEY).into_iter().chain([String::from_utf8(KEY.to_vec()).unwrap()]) {
        assert!(!is_logged(&trace) && !t.keeps(&trace).await, "the key that seals keys is found, as {trace}");
    }
}

/// How bytes look in hexadecimal, and within a longer text in base64: at each of three places, without what their
/// neighbours share.
fn traces(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let in_base64 = (0..3).map(|before| {
        let padded = [&b"   "[..before], bytes].concat();
        let text = BASE64_STANDARD.encode(&padded[..padded.len() / 3 * 3]);
        text[if before == 0 { 0 } else { 4 }..].to_owned()
    });
    in_base64.chain([hex.to_uppercase(), hex]).collect()
}

#[both_engines]
async fn a_secret_in_a_path_or_as_a_clients_name_is_not_logged(t: TestServer) {
    log_everything();
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    let bearer = t.with(&ci).fetch_bearer("repository:acme/api:pull").await;
    for text in [&ci.secret, &bearer] {
        // A later use replaces what is known of the one before.
        t.clock.advance(Length::seconds(1));
        for path in [
            format!("/api/v1/tokens/{text}"),
            format!("/v2/acme/{text}/tags/list"),
            format!("/v2/acme/api/manifests/{text}"),
            format!("/{text}"),
        ] {
            let actor = t.with(&ci);
            actor.send(actor.request(Method::GET, &path).header("user-agent", text)).await;
        }
        // The last use says by which client it was.
        t.with(&ci).send(t.with(&ci).request(Method::GET, "/v2/").header("user-agent", text)).await.is(200);
        t.write_usage().await;
    }
    for shown in ["/v2/acme/slks_…/tags/list", "/v2/acme/eyJ…/tags/list"] {
        assert!(is_logged(shown), "what is looked for could be found: {shown}");
    }
    assert!(t.keeps("eyJ…").await, "what is looked for could be found");
    let signature = bearer.rsplit('.').next().unwrap();
    for secret in [ci.secret.as_str(), signature] {
        assert!(!is_logged(secret) && !t.keeps(secret).await, "{secret}");
    }
}

#[test]
fn what_holds_a_secret_does_not_print_it() {
    let password = registry::Password::new(PASSWORD.to_owned());
    let basic = registry::Credential::Basic { username: "ann".to_owned(), password: password.clone() };
    let secret = access::secret::Secret::mint(access::secret::SecretKind::Service, &SeededRandomness::new(7));
    let session = access::session::SessionSecret::mint(&SeededRandomness::new(8));
    let key = registry::KeyFile::parse(&"5e".repeat(32)).unwrap();
    let pair = web::PemPair { chain: "a chain".to_owned(), key: PASSWORD.to_owned().into() };
    let issued = registry::IssuedCertificate {
        chain: String::new(),
        key: PASSWORD.to_owned().into(),
        valid_from: Instant::LATEST,
        valid_until: Instant::LATEST,
    };
    let database = |url: &str| registry::DatabaseLocation::Postgres { url: url.to_owned() };
    let databases = [
        database(&format!("postgres://sealock:{PASSWORD}@db.example/sealock")),
        database(&format!("postgres://db.example/sealock?user=sealock&password={PASSWORD}")),
    ];
    let printed = [
        format!("{pair:?} {issued:?} {databases:?} {} {}", databases[0], databases[1]),
        format!("{password:?} {basic:?}"),
        format!(
            "{:?} {:?}",
            registry::Credential::Bearer(password.clone()),
            registry::Credential::Secret(password.clone())
        ),
        format!("{:?}", registry::NewPassword::parse(password)),
        format!("{secret:?} {:?}", registry::Credential::Session(session.clone())),
        format!("{session:?} {key:?}"),
    ];
    let forms = [PASSWORD, secret.expose(), session.expose(), "5e5e5e", "94, 94, 94"];
    for (text, form) in printed.iter().flat_map(|text| forms.map(|form| (text, form))) {
        assert!(!text.contains(form), "{text}");
    }
}
