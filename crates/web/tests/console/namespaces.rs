//! The first page, and a new namespace.

use serde_json::json;
use testkit::{TestServer, both_engines, image::Image, server::ADMIN_PASSWORD};

use crate::browser::Browser;

#[both_engines]
async fn a_namespace_is_made_and_listed(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let name = [("name", " acme "), ("visibility", "public")];
    let made = browser.post("/namespaces/new", &name).await.is(303);
    assert_eq!(made.header("location"), "/namespaces/acme");
    browser.get("/").await.is(200).says("href=\"/namespaces/acme\"").says("public: anyone");
    let made = t.admin().get("/api/v1/namespaces/acme").await.is(200).json();
    assert_eq!(made["visibility"], "public");
}

#[both_engines]
async fn a_form_that_is_refused_keeps_what_was_typed(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    t.namespace("acme").await;
    for (name, status, said) in [
        ("", 422, "be a namespace's name"),
        ("Acme", 422, "be a namespace's name"),
        ("acme/app", 422, "be a namespace's name"),
        ("\"><script>alert(1)</script>", 422, "be a namespace's name"),
        ("acme", 409, "namespace acme exists already"),
    ] {
        let page = browser.post("/namespaces/new", &[("name", name), ("visibility", "public")]).await;
        let page = page.is(status).says(said).says("aria-invalid=\"true\"");
        let escaped = name.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(page.text().contains(&format!("value=\"{escaped}\"")), "{page:?}");
        assert!(page.text().contains("value=\"public\" checked"), "{page:?}");
        assert!(!page.text().contains("<script>alert"), "{page:?}");
    }
    browser.post("/namespaces/new", &[("name", "a\0b")]).await.is(400).says("NUL");
}

#[both_engines]
async fn whoever_may_not_make_namespaces_is_not_offered_to(t: TestServer) {
    let user = json!({ "username": "ann", "password": ADMIN_PASSWORD });
    t.admin().patch_json("/api/v1/settings", &json!({ "own_namespaces": false })).await.is(200);
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    let browser = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    let page = browser.get("/").await.is(200).says("An administrator can make you a member of one");
    assert!(!page.text().contains("/namespaces/new") && !page.text().contains("/users"), "{page:?}");
    browser.get("/namespaces/new").await.is(403);
    browser.post("/namespaces/new", &[("name", "mine")]).await.is(403);
}

#[both_engines]
async fn namespaces_come_page_by_page(t: TestServer) {
    for number in 0..51 {
        t.namespace(&format!("space-{number:03}")).await;
    }
    let browser = Browser::of_admin(&t).await;
    let first = browser.get("/").await.is(200).says("space-048");
    assert!(!first.text().contains("space-050"), "{first:?}");
    let next = first.text().split("href=\"/?after=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.get(&format!("/?after={next}")).await.is(200).says("space-050");
}

#[both_engines]
async fn a_namespace_called_new_has_its_pages_too(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let made = browser.post("/namespaces/new", &[("name", "new")]).await.is(303);
    assert_eq!(made.header("location"), "/namespaces/%6Eew");
    let page = browser.get(made.header("location")).await.is(200).says("No repository yet");
    page.says("href=\"/namespaces/%6Eew/members\"").says("href=\"/namespaces/%6Eew/tokens\"");
    browser.get("/").await.is(200).says("href=\"/namespaces/%6Eew\"");
    t.admin().push("new/app", "1.0", &Image::new(1, 10)).await.is(201);
    browser.get("/namespaces/%6Eew").await.is(200).says("href=\"/namespaces/%6Eew/repositories/app\"");
    for rest in ["/repositories/app", "/members", "/settings", "/tokens", "/tokens/new", "/delete"] {
        let page = browser.get(&format!("/namespaces/%6Eew{rest}")).await.is(200);
        for led in ["href=\"/namespaces/new\"", "\"/namespaces/new/"] {
            assert!(!page.text().contains(led), "{rest} leads to the form: {page:?}");
        }
    }
    let deleted = [("name", "new"), ("force", "yes")];
    browser.post("/namespaces/%6Eew/delete", &deleted).await.is(303);
}
