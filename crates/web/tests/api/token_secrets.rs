//! Rotation without downtime: the old secret's grace, several living secrets, the end of one (rule 6), and what is
//! said in time (rule 11).

use access::time::Length;
use serde_json::{Value, json};
use testkit::{Actor, Answer, ServiceToken, TestServer, both_engines, image::Image};

use crate::wrong_fields;

fn path(token: &ServiceToken) -> String {
    format!("/api/v1/tokens/{}", token.id)
}

/// Resets the token; answers whoever holds the new secret.
async fn reset(t: &TestServer, token: &ServiceToken, body: Value) -> Actor {
    let answer = t.admin().post_json(&format!("{}/reset", path(token)), &body).await.is(200);
    t.basic(&token.name, answer.json()["secret"].as_str().unwrap())
}

async fn living(t: &TestServer, token: &ServiceToken) -> Vec<Value> {
    let answer = t.admin().get(&format!("{}/secrets", path(token))).await.is(200);
    answer.json()["items"].as_array().unwrap().clone()
}

async fn works(actor: &Actor) -> bool {
    actor.get("/api/v1/me").await.status == 200
}

#[both_engines]
async fn an_old_secret_lives_on_for_as_long_as_the_reset_says(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let old = t.with(&ci);
    let bearer = old.asks("repository:acme/api:pull").await;
    t.clock.advance(Length::seconds(1));
    let new = reset(&t, &ci, json!({"keep_old_for": "24h"})).await;
    assert!(works(&old).await && works(&new).await);
    let secrets = living(&t, &ci).await;
    assert_eq!((secrets.len(), &secrets[0]["ends_at"]), (2, &json!(null)));
    assert_eq!(secrets[1]["ends_at"], json!("2026-01-02T00:00:01Z"));
    assert_ne!(secrets[0]["hint"], secrets[1]["hint"]);

    t.clock.advance(Length::milliseconds(24 * 3_600_000 - 1));
    assert!(works(&old).await);
    t.clock.advance(Length::milliseconds(1));
    assert!(!works(&old).await && works(&new).await);
    old.get("/api/v1/me").await.refused(401, "bad-credential").says("ended by a reset on 2026-01-02");
    bearer.get("/v2/").await.is(401);
    assert_eq!(living(&t, &ci).await.len(), 1);
}

#[both_engines]
async fn a_later_reset_never_moves_an_ending_later(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({})).await;
    t.clock.advance(Length::seconds(60));
    reset(&t, &ci, json!({"keep_old_for": "1h"})).await;
    t.clock.advance(Length::seconds(60));
    reset(&t, &ci, json!({"keep_old_for": "7d"})).await;
    let ends: Vec<_> = living(&t, &ci).await.iter().map(|secret| secret["ends_at"].clone()).collect();
    assert_eq!(ends, [json!(null), json!("2026-01-08T00:02:00Z"), json!("2026-01-01T01:01:00Z")]);
    let last = reset(&t, &ci, json!({})).await;
    assert_eq!(living(&t, &ci).await.len(), 1, "without a grace all of them end");
    assert!(works(&last).await);
}

#[both_engines]
async fn at_most_five_secrets_live(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({})).await;
    for _ in 0..4 {
        t.clock.advance(Length::seconds(1));
        reset(&t, &ci, json!({"keep_old_for": "24h"})).await;
    }
    let again = t.admin().post_json(&format!("{}/reset", path(&ci)), &json!({"keep_old_for": "24h"})).await;
    again.refused(409, "too-many").says("end one of them first");
    let secrets = living(&t, &ci).await;
    assert_eq!(secrets.len(), 5);
    let oldest = secrets[4]["id"].as_str().unwrap();
    t.admin().delete(&format!("{}/secrets/{oldest}", path(&ci))).await.is(204);
    assert!(!works(&t.with(&ci)).await);
    reset(&t, &ci, json!({"keep_old_for": "24h"})).await;
}

#[both_engines]
async fn a_grace_is_at_most_seven_days(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({})).await;
    for grace in [json!("8d"), json!("0s"), json!("24"), json!(24), json!(null), json!("-1h")] {
        let answer =
            t.admin().post_json(&format!("{}/reset", path(&ci)), &json!({"keep_old_for": grace})).await;
        assert_eq!(wrong_fields(&answer.refused(422, "invalid")), ["keep_old_for"], "{grace}");
    }
    assert!(works(&t.with(&ci)).await, "nothing was reset");
}

