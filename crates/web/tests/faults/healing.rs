//! Damage is found by `fsck`, said as absence once it is marked, and healed by pushing the same bytes again.

use std::{
    fs::{self, OpenOptions},
    path::Path,
};

use registry::{CheckError, HowToCheck, Outcome, Problem, ProblemKind};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    TestServer, both_engines,
    image::{Blob, Image, MANIFEST_TYPE},
};

use crate::{EVERYTHING, LOOK, MUCH_LATER, blob, holder, is_there, path_of, push_at_once};

const READ: HowToCheck = HowToCheck { read: true, repair: false };

fn kinds(problems: &[Problem]) -> Vec<ProblemKind> {
    problems.iter().map(|problem| problem.kind).collect()
}

/// Damages a file, and says which kind that is and whether it takes reading to see it.
type Damage = (ProblemKind, bool, fn(&Path));

const DAMAGES: [Damage; 4] = [
    (ProblemKind::MissingBytes, false, |file| fs::remove_file(file).unwrap()),
    (ProblemKind::WrongSize, false, |file| cut(file, 2999)),
    (ProblemKind::WrongSize, false, |file| cut(file, 3001)),
    (ProblemKind::WrongBytes, true, |file| {
        let mut bytes = fs::read(file).unwrap();
        bytes[1500] ^= 1;
        fs::write(file, bytes).unwrap();
    }),
];

fn cut(file: &Path, length: u64) {
    OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(length)).unwrap();
}

#[both_engines]
async fn a_damaged_blob_is_found_counts_as_absent_and_is_healed_by_the_same_bytes(t: TestServer) {
    let ci = t.with(&holder(&t).await);
    for (seed, (kind, takes_reading, damage)) in (1..).zip(DAMAGES) {
        let blob = blob(seed);
        push_at_once(&ci, &blob).await.is(201);
        let file = t.blob_paths().into_iter().find(|file| fs::read(file).unwrap() == blob.bytes).unwrap();
        assert_eq!(t.check_store(READ, MUCH_LATER).await.0, [], "{kind:?}");
        damage(&file);

        let told = if takes_reading { vec![] } else { vec![kind] };
        assert_eq!(kinds(&t.check_store(LOOK, MUCH_LATER).await.0), told);
        let (problems, checked) = t.check_store(READ, MUCH_LATER).await;
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((problem.kind, problem.what.as_str()), (kind, blob.digest.as_str()));
        assert_eq!(
            (problem.repositories.as_slice(), problem.outcome),
            (["acme/api".to_owned()].as_slice(), Outcome::Left)
        );
        assert!(!checked.is_clean());
        // Looking changes nothing.
        ci.head(&path_of(&blob.digest)).await.is(200);

        // What was done is told, by the next check as well.
        for how in [EVERYTHING, EVERYTHING, READ] {
            let (problems, checked) = t.check_store(how, MUCH_LATER).await;
            assert_eq!((kinds(&problems), problems[0].outcome), (vec![kind], Outcome::Absent));
            assert_eq!((checked.absent, checked.is_clean()), (1, false));
        }
        ci.head(&path_of(&blob.digest)).await.is(404);
        ci.get(&path_of(&blob.digest)).await.refused(404, "BLOB_UNKNOWN");
        let mount = format!("/v2/acme/web/blobs/uploads/?mount={}&from=acme/api", blob.digest);
        ci.post(&mount).await.is(202);

        push_at_once(&ci, &blob).await.is(201);
        assert!(is_there(&ci, &blob).await);
        let (problems, checked) = t.check_store(EVERYTHING, MUCH_LATER).await;
        assert!(checked.is_clean(), "{problems:?}");
    }
}

#[both_engines]
async fn a_manifest_that_needs_a_damaged_blob_is_refused_until_that_is_pushed_again(t: TestServer) {
    let (ci, image) = (t.with(&holder(&t).await), Image::new(1, 100));
    for blob in [&image.layer, &image.config] {
        push_at_once(&ci, blob).await.is(201);
    }
    let is_layer = |file: &std::path::PathBuf| fs::read(file).unwrap() == image.layer.bytes;
    fs::remove_file(t.blob_paths().into_iter().find(is_layer).unwrap()).unwrap();
    t.check_store(EVERYTHING, MUCH_LATER).await;
    let push = async || ci.push_manifest("acme/api", "1.0", &image.manifest.bytes).await;
    push().await.refused(404, "MANIFEST_BLOB_UNKNOWN").says(&image.layer.digest);
    push_at_once(&ci, &image.layer).await.is(201);
    push().await.is(201);
}

