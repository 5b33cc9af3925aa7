//! Profile → Sessions, and the same on the API.

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
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
    let ended = here.post(&format!("/profile/sessions/{path}"), &[]).await;
    here.led_by(ended).await.says("That browser is logged out.");
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
        t.clock.advance(Length::milliseconds(1));
        Browser::of_admin(&t).await;
    }
    first.get("/").await.is(303);
    let listed = t.admin().get("/api/v1/users/admin/sessions").await.is(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 20);
}

/// The rows of the audit about a user's sessions, the newest first.
async fn rows(t: &TestServer, username: &str, event: &str) -> Vec<Value> {
    let audit = t.admin().get(&format!("/api/v1/audit?limit=1000&user={username}")).await.is(200).json();
    let rows = audit["items"].as_array().unwrap().iter();
    rows.filter(|row| row["event"] == event).cloned().collect()
}

#[both_engines]
async fn the_audit_says_when_a_session_began_and_how_it_ended(t: TestServer) {
    let mut here = Browser::of_admin(&t).await;
    let opened = rows(&t, "admin", "session.opened").await.remove(0);
    assert_eq!(opened["after"]["expires_at"], "2026-01-01T12:00:00Z", "{opened:#}");
    let first = opened["after"]["session"].clone();

    t.clock.advance(Length::hours(1));
    here.log_in("admin", ADMIN_PASSWORD).await.is(303);
    let second = rows(&t, "admin", "session.opened").await[0]["after"]["session"].clone();
    t.clock.advance(Length::hours(1));
    here.post("/logout", &[]).await.is(303);
    here.post("/logout", &[]).await.is(303);

    let ended = rows(&t, "admin", "session.ended").await;
    assert_eq!(ended.len(), 2, "{ended:#?}");
    for (row, session, at, how) in [
        (&ended[0], &second, "2026-01-01T02:00:00Z", "logged out"),
        (&ended[1], &first, "2026-01-01T01:00:00Z", "replaced by a newer login in the same browser"),
    ] {
        assert_eq!((&row["before"]["session"], &row["at"]), (session, &json!(at)), "{row:#}");
        assert_eq!(row["after"], json!({ "how": how }));
        assert_eq!((&row["actor"], &row["target"]), (&json!("user admin"), &json!("user admin")));
        assert_eq!(row["from"], json!("127.0.0.1"));
    }
}

#[both_engines]
async fn a_session_that_somebody_else_logs_in_over_is_ended_by_them_and_says_not_from_where(t: TestServer) {
    for username in ["ann", "bob"] {
        let user = json!({ "username": username, "password": ADMIN_PASSWORD });
        t.admin().post_json("/api/v1/users", &user).await.is(201);
    }
    let browser = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    let request = browser.request(Method::POST, "/login").header("sec-fetch-site", "same-origin");
    let request = request.header("user-agent", "BobsBrowser/1");
    browser.send(request, &[("username", "bob"), ("password", ADMIN_PASSWORD)]).await.is(303);
    browser.get("/").await.is(303);
    let row = rows(&t, "ann", "session.ended").await.remove(0);
    assert_eq!((&row["actor"], &row["target"]), (&json!("user bob"), &json!("user ann")), "{row:#}");
    assert_eq!((&row["from"], &row["client"]), (&json!(""), &json!("")), "{row:#}");
    assert_eq!(row["after"], json!({ "how": "replaced by a newer login in the same browser" }));
    // Bob's own row has them.
    let opened = rows(&t, "bob", "session.opened").await.remove(0);
    assert_eq!((&opened["from"], &opened["client"]), (&json!("127.0.0.1"), &json!("BobsBrowser/1")));
}

#[both_engines]
async fn the_audit_names_each_session_that_newer_ones_replaced_or_that_somebody_ended(t: TestServer) {
    for _ in 0..21 {
        t.clock.advance(Length::seconds(1));
        Browser::of_admin(&t).await;
    }
    let oldest = rows(&t, "admin", "session.opened").await.pop().unwrap();
    let ended = rows(&t, "admin", "session.ended").await;
    assert_eq!(ended.len(), 1, "{ended:#?}");
    assert_eq!(ended[0]["before"]["session"], oldest["after"]["session"]);
    let how = "replaced by a newer login: a user has 20 at most";
    assert_eq!(ended[0]["after"], json!({ "how": how }));

    let listed = t.admin().get("/api/v1/users/admin/sessions").await.is(200).json();
    let id = &listed["items"][0]["id"];
    t.clock.advance(Length::seconds(1));
    t.admin().delete(&format!("/api/v1/users/admin/sessions/{}", id.as_str().unwrap())).await.is(204);
    let row = rows(&t, "admin", "session.ended").await.remove(0);
    assert_eq!(&row["before"]["session"], id);
    assert_eq!(row["after"], json!({ "how": "ended in the list of sessions" }));
}

/// What a new password ended is told by the row of the password, and ends no second time.
#[both_engines]
async fn a_session_that_had_ended_ends_no_second_time(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let listed = t.admin().get("/api/v1/users/admin/sessions").await.is(200).json();
    let path = format!("/api/v1/users/admin/sessions/{}", listed["items"][0]["id"].as_str().unwrap());
    t.admin().post("/api/v1/users/admin/end-all").await.is(200);
    t.admin().delete(&path).await.refused(404, "not-found");
    browser.post("/logout", &[]).await.is(303);
    assert_eq!(rows(&t, "admin", "session.ended").await, [Value::Null; 0]);
    assert_eq!(rows(&t, "admin", "user.logins-ended").await.len(), 1);
}

/// A scanner's name for itself is as long as it likes.
#[both_engines]
async fn a_long_client_is_cut_and_told_in_full_on_hover(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let long = "x".repeat(200);
    let other = Browser::fresh(&t);
    let request = other.request(Method::POST, "/login").header("user-agent", &long);
    other.send(request, &[("username", "admin"), ("password", ADMIN_PASSWORD)]).await.is(303);
    let page = browser.get("/profile/sessions").await.is(200).says(&format!("title=\"{long}\""));
    page.says(&format!(">{}…<", "x".repeat(40)));
}

#[both_engines]
async fn expired_sessions_are_swept(t: TestServer) {
    Browser::of_admin(&t).await;
    t.clock.advance(Length::hours(12));
    assert_eq!(t.sweep().await.sessions, 1);
    assert_eq!(t.sweep().await.sessions, 0);
    // When it ended stands in the row of its beginning.
    assert_eq!(rows(&t, "admin", "session.ended").await, [Value::Null; 0]);
}
