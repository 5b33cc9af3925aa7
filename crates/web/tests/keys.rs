//! The keys that sign bearers, rotated beside two running servers: nobody is refused, and what was thrown away is dead at
//! once (DESIGN §3.2, rule 7).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use access::time::{Clock, Length};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use registry::{
    Begun, Certificates, FileStore, IssuedCertificate, KeyFile, KeyState, Registry, RotateError, ShownKey,
    Swept,
};
use serde_json::{Value, json};
use testkit::{Actor, Engine, TestServer, both_engines, image::Image, randomness::SeededRandomness};

/// How long the next key has to be known, and a bearer's life.
const MINUTE: Length = Length::seconds(60);
const LIFE: Length = Length::seconds(360);
const SCOPE: &str = "repository:acme/api:pull,push";
/// Rotations under load; a bearer of the first one lives through all of them.
const ROTATIONS: usize = 5;
const DOMAIN: &str = "registry.example.com";
/// Clients that are at work during a rotation, and what each of them does meanwhile.
const CLIENTS: usize = 8;
const ROUNDS: usize = 3;

/// Two servers with an image in `acme/api`, and a client.
struct House {
    a: TestServer,
    b: TestServer,
    client: Actor,
    /// What operators mint ids with: another source each time would mint the same twice.
    random: SeededRandomness,
}

impl House {
    async fn on(engine: Engine) -> Self {
        let a = TestServer::on(engine).await;
        let token = a.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
        let client = a.with(&token);
        client.push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
        let b = a.replica().await;
        Self { a, b, client, random: SeededRandomness::new(77) }
    }

    async fn rotate(&self) -> Result<(), RotateError> {
        let (db, key_file) = self.a.operator().await;
        registry::rotate_keys(&db, &key_file, &self.random, self.a.clock.now()).await
    }

    async fn replace(&self) -> Result<(), RotateError> {
        let (db, key_file) = self.a.operator().await;
        registry::replace_keys(&db, &key_file, &self.random, self.a.clock.now()).await
    }

    async fn forget_sealed(&self, key_file: &KeyFile) {
        let (db, _) = self.a.operator().await;
        registry::forget_sealed(&db, key_file, &self.random, self.a.clock.now()).await.unwrap();
    }

    /// Whether a server starts with this key file; what was said where it is refused.
    async fn starts_with(&self, key_file: KeyFile) -> Result<(), String> {
        let random = Arc::new(SeededRandomness::new(78));
        let blobs = FileStore::open(&self.a.folder().join("blobs"), random.clone()).unwrap();
        let (db, _) = self.a.operator().await;
        let opened = Registry::open(db, Arc::new(blobs), key_file, random, self.a.clock.now()).await;
        opened.map(drop).map_err(|error| error.to_string())
    }

    /// A certificate and an account, sealed under the key file of both servers.
    async fn certificates(&self) -> Certificates {
        let (certificates, now) =
            (self.a.certificates("https://acme.example", &[DOMAIN]), self.a.clock.now());
        let Begun::Order(order) = certificates.begin_order(0, now).await.unwrap() else { panic!("no order") };
        let issued = IssuedCertificate {
            chain: "a chain".to_owned(),
            key: "a private key".to_owned().into(),
            valid_from: now,
            valid_until: now.plus(Length::days(90)),
        };
        certificates.finish_order(&order, &issued, now).await.unwrap();
        certificates.keep_account(b"an account", now).await.unwrap();
        certificates
    }

    async fn keys(&self) -> Vec<ShownKey> {
        registry::list_keys(&self.a.operator().await.0).await.unwrap()
    }

    async fn states(&self) -> Vec<KeyState> {
        self.keys().await.iter().map(|key| key.state).collect()
    }

    /// A bearer that `server` signed.
    async fn bearer_of(&self, server: &TestServer) -> Actor {
        self.client.at(server).asks(SCOPE).await
    }

    /// A client at work: it fetches bearers at either server, and uses each at both.
    async fn work(&self) {
        for _ in 0..ROUNDS {
            for (issuer, other) in [(&self.a, &self.b), (&self.b, &self.a)] {
                let bearer = self.bearer_of(issuer).await;
                for server in [other, issuer] {
                    bearer.at(server).pull("acme/api", "1.0").await.is(200);
                }
            }
        }
    }
}

