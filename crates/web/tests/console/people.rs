//! Profile, users, teams and settings, as those see them who may and those who may not.

use reqwest::Method;
use serde_json::json;
use testkit::{TestServer, both_engines, server::ADMIN_PASSWORD};

use crate::browser::Browser;

const ANOTHER: &str = "another password";

async fn make_ann(t: &TestServer) {
    let user = json!({ "username": "ann", "password": ADMIN_PASSWORD });
    t.admin().post_json("/api/v1/users", &user).await.is(201);
}

#[both_engines]
async fn a_password_is_changed_with_the_old_one_and_the_browser_stays_logged_in(t: TestServer) {
    let (mut here, there) = (Browser::of_admin(&t).await, Browser::of_admin(&t).await);
    here.get("/profile").await.is(200).says("href=\"/profile/tokens\"").says("href=\"/profile/sessions\"");
    let fields = [("current_password", ADMIN_PASSWORD), ("password", ANOTHER), ("again", ANOTHER)];
    let answer = here.post("/profile", &fields).await.is(303);
    assert_eq!(answer.header("location"), "/profile?done=password");
    there.get("/").await.is(303);
    here.get("/").await.is(303);
    here.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    here.get("/profile?done=password").await.is(200).says("Your password is changed");
    t.basic("admin", ADMIN_PASSWORD).get("/api/v1/me").await.refused(401, "bad-credential");
    t.basic("admin", ANOTHER).get("/api/v1/me").await.is(200);
}

#[both_engines]
async fn a_password_that_is_refused_is_told_beside_its_field_and_never_repeated(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for (current, new, again, field, said) in [
        ("wrong old password", ANOTHER, ANOTHER, "current_password", "not the password of user admin"),
        (ADMIN_PASSWORD, "short", "short", "password", "a password has 8 to 1024 bytes"),
        (ADMIN_PASSWORD, ANOTHER, "yet another one", "again", "type it again"),
        ("", "", "", "password", "a password has 8 to 1024 bytes"),
    ] {
        let fields = [("current_password", current), ("password", new), ("again", again)];
        let page = browser.post("/profile", &fields).await.is(422).says(said);
        let page = page.says(&format!("id=\"{field}-wrong\""));
        for typed in fields.map(|(_, typed)| typed).into_iter().filter(|typed| !typed.is_empty()) {
            assert!(!page.text().contains(&format!("\"{typed}\"")), "{typed}\n{page:?}");
        }
    }
    t.basic("admin", ADMIN_PASSWORD).get("/api/v1/me").await.is(200);
}

#[both_engines]
async fn an_administrator_makes_a_user(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    browser.get("/users/new").await.is(200).says("value=\"yes\" checked");
    let fields = [("username", "ann"), ("password", ANOTHER), ("is_active", "yes"), ("is_admin", "yes")];
    let made = browser.post("/users/new", &fields).await.is(303);
    assert_eq!(made.header("location"), "/users/ann?done=made-with-namespace");
    browser
        .get("/users/ann?done=made-with-namespace")
        .await
        .is(200)
        .says("with a namespace of their own name");
    browser.get("/users").await.is(200).says("href=\"/users/ann\"");
    let ann = t.admin().get("/api/v1/users/ann").await.is(200).json();
    assert_eq!((&ann["is_admin"], &ann["is_active"]), (&json!(true), &json!(true)));
    // Boxes that nobody ticked.
    browser.post("/users/new", &[("username", "bob"), ("password", ANOTHER)]).await.is(303);
    let bob = t.admin().get("/api/v1/users/bob").await.is(200).json();
    assert_eq!((&bob["is_admin"], &bob["is_active"]), (&json!(false), &json!(false)));
}

#[both_engines]
async fn a_user_that_can_t_be_made_is_refused_with_what_was_typed(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for (username, password, status, said) in [
        ("\"><script>alert(1)</script>", ANOTHER, 422, "a username is 1 to 63"),
        ("", "", 422, "a username is 1 to 63"),
        ("ann", "short", 422, "a password has 8 to 1024 bytes"),
        ("ann", "slks_looks_like_a_token", 422, "id=\"password-wrong\""),
        ("admin", ANOTHER, 409, "user admin exists already"),
    ] {
        let fields = [("username", username), ("password", password), ("is_admin", "yes")];
        let page = browser.post("/users/new", &fields).await.is(status).says(said);
        let escaped = username.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        let page = page.says(&format!("value=\"{escaped}\"")).says("name=\"is_admin\" value=\"yes\" checked");
        assert!(!page.text().contains("<script>alert"), "{page:?}");
        assert!(password.is_empty() || !page.text().contains(password), "{page:?}");
    }
}

