//! Namespaces: opened, closed, deleted, made again; and the settings of the instance.

use reqwest::Method;
use serde_json::json;
use testkit::{TestServer, both_engines};

use crate::{
    people::{administrator, image, role, team, user},
    wrong_fields,
};

const ACME: &str = "/api/v1/namespaces/acme";

#[both_engines]
async fn a_namespace_that_is_closed_is_closed_to_the_next_request(t: TestServer) {
    let (replica, ann) = (t.replica().await, user(&t, "ann").await);
    image(&t, "acme/api").await;
    let open = t.admin().patch_json(ACME, &json!({ "visibility": "public" })).await.is(200);
    assert_eq!(open.json()["visibility"], json!("public"));
    let anonymous = t.anonymous();
    let scope = "repository:acme/api:pull";
    let bearers = [anonymous.asks(scope).await, ann.asks(scope).await];
    for client in [&anonymous, &ann, &bearers[0], &bearers[1]] {
        client.pull("acme/api", "1.0").await.is(200);
    }
    t.admin().patch_json(ACME, &json!({ "visibility": "private" })).await.is(200);
    for server in [&replica, &t] {
        for client in [&anonymous, &bearers[0]] {
            client.at(server).pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED");
        }
        for client in [&ann, &bearers[1]] {
            client.at(server).pull("acme/api", "1.0").await.refused(404, "NAME_UNKNOWN");
        }
    }
}

#[both_engines]
async fn an_edit_of_a_namespace_names_what_it_can_change(t: TestServer) {
    t.namespace("acme").await;
    let etag = t.admin().get(ACME).await.header("etag").to_owned();
    let body = json!({ "name": "other", "visibility": "hidden", "owner": "admin", "id": "x" });
    let answer = t.admin().patch_json(ACME, &body).await.refused(422, "invalid");
    let mut fields = wrong_fields(&answer);
    fields.sort();
    assert_eq!(fields, ["id", "name", "owner", "visibility"]);
    let edit = async |if_match: &str| {
        let request = t.admin().request(Method::PATCH, ACME).header("if-match", if_match);
        t.admin().send(request.json(&json!({ "visibility": "public" }))).await
    };
    edit(&etag).await.is(200);
    edit(&etag).await.refused(412, "changed");
    let reader = user(&t, "ann").await;
    reader.patch_json(ACME, &json!({})).await.refused(404, "not-found");
    role(&t, "acme", "users/ann", "writer").await;
    reader.patch_json(ACME, &json!({})).await.refused(403, "denied");
    reader.delete(ACME).await.refused(403, "denied");
    role(&t, "acme", "users/ann", "admin").await;
    reader.patch_json(ACME, &json!({ "visibility": "private" })).await.is(200);
}

#[both_engines]
async fn a_namespace_that_holds_repositories_is_deleted_by_force_only(t: TestServer) {
    image(&t, "acme/api").await;
    let answer = t.admin().delete(ACME).await.refused(409, "holds-repositories");
    answer.says("namespace acme holds repositories; delete them first, or delete it with force=true");
    t.admin().delete(&format!("{ACME}?force=false")).await.refused(409, "holds-repositories");
    t.admin().delete(&format!("{ACME}?force=yes")).await.refused(422, "invalid");
    t.admin().pull("acme/api", "1.0").await.is(200);
    t.admin().delete(&format!("{ACME}?force=true")).await.is(204);
    t.admin().get(ACME).await.refused(404, "not-found");
    t.admin().delete(&format!("{ACME}?force=true")).await.refused(404, "not-found");
    t.admin().pull("acme/api", "1.0").await.refused(404, "NAME_UNKNOWN");
    t.namespace("empty").await;
    t.admin().delete("/api/v1/namespaces/empty").await.is(204);
}

