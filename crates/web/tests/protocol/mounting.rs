//! Cross-repository mount: what the rights and the bearer let the caller pull is linked without an upload, and
//! whatever they don't is as if it were absent.

use serde_json::json;
use testkit::{
    Actor, Answer, ServiceToken, TestServer, both_engines,
    image::{Blob, Image},
    randomness::SeededRandomness,
};

const TARGET: &str = "acme/web";

/// A blob that the administrator pushed to `repository`.
async fn blob_in(t: &TestServer, repository: &str) -> Blob {
    let blob = Blob::new("application/octet-stream", SeededRandomness::new(7).bytes(1000));
    t.namespace("acme").await;
    t.admin().push_blob(repository, &blob).await.is(201);
    blob
}

async fn token(t: &TestServer, scopes: &[(&str, &[&str])]) -> ServiceToken {
    let scopes: Vec<_> = scopes
        .iter()
        .map(|(path, actions)| json!({ "type": "repository", "path": path, "actions": actions }))
        .collect();
    t.service_token("acme", "ci-bot", json!({ "scopes": scopes })).await
}

/// Asks for a mount in `acme/web`; `query` is what follows the digest.
async fn mount(actor: &Actor, digest: &str, query: &str) -> Answer {
    actor.post(&format!("/v2/{TARGET}/blobs/uploads/?mount={digest}{query}")).await
}

async fn is_in_target(t: &TestServer, digest: &str) -> bool {
    t.admin().head(&format!("/v2/{TARGET}/blobs/{digest}")).await.status == 200
}

/// 201: no byte was sent, and the blob is there.
async fn mounted(t: &TestServer, answer: Answer, blob: &Blob) {
    let answer = answer.is(201);
    assert_eq!(answer.header("location"), format!("/v2/{TARGET}/blobs/{}", blob.digest));
    assert_eq!(answer.header("docker-content-digest"), blob.digest);
    let pulled = t.admin().get(answer.header("location")).await.is(200);
    assert!(pulled.body == blob.bytes, "the bytes differ");
}

/// 202: a fresh session, and nothing is there until the client has uploaded.
async fn not_mounted(t: &TestServer, answer: Answer, blob: &Blob) {
    let answer = answer.is(202);
    assert_eq!(answer.header("range"), "0-0", "{answer:?}");
    assert!(answer.header("location").starts_with(&format!("/v2/{TARGET}/blobs/uploads/")), "{answer:?}");
    assert!(!is_in_target(t, &blob.digest).await, "{answer:?}");
}

#[both_engines]
async fn a_blob_is_mounted_from_the_repository_that_is_named(t: TestServer) {
    let blob = blob_in(&t, "acme/api").await;
    let files = t.blob_files();
    let ci = token(&t, &[("*", &["pull", "push"])]).await;
    let answer = mount(&t.with(&ci), &blob.digest, "&from=acme/api").await;
    mounted(&t, answer, &blob).await;
    assert_eq!(t.blob_files(), files, "the bytes are there once");

    let audit = t.admin().get("/api/v1/audit?namespace=acme").await.is(200).json();
    let row = audit["items"].as_array().unwrap().iter().find(|row| row["event"] == "blob.mounted");
    let row = row.unwrap_or_else(|| panic!("{audit:#}"));
    assert_eq!(row["after"]["from"], "acme/api", "{row:#}");
}

#[both_engines]
async fn a_blob_is_mounted_from_anywhere_where_no_repository_is_named(t: TestServer) {
    let blob = blob_in(&t, "acme/api").await;
    let ci = token(&t, &[("*", &["pull", "push"])]).await;
    let answer = mount(&t.with(&ci), &blob.digest, "").await;
    mounted(&t, answer, &blob).await;
}

#[both_engines]
async fn a_blob_of_a_public_namespace_is_mounted_by_whoever_may_push_here(t: TestServer) {
    let blob = blob_in(&t, "library/base").await;
    let ci = token(&t, &[("acme/web", &["pull", "push"])]).await;
    let docker = t.with(&ci);
    for query in ["", "&from=library/base"] {
        not_mounted(&t, mount(&docker, &blob.digest, query).await, &blob).await;
    }
    let public = json!({ "visibility": "public" });
    t.admin().patch_json("/api/v1/namespaces/library", &public).await.is(200);
    mounted(&t, mount(&docker, &blob.digest, "").await, &blob).await;
    mounted(&t, mount(&docker, &blob.digest, "&from=library/base").await, &blob).await;
}