#[both_engines]
async fn a_blob_whose_bytes_were_brought_back_counts_as_present_again(t: TestServer) {
    let (ci, blob) = (t.with(&holder(&t).await), blob(1));
    push_at_once(&ci, &blob).await.is(201);
    let file = t.blob_paths().into_iter().find(|file| fs::read(file).unwrap() == blob.bytes).unwrap();
    fs::write(&file, b"damaged").unwrap();
    t.check_store(EVERYTHING, MUCH_LATER).await;
    ci.head(&path_of(&blob.digest)).await.is(404);
    fs::write(&file, &blob.bytes).unwrap();
    assert_eq!(kinds(&t.check_store(LOOK, MUCH_LATER).await.0), [ProblemKind::WholeAgain]);
    let repair = HowToCheck { read: false, repair: true };
    assert!(t.check_store(repair, MUCH_LATER).await.1.is_clean());
    assert!(is_there(&ci, &blob).await);
}

#[both_engines]
async fn a_manifest_with_a_damaged_payload_is_found_and_healed(t: TestServer) {
    let (ci, image) = (t.with(&holder(&t).await), Image::new(1, 100));
    ci.push("acme/api", "1.0", &image).await.is(201);
    t.tamper("UPDATE manifest_payloads SET bytes = (SELECT hash FROM token_secrets LIMIT 1)").await;
    let outcomes = async |how| {
        let (problems, _) = t.check_store(how, MUCH_LATER).await;
        problems.iter().map(|problem| (problem.kind, problem.outcome)).collect::<Vec<_>>()
    };
    // Another length shows without reading it.
    for how in [LOOK, READ] {
        assert_eq!(outcomes(how).await, [(ProblemKind::WrongManifest, Outcome::Left)]);
    }
    assert_eq!(outcomes(EVERYTHING).await, [(ProblemKind::WrongManifest, Outcome::Absent)]);
    for reference in ["1.0", &image.manifest.digest] {
        ci.pull("acme/api", reference).await.refused(404, "MANIFEST_UNKNOWN");
        ci.head(&format!("/v2/acme/api/manifests/{reference}")).await.is(404);
    }
    assert_eq!(outcomes(LOOK).await, [(ProblemKind::MissingManifest, Outcome::Absent)]);
    ci.push_manifest_as("acme/api", "1.0", MANIFEST_TYPE, &image.manifest.bytes).await.is(201);
    assert!(ci.pull("acme/api", "1.0").await.is(200).body == image.manifest.bytes);
    assert_eq!(t.check_store(EVERYTHING, MUCH_LATER).await.0, []);
}

#[both_engines]
async fn a_manifest_whose_row_says_another_length_is_told_the_right_one(t: TestServer) {
    let (ci, image) = (t.with(&holder(&t).await), Image::new(1, 100));
    ci.push("acme/api", "1.0", &image).await.is(201);
    t.tamper("UPDATE manifests SET size = size + 1").await;
    ci.pull("acme/api", "1.0").await.refused(404, "MANIFEST_UNKNOWN");
    let size = image.manifest.bytes.len() as u64;
    for (how, outcome) in [
        (LOOK, Outcome::Left),
        (READ, Outcome::Left),
        (HowToCheck { read: false, repair: true }, Outcome::Repaired),
    ] {
        let (problems, checked) = t.check_store(how, MUCH_LATER).await;
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((problem.kind, problem.outcome), (ProblemKind::WrongManifestSize, outcome));
        assert_eq!((&problem.what, problem.bytes), (&image.manifest.digest, size));
        assert_eq!(checked.is_clean(), outcome == Outcome::Repaired);
    }
    assert!(ci.pull("acme/api", "1.0").await.is(200).body == image.manifest.bytes);
    assert_eq!(t.check_store(EVERYTHING, MUCH_LATER).await.0, []);

    let audit = "/api/v1/audit?namespace=acme&event=manifest.size-corrected";
    let rows = t.admin().get(audit).await.is(200).json()["items"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows[0]["target"], format!("acme/api@{}", image.manifest.digest));
    assert_eq!(rows[0]["before"], json!({ "size": size + 1 }));
    assert_eq!(rows[0]["after"], json!({ "size": size }));
}

