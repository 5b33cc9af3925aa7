//! Logging in and out, and whom a session is worth nothing to.

use access::time::Length;
use reqwest::Method;
use serde_json::json;
use testkit::{TestServer, both_engines, server::ADMIN_PASSWORD};

use crate::browser::Browser;

#[both_engines]
async fn a_password_opens_a_session(t: TestServer) {
    let mut browser = Browser::fresh(&t);
    browser.get("/login").await.is(200).says("<h1>Log in</h1>");
    let answer = browser.log_in("admin", ADMIN_PASSWORD).await.is(303);
    assert_eq!(answer.header("location"), "/");
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert_eq!(answer.header("cache-control"), "no-store");
    browser.get("/").await.is(200).says("Namespaces").says("Menu of admin");
}

#[both_engines]
async fn whoever_is_not_logged_in_is_led_to_the_login_and_back(t: TestServer) {
    let mut browser = Browser::fresh(&t);
    for (path, login) in [
        ("/", "/login"),
        ("/profile/sessions", "/login?next=%2Fprofile%2Fsessions"),
        ("/?after=a%26b", "/login?next=%2F%3Fafter%3Da%2526b"),
    ] {
        assert_eq!(browser.get(path).await.is(303).header("location"), login);
    }
    let fields = [("username", "admin"), ("password", ADMIN_PASSWORD), ("next", "/profile/sessions")];
    assert_eq!(browser.post("/login", &fields).await.is(303).header("location"), "/profile/sessions");
    for evil in ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example"] {
        browser.get(&format!("/login?next={evil}")).await.is(200);
        let fields = [("username", "admin"), ("password", ADMIN_PASSWORD), ("next", evil)];
        assert_eq!(browser.post("/login", &fields).await.is(303).header("location"), "/", "{evil}");
    }
    browser.cookie = "sealock=nonsense".to_owned();
    browser.get("/").await.is(303);
    // What was to be done is not done by coming back.
    let answer = browser.post("/namespaces/new", &[("name", "acme")]).await.is(303);
    assert_eq!(answer.header("location"), "/login");
}

#[both_engines]
async fn a_wrong_password_and_an_unknown_user_are_told_the_same(t: TestServer) {
    let browser = Browser::fresh(&t);
    let mut pages = Vec::new();
    for (username, password) in [("admin", "wrong"), ("nobody", "wrong"), ("No Body", ""), ("", "")] {
        let fields = [("username", username), ("password", password)];
        let page =
            browser.post("/login", &fields).await.is(401).says("The username or the password is wrong.");
        assert!(page.header("set-cookie").is_empty(), "{page:?}");
        // What was typed is kept, a password never is.
        pages.push(page.text().replace(&format!("value=\"{username}\""), "value=\"\""));
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "{pages:#?}");
    assert!(!pages.concat().contains("\"wrong\""));
}

/// Rule 9: a stolen token must not outlive its theft as a session.
#[both_engines]
async fn a_token_opens_no_session(t: TestServer) {
    let account = t.personal_token("admin", json!({ "name": "laptop", "access": "account" })).await;
    let service = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    let mut browser = Browser::fresh(&t);
    for token in [account, service] {
        let page = browser.log_in(&token.name, &token.secret).await.is(401);
        assert!(!page.text().contains(&token.secret));
        page.says("A token opens no session of the console");
    }
}

/// Where no session could be opened with the new password, the login says that it is the new one.
#[both_engines]
async fn the_login_says_that_the_password_is_changed(t: TestServer) {
    let browser = Browser::fresh(&t);
    browser.get("/login?done=password").await.is(200).says("Your password is changed.");
    let page = browser.get("/login").await.is(200);
    assert!(!page.text().contains("Your password is changed."), "{page:?}");
}

