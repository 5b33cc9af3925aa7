//! Where there is no page, somebody is told so inside the console, with a way out.

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, TestServer, both_engines, image::Image, server::ADMIN_PASSWORD};

use crate::browser::Browser;

/// What browsers accept.
const PAGES: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
/// What only somebody who has logged in sees.
const NAVIGATION: &str = "aria-label=\"Menu of admin\"";

async fn open(browser: &Browser, path: &str) -> Answer {
    let request = browser.request(Method::GET, path);
    browser.send(request.header("accept", PAGES), &[]).await
}

fn is_page(answer: &Answer) {
    assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.text().contains("· Sealock</title>"), "{answer:?}");
}

#[both_engines]
async fn a_mistyped_path_is_a_page_of_the_console_to_a_browser(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for path in ["/nothing", "/users/a/b/c", "/namespaces/acme/nothing", "/v3/"] {
        let page = open(&browser, path).await.is(404).says("There is no such page").says(NAVIGATION);
        is_page(&page);
        let page = open(&Browser::fresh(&t), path).await.is(404).says("There is no such page");
        is_page(&page);
        assert!(!page.text().contains("Menu of"), "{page:?}");
    }
}

#[both_engines]
async fn what_is_no_browser_is_told_where_the_doors_are(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let plain = browser.get("/nothing").await.is(404).says("The registry is at /v2/");
    assert!(plain.header("content-type").starts_with("text/plain"), "{plain:?}");
    for path in ["/api/nothing", "/auth/nothing"] {
        open(&browser, path).await.is(404).says("The registry is at /v2/");
    }
    for path in ["/v2/nothing", "/api/v1/nothing"] {
        let refused = open(&browser, path).await;
        assert!(refused.header("content-type").starts_with("application/"), "{refused:?}");
    }
}

#[both_engines]
async fn an_address_that_only_takes_a_form_leads_back_to_its_page(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for (path, page, way) in [
        ("/teams/ops/rename", "/teams/ops", "Back to the page"),
        ("/teams/ops/members", "/teams/ops", "Back to the page"),
        ("/tokens/1/scopes/add", "/tokens/1/scopes", "Back to the page"),
        ("/users/ann/sessions/1/end", "/users/ann", "Back to the page"),
        ("/profile/sessions/1/end", "/profile/sessions", "Back to the page"),
        ("/tokens/several", "/", "To your namespaces"),
        ("/logout", "/", "To your namespaces"),
    ] {
        let answer = open(&browser, path).await.is(405).says("only takes what a form sends").says(NAVIGATION);
        is_page(&answer);
        assert_eq!(answer.header("allow"), "POST", "{path}");
        answer.says(&format!("<a class=\"button\" href=\"{page}\">{way}</a>"));
    }
    // Logged in all the same.
    browser.get("/").await.is(200);
    let bare = browser.get("/logout").await.is(405);
    assert_eq!((bare.header("allow"), bare.text().as_str()), ("POST", ""));
}

/// Where there is a page, and something is sent to it that no form of it sends.
#[both_engines]
async fn a_page_that_takes_no_form_does_not_speak_of_one(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for (method, path) in
        [(Method::POST, "/audit"), (Method::DELETE, "/users"), (Method::PUT, "/teams/ops/members")]
    {
        let request = browser.request(method, path).header("accept", PAGES);
        let answer = browser.send(request.header("sec-fetch-site", "same-origin"), &[]).await.is(405);
        is_page(&answer);
        assert!(!answer.text().contains("form sends") && !answer.text().contains("Back to"), "{answer:?}");
        answer.says("Nothing was done").says("<a class=\"button\" href=\"/\">To your namespaces</a>");
    }
}