#[both_engines]
async fn each_risky_act_asks_first_and_is_then_done(t: TestServer) {
    make_ann(&t).await;
    let token = t.personal_token("ann", json!({ "name": "laptop", "access": "account" })).await;
    let browser = Browser::of_admin(&t).await;
    let ann = || async { t.admin().get("/api/v1/users/ann").await.is(200).json() };
    for (act, asked, field, value) in [
        ("promote", "Make ann an administrator?", "is_admin", true),
        ("demote", "Take administration away from ann?", "is_admin", false),
        ("deactivate", "Deactivate ann?", "is_active", false),
        ("activate", "Activate ann?", "is_active", true),
    ] {
        let path = format!("/users/ann/{act}");
        let page = browser.get(&path).await.is(200).says(asked).says("data-question");
        let page = page.says(&format!("action=\"{path}\""));
        // What takes something away looks like it, and nothing else does.
        let takes_away = ["demote", "deactivate"].contains(&act);
        page.says(if takes_away { "<button class=\"destructive\">" } else { "<button class=\"primary\">" });
        assert_ne!(ann().await[field], value, "asking does nothing");
        let answer = browser.post(&path, &[]).await.is(303);
        assert_eq!(answer.header("location"), format!("/users/ann?done={act}"));
        browser.get(answer.header("location")).await.is(200).says("role=\"status\"");
        assert_eq!(ann().await[field], value, "{act}");
    }
    browser.get("/users/ann/end-all").await.is(200).says("End all logins and tokens of ann?");
    browser.post("/users/ann/end-all", &[]).await.is(303);
    t.basic("ann", &token.secret).get("/api/v1/me").await.refused(401, "bad-credential");
    browser.get("/users/ann/delete").await.is(200).says("Delete user ann?");
    let answer = browser.post("/users/ann/delete", &[]).await.is(303);
    assert_eq!(answer.header("location"), "/users?done=deleted");
    browser.get("/users?done=deleted").await.is(200).says("The user is deleted");
    browser.get("/users/ann").await.is(404);
    browser.post("/users/ann/delete", &[]).await.is(404);
}

#[both_engines]
async fn whoever_fears_a_leak_ends_all_logins_and_tokens_of_their_own(t: TestServer) {
    const END_ALL: &str = "/profile/end-all";
    make_ann(&t).await;
    let token = t.personal_token("ann", json!({ "name": "laptop", "access": "account" })).await;
    let (here, there) =
        (Browser::of(&t, "ann", ADMIN_PASSWORD).await, Browser::of(&t, "ann", ADMIN_PASSWORD).await);
    for page in ["/profile", "/profile/sessions"] {
        here.get(page).await.is(200).says(&format!("href=\"{END_ALL}\" data-ask"));
    }
    let question = here.get(END_ALL).await.is(200).says("End all your logins and tokens?");
    question.says("data-question").says(&format!("action=\"{END_ALL}\""));
    t.basic("ann", &token.secret).get("/api/v1/me").await.is(200);
    // Of nobody else: those are for administrators.
    here.get("/users/admin/end-all").await.is(404);
    here.post("/users/admin/end-all", &[]).await.is(404);
    let foreign = here.request(Method::POST, END_ALL).header("sec-fetch-site", "cross-site");
    here.send(foreign, &[]).await.is(403);
    let done = here.post(END_ALL, &[]).await.is(303);
    assert_eq!(done.header("location"), "/login?done=end-all");
    here.get(done.header("location")).await.is(200).says("Your personal tokens are deactivated");
    for browser in [here, there] {
        assert_eq!(browser.get("/profile").await.is(303).header("location"), "/login?next=%2Fprofile");
    }
    t.basic("ann", &token.secret).get("/api/v1/me").await.refused(401, "bad-credential");
    let token = t.admin().get(&format!("/api/v1/tokens/{}", token.id)).await.is(200).json();
    assert_eq!(token["status"], "disabled");
    Browser::of(&t, "ann", ADMIN_PASSWORD).await.get("/profile").await.is(200);
    assert_eq!(Browser::fresh(&t).post(END_ALL, &[]).await.is(303).header("location"), "/login");
}

