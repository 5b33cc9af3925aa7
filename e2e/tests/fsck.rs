//! `sealock fsck` as an operator runs it, beside the running server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use e2e::{Installation, NOBODY, ReadOnly, Run};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use testkit::{image::Blob, randomness::SeededRandomness};

/// The administrator's requests; answers the status.
async fn send(server: &Run, method: Method, path: &str, body: Vec<u8>) -> u16 {
    ask(server, method, path, body).await.status().as_u16()
}

async fn ask(server: &Run, method: Method, path: &str, body: Vec<u8>) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, format!("http://{}{path}", server.host)).body(body);
    let password = server.password().unwrap();
    let request = request.header("content-type", "application/json").basic_auth("admin", Some(password));
    request.send().await.expect("an answer")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn damage_is_told_marked_and_healed_beside_the_running_server() {
    let installation = Installation::new();
    let server = installation.start(&[]).await.ready();
    let blob = Blob::new("", SeededRandomness::new(1).bytes(5000));
    let push = format!("/v2/acme/api/blobs/uploads/?digest={}", blob.digest);
    let path = format!("/v2/acme/api/blobs/{}", blob.digest);
    let namespace = json!({"name": "acme"}).to_string().into_bytes();
    assert_eq!(send(&server, Method::POST, "/api/v1/namespaces", namespace).await, 201);
    assert_eq!(send(&server, Method::POST, &push, blob.bytes.clone()).await, 201);
    let (is_clean, told) = installation.fsck(&["--read"]).await;
    assert!(is_clean && told.ends_with("no problems\n"), "{told}");

    let files = files_below(&installation.path("sealock-data/blobs/blobs"));
    let mut damaged = blob.bytes.clone();
    damaged[2500] ^= 1;
    fs::write(&files[0], damaged).unwrap();
    assert!(installation.fsck(&[]).await.0, "only reading shows it");
    let (is_clean, told) = installation.fsck(&["--read"]).await;
    assert!(!is_clean && told.contains(&format!("wrong-bytes  {} in acme/api", blob.digest)), "{told}");
    assert_eq!(send(&server, Method::HEAD, &path, vec![]).await, 200);

    let (is_clean, told) = installation.fsck(&["--read", "--repair", "-o", "json"]).await;
    let json: Value = serde_json::Deserializer::from_str(&told).into_iter().next().unwrap().unwrap();
    assert_eq!((is_clean, json["problems"][0]["kind"].as_str()), (false, Some("wrong-bytes")), "{told}");
    assert_eq!(json["problems"][0]["counts_as_absent"], true, "{told}");
    assert_eq!(
        (&json["checked"]["problems"], &json["checked"]["count_as_absent"]),
        (&json!(1), &json!(1)),
        "{told}"
    );
    let left = "error: 1 problem left; pushing again what counts as absent heals it\n";
    assert!(told.ends_with(left), "{told}");
    for options in [&["--read", "--repair"][..], &["--read"], &[]] {
        let (is_clean, told) = installation.fsck(options).await;
        assert!(!is_clean && told.contains("1 problem found, 0 repaired, 1 counts as absent\n"), "{told}");
        assert!(told.contains("it counts as absent now, and pushing it again heals it"), "{told}");
        assert!(told.ends_with(left), "{told}");
    }
    assert_eq!(send(&server, Method::HEAD, &path, vec![]).await, 404);
    let audit: Value = ask(&server, Method::GET, "/api/v1/audit?limit=1", vec![]).await.json().await.unwrap();
    let row = &audit["items"][0];
    assert_eq!(
        (&row["event"], &row["target"]),
        (&json!("blob.marked-damaged"), &json!(blob.digest)),
        "{row}"
    );
    assert_eq!(row["actor"], "an operator at the store", "{row}");
    assert_eq!(send(&server, Method::POST, &push, blob.bytes.clone()).await, 201);
    assert_eq!(send(&server, Method::HEAD, &path, vec![]).await, 200);
    let (is_clean, told) = installation.fsck(&["--read", "--repair"]).await;
    assert!(is_clean, "{told}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_young_to_be_judged_is_left_and_said() {
    let installation = Installation::new();
    let server = installation.start(&[]).await.ready();
    let stray = installation.path("sealock-data/blobs/uploads").join("ab".repeat(16));
    fs::write(&stray, "left by a crash").unwrap();
    let (is_clean, told) = installation.fsck(&["--repair"]).await;
    assert!(is_clean && told.contains("1 file named by nobody, and left for now"), "{told}");
    assert!(stray.exists());
    server.stop().await;
}

#[tokio::test]
async fn a_folder_without_a_store_is_refused_and_stays_as_it_was() {
    let installation = Installation::new();
    let (is_clean, told) = installation.fsck(&["--repair"]).await;
    assert!(!is_clean && told.contains("there is no database"), "{told}");
    assert!(told.contains("name the data folder of the server with --data-dir"), "{told}");
    assert!(!installation.path("sealock-data").exists());
}

/// As with docs/sealock.service, whose user exists only while the server runs: on the host only root can be the operator.
#[tokio::test]
async fn root_repairs_the_store_of_a_server_of_another_user_and_leaves_nothing_of_its_own() {
    let Some(installation) = Installation::of_nobody() else { return };
    let server = installation.start(&[]).await.ready();
    let data = installation.path("sealock-data");
    let is_all_nobodys = || {
        for path in files_below(&data) {
            assert_eq!(path.metadata().unwrap().uid(), NOBODY, "{}", path.display());
        }
    };
    let blob = Blob::new("", SeededRandomness::new(1).bytes(5000));
    let push = format!("/v2/acme/api/blobs/uploads/?digest={}", blob.digest);
    let namespace = json!({"name": "acme"}).to_string().into_bytes();
    assert_eq!(send(&server, Method::POST, "/api/v1/namespaces", namespace).await, 201);
    assert_eq!(send(&server, Method::POST, &push, blob.bytes.clone()).await, 201);
    fs::write(&files_below(&data.join("blobs/blobs"))[0], "damaged").unwrap();

    let (is_clean, told) = installation.fsck(&["--repair"]).await;
    assert!(!is_clean && told.contains("1 problem found, 0 repaired, 1 counts as absent\n"), "{told}");
    is_all_nobodys();
    assert_eq!(send(&server, Method::POST, &push, blob.bytes.clone()).await, 201);
    server.stop().await;

    let log = data.join("sealock.db-wal");
    for is_log_there in [true, false] {
        if !is_log_there {
            assert_eq!(log.metadata().unwrap().len(), 0, "its bytes are in the database");
            fs::remove_file(&log).unwrap();
            fs::remove_file(data.join("sealock.db-shm")).unwrap();
        }
        let (is_clean, told) = installation.fsck(&["--read", "--repair"]).await;
        assert!(is_clean, "{told}");
        installation.operator(&["keys", "rotate", "--now"]).await.succeeded();
        is_all_nobodys();
    }
    installation.start(&[]).await.ready();
}

/// As a copy, or a volume that an operator is given to look at; with the server running, after kill -9 and after a stop.
#[tokio::test]
async fn what_can_not_be_written_to_is_checked_all_the_same() {
    let installation = Installation::new();
    let data = installation.path("sealock-data");
    let seen = installation.path("seen");
    fs::create_dir(&seen).unwrap();
    let options = |more: &'static str| ["--data-dir", seen.to_str().unwrap(), more].map(str::to_owned);
    let fsck = async |more| {
        let options = options(more);
        installation.fsck(&options.each_ref().map(String::as_str)).await
    };
    let server = installation.start(&[]).await.ready();
    let Some(_mounted) = ReadOnly::mount(&data, &seen) else { return };
    let blob = Blob::new("", SeededRandomness::new(1).bytes(5000));
    let push = format!("/v2/acme/api/blobs/uploads/?digest={}", blob.digest);
    let namespace = json!({"name": "acme"}).to_string().into_bytes();
    assert_eq!(send(&server, Method::POST, "/api/v1/namespaces", namespace).await, 201);
    assert_eq!(send(&server, Method::POST, &push, blob.bytes.clone()).await, 201);
    let is_checked = |(is_clean, told): (bool, String)| {
        assert!(is_clean && told.contains("checked 1 blob,"), "{told}");
    };
    is_checked(fsck("--read").await);
    server.kill().await;
    is_checked(fsck("--read").await);
    installation.start(&[]).await.ready().stop().await;
    is_checked(fsck("--read").await);

    let (is_clean, told) = fsck("--repair").await;
    assert!(!is_clean && told.contains("Read-only file system"), "{told}");
}
