//! Push of manifests: what is taken, what is refused, and that nothing half is ever visible.

use serde_json::{Value, json};
use testkit::{
    Actor, TestServer, both_engines,
    image::{Blob, Image, MANIFEST_TYPE},
};

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// The administrator, with an image's blobs already in acme/api.
async fn with_blobs(t: &TestServer, image: &Image) -> Actor {
    let admin = t.admin();
    for blob in [&image.layer, &image.config] {
        admin.push_blob("acme/api", blob).await.is(201);
    }
    admin
}

fn edited(image: &Image, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    edit(&mut manifest);
    manifest.to_string().into_bytes()
}

fn padded(image: &Image, size: usize) -> Vec<u8> {
    let mut bytes = image.manifest.bytes.clone();
    bytes.resize(size, b' ');
    bytes
}

#[both_engines]
async fn a_manifest_needs_its_blobs_in_its_own_repository(t: TestServer) {
    let image = Image::new(1, 100);
    let admin = t.admin();
    admin.push_blob("acme/api", &image.config).await.is(201);
    let absent = admin.push_manifest("acme/api", "1.0", &image.manifest.bytes).await;
    // Now the layer exists, in another repository: the answer is the same.
    admin.push_blob("acme/other", &image.layer).await.is(201);
    let elsewhere = admin.push_manifest("acme/api", "1.0", &image.manifest.bytes).await;
    for refused in [absent, elsewhere] {
        let said = format!(
            "the manifest needs layer {}, which repository acme/api does not have; push it there first",
            image.layer.digest
        );
        refused.refused(404, "MANIFEST_BLOB_UNKNOWN").says(&said);
    }
    admin.pull("acme/api", "1.0").await.refused(404, "MANIFEST_UNKNOWN");
    admin.pull("acme/api", &image.manifest.digest).await.refused(404, "MANIFEST_UNKNOWN");

    admin.push_blob("acme/api", &image.layer).await.is(201);
    admin.push_manifest("acme/api", "1.0", &image.manifest.bytes).await.is(201);
}

#[both_engines]
async fn a_refused_manifest_leaves_its_tag_where_it_was(t: TestServer) {
    let (old, new) = (Image::new(1, 100), Image::new(2, 100));
    let admin = t.admin();
    admin.push("acme/api", "1.0", &old).await.is(201);
    admin.push_manifest("acme/api", "1.0", &new.manifest.bytes).await.refused(404, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(admin.pull("acme/api", "1.0").await.is(200).body, old.manifest.bytes);
}

#[both_engines]
async fn a_manifest_up_to_4_mib_is_taken_and_no_byte_more(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    let largest = padded(&image, MAX_MANIFEST_BYTES);
    admin.push_manifest("acme/api", "1.0", &largest).await.is(201);
    assert!(admin.pull("acme/api", "1.0").await.is(200).body == largest);
    // The answer is read whole, whatever was still on its way.
    for size in [MAX_MANIFEST_BYTES + 1, 3 * MAX_MANIFEST_BYTES] {
        let refused = admin.push_manifest("acme/api", "2.0", &padded(&image, size)).await;
        refused.refused(413, "SIZE_INVALID").says("4194304 bytes");
    }
    admin.pull("acme/api", "2.0").await.refused(404, "MANIFEST_UNKNOWN");
}

#[both_engines]
async fn sizes_are_compared_with_what_is_there(t: TestServer) {
    let image = Image::new(1, 100);
    let admin = with_blobs(&t, &image).await;
    for (at, size, status, code) in [
        ("/layers/0/size", json!(1), 400, "SIZE_INVALID"),
        ("/config/size", json!(i64::MAX), 400, "SIZE_INVALID"),
        ("/layers/0/size", json!(-1), 400, "MANIFEST_INVALID"),
        ("/layers/0/size", json!(9_223_372_036_854_775_808_u64), 400, "MANIFEST_INVALID"),
        ("/layers/0/size", json!("100"), 400, "MANIFEST_INVALID"),
        ("/layers/0/size", json!(100.0), 400, "MANIFEST_INVALID"),
        ("/layers/0/size", json!(null), 400, "MANIFEST_INVALID"),
    ] {
        let bytes = edited(&image, |manifest| *manifest.pointer_mut(at).unwrap() = size.clone());
        admin.push_manifest("acme/api", "1.0", &bytes).await.refused(status, code);
    }
    // Twice the same layer, once with a wrong size: both are compared.
    let bytes = edited(&image, |manifest| {
        let mut second = manifest["layers"][0].clone();
        second["size"] = json!(1);
        manifest["layers"].as_array_mut().unwrap().push(second);
    });
    admin.push_manifest("acme/api", "1.0", &bytes).await.refused(400, "SIZE_INVALID");
}

#[both_engines]
async fn what_is_no_manifest_is_refused(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    let text = String::from_utf8(image.manifest.bytes.clone()).unwrap();
    let deep = format!("{{\"schemaVersion\":2,\"x\":{}", "[".repeat(10_000));
    let twice = text.replacen('{', "{\"schemaVersion\":2,", 1);
    let (trailing, marked) = (format!("{text}{{}}"), format!("\u{feff}{text}"));
    let index_too = edited(&image, |manifest| manifest["manifests"] = json!([]));
    let other_type = edited(&image, |manifest| manifest["mediaType"] = json!(INDEX_TYPE));
    let bodies: [&[u8]; 12] = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b"\xff\xfe",
        b"\"manifest\"",
        deep.as_bytes(),
        twice.as_bytes(),
        trailing.as_bytes(),
        marked.as_bytes(),
        &other_type,
    ];
    for body in bodies.into_iter().chain([index_too.as_slice()]) {
        admin.push_manifest("acme/api", "1.0", body).await.refused(400, "MANIFEST_INVALID");
    }
    for content_type in
        ["text/plain", "application/vnd.docker.distribution.manifest.v1+prettyjws", INDEX_TYPE]
    {
        let pushed = admin.push_manifest_as("acme/api", "1.0", content_type, &image.manifest.bytes).await;
        pushed.refused(400, "MANIFEST_INVALID");
    }
    admin.pull("acme/api", "1.0").await.refused(404, "MANIFEST_UNKNOWN");
}

