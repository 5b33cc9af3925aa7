//! Personal tokens, as Docker Trusted Registry had them, and scoped ones beside.

use access::time::Length;
use serde_json::{Value, json};
use testkit::{Actor, Answer, ServiceToken, TestServer, both_engines, image::Image};

use crate::{names, wrong_fields};

const PASSWORD: &str = "staple battery horse";

/// A user with a password, as themselves.
async fn user(t: &TestServer, username: &str) -> Actor {
    let body = json!({"username": username, "password": PASSWORD});
    t.admin().post_json("/api/v1/users", &body).await.is(201);
    t.basic(username, PASSWORD)
}

async fn role(t: &TestServer, namespace: &str, username: &str, role: Option<&str>) {
    t.namespace(namespace).await;
    let path = format!("/api/v1/namespaces/{namespace}/members/users/{username}");
    let answer = match role {
        Some(role) => {
            t.admin().send(t.admin().request(reqwest::Method::PUT, &path).json(&json!({"role": role}))).await
        }
        None => t.admin().delete(&path).await,
    };
    assert!((200..300).contains(&answer.status), "{answer:?}");
}

async fn make(actor: &Actor, username: &str, body: Value) -> Answer {
    actor.post_json(&format!("/api/v1/users/{username}/tokens"), &body).await
}

/// A token that its user makes.
async fn own_token(actor: &Actor, username: &str, body: Value) -> ServiceToken {
    let made = make(actor, username, body).await.is(201).json();
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    ServiceToken {
        id: text("id"),
        namespace: String::new(),
        name: username.to_owned(),
        secret: text("secret"),
    }
}

fn path(token: &ServiceToken) -> String {
    format!("/api/v1/tokens/{}", token.id)
}

