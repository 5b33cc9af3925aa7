//! Rule 7: what was taken away is felt by the next request, whatever it carries and whichever replica it reaches.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use access::time::{Clock, Length};
use serde_json::{Value, json};
use testkit::{
    Actor, Answer, Engine, OpenTransaction, ServiceToken, TestServer, both_engines,
    clock::ManualClock,
    engine,
    image::{Blob, Image},
    missing,
};
use tokio::task::JoinHandle;

/// A token of acme that may pull and push, with clients that have been at work with it: one by Basic, one by a
/// bearer. Each has an upload underway.
struct Worker {
    token: ServiceToken,
    clients: [Client; 2],
}

struct Client {
    carrier: &'static str,
    actor: Actor,
    upload: String,
}

const BEGUN: &[u8] = b"begun";

impl Worker {
    /// A worker one second before its token expires: the bearer was made then, and outlives the token.
    async fn at(t: &TestServer, name: &str) -> Self {
        let body = json!({ "permission": "pull-push", "expires_in": "1h" });
        let token = t.service_token("acme", name, body).await;
        t.clock.advance(Length::seconds(3599));
        let basic = t.with(&token);
        basic.push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
        let bearer = basic.asks("repository:acme/api:pull,push").await;
        let clients = [Client::at_work("Basic", basic).await, Client::at_work("Bearer", bearer).await];
        Self { token, clients }
    }

    fn with_secret(&self, t: &TestServer, secret: &Value) -> Actor {
        t.basic(&self.token.name, secret.as_str().unwrap())
    }
}

impl Client {
    async fn at_work(carrier: &'static str, actor: Actor) -> Self {
        let upload = actor.start_upload("acme/api").await.is(202).header("location").to_owned();
        actor.stream_chunk(&upload, BEGUN).await.is(202);
        actor.pull("acme/api", "1.0").await.is(200);
        Self { carrier, actor, upload }
    }

    /// One request of every kind that pushes, at `server`.
    async fn pushes_at(&self, server: &TestServer) -> Vec<Answer> {
        let actor = self.actor.at(server);
        let blob = Blob::new("", BEGUN.to_vec());
        vec![
            actor.stream_chunk(&self.upload, b"more").await,
            actor.get(&self.upload).await,
            actor.finish_upload(&self.upload, &blob.digest, b"").await,
            actor.start_upload("acme/api").await,
            actor.push_manifest("acme/api", "2.0", &Image::new(1, 1000).manifest.bytes).await,
        ]
    }

    async fn pulls_at(&self, server: &TestServer) -> Vec<Answer> {
        let actor = self.actor.at(server);
        let layer = format!("/v2/acme/api/blobs/{}", Image::new(1, 1000).layer.digest);
        vec![
            actor.pull("acme/api", "1.0").await,
            actor.get(&layer).await,
            actor.get("/v2/acme/api/tags/list").await,
        ]
    }
}

/// Does `act` to a worker's token, and looks at the next requests, here and at a replica.
async fn check(
    t: &TestServer,
    act: impl AsyncFn(&TestServer, &ServiceToken),
    pushing: (u16, &str, &str),
    pulling: Option<(u16, &str, &str)>,
) {
    let replica = t.replica().await;
    let worker = Worker::at(t, "ci-bot").await;
    act(t, &worker.token).await;
    for client in &worker.clients {
        // The replica first: it has to hear of it from the database, and from nobody else.
        for server in [&replica, t] {
            for answer in client.pushes_at(server).await {
                refused(answer, client.carrier, pushing);
            }
            for answer in client.pulls_at(server).await {
                match pulling {
                    Some(expected) => refused(answer, client.carrier, expected),
                    None => drop(answer.is(200)),
                }
            }
        }
    }
    t.admin().pull("acme/api", "2.0").await.refused(404, "MANIFEST_UNKNOWN");
}

#[track_caller]
fn refused(answer: Answer, carrier: &str, (status, code, reason): (u16, &str, &str)) {
    let challenge = answer.header("www-authenticate").to_owned();
    let answer = answer.refused(status, code).says(reason);
    if status == 401 {
        let says = challenge.contains("error=\"invalid_token\"") && challenge.contains("error_description=");
        assert!(says, "{carrier}: {answer:?}");
    }
}

