//! `/namespaces`.

use serde_json::json;
use testkit::{TestServer, both_engines};

use crate::{names, wrong_fields};

#[both_engines]
async fn a_namespace_is_made_shown_and_listed(t: TestServer) {
    let admin = t.admin();
    let made = admin.post_json("/api/v1/namespaces", &json!({"name": "acme"})).await.is(201);
    assert_eq!(made.header("location"), "/api/v1/namespaces/acme");
    let made = made.json();
    assert_eq!((&made["name"], &made["visibility"]), (&json!("acme"), &json!("private")));
    assert_eq!((&made["created_at"], &made["created_by"]), (&json!("2026-01-01T00:00:00Z"), &json!("admin")));
    let public = json!({"name": "open", "visibility": "public"});
    admin.post_json("/api/v1/namespaces", &public).await.is(201);

    let mut shown = made.clone();
    shown["role"] = json!(null);
    assert_eq!(admin.get("/api/v1/namespaces/acme").await.is(200).json(), shown);
    let all = admin.get("/api/v1/namespaces").await.is(200).json();
    assert_eq!((names(&all), &all["next"]), (vec!["acme", "admin", "open"], &json!(null)));
    assert_eq!(all["items"][2]["visibility"], json!("public"));
}

#[both_engines]
async fn lists_come_page_by_page_and_none_is_left_out(t: TestServer) {
    for name in ["b", "a", "e", "c", "d"] {
        t.namespace(name).await;
    }
    let (mut after, mut seen) = (String::new(), Vec::new());
    for expected in [["a", "admin"].as_slice(), &["b", "c"], &["d", "e"]] {
        let page = t.admin().get(&format!("/api/v1/namespaces?limit=2&after={after}")).await.is(200).json();
        assert_eq!(names(&page), expected);
        seen.extend(names(&page).into_iter().map(str::to_owned));
        after = page["next"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((seen.len(), after.as_str()), (6, ""));
    // A page that is just full is the last: there is no empty one behind it.
    let page = t.admin().get("/api/v1/namespaces?limit=6").await.json();
    assert_eq!((names(&page).len(), &page["next"]), (6, &json!(null)));
}

#[both_engines]
async fn a_name_is_given_once(t: TestServer) {
    t.namespace("acme").await;
    let again = t.admin().post_json("/api/v1/namespaces", &json!({"name": "acme"})).await;
    again.refused(409, "name-taken").says("namespace acme exists already");
}

#[both_engines]
async fn every_mistake_in_a_new_namespace_is_told_at_once(t: TestServer) {
    let body = json!({"name": "Acme", "visibility": "secret", "owner": "x"});
    let answer = t.admin().post_json("/api/v1/namespaces", &body).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["owner", "visibility", "name"]);
    let answer = t.admin().post_json("/api/v1/namespaces", &json!({})).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["name"]);
    for name in ["", "a/b", "..", "a__", "-a", "a\0", &"a".repeat(256)] {
        let answer = t.admin().post_json("/api/v1/namespaces", &json!({"name": name})).await;
        assert_eq!(wrong_fields(&answer.refused(422, "invalid")), ["name"], "{name:?}");
    }
}

#[both_engines]
async fn an_absent_namespace_and_one_that_can_never_be_are_not_found(t: TestServer) {
    for name in ["absent", "Acme", "a%2Fb", "%00", "%ff"] {
        for path in [format!("/api/v1/namespaces/{name}"), format!("/api/v1/namespaces/{name}/tokens")] {
            t.admin().get(&path).await.refused(404, "not-found");
        }
    }
    let tokens = "/api/v1/namespaces/absent/tokens";
    t.admin().post_json(tokens, &json!({"name": "deploy"})).await.refused(404, "not-found");
}
