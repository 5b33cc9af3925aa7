//! Two servers on one database: what was taken away on A, B refuses in its next request, a thousand times out of a
//! thousand, by Basic and with a bearer made before. Clocks that differ by up to 30 s change nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use access::time::{Clock, Length, MAX_CLOCK_DIFFERENCE};
use serde_json::{Value, json};
use testkit::{
    Actor, TestServer, both_engines, clock::ManualClock, image::Image, randomness::SeededRandomness,
};

/// Rounds of each.
const ROUNDS: usize = 200;

/// Two servers, with an image to pull in `acme/api`.
struct House {
    a: TestServer,
    b: TestServer,
}

impl House {
    async fn build(a: TestServer) -> Self {
        let pusher = a.service_token("acme", "pusher", json!({ "permission": "pull-push" })).await;
        a.with(&pusher).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
        let b = a.replica().await;
        Self { a, b }
    }

    /// `act` on A and `undo` it again, round after round; in between B refuses both clients with `why`, and afterwards
    /// takes the client that `undo` answers.
    async fn rounds(
        &self,
        mut client: Actor,
        act: impl AsyncFn() -> Value,
        refusal: (u16, &str),
        undo: impl AsyncFn(Value) -> Option<Actor>,
    ) {
        for round in 0..ROUNDS {
            let at_b = client.at(&self.b);
            let bearer = at_b.asks("repository:acme/api:pull").await;
            at_b.pull("acme/api", "1.0").await.is(200);
            bearer.pull("acme/api", "1.0").await.is(200);

            let done = act().await;
            for (carrier, actor) in [("bearer", &bearer), ("Basic", &at_b)] {
                let answer = actor.pull("acme/api", "1.0").await;
                let told = answer.text();
                assert_eq!(answer.status, refusal.0, "round {round}, {carrier}: {answer:?}");
                assert!(told.contains(refusal.1), "round {round}, {carrier}: {answer:?}");
            }
            if let Some(renewed) = undo(done).await {
                client = renewed;
            }
        }
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let admin = self.a.admin();
        let request = admin.request(method.parse().unwrap(), &format!("/api/v1/{path}")).json(&body);
        let answer = admin.send(request).await;
        assert!(answer.status < 300, "{answer:?}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// A user who reads acme, and their personal token that mirrors them.
    async fn reader(&self, username: &str) -> Actor {
        let user = json!({ "username": username, "password": "a password of theirs" });
        self.admin("POST", "users", user).await;
        self.set_role(username).await;
        let made = self.admin("POST", &format!("users/{username}/tokens"), json!({ "name": "laptop" })).await;
        self.a.basic(username, made["secret"].as_str().unwrap())
    }

    async fn set_role(&self, username: &str) {
        let path = format!("namespaces/acme/members/users/{username}");
        self.admin("PUT", &path, json!({ "role": "reader" })).await;
    }
}

#[both_engines]
async fn disabling_is_felt_at_once_everywhere(t: TestServer) {
    let house = House::build(t).await;
    let token = house.a.service_token("acme", "puller", json!({ "permission": "pull" })).await;
    let path = format!("tokens/{}", token.id);
    let set = async |status: &str| house.admin("PATCH", &path, json!({ "status": status })).await;
    house
        .rounds(
            house.a.with(&token),
            async || set("disabled").await,
            (401, "token acme/puller is disabled"),
            async |_| {
                set("enabled").await;
                None
            },
        )
        .await;
}

#[both_engines]
async fn a_reset_is_felt_at_once_everywhere(t: TestServer) {
    let house = House::build(t).await;
    let token = house.a.service_token("acme", "puller", json!({ "permission": "pull" })).await;
    let path = format!("tokens/{}/reset", token.id);
    house
        .rounds(
            house.a.with(&token),
            async || house.admin("POST", &path, json!({})).await,
            (401, "was ended by a reset"),
            async |reset: Value| Some(house.a.basic("puller", reset["secret"].as_str().unwrap())),
        )
        .await;
}

#[both_engines]
async fn a_scope_cut_is_felt_at_once_everywhere(t: TestServer) {
    let house = House::build(t).await;
    let token = house.a.service_token("acme", "puller", json!({ "permission": "pull" })).await;
    let path = format!("tokens/{}", token.id);
    let elsewhere = json!({ "scopes": [{ "type": "repository", "path": "acme/web", "actions": ["pull"] }] });
    house
        .rounds(
            house.a.with(&token),
            async || house.admin("PATCH", &path, elsewhere.clone()).await,
            (404, "token acme/puller has no scope that covers it"),
            async |_| {
                house.admin("PATCH", &path, json!({ "permission": "pull" })).await;
                None
            },
        )
        .await;
}

#[both_engines]
async fn an_address_taken_away_is_felt_at_once_everywhere(t: TestServer) {
    let house = House::build(t).await;
    let token = house.a.service_token("acme", "puller", json!({ "permission": "pull" })).await;
    let path = format!("tokens/{}", token.id);
    let allow =
        async |networks: Value| house.admin("PATCH", &path, json!({ "allowed_addresses": networks })).await;
    house
        .rounds(
            house.a.with(&token),
            async || allow(json!(["10.0.0.0/8"])).await,
            (401, "token acme/puller may not be used from 127.0.0.1"),
            async |_| {
                allow(json!([])).await;
                None
            },
        )
        .await;
}

#[both_engines]
async fn a_role_taken_away_is_felt_at_once_everywhere(t: TestServer) {
    let house = House::build(t).await;
    let reader = house.reader("alice").await;
    house
        .rounds(
            reader,
            async || house.admin("DELETE", "namespaces/acme/members/users/alice", json!({})).await,
            (404, "has no role that covers it"),
            async |_| {
                house.set_role("alice").await;
                None
            },
        )
        .await;
}

#[both_engines]
async fn a_deactivation_is_felt_at_once_everywhere(t: TestServer) {
    let house = House::build(t).await;
    let reader = house.reader("alice").await;
    let set =
        async |is_active: bool| house.admin("PATCH", "users/alice", json!({ "is_active": is_active })).await;
    house
        .rounds(
            reader,
            async || set(false).await,
            (401, "deactivated"),
            async |_| {
                set(true).await;
                None
            },
        )
        .await;
}

impl House {
    /// The same, where the clock of A is ahead of B's.
    async fn with_clocks_apart(t: TestServer) -> Self {
        let mut house = Self::build(t).await;
        house.b = house.a.replica_with_clock(Arc::new(ManualClock::at(house.a.clock.now()))).await;
        house.a.clock.advance(MAX_CLOCK_DIFFERENCE);
        house
    }

    fn advance(&self, length: Length) {
        self.a.clock.advance(length);
        self.b.clock.advance(length);
    }

    async fn puller(&self, name: &str) -> testkit::ServiceToken {
        self.a.service_token("acme", name, json!({ "permission": "pull" })).await
    }
}

#[both_engines]
async fn a_bearer_is_taken_by_replicas_whose_clocks_differ_for_as_long_as_clients_keep_it(t: TestServer) {
    let house = House::with_clocks_apart(t).await;
    let client = house.a.with(&house.puller("puller").await);
    for (issuer, other) in [(&house.a, &house.b), (&house.b, &house.a)] {
        let bearer = client.at(issuer).asks("repository:acme/api:pull").await;
        for server in [other, issuer] {
            bearer.at(server).pull("acme/api", "1.0").await.is(200);
        }
        house.advance(Length::seconds(299));
        for server in [other, issuer] {
            bearer.at(server).pull("acme/api", "1.0").await.is(200);
        }
    }
}

#[both_engines]
async fn a_rotation_by_a_clock_that_differs_refuses_nobody(t: TestServer) {
    let house = House::with_clocks_apart(t).await;
    let client = house.a.with(&house.puller("puller").await);
    let random = SeededRandomness::new(77);
    for rotated_by in [&house.a, &house.b] {
        // The next key has to be known for a minute.
        house.advance(Length::seconds(100));
        let mut bearers = Vec::new();
        for issuer in [&house.a, &house.b] {
            bearers.push(client.at(issuer).asks("repository:acme/api:pull").await);
        }
        let (db, key_file) = house.a.operator().await;
        registry::rotate_keys(&db, &key_file, &random, rotated_by.clock.now()).await.unwrap();
        for _ in 0..3 {
            for bearer in &bearers {
                bearer.at(&house.a).pull("acme/api", "1.0").await.is(200);
                bearer.at(&house.b).pull("acme/api", "1.0").await.is(200);
            }
            house.advance(Length::seconds(99));
        }
        for server in [&house.a, &house.b] {
            client.at(server).asks("repository:acme/api:pull").await.pull("acme/api", "1.0").await.is(200);
        }
    }
}

/// On A, whose clock is ahead, the secret and the token below have ended by themselves; on B they still live.
#[both_engines]
async fn what_is_ended_where_the_clock_is_ahead_is_over_where_it_is_behind(t: TestServer) {
    let house = House::with_clocks_apart(t).await;
    let (rotated, expiring) = (house.puller("rotated").await, house.puller("expiring").await);
    house.admin("POST", &format!("tokens/{}/reset", rotated.id), json!({ "keep_old_for": "2h" })).await;
    house.admin("PATCH", &format!("tokens/{}", expiring.id), json!({ "expires_in": "2h" })).await;
    house.advance(Length::hours(2));
    let clients = [house.a.with(&rotated), house.a.with(&expiring)];
    for client in &clients {
        client.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED");
        client.at(&house.b).pull("acme/api", "1.0").await.is(200);
    }

    house.admin("POST", &format!("tokens/{}/reset", rotated.id), json!({})).await;
    house.admin("POST", "namespaces/acme/tokens/disable-all", json!({})).await;

    for client in &clients {
        client.at(&house.b).pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED");
    }
}

#[both_engines]
async fn an_upload_goes_on_at_a_replica_whose_clock_differs(t: TestServer) {
    let house = House::with_clocks_apart(t).await;
    let token = house.a.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    let client = house.a.with(&token);
    let blob = Image::new(7, 1000).layer;
    for (first, second) in [(&house.a, &house.b), (&house.b, &house.a)] {
        let started = client.at(first).start_upload("acme/api").await.is(202);
        let location = started.header("location").to_owned();
        client.at(second).stream_chunk(&location, &blob.bytes[..500]).await.is(202);
        let request = format!("{location}?digest={}", blob.digest);
        let request =
            client.at(first).request(reqwest::Method::PUT, &request).body(blob.bytes[500..].to_vec());
        client.send(request).await.is(201);
    }
}

#[both_engines]
async fn a_token_shows_the_hint_of_its_newest_secret_whichever_clock_made_it(t: TestServer) {
    let house = House::with_clocks_apart(t).await;
    let token = house.puller("puller").await;
    let path = format!("/api/v1/tokens/{}", token.id);
    let reset = house.b.admin().post(&format!("{path}/reset")).await.is(200).json();
    let shown = house.a.admin().get(&path).await.is(200).json();
    assert_eq!(shown["secret_hint"], reset["secret_hint"], "{shown}");
}