#[both_engines]
async fn an_image_whose_blobs_were_mounted_is_pushed_and_pulled(t: TestServer) {
    let image = Image::new(1, 1000);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let ci = token(&t, &[("*", &["pull", "push"])]).await;
    let docker = t.with(&ci).asks("repository:acme/web:pull,push repository:acme/api:pull").await;
    for blob in [&image.layer, &image.config] {
        mount(&docker, &blob.digest, "&from=acme/api").await.is(201);
    }
    docker.push_manifest(TARGET, "1.0", &image.manifest.bytes).await.is(201);
    // What was mounted is the target's own: it stays when the source goes.
    t.admin().delete("/v2/acme/api/manifests/1.0").await.is(202);
    t.admin().delete("/api/v1/namespaces/acme/repositories/api").await.is(204);
    for blob in [&image.layer, &image.config] {
        let path = format!("/v2/{TARGET}/blobs/{}", blob.digest);
        assert!(docker.get(&path).await.is(200).body == blob.bytes);
    }
}

/// What isn't there, isn't allowed or isn't a name: one answer.
#[both_engines]
async fn what_the_caller_may_not_pull_is_as_if_it_were_absent(t: TestServer) {
    let blob = blob_in(&t, "secret/api").await;
    t.admin().push_blob("acme/hidden", &blob).await.is(201);
    let ci = token(&t, &[("acme/web", &["pull", "push"])]).await;
    let docker = t.with(&ci);
    let unknown = format!("sha256:{}", "0".repeat(64));
    for (digest, query) in [
        (blob.digest.as_str(), "&from=secret/api"),
        (&blob.digest, "&from=acme/hidden"),
        (&blob.digest, "&from=acme/none"),
        (&blob.digest, "&from=none/none"),
        (&blob.digest, "&from="),
        (&blob.digest, "&from=.."),
        (&blob.digest, "&from=Acme/API"),
        (&blob.digest, ""),
        (&unknown, "&from=acme/web"),
        (&unknown, ""),
        ("nonsense", ""),
        ("nonsense", "&from=.."),
    ] {
        not_mounted(&t, mount(&docker, digest, query).await, &blob).await;
    }
}

/// B: a bearer mounts from what it was fetched for, whatever its token may.
#[both_engines]
async fn a_bearer_mounts_only_from_what_it_was_fetched_for(t: TestServer) {
    let blob = blob_in(&t, "acme/api").await;
    let ci = token(&t, &[("*", &["pull", "push"])]).await;
    let narrow = t.with(&ci).asks("repository:acme/web:pull,push").await;
    for query in ["&from=acme/api", ""] {
        not_mounted(&t, mount(&narrow, &blob.digest, query).await, &blob).await;
    }
    let wide = t.with(&ci).asks("repository:acme/web:pull,push repository:acme/api:pull").await;
    mounted(&t, mount(&wide, &blob.digest, "").await, &blob).await;
}

/// R: a bearer that was fetched for the source mounts no more once its token may no longer pull there.
#[both_engines]
async fn a_scope_that_was_taken_away_mounts_no_more(t: TestServer) {
    let blob = blob_in(&t, "acme/api").await;
    let ci = token(&t, &[("acme/web", &["pull", "push"]), ("acme/api", &["pull"])]).await;
    let docker = t.with(&ci).asks("repository:acme/web:pull,push repository:acme/api:pull").await;
    let narrower =
        json!({ "scopes": [{ "type": "repository", "path": TARGET, "actions": ["pull", "push"] }] });
    t.edit(&ci, narrower).await.is(200);
    for query in ["&from=acme/api", ""] {
        not_mounted(&t, mount(&docker, &blob.digest, query).await, &blob).await;
        not_mounted(&t, mount(&t.with(&ci), &blob.digest, query).await, &blob).await;
    }
}

