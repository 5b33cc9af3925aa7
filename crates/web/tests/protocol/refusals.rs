//! The table of DESIGN §3.1: who is refused how, and that hostile input is ordinary input.

use reqwest::Method;
use serde_json::json;
use testkit::{Actor, TestServer, both_engines, image::Image};

const MEBIBYTE: usize = 1024 * 1024;

fn zeros() -> String {
    format!("sha256:{}", "0".repeat(64))
}

/// Calls of every kind, with the scope that each takes.
fn calls_and_scopes() -> Vec<(Method, String, Option<&'static str>)> {
    let digest = zeros();
    vec![
        (Method::GET, "/v2/".to_owned(), None),
        (Method::GET, "/v2".to_owned(), None),
        (Method::GET, "/v2/_catalog".to_owned(), Some("registry:catalog:*")),
        (Method::GET, "/v2/acme/api/manifests/1.0".to_owned(), Some("repository:acme/api:pull")),
        (Method::HEAD, "/v2/acme/api/manifests/1.0".to_owned(), Some("repository:acme/api:pull")),
        (Method::GET, format!("/v2/acme/api/blobs/{digest}"), Some("repository:acme/api:pull")),
        (Method::GET, "/v2/acme/api/tags/list".to_owned(), Some("repository:acme/api:pull")),
        (Method::GET, format!("/v2/acme/api/referrers/{digest}"), Some("repository:acme/api:pull")),
        (Method::PUT, "/v2/acme/api/manifests/1.0".to_owned(), Some("repository:acme/api:pull,push")),
        (Method::POST, "/v2/acme/api/blobs/uploads/".to_owned(), Some("repository:acme/api:pull,push")),
        (Method::PATCH, "/v2/acme/api/blobs/uploads/x".to_owned(), Some("repository:acme/api:pull,push")),
        (Method::PUT, "/v2/acme/api/blobs/uploads/x".to_owned(), Some("repository:acme/api:pull,push")),
        (Method::GET, "/v2/acme/api/blobs/uploads/x".to_owned(), Some("repository:acme/api:pull,push")),
        (Method::DELETE, "/v2/acme/api/blobs/uploads/x".to_owned(), Some("repository:acme/api:pull,push")),
        (Method::DELETE, "/v2/acme/api/manifests/1.0".to_owned(), Some("repository:acme/api:delete")),
        (Method::DELETE, format!("/v2/acme/api/blobs/{digest}"), Some("repository:acme/api:delete")),
    ]
}

fn challenge(t: &TestServer, scope: Option<&str>) -> String {
    let scope = scope.map(|scope| format!(",scope=\"{scope}\"")).unwrap_or_default();
    format!("Bearer realm=\"http://{}/auth/token\",service=\"sealock\"{scope}", t.host)
}

#[both_engines]
async fn a_401_has_one_challenge_with_the_scope_that_helps(t: TestServer) {
    for (method, path, scope) in calls_and_scopes() {
        let expected = challenge(&t, scope);
        let anonymous = t.anonymous();
        let refused = anonymous.send(anonymous.request(method, &path)).await.is(401);
        let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, [expected.as_str()], "{refused:?}");
    }
}

#[both_engines]
async fn a_401_for_a_credential_that_is_no_good_names_the_scope_as_well(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await;
    let dead_bearer = t.with(&token).asks("repository:acme/api:pull,push").await;
    t.admin().set_status(&token, "disabled").await.is(200);
    let typo = format!("{}x", token.secret);
    for (what, actor) in [
        ("a dead bearer", dead_bearer),
        ("no bearer", t.bearer("a.b.c")),
        ("a disabled token", t.with(&token)),
        ("a wrong secret", t.basic("ci-bot", &typo)),
    ] {
        for (method, path, scope) in calls_and_scopes() {
            let expected = format!("{},error=\"invalid_token\",error_description=\"", challenge(&t, scope));
            let refused = actor.send(actor.request(method, &path)).await.is(401);
            let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
            let [only] = challenges.as_slice() else { panic!("{what}: not one challenge\n{refused:?}") };
            assert!(only.to_str().unwrap().starts_with(&expected), "{what}: not {expected}\n{refused:?}");
        }
    }
}

