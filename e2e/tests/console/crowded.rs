//! Pages with as much on them as the rules allow: they stay light, and as good to look at as the rest.

use e2e::{ADMIN_PASSWORD, Browser, Sealock};
use reqwest::{Method, header};
use serde_json::{Value, json};
use testkit::{
    Engine,
    image::{Blob, Image, MANIFEST_TYPE},
};

/// OCI image-spec 1.1, "Image Index".
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// More of a thing than any page shows.
const MANY: usize = 60;
/// Entries of one index; a manifest lists 4,096 at most.
const PLATFORMS: usize = 4_000;
const REPOSITORIES: usize = 210;
/// More edits than the audit shows on a page, whatever they say.
const EDITS: usize = 31;

async fn asks(sealock: &Sealock, method: Method, path: &str, body: Value) {
    let request = sealock.request(method, path).basic_auth("admin", Some(ADMIN_PASSWORD));
    let answer = request.json(&body).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap_or_default());
}

/// A blob alone is enough for its repository to be there.
pub(crate) async fn push_blob(sealock: &Sealock, repository: &str, blob: &Blob) {
    let path = format!("/v2/{repository}/blobs/uploads/?digest={}", blob.digest);
    let request = sealock.request(Method::POST, &path).basic_auth("admin", Some(ADMIN_PASSWORD));
    assert_eq!(request.body(blob.bytes.clone()).send().await.unwrap().status(), 201, "{path}");
}

async fn push_manifest(sealock: &Sealock, repository: &str, tag: &str, kind: &str, manifest: &[u8]) {
    let path = format!("/v2/{repository}/manifests/{tag}");
    let request = sealock.request(Method::PUT, &path).basic_auth("admin", Some(ADMIN_PASSWORD));
    let answer = request.header(header::CONTENT_TYPE, kind).body(manifest.to_vec()).send().await.unwrap();
    let status = answer.status();
    assert_eq!(status, 201, "{path}: {}", answer.text().await.unwrap_or_default());
}

async fn push(sealock: &Sealock, repository: &str, tag: &str, image: &Image) {
    push_blob(sealock, repository, &image.config).await;
    push_blob(sealock, repository, &image.layer).await;
    push_manifest(sealock, repository, tag, MANIFEST_TYPE, &image.manifest.bytes).await;
}

/// An index that names one image for thousands of platforms, each in words as long as they get.
fn index_of(image: &Image) -> Blob {
    let manifest = image.manifest.descriptor();
    let entries: Vec<Value> = (0..PLATFORMS)
        .map(|number| {
            let mut entry = manifest.clone();
            let long = format!("{number}-{}", "x".repeat(50));
            entry["platform"] = json!({"os": long, "architecture": long, "variant": long});
            entry
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries});
    Blob::new(INDEX_TYPE, index.to_string().into_bytes())
}

/// Many repositories with long names, one of them with many long tags and with an index of many platforms.
async fn push_much(sealock: &Sealock) {
    let image = Image::new(1, 100);
    for number in 0..REPOSITORIES {
        push(sealock, &format!("acme/{}-{number}", "long".repeat(55)), "1.0", &image).await;
    }
    for number in 0..MANY {
        let tag = format!("v{number}-{}", "t".repeat(100));
        push(sealock, "acme/crowded", &tag, &image).await;
    }
    push_manifest(sealock, "acme/crowded", "all", INDEX_TYPE, &index_of(&image).bytes).await;
}

async fn make_many_people(sealock: &Sealock) {
    asks(sealock, Method::POST, "/api/v1/teams", json!({"name": "builders"})).await;
    for number in 0..MANY {
        let username = format!("u{number}-{}", "u".repeat(55));
        let user = json!({"username": username, "password": "staple battery horse"});
        asks(sealock, Method::POST, "/api/v1/users", user).await;
        let of_team = format!("/api/v1/teams/builders/members/{username}");
        asks(sealock, Method::PUT, &of_team, json!({})).await;
        let member = format!("/api/v1/namespaces/acme/members/users/{username}");
        asks(sealock, Method::PUT, &member, json!({"role": "writer"})).await;
    }
}

async fn make_many_tokens(sealock: &Sealock) {
    let scopes: Vec<Value> = (0..100)
        .map(|number| json!({"type": "repository", "path": format!("acme/{}-{number}*", "p".repeat(240)), "actions": ["pull"]}))
        .collect();
    for number in 0..MANY {
        let token = json!({
            "name": format!("t{number}-{}", "t".repeat(55)), "description": "describes & tells. ".repeat(52),
            "expires_in": "3d", "scopes": scopes, "stands_for": {"service": "s".repeat(100)},
        });
        asks(sealock, Method::POST, "/api/v1/namespaces/acme/tokens", token).await;
        let own = json!({"name": "&".repeat(100), "description": "&".repeat(1_000), "expires_in": "3d"});
        asks(sealock, Method::POST, "/api/v1/users/admin/tokens", own).await;
    }
}

/// Edits of a token, each of which changes much, in characters that are escaped. Its pages are at the path that is returned.
async fn edit_a_token_often(sealock: &Sealock) -> String {
    let request = sealock.request(Method::GET, "/api/v1/namespaces/acme/tokens?limit=1");
    let answer = request.basic_auth("admin", Some(ADMIN_PASSWORD)).send().await.unwrap();
    let tokens: Value = answer.json().await.unwrap();
    let path = format!("/tokens/{}", tokens["items"][0]["id"].as_str().unwrap());
    let addresses: Vec<_> = (0..50).map(|number| format!("10.11.12.{number}")).collect();
    for number in 0..EDITS {
        let edit = json!({
            "description": format!("{number} {}", "&<".repeat(450)),
            "allowed_addresses": addresses[number % 2..],
        });
        asks(sealock, Method::PATCH, &format!("/api/v1{path}"), edit).await;
    }
    path
}

// On one engine: what is looked at is markup. What a page of 100 scope rows weighs is no promise.
#[tokio::test]
async fn pages_stay_light_with_all_that_the_rules_allow_on_them() {
    let sealock = Sealock::on(Engine::Sqlite).await;
    let Some(browser) = Browser::among_crowds(&sealock) else { return };
    browser.log_in_as_admin().await;
    asks(&sealock, Method::POST, "/api/v1/namespaces", json!({"name": "acme"})).await;
    push_much(&sealock).await;
    make_many_people(&sealock).await;
    make_many_tokens(&sealock).await;
    let token = edit_a_token_often(&sealock).await;
    for path in [
        "/namespaces/acme",
        "/namespaces/acme/members",
        "/namespaces/acme/tokens",
        "/namespaces/acme/tokens/new",
        &token,
        &format!("{token}/edit"),
        &format!("{token}/scopes"),
        &format!("{token}/scopes?after=90"),
        "/namespaces/acme/repositories/crowded",
        "/profile/tokens",
        "/users",
        "/users/admin",
        "/teams/builders",
        "/audit",
        "/",
    ] {
        browser.open(path).await;
        assert_eq!(browser.status().await, 200, "{path}");
    }
    browser.open("/namespaces/acme/repositories/crowded").await;
    browser.follow("all").await;
    browser.sees("more").await;
}