#[both_engines]
async fn a_namespace_made_again_owes_nothing_to_what_the_old_one_had(t: TestServer) {
    let ann = user(&t, "ann").await;
    image(&t, "acme/api").await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    role(&t, "acme", "users/ann", "admin").await;
    team(&t, "crew", "ann").await;
    role(&t, "acme", "teams/crew", "admin").await;
    let scope = "repository:acme/api:pull,push";
    let dead = [t.with(&ci), t.with(&ci).asks(scope).await];
    let strangers = [ann.clone(), ann.asks(scope).await];
    let files = t.blob_files();
    let mut uploads = Vec::new();
    for client in [&t.admin(), &t.with(&ci), &ann] {
        let upload = client.start_upload("acme/api").await.is(202).header("location").to_owned();
        client.stream_chunk(&upload, b"begun").await.is(202);
        uploads.push(upload);
    }

    t.admin().delete(&format!("{ACME}?force=true")).await.is(204);
    assert_eq!(t.blob_files(), files, "the bytes of the uploads are gone");
    t.namespace("acme").await;
    image(&t, "acme/api").await;
    let again = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    t.with(&again).pull("acme/api", "1.0").await.is(200);

    let ended = "token ci-bot was deleted with its namespace on 2026-01-01";
    for client in &dead {
        client.pull("acme/api", "1.0").await.refused(401, "UNAUTHORIZED").says(ended);
        client.start_upload("acme/api").await.refused(401, "UNAUTHORIZED").says(ended);
    }
    for client in &strangers {
        client.pull("acme/api", "1.0").await.refused(404, "NAME_UNKNOWN");
        client.start_upload("acme/api").await.refused(404, "NAME_UNKNOWN");
    }
    t.admin().get(&format!("/api/v1/tokens/{}", ci.id)).await.refused(404, "not-found");
    assert_eq!(t.admin().get(&format!("{ACME}/members")).await.json()["items"], json!([]));
    for (upload, client) in uploads.iter().zip([&t.admin(), &t.with(&again), &t.admin()]) {
        client.stream_chunk(upload, b"more").await.refused(404, "BLOB_UPLOAD_UNKNOWN");
        client.get(upload).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
}

#[both_engines]
async fn settings_are_shown_and_changed_by_administrators(t: TestServer) {
    let path = "/api/v1/settings";
    let shown = t.admin().get(path).await.is(200);
    let defaults = json!({
        "users_make_namespaces": false, "own_namespaces": true, "tokens_for_others": true,
        "max_uploads_per_principal": 1_000, "max_uploads_per_namespace": 5_000, "max_tokens_per_namespace": 1_000,
        "max_tokens_per_user": 200, "max_instance_tokens": 1_000, "max_namespaces_per_user": 50,
        "max_namespaces": 10_000,
    });
    assert_eq!((&shown.json(), shown.header("etag")), (&defaults, "\"1\""));
    let change = json!({ "users_make_namespaces": true, "tokens_for_others": false, "max_namespaces": 3 });
    let changed = t.admin().patch_json(path, &change).await.is(200);
    let mut after = defaults;
    for (setting, value) in change.as_object().unwrap() {
        after[setting] = value.clone();
    }
    assert_eq!(changed.json(), after);
    let shown = t.admin().get(path).await.is(200);
    assert_eq!((shown.json(), shown.header("etag")), (after, changed.header("etag")));
    let stale = t.admin().request(Method::PATCH, path).header("if-match", "\"1\"");
    t.admin().send(stale.json(&json!({ "own_namespaces": false }))).await.refused(412, "changed");
    let wrong = json!({
        "own_namespaces": "no", "tokens_for_others": null, "open_house": true, "max_namespaces": 0,
        "max_tokens_per_user": 1_000_001, "max_instance_tokens": "7",
    });
    let mut fields = wrong_fields(&t.admin().patch_json(path, &wrong).await.refused(422, "invalid"));
    fields.sort();
    let expected = [
        "max_instance_tokens",
        "max_namespaces",
        "max_tokens_per_user",
        "open_house",
        "own_namespaces",
        "tokens_for_others",
    ];
    assert_eq!(fields, expected);
    let ann = user(&t, "ann").await;
    ann.get(path).await.refused(403, "denied");
    ann.patch_json(path, &json!({ "users_make_namespaces": true })).await.refused(403, "denied");
}

#[both_engines]
async fn users_make_namespaces_where_the_setting_lets_them_and_administer_those(t: TestServer) {
    let (ann, bob) = (user(&t, "ann").await, user(&t, "bob").await);
    let make = json!({ "name": "acme" });
    ann.post_json("/api/v1/namespaces", &make).await.refused(403, "denied");
    let switch = async |on: bool| {
        let change = json!({ "users_make_namespaces": on });
        t.admin().patch_json("/api/v1/settings", &change).await.is(200);
    };
    switch(true).await;
    let made = ann.post_json("/api/v1/namespaces", &make).await.is(201).json();
    assert_eq!((&made["created_by"], &made["owner"]), (&json!("ann"), &json!(null)));
    assert_eq!(ann.get(ACME).await.is(200).json()["role"], json!("admin"));
    bob.get(ACME).await.refused(404, "not-found");
    bob.post_json("/api/v1/namespaces", &make).await.refused(409, "name-taken");
    ann.post_json(&format!("{ACME}/tokens"), &json!({ "name": "ci-bot" })).await.is(201);
    switch(false).await;
    bob.post_json("/api/v1/namespaces", &json!({ "name": "other" })).await.refused(403, "denied");
    ann.get(ACME).await.is(200);
    // An administrator needs no role to make one, and gets none.
    let root = administrator(&t, "root").await;
    root.post_json("/api/v1/namespaces", &json!({ "name": "third" })).await.is(201);
    assert_eq!(t.admin().get("/api/v1/namespaces/third/members").await.json()["items"], json!([]));
}

async fn limit(t: &TestServer, setting: &str, most: i64) {
    t.admin().patch_json("/api/v1/settings", &json!({ setting: most })).await.is(200);
}

#[both_engines]
async fn a_user_creates_as_many_namespaces_as_the_setting_lets_them(t: TestServer) {
    let ann = user(&t, "ann").await;
    t.admin().patch_json("/api/v1/settings", &json!({ "users_make_namespaces": true })).await.is(200);
    limit(&t, "max_namespaces_per_user", 2).await;
    let make = async |name: &str| ann.post_json("/api/v1/namespaces", &json!({ "name": name })).await;
    // At once: one counts the other.
    let made = tokio::join!(make("a1"), make("a2"), make("a3"), make("a4"));
    let mut statuses = [made.0.status, made.1.status, made.2.status, made.3.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409], "{made:?}");
    let refused = make("a5").await.refused(409, "too-many");
    refused.says("user ann has 2 namespaces").says("max_namespaces_per_user").says("administrator");
    let mine = ann.get("/api/v1/namespaces").await.is(200).json();
    let names = crate::names(&mine);
    let one = names.iter().find(|name| name.starts_with('a') && name.len() == 2).unwrap();
    ann.delete(&format!("/api/v1/namespaces/{one}")).await.is(204);
    make("a5").await.is(201);
}