/// As many descriptors as 4 MiB hold, empty, tiny or whole: refused before anything is looked up.
#[both_engines]
async fn a_hundred_thousand_descriptors_are_refused(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    let whole = |at: usize| {
        json!({ "mediaType": "a/b", "digest": format!("sha256:{at:064x}"), "size": 0 }).to_string()
    };
    for (descriptors, said) in [
        (vec!["{}".to_owned(); 100_000], ""),
        (vec![r#"{"mediaType":"","digest":"","size":0}"#.to_owned(); 100_000], ""),
        (vec![image.layer.descriptor().to_string(); 20_000], "at most 4096 are taken"),
        ((0..30_000).map(whole).collect(), "at most 4096 are taken"),
    ] {
        for list in ["layers", "manifests"] {
            let (head, content_type) = match list {
                "layers" => (format!("\"config\":{},", image.config.descriptor()), MANIFEST_TYPE),
                _ => (String::new(), INDEX_TYPE),
            };
            let body = format!("{{\"schemaVersion\":2,{head}\"{list}\":[{}]}}", descriptors.join(","));
            let pushed = admin.push_manifest_as("acme/api", "1.0", content_type, body.as_bytes()).await;
            pushed.refused(400, "MANIFEST_INVALID").says(said);
        }
    }
    admin.pull("acme/api", "1.0").await.refused(404, "MANIFEST_UNKNOWN");
}

#[both_engines]
async fn a_manifest_pushed_by_digest_has_that_digest(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    let other = format!("sha256:{}", "0".repeat(64));
    let refused = admin.push_manifest("acme/api", &other, &image.manifest.bytes).await;
    refused.refused(400, "DIGEST_INVALID").says(&image.manifest.digest);
    admin.push_manifest("acme/api", &image.manifest.digest, &image.manifest.bytes).await.is(201);
    admin.pull("acme/api", &image.manifest.digest).await.is(200);
    admin.pull("acme/api", &other).await.refused(404, "MANIFEST_UNKNOWN");
}

#[both_engines]
async fn a_name_that_no_tag_may_have_is_refused(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    for tag in [".dot", "-dash", "a%20b", &"t".repeat(129)] {
        admin.push_manifest("acme/api", tag, &image.manifest.bytes).await.refused(400, "MANIFEST_INVALID");
        admin.pull("acme/api", tag).await.refused(404, "MANIFEST_UNKNOWN");
    }
    for digest in ["sha256:0", "md5:00", &image.manifest.digest.to_uppercase()] {
        admin.push_manifest("acme/api", digest, &image.manifest.bytes).await.refused(400, "DIGEST_INVALID");
        admin.pull("acme/api", digest).await.refused(400, "DIGEST_INVALID");
    }
}

#[both_engines]
async fn a_type_without_content_type_is_read_from_the_manifest(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    let head = format!("Content-Length: {}", image.manifest.bytes.len());
    let mut wire = admin.wire("PUT", "/v2/acme/api/manifests/1.0", &[&head]).await;
    wire.send(&image.manifest.bytes).await;
    wire.answer().await.is(201);
    assert_eq!(admin.pull("acme/api", "1.0").await.is(200).header("content-type"), MANIFEST_TYPE);
    let docker = edited(&image, |manifest| manifest["mediaType"] = json!(DOCKER_TYPE));
    admin.push_manifest_as("acme/api", "docker", DOCKER_TYPE, &docker).await.is(201);
    assert_eq!(admin.pull("acme/api", "docker").await.is(200).header("content-type"), DOCKER_TYPE);
}

/// CVE-2021-41190's kind: bytes that say nothing of their type are served as one type, and not as another under another
/// tag.
#[both_engines]
async fn the_same_bytes_are_not_pushed_as_two_types(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    let untyped = edited(&image, |manifest| drop(manifest.as_object_mut().unwrap().remove("mediaType")));
    admin.push_manifest("acme/api", "oci", &untyped).await.is(201);
    let digest = admin.head("/v2/acme/api/manifests/oci").await.header("docker-content-digest").to_owned();
    for reference in ["docker", "oci", &digest] {
        let refused = admin.push_manifest_as("acme/api", reference, DOCKER_TYPE, &untyped).await;
        refused.refused(400, "MANIFEST_INVALID").says(&format!("is here as {MANIFEST_TYPE}"));
    }
    admin.pull("acme/api", "docker").await.refused(404, "MANIFEST_UNKNOWN");
    admin.push_manifest("acme/api", "again", &untyped).await.is(201);
    // Another repository never heard of it.
    for blob in [&image.layer, &image.config] {
        admin.push_blob("acme/web", blob).await.is(201);
    }
    admin.push_manifest_as("acme/web", "1.0", DOCKER_TYPE, &untyped).await.is(201);
}

#[both_engines]
async fn an_index_needs_its_children(t: TestServer) {
    let (one, two) = (Image::new(1, 10), Image::new(2, 10));
    let admin = t.admin();
    admin.push("acme/api", "one", &one).await.is(201);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [one.manifest.descriptor(), two.manifest.descriptor()],
    });
    let index = Blob::new(INDEX_TYPE, index.to_string().into_bytes());
    let push = || admin.push_manifest_as("acme/api", "all", INDEX_TYPE, &index.bytes);
    push().await.refused(404, "MANIFEST_BLOB_UNKNOWN").says(&two.manifest.digest);
    admin.push("acme/api", "two", &two).await.is(201);
    push().await.is(201);
    let pulled = admin.pull("acme/api", "all").await.is(200);
    assert_eq!((pulled.header("content-type"), &pulled.body), (INDEX_TYPE, &index.bytes));
    push().await.is(201);
}

