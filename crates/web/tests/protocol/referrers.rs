//! What is about a manifest (OCI distribution 1.1, "Listing Referrers").

use serde_json::{Value, json};
use testkit::{
    Actor, TestServer, both_engines,
    image::{Blob, Image, MANIFEST_TYPE},
};

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

fn subject() -> Image {
    Image::new(1, 10)
}

/// A small artifact about the subject.
fn artifact(name: &str, change: Value) -> Blob {
    let empty = Blob::new(EMPTY_TYPE, b"{}".to_vec());
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": empty.descriptor(),
        "layers": [empty.descriptor()],
        "subject": subject().manifest.descriptor(),
        "annotations": { "name": name },
    });
    manifest.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    Blob::new(MANIFEST_TYPE, manifest.to_string().into_bytes())
}

async fn push(actor: &Actor, artifact: &Blob) {
    actor.push_blob("acme/api", &Blob::new(EMPTY_TYPE, b"{}".to_vec())).await.is(201);
    let pushed = actor.push_manifest("acme/api", &artifact.digest, &artifact.bytes).await.is(201);
    assert_eq!(pushed.header("oci-subject"), subject().manifest.digest);
}

fn path() -> String {
    format!("/v2/acme/api/referrers/{}", subject().manifest.digest)
}

/// What a descriptor in the list has to be.
fn listed(artifact: &Blob, artifact_type: &str, name: &str) -> Value {
    let mut descriptor = artifact.descriptor();
    descriptor["artifactType"] = json!(artifact_type);
    descriptor["annotations"] = json!({ "name": name });
    descriptor
}

fn by_digest(mut descriptors: Vec<Value>) -> Value {
    descriptors.sort_by_key(|descriptor| descriptor["digest"].as_str().unwrap().to_owned());
    json!(descriptors)
}

#[both_engines]
async fn what_is_about_a_manifest_is_listed_with_type_and_annotations(t: TestServer) {
    let admin = t.admin();
    // The subject itself may come later.
    let signature = artifact("signature", json!({ "artifactType": "application/x.signature" }));
    let sbom = artifact("sbom", json!({}));
    push(&admin, &signature).await;
    push(&admin, &sbom).await;
    admin.push("acme/api", "1.0", &subject()).await.is(201);

    let answer = admin.get(&path()).await.is(200);
    assert_eq!(answer.header("content-type"), INDEX_TYPE);
    assert_eq!((answer.header("oci-filters-applied"), answer.header("link")), ("", ""));
    // Without a type of its own the config's counts.
    let manifests = by_digest(vec![
        listed(&signature, "application/x.signature", "signature"),
        listed(&sbom, EMPTY_TYPE, "sbom"),
    ]);
    let expected = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests });
    assert_eq!(answer.json(), expected);

    admin.delete(&format!("/v2/acme/api/manifests/{}", sbom.digest)).await.is(202);
    assert_eq!(admin.get(&path()).await.json()["manifests"].as_array().unwrap().len(), 1);
}

#[both_engines]
async fn a_filter_that_was_applied_is_told(t: TestServer) {
    let admin = t.admin();
    let signature = artifact("signature", json!({ "artifactType": "application/x.sig+json" }));
    push(&admin, &signature).await;
    push(&admin, &artifact("sbom", json!({ "artifactType": "application/x.sbom" }))).await;
    let answer = admin.get(&format!("{}?artifactType=application/x.sig%2Bjson", path())).await.is(200);
    assert_eq!(answer.header("oci-filters-applied"), "artifactType");
    let expected = json!([listed(&signature, "application/x.sig+json", "signature")]);
    assert_eq!(answer.json()["manifests"], expected);
    let none = admin.get(&format!("{}?artifactType=application/none", path())).await.is(200);
    assert_eq!((none.header("oci-filters-applied"), &none.json()["manifests"]), ("artifactType", &json!([])));
}

