//! The audit's page: its filters, what it tells, and to whom.

use access::time::{Clock as _, Length};
use serde_json::json;
use testkit::{TestServer, both_engines, image::Image, server::ADMIN_PASSWORD};

use crate::{browser::Browser, lists::walk};

#[both_engines]
async fn the_audit_tells_who_changed_what_from_what_to_what(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    t.edit(&token, json!({ "permission": "pull-push", "status": "disabled" })).await.is(200);
    let browser = Browser::of_admin(&t).await;
    let page = browser.get(&format!("/audit?token={}", token.id)).await.is(200);
    let page =
        page.says("nowrap\">token created").says("token acme/ci-bot").says("user admin").says("127.0.0.1");
    page.says("status: </span>enabled → disabled").says("scopes: </span>");
    // Each row leads to the history of its token.
    browser.get("/audit").await.is(200).says(&format!("href=\"/audit?token={}\"", token.id));
    // So it does where a token did it.
    let push = t.service_token("acme", "push-bot", json!({ "permission": "pull-push" })).await;
    t.with(&push).push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let history = format!(
        "href=\"/audit?token={}\" aria-label=\"History of token acme/push-bot\">history</a>",
        push.id
    );
    browser.get("/audit").await.is(200).says("user admin").says(&history);
}

#[both_engines]
async fn filters_are_kept_and_narrow(t: TestServer) {
    t.namespace("acme").await;
    t.namespace("other").await;
    let browser = Browser::of_admin(&t).await;
    let page = browser.get("/audit?namespace=acme&since=&until=").await.is(200).says("namespace acme");
    assert!(!page.text().contains("namespace other"), "{page:?}");
    page.says("name=\"namespace\" autocomplete=\"off\" value=\"acme\"");

    let today = t.clock.now().day();
    let yesterday = t.clock.now().minus(Length::hours(24)).day();
    browser.get(&format!("/audit?since={today}&until={today}")).await.is(200).says("namespace acme");
    browser
        .get(&format!("/audit?until={yesterday}"))
        .await
        .is(200)
        .says("Nothing found")
        .says("Clear the filters");
    browser.get("/audit?namespace=acme&user=nobody").await.is(200).says("Nothing found");
    browser.get("/audit?namespace=nobodys").await.is(404);
    t.admin().delete("/api/v1/namespaces/other").await.is(204);
    let page = browser.get("/audit?namespace=other").await.is(200);
    page.says("nowrap\">namespace deleted").says("nowrap\">namespace created");
}

#[both_engines]
async fn what_happened_is_chosen_in_words_and_kept(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    t.with(&token).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    t.edit(&token, json!({ "status": "disabled" })).await.is(200);
    let browser = Browser::of_admin(&t).await;
    // What a row begins with, as it is read.
    let told = async |query: &str| {
        let page = browser.get(&format!("/audit?{query}")).await.is(200);
        let text = page.text();
        let rows = text.split("<th scope=\"row\"><span class=\"nowrap\">").skip(1);
        let mut rows: Vec<_> = rows.map(|row| row.split('<').next().unwrap().to_owned()).collect();
        rows.sort();
        (rows, page)
    };
    for (event, words) in [
        ("token", &["token created", "token disabled"][..]),
        ("token.disabled", &["token disabled"]),
        ("manifest", &["manifest pushed"]),
        ("manifest.deleted", &[]),
    ] {
        for filter in ["namespace=acme".to_owned(), format!("token={}", token.id), "namespace=".to_owned()] {
            let (rows, page) = told(&format!("{filter}&event={event}")).await;
            assert_eq!(rows, words, "{filter} {event}");
            page.says(&format!("<option value=\"{event}\" selected>"));
        }
    }
    // A kind of one event is that event in the form.
    for event in ["settings", "settings.edited"] {
        told(&format!("event={event}")).await.1.says("<option value=\"settings.edited\" selected>");
    }
    let page = browser.get("/audit").await.is(200).says("<optgroup label=\"token\">");
    assert!(!page.text().contains("\" selected>"), "{page:?}");
}

#[both_engines]
async fn a_filter_that_can_t_be_meant_is_told_beside_its_field(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for (query, said) in [
        ("namespace=Acme", "namespace-wrong"),
        ("token=ci-bot", "token-wrong"),
        ("user=%22%3E%3Cscript%3E", "user-wrong"),
        ("since=yesterday", "since-wrong"),
        ("until=2026-02-30", "until-wrong"),
        ("event=%22%3E%3Cscript%3E", "event-wrong"),
        ("event=token.paused", "those of its kind are token.created"),
        ("after=nonsense", "begin with the first"),
    ] {
        let page = browser.get(&format!("/audit?{query}")).await.is(422).says(said);
        assert!(!page.text().contains("\"><script>"), "{page:?}");
    }
    browser.get("/audit?user=%ff").await.is(400);
}

#[both_engines]
async fn pages_follow_each_other_with_their_filters(t: TestServer) {
    t.namespace("acme").await;
    for number in 0..31 {
        // Rows of one millisecond stand in no order.
        t.clock.advance(Length::milliseconds(1));
        let body = json!({ "visibility": if number % 2 == 0 { "public" } else { "private" } });
        t.admin().patch_json("/api/v1/namespaces/acme", &body).await.is(200);
    }
    let browser = Browser::of_admin(&t).await;
    let first = browser.get("/audit?namespace=acme").await.is(200);
    assert!(!first.text().contains("nowrap\">namespace created"), "{first:?}");
    assert_eq!(walk(&browser, "/audit?namespace=acme").await, (32, 2));
    assert_eq!(walk(&browser, "/audit?event=namespace.edited&namespace=acme").await, (31, 2));
}

#[both_engines]
async fn everybody_begins_with_what_they_may_see(t: TestServer) {
    t.namespace("acme").await;
    for username in ["ann", "bob"] {
        let user = json!({ "username": username, "password": ADMIN_PASSWORD });
        t.admin().post_json("/api/v1/users", &user).await.is(201);
    }
    let ann = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    let page = ann.get("/audit").await.is(200).says("nowrap\">session opened").says("value=\"ann\"");
    assert!(!page.text().contains("namespace acme") && !page.text().contains("bob"), "{page:?}");
    for hidden in ["/audit?user=bob", "/audit?user=nobody", "/audit?namespace=acme"] {
        ann.get(hidden).await.is(404);
    }
    ann.get("/audit?namespace=ann").await.is(200).says("nowrap\">namespace created");
}

#[both_engines]
async fn what_others_wrote_is_inert(t: TestServer) {
    let body = json!({ "permission": "pull", "description": "<script>alert(1)</script>" });
    t.service_token("acme", "ci-bot", body).await;
    let page = Browser::of_admin(&t).await.get("/audit").await.is(200).says("&lt;script&gt;alert(1)");
    assert!(!page.text().contains("<script>alert"), "{page:?}");
}
