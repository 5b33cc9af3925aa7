//! Users: made, shown, changed, deactivated, deleted.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestServer, both_engines, server::ADMIN_PASSWORD};

use crate::{
    people::{PASSWORD, account_token, administrator, edit, image, put_json, role, team, user, usernames},
    wrong_fields,
};

const USERS: &str = "/api/v1/users";

#[both_engines]
async fn a_new_user_signs_in_and_has_a_namespace_of_their_own(t: TestServer) {
    let body = json!({ "username": "ann", "password": PASSWORD });
    let answer = t.admin().post_json(USERS, &body).await.is(201);
    assert_eq!((answer.header("location"), answer.header("etag")), ("/api/v1/users/ann", "\"1\""));
    let mut made = answer.json();
    assert_eq!(made["own_namespace"], json!("ann"));
    for (field, expected) in [
        ("username", json!("ann")),
        ("is_admin", json!(false)),
        ("is_active", json!(true)),
        ("created_at", json!("2026-01-01T00:00:00Z")),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    assert!(!answer.text().contains("password") && !answer.text().contains("argon2"), "{answer:?}");

    let ann = t.basic("ann", PASSWORD);
    made.as_object_mut().unwrap().remove("own_namespace");
    assert_eq!(ann.get("/api/v1/users/ann").await.is(200).json(), made);
    let own = ann.get("/api/v1/namespaces/ann").await.is(200).json();
    assert_eq!((&own["role"], &own["owner"]), (&json!("admin"), &json!("ann")));
    assert_eq!((&own["visibility"], &own["created_by"]), (&json!("private"), &json!("admin")));
    ann.post_json("/api/v1/namespaces/ann/tokens", &json!({ "name": "ci-bot" })).await.is(201);
    ann.get("/api/v1/me").await.is(200).says("\"is_admin\":false");
    // The first administrator is a user as well.
    let own = t.admin().get("/api/v1/namespaces/admin").await.is(200).json();
    assert_eq!((&own["role"], &own["owner"]), (&json!("admin"), &json!("admin")));
}

#[both_engines]
async fn an_own_namespace_is_made_only_where_it_is_free_legal_and_wanted(t: TestServer) {
    t.namespace("ann").await;
    let make = async |username: &str| {
        let body = json!({ "username": username, "password": PASSWORD });
        t.admin().post_json(USERS, &body).await.is(201).json()["own_namespace"].clone()
    };
    assert_eq!(make("ann").await, json!(null));
    // The namespace that was there is still somebody else's.
    t.basic("ann", PASSWORD).get("/api/v1/namespaces/ann").await.refused(404, "not-found");
    assert_eq!(make("bob..lee-").await, json!(null));
    assert_eq!(make("carol").await, json!("carol"));
    t.admin().patch_json("/api/v1/settings", &json!({ "own_namespaces": false })).await.is(200);
    assert_eq!(make("dave").await, json!(null));
    t.admin().get("/api/v1/namespaces/dave").await.refused(404, "not-found");
}

#[both_engines]
async fn every_mistake_in_a_new_user_is_told_at_once(t: TestServer) {
    let body = json!({
        "username": "Ann", "password": "short", "is_admin": "yes", "id": "x", "created_at": 1, "revision": 7,
        "password_hash": "$argon2id$",
    });
    let answer = t.admin().post_json(USERS, &body).await.refused(422, "invalid");
    let mut fields = wrong_fields(&answer);
    fields.sort();
    let expected = ["created_at", "id", "is_admin", "password", "password_hash", "revision", "username"];
    assert_eq!(fields, expected);
    for username in ["", "a b", "a/b", "-a", ".a", "ä", "a\0", &"a".repeat(64)] {
        let body = json!({ "username": username, "password": PASSWORD });
        let answer = t.admin().post_json(USERS, &body).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&answer), ["username"], "{username:?}");
    }
    let too_long = "a".repeat(1025);
    for password in ["", "1234567", "slks_password", "slkp_password", "two\nlines of it", &too_long] {
        let body = json!({ "username": "ann", "password": password });
        let answer = t.admin().post_json(USERS, &body).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&answer), ["password"], "{password:?}");
    }
    let body = json!({ "username": "ann", "password": 1234567890 });
    let answer = t.admin().post_json(USERS, &body).await.refused(422, "invalid");
    assert!(!answer.text().contains("1234567890"), "{answer:?}");
    assert_eq!(wrong_fields(&t.admin().post_json(USERS, &json!({})).await), ["username", "password"]);
    assert_eq!(usernames(&t.admin().get(USERS).await.is(200).json()), ["admin"]);
}