#[both_engines]
async fn a_disabled_token_is_refused_at_once(t: TestServer) {
    let ended =
        (401, "UNAUTHORIZED", "token acme/ci-bot is disabled; an administrator of acme can enable it");
    let disable = async |t: &TestServer, token: &ServiceToken| {
        t.admin().set_status(token, "disabled").await.is(200);
    };
    check(&t, disable, ended, Some(ended)).await;
}

#[both_engines]
async fn a_deleted_token_is_refused_at_once(t: TestServer) {
    let ended = (401, "UNAUTHORIZED", "token acme/ci-bot was deleted on 2026-01-01");
    let delete = async |t: &TestServer, token: &ServiceToken| {
        t.admin().delete(&format!("/api/v1/tokens/{}", token.id)).await.is(204);
    };
    check(&t, delete, ended, Some(ended)).await;
}

#[both_engines]
async fn an_old_secret_is_refused_at_once_after_a_reset(t: TestServer) {
    let ended = (401, "UNAUTHORIZED", "this secret of token acme/ci-bot was ended by a reset on 2026-01-01");
    let reset = async |t: &TestServer, token: &ServiceToken| {
        t.admin().post(&format!("/api/v1/tokens/{}/reset", token.id)).await.is(200);
    };
    check(&t, reset, ended, Some(ended)).await;
}

#[both_engines]
async fn an_expired_token_is_refused_from_the_very_instant(t: TestServer) {
    let ended = (401, "UNAUTHORIZED", "token acme/ci-bot expired on 2026-01-01");
    let expire = async |t: &TestServer, _: &ServiceToken| {
        t.clock.advance(Length::seconds(1));
    };
    check(&t, expire, ended, Some(ended)).await;
}

#[both_engines]
async fn a_token_whose_push_was_taken_pulls_on_and_pushes_no_more(t: TestServer) {
    let denied = (403, "DENIED", "token acme/ci-bot has no scope with push for acme/api");
    let cut = async |t: &TestServer, token: &ServiceToken| {
        t.edit(token, json!({ "permission": "pull" })).await.is(200);
    };
    check(&t, cut, denied, None).await;
}

#[both_engines]
async fn a_token_whose_scopes_lead_elsewhere_sees_the_repository_no_more(t: TestServer) {
    let unseen =
        (404, "NAME_UNKNOWN", "acme/api does not exist, or token acme/ci-bot has no scope that covers it");
    let scope = json!({ "type": "repository", "path": "acme/web", "actions": ["pull", "push"] });
    let cut = async |t: &TestServer, token: &ServiceToken| {
        t.edit(token, json!({ "scopes": [scope] })).await.is(200);
    };
    check(&t, cut, unseen, Some(unseen)).await;
}

#[both_engines]
async fn a_token_without_scopes_may_nothing_but_say_who_it_is(t: TestServer) {
    let unseen = (404, "NAME_UNKNOWN", "token acme/ci-bot has no scope that covers it");
    let cut = async |t: &TestServer, token: &ServiceToken| {
        t.edit(token, json!({ "scopes": [] })).await.is(200);
        t.with(token).get("/v2/").await.is(200);
    };
    check(&t, cut, unseen, Some(unseen)).await;
}

#[both_engines]
async fn a_token_whose_clients_address_was_taken_away_is_refused_at_once(t: TestServer) {
    let elsewhere = (
        401,
        "UNAUTHORIZED",
        "token acme/ci-bot may not be used from 127.0.0.1; its allowed addresses are 10.0.0.0/8",
    );
    let take = async |t: &TestServer, token: &ServiceToken| {
        t.edit(token, json!({ "allowed_addresses": ["10.0.0.0/8"] })).await.is(200);
    };
    check(&t, take, elsewhere, Some(elsewhere)).await;
}

#[both_engines]
async fn an_expiry_that_was_moved_nearer_counts(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    t.admin().push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    t.edit(&token, json!({ "expires_in": "1h" })).await.is(200);
    let bearer = {
        t.clock.advance(Length::milliseconds(3_599_999));
        t.with(&token).asks("repository:acme/api:pull").await
    };
    bearer.pull("acme/api", "1.0").await.is(200);
    t.clock.advance(Length::milliseconds(1));
    for client in [bearer, t.with(&token)] {
        client.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED").says("expired on 2026-01-01");
    }
}

