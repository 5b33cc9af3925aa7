//! Whole images there and back, and what every answer carries.

use reqwest::Method;
use serde_json::json;
use testkit::{
    TestServer, both_engines,
    image::{Image, MANIFEST_TYPE},
};

#[both_engines]
async fn an_image_comes_back_byte_for_byte(t: TestServer) {
    let (ci, image) =
        (t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await, Image::new(1, 300_000));
    let docker = t.with(&ci).asks("repository:acme/api:pull,push").await;
    let pushed = docker.push("acme/api", "1.0", &image).await.is(201);
    assert_eq!(pushed.header("docker-content-digest"), image.manifest.digest);
    assert_eq!(pushed.header("location"), format!("/v2/acme/api/manifests/{}", image.manifest.digest));

    for reference in ["1.0", &image.manifest.digest] {
        let pulled = docker.pull("acme/api", reference).await.is(200);
        assert_eq!(pulled.body, image.manifest.bytes);
        assert_eq!(pulled.header("content-type"), image.manifest.media_type);
        assert_eq!(pulled.header("docker-content-digest"), image.manifest.digest);
    }
    for blob in [&image.config, &image.layer] {
        let pulled = docker.get(&format!("/v2/acme/api/blobs/{}", blob.digest)).await.is(200);
        assert!(pulled.body == blob.bytes, "the bytes of {} differ", blob.digest);
        assert_eq!(pulled.header("content-type"), "application/octet-stream");
        assert_eq!(pulled.header("content-length"), blob.bytes.len().to_string());
    }
}

#[both_engines]
async fn a_manifest_is_served_whatever_the_client_accepts(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.push("acme/api", "1.0", &image).await.is(201);
    for accept in ["*/*", "text/html", "application/vnd.oci.image.index.v1+json", "nonsense"] {
        let request = admin.request(Method::GET, "/v2/acme/api/manifests/1.0").header("accept", accept);
        let pulled = admin.send(request).await.is(200);
        assert_eq!(pulled.header("content-type"), image.manifest.media_type, "{accept}");
    }
    let bare = admin.raw("GET", "/v2/acme/api/manifests/1.0").await.is(200);
    assert_eq!(bare.body, image.manifest.bytes);
}

#[both_engines]
async fn head_says_what_get_says_without_the_body(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 1000));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let session = admin.start_upload("acme/api").await.is(202).header("location").to_owned();
    for path in [
        "/v2/",
        "/v2/acme/api/manifests/1.0",
        "/v2/acme/api/manifests/none",
        &format!("/v2/acme/api/blobs/{}", image.layer.digest),
        &format!("/v2/acme/api/blobs/sha256:{}", "0".repeat(64)),
        "/v2/acme/api/tags/list",
        "/v2/acme/none/tags/list",
        "/v2/Acme/tags/list",
        "/v2/acme/nothing",
        &session,
        "/auth/jwks.json",
        "/auth/token?service=elsewhere",
    ] {
        let (get, head) = (admin.get(path).await, admin.head(path).await);
        assert_eq!(head.status, get.status, "{head:?}");
        assert!(head.body.is_empty(), "{head:?}");
        // RFC 9110 §8.6: a 204 has none.
        assert!(
            get.status == 204 || head.header("content-length") == get.header("content-length"),
            "{head:?}"
        );
        for name in ["content-type", "docker-content-digest", "etag", "location", "range"] {
            assert_eq!(head.header(name), get.header(name), "{name}\n{head:?}");
        }
    }
    admin.head("/auth/token?service=sealock").await.is(200);
}

#[both_engines]
async fn every_answer_is_harmless_on_the_consoles_origin(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let blob = format!("/v2/acme/api/blobs/{}", image.layer.digest);
    let answers = [
        admin.get("/v2/").await.is(200),
        admin.get(&blob).await.is(200),
        admin.pull("acme/api", "1.0").await.is(200),
        admin.pull("acme/api", "none").await.is(404),
        admin.get("/v2/acme/nothing").await.is(404),
        admin.post("/v2/").await.is(405),
        admin.start_upload("acme/api").await.is(202),
        t.anonymous().get(&blob).await.is(401),
        t.basic("admin", "wrong").get(&blob).await.is(401),
    ];
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
        assert_eq!(answer.header("content-security-policy"), "sandbox", "{answer:?}");
        assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
    }
}

#[both_engines]
async fn names_that_look_like_endpoints_are_repositories(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 100));
    for repository in ["a/manifests/b", "a/blobs/uploads", "a/tags/list", "a/referrers/b", "v2"] {
        admin.push(repository, "1.0", &image).await.is(201);
        assert_eq!(admin.pull(repository, "1.0").await.is(200).body, image.manifest.bytes);
        let tags = admin.get(&format!("/v2/{repository}/tags/list")).await.is(200).json();
        assert_eq!(tags, json!({"name": repository, "tags": ["1.0"]}));
    }
    admin.pull("a", "1.0").await.refused(404, "NAME_UNKNOWN");
}

