//! `sealock keys rotate` beside two released servers that are at work (issue 7, point 7).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use e2e::{Installation, Sealock};
use reqwest::StatusCode;
use serde_json::Value;
use testkit::{Engine, both_engines, on_postgres};

const TAGS: &str = "/v2/acme/api/tags/list";
const SCOPE: &str = "repository:acme/api:pull,push";
/// The next key is known for a minute before it signs.
const MINUTE: u64 = 60;
/// A bearer's life in seconds.
const LIFE: u64 = 360;
const ROTATIONS: u64 = 4;
/// Answers between two rotations.
const ANSWERS: usize = 32;

/// Two servers on one store with one clock, and a token; `None` where the clock can't be moved.
struct House(Option<Servers>);

struct Servers {
    /// The first to go: the data are A's.
    b: Sealock,
    a: Sealock,
    secret: String,
}

impl House {
    async fn on(engine: Engine) -> Self {
        let Some(a) = Sealock::with_clock(engine).await else { return Self(None) };
        let b = a.replica().await;
        a.log_in_as_admin().await;
        a.cli(&["namespace", "create", "acme"]).await.succeeded();
        let secret = a.token("acme", "ci-bot", &["--permission", "pull-push"]).await;
        // So that there is a list of tags.
        let house = Servers { b, a, secret };
        let started = house.a.request(reqwest::Method::POST, "/v2/acme/api/blobs/uploads/?digest=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let pushed = started.basic_auth("ci-bot", Some(&house.secret)).send().await.unwrap();
        assert_eq!(pushed.status(), StatusCode::CREATED);
        Self(Some(house))
    }
}

impl Servers {
    async fn bearer_of(&self, server: &Sealock) -> String {
        server.bearer("ci-bot", &self.secret, SCOPE).await
    }

    /// Fetches bearers at either server and uses each at both, until `is_over`; counts the answers.
    async fn work(&self, is_over: &AtomicBool, answers: &AtomicUsize) {
        while !is_over.load(Ordering::Relaxed) {
            for (issuer, other) in [(&self.a, &self.b), (&self.b, &self.a)] {
                let bearer = self.bearer_of(issuer).await;
                for server in [other, issuer] {
                    assert_eq!(tags(server, &bearer).await, StatusCode::OK);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Waits until every client has come by several times, so that each rotation meets requests.
    async fn some_more(&self, answers: &AtomicUsize) {
        let wanted = answers.load(Ordering::Relaxed) + ANSWERS;
        while answers.load(Ordering::Relaxed) < wanted {
            tokio::task::yield_now().await;
        }
    }

    async fn states(&self) -> Vec<String> {
        let keys: Value = self.a.operator(&["keys", "ls", "-o", "json"]).await.json();
        let states = keys["items"].as_array().unwrap().iter();
        states.map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    }
}

async fn tags(server: &Sealock, bearer: &str) -> StatusCode {
    server.get(TAGS).bearer_auth(bearer).send().await.unwrap().status()
}

#[on_postgres]
async fn a_rotation_beside_two_busy_servers_refuses_nobody(house: House) {
    let Some(house) = house.0 else { return };
    let old = house.bearer_of(&house.b).await;
    let (is_over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let rotations = async {
        for rotation in 1..=ROTATIONS {
            house.some_more(&answers).await;
            house.a.move_clock(rotation * MINUTE + rotation);
            house.a.operator(&["keys", "rotate"]).await.succeeded();
            for server in [&house.a, &house.b] {
                assert_eq!(tags(server, &old).await, StatusCode::OK, "rotation {rotation}");
            }
        }
        house.some_more(&answers).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let client = || house.work(&is_over, &answers);
    tokio::join!(rotations, client(), client(), client(), client());

    house.a.operator(&["keys", "rotate"]).await.refused_with("a replica may not know it yet");
    house.a.move_clock(LIFE);
    assert_eq!(tags(&house.b, &old).await, StatusCode::UNAUTHORIZED);
}

#[on_postgres]
async fn when_a_key_leaked_its_bearers_are_dead_at_both_servers_at_once(house: House) {
    let Some(house) = house.0 else { return };
    let old = house.bearer_of(&house.a).await;
    house.a.operator(&["keys", "rotate", "--now"]).await.succeeded();
    for server in [&house.a, &house.b] {
        assert_eq!(tags(server, &old).await, StatusCode::UNAUTHORIZED);
        let new = house.bearer_of(server).await;
        assert_eq!(tags(server, &new).await, StatusCode::OK);
    }
    assert_eq!(house.states().await, ["active", "next"]);
}

#[both_engines]
async fn operators_read_the_keys_beside_the_server_and_say_what_they_need(server: Sealock) {
    let listed = server.operator(&["keys", "ls"]).await.succeeded();
    for word in ["signs after the next rotation", "active", "next"] {
        assert!(listed.stdout.contains(word), "{listed}");
    }
    server.operator(&["keys", "rotate"]).await.refused_with("a replica may not know it yet");
    let other = tempfile::tempdir().unwrap();
    let key = other.path().join("key");
    std::fs::write(&key, "ab".repeat(32)).unwrap();
    let with_other_key = ["keys", "rotate", "--now", "--key-file", key.to_str().unwrap()];
    server.operator(&with_other_key).await.refused_with("sealed with another key file");
    let elsewhere = ["keys", "ls", "--database", "sqlite", "--data-dir", other.path().to_str().unwrap()];
    server.operator(&elsewhere).await.refused_with("there is no database").with_code(1);
}

/// The key file went with a disk, and no backup has it: nothing that counts is lost.
#[tokio::test]
async fn whoever_lost_the_key_file_begins_anew_and_keeps_everything_else() {
    let installation = Installation::new();
    let first = installation.start(&[]).await.ready();
    let password = first.password().unwrap();
    first.stop().await;
    std::fs::remove_file(installation.path("sealock-data/key")).unwrap();
    let refused = installation.start(&[]).await;
    let way_out = ["keys", "rotate", "--now", "--forget-sealed"];
    assert!(!refused.is_ready && refused.to_string().contains(&way_out.join(" ")), "{refused}");
    installation.operator(&["keys", "rotate", "--now"]).await.refused_with("--forget-sealed");
    installation.operator(&["keys", "rotate", "--forget-sealed"]).await.refused_with("--now").with_code(2);

    let told = installation.operator(&way_out).await.succeeded();
    assert!(told.stdout.contains("active") && told.stdout.contains("next"), "{told}");
    let server = installation.start(&[]).await.ready();
    assert!(server.accepts(&password).await);
}
