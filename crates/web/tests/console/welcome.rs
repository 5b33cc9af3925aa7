//! The first steps of a new administrator.

use serde_json::json;
use testkit::{TestServer, both_engines, image::Image};

use crate::browser::Browser;

/// How many steps the page marks as done.
async fn done(browser: &Browser) -> usize {
    browser.get("/welcome").await.is(200).text().matches("<li class=\"done\">").count()
}

#[both_engines]
async fn each_step_is_marked_once_it_is_done(t: TestServer) {
    let mut browser = Browser::of_admin(&t).await;
    browser.get("/").await.is(200).says("0 of the 4 first steps are done").says("href=\"/welcome\"");
    let page = browser.get("/welcome").await.is(200).says(&format!("docker login {} -u TOKEN_NAME", t.host));
    page.says("It needs a namespace first.");
    assert_eq!(done(&browser).await, 0);

    // Whichever was made first: both engines lead to the same one.
    for name in ["zoo", "acme", "new"] {
        browser.post("/namespaces/new", &[("name", name)]).await.is(303);
    }
    browser.get("/welcome").await.is(200).says("href=\"/namespaces/acme/tokens/new\"");
    assert_eq!(done(&browser).await, 1);

    let token = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    assert_eq!(done(&browser).await, 2);

    t.with(&token).push("acme/app", "v1", &Image::new(1, 1000)).await.is(201);
    t.write_usage().await;
    assert_eq!(done(&browser).await, 3);

    let (old, new) = (testkit::server::ADMIN_PASSWORD, "a password of my own");
    let fields = [("current_password", old), ("password", new), ("again", new)];
    let answer = browser.post("/profile", &fields).await.is(303);
    browser.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(done(&browser).await, 4);
    browser.get("/welcome").await.is(200).says("All of it is done.");
    let page = browser.get("/").await.is(200);
    assert!(!page.text().contains("/welcome"), "{page:?}");
}

/// The first start made nobody else's password up.
#[both_engines]
async fn a_second_administrator_is_told_whose_choice_their_password_was(t: TestServer) {
    let user = json!({ "username": "ann", "password": testkit::server::ADMIN_PASSWORD, "is_admin": true });
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    let ann = Browser::of(&t, "ann", testkit::server::ADMIN_PASSWORD).await;
    ann.get("/welcome").await.is(200).says("by whoever made your account, or by the first start");
}
