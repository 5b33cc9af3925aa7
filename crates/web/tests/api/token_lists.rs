//! Lists with filters, instance tokens, the same act on several, what a token may do, emergencies, and the sweeper.

use access::time::Length;
use serde_json::{Value, json};
use testkit::{Swept, TestServer, both_engines, image::Image};

use crate::{names, wrong_fields};

const TOKENS: &str = "/api/v1/namespaces/acme/tokens";
const BATCH: &str = "/api/v1/tokens/batch";

#[both_engines]
async fn tokens_are_found_by_what_is_known_of_them(t: TestServer) {
    for (name, body) in [
        ("alpha", json!({"description": "Nightly build", "stands_for": {"service": "nightly"}})),
        ("bravo", json!({"status": "disabled", "stands_for": {"user": "anna"}})),
        ("charlie", json!({"expires_in": "2d"})),
        ("delta", json!({"expires_in": "30d"})),
    ] {
        t.service_token("acme", name, body).await;
    }
    t.clock.advance(Length::days(1));
    for (query, expect) in [
        ("", vec!["alpha", "bravo", "charlie", "delta"]),
        ("?status=enabled", vec!["alpha", "charlie", "delta"]),
        ("?status=disabled", vec!["bravo"]),
        ("?expiring=7d", vec!["charlie"]),
        ("?expiring=12h", vec![]),
        ("?unused=1d", vec!["alpha", "bravo", "charlie", "delta"]),
        ("?unused=2d", vec![]),
        ("?stands_for=user:anna", vec!["bravo"]),
        ("?stands_for=service:nightly", vec!["alpha"]),
        ("?stands_for=service:anna", vec![]),
        ("?q=BUILD", vec!["alpha"]),
        ("?q=l&status=enabled&limit=1&after=alpha", vec!["charlie"]),
    ] {
        let page = t.admin().get(&format!("{TOKENS}{query}")).await.is(200).json();
        assert_eq!(names(&page), expect, "{query}");
    }
    for (query, field) in
        [("status=off", "status"), ("unused=x", "unused"), ("stands_for=anna", "stands_for")]
    {
        let refused = t.admin().get(&format!("{TOKENS}?{query}")).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&refused), [field]);
    }
}

#[both_engines]
async fn whom_a_token_is_for_is_shown_and_may_change(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"stands_for": {"user": "anna"}})).await;
    let shown = async || t.admin().get(&format!("/api/v1/tokens/{}", ci.id)).await.is(200).json();
    assert_eq!(shown().await["stands_for"], json!({"user": "anna"}));
    for whom in [json!({"service": "nightly build"}), json!(null)] {
        let edited = t.edit(&ci, json!({"stands_for": whom})).await.is(200).json();
        assert_eq!((&edited["stands_for"], &shown().await["stands_for"]), (&whom, &whom));
    }
    for whom in [
        json!("anna"),
        json!({}),
        json!({"user": "Anna"}),
        json!({"user": "a", "service": "b"}),
        json!({"team": "x"}),
    ] {
        let refused = t.edit(&ci, json!({"stands_for": whom})).await.refused(422, "invalid");
        assert!(wrong_fields(&refused)[0].starts_with("stands_for"), "{whom}");
    }
}

#[both_engines]
async fn an_instance_token_reaches_into_every_namespace_that_its_scopes_name(t: TestServer) {
    t.namespace("acme").await;
    t.namespace("other").await;
    t.namespace("third").await;
    let scope = |path: &str| json!({"type": "repository", "path": path, "actions": ["pull", "push"]});
    let body = json!({"name": "mirror", "scopes": [scope("acme/*"), scope("other/*")]});
    let made = t.admin().post_json("/api/v1/tokens", &body).await.is(201).json();
    assert_eq!((&made["kind"], made.get("namespace"), made.get("username")), (&json!("service"), None, None));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("slks_"));
    let mirror = t.basic("mirror", secret);
    mirror.push("acme/api", "1.0", &Image::new(1, 100)).await.is(201);
    mirror.push("other/api", "1.0", &Image::new(1, 100)).await.is(201);
    mirror
        .start_upload("third/api")
        .await
        .refused(404, "NAME_UNKNOWN")
        .says("token mirror has no scope that covers it");
    // It makes no namespace, and manages nothing.
    let everything = json!({"name": "everything", "permission": "pull-push"});
    let made = t.admin().post_json("/api/v1/tokens", &everything).await.is(201).json();
    let everything = t.basic("everything", made["secret"].as_str().unwrap());
    everything.start_upload("fresh/api").await.refused(404, "NAME_UNKNOWN");
    everything.get("/api/v1/tokens").await.refused(403, "denied");

    t.admin().post_json("/api/v1/tokens", &body).await.refused(409, "name-taken");
    t.service_token("acme", "mirror", json!({})).await;
    assert_eq!(names(&t.admin().get("/api/v1/tokens").await.is(200).json()), ["everything", "mirror"]);
    assert_eq!(names(&t.admin().get("/api/v1/tokens?q=mir").await.is(200).json()), ["mirror"]);
    assert_eq!(names(&t.admin().get(TOKENS).await.is(200).json()), ["mirror"]);
}