#[both_engines]
async fn a_tag_on_a_damaged_manifest_is_moved_and_deleted_like_any_other(t: TestServer) {
    let (ci, damaged, other) = (t.with(&holder(&t).await), Image::new(1, 100), Image::new(2, 100));
    for tag in ["1.0", "2.0", "3.0"] {
        ci.push("acme/api", tag, &damaged).await.is(201);
    }
    t.tamper("UPDATE manifest_payloads SET bytes = (SELECT hash FROM token_secrets LIMIT 1)").await;
    t.check_store(EVERYTHING, MUCH_LATER).await;

    ci.push("acme/api", "1.0", &other).await.is(201);
    assert!(ci.pull("acme/api", "1.0").await.is(200).body == other.manifest.bytes);
    ci.delete("/v2/acme/api/manifests/2.0").await.is(202);
    assert_eq!(ci.get("/v2/acme/api/tags/list").await.is(200).json()["tags"], json!(["1.0", "3.0"]));
    // What the tag pointed at is what whoever changes it may take for granted.
    let if_match = async |digest: &str| {
        let request = ci.request(Method::DELETE, "/v2/acme/api/manifests/3.0");
        ci.send(request.header("if-match", format!("\"{digest}\""))).await
    };
    if_match(&other.manifest.digest).await.is(412);
    if_match(&damaged.manifest.digest).await.is(202);
}

#[both_engines]
async fn a_repair_is_in_the_audit_of_whom_it_concerns(t: TestServer) {
    let (ci, blob, image) = (t.with(&holder(&t).await), blob(1), Image::new(1, 100));
    push_at_once(&ci, &blob).await.is(201);
    ci.push("acme/api", "1.0", &image).await.is(201);
    let file = t.blob_paths().into_iter().find(|file| fs::read(file).unwrap() == blob.bytes).unwrap();
    fs::write(&file, b"damaged").unwrap();
    t.tamper("UPDATE manifest_payloads SET bytes = (SELECT hash FROM token_secrets LIMIT 1)").await;
    let rows = async |query: &str| -> Vec<Value> {
        let audit = t.admin().get(&format!("/api/v1/audit?limit=100{query}")).await.is(200).json();
        let rows = audit["items"].as_array().unwrap().clone();
        rows.into_iter().filter(|row| row["actor"] == "an operator at the store").collect()
    };
    t.check_store(READ, MUCH_LATER).await;
    assert_eq!(rows("").await, Vec::<Value>::new(), "looking is no change");

    t.check_store(EVERYTHING, MUCH_LATER).await;
    t.check_store(EVERYTHING, MUCH_LATER).await;
    fs::write(&file, &blob.bytes).unwrap();
    t.check_store(EVERYTHING, MUCH_LATER).await;
    // Rows of one millisecond have no order.
    let mut all = rows("").await;
    all.sort_by_key(|row| row["event"].to_string());
    let [whole, damaged, manifest] = all.try_into().unwrap();
    assert_eq!((&whole["event"], &whole["target"]), (&json!("blob.found-whole"), &json!(blob.digest)));
    assert_eq!(damaged["event"], "blob.marked-damaged");
    assert_eq!(damaged["after"], json!({ "damage": "wrong-size", "size": 3000 }));
    assert_eq!(manifest["event"], "manifest.payload-dropped");
    assert_eq!(manifest["target"], format!("acme/api@{}", image.manifest.digest));
    assert_eq!(rows("&namespace=acme").await, [manifest]);
}

/// The volume with the blobs goes away in the middle of a repair: that is no damage, of however many blobs.
#[both_engines]
async fn where_the_blob_store_went_away_nothing_is_marked_or_removed(t: TestServer) {
    let (ci, blobs) = (t.with(&holder(&t).await), [blob(1), blob(2), blob(3)]);
    for blob in &blobs {
        push_at_once(&ci, blob).await.is(201);
    }
    let folder = t.folder().join("blobs");
    let file_of =
        |blob: &Blob| t.blob_paths().into_iter().find(|file| fs::read(file).unwrap() == blob.bytes).unwrap();
    let first = blobs.iter().min_by_key(|blob| blob.digest.clone()).unwrap();
    fs::remove_file(file_of(first)).unwrap();
    for put_in_its_place in [|_: &Path| {}, |folder: &Path| fs::create_dir(folder).unwrap()] {
        let mut told = Vec::new();
        let away = t.folder().join("away");
        let mut tell = |problem: &Problem| {
            told.push(problem.what.clone());
            fs::rename(&folder, &away).unwrap();
            put_in_its_place(&folder);
        };
        let stopped = t.check_telling(EVERYTHING, MUCH_LATER, &mut tell).await.unwrap_err();
        assert!(matches!(stopped, CheckError::OtherBlobs), "{stopped}");
        assert!(stopped.to_string().contains("Bring it back"), "{stopped}");
        assert_eq!(told, [first.digest.as_str()]);
        let _ = fs::remove_dir(&folder);
        fs::rename(&away, &folder).unwrap();
    }
    for blob in &blobs {
        assert_eq!(is_there(&ci, blob).await, blob.digest != first.digest);
    }
}
