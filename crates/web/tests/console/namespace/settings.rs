//! The tab Settings, and what is done to a whole namespace.

use serde_json::json;
use testkit::{TestServer, both_engines, image::Image};

use super::{browser_of, lacks};
use crate::browser::Browser;

const SETTINGS: &str = "/namespaces/acme/settings";

async fn visibility(t: &TestServer) -> serde_json::Value {
    t.admin().get("/api/v1/namespaces/acme").await.is(200).json()["visibility"].clone()
}

fn revision(page: &str) -> &str {
    page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap()
}

#[both_engines]
async fn who_may_pull_is_changed(t: TestServer) {
    t.namespace("acme").await;
    let browser = Browser::of_admin(&t).await;
    for wanted in ["public", "private"] {
        let page = browser.get(SETTINGS).await.is(200).text();
        let fields = [("visibility", wanted), ("revision", revision(&page))];
        let saved = browser.post(SETTINGS, &fields).await.is(303);
        assert_eq!(saved.header("location"), format!("{SETTINGS}?done=saved"));
        assert_eq!(visibility(&t).await, wanted);
        let page = browser.led_by(saved).await.says("The settings are saved.");
        page.says(&format!("value=\"{wanted}\" checked"));
    }
}

#[both_engines]
async fn a_change_that_is_refused_says_why(t: TestServer) {
    t.namespace("acme").await;
    let browser = Browser::of_admin(&t).await;
    let page = browser.get(SETTINGS).await.is(200).text();
    let old = revision(&page).to_owned();
    for (fields, status, said) in [
        ([("visibility", "secret"), ("revision", old.as_str())], 422, "a namespace is private or public"),
        ([("visibility", ""), ("revision", &old)], 422, "a namespace is private or public"),
        ([("visibility", "public"), ("revision", "x")], 422, "this form does not say what it edits"),
        (
            [("visibility", "public"), ("revision", "")],
            422,
            "<a href=\"/namespaces/acme/settings\">Open it again",
        ),
    ] {
        browser.post(SETTINGS, &fields).await.is(status).says(said);
    }
    // Somebody else changed it since the page was opened.
    t.admin().patch_json("/api/v1/namespaces/acme", &json!({ "visibility": "public" })).await.is(200);
    let late = browser.post(SETTINGS, &[("visibility", "private"), ("revision", &old)]).await.is(409);
    let late = late.says("it was changed since you read it").says("value=\"private\" checked");
    late.says("<a href=\"/namespaces/acme/settings\">Open it again</a>");
    assert_eq!(visibility(&t).await, "public");
}

#[both_engines]
async fn every_token_is_disabled_at_one_stroke(t: TestServer) {
    t.namespace("acme").await;
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    let other =
        t.service_token("acme", "unused", json!({ "permission": "pull", "status": "disabled" })).await;
    t.with(&ci).pull("acme/api", "1.0").await.is(200);
    t.write_usage().await;
    let browser = Browser::of_admin(&t).await;
    browser.get(SETTINGS).await.is(200).says("href=\"/namespaces/acme/disable-tokens\" data-ask");
    let page = browser.get("/namespaces/acme/disable-tokens").await.is(200).says("data-question");
    let page = page.says("1 token is enabled").says("<strong>ci-bot</strong>");
    lacks(&page, "unused");
    let done = browser.post("/namespaces/acme/disable-tokens", &[]).await.is(303);
    assert_eq!(done.header("location"), "/namespaces/acme/tokens?done=every-disabled");
    browser.led_by(done).await.says("Every token here is disabled.");
    t.with(&ci).pull("acme/api", "1.0").await.is(401);
    t.with(&other).pull("acme/api", "1.0").await.is(401);
}

#[both_engines]
async fn a_namespace_is_deleted_by_typing_its_name(t: TestServer) {
    t.namespace("acme").await;
    let browser = Browser::of_admin(&t).await;
    let page = browser.get("/namespaces/acme/delete").await.is(200).says("Type acme to confirm");
    lacks(&page, "Delete its repositories too");
    for typed in ["", "other", "ACME", "\"><script>"] {
        let page = browser.post("/namespaces/acme/delete", &[("name", typed)]).await.is(422);
        lacks(&page.says("id=\"name-wrong\""), "><script>");
    }
    let gone = browser.post("/namespaces/acme/delete", &[("name", "acme")]).await.is(303);
    assert_eq!(gone.header("location"), "/?done=deleted");
    browser.led_by(gone).await.says("The namespace is deleted.");
    browser.get("/namespaces/acme").await.is(404);
}

#[both_engines]
async fn repositories_go_with_it_only_where_that_is_ticked(t: TestServer) {
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let browser = Browser::of_admin(&t).await;
    browser.get("/namespaces/acme/delete").await.is(200).says("It holds 1 repository.");
    let kept = browser.post("/namespaces/acme/delete", &[("name", "acme")]).await.is(409);
    kept.says("Tick the box").says("value=\"acme\"");
    t.admin().pull("acme/api", "1.0").await.is(200);
    browser.post("/namespaces/acme/delete", &[("name", "acme"), ("force", "yes")]).await.is(303);
    browser.get("/namespaces/acme").await.is(404);
}

#[both_engines]
async fn only_admins_of_the_namespace_change_it(t: TestServer) {
    t.namespace("acme").await;
    let writer = browser_of(&t, "ann", Some("writer")).await;
    for path in ["settings", "delete", "disable-tokens"] {
        let path = format!("/namespaces/acme/{path}");
        writer.get(&path).await.is(403);
        writer.post(&path, &[("visibility", "public"), ("revision", "1"), ("name", "acme")]).await.is(403);
    }
    assert_eq!(visibility(&t).await, "private");
    let admin = browser_of(&t, "bob", Some("admin")).await;
    admin.get(SETTINGS).await.is(200).says("Danger zone");
}
