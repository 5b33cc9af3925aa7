//! Every page that there is, found by following every link. Each is inspected on the way (e2e/browser/inspector.mjs).

use std::collections::{BTreeSet, VecDeque};

use e2e::{ADMIN_PASSWORD, Browser, Machine, Sealock};
use serde_json::json;
use testkit::{Engine, both_engines, image::Image};

const PASSWORD: &str = "staple battery horse";
/// A console of more shapes of pages than this follows links in circles.
const MOST_SHAPES: usize = 150;
/// Markup where somebody may put their own words.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

/// A server with something of everything, most of it with markup in its name where it may have one.
async fn furnished(sealock: &Sealock) -> Option<Machine> {
    let laptop = Machine::beside(sealock)?;
    sealock.log_in_as_admin().await;
    for namespace in ["acme", "empty"] {
        sealock.cli(&["namespace", "create", namespace]).await.succeeded();
    }
    let scopes = json!([
        {"type": "repository", "path": "acme/api*", "actions": ["pull", "push", "delete"]},
        {"type": "registry", "actions": ["list"]},
    ]);
    for (request, body) in [
        ("POST /api/v1/users", json!({"username": "anna", "password": PASSWORD})),
        ("POST /api/v1/teams", json!({"name": "builders"})),
        ("PUT /api/v1/teams/builders/members/anna", json!({})),
        ("PUT /api/v1/namespaces/acme/members/teams/builders", json!({"role": "writer"})),
        ("PUT /api/v1/namespaces/empty/members/users/anna", json!({"role": "admin"})),
        (
            "POST /api/v1/namespaces/acme/tokens",
            json!({"name": "soon", "permission": "pull", "expires_in": "3d", "description": HOSTILE}),
        ),
        (
            "POST /api/v1/namespaces/acme/tokens",
            json!({"name": "off", "status": "disabled", "scopes": scopes}),
        ),
        (
            "POST /api/v1/namespaces/acme/tokens",
            json!({"name": "nothing", "stands_for": {"service": HOSTILE}, "allowed_addresses": ["10.0.0.0/8"]}),
        ),
        ("POST /api/v1/tokens", json!({"name": "mirror", "permission": "pull"})),
        ("POST /api/v1/users/admin/tokens", json!({"name": HOSTILE})),
        ("POST /api/v1/users/anna/tokens", json!({"name": "laptop", "scopes": scopes})),
    ] {
        let answer = laptop.curl_with(&format!("admin:{ADMIN_PASSWORD}"), request, &body).await;
        assert!(answer.status < 300, "{answer}");
    }
    let secret = sealock.token("acme", "ci-bot", &["--permission", "pull-push"]).await;
    laptop.docker_login("ci-bot", &secret).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api/web:1.0").await.succeeded();
    laptop.skopeo_pull("acme/api/web:1.0").await.succeeded();
    Some(laptop)
}

/// A path with ids, digests and the place in a list left out: pages that differ in these alone are of one shape.
fn shape(path: &str) -> String {
    let path = path.split('#').next().unwrap_or_default();
    let path = path.split_once("after=").map_or(path, |(before, _)| before);
    let is_id = |segment: &str| segment.len() >= 32 || segment.starts_with("sha256");
    let segments: Vec<_> =
        path.split('/').map(|segment| if is_id(segment) { "…" } else { segment }).collect();
    segments.join("/")
}

/// Follows every link from the first page on; the shapes of the pages that it came by. All of them must be there.
async fn follow_all(browser: &Browser) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut ahead = VecDeque::from(["/".to_owned()]);
    while let Some(path) = ahead.pop_front() {
        if path.starts_with("/api/") || !seen.insert(shape(&path)) {
            continue;
        }
        assert!(seen.len() < MOST_SHAPES, "there is no end: {seen:?}");
        browser.open(&path).await;
        assert_eq!(browser.status().await, 200, "a link leads to {path}");
        ahead.extend(browser.links().await);
    }
    seen
}

// On one engine: what is looked at is markup, some 60 pages of it.
#[tokio::test]
async fn no_link_of_an_administrator_is_dead_and_no_page_is_at_fault() {
    let sealock = Sealock::on(Engine::Sqlite).await;
    let Some(browser) = Browser::beside(&sealock) else { return };
    let Some(_) = furnished(&sealock).await else { return };
    browser.log_in_as_admin().await;
    let seen = follow_all(&browser).await;
    for expected in [
        "/",
        "/audit",
        "/namespaces/acme",
        "/namespaces/acme/members",
        "/namespaces/acme/repositories/api%2Fweb",
        "/namespaces/acme/repositories/api%2Fweb/manifests/…",
        "/namespaces/acme/settings",
        "/namespaces/acme/tokens",
        "/namespaces/acme/tokens/new",
        "/namespaces/empty/tokens",
        "/profile",
        "/profile/sessions",
        "/profile/tokens",
        "/profile/tokens/new",
        "/settings",
        "/teams/builders",
        "/tokens",
        "/tokens/new",
        "/tokens/…",
        "/tokens/…/delete",
        "/tokens/…/disable",
        "/tokens/…/edit",
        "/tokens/…/reset",
        "/tokens/…/scopes",
        "/users/anna",
        "/users/new",
    ] {
        assert!(seen.contains(expected), "no link leads to {expected}: {seen:#?}");
    }
}

#[tokio::test]
async fn no_link_of_anybody_else_is_dead_and_no_page_is_at_fault() {
    let sealock = Sealock::on(Engine::Sqlite).await;
    let Some(browser) = Browser::beside(&sealock) else { return };
    let Some(_) = furnished(&sealock).await else { return };
    browser.open("/login").await;
    browser.log_in("anna", PASSWORD).await;
    let seen = follow_all(&browser).await;
    assert!(seen.contains("/namespaces/acme") && seen.contains("/namespaces/empty/tokens/new"), "{seen:#?}");
    for hidden in [
        "/users",
        "/settings",
        "/tokens",
        "/namespaces/acme/tokens",
        "/namespaces/acme/settings",
        "/users/admin",
    ] {
        assert!(!seen.contains(hidden), "a link leads to {hidden}");
        browser.open(hidden).await;
        assert!([403, 404].contains(&browser.status().await), "{hidden}");
    }
}

#[both_engines]
async fn a_namespace_of_others_looks_like_none(sealock: Sealock) {
    let Some(browser) = Browser::beside(&sealock) else { return };
    let Some(laptop) = furnished(&sealock).await else { return };
    let ben = json!({"username": "ben", "password": PASSWORD});
    laptop.curl_with(&format!("admin:{ADMIN_PASSWORD}"), "POST /api/v1/users", &ben).await.is(201);
    let tokens =
        laptop.curl(&format!("admin:{ADMIN_PASSWORD}"), "GET /api/v1/namespaces/acme/tokens").await.is(200);
    let token = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    browser.open("/login").await;
    browser.log_in("ben", PASSWORD).await;
    for [there, absent] in [
        ["/namespaces/acme", "/namespaces/never"],
        ["/namespaces/acme/tokens", "/namespaces/never/tokens"],
        ["/namespaces/acme/repositories/api%2Fweb", "/namespaces/never/repositories/api%2Fweb"],
        [&format!("/tokens/{token}"), "/tokens/01a2070a-bedd-77b2-97d0-4a8c6dadbfa9"],
    ] {
        let mut shown = Vec::new();
        for path in [there, absent] {
            browser.open(path).await;
            assert_eq!(browser.status().await, 404, "{path}");
            shown.push(browser.html().await.replace("acme", "NAME").replace("never", "NAME"));
        }
        assert_eq!(shown[0], shown[1], "{there}");
    }
}