/// A link from elsewhere can carry any text: none of it may be read as what the console itself says.
#[both_engines]
async fn what_an_address_says_is_never_repeated_as_the_console_s_own_words(t: TestServer) {
    let token = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "ops" })).await.is(201);
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let browser = Browser::of_admin(&t).await;
    for path in [
        "/?",
        "/assets/?/?",
        "/namespaces/?",
        "/namespaces/?/delete",
        "/namespaces/?/disable-tokens",
        "/namespaces/?/members",
        "/namespaces/?/settings",
        "/namespaces/?/tokens",
        "/namespaces/?/tokens/new",
        "/namespaces/acme/?",
        "/namespaces/acme/members/?/admin/remove",
        "/namespaces/acme/members/teams/?/remove",
        "/namespaces/acme/members/users/?/remove",
        "/namespaces/acme/repositories/?",
        "/namespaces/acme/repositories/?/delete",
        "/namespaces/acme/repositories/?/manifests",
        "/namespaces/acme/repositories/api/manifests/?",
        "/namespaces/acme/repositories/api/manifests/?/delete",
        "/namespaces/acme/repositories/api/tags/?/delete",
        "/profile/sessions/?/end",
        "/teams/?",
        "/teams/?/delete",
        "/teams/?/members",
        "/teams/?/members/admin/remove",
        "/teams/?/rename",
        "/teams/ops/members/?/remove",
        "/tokens/?",
        "/tokens/?/created",
        "/tokens/?/delete",
        "/tokens/?/disable",
        "/tokens/?/edit",
        "/tokens/?/enable",
        "/tokens/?/end-created",
        "/tokens/?/reset",
        "/tokens/?/scopes",
        "/tokens/?/scopes/add",
        "/tokens/?/scopes/remove-all",
        "/tokens/{token}/scopes/?/remove",
        "/tokens/{token}/secrets/?/end",
        "/users/?",
        "/users/?/end-all",
        "/users/?/password",
        "/users/?/sessions/1/end",
        "/users/?/tokens",
        "/users/?/tokens/new",
        "/users/admin/?",
        "/users/admin/sessions/?/end",
    ] {
        let path =
            path.replace('?', "Your%20account%20is%20locked.%20Call%20123").replace("{token}", &token.id);
        let sent = [("username", "admin"), ("name", "ops"), ("password", "a fine password")];
        for answer in [open(&browser, &path).await, browser.post(&path, &sent).await] {
            assert!((400..500).contains(&answer.status), "{answer:?}");
            assert!(!answer.text().contains("account is locked"), "{answer:?}");
        }
    }
}

#[both_engines]
async fn a_segment_that_is_no_text_names_nothing(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for path in [
        "/users/%ff",
        "/users/%ff/delete",
        "/users/%ff/tokens",
        "/teams/%ff",
        "/teams/ops/members/%ff/remove",
        "/tokens/%ff",
        "/tokens/%ff/edit",
        "/namespaces/%ff",
        "/namespaces/%ff/tokens",
    ] {
        is_page(&browser.get(path).await.is(404).says(NAVIGATION));
    }
    is_page(&browser.post("/profile/sessions/%ff/end", &[]).await.is(404));
}

#[both_engines]
async fn a_refusal_keeps_the_navigation_of_whoever_is_refused(t: TestServer) {
    let user = json!({ "username": "ann", "password": ADMIN_PASSWORD });
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    let ann = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    for (path, status) in
        [("/users", 403), ("/namespaces/nobody", 404), ("/tokens/1", 404), ("/?after=%00", 400)]
    {
        let page = ann.get(path).await.is(status).says("Menu of ann");
        is_page(&page);
        // No more of it than they have elsewhere.
        assert!(!page.text().contains("href=\"/users\""), "{page:?}");
    }
    let foreign = ann.request(Method::POST, "/profile").header("sec-fetch-site", "cross-site");
    let page = ann.send(foreign, &[]).await.is(403);
    assert!(!page.text().contains("Menu of ann"), "who sent it is not known: {page:?}");
}

#[both_engines]
async fn a_form_that_is_too_long_is_told_so(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let long = "x".repeat(256 * 1024);
    let page =
        browser.post("/namespaces/new", &[("name", &long)]).await.is(413).says("longer than 262144 bytes");
    is_page(&page.says(NAVIGATION));
}

#[both_engines]
async fn a_list_begins_only_where_a_name_could_end(t: TestServer) {
    t.namespace("acme").await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "ops" })).await.is(201);
    let browser = Browser::of_admin(&t).await;
    for path in
        ["/", "/users", "/teams", "/teams/ops", "/namespaces/acme", "/namespaces/acme/members", "/tokens"]
    {
        browser.get(&format!("{path}?after={}", "a".repeat(255))).await.is(200);
        browser
            .get(&format!("{path}?after={}", "a".repeat(256)))
            .await
            .is(400)
            .says("go back to its first page");
        browser.get(&format!("{path}?after=a%00b")).await.is(400).says("NUL");
    }
}
