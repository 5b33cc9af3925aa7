//! The life of a token as IONOS's registry has it (issue 4): name rule, status, expiry and deletion at it, scopes and
//! Manage Scope, the ready docker login command, whom a token stands for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{ADMIN_PASSWORD, Answer, Machine, Sealock};
use serde_json::{Value, json};
use testkit::{Engine, both_engines, image::Image};

const TOKENS: &str = "/api/v1/namespaces/acme/tokens";
const HOUR: u64 = 3600; // seconds

struct OnEngine(Engine);

impl OnEngine {
    async fn on(engine: Engine) -> Self {
        Self(engine)
    }
}

/// A machine beside a server with the registry "acme".
async fn laptop(sealock: &Sealock) -> Option<Machine> {
    let laptop = Machine::beside(sealock)?;
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    Some(laptop)
}

async fn admin(laptop: &Machine, request: &str, body: Value) -> Answer {
    laptop.curl_with(&format!("admin:{ADMIN_PASSWORD}"), request, &body).await
}

/// "Add Token".
async fn add_token(laptop: &Machine, body: Value) -> Answer {
    admin(laptop, &format!("POST {TOKENS}"), body).await
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}")).to_owned()
}

fn repository(path: &str, actions: &[&str]) -> Value {
    json!({"type": "repository", "path": path, "actions": actions})
}

#[both_engines]
async fn a_name_obeys_the_rule_is_unique_and_never_changes(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    for name in ["", "ab", "Build", "1build", "build-", "build_1", "build.1", "bu ild", &"b".repeat(64)] {
        add_token(&laptop, json!({"name": name})).await.refused_for("name");
    }
    for name in ["abc", "b-2", &"b".repeat(63)] {
        add_token(&laptop, json!({"name": name})).await.is(201);
    }
    add_token(&laptop, json!({"name": "abc"})).await.refused(409, "abc");

    let id = text(&add_token(&laptop, json!({"name": "build"})).await.is(201), "id");
    admin(&laptop, &format!("PATCH /api/v1/tokens/{id}"), json!({"name": "other"})).await.refused_for("name");
}

#[both_engines]
async fn a_token_that_was_made_disabled_works_from_when_it_is_enabled(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let made = add_token(&laptop, json!({"name": "build", "status": "disabled", "permission": "pull"}))
        .await
        .is(201);
    let secret = text(&made, "secret");
    laptop.docker_login("build", &secret).await.refused_with("token acme/build is disabled");

    let status = async |word: &str| {
        admin(&laptop, &format!("PATCH /api/v1/tokens/{}", text(&made, "id")), json!({"status": word})).await
    };
    assert_eq!(status("enabled").await.is(200)["status"], "enabled");
    laptop.docker_login("build", &secret).await.succeeded();
    assert_eq!(status("disabled").await.is(200)["status"], "disabled");
    laptop.docker_login("build", &secret).await.refused_with("token acme/build is disabled");
    status("expired").await.refused_for("status");
}

#[both_engines]
async fn an_expiry_is_an_hour_ahead_or_there_is_none(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    for (field, value) in [
        ("expires_in", json!("59m")),
        ("expires_in", json!("3599s")),
        ("expires_in", json!(30)),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", json!("10000-01-01T00:00:00Z")),
        ("expires_at", json!("tomorrow")),
    ] {
        add_token(&laptop, json!({"name": "build", field: value})).await.refused_for(field);
    }
    let made = add_token(&laptop, json!({"name": "build", "expires_in": "1h"})).await.is(201);
    assert_ne!(made["expires_at"], Value::Null);
    let edit = async |body: Value| {
        admin(&laptop, &format!("PATCH /api/v1/tokens/{}", text(&made, "id")), body).await
    };
    edit(json!({"expires_in": "59m"})).await.refused_for("expires_in");
    assert_eq!(
        edit(json!({"expires_at": "2099-12-31T23:59:59Z"})).await.is(200)["expires_at"],
        "2099-12-31T23:59:59Z"
    );
    assert_eq!(edit(json!({"expires_at": null})).await.is(200)["expires_at"], Value::Null);
}

