//! `/audit`: every mutation is in it, and everybody sees their part of it.

use std::collections::BTreeSet;

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Actor, TestServer, both_engines, image::Image, server::ADMIN_PASSWORD};

use crate::{
    people::{self, PASSWORD},
    wrong_fields,
};

/// The rows that a query finds, the newest first.
async fn rows(actor: &Actor, query: &str) -> Vec<Value> {
    let page = actor.get(&format!("/api/v1/audit?limit=1000{query}")).await.is(200).json();
    assert_eq!(page["next"], json!(null), "more rows than one page");
    page["items"].as_array().unwrap().clone()
}

async fn events(actor: &Actor, query: &str) -> Vec<String> {
    rows(actor, query).await.iter().map(|row| row["event"].as_str().unwrap().to_owned()).collect()
}

/// Everything of the API that changes something, told one after the other: the operation, how it is asked for, and
/// with what. `{TOKEN}` and its like stand for what the house has.
const MUTATIONS: &[(&str, &str, &str, Option<&str>)] = &[
    ("createUser", "POST", "/users", Some(r#"{"username": "ann", "password": "a fine password"}"#)),
    ("editUser", "PATCH", "/users/ann", Some(r#"{"is_admin": true}"#)),
    ("createTeam", "POST", "/teams", Some(r#"{"name": "crew"}"#)),
    ("renameTeam", "PATCH", "/teams/crew", Some(r#"{"name": "gang"}"#)),
    ("addToTeam", "PUT", "/teams/gang/members/ann", None),
    ("createNamespace", "POST", "/namespaces", Some(r#"{"name": "new"}"#)),
    ("editNamespace", "PATCH", "/namespaces/new", Some(r#"{"visibility": "public"}"#)),
    ("setMember", "PUT", "/namespaces/new/members/users/ann", Some(r#"{"role": "admin"}"#)),
    ("removeMember", "DELETE", "/namespaces/new/members/users/ann", None),
    ("removeFromTeam", "DELETE", "/teams/gang/members/ann", None),
    ("deleteTeam", "DELETE", "/teams/gang", None),
    ("editSettings", "PATCH", "/settings", Some(r#"{"users_make_namespaces": true}"#)),
    ("createToken", "POST", "/namespaces/new/tokens", Some(r#"{"name": "ci-bot"}"#)),
    ("createInstanceToken", "POST", "/tokens", Some(r#"{"name": "mirror"}"#)),
    ("createPersonalToken", "POST", "/users/ann/tokens", Some(r#"{"name": "laptop"}"#)),
    ("editToken", "PATCH", "/tokens/{TOKEN}", Some(r#"{"description": "new"}"#)),
    ("resetToken", "POST", "/tokens/{TOKEN}/reset", Some(r#"{"keep_old_for": "24h"}"#)),
    ("endSecret", "DELETE", "/tokens/{TOKEN}/secrets/{SECRET}", None),
    (
        "addScope",
        "POST",
        "/tokens/{TOKEN}/scopes",
        Some(r#"{"type": "repository", "path": "acme/web", "actions": ["pull"]}"#),
    ),
    ("removeScope", "DELETE", "/tokens/{TOKEN}/scopes/{SCOPE}", None),
    ("removeAllScopes", "DELETE", "/tokens/{TOKEN}/scopes", None),
    ("actOnTokens", "POST", "/tokens/batch", Some(r#"{"ids": ["{TOKEN}"], "do": "disable"}"#)),
    ("disableTokens", "POST", "/namespaces/new/tokens/disable-all", None),
    ("endSession", "DELETE", "/users/admin/sessions/{SESSION}", None),
    ("endAll", "POST", "/users/ann/end-all", None),
    ("endCreated", "POST", "/tokens/{CREATOR}/end-created", None),
    ("deleteToken", "DELETE", "/tokens/{TOKEN}", None),
    ("deleteTag", "DELETE", "/namespaces/acme/repositories/api/tags/1.0", None),
    ("deleteManifest", "DELETE", "/namespaces/acme/repositories/api/manifests/{MANIFEST}", None),
    ("deleteRepository", "DELETE", "/namespaces/acme/repositories/api", None),
    ("deleteUser", "DELETE", "/users/ann", None),
    ("deleteNamespace", "DELETE", "/namespaces/new", None),
];

/// What asks with POST and changes nothing.
const NO_MUTATIONS: [&str; 1] = ["explainToken"];

#[both_engines]
async fn the_document_names_every_event_that_can_be_asked_for(t: TestServer) {
    let document = t.anonymous().get("/api/openapi.json").await.json();
    let parameters = document["paths"]["/audit"]["get"]["parameters"].as_array().unwrap();
    let event = parameters.iter().find(|parameter| parameter["name"] == "event").unwrap();
    let words = event["schema"]["enum"].as_array().unwrap();
    for word in ["blob", "blob.pushed", "token", "token.disabled", "user.password-set"] {
        assert!(words.contains(&json!(word)), "{word} is not in {event}");
    }
    for word in words {
        rows(&t.admin(), &format!("&event={}", word.as_str().unwrap())).await;
    }
}

fn mutations_of(document: &Value) -> BTreeSet<String> {
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    let mutations = operations.filter(|(method, _)| *method != "get");
    mutations
        .map(|(_, operation)| operation["operationId"].as_str().unwrap().to_owned())
        .filter(|operation| !NO_MUTATIONS.contains(&operation.as_str()))
        .collect()
}

#[both_engines]
async fn every_mutation_of_the_api_is_in_the_audit(t: TestServer) {
    let document = t.anonymous().get("/api/openapi.json").await.json();
    let walked: BTreeSet<String> = MUTATIONS.iter().map(|(operation, ..)| (*operation).to_owned()).collect();
    assert_eq!(mutations_of(&document), walked, "an operation is not walked through, or is no more");

    let (admin, image) = (t.admin(), Image::new(1, 1000));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let token = t.service_token("acme", "deploy", json!({ "permission": "pull" })).await;
    let path = format!("/api/v1/tokens/{}", token.id);
    let scope = admin.get(&path).await.json()["scopes"][0]["id"].as_str().unwrap().to_owned();
    let secrets = admin.get(&format!("{path}/secrets")).await.is(200).json();
    let secret = secrets["items"][0]["id"].as_str().unwrap().to_owned();
    let form = format!("username=admin&password={}", ADMIN_PASSWORD.replace(' ', "+"));
    admin.send(admin.request(Method::POST, "/login").body(form)).await.is(200);
    let sessions = admin.get("/api/v1/users/admin/sessions").await.is(200).json();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let creator = t.personal_token("admin", json!({"name": "laptop"})).await;
    let created = json!({"name": "by-laptop"});
    t.with(&creator).post_json("/api/v1/namespaces/acme/tokens", &created).await.is(201);
    let filled = |text: &str| {
        text.replace("{CREATOR}", &creator.id)
            .replace("{TOKEN}", &token.id)
            .replace("{SCOPE}", &scope)
            .replace("{SECRET}", &secret)
            .replace("{SESSION}", &session)
            .replace("{MANIFEST}", &image.manifest.digest)
    };
    let mut before = rows(&admin, "").await.len();
    for (operation, method, path, body) in MUTATIONS {
        let path = format!("/api/v1{}", filled(path));
        let mut request = admin.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
        if let Some(body) = body {
            request = request.json(&serde_json::from_str::<Value>(&filled(body)).unwrap());
        }
        t.clock.advance(Length::seconds(1));
        let answer = admin.send(request).await;
        assert!((200..300).contains(&answer.status), "{operation}\n{answer:?}");
        let now = rows(&admin, "").await;
        assert!(now.len() > before, "{operation} left no row");
        for row in &now[..now.len() - before] {
            assert_eq!(row["actor"], json!("user admin"), "{operation}: {row}");
            assert_eq!(row["request_id"], json!(answer.header("x-request-id")), "{operation}: {row}");
            assert!(!row["target"].as_str().unwrap().is_empty(), "{operation}: {row}");
        }
        before = now.len();
    }
    // Whatever happened can be asked for, by its name and by its kind; each row belongs to one of each.
    let all = events(&admin, "").await;
    let (mut by_event, mut by_kind) = (0, 0);
    for event in all.iter().collect::<BTreeSet<_>>() {
        let found = events(&admin, &format!("&event={event}")).await;
        assert!(!found.is_empty() && found.iter().all(|told| told == event), "{event}: {found:?}");
        by_event += found.len();
    }
    let kind_of = |event: &String| event.split('.').next().unwrap().to_owned();
    for kind in all.iter().map(kind_of).collect::<BTreeSet<_>>() {
        by_kind += events(&admin, &format!("&event={kind}")).await.len();
    }
    assert_eq!((by_event, by_kind), (all.len(), all.len()));
}

#[both_engines]
async fn every_mutation_of_content_is_in_the_audit_and_looking_is_not(t: TestServer) {
    let (admin, image) = (t.admin(), Image::new(1, 1000));
    admin.push("acme/api", "1.0", &image).await.is(201);
    let pushed: BTreeSet<String> = events(&admin, "").await.into_iter().collect();
    for event in ["namespace.created", "repository.created", "manifest.pushed"] {
        assert!(pushed.contains(event), "{event} is not in {pushed:?}");
    }
    let before = rows(&admin, "").await.len();
    admin.pull("acme/api", "1.0").await.is(200);
    admin.get("/v2/acme/api/tags/list").await.is(200);
    admin.get("/api/v1/namespaces/acme/repositories/api").await.is(200);
    admin.delete("/v2/acme/api/manifests/absent").await.is(404);
    assert_eq!(rows(&admin, "").await.len(), before);

    let digest = &image.manifest.digest;
    for (path, event) in [
        ("/v2/acme/api/manifests/1.0".to_owned(), "tag.deleted"),
        (format!("/v2/acme/api/manifests/{digest}"), "manifest.deleted"),
        (format!("/v2/acme/api/blobs/{}", image.layer.digest), "blob.deleted"),
    ] {
        t.clock.advance(Length::seconds(1));
        admin.delete(&path).await.is(202);
        assert_eq!(rows(&admin, "").await[0]["event"], json!(event));
    }
}

#[both_engines]
async fn a_row_says_who_did_what_when_from_where_with_which_token(t: TestServer) {
    let token = t.service_token("acme", "deploy", json!({ "permission": "pull-push" })).await;
    let actor = t.with(&token);
    actor.push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    let (path, other) = ("/v2/acme/api/manifests/1.0", Image::new(2, 1000));
    for blob in [&other.layer, &other.config] {
        actor.push_blob("acme/api", blob).await.is(201);
    }
    // Rows of one millisecond have no order.
    t.clock.advance(Length::seconds(1));
    let request = actor.request(Method::PUT, path).header("user-agent", "docker/28.2.2 go/1.24");
    let request = request.header("content-type", testkit::image::MANIFEST_TYPE);
    let answer = actor.send(request.body(other.manifest.bytes.clone())).await.is(201);

    let row = rows(&t.admin(), "").await.remove(0);
    let expected = json!({
        "id": row["id"],
        "at": "2026-01-01T00:00:01Z",
        "actor": "token acme/deploy",
        "with_token": token.id,
        "event": "manifest.pushed",
        "target": "acme/api:1.0",
        "namespace": "acme",
        "namespace_id": row["namespace_id"],
        "user": null,
        "user_id": null,
        "token": null,
        "from": "127.0.0.1",
        "client": "docker/28.2.2 go/1.24",
        "request_id": answer.header("x-request-id"),
        "before": { "digest": Image::new(1, 1000).manifest.digest },
        "after": { "digest": other.manifest.digest },
    });
    assert_eq!(row, expected);
}

#[both_engines]
async fn who_disabled_a_busy_token_is_found_beneath_its_pushes(t: TestServer) {
    let token = t.service_token("acme", "deploy", json!({ "permission": "pull-push" })).await;
    for number in 0..3 {
        t.clock.advance(Length::seconds(1));
        t.with(&token).push("acme/api", "1.0", &Image::new(number, 1000)).await.is(201);
    }
    t.clock.advance(Length::seconds(1));
    t.edit(&token, json!({ "status": "disabled" })).await.is(200);
    let admin = t.admin();
    for filter in ["".to_owned(), "&namespace=acme".to_owned(), format!("&token={}", token.id)] {
        let disabled = rows(&admin, &format!("{filter}&event=token.disabled")).await;
        assert_eq!(disabled.len(), 1, "{filter}");
        assert_eq!((&disabled[0]["actor"], &disabled[0]["token"]), (&json!("user admin"), &json!(token.id)));
        let acts = events(&admin, &format!("{filter}&event=token")).await;
        assert_eq!(acts, ["token.disabled", "token.created"], "{filter}");
        let pushes = events(&admin, &format!("{filter}&event=manifest")).await;
        assert_eq!(pushes, ["manifest.pushed"; 3], "{filter}");
        assert_eq!(events(&admin, &format!("{filter}&event=tag.deleted")).await, [""; 0]);
    }
    assert_eq!(events(&admin, "&user=admin&event=token").await, ["token.disabled", "token.created"]);
    assert_eq!(events(&admin, "&user=admin&event=manifest").await, [""; 0]);
}

#[both_engines]
async fn a_filter_by_what_happened_opens_nothing(t: TestServer) {
    let ann = people::user(&t, "ann").await;
    t.namespace("acme").await;
    for (actor, query, status) in [
        (&ann, "event=token", 403),
        (&ann, "event=token&namespace=acme", 404),
        (&ann, "event=user.created&user=admin", 404),
        (&ann, "event=user.created&user=ann", 200),
        (&t.anonymous(), "event=token", 401),
        (&t.anonymous(), "event=nonsense", 401),
    ] {
        actor.get(&format!("/api/v1/audit?{query}")).await.is(status);
    }
}

#[both_engines]
async fn everybody_sees_their_part(t: TestServer) {
    let ann = people::user(&t, "ann").await;
    let bob = people::user(&t, "bob").await;
    for namespace in ["acme", "other"] {
        t.namespace(namespace).await;
        people::role(&t, namespace, "users/bob", "writer").await;
    }
    people::role(&t, "acme", "users/ann", "admin").await;
    let token = t.service_token("acme", "deploy", json!({})).await;

    for (actor, query, status) in [
        (&ann, "", 403),
        (&ann, "?namespace=acme", 200),
        (&ann, "?namespace=other", 404),
        (&ann, "?namespace=absent", 404),
        (&ann, "?user=ann", 200),
        (&ann, "?user=bob", 404),
        (&ann, "?user=nobody", 404),
        (&ann, &format!("?token={}", token.id), 200),
        (&ann, &format!("?namespace=acme&token={}&user=bob", token.id), 200),
        (&bob, "?namespace=acme", 403),
        (&bob, &format!("?token={}", token.id), 404),
        // A service token manages nothing, whatever it asks about.
        (&t.with(&token), &format!("?token={}", token.id), 403),
        (&t.with(&token), "?namespace=acme", 403),
        (&t.with(&token), "?namespace=absent", 403),
        (&t.admin(), "", 200),
        (&t.admin(), "?user=bob", 200),
        (&t.admin(), "?user=nobody", 404),
        (&t.admin(), "?namespace=absent", 404),
        (&t.anonymous(), "?namespace=acme", 401),
    ] {
        actor.get(&format!("/api/v1/audit{query}")).await.is(status);
    }
    let of_acme = rows(&ann, "&namespace=acme").await;
    assert!(of_acme.iter().all(|row| row["namespace"] == json!("acme")), "{of_acme:?}");
    assert!(of_acme.iter().any(|row| row["token"] == json!(token.id)));
    // What was done to ann is hers to see, also by whom.
    assert!(rows(&ann, "&user=ann").await.iter().any(|row| row["event"] == json!("user.created")));
    // A filter on somebody who is not there lets nothing through, and says nothing of who is.
    assert_eq!(events(&ann, "&namespace=acme&user=nobody").await, [""; 0]);
}

#[both_engines]
async fn a_history_outlives_its_token(t: TestServer) {
    let ann = people::user(&t, "ann").await;
    let token = t.service_token("acme", "deploy", json!({ "permission": "pull-push" })).await;
    people::role(&t, "acme", "users/ann", "admin").await;
    t.with(&token).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    t.clock.advance(Length::seconds(1));
    t.admin().delete(&format!("/api/v1/tokens/{}", token.id)).await.is(204);

    let query = format!("&token={}", token.id);
    for actor in [&t.admin(), &ann] {
        let history = events(actor, &query).await;
        assert_eq!(history[0], "token.deleted");
        for event in ["token.created", "manifest.pushed"] {
            assert!(history.iter().any(|told| told == event), "{event} is not in {history:?}");
        }
    }
    // Long after the tombstone: still there for whoever asks for the namespace's.
    t.clock.advance(Length::days(100));
    t.sweep().await;
    ann.get(&format!("/api/v1/audit?{}", &query[1..])).await.refused(404, "not-found");
    assert!(events(&ann, &format!("&namespace=acme{query}")).await.contains(&"token.deleted".to_owned()));
    assert!(events(&t.admin(), &query).await.contains(&"token.deleted".to_owned()));

    // Administrators of a new namespace with the same name do not see the history of the deleted one.
    t.admin().delete("/api/v1/namespaces/acme?force=true").await.is(204);
    t.namespace("acme").await;
    people::role(&t, "acme", "users/ann", "admin").await;
    assert_eq!(events(&ann, &format!("&namespace=acme{query}")).await, [""; 0]);
}

#[both_engines]
async fn a_users_own_tokens_history_is_theirs(t: TestServer) {
    let (ann, bob) = (people::user(&t, "ann").await, people::user(&t, "bob").await);
    let made = ann.post_json("/api/v1/users/ann/tokens", &json!({ "name": "laptop" })).await.is(201).json();
    let query = format!("&token={}", made["id"].as_str().unwrap());
    assert_eq!(events(&ann, &query).await, ["token.created"]);
    bob.get(&format!("/api/v1/audit?{}", &query[1..])).await.refused(404, "not-found");
    t.basic("ann", PASSWORD)
        .delete(&format!("/api/v1/tokens/{}", made["id"].as_str().unwrap()))
        .await
        .is(204);
    assert_eq!(events(&ann, &query).await.len(), 2);
    bob.get(&format!("/api/v1/audit?{}", &query[1..])).await.refused(404, "not-found");
}

#[both_engines]
async fn time_and_pages_cut_the_audit(t: TestServer) {
    for number in 0..5 {
        t.clock.advance(Length::hours(1));
        t.namespace(&format!("n{number}")).await;
    }
    let admin = t.admin();
    let targets = async |query: &str| {
        let rows = rows(&admin, query).await;
        rows.iter().map(|row| row["target"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let named =
        |numbers: &[u8]| numbers.iter().map(|number| format!("namespace n{number}")).collect::<Vec<_>>();
    let span = "&since=2026-01-01T02:00:00Z&until=2026-01-01T04:00:00Z";
    assert_eq!(targets(span).await, named(&[2, 1]));
    assert_eq!(targets("&since=2026-01-01T04:00:00%2B01:00").await, named(&[4, 3, 2]));

    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let query = format!("/api/v1/audit?limit=2&since=2026-01-01T01:00:00Z&after={after}");
        let page = admin.get(query.trim_end_matches("&after=")).await.is(200).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["target"].clone()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, named(&[4, 3, 2, 1, 0]).into_iter().map(Value::from).collect::<Vec<_>>());
}

#[both_engines]
async fn what_can_t_be_meant_is_refused_by_name(t: TestServer) {
    let answer = t.admin().get("/api/v1/audit?token=x&user=A&since=1&actor=b").await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["actor", "token", "user", "since"]);
    for (event, said) in [
        ("push", "a kind, which is one of blob, certificate,"),
        ("token.paused", "token.created, token.deleted, token.disabled"),
        ("", "such as token.disabled"),
    ] {
        let answer = t.admin().get(&format!("/api/v1/audit?event={event}")).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&answer.says(said)), ["event"]);
    }
}

#[both_engines]
async fn a_deleted_or_recreated_namespace_keeps_its_history_for_instance_administrators(t: TestServer) {
    let admin = t.admin();
    let ann = people::user(&t, "ann").await;
    t.service_token("acme", "deploy", json!({ "permission": "pull-push" })).await;
    let first = rows(&admin, "&namespace=acme").await;
    let first_id = first[0]["namespace_id"].as_str().unwrap().to_owned();
    t.clock.advance(Length::seconds(1));
    admin.delete("/api/v1/namespaces/acme?force=true").await.is(204);

    let gone = rows(&admin, "&namespace=acme").await;
    assert!(gone.len() > first.len() && gone.iter().all(|row| row["namespace"] == json!("acme")), "{gone:?}");
    assert_eq!(rows(&admin, &format!("&namespace={first_id}")).await, gone);
    let created = rows(&admin, "&event=token.created&namespace=acme&user=admin").await;
    assert_eq!(created[0]["namespace"], json!("acme"));
    for query in ["namespace=acme".to_owned(), format!("namespace={first_id}")] {
        ann.get(&format!("/api/v1/audit?{query}")).await.refused(404, "not-found");
    }

    t.clock.advance(Length::seconds(1));
    t.namespace("acme").await;
    t.clock.advance(Length::seconds(1));
    people::role(&t, "acme", "users/ann", "admin").await;
    let both = rows(&admin, "&namespace=acme").await;
    assert_eq!(both[0]["event"], json!("member.set"));
    assert_eq!(both[2..], gone);
    let second_id = both[0]["namespace_id"].as_str().unwrap().to_owned();
    assert_ne!(first_id, second_id);
    assert_eq!(rows(&admin, &format!("&namespace={second_id}")).await, both[..2]);
    assert_eq!(rows(&admin, &format!("&namespace={first_id}")).await, gone);
    assert_eq!(rows(&ann, "&namespace=acme").await, both[..2]);
    ann.get(&format!("/api/v1/audit?namespace={first_id}")).await.refused(404, "not-found");

    // The pages of both namespaces join without a gap.
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = admin.get(&format!("/api/v1/audit?limit=1&namespace=acme{after}")).await.is(200).json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, both);
}

#[both_engines]
async fn a_deleted_user_keeps_their_history_for_instance_administrators(t: TestServer) {
    let admin = t.admin();
    let (ann, bob) = (people::user(&t, "ann").await, people::user(&t, "bob").await);
    ann.post_json("/api/v1/users/ann/tokens", &json!({ "name": "laptop" })).await.is(201);
    t.clock.advance(Length::seconds(1));
    admin.delete("/api/v1/users/ann").await.is(204);

    let gone = rows(&admin, "&user=ann").await;
    let told: BTreeSet<_> = gone.iter().map(|row| row["event"].as_str().unwrap()).collect();
    for event in ["user.created", "token.created", "token.deleted", "user.deleted"] {
        assert!(told.contains(event), "{event} is not in {told:?}");
    }
    let deleted = gone.iter().find(|row| row["event"] == json!("user.deleted")).unwrap();
    assert_eq!(deleted["user"], json!("ann"));
    let id = deleted["user_id"].as_str().unwrap();
    assert_eq!(rows(&admin, &format!("&user={id}")).await, gone);
    for query in ["ann", id] {
        bob.get(&format!("/api/v1/audit?user={query}")).await.refused(404, "not-found");
    }

    // Another user of that name sees their own rows only.
    t.clock.advance(Length::seconds(1));
    let second = people::user(&t, "ann").await;
    let own = rows(&second, "&user=ann").await;
    assert!(own.iter().all(|row| !gone.contains(row)), "{own:?}");
    let both = rows(&admin, "&user=ann").await;
    assert_eq!(both[own.len()..], gone);
    second.get(&format!("/api/v1/audit?user={id}")).await.refused(404, "not-found");
    admin.get("/api/v1/audit?user=0190a5e0-7d4c-7aaa-8bbb-123456789abc").await.refused(404, "not-found");
}
