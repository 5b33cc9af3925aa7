//! With which credential a token was created, and how everything that a stolen one created is found and ended.

use access::time::Length;
use serde_json::{Value, json};
use testkit::{Actor, ServiceToken, TestServer, both_engines};

use crate::{names, people::role, wrong_fields};

const TOKENS: &str = "/api/v1/namespaces/acme/tokens";

/// Ann, who administers acme, with a personal token.
async fn ann_with_laptop(t: &TestServer) -> (Actor, ServiceToken) {
    t.admin()
        .post_json("/api/v1/users", &json!({"username": "ann", "password": "a fine password"}))
        .await
        .is(201);
    t.namespace("acme").await;
    role(t, "acme", "users/ann", "admin").await;
    let laptop = t.personal_token("ann", json!({"name": "laptop"})).await;
    (t.basic("ann", "a fine password"), laptop)
}

/// A second later, so that ids are in the order of their creation.
async fn create(t: &TestServer, caller: &Actor, namespace: &str, name: &str) -> Value {
    t.clock.advance(Length::seconds(1));
    let path = format!("/api/v1/namespaces/{namespace}/tokens");
    caller.post_json(&path, &json!({"name": name})).await.is(201).json()
}

async fn created(caller: &Actor, with: &ServiceToken) -> Value {
    caller.get(&format!("/api/v1/tokens/{}/created", with.id)).await.is(200).json()
}

async fn end_created(caller: &Actor, with: &ServiceToken) -> Value {
    caller.post(&format!("/api/v1/tokens/{}/end-created", with.id)).await.is(200).json()
}

#[both_engines]
async fn a_token_shows_the_credential_that_it_was_created_with(t: TestServer) {
    let (ann, laptop) = ann_with_laptop(&t).await;
    let with_laptop = json!({"kind": "token", "id": laptop.id, "name": "token \"laptop\" of user ann"});
    let by_token = create(&t, &t.with(&laptop), "acme", "by-token").await;
    assert_eq!(by_token["created_with"], with_laptop);
    assert_eq!(by_token["created_by"], "ann");
    assert_eq!(create(&t, &ann, "acme", "by-password").await["created_with"], json!({"kind": "password"}));
    // The words outlive the token and its tombstone.
    t.admin().delete(&format!("/api/v1/tokens/{}", laptop.id)).await.is(204);
    t.clock.advance(Length::days(91));
    t.sweep().await;
    let path = format!("/api/v1/tokens/{}", by_token["id"].as_str().unwrap());
    assert_eq!(t.admin().get(&path).await.is(200).json()["created_with"], with_laptop);
    let found = t.admin().get(&format!("/api/v1/tokens/{}/created", laptop.id)).await.is(200).json();
    assert_eq!(names(&found), ["by-token"]);
}

#[both_engines]
async fn a_token_of_an_older_version_was_created_with_nothing_that_is_known(t: TestServer) {
    let old = t.service_token("acme", "old", json!({})).await;
    t.tamper("UPDATE tokens SET created_with = '', created_with_id = ''").await;
    let shown = t.admin().get(&format!("/api/v1/tokens/{}", old.id)).await.is(200).json();
    assert_eq!(shown["created_with"], json!(null));
}