/// The id of the key that signed a bearer.
async fn kid_of(client: &Actor) -> String {
    let text = client.fetch_bearer(SCOPE).await;
    let header = BASE64_URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn published(server: &TestServer) -> Vec<String> {
    let keys = server.anonymous().get("/auth/jwks.json").await.is(200).json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[both_engines]
async fn a_rotation_refuses_nobody(house: House) {
    let first = house.bearer_of(&house.a).await;
    for rotation in 1..=ROTATIONS {
        house.a.clock.advance(MINUTE);
        let work = futures_util::future::join_all((0..CLIENTS).map(|_| house.work()));
        let (rotated, _) = tokio::join!(house.rotate(), work);
        rotated.unwrap_or_else(|error| panic!("rotation {rotation}: {error}"));
        for server in [&house.a, &house.b] {
            first.at(server).pull("acme/api", "1.0").await.is(200);
        }
    }
    assert_eq!(house.keys().await.len(), ROTATIONS + 2);
}

#[both_engines]
async fn bearers_from_before_live_on_to_their_end_and_their_key_is_gone_a_little_later(house: House) {
    house.a.clock.advance(MINUTE);
    let made_at = house.a.clock.now();
    let old = house.bearer_of(&house.b).await;
    house.rotate().await.unwrap();
    let retired = house.keys().await[0].clone();
    assert_eq!(retired.state, KeyState::Retired);

    let last = made_at.plus(LIFE).minus(Length::seconds(1));
    house.a.clock.set(last);
    for server in [&house.a, &house.b] {
        old.at(server).pull("acme/api", "1.0").await.is(200);
        assert!(published(server).await.contains(&retired.id));
    }
    assert_eq!(house.a.sweep().await.keys, 0);
    house.a.clock.set(made_at.plus(LIFE));
    old.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED").says("expired");

    house.a.clock.set(retired.verifies_until.unwrap());
    assert_eq!(house.a.sweep().await, Swept { keys: 1, ..Swept::default() });
    assert_eq!(house.states().await, [KeyState::Active, KeyState::Next]);
    assert!(!published(&house.b).await.contains(&retired.id));
    house.work().await;
}

#[both_engines]
async fn a_key_is_published_a_minute_before_it_signs_and_may_be_kept_for_half_of_that(house: House) {
    let known = published(&house.b).await;
    assert_eq!(known.len(), 2);
    let jwks = house.b.anonymous().get("/auth/jwks.json").await;
    assert_eq!(jwks.header("cache-control"), "public, max-age=30");
    let active = kid_of(&house.client).await;

    for (wait, expect) in [(0, false), (59, false), (1, true)] {
        house.a.clock.advance(Length::seconds(wait));
        let rotated = house.rotate().await;
        assert_eq!(rotated.is_ok(), expect, "{rotated:?}");
        if let Err(error) = rotated {
            let told = error.to_string();
            assert!(
                told.contains("rotate again after 2026-01-01T00:01:00Z, or at once with --now"),
                "{told}"
            );
            assert_eq!(house.states().await, [KeyState::Active, KeyState::Next], "nothing is half done");
            assert_eq!(kid_of(&house.client).await, active);
        }
    }
    let signs = kid_of(&house.client).await;
    assert!(signs != active && known.contains(&signs));
    assert_eq!(kid_of(&house.client.at(&house.b)).await, signs, "at once, on every replica");
}

#[both_engines]
async fn a_replica_that_nobody_asked_for_hours_knows_the_keys_all_the_same(house: House) {
    for _ in 0..3 {
        house.a.clock.advance(Length::hours(1));
        house.rotate().await.unwrap();
    }
    house.bearer_of(&house.a).await.at(&house.b).pull("acme/api", "1.0").await.is(200);
    house.work().await;
}

#[both_engines]
async fn when_a_key_leaked_every_bearer_of_before_is_dead_at_once_everywhere(house: House) {
    let old = house.bearer_of(&house.a).await;
    let anonymous = house.a.anonymous();
    house.a.admin().post_json("/api/v1/namespaces", &json!({ "name": "open", "visibility": "public" })).await;
    let nobodys = anonymous.asks("repository:open/api:pull").await;
    let upload = old.start_upload("acme/api").await.is(202).header("location").to_owned();
    let before = published(&house.a).await;
    // Also one whose key was only retired.
    house.a.clock.advance(MINUTE);
    house.rotate().await.unwrap();

    house.replace().await.unwrap();
    for server in [&house.a, &house.b] {
        for dead in [&old, &nobodys] {
            let answer = dead.at(server).get("/v2/acme/api/tags/list").await.refused(401, "UNAUTHORIZED");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{answer:?}");
        }
    }
    old.finish_upload(&upload, "sha256:0", b"").await.is(401);
    // New ones at once, at both.
    for issuer in [&house.a, &house.b] {
        house.bearer_of(issuer).await.at(issuer).pull("acme/api", "1.0").await.is(200);
    }
    house.a.clock.advance(Length::seconds(1));
    house.work().await;
    for server in [&house.a, &house.b] {
        assert!(published(server).await.iter().all(|kid| !before.contains(kid)));
    }
    assert_eq!(house.states().await, [KeyState::Active, KeyState::Next]);
}

#[both_engines]
async fn the_keys_are_read_for_an_unknown_one_once_a_second_at_most(house: House) {
    house.b.anonymous().get("/auth/jwks.json").await.is(200);
    house.replace().await.unwrap();
    // B has read the keys in this very second, and its clock stands still.
    let unknown_to_b = house.bearer_of(&house.a).await.at(&house.b);
    unknown_to_b.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED").says("not, or no longer, in use");
    house.a.clock.advance(Length::seconds(1));
    unknown_to_b.pull("acme/api", "1.0").await.is(200);
}

#[both_engines]
async fn of_two_who_rotate_at_once_one_does(house: House) {
    house.a.clock.advance(MINUTE);
    let (one, other) = tokio::join!(house.rotate(), house.rotate());
    let refused = match (one, other) {
        (Ok(()), Err(refused)) | (Err(refused), Ok(())) => refused,
        outcomes => panic!("{outcomes:?}"),
    };
    assert!(matches!(refused, RotateError::TooEarly { .. } | RotateError::NoKeys), "{refused}");
    assert_eq!(house.states().await, [KeyState::Retired, KeyState::Active, KeyState::Next]);
    house.work().await;
}

#[both_engines]
async fn another_key_file_changes_nothing(house: House) {
    house.a.clock.advance(MINUTE);
    let before = house.keys().await;
    let (db, _) = house.a.operator().await;
    let other = KeyFile::parse(&"ab".repeat(32)).unwrap();
    let now = house.a.clock.now();
    for refused in [
        registry::rotate_keys(&db, &other, &house.random, now).await.unwrap_err(),
        registry::replace_keys(&db, &other, &house.random, now).await.unwrap_err(),
    ] {
        assert!(refused.to_string().contains("sealed with another key file"), "{refused}");
    }
    assert_eq!(house.keys().await, before);
    house.work().await;
}

#[both_engines]
async fn whoever_lost_the_key_file_begins_anew_under_another(house: House) {
    let other = || KeyFile::parse(&"ab".repeat(32)).unwrap();
    let (certificates, before) = (house.certificates().await, house.keys().await);
    let old = house.bearer_of(&house.a).await;
    let said = house.starts_with(other()).await.unwrap_err();
    assert!(said.contains("`sealock keys rotate --now --forget-sealed` throws away"), "{said}");

    house.a.clock.advance(Length::seconds(1));
    house.forget_sealed(&other()).await;
    house.starts_with(other()).await.unwrap();
    assert_eq!(house.states().await, [KeyState::Active, KeyState::Next]);
    let keys = house.keys().await;
    assert!(keys.iter().all(|key| !before.contains(key)), "{keys:?}");
    old.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED");
    assert!(
        certificates.newer(0).await.unwrap().is_none() && certificates.account().await.unwrap().is_none()
    );

    let rows = house.a.admin().get("/api/v1/audit?limit=1").await.is(200).json();
    let row = &rows["items"][0];
    assert_eq!(
        (&row["event"], &row["actor"]),
        (&json!("keys.forgotten"), &json!("an operator at the store")),
        "{row}"
    );
    let ids =
        |keys: &[ShownKey]| keys.iter().map(|key| key.id.clone()).collect::<std::collections::BTreeSet<_>>();
    let told =
        |keys: &Value| keys.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!((ids(&before), ids(&keys)), (told(&row["before"]["keys"]), told(&row["after"]["keys"])));
    assert_eq!((&row["before"]["certificates"], &row["before"]["accounts"]), (&json!([DOMAIN]), &json!(1)));
}

#[both_engines]
async fn where_a_stored_key_is_damaged_only_what_does_not_open_is_forgotten(house: House) {
    let certificates = house.certificates().await;
    house.a.tamper("UPDATE signing_keys SET sealed = (SELECT hash FROM token_secrets LIMIT 1)").await;
    let right = || KeyFile::parse(&"5e".repeat(32)).unwrap();
    for said in [
        house.rotate().await.unwrap_err().to_string(),
        house.replace().await.unwrap_err().to_string(),
        house.starts_with(right()).await.unwrap_err(),
    ] {
        assert!(said.contains("or is damaged") && said.contains("--forget-sealed"), "{said}");
    }
    house.forget_sealed(&right()).await;
    house.starts_with(right()).await.unwrap();
    assert!(
        certificates.newer(0).await.unwrap().is_some() && certificates.account().await.unwrap().is_some()
    );
    house.a.clock.advance(Length::seconds(1));
    house.work().await;
}

#[both_engines]
async fn the_audit_says_which_keys_came_and_went_and_never_what_they_are(house: House) {
    let [active, next] = house.keys().await.try_into().unwrap();
    house.a.clock.advance(MINUTE);
    house.rotate().await.unwrap();
    house.a.clock.advance(Length::seconds(1));
    house.replace().await.unwrap();
    let rows = house.a.admin().get("/api/v1/audit?limit=2").await.is(200).json();
    let [replaced, rotated] = [&rows["items"][0], &rows["items"][1]];
    assert_eq!((&replaced["event"], &rotated["event"]), (&json!("keys.replaced"), &json!("keys.rotated")));
    assert_eq!(rotated["actor"], json!("an operator at the store"));
    assert_eq!(rotated["before"], json!({ "keys": [active.id] }));
    assert_eq!(rotated["after"]["keys"][0], json!(next.id));
    assert_eq!(replaced["before"]["keys"].as_array().unwrap().len(), 3);
}