#[both_engines]
async fn a_personal_token_works_wherever_the_password_works(t: TestServer) {
    let anna = user(&t, "anna").await;
    role(&t, "acme", "anna", Some("writer")).await;
    let made = make(&anna, "anna", json!({"name": "Anna's läptop"})).await.is(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("slkp_"));
    for (field, expected) in [
        ("kind", json!("personal")),
        ("username", json!("anna")),
        ("name", json!("Anna's läptop")),
        ("access", json!("account")),
        ("permission", json!("account")),
        ("scopes", json!([])),
        ("created_by", json!("anna")),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    assert!(made.get("namespace").is_none() && made.get("warnings").is_none(), "{made}");
    assert_eq!(made["login"]["command"], json!(format!("docker login {} -u anna -p {secret}", t.host)));

    let docker = t.basic("anna", secret).asks("repository:acme/api:pull,push").await;
    docker.push("acme/api", "1.0", &Image::new(1, 100)).await.is(201);
    t.basic("anna", secret).pull("acme/api", "1.0").await.is(200);
    for actor in [t.basic("anna", secret), t.bearer(secret)] {
        let me = actor.get("/api/v1/me").await.is(200).json();
        assert_eq!((&me["kind"], &me["username"]), (&json!("personal"), &json!("anna")));
        assert_eq!(names(&actor.get("/api/v1/namespaces").await.is(200).json()), ["acme", "anna"]);
    }
    t.basic("ben", secret).get("/api/v1/me").await.refused(401, "bad-credential").says("login name is anna");
}

#[both_engines]
async fn an_account_token_mirrors_its_user_at_the_time_of_use(t: TestServer) {
    let anna = user(&t, "anna").await;
    role(&t, "acme", "anna", Some("writer")).await;
    let laptop = own_token(&anna, "anna", json!({"name": "laptop"})).await;
    let docker = t.with(&laptop).asks("repository:acme/api:pull,push").await;
    docker.push("acme/api", "1.0", &Image::new(1, 100)).await.is(201);
    role(&t, "acme", "anna", Some("reader")).await;
    docker.pull("acme/api", "1.0").await.is(200);
    docker.start_upload("acme/api").await.refused(403, "DENIED").says("has no role that allows push");
    role(&t, "acme", "anna", None).await;
    docker.pull("acme/api", "1.0").await.refused(404, "NAME_UNKNOWN");
    role(&t, "acme", "anna", Some("writer")).await;
    docker.start_upload("acme/api").await.is(202);
}

#[both_engines]
async fn a_scoped_token_has_what_its_user_and_its_scopes_allow_both(t: TestServer) {
    let anna = user(&t, "anna").await;
    role(&t, "acme", "anna", Some("writer")).await;
    role(&t, "other", "anna", Some("reader")).await;
    t.admin().push("other/web", "1.0", &Image::new(2, 100)).await.is(201);
    let scopes = json!([{"type": "repository", "path": "acme/*", "actions": ["pull", "push", "delete"]}]);
    let phone = own_token(&anna, "anna", json!({"name": "phone", "scopes": scopes})).await;
    assert_eq!(t.admin().get(&path(&phone)).await.is(200).json()["access"], json!("scoped"));
    let phone = t.with(&phone);
    phone.push("acme/api", "1.0", &Image::new(1, 100)).await.is(201);
    phone.delete("/v2/acme/api/manifests/1.0").await.refused(403, "DENIED");
    phone.pull("other/web", "1.0").await.refused(404, "NAME_UNKNOWN");
    phone.get("/api/v1/namespaces").await.refused(403, "denied");
    let everything = own_token(&anna, "anna", json!({"name": "all", "permission": "pull-push"})).await;
    t.with(&everything).pull("other/web", "1.0").await.is(200);
    t.with(&everything).start_upload("other/web").await.refused(403, "DENIED");
}

#[both_engines]
async fn a_personal_token_may_weaken_personal_tokens_and_never_strengthen_one(t: TestServer) {
    let anna = user(&t, "anna").await;
    let laptop = own_token(&anna, "anna", json!({"name": "laptop"})).await;
    let scopes = json!([{"type": "repository", "path": "acme/a", "actions": ["pull"]}]);
    let target =
        own_token(&anna, "anna", json!({"name": "target", "scopes": scopes, "expires_in": "9d"})).await;
    let by_token = t.with(&laptop);
    make(&by_token, "anna", json!({"name": "child"}))
        .await
        .refused(403, "denied")
        .says("log in with a password");
    let more = json!({"type": "repository", "path": "acme/b", "actions": ["pull"]});
    by_token.post_json(&format!("{}/scopes", path(&target)), &more).await.refused(403, "denied");
    by_token.post(&format!("{}/reset", path(&target))).await.refused(403, "denied");
    by_token.post(&format!("{}/reset", path(&laptop))).await.refused(403, "denied");
    for change in [json!({"expires_in": "10d"}), json!({"expires_at": null}), json!({"permission": "pull"})] {
        by_token.patch_json(&path(&target), &change).await.refused(403, "denied");
    }
    // What makes it weaker, or says what it is called.
    for change in [json!({"expires_in": "1d"}), json!({"name": "renamed"}), json!({"status": "disabled"})] {
        by_token.patch_json(&path(&target), &change).await.is(200);
    }
    by_token.patch_json(&path(&target), &json!({"status": "enabled"})).await.refused(403, "denied");
    let batch = json!({"ids": [target.id], "do": "enable"});
    by_token.post_json("/api/v1/tokens/batch", &batch).await.refused(403, "denied");
    let shown = by_token.get(&path(&target)).await.is(200).json();
    assert_eq!((&shown["status"], &shown["name"]), (&json!("disabled"), &json!("renamed")));
    by_token.delete(&format!("{}/scopes", path(&target))).await.is(204);
    by_token.get(&format!("{}/secrets", path(&target))).await.is(200);
    by_token.delete(&path(&target)).await.is(204);
    assert_eq!(names(&by_token.get("/api/v1/users/anna/tokens").await.is(200).json()), ["laptop"]);
}

#[both_engines]
async fn an_administrator_makes_and_manages_the_tokens_of_others(t: TestServer) {
    let anna = user(&t, "anna").await;
    let ben = user(&t, "ben").await;
    let made = make(&t.admin(), "anna", json!({"name": "given"})).await.is(201).json();
    assert_eq!((&made["username"], &made["created_by"]), (&json!("anna"), &json!("admin")));
    assert_eq!(names(&anna.get("/api/v1/users/anna/tokens").await.is(200).json()), ["given"]);
    make(&t.admin(), "nobody", json!({"name": "given"}))
        .await
        .refused(404, "not-found")
        .says("user nobody does not exist");
    t.admin().get("/api/v1/users/nobody/tokens").await.refused(404, "not-found");
    make(&ben, "anna", json!({"name": "stolen"})).await.refused(404, "not-found");
    ben.get("/api/v1/users/anna/tokens").await.refused(404, "not-found");
    t.admin().get("/api/v1/users/Anna/tokens").await.refused(404, "not-found");
}

#[both_engines]
async fn anothers_token_is_not_there_for_any_verb(t: TestServer) {
    let anna = user(&t, "anna").await;
    let ben = user(&t, "ben").await;
    role(&t, "acme", "ben", Some("writer")).await;
    let of_anna = own_token(&anna, "anna", json!({"name": "laptop", "permission": "pull"})).await;
    let of_acme = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let made =
        t.admin().post_json("/api/v1/tokens", &json!({"name": "mirror", "permission": "pull"})).await.is(201);
    let of_instance = made.json()["id"].as_str().unwrap().to_owned();
    for id in [&of_anna.id, &of_acme.id, &of_instance, "0190a5e0-7d4c-7aaa-8bbb-123456789abc"] {
        let token = format!("/api/v1/tokens/{id}");
        let shown = async || {
            let token = t.admin().get(&token).await.json();
            ["status", "expires_at", "scopes", "secret_hint"].map(|field| token[field].clone())
        };
        let before = shown().await;
        let scope = json!({"type": "repository", "path": "acme/b", "actions": ["pull"]});
        let explain = json!({"action": "pull", "repository": "acme/api"});
        for answer in [
            ben.get(&token).await,
            ben.patch_json(&token, &json!({"status": "disabled"})).await,
            ben.patch_json(&token, &json!({"expires_at": null})).await,
            ben.delete(&token).await,
            ben.post(&format!("{token}/reset")).await,
            ben.get(&format!("{token}/secrets")).await,
            ben.delete(&format!("{token}/secrets/0190a5e0-7d4c-7aaa-8bbb-123456789abc")).await,
            ben.post_json(&format!("{token}/scopes"), &scope).await,
            ben.delete(&format!("{token}/scopes")).await,
            ben.delete(&format!("{token}/scopes/0190a5e0-7d4c-7aaa-8bbb-123456789abc")).await,
            ben.post_json(&format!("{token}/explain"), &explain).await,
            ben.post_json("/api/v1/tokens/batch", &json!({"ids": [id], "do": "delete"})).await,
        ] {
            answer.refused(404, "not-found");
        }
        assert_eq!(shown().await, before, "{id}");
    }
}

#[both_engines]
async fn labels_may_change_and_be_there_twice_and_lists_go_from_old_to_new(t: TestServer) {
    let anna = user(&t, "anna").await;
    let first = own_token(&anna, "anna", json!({"name": "laptop"})).await;
    t.clock.advance(Length::milliseconds(1));
    own_token(&anna, "anna", json!({"name": "laptop"})).await;
    t.clock.advance(Length::milliseconds(1));
    own_token(&anna, "anna", json!({"name": "phone"})).await;
    anna.patch_json(&path(&first), &json!({"name": " Büro "})).await.is(200);
    let list = "/api/v1/users/anna/tokens";
    let page = anna.get(&format!("{list}?limit=2")).await.is(200).json();
    assert_eq!(names(&page), ["Büro", "laptop"]);
    let next = page["next"].as_str().unwrap();
    let page = anna.get(&format!("{list}?limit=2&after={next}")).await.is(200).json();
    assert_eq!((names(&page), &page["next"]), (vec!["phone"], &json!(null)));
    assert_eq!(names(&anna.get(&format!("{list}?q=apt")).await.is(200).json()), ["laptop"]);
    for name in [json!(""), json!(null), json!(7), json!("x".repeat(101)), json!("a\nb")] {
        let refused = anna.patch_json(&path(&first), &json!({"name": name})).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&refused), ["name"]);
    }
}