#[both_engines]
async fn what_nothing_is_about_has_an_empty_list(t: TestServer) {
    let admin = t.admin();
    admin.push("acme/api", "1.0", &subject()).await.is(201);
    let unknown = format!("sha256:{}", "0".repeat(64));
    for path in
        [path(), format!("/v2/acme/api/referrers/{unknown}"), format!("/v2/acme/none/referrers/{unknown}")]
    {
        let answer = admin.get(&path).await.is(200);
        assert_eq!(answer.json(), json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [] }));
        assert_eq!(admin.head(&path).await.is(200).header("content-type"), INDEX_TYPE);
    }
    admin.get("/v2/acme/api/referrers/sha256:short").await.refused(400, "DIGEST_INVALID");
    let elsewhere = t.with(&t.service_token("other", "deploy", json!({ "permission": "pull" })).await);
    elsewhere.get(&path()).await.refused(404, "NAME_UNKNOWN");
}

#[both_engines]
async fn the_link_leads_from_page_to_page_and_keeps_the_filter(t: TestServer) {
    let admin = t.admin();
    let mut all = Vec::new();
    for number in 0..5 {
        let name = number.to_string();
        let artifact = artifact(&name, json!({ "artifactType": "application/x.sig+json" }));
        push(&admin, &artifact).await;
        all.push(listed(&artifact, "application/x.sig+json", &name));
    }
    push(&admin, &artifact("other", json!({}))).await;
    let (mut next, mut seen, mut pages) =
        (format!("{}?n=2&artifactType=application/x.sig%2Bjson", path()), Vec::new(), 0);
    loop {
        let page = admin.get(&next).await.is(200);
        assert_eq!(page.header("oci-filters-applied"), "artifactType");
        seen.extend(page.json()["manifests"].as_array().unwrap().clone());
        pages += 1;
        match page.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
            Some(link) => next = link.to_owned(),
            None => break,
        }
    }
    assert_eq!((pages, json!(seen)), (3, by_digest(all)));
}

/// oras reads 4 MiB of an index: a page of them that is longer would be none.
#[both_engines]
async fn a_page_ends_before_it_is_too_long_for_clients(t: TestServer) {
    const REFERRERS: usize = 80;
    const MAX_READ_BYTES: usize = 4 * 1024 * 1024;
    let admin = t.admin();
    // The first names as many bytes as one manifest may, however they are escaped.
    let long =
        |number: usize| if number.is_multiple_of(2) { "x".repeat(60_000) } else { "\u{1}".repeat(10_000) };
    let mut all = Vec::new();
    for number in 0..REFERRERS {
        let name = format!("{number}{}", long(number));
        let artifact = artifact(&name, json!({}));
        push(&admin, &artifact).await;
        all.push(listed(&artifact, EMPTY_TYPE, &name));
    }
    let (mut next, mut seen, mut longest) = (path(), Vec::new(), 0);
    loop {
        let page = admin.get(&next).await.is(200);
        longest = longest.max(page.body.len());
        let manifests = page.json()["manifests"].as_array().unwrap().clone();
        assert!(!manifests.is_empty(), "{next}");
        seen.extend(manifests);
        match page.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
            Some(link) => next = link.to_owned(),
            None => break,
        }
    }
    assert!(
        json!(seen) == by_digest(all),
        "not all of them, or not once each: {} of {REFERRERS}",
        seen.len()
    );
    assert!(longest < MAX_READ_BYTES, "a page of {longest} bytes");
}

#[both_engines]
async fn annotations_too_long_for_a_list_are_left_to_the_manifest(t: TestServer) {
    let admin = t.admin();
    let long = artifact("long", json!({ "annotations": { "name": "x".repeat(70_000) } }));
    push(&admin, &long).await;
    let descriptor = admin.get(&path()).await.is(200).json()["manifests"][0].clone();
    assert_eq!((&descriptor["digest"], descriptor.get("annotations")), (&json!(long.digest), None));
    assert_eq!(admin.pull("acme/api", &long.digest).await.is(200).body, long.bytes);
}