#[both_engines]
async fn an_administrators_first_push_makes_the_namespace(t: TestServer) {
    // Layers come side by side; none of them may stumble over another's making of the namespace.
    let images: Vec<_> = (0..6).map(|seed| Image::new(seed, 2000)).collect();
    let pushes = images.iter().enumerate().map(|(at, image)| {
        let admin = t.admin();
        async move { admin.push("fresh/api", &format!("v{at}"), image).await.is(201) }
    });
    futures_util::future::join_all(pushes).await;
    let tags = t.admin().get("/v2/fresh/api/tags/list").await.is(200).json();
    assert_eq!(tags["tags"], json!(["v0", "v1", "v2", "v3", "v4", "v5"]));
    t.admin().get("/api/v1/namespaces/fresh").await.is(200);
}

#[both_engines]
async fn a_token_makes_no_namespace(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await;
    let refused = t.with(&ci).start_upload("other/api").await.refused(404, "NAME_UNKNOWN");
    refused.says("token acme/ci-bot").says("other/api");
    t.admin().get("/api/v1/namespaces/other").await.is(404);
}

#[both_engines]
async fn anyone_may_pull_from_a_public_namespace_and_only_pull(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 100));
    admin.post_json("/api/v1/namespaces", &json!({"name": "open", "visibility": "public"})).await.is(201);
    admin.push("open/api", "1.0", &image).await.is(201);
    let stranger = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let anonymous_bearer = t.anonymous().asks("repository:open/api:pull,push").await;
    for actor in [t.anonymous(), anonymous_bearer.clone(), t.with(&stranger)] {
        assert_eq!(actor.pull("open/api", "1.0").await.is(200).body, image.manifest.bytes);
    }
    t.anonymous().start_upload("open/api").await.refused(401, "UNAUTHORIZED");
    anonymous_bearer.start_upload("open/api").await.refused(401, "UNAUTHORIZED");
    t.with(&stranger).start_upload("open/api").await.refused(403, "DENIED").says("token acme/ci-bot");
}

#[both_engines]
async fn what_one_replica_was_given_another_has(t: TestServer) {
    let (replica, image) = (t.replica().await, Image::new(1, 1000));
    let here = t.admin().asks("repository:acme/api:pull,push").await;
    here.push("acme/api", "1.0", &image).await.is(201);
    // The bearer too: keys are in the database.
    assert_eq!(here.at(&replica).pull("acme/api", "1.0").await.is(200).body, image.manifest.bytes);
}

/// Some clients join a base URL that ends with a slash and a path that begins with one, and some end paths with a slash.
#[both_engines]
async fn further_slashes_at_either_end_of_a_path_mean_nothing(t: TestServer) {
    let image = Image::new(5, 300);
    let pusher =
        t.with(&t.service_token("acme", "pusher", serde_json::json!({ "permission": "pull-push" })).await);
    let reader =
        t.with(&t.service_token("acme", "reader", serde_json::json!({ "permission": "pull" })).await);
    for blob in [&image.layer, &image.config] {
        let started = pusher.post("//v2/acme/api/blobs/uploads//").await.is(202);
        let location = started.header("location");
        assert!(location.starts_with("/v2/acme/api/blobs/uploads/"), "{location}");
        let finish = pusher.request(Method::PUT, &format!("/{location}/?digest={}", blob.digest));
        pusher.send(finish.body(blob.bytes.clone())).await.is(201);
    }
    let put =
        pusher.request(Method::PUT, "//v2/acme/api/manifests/1.0/").header("content-type", MANIFEST_TYPE);
    pusher.send(put.body(image.manifest.bytes.clone())).await.is(201);

    for path in ["//v2/", "//v2", "/v2//", "//v2/acme/api/tags/list?n=1", "/v2/acme/api/tags/list/"] {
        reader.get(path).await.is(200);
        assert!(
            t.anonymous().get(path).await.is(401).header("www-authenticate").starts_with("Bearer realm=")
        );
    }
    let pulled = reader.get("//v2/acme/api/manifests/1.0/").await.is(200);
    assert_eq!(pulled.body, image.manifest.bytes);
    // The gate decides on the normal form.
    reader.post("//v2/acme/api/blobs/uploads/").await.refused(403, "DENIED");
    reader.get("//v2/other/api/tags/list/").await.refused(404, "NAME_UNKNOWN");
    reader.get("/v2//acme/api/tags/list").await.refused(400, "NAME_INVALID");
}
