//! Two servers on one database (issue 4, "Shown by"): what was taken away on A, B refuses in its next request, a
//! thousand times out of a thousand, by Basic and with a bearer made before.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use testkit::{Actor, TestServer, both_engines, image::Image};

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