#[both_engines]
async fn a_username_is_given_once(t: TestServer) {
    user(&t, "ann").await;
    let body = json!({ "username": "ann", "password": "another password" });
    t.admin().post_json(USERS, &body).await.refused(409, "name-taken").says("user ann exists already");
    t.basic("ann", PASSWORD).get("/api/v1/me").await.is(200);
    // And it never changes.
    let answer = edit(&t, "ann", json!({ "username": "anna" })).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer.says("a username can't change")), ["username"]);
}

#[both_engines]
async fn users_are_listed_page_by_page(t: TestServer) {
    for username in ["dora", "ann", "bob"] {
        user(&t, username).await;
    }
    let page = t.admin().get("/api/v1/users?limit=2").await.is(200).json();
    assert_eq!((usernames(&page), &page["next"]), (vec!["admin", "ann"], &json!("ann")));
    let page = t.admin().get("/api/v1/users?limit=2&after=ann").await.is(200).json();
    assert_eq!((usernames(&page), &page["next"]), (vec!["bob", "dora"], &json!(null)));
}

#[both_engines]
async fn a_user_sees_themselves_and_changes_nothing_but_the_password(t: TestServer) {
    let ann = user(&t, "ann").await;
    ann.get(USERS).await.refused(403, "denied");
    ann.post_json(USERS, &json!({ "username": "bob", "password": PASSWORD })).await.refused(403, "denied");
    for change in [json!({ "is_admin": true }), json!({ "is_active": true }), json!({})] {
        ann.patch_json("/api/v1/users/ann", &change).await.refused(403, "denied");
    }
    ann.delete("/api/v1/users/ann").await.refused(403, "denied");
    let injected = json!({ "password": "new password", "current_password": PASSWORD, "is_admin": true });
    let answer = ann.patch_json("/api/v1/users/ann", &injected).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["current_password"]);
    assert_eq!(ann.get("/api/v1/me").await.is(200).json()["is_admin"], json!(false));
}

#[both_engines]
async fn a_user_changes_their_password_with_the_old_one(t: TestServer) {
    let ann = user(&t, "ann").await;
    image(&t, "ann/api").await;
    let bearer = ann.asks("repository:ann/api:pull").await;
    let token = account_token(&t, "ann", PASSWORD).await;
    let path = "/api/v1/users/ann";
    for (body, field) in [
        (json!({ "password": "new password" }), "current_password"),
        (json!({ "password": "new password", "current_password": "wrong password" }), "current_password"),
        (json!({ "password": "new password", "current_password": "" }), "current_password"),
        (json!({ "password": "short", "current_password": PASSWORD }), "password"),
        (json!({ "current_password": PASSWORD }), "password"),
    ] {
        let answer = ann.patch_json(path, &body).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&answer), [field], "{body}");
    }
    bearer.pull("ann/api", "1.0").await.is(200);

    let change = json!({ "password": "new password", "current_password": PASSWORD });
    let changed = ann.patch_json(path, &change).await.is(200);
    assert!(!changed.text().contains("password"), "{changed:?}");
    ann.get("/api/v1/me").await.refused(401, "bad-credential");
    bearer.pull("ann/api", "1.0").await.refused(401, "UNAUTHORIZED").says("this login of user ann was ended");
    token.get("/api/v1/me").await.is(200);
    let ann = t.basic("ann", "new password");
    ann.get("/api/v1/me").await.is(200);
    ann.asks("repository:ann/api:pull").await.pull("ann/api", "1.0").await.is(200);
}

#[both_engines]
async fn an_administrator_sets_a_password_without_the_old_one(t: TestServer) {
    let ann = user(&t, "ann").await;
    let bearer = ann.asks("").await;
    bearer.get("/v2/").await.is(200);
    edit(&t, "ann", json!({ "password": "new password" })).await.is(200);
    ann.get("/api/v1/me").await.refused(401, "bad-credential");
    bearer.get("/v2/").await.refused(401, "UNAUTHORIZED").says("was ended; log in again");
    t.basic("ann", "new password").get("/api/v1/me").await.is(200);
    // With an old one it is for that user alone, an administrator or not.
    let change = json!({ "password": "newer password", "current_password": "new password" });
    edit(&t, "ann", change).await.refused(403, "denied").says("ann can, logged in with the old one");
}