#[both_engines]
async fn scopes_name_what_a_token_may_do_and_where(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    for (scope, field) in [
        (repository("acme/*", &["push"]), "scopes[0].actions"),
        (repository("acme/*", &["write"]), "scopes[0].actions"),
        (repository("acme/**", &["pull"]), "scopes[0].path"),
        (repository("other/*", &["pull"]), "scopes[0].path"),
        (json!({"type": "namespace", "actions": ["pull"]}), "scopes[0].type"),
    ] {
        add_token(&laptop, json!({"name": "build", "scopes": [scope]})).await.refused_for(field);
    }
    let scopes =
        json!([repository("acme/api*", &["pull", "push", "admin"]), repository("acme/docs", &["pull"])]);
    let made = add_token(&laptop, json!({"name": "build", "scopes": scopes})).await.is(201);
    assert_eq!(made["scopes"][0]["actions"], json!(["pull", "push", "delete"]), "Admin (delete)");
    laptop.docker_login("build", &text(&made, "secret")).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api/web:1.0").await.succeeded();
    let refused = "token acme/build has no scope with push for acme/docs";
    laptop.skopeo_push(&Image::new(1, 1000), "acme/docs:1.0").await.refused_with(refused);

    let build = format!("build:{}", text(&made, "secret"));
    laptop.curl(&build, "DELETE /v2/acme/api/web/manifests/1.0").await.is(202);
    // Listing is the right of another type of scope.
    laptop.curl(&build, "GET /v2/_catalog").await.refused(403, "registry");
    let scopes = json!([{"type": "registry", "actions": ["*"]}]);
    let lister =
        text(&add_token(&laptop, json!({"name": "lister", "scopes": scopes})).await.is(201), "secret");
    let catalog = laptop.curl(&format!("lister:{lister}"), "GET /v2/_catalog").await.is(200);
    assert_eq!(catalog["repositories"], json!(["acme/api/web"]));
}

#[both_engines]
async fn managing_scopes_is_felt_by_the_next_request_of_a_client_that_is_logged_in(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let scopes = json!([repository("acme/api", &["pull", "push"])]);
    let made = add_token(&laptop, json!({"name": "build", "scopes": scopes})).await.is(201);
    let of_token = format!("/api/v1/tokens/{}/scopes", text(&made, "id"));
    laptop.docker_login("build", &text(&made, "secret")).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    let image = Image::new(2, 1000);
    laptop
        .skopeo_push(&image, "acme/web:1.0")
        .await
        .refused_with("token acme/build has no scope that covers it");

    let added =
        admin(&laptop, &format!("POST {of_token}"), repository("acme/w*b", &["pull", "push"])).await.is(201);
    laptop.skopeo_push(&image, "acme/web:1.0").await.succeeded();

    let scope = added["scopes"].as_array().unwrap().last().unwrap();
    assert_eq!(scope["path"], "acme/w*b");
    let remove = format!("DELETE {of_token}/{}", text(scope, "id"));
    admin(&laptop, &remove, Value::Null).await.is(204);
    laptop.skopeo_pull("acme/web:1.0").await.refused_with("token acme/build has no scope that covers it");
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
    admin(&laptop, &remove, Value::Null).await.refused(404, "scope");

    let bearer = sealock.bearer("build", &text(&made, "secret"), "repository:acme/api:pull").await;
    let pull = async || {
        sealock.get("/v2/acme/api/manifests/1.0").bearer_auth(&bearer).send().await.unwrap().status()
    };
    assert_eq!(pull().await, 200);
    sealock.cli(&["token", "scope", "clear", "acme/build"]).await.refused_with("add --yes to mean it");
    assert_eq!(pull().await, 200);
    sealock.cli(&["token", "scope", "clear", "acme/build", "--yes"]).await.succeeded();
    assert_eq!(pull().await, 404);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/build has no scope that covers it");
    admin(&laptop, &format!("DELETE {of_token}"), Value::Null).await.is(204);
    let push_alone = repository("acme/api", &["push"]);
    admin(&laptop, &format!("POST {of_token}"), push_alone).await.refused_for("actions");
}