#[both_engines]
async fn a_token_enabled_again_works_with_the_same_secret_bearer_and_upload(t: TestServer) {
    let worker = Worker::at(&t, "ci-bot").await;
    t.admin().set_status(&worker.token, "disabled").await.is(200);
    for client in &worker.clients {
        client.actor.stream_chunk(&client.upload, b"never").await.refused(401, "UNAUTHORIZED");
    }
    t.admin().set_status(&worker.token, "enabled").await.is(200);
    let blob = Blob::new("", b"begun and finished".to_vec());
    for client in &worker.clients {
        client.actor.pull("acme/api", "1.0").await.is(200);
        // Nothing of the refused chunk was kept.
        client.actor.finish_upload(&client.upload, &blob.digest, b" and finished").await.is(201);
    }
}

#[both_engines]
async fn the_new_secret_of_a_reset_works_and_goes_on_with_the_tokens_uploads(t: TestServer) {
    let worker = Worker::at(&t, "ci-bot").await;
    let reset = t.admin().post(&format!("/api/v1/tokens/{}/reset", worker.token.id)).await.is(200).json();
    let renewed = worker.with_secret(&t, &reset["secret"]);
    renewed.pull("acme/api", "1.0").await.is(200);
    // The session belongs to the principal, and that is the token and not one of its secrets.
    renewed
        .finish_upload(&worker.clients[0].upload, &Blob::new("", BEGUN.to_vec()).digest, b"")
        .await
        .is(201);
}