#[both_engines]
async fn whoever_deactivates_is_told_which_tokens_live_on(t: TestServer) {
    make_ann(&t).await;
    t.namespace("acme").await;
    let role = t.admin().request(Method::PUT, "/api/v1/namespaces/acme/members/users/ann");
    t.admin().send(role.json(&json!({ "role": "admin" }))).await.is(200);
    let body = json!({ "name": "deploy", "permission": "pull" });
    t.basic("ann", ADMIN_PASSWORD).post_json("/api/v1/namespaces/acme/tokens", &body).await.is(201);
    let browser = Browser::of_admin(&t).await;
    browser.get("/users/ann/deactivate").await.is(200).says("go on working").says("acme/deploy");
    browser.get("/users/ann/delete").await.is(200).says("acme/deploy");
    browser.get("/users/admin/deactivate").await.is(200).says("They made no service tokens outside");
    browser.post("/users/ann/deactivate", &[]).await.is(303);
    browser.get("/users/ann").await.is(200).says("what they made elsewhere is not").says("acme/deploy");
}

#[both_engines]
async fn the_last_administrator_stays_one(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for act in ["demote", "deactivate", "delete"] {
        let page = browser.post(&format!("/users/admin/{act}"), &[]).await.is(409);
        page.says("is the last active administrator").says("<h1>admin</h1>");
    }
    browser.get("/users/admin").await.is(200);
}

#[both_engines]
async fn an_administrator_sets_a_password_and_ends_sessions(t: TestServer) {
    make_ann(&t).await;
    let ann = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    let browser = Browser::of_admin(&t).await;
    let page = browser.get("/users/ann").await.is(200).says("127.0.0.1").text();
    let end =
        page.split("action=\"/users/ann/sessions/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let ended = browser.post(&format!("/users/ann/sessions/{end}"), &[]).await;
    browser.led_by(ended).await.says("That browser is logged out.");
    ann.get("/").await.is(303);
    browser.post(&format!("/users/ann/sessions/{end}"), &[]).await.is(404);
    browser.post("/users/ann/sessions/nonsense/end", &[]).await.is(404);
    browser.get("/users/ann").await.is(200).says("They are not logged in to the console.");

    browser.get("/users/ann/password").await.is(200).says("Set the password of ann");
    let page = browser.post("/users/ann/password", &[("password", "short")]).await.is(422);
    page.says("a password has 8 to 1024 bytes");
    browser.post("/users/ann/password", &[("password", ANOTHER)]).await.is(303);
    t.basic("ann", ANOTHER).get("/api/v1/me").await.is(200);
    // One's own takes the old one, which is asked for elsewhere.
    for answer in [
        browser.get("/users/admin/password").await,
        browser.post("/users/admin/password", &[("password", ANOTHER)]).await,
    ] {
        assert_eq!(answer.is(303).header("location"), "/profile#change-password");
    }
    t.admin().get("/api/v1/me").await.is(200);
}

#[both_engines]
async fn a_team_is_made_filled_renamed_and_deleted(t: TestServer) {
    make_ann(&t).await;
    let browser = Browser::of_admin(&t).await;
    browser.get("/teams").await.is(200).says("No team yet");
    let made = browser.post("/teams/new", &[("name", " platform ")]).await.is(303);
    assert_eq!(made.header("location"), "/teams/platform");
    browser.get("/teams").await.is(200).says("href=\"/teams/platform\"");
    browser.get("/teams/platform").await.is(200).says("Nobody is in it yet");

    browser.post("/teams/platform/members", &[("username", "ann")]).await.is(303);
    browser.get("/teams/platform").await.is(200).says("href=\"/users/ann\"");
    browser.get("/teams/platform/members/ann/remove").await.is(200).says("Remove ann from team platform?");
    browser.get("/teams/platform/members/bob/remove").await.is(404);
    let remove = "/teams/platform/members/ann/remove";
    assert_eq!(browser.post(remove, &[]).await.is(303).header("location"), "/teams/platform?done=removed");
    browser.post(remove, &[]).await.is(404);

    let renamed = browser.post("/teams/platform/rename", &[("name", "core")]).await.is(303);
    assert_eq!(renamed.header("location"), "/teams/core?done=renamed");
    browser.get("/teams/core?done=renamed").await.is(200).says("The team is renamed.");
    browser.get("/teams/platform").await.is(404);
    browser.get("/teams/core/delete").await.is(200).says("Delete team core?").says("Nobody is in it.");
    browser.post("/teams/core/delete", &[]).await.is(303);
    browser.get("/teams/core").await.is(404);
}

#[both_engines]
async fn what_a_team_refuses_is_told_beside_its_field(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    browser.post("/teams/new", &[("name", "platform")]).await.is(303);
    browser.post("/teams/new", &[("name", "core")]).await.is(303);
    for (path, field, typed, status, said) in [
        ("/teams/new", "name", "<b>", 422, "a team&#39;s name is"),
        ("/teams/new", "name", "core", 409, "team core exists already"),
        ("/teams/platform/rename", "name", "", 422, "a team&#39;s name is"),
        ("/teams/platform/rename", "name", "core", 409, "team core exists already"),
        ("/teams/platform/members", "username", "nobody", 422, "user nobody does not exist"),
        ("/teams/platform/members", "username", "\"><i>", 422, "a username is"),
    ] {
        let page = browser.post(path, &[(field, typed)]).await.is(status);
        let said = if page.text().contains(said) { said.to_owned() } else { said.replace("&#39;", "'") };
        let escaped = typed.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        let page = page.says(&said).says(&format!("id=\"{field}-wrong\""));
        page.says(&format!("name=\"{field}\" autocomplete=\"off\" value=\"{escaped}\""));
    }
    browser.post("/teams/nobodys/members", &[("username", "admin")]).await.is(404);
    browser.post("/teams/No Team/rename", &[("name", "core")]).await.is(404);
}

#[both_engines]
async fn something_called_new_has_a_page_too(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let fields = [("username", "new"), ("password", ANOTHER)];
    let made = browser.post("/users/new", &fields).await.is(303);
    browser.get(made.header("location")).await.is(200).says("<h1>new</h1>");
    browser.post("/users/%6Eew/delete", &[]).await.is(303);
    let made = browser.post("/teams/new", &[("name", "new")]).await.is(303);
    browser.get(made.header("location")).await.is(200).says("<h1>new</h1>").says("/teams/%6Eew/delete");
}

#[both_engines]
async fn settings_are_saved_once_a_form(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let page = browser.get("/settings").await.is(200).text();
    let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("revision", revision), ("users_make_namespaces", "yes")];
    browser.post("/settings", &fields).await.is(303);
    let settings = t.admin().get("/api/v1/settings").await.is(200).json();
    for (setting, value) in [
        ("users_make_namespaces", json!(true)),
        ("own_namespaces", json!(false)),
        ("max_namespaces", json!(10_000)),
    ] {
        assert_eq!(settings[setting], value, "{settings}");
    }
    let expected = settings;
    browser.get("/settings?done=saved").await.is(200).says("The settings are saved");
    // The same form again: somebody saved in between.
    let page = browser.post("/settings", &[("revision", revision), ("own_namespaces", "yes")]).await.is(409);
    let page = page.says("changed since you read it").says("name=\"own_namespaces\" value=\"yes\" checked");
    page.says("<a href=\"/settings\">Open it again</a>");
    let now = page_revision(&browser).await;
    for typed in ["0", "1000001", "", "many"] {
        let fields = [("revision", now.as_str()), ("max_namespaces", typed)];
        let page = browser.post("/settings", &fields).await.is(422);
        page.says("It takes a number from 1 to 1000000.");
    }
    for forged in ["", "x"] {
        let page = browser.post("/settings", &[("revision", forged)]).await.is(422);
        page.says("does not say what it edits").says("<a href=\"/settings\">Open it again</a>");
    }
    assert_eq!(t.admin().get("/api/v1/settings").await.is(200).json(), expected);
    let fields = [("revision", now.as_str()), ("users_make_namespaces", "yes"), ("max_namespaces", "7")];
    browser.post("/settings", &fields).await.is(303);
    browser.get("/settings").await.is(200).says("name=\"max_namespaces\"").says("value=\"7\"");
}