#[both_engines]
async fn an_act_on_several_tokens_is_done_to_all_or_to_none(t: TestServer) {
    let [one, two] =
        [t.service_token("acme", "one", json!({})).await, t.service_token("other", "two", json!({})).await];
    let nobody = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";
    let act =
        async |ids: &[&str], act: &str| t.admin().post_json(BATCH, &json!({"ids": ids, "do": act})).await;
    let status =
        async |id: &str| t.admin().get(&format!("/api/v1/tokens/{id}")).await.json()["status"].clone();
    for what in ["disable", "delete"] {
        act(&[&one.id, &two.id, nobody], what).await.refused(404, "not-found").says(nobody);
        assert_eq!((status(&one.id).await, status(&two.id).await), (json!("enabled"), json!("enabled")));
    }
    // The same one twice is meant once.
    let done = act(&[&two.id, &one.id, &two.id], "disable").await.is(200).json();
    let statuses: Vec<_> = done["items"].as_array().unwrap().iter().map(|token| &token["status"]).collect();
    assert_eq!(statuses, [&json!("disabled"); 2]);
    t.with(&one).get("/api/v1/me").await.refused(401, "bad-credential");
    act(&[&one.id, &two.id], "enable").await.is(200);
    t.with(&one).get("/api/v1/me").await.is(200);
    act(&[&one.id, &two.id], "delete").await.is(200);
    act(&[&one.id], "delete").await.refused(404, "not-found");
    t.with(&two).get("/api/v1/me").await.refused(401, "bad-credential").says("was deleted");
    let refused = act(&[], "purge").await.refused(422, "invalid");
    assert_eq!(wrong_fields(&refused), ["do", "ids"]);
}

#[both_engines]
async fn a_token_is_explained_as_the_gate_would_decide(t: TestServer) {
    let scope = json!({"type": "repository", "path": "acme/*", "actions": ["pull"]});
    let ci = t.service_token("acme", "ci-bot", json!({"scopes": [scope], "expires_in": "1h"})).await;
    t.namespace("other").await;
    let explain = async |action: &str, repository: &str| {
        let body = json!({"action": action, "repository": repository});
        t.admin().post_json(&format!("/api/v1/tokens/{}/explain", ci.id), &body).await
    };
    let pull = explain("pull", "acme/api").await.is(200).json();
    assert_eq!(pull, json!({"allowed": true, "rule": "its scope: pull on acme/*", "reason": null}));
    let push = explain("push", "acme/api").await.is(200).json();
    let reason = "token acme/ci-bot has no scope with push for acme/api";
    assert_eq!(push, json!({"allowed": false, "rule": null, "reason": reason}));
    let elsewhere = explain("admin", "other/api").await.is(200).json();
    assert_eq!(elsewhere["allowed"], json!(false));
    // What is there and what is not look alike.
    let absent = explain("admin", "nowhere/api").await.is(200).text();
    assert_eq!(
        elsewhere.to_string().replace("other/api", "nowhere/api"),
        serde_json::from_str::<Value>(&absent).unwrap().to_string()
    );
    t.edit(&ci, json!({"status": "disabled"})).await.is(200);
    let disabled = explain("pull", "acme/api").await.is(200).json();
    assert!(disabled["reason"].as_str().unwrap().contains("is disabled"), "{disabled}");
    let refused = explain("fly", "Acme").await.refused(422, "invalid");
    assert_eq!(wrong_fields(&refused), ["action", "repository"]);
}

#[both_engines]
async fn every_token_of_a_namespace_is_disabled_at_one_stroke(t: TestServer) {
    let [one, two] =
        [t.service_token("acme", "one", json!({})).await, t.service_token("acme", "two", json!({})).await];
    let other = t.service_token("other", "one", json!({})).await;
    let bearer = t.with(&one).asks("").await;
    let stroke = "/api/v1/namespaces/acme/tokens/disable-all";
    assert_eq!(t.admin().post(stroke).await.is(200).json(), json!({"disabled": 2}));
    for dead in [t.with(&one), t.with(&two), bearer] {
        dead.get("/v2/").await.refused(401, "UNAUTHORIZED").says("is disabled");
    }
    t.with(&other).get("/v2/").await.is(200);
    assert_eq!(t.admin().post(stroke).await.is(200).json(), json!({"disabled": 0}));
    t.edit(&one, json!({"status": "enabled"})).await.is(200);
    t.with(&one).get("/v2/").await.is(200);
    t.admin().post("/api/v1/namespaces/nowhere/tokens/disable-all").await.refused(404, "not-found");
}