#[both_engines]
async fn a_forged_host_changes_nothing(t: TestServer) {
    let unreadable = "Host: evil.example\"x";
    for forged in [
        &["Host: evil.example"][..],
        &["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1"],
        &["Forwarded: host=evil.example;proto=https", "X-Original-Host: evil.example"],
        &[unreadable],
    ] {
        let refused = t.anonymous().wire("GET", "/v2/", forged).await.answer().await;
        let started = t.admin().wire("POST", "/v2/acme/api/blobs/uploads/", forged).await.answer().await;
        // No authority at all: the HTTP layer may refuse it, as RFC 9112 §3.2 wants.
        if forged == [unreadable] && refused.status == 400 && started.status == 400 {
            continue;
        }
        let realm = format!("realm=\"http://{}/auth/token\"", t.host);
        let refused = refused.refused(401, "UNAUTHORIZED");
        assert!(refused.header("www-authenticate").contains(&realm), "{refused:?}");
        let started = started.is(202);
        assert!(started.header("location").starts_with("/v2/acme/api/blobs/uploads/"), "{started:?}");
    }
    let absolute = t.anonymous().raw("GET", "http://evil.example/v2/").await.is(401);
    assert!(!absolute.header("www-authenticate").contains("evil"), "{absolute:?}");
}

#[both_engines]
async fn a_bearer_that_was_fetched_for_less_is_told_to_fetch_another(t: TestServer) {
    let ci = t.with(&t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await);
    ci.push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let bearer = ci.asks("repository:acme/web:pull").await;
    let refused = bearer.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED");
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("scope=\"repository:acme/api:pull\",error=\"insufficient_scope\""),
        "{refused:?}"
    );
    bearer.get("/v2/").await.is(200);
    ci.asks("").await.get("/v2/").await.is(200);
}

#[both_engines]
async fn who_may_pull_is_denied_and_who_may_not_sees_nothing(t: TestServer) {
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let puller = t.with(&t.service_token("acme", "puller", json!({"permission": "pull"})).await);
    let stranger = t.with(&t.service_token("other", "stranger", json!({"permission": "pull-push"})).await);
    for puller in [puller.clone(), puller.asks("repository:acme/api:*").await] {
        let refused = puller.start_upload("acme/api").await.refused(403, "DENIED");
        refused.says("token acme/puller has no scope with push for acme/api");
        puller.push_manifest("acme/api", "1.0", b"{}").await.refused(403, "DENIED");
        puller.pull("acme/api", "1.0").await.is(200);
    }
    for stranger in [stranger.clone(), stranger.asks("repository:acme/api:*").await] {
        let refused = stranger.pull("acme/api", "1.0").await.refused(404, "NAME_UNKNOWN");
        refused.says("acme/api does not exist, or token other/stranger has no scope that covers it");
        stranger.start_upload("acme/api").await.refused(404, "NAME_UNKNOWN");
    }
}

#[both_engines]
async fn hostile_paths_get_the_standard_answer(t: TestServer) {
    let admin = t.admin();
    let (long, longest) = ("a".repeat(256), "a".repeat(255));
    let tag = |name: &str| format!("/v2/{name}/manifests/1.0");
    for name in [
        "..",
        "a/..",
        "../a",
        "a/../b",
        "a/./b",
        "%2e%2e",
        "a/%2e%2e",
        "..%2f..",
        "%252f",
        "a//b",
        "/a",
        "a%5cb",
        "a%00b",
        "a%0ab",
        "Acme",
        "acme/API",
        "a%20b",
        "a..b",
        "a_",
        "-a",
        "%ff",
        "%",
        "%zz",
        "%c3%a9",
        &long,
        &"a/".repeat(500),
        "a%2fb",
    ] {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let answer = admin.raw(method, &tag(name)).await;
            assert!(answer.status == 400, "{answer:?}");
            if method != "HEAD" {
                answer.refused(400, "NAME_INVALID");
            }
        }
        admin.raw("POST", &format!("/v2/{name}/blobs/uploads/")).await.refused(400, "NAME_INVALID");
    }
    admin.raw("GET", &tag(&longest)).await.refused(404, "NAME_UNKNOWN");
    // Escapes of ordinary characters are those characters (RFC 3986 §6.2.2.2).
    admin.raw("GET", "/v2/%61cme/manifests/1.0").await.refused(404, "NAME_UNKNOWN");
    for digest in ["sha256:..", "sha256:%2e%2e", "sha999:00", &zeros().to_uppercase(), &zeros()[..70]] {
        admin.raw("GET", &format!("/v2/acme/api/blobs/{digest}")).await.refused(400, "DIGEST_INVALID");
    }
    for path in [
        "/v2/acme",
        "/v2//acme",
        "/v2/acme/api",
        "/v2/acme/api/manifests",
        "/v2/acme/api/tags",
        "/v2/_catalog/x",
    ] {
        let answer = admin.raw("GET", path).await;
        assert!([400, 404].contains(&answer.status), "{answer:?}");
    }
    // Bytes that no path may hold, or too many of them: the HTTP layer itself refuses.
    for path in [
        "/v2/a\\b/manifests/1",
        "/v2/a\0/manifests/1",
        "/v2/a b/manifests/1",
        &format!("/v2/{}", "a".repeat(40_000)),
    ] {
        let answer = admin.raw("GET", path).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
}