#[both_engines]
async fn a_mount_takes_push_on_the_target(t: TestServer) {
    let blob = blob_in(&t, "acme/api").await;
    let ci = token(&t, &[("*", &["pull"])]).await;
    mount(&t.with(&ci), &blob.digest, "&from=acme/api").await.refused(403, "DENIED");
    mount(&t.anonymous(), &blob.digest, "&from=acme/api").await.refused(401, "UNAUTHORIZED");
    t.admin()
        .patch_json(&format!("/api/v1/tokens/{}", ci.id), &json!({ "status": "disabled" }))
        .await
        .is(200);
    mount(&t.with(&ci), &blob.digest, "&from=acme/api").await.refused(401, "UNAUTHORIZED");
    assert!(!is_in_target(&t, &blob.digest).await);
}

#[both_engines]
async fn the_session_in_a_mounts_place_takes_the_blob(t: TestServer) {
    let blob = blob_in(&t, "secret/api").await;
    let ci = token(&t, &[("acme/web", &["pull", "push"])]).await;
    let docker = t.with(&ci);
    let session = mount(&docker, &blob.digest, "&from=secret/api").await.is(202);
    docker.finish_upload(session.header("location"), &blob.digest, &blob.bytes).await.is(201);
    assert!(is_in_target(&t, &blob.digest).await);
}

/// Many hold the blob that nobody lets the caller pull; the one that does is found among them.
#[both_engines]
async fn a_blob_that_many_repositories_hold_is_found_where_it_may_be_pulled(t: TestServer) {
    let blob = blob_in(&t, "secret/api").await;
    for number in 0..70 {
        let from = format!("/v2/secret/copy-{number}/blobs/uploads/?mount={}&from=secret/api", blob.digest);
        t.admin().post(&from).await.is(201);
    }
    t.admin().push_blob("acme/api", &blob).await.is(201);
    let ci = token(&t, &[("*", &["pull", "push"])]).await;
    mounted(&t, mount(&t.with(&ci), &blob.digest, "").await, &blob).await;
}

/// A holder behind more than a page of others that no scope covers.
#[both_engines]
async fn a_blob_is_found_behind_holders_that_no_scope_covers(t: TestServer) {
    let blob = blob_in(&t, "acme/a-hidden").await;
    for number in 0..70 {
        let from = format!("/v2/acme/a-{number}/blobs/uploads/?mount={}&from=acme/a-hidden", blob.digest);
        t.admin().post(&from).await.is(201);
    }
    t.admin().push_blob("acme/z-shared", &blob).await.is(201);
    let ci = token(&t, &[(TARGET, &["pull", "push"]), ("acme/z*", &["pull"])]).await;
    mounted(&t, mount(&t.with(&ci), &blob.digest, "").await, &blob).await;
}

/// Time would tell as statements do: the same number, whoever else holds the blob.
#[both_engines]
async fn a_mount_costs_the_same_whoever_out_of_reach_holds_the_blob(t: TestServer) {
    let blob = blob_in(&t, "secret/api").await;
    for number in 0..10 {
        let from = format!("/v2/secret/{number}/blobs/uploads/?mount={}&from=secret/api", blob.digest);
        t.admin().post(&from).await.is(201);
        let from = format!("/v2/acme/hidden-{number}/blobs/uploads/?mount={}&from=secret/api", blob.digest);
        t.admin().post(&from).await.is(201);
    }
    let nowhere = format!("sha256:{}", "0".repeat(64));
    let ci = token(&t, &[(TARGET, &["pull", "push"])]).await;
    let named = "repository:acme/web:pull,push repository:secret/api:pull repository:acme/hidden-1:pull";
    for docker in [t.with(&ci), t.with(&ci).asks(named).await] {
        for query in ["", "&from=secret/api", "&from=acme/hidden-1"] {
            let mut costs = Vec::new();
            for digest in [nowhere.as_str(), &blob.digest] {
                let before = t.statements();
                mount(&docker, digest, query).await.is(202);
                costs.push(t.statements() - before);
            }
            assert_eq!(costs[0], costs[1], "{query}");
        }
    }
}

/// The audit of a namespace is its admins', and what another one holds is none of their business.
#[both_engines]
async fn the_audit_names_no_source_in_another_namespace(t: TestServer) {
    let blob = blob_in(&t, "secret/project-x").await;
    for query in ["&from=secret/project-x", ""] {
        mount(&t.admin(), &blob.digest, query).await.is(201);
    }
    let audit = t.admin().get("/api/v1/audit?namespace=acme").await.is(200);
    assert_eq!(audit.text().matches("blob.mounted").count(), 2, "{audit:?}");
    assert!(!audit.text().contains("project-x"), "{audit:?}");
}