#[both_engines]
async fn an_account_token_takes_no_scopes(t: TestServer) {
    let anna = user(&t, "anna").await;
    let laptop = own_token(&anna, "anna", json!({"name": "laptop"})).await;
    let scope = json!({"type": "repository", "path": "acme/b", "actions": ["pull"]});
    for change in [json!({"permission": "pull"}), json!({"scopes": [scope]}), json!({"scopes": []})] {
        let refused = anna.patch_json(&path(&laptop), &change).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&refused.says("mirrors its user")), ["scopes"]);
    }
    let scopes = format!("{}/scopes", path(&laptop));
    anna.post_json(&scopes, &scope).await.refused(422, "invalid");
    // It would go on as before.
    anna.delete(&scopes).await.refused(422, "invalid").says("mirrors its user");
    let refused = anna.patch_json(&path(&laptop), &json!({"access": "scoped"})).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&refused), ["access"]);
}

#[both_engines]
async fn the_end_of_all_stops_tokens_and_bearers_but_not_the_password(t: TestServer) {
    let anna = user(&t, "anna").await;
    let ben = user(&t, "ben").await;
    role(&t, "acme", "anna", Some("writer")).await;
    let laptop = own_token(&anna, "anna", json!({"name": "laptop"})).await;
    let by_password = anna.asks("repository:acme/api:pull,push").await;
    let by_token = t.with(&laptop).asks("repository:acme/api:pull,push").await;
    for bearer in [&by_password, &by_token] {
        bearer.start_upload("acme/api").await.is(202);
    }
    ben.post("/api/v1/users/anna/end-all").await.refused(404, "not-found");
    let ended = anna.post("/api/v1/users/anna/end-all").await.is(200);
    assert_eq!(ended.json()["disabled"], json!(1));
    for bearer in [&by_password, &by_token] {
        bearer.start_upload("acme/api").await.refused(401, "UNAUTHORIZED");
    }
    t.with(&laptop).get("/api/v1/me").await.refused(401, "bad-credential").says("is disabled");
    anna.start_upload("acme/api").await.is(202);
    anna.patch_json(&path(&laptop), &json!({"status": "enabled"})).await.is(200);
    t.with(&laptop).get("/api/v1/me").await.is(200);
    assert_eq!(t.admin().post("/api/v1/users/anna/end-all").await.is(200).json()["disabled"], json!(1));
    t.admin().post("/api/v1/users/nobody/end-all").await.refused(404, "not-found");
}