#[both_engines]
async fn a_method_that_an_endpoint_does_not_know_is_named_with_those_it_does(t: TestServer) {
    let digest = zeros();
    for (method, path, allow) in [
        ("POST", "/v2/".to_owned(), "GET, HEAD"),
        ("DELETE", "/v2/_catalog".to_owned(), "GET, HEAD"),
        ("PATCH", "/v2/acme/api/manifests/1.0".to_owned(), "GET, HEAD, PUT, DELETE"),
        ("PUT", format!("/v2/acme/api/blobs/{digest}"), "GET, HEAD, DELETE"),
        ("GET", "/v2/acme/api/blobs/uploads/".to_owned(), "POST"),
        ("POST", "/v2/acme/api/blobs/uploads/x".to_owned(), "GET, HEAD, PATCH, PUT, DELETE"),
        ("PUT", "/v2/acme/api/tags/list".to_owned(), "GET, HEAD"),
        ("FROBNICATE", "/v2/".to_owned(), "GET, HEAD"),
        ("OPTIONS", "/v2/".to_owned(), "GET, HEAD"),
    ] {
        let refused = t.admin().raw(method, &path).await.refused(405, "UNSUPPORTED");
        assert_eq!(refused.header("allow"), allow, "{refused:?}");
    }
}

#[both_engines]
async fn a_broken_credential_is_never_taken_for_none(t: TestServer) {
    let admin = t.admin();
    admin.post_json("/api/v1/namespaces", &json!({"name": "open", "visibility": "public"})).await.is(201);
    admin.push("open/api", "1.0", &Image::new(1, 10)).await.is(201);
    t.anonymous().pull("open/api", "1.0").await.is(200);
    let dots = format!("Authorization: Bearer {}", ".".repeat(10_000));
    for headers in [
        &["Authorization: Basic ???"][..],
        &["Authorization: Basic"],
        &["Authorization: Basic YWRtaW4="],
        &["Authorization: Basic YWRtaW46d3Jvbmc="],
        &["Authorization: Bearer"],
        &["Authorization: Bearer x"],
        &["Authorization: Bearer a.b.c"],
        &["Authorization: Bearer eyJhbGciOiJub25lIn0.e30."],
        &["Authorization: Negotiate x"],
        &["Authorization:"],
        &["Authorization: Basic eDp5", "Authorization: Basic eDp5"],
        &[&dots],
    ] {
        let refused = t.anonymous().wire("GET", "/v2/open/api/manifests/1.0", headers).await.answer().await;
        let refused = refused.refused(401, "UNAUTHORIZED");
        assert_eq!(refused.headers.get_all("www-authenticate").iter().count(), 1, "{refused:?}");
    }
    let huge = format!("Authorization: Bearer {}", "x".repeat(64 * 1024));
    let refused = t.anonymous().wire("GET", "/v2/", &[&huge]).await.answer().await;
    assert!((400..500).contains(&refused.status), "{refused:?}");
}

#[both_engines]
async fn whoever_is_refused_in_the_middle_of_a_large_upload_reads_why(t: TestServer) {
    let puller = t.service_token("acme", "puller", json!({"permission": "pull"})).await;
    let body = vec![0; 16 * MEBIBYTE];
    let path = format!("/v2/acme/api/blobs/uploads/?digest={}", zeros());
    let post = async |actor: &Actor| actor.send(actor.request(Method::POST, &path).body(body.clone())).await;
    for _ in 0..3 {
        post(&t.with(&puller)).await.refused(403, "DENIED").says("token acme/puller has no scope with push");
        post(&t.basic("admin", "wrong")).await.refused(401, "UNAUTHORIZED");
        let refused = post(&t.anonymous()).await.refused(401, "UNAUTHORIZED");
        assert_eq!(refused.header("connection"), "close", "no request can follow bytes that nobody reads");
    }
    // What is left of a small body is read, and the connection kept.
    let actor = t.anonymous();
    let refused = actor.send(actor.request(Method::POST, &path).body(vec![0; 200 * 1024])).await.is(401);
    assert_eq!(refused.header("connection"), "");
    assert_eq!(t.blob_files(), 0);
}

#[both_engines]
async fn whoever_asks_before_sending_is_refused_before_sending(t: TestServer) {
    let head = ["Content-Length: 1000000000", "Expect: 100-continue"];
    let wire = t.anonymous().wire("POST", "/v2/acme/api/blobs/uploads/", &head).await;
    // The first thing that comes is the refusal, not "100 Continue".
    wire.answer().await.refused(401, "UNAUTHORIZED");
}
