//! The use of tokens (rule 10): last used when, from where, by which client; pulls and pushes; day by day.

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Actor, Answer, ServiceToken, TestServer, both_engines, image::Image};

use crate::wrong_fields;

async fn shown(t: &TestServer, token: &ServiceToken) -> Value {
    t.admin().get(&format!("/api/v1/tokens/{}", token.id)).await.is(200).json()
}

async fn as_client(actor: &Actor, method: Method, path: &str, client: &str) -> Answer {
    actor.send(actor.request(method, path).header("user-agent", client)).await
}

/// A token with an image in its namespace, whose own use begins after that.
async fn house(t: &TestServer) -> ServiceToken {
    let token = t.service_token("acme", "deploy", json!({ "permission": "pull-push" })).await;
    t.admin().push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    token
}

#[both_engines]
async fn a_token_tells_when_from_where_and_by_which_client_it_was_used(t: TestServer) {
    let token = house(&t).await;
    t.write_usage().await;
    let never = shown(&t, &token).await;
    for field in ["last_used_at", "last_used_from", "last_used_by"] {
        assert_eq!(never[field], json!(null), "{field}");
    }
    assert_eq!((&never["pulls"], &never["pushes"]), (&json!(0), &json!(0)));

    t.clock.advance(Length::hours(1));
    let docker = "docker/28.2.2 go/go1.23.8 git-commit/45873be kernel/6.8 os/linux arch/amd64";
    as_client(&t.with(&token), Method::GET, "/v2/acme/api/manifests/1.0", docker).await.is(200);
    t.write_usage().await;
    let used = shown(&t, &token).await;
    assert_eq!(used["last_used_at"], json!("2026-01-01T01:00:00Z"));
    assert_eq!(used["last_used_from"], json!("127.0.0.1"));
    assert_eq!(used["last_used_by"], json!("docker/28.2"));
    assert_eq!((&used["pulls"], &used["pushes"]), (&json!(1), &json!(0)));
    // Use is no edit: whoever has the token open can still save it.
    let etag = t.admin().get(&format!("/api/v1/tokens/{}", token.id)).await.header("etag").to_owned();
    assert_eq!(etag, "\"1\"");
}

#[both_engines]
async fn manifests_count_and_asking_for_one_or_for_blobs_does_not(t: TestServer) {
    let (token, image) = (house(&t).await, Image::new(1, 1000));
    let bearer = t.with(&token).asks("repository:acme/api:pull,push").await;
    for actor in [&t.with(&token), &bearer] {
        actor.pull("acme/api", "1.0").await.is(200);
        actor.head("/v2/acme/api/manifests/1.0").await.is(200);
        actor.get(&format!("/v2/acme/api/blobs/{}", image.layer.digest)).await.is(200);
        actor.pull("acme/api", "absent").await.is(404);
        actor.push("acme/api", "2.0", &image).await.is(201);
        actor.push_manifest("acme/api", "3.0", b"{}").await.is(400);
        actor.get("/v2/other/api/manifests/1.0").await;
    }
    t.write_usage().await;
    let used = shown(&t, &token).await;
    assert_eq!((&used["pulls"], &used["pushes"]), (&json!(2), &json!(2)));
}

#[both_engines]
async fn what_was_refused_is_no_use(t: TestServer) {
    let token = house(&t).await;
    t.basic("another", &token.secret).get("/v2/").await.is(401);
    t.with(&token).pull("other/api", "1.0").await.is(404);
    t.edit(&token, json!({ "status": "disabled" })).await.is(200);
    t.with(&token).pull("acme/api", "1.0").await.is(401);
    t.write_usage().await;
    assert_eq!(shown(&t, &token).await["last_used_at"], json!(null));
}