#[both_engines]
async fn lists_and_the_audit_filter_by_the_creating_token(t: TestServer) {
    let (ann, laptop) = ann_with_laptop(&t).await;
    let admins = t.personal_token("admin", json!({"name": "admins"})).await;
    create(&t, &t.with(&laptop), "acme", "one").await;
    create(&t, &ann, "acme", "other").await;
    let mirror = json!({"name": "mirror"});
    t.with(&admins).post_json("/api/v1/tokens", &mirror).await.is(201);
    t.admin().post_json("/api/v1/tokens", &json!({"name": "third"})).await.is(201);
    for (list, with, expect) in [
        (TOKENS, &laptop, vec!["one"]),
        (TOKENS, &admins, vec![]),
        ("/api/v1/tokens", &admins, vec!["mirror"]),
        ("/api/v1/users/ann/tokens", &laptop, vec![]),
    ] {
        let found = t.admin().get(&format!("{list}?created_with={}", with.id)).await.is(200).json();
        assert_eq!(names(&found), expect, "{list}");
    }
    let refused = t.admin().get(&format!("{TOKENS}?created_with=laptop")).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&refused), ["created_with"]);

    let audit = format!("/api/v1/audit?created_with={}", laptop.id);
    create(&t, &t.with(&laptop), "acme", "two").await;
    let rows = async |query: &str| -> Vec<String> {
        let page = ann.get(&format!("{audit}{query}")).await.is(200).json();
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["target"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(rows("").await, ["token acme/two", "token acme/one"]);
    assert_eq!(rows("&event=token").await, ["token acme/two", "token acme/one"]);
    assert_eq!(rows("&event=token.deleted").await, Vec::<String>::new());
    assert_eq!(rows("&namespace=acme").await, ["token acme/two", "token acme/one"]);
    // Whose token it is may ask, and who is not may not.
    let stranger = json!({"username": "ben", "password": "a fine password"});
    t.admin().post_json("/api/v1/users", &stranger).await.is(201);
    t.basic("ben", "a fine password").get(&audit).await.refused(404, "not-found");
}

#[both_engines]
async fn everything_that_a_stolen_token_created_is_listed_and_ended_at_once(t: TestServer) {
    let (ann, laptop) = ann_with_laptop(&t).await;
    t.namespace("other").await;
    role(&t, "other", "users/ann", "admin").await;
    let thief = t.with(&laptop);
    let mut secrets = Vec::new();
    for (namespace, name) in [("acme", "backdoor"), ("other", "second"), ("acme", "third")] {
        let made = create(&t, &thief, namespace, name).await;
        secrets.push((name, made["secret"].as_str().unwrap().to_owned()));
    }
    create(&t, &ann, "acme", "honest").await;
    // The stolen token is deleted first; what it created still works and is still found.
    ann.delete(&format!("/api/v1/tokens/{}", laptop.id)).await.is(204);
    let (name, secret) = &secrets[0];
    t.basic(name, secret).get("/api/v1/me").await.is(200);
    assert_eq!(names(&created(&ann, &laptop).await), ["backdoor", "second", "third"]);
    let page = ann.get(&format!("/api/v1/tokens/{}/created?limit=2", laptop.id)).await.is(200).json();
    assert_eq!(names(&page), ["backdoor", "second"]);
    let next = page["next"].as_str().unwrap();
    let rest = ann.get(&format!("/api/v1/tokens/{}/created?after={next}", laptop.id)).await.is(200).json();
    assert_eq!((names(&rest), &rest["next"]), (vec!["third"], &json!(null)));

    assert_eq!(end_created(&ann, &laptop).await, json!({"ended": 3, "left": 0}));
    for (name, secret) in &secrets {
        t.basic(name, secret).get("/api/v1/me").await.refused(401, "bad-credential");
    }
    assert!(names(&created(&ann, &laptop).await).is_empty());
    assert_eq!(names(&ann.get(TOKENS).await.is(200).json()), ["honest"]);
    assert_eq!(end_created(&ann, &laptop).await, json!({"ended": 0, "left": 0}));
    let rows = t.admin().get("/api/v1/audit?event=token.deleted").await.is(200).json();
    let mut targets: Vec<_> =
        rows["items"].as_array().unwrap().iter().map(|row| row["target"].as_str().unwrap()).collect();
    targets.sort_unstable();
    let expect =
        ["token \"laptop\" of user ann", "token acme/backdoor", "token acme/third", "token other/second"];
    assert_eq!(targets, expect);
}

#[both_engines]
async fn what_the_caller_may_not_manage_is_neither_listed_nor_ended(t: TestServer) {
    let (ann, laptop) = ann_with_laptop(&t).await;
    t.namespace("other").await;
    role(&t, "other", "users/ann", "admin").await;
    create(&t, &t.with(&laptop), "acme", "mine").await;
    create(&t, &t.with(&laptop), "other", "theirs").await;
    t.admin().delete("/api/v1/namespaces/other/members/users/ann").await.is(204);
    assert_eq!(names(&created(&ann, &laptop).await), ["mine"]);
    assert_eq!(end_created(&ann, &laptop).await, json!({"ended": 1, "left": 1}));
    assert_eq!(names(&created(&t.admin(), &laptop).await), ["theirs"]);
    assert_eq!(end_created(&t.admin(), &laptop).await, json!({"ended": 1, "left": 0}));
}

#[both_engines]
async fn what_a_created_token_created_is_ended_with_it(t: TestServer) {
    let (ann, laptop) = ann_with_laptop(&t).await;
    let child = create(&t, &t.with(&laptop), "acme", "child").await;
    create(&t, &ann, "acme", "grandchild").await;
    // No token that can be created with a token can create one itself yet; the rows say that it did.
    t.tamper(
        "UPDATE tokens SET created_with_id = (SELECT c.id FROM tokens c WHERE c.name = 'child') WHERE name = 'grandchild'",
    )
    .await;
    // Nor does the chain end at a token that has ended.
    ann.delete(&format!("/api/v1/tokens/{}", child["id"].as_str().unwrap())).await.is(204);
    assert_eq!(names(&created(&ann, &laptop).await), ["grandchild"]);
    assert_eq!(end_created(&ann, &laptop).await, json!({"ended": 1, "left": 0}));
}