#[both_engines]
async fn the_sweeper_ends_what_time_has_ended_and_changes_no_answer(t: TestServer) {
    let short = t.service_token("acme", "short", json!({"expires_in": "1h"})).await;
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await;
    let upload = t.with(&ci).start_upload("acme/api").await.is(202).header("location").to_owned();
    t.with(&ci).stream_chunk(&upload, b"begun").await.is(202);
    let nothing = Swept::default();
    assert_eq!(t.sweep().await, nothing);
    let files = t.blob_files();

    t.clock.advance(Length::hours(1));
    let dead = async || t.with(&short).get("/api/v1/me").await.refused(401, "bad-credential");
    let before = dead().await.says("token acme/short expired on 2026-01-01").json()["detail"].clone();
    assert_eq!(t.sweep().await, Swept { expired_tokens: 1, ..nothing });
    assert_eq!(dead().await.json()["detail"], before);
    assert_eq!(t.sweep().await, nothing);

    t.clock.advance(Length::hours(23));
    assert_eq!(t.sweep().await, Swept { uploads: 1, ..nothing });
    t.with(&ci).get(&upload).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(t.blob_files(), files - 1, "its bytes are gone too");

    t.clock.advance(Length::days(90));
    assert_eq!(t.sweep().await, Swept { purged: 1, ..nothing });
    dead().await.says("no token has this secret");
}

#[both_engines]
async fn a_secret_that_ended_is_explained_for_90_days(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({})).await;
    t.admin().post(&format!("/api/v1/tokens/{}/reset", ci.id)).await.is(200);
    t.clock.advance(Length::days(89));
    assert_eq!(t.sweep().await, Swept::default());
    t.with(&ci).get("/api/v1/me").await.refused(401, "bad-credential").says("ended by a reset");
    t.clock.advance(Length::days(1));
    assert_eq!(t.sweep().await, Swept { purged: 1, ..Swept::default() });
    t.with(&ci).get("/api/v1/me").await.refused(401, "bad-credential").says("no token has this secret");
}

#[both_engines]
async fn an_expiry_is_in_the_history_whoever_finds_it_first(t: TestServer) {
    let history = async |id: &str| -> Vec<String> {
        let audit = t.admin().get(&format!("/api/v1/audit?token={id}")).await.is(200).json();
        let rows = audit["items"].as_array().unwrap().iter();
        rows.map(|row| row["event"].as_str().unwrap().to_owned()).collect()
    };
    let swept = t.service_token("acme", "swept", json!({"expires_in": "1h"})).await;
    let replaced = t.service_token("acme", "replaced", json!({"expires_in": "1h"})).await;
    t.clock.advance(Length::hours(1));
    t.service_token("acme", "replaced", json!({})).await;
    assert_eq!(history(&replaced.id).await, ["token.expired", "token.created"]);
    assert_eq!(history(&swept.id).await, ["token.created"]);
    t.sweep().await;
    for token in [&swept, &replaced] {
        assert_eq!(history(&token.id).await, ["token.expired", "token.created"]);
    }
}

#[both_engines]
async fn the_row_of_an_expiry_names_the_token_with_its_owner(t: TestServer) {
    let expiring = |name: &str| json!({"name": name, "permission": "pull", "expires_in": "1h"});
    let service = t.service_token("acme", "ci-bot", expiring("ci-bot")).await;
    let instance = t.admin().post_json("/api/v1/tokens", &expiring("mirror")).await.is(201).json();
    let personal =
        t.admin().post_json("/api/v1/users/admin/tokens", &expiring("laptop")).await.is(201).json();
    t.clock.advance(Length::hours(1));
    t.sweep().await;
    for (id, target) in [
        (service.id.as_str(), "token acme/ci-bot"),
        (instance["id"].as_str().unwrap(), "token mirror"),
        (personal["id"].as_str().unwrap(), "token \"laptop\" of user admin"),
    ] {
        let audit = t.admin().get(&format!("/api/v1/audit?token={id}")).await.is(200).json();
        let newest = &audit["items"][0];
        assert_eq!((&newest["event"], &newest["target"]), (&json!("token.expired"), &json!(target)));
    }
}