#[both_engines]
async fn an_entry_of_an_index_may_be_a_blob(t: TestServer) {
    // BuildKit's caches are such.
    let (admin, blob) = (t.admin(), Blob::new("application/vnd.buildkit.cacheconfig.v0", b"{}".to_vec()));
    admin.push_blob("acme/cache", &blob).await.is(201);
    let index = json!({"schemaVersion": 2, "manifests": [blob.descriptor()]}).to_string();
    admin.push_manifest_as("acme/cache", "1", INDEX_TYPE, index.as_bytes()).await.is(201);
}

#[both_engines]
async fn a_subject_may_come_later_and_is_named_in_the_answer(t: TestServer) {
    let (image, subject) = (Image::new(1, 10), Image::new(2, 10));
    let admin = with_blobs(&t, &image).await;
    let bytes = edited(&image, |manifest| manifest["subject"] = subject.manifest.descriptor());
    let pushed = admin.push_manifest("acme/api", "signature", &bytes).await.is(201);
    assert_eq!(pushed.header("oci-subject"), subject.manifest.digest);
    let plain = admin.push_manifest("acme/api", "1.0", &image.manifest.bytes).await.is(201);
    assert_eq!(plain.header("oci-subject"), "");
}

#[both_engines]
async fn a_layer_that_lies_elsewhere_may_be_absent(t: TestServer) {
    let (image, foreign) = (Image::new(1, 10), Image::new(2, 10));
    let admin = with_blobs(&t, &image).await;
    let with = |media_type: &str, urls: Value| {
        edited(&image, |manifest| {
            let mut layer = foreign.layer.descriptor();
            layer["mediaType"] = json!(media_type);
            layer["urls"] = urls;
            manifest["layers"].as_array_mut().unwrap().push(layer);
        })
    };
    let (foreign_type, plain) = (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    );
    let elsewhere = json!(["https://elsewhere.example/layer"]);
    for (media_type, urls) in [(plain, elsewhere.clone()), (foreign_type, json!([]))] {
        let pushed = admin.push_manifest("acme/api", "1.0", &with(media_type, urls)).await;
        pushed.refused(404, "MANIFEST_BLOB_UNKNOWN");
    }
    admin.push_manifest("acme/api", "1.0", &with(foreign_type, elsewhere)).await.is(201);
}

#[both_engines]
async fn a_manifest_lists_at_most_4096_things_its_config_included(t: TestServer) {
    let image = Image::new(1, 10);
    let admin = with_blobs(&t, &image).await;
    let with_layers = |count: usize| {
        edited(&image, |manifest| manifest["layers"] = json!(vec![manifest["layers"][0].clone(); count]))
    };
    admin.push_manifest("acme/api", "largest", &with_layers(4095)).await.is(201);
    for layers in [4096, 4097] {
        let refused = admin.push_manifest("acme/api", "1.0", &with_layers(layers)).await;
        refused.refused(400, "MANIFEST_INVALID").says("at most 4096 are taken");
    }
    admin.pull("acme/api", "1.0").await.refused(404, "MANIFEST_UNKNOWN");
    // Said before anything is looked up: nobody waits while it is found out that none of them is there.
    let refused = admin.push_manifest("fresh/api", "1.0", &with_layers(4097)).await;
    refused.refused(400, "MANIFEST_INVALID");
    admin.get("/api/v1/namespaces/fresh").await.is(404);
}
