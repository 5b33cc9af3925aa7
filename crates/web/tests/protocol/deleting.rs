//! Delete of tags, manifests and blobs.

use access::time::Length;
use serde_json::json;
use testkit::{
    TestServer, both_engines,
    image::{Blob, Image},
};

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

#[both_engines]
async fn a_deleted_tag_leaves_its_manifest(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.push("acme/api", "1.0", &image).await.is(201);
    admin.push("acme/api", "latest", &image).await.is(201);
    admin.delete("/v2/acme/api/manifests/1.0").await.is(202);
    admin.pull("acme/api", "1.0").await.refused(404, "MANIFEST_UNKNOWN").says("1.0");
    admin.pull("acme/api", "latest").await.is(200);
    admin.pull("acme/api", &image.manifest.digest).await.is(200);
    admin.delete("/v2/acme/api/manifests/1.0").await.refused(404, "MANIFEST_UNKNOWN");
}

#[both_engines]
async fn a_deleted_manifest_takes_its_tags_along(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.push("acme/api", "1.0", &image).await.is(201);
    admin.push("acme/api", "latest", &image).await.is(201);
    let path = format!("/v2/acme/api/manifests/{}", image.manifest.digest);
    admin.delete(&path).await.is(202);
    for reference in ["1.0", "latest", &image.manifest.digest] {
        admin.pull("acme/api", reference).await.refused(404, "MANIFEST_UNKNOWN");
    }
    admin.delete(&path).await.refused(404, "MANIFEST_UNKNOWN");
    assert_eq!(admin.get("/v2/acme/api/tags/list").await.is(200).json()["tags"], json!([]));
    admin.push("acme/api", "1.0", &image).await.is(201);
    admin.pull("acme/api", "1.0").await.is(200);
}

#[both_engines]
async fn the_audit_tells_what_was_lost_with_a_tag_or_a_manifest(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    let digest = &image.manifest.digest;
    let lost = async |path: &str, event: &str| {
        t.clock.advance(Length::seconds(1));
        admin.delete(&format!("/v2/acme/api/manifests/{path}")).await.is(202);
        let row = admin.get("/api/v1/audit?limit=1").await.is(200).json()["items"][0].clone();
        assert_eq!((&row["event"], &row["after"]), (&json!(event), &json!(null)));
        row["before"].clone()
    };
    for tag in ["b", "a", "c"] {
        admin.push("acme/api", tag, &image).await.is(201);
    }
    assert_eq!(lost("c", "tag.deleted").await, json!({ "digest": digest }));
    assert_eq!(lost(digest, "manifest.deleted").await, json!({ "digest": digest, "tags": ["a", "b"] }));

    admin.push_manifest("acme/api", digest, &image.manifest.bytes).await.is(201);
    assert_eq!(lost(digest, "manifest.deleted").await, json!({ "digest": digest, "tags": [] }));
    // The first hundred, and that there were more.
    let tags: Vec<String> = (0..101).map(|number| format!("t{number:03}")).collect();
    for tag in &tags {
        admin.push_manifest("acme/api", tag, &image.manifest.bytes).await.is(201);
    }
    let before = lost(digest, "manifest.deleted").await;
    assert_eq!((&before["tags"], &before["has_more_tags"]), (&json!(tags[..100]), &json!(true)));
}

#[both_engines]
async fn a_blob_stays_while_a_manifest_needs_it(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let blob = format!("/v2/acme/api/blobs/{}", image.layer.digest);
    admin.delete(&blob).await.refused(405, "UNSUPPORTED").says(&image.layer.digest);
    admin.get(&blob).await.is(200);

    admin.delete(&format!("/v2/acme/api/manifests/{}", image.manifest.digest)).await.is(202);
    admin.delete(&blob).await.is(202);
    admin.get(&blob).await.refused(404, "BLOB_UNKNOWN");
    admin.delete(&blob).await.refused(404, "BLOB_UNKNOWN");
}

#[both_engines]
async fn a_blob_deleted_here_stays_in_other_repositories(t: TestServer) {
    let (admin, blob) = (t.admin(), Blob::new("application/octet-stream", b"shared".to_vec()));
    admin.push_blob("acme/api", &blob).await.is(201);
    admin.push_blob("acme/web", &blob).await.is(201);
    admin.delete(&format!("/v2/acme/api/blobs/{}", blob.digest)).await.is(202);
    assert_eq!(admin.get(&format!("/v2/acme/web/blobs/{}", blob.digest)).await.is(200).body, blob.bytes);
    admin.push_blob("acme/api", &blob).await.is(201);
    assert_eq!(admin.get(&format!("/v2/acme/api/blobs/{}", blob.digest)).await.is(200).body, blob.bytes);
}