/// A stolen session of an administrator must not be enough to keep the account.
#[both_engines]
async fn an_administrator_changes_their_own_password_with_the_old_one_alone(t: TestServer) {
    for change in [
        json!({ "password": "new password" }),
        json!({ "password": "new password", "is_admin": true }),
        json!({ "password": "new password", "is_active": true }),
        json!({ "password": "new password", "current_password": "wrong password" }),
    ] {
        let answer = edit(&t, "admin", change.clone()).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&answer), ["current_password"], "{change}");
    }
    t.admin().get("/api/v1/me").await.is(200);
    let change = json!({ "password": "new password", "current_password": ADMIN_PASSWORD });
    edit(&t, "admin", change).await.is(200);
    t.basic("admin", "new password").get("/api/v1/me").await.is(200);
}

/// docker trims the password that it is given, so it would send another one than the user set.
#[both_engines]
async fn white_space_around_a_new_password_is_refused_with_the_reason(t: TestServer) {
    let ann = user(&t, "ann").await;
    for password in [" leading one", "trailing one ", "trailing one\u{a0}", "trailing one\r"] {
        let new = json!({ "username": "bob", "password": password });
        let own = json!({ "password": password, "current_password": PASSWORD });
        for answer in [
            t.admin().post_json(USERS, &new).await,
            edit(&t, "ann", json!({ "password": password })).await,
            ann.patch_json("/api/v1/users/ann", &own).await,
        ] {
            let answer = answer.refused(422, "invalid").says("docker login would remove it");
            assert_eq!(wrong_fields(&answer), ["password"], "{password:?}");
        }
    }
}

#[both_engines]
async fn nobody_learns_from_current_password_who_exists_or_what_is_right(t: TestServer) {
    let ann = user(&t, "ann").await;
    user(&t, "bob").await;
    let told = async |username: &str, current: &str| {
        let change = json!({ "password": "new password", "current_password": current });
        let path = format!("/api/v1/users/{username}");
        let answer = ann.patch_json(&path, &change).await.refused(404, "not-found");
        answer.json()["detail"].as_str().unwrap().replace(username, "NAME")
    };
    let absent = told("nobody", "wrong password").await;
    assert_eq!(told("bob", "wrong password").await, absent);
    assert_eq!(told("bob", PASSWORD).await, absent);
    assert_eq!(told("admin", ADMIN_PASSWORD).await, absent);
    assert_eq!(told("nobody", PASSWORD).await, absent);
}

#[both_engines]
async fn with_a_personal_token_nobody_outlives_its_theft(t: TestServer) {
    let token = account_token(&t, "admin", ADMIN_PASSWORD).await;
    user(&t, "ann").await;
    token.get(USERS).await.is(200);
    token.get("/api/v1/users/ann").await.is(200);
    let new = json!({ "username": "bob", "password": PASSWORD });
    token.post_json(USERS, &new).await.refused(403, "denied").says("log in with a password");
    for (username, change) in [
        ("ann", json!({ "password": "new password" })),
        ("ann", json!({ "is_admin": true })),
        ("ann", json!({ "is_active": false })),
        ("admin", json!({ "password": "new password" })),
        ("admin", json!({ "password": "new password", "current_password": ADMIN_PASSWORD })),
    ] {
        let path = format!("/api/v1/users/{username}");
        token.patch_json(&path, &change).await.refused(403, "denied");
    }
    token.delete("/api/v1/users/ann").await.refused(403, "denied");
    let own = account_token(&t, "ann", PASSWORD).await;
    let change = json!({ "password": "new password", "current_password": PASSWORD });
    for change in [change, json!({ "password": "new password" })] {
        own.patch_json("/api/v1/users/ann", &change).await.refused(403, "denied");
    }
    t.admin().get("/api/v1/me").await.is(200);
    t.basic("ann", PASSWORD).get("/api/v1/me").await.is(200);
}

#[both_engines]
async fn the_last_active_administrator_stays_one(t: TestServer) {
    user(&t, "ann").await;
    let takes = [
        json!({ "is_admin": false }),
        json!({ "is_active": false }),
        json!({ "is_admin": false, "is_active": false }),
    ];
    let all_refused = async || {
        for change in &takes {
            edit(&t, "admin", change.clone())
                .await
                .refused(409, "last-administrator")
                .says("user admin is the last active administrator; make another one first");
        }
        t.admin().delete("/api/v1/users/admin").await.refused(409, "last-administrator");
    };
    all_refused().await;
    // One that may not log in is no administrator.
    administrator(&t, "root").await;
    edit(&t, "root", json!({ "is_active": false })).await.is(200);
    all_refused().await;
    edit(&t, "root", json!({ "is_active": true })).await.is(200);
    edit(&t, "admin", json!({ "is_admin": false })).await.is(200);
    t.admin().get(USERS).await.refused(403, "denied");
    t.basic("root", PASSWORD).delete("/api/v1/users/admin").await.is(204);
}