async fn page_revision(browser: &Browser) -> String {
    let page = browser.get("/settings").await.is(200).text();
    page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[both_engines]
async fn who_is_no_administrator_finds_none_of_it(t: TestServer) {
    make_ann(&t).await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "platform" })).await.is(201);
    let ann = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    ann.get("/profile").await.is(200).says("user");
    for path in [
        "/users",
        "/users/new",
        "/users/ann",
        "/users/ann/delete",
        "/teams",
        "/teams/new",
        "/teams/platform",
        "/teams/platform/delete",
        "/settings",
        "/welcome",
    ] {
        ann.get(path).await.is(403);
    }
    for path in
        ["/users/admin", "/users/admin/delete", "/users/admin/password", "/users/nobody", "/users/No Body"]
    {
        ann.get(path).await.is(404);
    }
    for (path, status) in [
        ("/users/new", 403),
        ("/users/ann/promote", 403),
        ("/users/ann/password", 403),
        ("/users/admin/password", 404),
        ("/users/admin/deactivate", 404),
        ("/users/admin/delete", 404),
        ("/teams/new", 403),
        ("/teams/platform/members", 403),
        ("/teams/platform/rename", 403),
        ("/teams/platform/delete", 403),
        ("/settings", 403),
    ] {
        let fields = [("username", "ann"), ("name", "x"), ("password", ANOTHER), ("revision", "1")];
        ann.post(path, &fields).await.is(status);
    }
    t.admin().get("/api/v1/me").await.is(200);
}
