//! A blob whose file was cut short or went, a manifest whose payload was: neither is ever served as if it were whole, and a
//! push of the same bytes heals it.

use std::{
    collections::HashSet,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use reqwest::Method;
use testkit::{
    TestServer, both_engines,
    image::{Blob, Image},
    randomness::SeededRandomness,
};

/// Leaves this many bytes of the file, or no file.
fn damage(path: &Path, left: Option<u64>) {
    match left {
        None => fs::remove_file(path).unwrap(),
        Some(left) => {
            OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(left)).unwrap();
        }
    }
}

/// Pushes the blob as the administrator; answers its file.
async fn pushed(t: &TestServer, blob: &Blob) -> PathBuf {
    let before: HashSet<PathBuf> = t.blob_paths().into_iter().collect();
    t.admin().push_blob("acme/api", blob).await.is(201);
    let new: Vec<PathBuf> = t.blob_paths().into_iter().filter(|path| !before.contains(path)).collect();
    let [file] = new.as_slice() else { panic!("one blob, and these files: {new:?}") };
    file.clone()
}

#[both_engines]
async fn a_damaged_blob_is_an_error_until_the_same_bytes_come_again(t: TestServer) {
    let admin = t.admin();
    for (seed, left) in [(1, None), (2, Some(0)), (3, Some(250_000)), (4, Some(499_999))] {
        let blob = Blob::new("", SeededRandomness::new(seed).bytes(500_000));
        let path = format!("/v2/acme/api/blobs/{}", blob.digest);
        let others = t.blob_files();
        damage(&pushed(&t, &blob).await, left);

        // A 200 that breaks off would already have said that the blob is there.
        admin.get(&path).await.refused(500, "UNKNOWN").says("X-Request-Id");
        assert_eq!(admin.head(&path).await.is(200).header("content-length"), "500000", "{left:?}");

        admin.push_blob("acme/api", &blob).await.is(201);
        assert!(admin.get(&path).await.is(200).body == blob.bytes, "{left:?}: the bytes differ");
        assert_eq!(t.blob_files(), others + 1, "{left:?}: one file for it");
    }
}

#[both_engines]
async fn a_manifest_of_another_length_counts_as_absent_until_the_same_bytes_come_again(t: TestServer) {
    // One that is read at once, and one that is read when there is room for it.
    for spaces in [0, 300_000] {
        let (admin, image) = (t.admin(), Image::new(1, 100));
        admin.push("acme/api", "1.0", &image).await.is(201);
        let bytes = [image.manifest.bytes.as_slice(), &vec![b' '; spaces]].concat();
        admin.push_manifest("acme/api", "1.0", &bytes).await.is(201);
        let digest = Blob::new("", bytes.clone()).digest;
        for damage in [
            "UPDATE manifest_payloads SET bytes = substr(bytes, 2)",
            "UPDATE manifests SET size = size - 1",
            "UPDATE manifests SET size = size + 1",
        ] {
            t.tamper(damage).await;
            for reference in ["1.0", &digest] {
                // Clients that look first would not push what is said to be there.
                admin.head(&format!("/v2/acme/api/manifests/{reference}")).await.is(404);
                admin.pull("acme/api", reference).await.refused(404, "MANIFEST_UNKNOWN");
            }
            admin.push_manifest("acme/api", "1.0", &bytes).await.is(201);
            for reference in ["1.0", &digest] {
                let head = admin.head(&format!("/v2/acme/api/manifests/{reference}")).await.is(200);
                assert_eq!(head.header("content-length"), bytes.len().to_string(), "{damage}");
                assert!(admin.pull("acme/api", reference).await.is(200).body == bytes, "{spaces}: {damage}");
            }
        }
    }
}

/// The size says nothing, so whatever is pushed again takes the place of what was there.
#[both_engines]
async fn a_blob_with_a_flipped_bit_is_healed_by_the_same_bytes(t: TestServer) {
    let (admin, blob) = (t.admin(), Blob::new("", SeededRandomness::new(1).bytes(5000)));
    let file = pushed(&t, &blob).await;
    let mut bytes = fs::read(&file).unwrap();
    bytes[2500] ^= 1;
    fs::write(&file, bytes).unwrap();
    let path = format!("/v2/acme/api/blobs/{}", blob.digest);
    assert!(admin.get(&path).await.is(200).body != blob.bytes);
    admin.push_blob("acme/web", &blob).await.is(201);
    assert!(admin.get(&path).await.is(200).body == blob.bytes, "the bytes differ");
    assert_eq!(t.blob_files(), 1);
}

#[both_engines]
async fn a_push_in_one_request_to_another_repository_heals_a_blob_for_all(t: TestServer) {
    let (admin, blob) = (t.admin(), Blob::new("", SeededRandomness::new(1).bytes(5000)));
    damage(&pushed(&t, &blob).await, Some(4999));
    let at_once =
        admin.request(Method::POST, &format!("/v2/other/web/blobs/uploads/?digest={}", blob.digest));
    admin.send(at_once.body(blob.bytes.clone())).await.is(201);
    for repository in ["acme/api", "other/web"] {
        let pulled = admin.get(&format!("/v2/{repository}/blobs/{}", blob.digest)).await.is(200);
        assert!(pulled.body == blob.bytes, "{repository}: the bytes differ");
    }
    assert_eq!(t.blob_files(), 1);
}