#[both_engines]
async fn of_two_administrators_who_step_down_at_once_one_stays(t: TestServer) {
    let (replica, change) = (t.replica().await, json!({ "is_admin": false }));
    for round in 0..5 {
        let names = [format!("one-{round}"), format!("two-{round}")];
        let one = administrator(&t, &names[0]).await;
        let two = administrator(&t, &names[1]).await.at(&replica);
        edit(&t, "admin", json!({ "is_admin": false })).await.is(200);
        let paths = names.map(|name| format!("/api/v1/users/{name}"));
        let (first, second) =
            tokio::join!(one.patch_json(&paths[0], &change), two.patch_json(&paths[1], &change));
        let mut told = [first.status, second.status];
        told.sort_unstable();
        assert_eq!(told, [200, 409], "{first:?}\n{second:?}");
        let last = if first.status == 409 { &one } else { &two };
        last.patch_json("/api/v1/users/admin", &json!({ "is_admin": true })).await.is(200);
        for path in &paths {
            t.admin().delete(path).await.is(204);
        }
    }
}

#[both_engines]
async fn an_edit_of_what_somebody_else_changed_is_refused(t: TestServer) {
    user(&t, "ann").await;
    let path = "/api/v1/users/ann";
    let edit = async |if_match: &str, is_admin: bool| {
        let request = t.admin().request(Method::PATCH, path).header("if-match", if_match);
        t.admin().send(request.json(&json!({ "is_admin": is_admin }))).await
    };
    let read = t.admin().get(path).await.header("etag").to_owned();
    let after = edit(&read, true).await.is(200);
    edit(&read, false).await.refused(412, "changed");
    assert_eq!(t.admin().get(path).await.header("etag"), after.header("etag"));
    assert_eq!(t.admin().get(path).await.json()["is_admin"], json!(true));
}

