//! DESIGN §5, 7: on a full disk writes fail cleanly, pulls go on, and nothing needs a restart once there is space. The
//! blobs and the SQLite database lie on a small tmpfs, which takes root to mount.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use e2e::{Installation, Run};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::{image::Blob, missing, randomness::SeededRandomness};

/// Room for the database, its log and a few blobs.
const DISK: &str = "size=48m";
const BLOB_BYTES: usize = 3 * 1024 * 1024;
/// Room for some rows, in bytes.
const A_LITTLE: u64 = 512 * 1024;
/// More rows than fit into it.
const MANY: usize = 2000;

/// A disk of its own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(&at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at)),
            _ => {
                missing::skip(&missing::this_test(), "a tmpfs can't be mounted here; it takes root");
                None
            }
        }
    }

    /// Leaves not a byte.
    fn fill(&self) {
        let mut balloon = File::create(self.0.join("balloon")).unwrap();
        for chunk in [vec![1; 1024 * 1024], vec![1; 4096], vec![1; 1]] {
            while balloon.write_all(&chunk).is_ok() {}
        }
    }

    fn make_a_little_room(&self) {
        let balloon = File::options().write(true).open(self.0.join("balloon")).unwrap();
        let size = balloon.metadata().unwrap().len();
        balloon.set_len(size - A_LITTLE).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("balloon")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may not have ended yet.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Bytes in the files of a folder and those below it.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(
            |entry| {
                if entry.path().is_dir() { bytes_in(&entry.path()) } else { entry.metadata().unwrap().len() }
            },
        )
        .sum()
}

/// The administrator at the server.
struct Admin {
    http: Client,
    host: String,
    password: String,
}

impl Admin {
    fn at(server: &Run) -> Self {
        let http = Client::builder().no_proxy().build().unwrap();
        Self { http, host: server.host.clone(), password: server.password().unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.host));
        request.basic_auth("admin", Some(&self.password))
    }

    async fn send(&self, request: RequestBuilder) -> (u16, Vec<u8>, String) {
        let answer = request.send().await.expect("an answer, and no broken connection");
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec(), location.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let (status, body, _) = self.send(self.request(Method::GET, path)).await;
        (status, body)
    }

    async fn push_at_once(&self, blob: &Blob) -> u16 {
        let path = format!("/v2/acme/api/blobs/uploads/?digest={}", blob.digest);
        self.send(self.request(Method::POST, &path).body(blob.bytes.clone())).await.0
    }

    async fn start_upload(&self) -> (u16, String) {
        let (status, _, location) =
            self.send(self.request(Method::POST, "/v2/acme/api/blobs/uploads/")).await;
        (status, location)
    }

    async fn create_namespace(&self, name: &str) -> (u16, Value) {
        let request = self.request(Method::POST, "/api/v1/namespaces").json(&json!({ "name": name }));
        let (status, body, _) = self.send(request).await;
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn pulls(&self, blob: &Blob) {
        let (status, bytes) = self.get(&format!("/v2/acme/api/blobs/{}", blob.digest)).await;
        assert!(status == 200 && bytes == blob.bytes, "{status}");
    }
}

fn blob(seed: u64) -> Blob {
    Blob::new("", SeededRandomness::new(seed).bytes(BLOB_BYTES))
}