#[both_engines]
async fn whoever_logs_out_is_logged_out(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let answer = browser.post("/logout", &[]).await.is(303);
    assert!(answer.header("set-cookie").contains("Max-Age=0"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        browser.get("/").await.is(303).header("location"),
        "/login",
        "the old cookie is worth nothing"
    );
}

/// A host beside this one, or whoever answers plain HTTP for it, can plant the cookie of plain HTTP.
#[both_engines]
async fn by_tls_only_the_cookie_counts_that_nobody_can_have_planted(t: TestServer) {
    let tls = t.replica_behind_tls("registry.example").await;
    let (planted, browser) = (Browser::of_admin(&t).await, Browser::fresh(&tls));
    let ask = async |cookie: &str| {
        let request = browser.request(Method::GET, "/profile").header("host", "registry.example");
        tls.anonymous().send(request.header("cookie", cookie)).await
    };
    assert_eq!(ask(&planted.cookie).await.is(303).header("location"), "/login?next=%2Fprofile");
    let request = browser.request(Method::POST, "/login").header("host", "registry.example");
    let request = request.header("sec-fetch-site", "same-origin");
    let fields = [("username", "admin"), ("password", ADMIN_PASSWORD)];
    let answer = browser.send(request, &fields).await.is(303);
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-sealock=") && cookie.ends_with("; Secure"), "{cookie}");
    ask(cookie.split(';').next().unwrap()).await.is(200);
}

/// The cookie would be `Secure`, browsers would drop it, and logging in would lead back to the login without a word.
#[both_engines]
async fn whoever_comes_by_plain_http_to_a_registry_behind_tls_is_told_where_to_log_in(t: TestServer) {
    let tls = t.replica_behind_tls("registry.example").await;
    let browser = Browser::fresh(&tls);
    let post = async |host: &str, origin: &str, site: Option<&str>| {
        let request = browser.request(Method::POST, "/login").header("host", host).header("origin", origin);
        let request = site.into_iter().fold(request, |request, site| request.header("sec-fetch-site", site));
        browser.send(request, &[("username", "admin"), ("password", ADMIN_PASSWORD)]).await
    };
    for host in ["registry.example", "10.0.0.1:5000"] {
        let page = post(host, &format!("http://{host}"), None).await.is(403);
        let page = page.says("This page came by plain HTTP").says("href=\"https://registry.example/login\"");
        assert!(page.header("set-cookie").is_empty(), "{page:?}");
    }
    post("10.0.0.1:5000", "http://evil.example", None).await.is(403).says("another site");
    post("registry.example", "https://registry.example", None).await.is(303);
    // One's own machine is as good as TLS to a browser.
    post("localhost:5000", "http://localhost:5000", Some("same-origin")).await.is(303);
}

/// Session fixation: what somebody planted in the browser before is worthless after.
#[both_engines]
async fn logging_in_gives_another_session_and_ends_the_one_before(t: TestServer) {
    let planted = Browser::of_admin(&t).await;
    let mut victim = planted.clone();
    victim.log_in("admin", ADMIN_PASSWORD).await.is(303);
    assert_ne!(victim.cookie, planted.cookie);
    planted.get("/").await.is(303);
    victim.get("/").await.is(200);
    // One that never was a session is not made one.
    let mut victim = Browser::fresh(&t);
    victim.cookie = format!("sealock={}", "a".repeat(43));
    let planted = victim.clone();
    victim.log_in("admin", ADMIN_PASSWORD).await.is(303);
    planted.get("/").await.is(303);
}

#[both_engines]
async fn a_page_of_another_site_can_do_nothing(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
    ] {
        for (path, fields) in [
            ("/namespaces/new", vec![("name", "evil")]),
            ("/logout", vec![]),
            ("/login", vec![("username", "admin"), ("password", ADMIN_PASSWORD)]),
        ] {
            let request = browser.request(Method::POST, path);
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            browser.send(request, &fields).await.is(403).says("another site");
        }
        // The API takes the cookie too, and no more than the console does.
        let request = browser.request(Method::POST, "/api/v1/namespaces").json(&json!({ "name": "evil" }));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        t.anonymous().send(request).await.refused(401, "log-in-needed");
    }
    browser.get("/namespaces/evil").await.is(404);
    browser.get("/").await.is(200);
}

#[both_engines]
async fn a_session_counts_on_the_api_and_never_on_v2_or_auth(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let ask = async |path: &str| t.anonymous().send(browser.request(Method::GET, path)).await;
    let me = ask("/api/v1/me").await.is(200).json();
    assert_eq!((&me["kind"], &me["username"]), (&json!("user"), &json!("admin")));
    ask("/v2/").await.refused(401, "UNAUTHORIZED");
    ask("/v2/_catalog").await.refused(401, "UNAUTHORIZED");
    ask("/auth/token").await.refused(401, "UNAUTHORIZED");
    // A broken Authorization is not made good by a cookie.
    let broken = browser.request(Method::GET, "/api/v1/me").header("authorization", "Basic ???");
    t.anonymous().send(broken).await.refused(401, "bad-credential");
}

#[both_engines]
async fn a_session_ends_with_its_time_its_password_and_its_user(t: TestServer) {
    let user = json!({ "username": "ann", "password": ADMIN_PASSWORD });
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    let ann = || Browser::of(&t, "ann", ADMIN_PASSWORD);
    let logged_out = async |browser: &Browser| {
        assert_eq!(browser.get("/").await.is(303).header("location"), "/login");
    };

    let browser = ann().await;
    t.admin().patch_json("/api/v1/users/ann", &json!({ "is_active": false })).await.is(200);
    logged_out(&browser).await;
    t.admin().patch_json("/api/v1/users/ann", &json!({ "is_active": true })).await.is(200);
    // An activation restores no session from before.
    logged_out(&browser).await;

    let browser = ann().await;
    t.admin().post("/api/v1/users/ann/end-all").await.is(200);
    logged_out(&browser).await;

    let browser = ann().await;
    t.admin().patch_json("/api/v1/users/ann", &json!({ "password": "another password" })).await.is(200);
    logged_out(&browser).await;

    let browser = Browser::of(&t, "ann", "another password").await;
    t.clock.advance(Length::milliseconds(12 * 3_600_000 - 1));
    browser.get("/").await.is(200);
    t.clock.advance(Length::milliseconds(1));
    logged_out(&browser).await;

    let browser = Browser::of(&t, "ann", "another password").await;
    t.admin().delete("/api/v1/users/ann").await.is(204);
    logged_out(&browser).await;
}

#[both_engines]
async fn no_session_secret_is_kept_in_the_clear(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let secret = browser.cookie.split_once('=').unwrap().1.to_owned();
    assert_eq!(secret.len(), 43);
    assert!(!t.keeps(&secret).await);
}

#[both_engines]
async fn pages_are_for_their_reader_alone(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    for path in ["/", "/login", "/namespaces/new", "/profile/sessions"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{page:?}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert!(!page.text().contains("style=\"") && !page.text().contains(" onclick"), "{path}");
    }
}