#[both_engines]
async fn a_token_made_again_under_the_same_name_is_another_one(t: TestServer) {
    let worker = Worker::at(&t, "ci-bot").await;
    t.admin().delete(&format!("/api/v1/tokens/{}", worker.token.id)).await.is(204);
    let again = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    assert_ne!(again.id, worker.token.id);
    for client in &worker.clients {
        client.actor.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED").says("was deleted");
        let upload = t.with(&again).stream_chunk(&client.upload, b"more").await;
        upload.refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
}

/// Sends all but the last byte of a request's body, does `act`, and then sends the last byte.
async fn underway(
    actor: &Actor,
    (method, target): (&str, &str),
    body: &[u8],
    act: impl Future<Output = ()>,
) -> Answer {
    let (last, most) = body.split_last().unwrap();
    let length = format!("Content-Length: {}", body.len());
    let headers = ["Content-Type: application/vnd.oci.image.manifest.v1+json", length.as_str()];
    let mut wire = actor.wire(method, target, &headers).await;
    wire.send(most).await;
    // Another request on another connection, answered before: by then this one's head was surely read.
    actor.pull("acme/api", "1.0").await.is(200);
    act.await;
    wire.send(&[*last]).await;
    wire.answer().await
}

#[both_engines]
async fn what_was_underway_when_its_token_was_stopped_is_not_committed(t: TestServer) {
    let blob = Blob::new("", b"begun and finished".to_vec());
    let manifest = Image::new(1, 1000).manifest.bytes;
    let addresses = |networks: &[&str]| json!({ "allowed_addresses": networks });
    for (name, stopped, on, why) in [
        ("disabled", json!({ "status": "disabled" }), json!({ "status": "enabled" }), "is disabled"),
        ("elsewhere", addresses(&["10.0.0.0/8"]), addresses(&[]), "may not be used from 127.0.0.1"),
    ] {
        let worker = Worker::at(&t, name).await;
        for client in &worker.clients {
            let put = format!("{}?digest={}", client.upload, blob.digest);
            for (line, body) in [
                (("PUT", put.as_str()), b" and finished".as_slice()),
                (("PUT", "/v2/acme/api/manifests/2.0"), manifest.as_slice()),
            ] {
                let stop = async {
                    t.edit(&worker.token, stopped.clone()).await.is(200);
                };
                let answer = underway(&client.actor, line, body, stop).await;
                refused(answer, client.carrier, (401, "UNAUTHORIZED", why));
                t.edit(&worker.token, on.clone()).await.is(200);
            }
        }
    }
    t.admin().head(&format!("/v2/acme/api/blobs/{}", blob.digest)).await.is(404);
    t.admin().pull("acme/api", "2.0").await.refused(404, "MANIFEST_UNKNOWN");
}

#[both_engines]
async fn a_replica_never_once_lets_a_disabled_token_in(t: TestServer) {
    const ROUNDS: u32 = 25;
    let replica = t.replica().await;
    let worker = Worker::at(&t, "ci-bot").await;
    for _ in 0..ROUNDS {
        t.admin().set_status(&worker.token, "disabled").await.is(200);
        for client in &worker.clients {
            client.actor.at(&replica).pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED");
        }
        t.admin().set_status(&worker.token, "enabled").await.is(200);
        for client in &worker.clients {
            client.actor.at(&replica).pull("acme/api", "1.0").await.is(200);
        }
    }
}

#[both_engines]
async fn of_eight_resets_at_once_exactly_one_secret_works_afterwards(t: TestServer) {
    let worker = Worker::at(&t, "ci-bot").await;
    let path = format!("/api/v1/tokens/{}/reset", worker.token.id);
    let admin = t.admin();
    let resets = (0..8).map(|_| {
        let (admin, path) = (admin.clone(), path.clone());
        tokio::spawn(async move { admin.post(&path).await.is(200).json()["secret"].clone() })
    });
    let mut secrets = Vec::new();
    for reset in resets.collect::<Vec<_>>() {
        secrets.push(reset.await.unwrap());
    }
    let mut working = 0;
    for secret in &secrets {
        let status = worker.with_secret(&t, secret).pull("acme/api", "1.0").await.status;
        assert!([200, 401].contains(&status), "{status}");
        working += u32::from(status == 200);
    }
    assert_eq!(working, 1);
    worker.clients[0].actor.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED");
}

/// What ends secrets on one replica while the clock of another is five minutes behind: there, none of it seems to have
/// happened yet.
async fn felt_behind(t: &TestServer, act: impl AsyncFn(&ServiceToken), reason: &str) {
    let behind = t.replica_with_clock(Arc::new(ManualClock::at(t.clock.now()))).await;
    t.admin().push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    let token = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    t.clock.advance(Length::seconds(300));
    let basic = t.with(&token).at(&behind);
    let bearer = basic.asks("repository:acme/api:pull").await;
    for client in [&basic, &bearer] {
        client.pull("acme/api", "1.0").await.is(200);
    }
    act(&token).await;
    for client in [&basic, &bearer] {
        client.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED").says(reason);
    }
}

#[both_engines]
async fn a_reset_is_felt_by_a_replica_whose_clock_is_behind(t: TestServer) {
    let reset = async |token: &ServiceToken| {
        t.admin().post(&format!("/api/v1/tokens/{}/reset", token.id)).await.is(200);
    };
    felt_behind(&t, reset, "was ended by a reset").await;
}

#[both_engines]
async fn the_end_of_an_old_secret_is_felt_by_a_replica_whose_clock_is_behind(t: TestServer) {
    let end = async |token: &ServiceToken| {
        let token = format!("/api/v1/tokens/{}", token.id);
        let admin = t.admin();
        admin.post_json(&format!("{token}/reset"), &json!({ "keep_old_for": "24h" })).await.is(200);
        let secrets = admin.get(&format!("{token}/secrets")).await.is(200).json();
        // The newest first: the second is the one that was kept.
        let old = secrets["items"][1]["id"].as_str().unwrap().to_owned();
        admin.delete(&format!("{token}/secrets/{old}")).await.is(204);
    };
    felt_behind(&t, end, "was ended").await;
}

#[both_engines]
async fn a_deletion_is_felt_by_a_replica_whose_clock_is_behind(t: TestServer) {
    let delete = async |token: &ServiceToken| {
        t.admin().delete(&format!("/api/v1/tokens/{}", token.id)).await.is(204);
    };
    felt_behind(&t, delete, "was deleted").await;
}

/// Tells the sentence on PostgreSQL, where transactions run side by side; on SQLite one comes after the other.
fn side_by_side(sentence: impl AsyncFnOnce(TestServer)) {
    engine::tell(Engine::Postgres, &missing::this_test(), async |engine| {
        sentence(TestServer::on(engine).await).await;
    });
}

/// A request that is begun, and waits for a lock as the last of `waiting`.
async fn begun(
    held: &OpenTransaction,
    waiting: i64,
    request: impl Future<Output = Answer> + Send + 'static,
) -> JoinHandle<Answer> {
    let request = tokio::spawn(request);
    while held.waiting().await < waiting {
        if request.is_finished() {
            panic!("it did not wait: {:?}", request.await.unwrap());
        }
    }
    request
}

fn post(actor: &Actor, path: &str, body: Value) -> impl Future<Output = Answer> + Send + use<> {
    let (actor, path) = (actor.clone(), format!("/api/v1{path}"));
    async move { actor.post_json(&path, &body).await }
}

/// The user ann, by password; she is an administrator of acme.
async fn ann(t: &TestServer) -> Actor {
    let ann = json!({ "username": "ann", "password": "a fine password" });
    t.admin().post_json("/api/v1/users", &ann).await.is(201);
    t.namespace("acme").await;
    let role = t.admin().request(reqwest::Method::PUT, "/api/v1/namespaces/acme/members/users/ann");
    t.admin().send(role.json(&json!({ "role": "admin" }))).await.is(200);
    t.basic("ann", "a fine password")
}

/// The name and the status of each token that is listed at `path`.
async fn tokens(t: &TestServer, path: &str) -> Vec<(String, String)> {
    let listed = t.admin().get(&format!("/api/v1{path}")).await.is(200).json();
    let text = |token: &Value, field: &str| token[field].as_str().unwrap().to_owned();
    let tokens = listed["items"].as_array().unwrap().iter();
    tokens.map(|token| (text(token, "name"), text(token, "status"))).collect()
}

const OF_ANN: &str = "/users/ann/tokens";
const OF_ACME: &str = "/namespaces/acme/tokens";

#[test]
fn no_token_is_made_on_rights_that_another_transaction_is_just_taking_away() {
    for (path, taken, status, code, reason) in [
        (
            OF_ANN,
            "UPDATE users SET password_generation = password_generation + 1 WHERE username = 'ann'",
            401,
            "bad-credential",
            "this login of user ann was ended",
        ),
        (
            OF_ANN,
            "UPDATE users SET is_active = 0 WHERE username = 'ann'",
            401,
            "bad-credential",
            "user ann is deactivated",
        ),
        (
            OF_ACME,
            "UPDATE namespaces SET revision = revision + 1 WHERE name = 'acme'; DELETE FROM namespace_users",
            404,
            "not-found",
            "namespace acme does not exist, or user ann has no role in it",
        ),
        (
            OF_ACME,
            "UPDATE namespaces SET revision = revision + 1 WHERE name = 'acme'; \
             UPDATE namespace_users SET role = role - 1",
            403,
            "denied",
            "user ann does not have the role admin in acme",
        ),
    ] {
        side_by_side(async |t| {
            let ann = ann(&t).await;
            let taking = OpenTransaction::begin(&t, taken).await;
            let making = begun(&taking, 1, post(&ann, path, json!({ "name": "late" }))).await;
            taking.commit().await;
            making.await.unwrap().refused(status, code).says(reason);
            assert_eq!(tokens(&t, path).await, []);
        });
    }
}

const EMERGENCIES: [(&str, &str); 2] =
    [(OF_ANN, "/users/ann/end-all"), (OF_ACME, "/namespaces/acme/tokens/disable-all")];

#[test]
fn an_emergency_stops_the_token_that_is_just_being_made() {
    for (path, emergency) in EMERGENCIES {
        side_by_side(async |t| {
            let ann = ann(&t).await;
            // Far enough to have written the token, and not its secret.
            let held = OpenTransaction::begin(&t, "LOCK TABLE token_secrets IN SHARE MODE").await;
            let making = begun(&held, 1, post(&ann, path, json!({ "name": "late" }))).await;
            let stopping = begun(&held, 2, post(&t.admin(), emergency, json!({}))).await;
            held.commit().await;
            making.await.unwrap().is(201);
            assert_eq!(stopping.await.unwrap().is(200).json(), json!({ "disabled": 1 }));
            assert_eq!(tokens(&t, path).await, [("late".to_owned(), "disabled".to_owned())]);
        });
    }
}

#[test]
fn an_emergency_stops_the_token_that_is_just_being_enabled() {
    for (path, emergency) in EMERGENCIES {
        side_by_side(async |t| {
            let ann = ann(&t).await;
            post(&ann, path, json!({ "name": "asleep", "status": "disabled" })).await.is(201);
            let waking = OpenTransaction::begin(&t, "UPDATE tokens SET status = 'enabled'").await;
            let stopping = begun(&waking, 1, post(&t.admin(), emergency, json!({}))).await;
            waking.commit().await;
            assert_eq!(stopping.await.unwrap().is(200).json(), json!({ "disabled": 1 }));
            assert_eq!(tokens(&t, path).await, [("asleep".to_owned(), "disabled".to_owned())]);
        });
    }
}