#[both_engines]
async fn a_deactivated_user_and_what_hangs_on_them_stop_at_once_and_come_back(t: TestServer) {
    let ann = user(&t, "ann").await;
    role(&t, "admin", "users/ann", "admin").await;
    for repository in ["ann/api", "admin/api"] {
        image(&t, repository).await;
    }
    let permission = json!({ "name": "ci-bot", "permission": "pull" });
    let make = async |namespace: &str| {
        let path = format!("/api/v1/namespaces/{namespace}/tokens");
        let made = ann.post_json(&path, &permission).await.is(201).json();
        t.basic("ci-bot", made["secret"].as_str().unwrap())
    };
    let (own, elsewhere) = (make("ann").await, make("admin").await);
    let token = account_token(&t, "ann", PASSWORD).await;
    let scope = "repository:ann/api:pull";
    let stopped = [
        (ann.clone(), "user ann is deactivated"),
        (token.clone(), "is stopped: its user is deactivated"),
        (token.asks(scope).await, "is stopped: its user is deactivated"),
        (own.clone(), "token ann/ci-bot is stopped: user ann, whose namespace it is of, is deactivated"),
        (
            own.asks(scope).await,
            "token ann/ci-bot is stopped: user ann, whose namespace it is of, is deactivated",
        ),
    ];
    // What was made with the password does not come back.
    let revoked = ann.asks(scope).await;
    let replica = t.replica().await;

    let answer = edit(&t, "ann", json!({ "is_active": false })).await.is(200).json();
    let listed = answer["tokens_made_elsewhere"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{answer}");
    for (field, expected) in [
        ("namespace", json!("admin")),
        ("name", json!("ci-bot")),
        ("status", json!("enabled")),
        ("expires_at", json!(null)),
    ] {
        assert_eq!(listed[0][field], expected, "{field}");
    }
    for (client, reason) in &stopped {
        for server in [&replica, &t] {
            client.at(server).pull("ann/api", "1.0").await.refused(401, "UNAUTHORIZED").says(reason);
        }
    }
    for server in [&replica, &t] {
        let refused = revoked.at(server).pull("ann/api", "1.0").await.refused(401, "UNAUTHORIZED");
        refused.says("user ann is deactivated");
    }
    elsewhere.pull("admin/api", "1.0").await.is(200);
    // A deactivation that changes nothing lists nothing.
    let again = edit(&t, "ann", json!({ "is_active": false })).await.is(200).json();
    assert!(again.get("tokens_made_elsewhere").is_none(), "{again}");

    edit(&t, "ann", json!({ "is_active": true })).await.is(200);
    for (client, _) in &stopped {
        client.pull("ann/api", "1.0").await.is(200);
    }
    for server in [&replica, &t] {
        let refused = revoked.at(server).pull("ann/api", "1.0").await.refused(401, "UNAUTHORIZED");
        refused.says("this login of user ann was ended");
    }
}

#[both_engines]
async fn a_deleted_user_leaves_nothing_that_works(t: TestServer) {
    let ann = user(&t, "ann").await;
    t.namespace("acme").await;
    role(&t, "acme", "users/ann", "writer").await;
    team(&t, "crew", "ann").await;
    let token = account_token(&t, "ann", PASSWORD).await;
    let bearers = [ann.asks("").await, token.asks("").await];
    t.admin().delete("/api/v1/users/ann").await.is(204);

    t.admin().get("/api/v1/users/ann").await.refused(404, "not-found");
    t.admin().delete("/api/v1/users/ann").await.refused(404, "not-found");
    ann.get("/api/v1/me").await.refused(401, "bad-credential").says("the username or the password is wrong");
    let ended = "of a deleted user is stopped: its user was deleted";
    token.get("/api/v1/me").await.refused(401, "bad-credential").says(ended);
    for bearer in &bearers {
        bearer.get("/v2/").await.refused(401, "UNAUTHORIZED");
    }
    assert_eq!(t.admin().get("/api/v1/namespaces/acme/members").await.json()["items"], json!([]));
    assert_eq!(t.admin().get("/api/v1/teams/crew").await.json()["users"], json!([]));
    // Their own namespace held nothing.
    t.admin().get("/api/v1/namespaces/ann").await.refused(404, "not-found");

    // Whoever gets the name is somebody else.
    let again = user(&t, "ann").await;
    again.get("/api/v1/me").await.is(200);
    again.get("/api/v1/namespaces/acme").await.refused(404, "not-found");
    assert_eq!(again.get("/api/v1/users/ann/tokens").await.is(200).json()["items"], json!([]));
    token.get("/api/v1/me").await.refused(401, "bad-credential").says(ended);
    for bearer in &bearers {
        bearer.get("/v2/").await.refused(401, "UNAUTHORIZED");
    }
}

#[both_engines]
async fn an_own_namespace_that_holds_repositories_outlives_its_user_with_its_tokens_disabled(t: TestServer) {
    user(&t, "ann").await;
    image(&t, "ann/api").await;
    let ci = t.service_token("ann", "ci-bot", json!({ "permission": "pull" })).await;
    edit(&t, "ann", json!({ "is_active": false })).await.is(200);
    t.admin().delete("/api/v1/users/ann").await.is(204);
    let left = t.admin().get("/api/v1/namespaces/ann").await.is(200).json();
    assert_eq!((&left["owner"], &left["role"]), (&json!(null), &json!(null)));
    t.admin().pull("ann/api", "1.0").await.is(200);
    // The deactivation had stopped it: the deletion does not bring it back to life.
    t.with(&ci)
        .pull("ann/api", "1.0")
        .await
        .refused(401, "UNAUTHORIZED")
        .says("token ann/ci-bot is disabled");
    t.admin().set_status(&ci, "enabled").await.is(200);
    t.with(&ci).pull("ann/api", "1.0").await.is(200);
    // A new ann has no part in it.
    let body = json!({ "username": "ann", "password": PASSWORD });
    let made = t.admin().post_json(USERS, &body).await.is(201).json();
    assert_eq!(made["own_namespace"], Value::Null);
    t.basic("ann", PASSWORD).pull("ann/api", "1.0").await.refused(404, "NAME_UNKNOWN");
}

#[both_engines]
async fn no_password_is_kept_or_told_anywhere(t: TestServer) {
    let ann = user(&t, "ann").await;
    let change = json!({ "password": "a newer password", "current_password": PASSWORD });
    ann.patch_json("/api/v1/users/ann", &change).await.is(200);
    edit(&t, "ann", json!({ "password": "the newest password" })).await.is(200);
    put_json(&t.admin(), "/api/v1/users/ann", &json!({ "password": "a misplaced password" })).await.is(405);
    for password in [PASSWORD, "a newer password", "the newest password", "a misplaced password"] {
        assert!(!t.keeps(password).await, "{password}");
    }
}