#[both_engines]
async fn there_are_as_many_namespaces_as_the_setting_says_however_they_are_created(t: TestServer) {
    t.namespace("acme").await;
    // The administrator has one of their own.
    limit(&t, "max_namespaces", 3).await;
    let admin = t.admin();
    let image = testkit::image::Image::new(1, 10);
    // Several requests of one push create the namespace once.
    let started = tokio::join!(admin.start_upload("second/api"), admin.start_upload("second/api"));
    for answer in [started.0, started.1] {
        answer.is(202);
    }
    let refused = admin.start_upload("third/api").await.refused(429, "TOOMANYREQUESTS");
    refused.says("the instance has 3 namespaces").says("max_namespaces");
    admin.push_blob("third/api", &image.layer).await.refused(429, "TOOMANYREQUESTS");
    admin.post_json("/api/v1/namespaces", &json!({ "name": "third" })).await.refused(409, "too-many");
    // A new user's own one is left out.
    let made = json!({ "username": "bob", "password": "a fine password" });
    let bob = admin.post_json("/api/v1/users", &made).await.is(201).json();
    assert_eq!(bob["own_namespace"], json!(null));
    admin.push("second/api", "1.0", &image).await.is(201);
    limit(&t, "max_namespaces", 4).await;
    admin.push("third/api", "1.0", &image).await.is(201);
}

#[both_engines]
async fn owners_have_as_many_living_tokens_as_the_settings_say(t: TestServer) {
    user(&t, "ann").await;
    let admin = t.admin();
    for (setting, path, whose) in [
        ("max_tokens_per_namespace", "/api/v1/namespaces/acme/tokens", "namespace acme"),
        ("max_tokens_per_user", "/api/v1/users/ann/tokens", "user ann"),
        ("max_instance_tokens", "/api/v1/tokens", "the instance"),
    ] {
        t.namespace("acme").await;
        limit(&t, setting, 2).await;
        let make = async |name: &str| {
            let token = json!({ "name": name, "expires_in": "2h", "scopes": [] });
            admin.post_json(path, &token).await
        };
        let made = tokio::join!(make("first"), make("second"), make("third"));
        let mut statuses = [made.0.status, made.1.status, made.2.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 201, 409], "{made:?}");
        let refused = make("fourth").await.refused(409, "too-many");
        refused.says(&format!("{whose} has 2 tokens")).says(setting).says("instance administrator");
        // Those that have ended do not count.
        let first = admin.get(path).await.is(200).json()["items"][0]["id"].as_str().unwrap().to_owned();
        admin.delete(&format!("/api/v1/tokens/{first}")).await.is(204);
        make("fourth").await.is(201);
        make("fifth").await.refused(409, "too-many");
        t.clock.advance(access::time::Length::hours(2));
        make("fifth").await.is(201);
    }
}