#[tokio::test]
async fn a_full_disk_refuses_pushes_serves_pulls_and_recovers_by_itself() {
    let installation = Installation::new();
    let Some(disk) = SmallDisk::mount(installation.path("disk")) else { return };
    let data = disk.0.join("data");
    let options = ["--data-dir", data.to_str().unwrap()];
    let server = installation.start(&options).await.ready();
    let admin = Admin::at(&server);
    assert_eq!(admin.create_namespace("acme").await.0, 201);
    assert_eq!(admin.push_at_once(&blob(1)).await, 201);
    let location = admin.start_upload().await.1;
    let second = blob(2);
    let (first, rest) = second.bytes.split_at(1000);
    let chunk = |bytes: &[u8]| admin.request(Method::PATCH, &location).body(bytes.to_vec());
    assert_eq!(admin.send(chunk(first)).await.0, 202);

    disk.fill();
    let blobs = data.join("blobs");
    let before = bytes_in(&blobs);
    assert_eq!(admin.push_at_once(&blob(3)).await, 507);
    assert_eq!(admin.send(chunk(rest)).await.0, 507);
    assert_eq!(bytes_in(&blobs), before, "what failed leaves nothing");
    disk.make_a_little_room();
    let made = fill_the_database(&admin).await;
    assert!(!made.is_empty(), "there was a little room");
    admin.pulls(&blob(1)).await;
    assert_eq!(admin.get("/v2/acme/api/tags/list").await.0, 200);
    assert_eq!(bytes_in(&blobs), before);

    disk.make_room();
    assert_eq!(admin.push_at_once(&blob(3)).await, 201);
    assert_eq!(admin.send(chunk(rest)).await.0, 202, "the upload goes on from what was acknowledged");
    let finish = admin.request(Method::PUT, &format!("{location}?digest={}", blob(2).digest));
    assert_eq!(admin.send(finish).await.0, 201);
    for number in 1..=3 {
        admin.pulls(&blob(number)).await;
    }
    for name in made {
        assert_eq!(admin.get(&format!("/api/v1/namespaces/{name}")).await.0, 200, "{name} was acknowledged");
    }
    let log = server.to_string();
    assert!(!log.contains("panicked"), "{log}");
    for cause in ["the blob store is full", "the database's disk is full"] {
        assert!(log.contains(cause), "a 507 without its cause: {log}");
    }
    server.stop().await;

    let (has_no_problems, told) = installation.fsck(&[&options[..], &["--read"]].concat()).await;
    assert!(has_no_problems, "{told}");
}

#[tokio::test]
async fn a_server_that_was_stopped_starts_on_a_full_disk_and_serves_pulls() {
    let installation = Installation::new();
    let Some(disk) = SmallDisk::mount(installation.path("disk")) else { return };
    let data = disk.0.join("data");
    let options = ["--data-dir", data.to_str().unwrap()];
    let is_looked_at = async || {
        let (has_no_problems, told) = installation.fsck(&[&options[..], &["--read"]].concat()).await;
        assert!(has_no_problems && told.contains("checked 1 blob,"), "{told}");
        installation.operator(&[&["keys", "ls"], &options[..]].concat()).await.succeeded();
    };
    let server = installation.start(&options).await.ready();
    let mut admin = Admin::at(&server);
    assert_eq!(admin.create_namespace("acme").await.0, 201);
    assert_eq!(admin.push_at_once(&blob(1)).await, 201);
    server.stop().await;
    disk.fill();

    is_looked_at().await;
    let server = installation.start(&options).await.ready();
    admin.host.clone_from(&server.host);
    admin.pulls(&blob(1)).await;
    assert_eq!(admin.push_at_once(&blob(2)).await, 507);
    let login = admin.http.post(format!("http://{}/login", admin.host));
    let login = login.body(format!("username=admin&password={}", admin.password));
    assert_eq!(login.send().await.unwrap().status(), 507);
    is_looked_at().await;
    server.stop().await;

    // As an earlier release left it: with nothing beside the database that has room already.
    for beside in ["sealock.db-wal", "sealock.db-shm"] {
        fs::remove_file(data.join(beside)).unwrap();
    }
    disk.fill();
    is_looked_at().await;
    let refused = installation.start(&options).await.to_string();
    assert!(refused.contains("the database's disk is full; free some space there"), "{refused}");
    disk.make_room();
    installation.start(&options).await.ready().stop().await;
}

/// Makes namespaces until there is no room for another row, and answers those that were acknowledged.
async fn fill_the_database(admin: &Admin) -> Vec<String> {
    let mut made = Vec::new();
    for number in 0..MANY {
        let name = format!("team-{number}");
        let (status, said) = admin.create_namespace(&name).await;
        if status != 201 {
            assert_eq!((status, said["code"].as_str()), (507, Some("storage-full")), "{said}");
            let (again, _) = admin.create_namespace(&name).await;
            assert_eq!(again, 507, "and again, as long as there is no room");
            return made;
        }
        made.push(name);
    }
    panic!("{MANY} rows, and the disk is full");
}