#[both_engines]
async fn a_manifest_stays_while_an_index_needs_it(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.push("acme/api", "child", &image).await.is(201);
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [image.manifest.descriptor()]});
    let index = Blob::new(INDEX_TYPE, index.to_string().into_bytes());
    admin.push_manifest_as("acme/api", "all", INDEX_TYPE, &index.bytes).await.is(201);

    let child = format!("/v2/acme/api/manifests/{}", image.manifest.digest);
    admin.delete(&child).await.refused(405, "UNSUPPORTED").says("an index");
    admin.delete("/v2/acme/api/manifests/child").await.is(202);
    admin.pull("acme/api", &image.manifest.digest).await.is(200);
    admin.delete(&format!("/v2/acme/api/manifests/{}", index.digest)).await.is(202);
    admin.delete(&child).await.is(202);
}

#[both_engines]
async fn delete_takes_a_scope_of_its_own(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let writer = t.service_token("acme", "writer", json!({"permission": "pull-push"})).await;
    let scopes = json!({"scopes": [{"type": "repository", "path": "acme/*", "actions": ["pull", "delete"]}]});
    let cleaner = t.service_token("acme", "cleaner", scopes).await;
    for path in ["/v2/acme/api/manifests/1.0", &format!("/v2/acme/api/blobs/{}", image.layer.digest)] {
        let refused = t.with(&writer).delete(path).await.refused(403, "DENIED");
        refused.says("token acme/writer has no scope with delete for acme/api");
        t.with(&writer).asks("repository:acme/api:*").await.delete(path).await.refused(403, "DENIED");
    }
    t.with(&cleaner)
        .asks("repository:acme/api:delete")
        .await
        .delete("/v2/acme/api/manifests/1.0")
        .await
        .is(202);
}

#[both_engines]
async fn what_is_not_there_is_not_deleted(t: TestServer) {
    let admin = t.admin();
    admin.push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let digest = format!("sha256:{}", "0".repeat(64));
    for (path, code) in [
        ("acme/none/manifests/1.0".to_owned(), "NAME_UNKNOWN"),
        (format!("acme/none/blobs/{digest}"), "NAME_UNKNOWN"),
        (format!("acme/api/manifests/{digest}"), "MANIFEST_UNKNOWN"),
        ("acme/api/manifests/none".to_owned(), "MANIFEST_UNKNOWN"),
        ("acme/api/manifests/.none".to_owned(), "MANIFEST_UNKNOWN"),
        (format!("acme/api/blobs/{digest}"), "BLOB_UNKNOWN"),
    ] {
        admin.delete(&format!("/v2/{path}")).await.refused(404, code);
    }
}

#[both_engines]
async fn a_push_and_a_deletion_of_one_manifest_at_once_are_one_after_the_other(t: TestServer) {
    const ROUNDS: usize = 40;
    let image = Image::new(1, 10);
    let writer = t.with(&t.service_token("acme", "writer", json!({"permission": "pull-push"})).await);
    let admin = t.admin();
    writer.push("acme/api", "1.0", &image).await.is(201);
    let (digest, bytes) = (image.manifest.digest.as_str(), image.manifest.bytes.as_slice());
    let path = format!("/v2/acme/api/manifests/{digest}");
    let push = async |reference: &str| writer.push_manifest("acme/api", reference, bytes).await;
    for round in 0..ROUNDS {
        let pushes = async { tokio::join!(push("1.0"), push(digest), push("2.0")) };
        let deletions = async { tokio::join!(admin.delete(&path), admin.delete(&path)) };
        let ((one, two, three), (first, second)) = tokio::join!(pushes, deletions);
        for pushed in [one, two, three] {
            assert_eq!(pushed.status, 201, "round {round}: {pushed:?}");
        }
        for deleted in [first, second] {
            assert!([202, 404].contains(&deleted.status), "round {round}: {deleted:?}");
        }
        // A tag that stands leads to the whole manifest.
        for tag in ["1.0", "2.0"] {
            let pulled = admin.pull("acme/api", tag).await;
            assert!(pulled.status == 404 || pulled.body == bytes, "round {round}: {pulled:?}");
        }
    }
}