#[both_engines]
async fn the_command_in_the_reply_works_as_it_stands(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let made = add_token(&laptop, json!({"name": "build", "permission": "pull-push"})).await.is(201);
    laptop.shell(&text(&made["login"], "command"), "").await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();

    let reset = format!("POST /api/v1/tokens/{}/reset", text(&made, "id"));
    let reset = admin(&laptop, &reset, json!({})).await.is(200);
    laptop.shell(&text(&made["login"], "command"), "").await.refused_with("was ended by a reset");
    let from_stdin = text(&reset["login"], "command_stdin");
    laptop.shell(&from_stdin, &text(&reset, "secret")).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
}

#[both_engines]
async fn an_expired_token_is_deleted_and_not_disabled(engine: OnEngine) {
    let Some(sealock) = Sealock::with_clock(engine.0).await else { return };
    let Some(laptop) = laptop(&sealock).await else { return };
    let made = add_token(&laptop, json!({"name": "build", "permission": "pull-push", "expires_in": "2h"}))
        .await
        .is(201);
    let of_token = format!("/api/v1/tokens/{}", text(&made, "id"));
    laptop.docker_login("build", &text(&made, "secret")).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();

    sealock.move_clock(2 * HOUR);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/build expired on");
    for (request, body) in [
        (format!("GET {of_token}"), Value::Null),
        (format!("PATCH {of_token}"), json!({"status": "enabled"})),
        (format!("PATCH {of_token}"), json!({"expires_in": "30d"})),
        (format!("POST {of_token}/reset"), json!({})),
    ] {
        admin(&laptop, &request, body).await.refused(404, "token");
    }
    let list = admin(&laptop, &format!("GET {TOKENS}"), Value::Null).await.is(200);
    assert_eq!(list["items"], json!([]));
    add_token(&laptop, json!({"name": "build"})).await.is(201);
}

#[both_engines]
async fn a_deletion_is_irreversible(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let made = add_token(&laptop, json!({"name": "build", "permission": "pull"})).await.is(201);
    let (id, secret) = (text(&made, "id"), text(&made, "secret"));
    let of_token = format!("/api/v1/tokens/{id}");
    admin(&laptop, &format!("DELETE {of_token}"), Value::Null).await.is(204);

    laptop.docker_login("build", &secret).await.refused_with("token acme/build was deleted");
    admin(&laptop, &format!("DELETE {of_token}"), Value::Null).await.refused(404, "token");
    admin(&laptop, &format!("PATCH {of_token}"), json!({"status": "enabled"})).await.refused(404, "token");
    let namesake = add_token(&laptop, json!({"name": "build", "permission": "pull"})).await.is(201);
    assert_ne!(text(&namesake, "id"), id);
    laptop.docker_login("build", &secret).await.refused_with("token acme/build was deleted");
}

#[both_engines]
async fn a_token_stands_for_a_person_or_a_service(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let anna = json!({"username": "anna", "password": "staple battery horse"});
    admin(&laptop, "POST /api/v1/users", anna).await.is(201);
    for (name, whom) in [("notebook", json!({"user": "anna"})), ("nightly", json!({"service": "backups"}))] {
        let made = add_token(&laptop, json!({"name": name, "stands_for": whom})).await.is(201);
        assert_eq!(made["stands_for"], whom);
    }
    for (asked, expected) in [("user:anna", json!(["notebook"])), ("service:backups", json!(["nightly"]))] {
        let list = admin(&laptop, &format!("GET {TOKENS}?stands_for={asked}"), Value::Null).await.is(200);
        let names: Vec<&Value> =
            list["items"].as_array().unwrap().iter().map(|token| &token["name"]).collect();
        assert_eq!(json!(names), expected, "{asked}");
    }
    add_token(&laptop, json!({"name": "both", "stands_for": "anna"})).await.refused_for("stands_for");
}
