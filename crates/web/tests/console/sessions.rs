//! Profile → Sessions, and the same on the API.

use reqwest::Method;
use serde_json::json;
use testkit::{TestServer, both_engines, server::ADMIN_PASSWORD};

use crate::browser::Browser;

#[both_engines]
async fn a_user_sees_where_they_are_logged_in_and_ends_it(t: TestServer) {
    let (here, there) = (Browser::of_admin(&t).await, Browser::of_admin(&t).await);
    let page = here.get("/profile/sessions").await.is(200).says("this one").says("127.0.0.1");
    let path = page
        .text()
        .split("action=\"/profile/sessions/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    here.post(&format!("/profile/sessions/{path}"), &[]).await.is(303);
    there.get("/").await.is(303);
    here.get("/").await.is(200);
    here.post(&format!("/profile/sessions/{path}"), &[]).await.is(404);
    here.post("/profile/sessions/nonsense/end", &[]).await.is(404);
}

#[both_engines]
async fn nobody_ends_the_session_of_another(t: TestServer) {
    let user = json!({ "username": "ann", "password": ADMIN_PASSWORD });
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    let (ann, admin) = (Browser::of(&t, "ann", ADMIN_PASSWORD).await, Browser::of_admin(&t).await);
    let listed = t.admin().get("/api/v1/users/admin/sessions").await.is(200).json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    ann.post(&format!("/profile/sessions/{id}/end"), &[]).await.is(404);
    t.basic("ann", ADMIN_PASSWORD).get("/api/v1/users/admin/sessions").await.refused(404, "not-found");
    t.basic("ann", ADMIN_PASSWORD)
        .delete(&format!("/api/v1/users/admin/sessions/{id}"))
        .await
        .refused(404, "not-found");
    admin.get("/").await.is(200);
    // An administrator may: whoever left a machine logged in can call somebody.
    let listed = t.admin().get("/api/v1/users/ann/sessions").await.is(200).json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    t.admin().delete(&format!("/api/v1/users/admin/sessions/{id}")).await.refused(404, "not-found");
    t.admin().delete(&format!("/api/v1/users/ann/sessions/{id}")).await.is(204);
    ann.get("/").await.is(303);
}

#[both_engines]
async fn a_user_has_twenty_sessions_at_most(t: TestServer) {
    let first = Browser::of_admin(&t).await;
    for _ in 0..20 {
        t.clock.advance(access::time::Length::milliseconds(1));
        Browser::of_admin(&t).await;
    }
    first.get("/").await.is(303);
    let listed = t.admin().get("/api/v1/users/admin/sessions").await.is(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 20);
}

#[both_engines]
async fn sessions_are_in_the_audit_and_swept_when_they_have_expired(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let audit = t.admin().get("/api/v1/audit?user=admin").await.is(200).json();
    assert_eq!(audit["items"][0]["event"], "session.opened", "{audit:#}");
    let me = t.anonymous().send(browser.request(Method::GET, "/api/v1/me")).await;
    me.is(200);
    t.clock.advance(access::time::Length::hours(12));
    assert_eq!(t.sweep().await.sessions, 1);
    assert_eq!(t.sweep().await.sessions, 0);
}