#[both_engines]
async fn each_secret_tells_its_own_last_use(t: TestServer) {
    let token = house(&t).await;
    let path = format!("/api/v1/tokens/{}", token.id);
    let reset =
        t.admin().post_json(&format!("{path}/reset"), &json!({ "keep_old_for": "24h" })).await.is(200);
    let new = t.basic("deploy", reset.json()["secret"].as_str().unwrap());
    as_client(&t.with(&token), Method::GET, "/v2/acme/api/manifests/1.0", "old/1.0.0").await.is(200);
    t.clock.advance(Length::seconds(7));
    as_client(&new, Method::GET, "/v2/acme/api/manifests/1.0", "new/2.0.0").await.is(200);
    t.write_usage().await;
    let secrets = t.admin().get(&format!("{path}/secrets")).await.is(200).json();
    let told = |by: &str| {
        let mut secrets = secrets["items"].as_array().unwrap().iter();
        secrets.find(|secret| secret["last_used_by"] == json!(by)).unwrap()["last_used_at"].clone()
    };
    assert_eq!(told("old/1.0"), json!("2026-01-01T00:00:00Z"));
    assert_eq!(told("new/2.0"), json!("2026-01-01T00:00:07Z"));
    assert_eq!(shown(&t, &token).await["last_used_by"], json!("new/2.0"));
}

#[both_engines]
async fn activity_is_told_day_by_day(t: TestServer) {
    let token = house(&t).await;
    let path = format!("/api/v1/tokens/{}/activity", token.id);
    let actor = t.with(&token);
    actor.pull("acme/api", "1.0").await.is(200);
    t.clock.advance(Length::days(2));
    for _ in 0..3 {
        actor.pull("acme/api", "1.0").await.is(200);
    }
    actor.push("acme/api", "2.0", &Image::new(1, 1000)).await.is(201);
    t.write_usage().await;
    let week = t.admin().get(&format!("{path}?days=4")).await.is(200).json();
    let expected = json!({ "days": [
        { "day": "2025-12-31", "pulls": 0, "pushes": 0 },
        { "day": "2026-01-01", "pulls": 1, "pushes": 0 },
        { "day": "2026-01-02", "pulls": 0, "pushes": 0 },
        { "day": "2026-01-03", "pulls": 3, "pushes": 1 },
    ]});
    assert_eq!(week, expected);
    for (query, days) in [("", 30), ("?days=1", 1), ("?days=366", 366)] {
        let answer = t.admin().get(&format!("{path}{query}")).await.is(200).json();
        assert_eq!(answer["days"].as_array().unwrap().len(), days);
    }
    for query in ["?days=0", "?days=367", "?days=-1", "?days=", "?days=1.5"] {
        let answer = t.admin().get(&format!("{path}{query}")).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&answer), ["days"]);
    }
    t.admin().delete(&format!("/api/v1/tokens/{}", token.id)).await.is(204);
    t.admin().get(&path).await.refused(404, "not-found");
}

/// Rule 10: never a write per request. No test server writes by itself.
#[both_engines]
async fn hundreds_of_uses_are_one_write(t: TestServer) {
    let token = house(&t).await;
    let (actor, before) = (t.with(&token), t.group_commits());
    for _ in 0..50 {
        actor.pull("acme/api", "1.0").await.is(200);
        for _ in 0..4 {
            actor.head("/v2/acme/api/manifests/1.0").await.is(200);
        }
    }
    assert_eq!(t.group_commits(), before);
    assert_eq!(shown(&t, &token).await["last_used_at"], json!(null));
    t.write_usage().await;
    assert_eq!(t.group_commits(), before.map(|before| before + 1));
    assert_eq!(shown(&t, &token).await["pulls"], json!(50));
    t.write_usage().await;
    assert_eq!(t.group_commits(), before.map(|before| before + 1), "nothing to write is no write");
}

#[both_engines]
async fn nothing_is_lost_at_a_clean_stop(t: TestServer) {
    let token = house(&t).await;
    let replica = t.replica().await;
    t.with(&token).pull("acme/api", "1.0").await.is(200);
    t.stop().await;
    assert_eq!(shown(&replica, &token).await["pulls"], json!(1));
}

#[both_engines]
async fn what_replicas_count_adds_up(t: TestServer) {
    let token = house(&t).await;
    let replica = t.replica().await;
    let here = t.with(&token);
    let there = here.at(&replica);
    there.pull("acme/api", "1.0").await.is(200);
    t.clock.advance(Length::seconds(1));
    as_client(&here, Method::GET, "/v2/acme/api/manifests/1.0", "later/1").await.is(200);
    t.write_usage().await;
    // The earlier use comes later and changes nothing of the last one.
    replica.write_usage().await;
    let used = shown(&t, &token).await;
    assert_eq!((&used["pulls"], &used["last_used_by"]), (&json!(2), &json!("later/1")));
    assert_eq!(used["last_used_at"], json!("2026-01-01T00:00:01Z"));
}