#[both_engines]
async fn one_secret_ends_with_its_bearers_and_the_others_stay(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let old = t.with(&ci);
    let bearer = old.asks("repository:acme/api:pull").await;
    t.clock.advance(Length::seconds(1));
    let new = reset(&t, &ci, json!({"keep_old_for": "24h"})).await;
    let secrets = living(&t, &ci).await;
    let end = async |of: &ServiceToken, id: &Value| -> Answer {
        t.admin().delete(&format!("{}/secrets/{}", path(of), id.as_str().unwrap())).await
    };
    let other = t.service_token("acme", "other", json!({})).await;
    end(&other, &secrets[1]["id"]).await.refused(404, "not-found");
    end(&ci, &secrets[1]["id"]).await.is(204);
    end(&ci, &secrets[1]["id"]).await.refused(404, "not-found");
    bearer.get("/v2/").await.is(401);
    old.get("/api/v1/me").await.refused(401, "bad-credential").says("ended by a removal");
    assert!(works(&new).await);

    // The last one may go too; a reset then brings the token back.
    end(&ci, &secrets[0]["id"]).await.is(204);
    assert!(!works(&new).await && living(&t, &ci).await.is_empty());
    assert!(works(&reset(&t, &ci, json!({"keep_old_for": "1h"})).await).await);
}

#[both_engines]
async fn of_eight_resets_at_once_one_secret_works(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let admin = t.admin();
    works(&admin).await;
    let reset = format!("{}/reset", path(&ci));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (admin, reset) = (admin.clone(), reset.clone());
        running.spawn(async move { admin.post(&reset).await });
    }
    let answers = running.join_all().await;
    let mut working = 0;
    for answer in answers {
        let secret = answer.is(200).json()["secret"].as_str().unwrap().to_owned();
        working += usize::from(works(&t.basic("ci-bot", &secret)).await);
    }
    assert_eq!(working, 1);
    assert!(!works(&t.with(&ci)).await);
    assert_eq!(living(&t, &ci).await.len(), 1);
}

fn warnings(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("warning").iter().map(|value| value.to_str().unwrap()).collect()
}

#[both_engines]
async fn a_token_says_in_its_last_week_when_it_expires(t: TestServer) {
    let body = json!({"permission": "pull-push", "expires_in": "8d"});
    let ci = t.service_token("acme", "ci-bot", body).await;
    let push = t.with(&ci).push("acme/api", "1.0", &Image::new(1, 100)).await.is(201);
    assert_eq!(warnings(&push), [""; 0]);
    t.clock.advance(Length::days(1));
    let expect = ["299 - \"token acme/ci-bot expires on 2026-01-09\""];
    let docker = t.with(&ci).asks("repository:acme/api:pull,push").await;
    for actor in [t.with(&ci), docker] {
        assert_eq!(warnings(&actor.get("/v2/").await.is(200)), expect);
        assert_eq!(warnings(&actor.pull("acme/api", "1.0").await.is(200)), expect);
        assert_eq!(warnings(&actor.start_upload("acme/api").await.is(202)), expect);
        // An error behind the gate is an answer too.
        assert_eq!(warnings(&actor.pull("acme/api", "none").await.is(404)), expect);
    }
    assert_eq!(warnings(&t.anonymous().get("/v2/").await.is(401)), [""; 0]);
    assert_eq!(warnings(&t.admin().get("/v2/").await.is(200)), [""; 0]);
}

#[both_engines]
async fn an_old_secret_in_its_grace_says_when_it_ends_and_the_new_one_is_silent(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let new = reset(&t, &ci, json!({"keep_old_for": "24h"})).await;
    let said = t.with(&ci).get("/v2/").await.is(200);
    let text = "299 - \"this secret of token acme/ci-bot was replaced by a reset and ends on 2026-01-02; use the newer one\"";
    assert_eq!(warnings(&said), [text]);
    assert_eq!(warnings(&new.get("/v2/").await.is(200)), [""; 0]);
}
