//! The life of an access token as E2E Networks' registry has it (issue 4): name, expiry, permission, description; its
//! value shown once; docker login with it; and the menu: Edit, Reset, Disable, Enable, Delete.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{ADMIN_PASSWORD, Answer, Machine, Sealock};
use serde_json::{Value, json};
use testkit::{both_engines, image::Image};

const TOKENS: &str = "/api/v1/namespaces/acme/tokens";

/// A machine beside a server with the registry "acme".
async fn laptop(sealock: &Sealock) -> Option<Machine> {
    let laptop = Machine::beside(sealock)?;
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    Some(laptop)
}

/// What the administrator does in the console's place.
async fn admin(laptop: &Machine, request: &str, body: Value) -> Answer {
    laptop.curl_with(&format!("admin:{ADMIN_PASSWORD}"), request, &body).await
}

/// The + button: a token, as `[id, value]`.
async fn add_token(laptop: &Machine, body: Value) -> [String; 2] {
    let made = admin(laptop, &format!("POST {TOKENS}"), body).await.is(201);
    ["id", "secret"].map(|field| made[field].as_str().unwrap().to_owned())
}

#[both_engines]
async fn a_token_has_name_expiry_permission_and_description(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let body = json!({"name": "nightly", "expires_in": "30d", "permission": "pull", "description": "the nightly job"});
    add_token(&laptop, body).await;
    let options = ["--permission", "pull-push", "--never-expires", "--description", "the release"];
    sealock.token("acme", "release", &options).await;

    let list = admin(&laptop, &format!("GET {TOKENS}"), Value::Null).await.is(200);
    let [nightly, release] = list["items"].as_array().unwrap().as_slice() else { panic!("{list}") };
    for (token, expected) in [
        (nightly, json!(["nightly", "pull", "the nightly job", "enabled"])),
        (release, json!(["release", "pull-push", "the release", "enabled"])),
    ] {
        let shown = ["name", "permission", "description", "status"].map(|field| token[field].clone());
        assert_eq!(json!(shown), expected);
    }
    assert_eq!(release["expires_at"], Value::Null);
    // 30 days: not gone within 29, gone within 31.
    for (within, expected) in [("29d", 0), ("31d", 1)] {
        let expiring = admin(&laptop, &format!("GET {TOKENS}?expiring={within}"), Value::Null).await.is(200);
        assert_eq!(expiring["items"].as_array().unwrap().len(), expected, "{within}: {expiring}");
    }
}

#[both_engines]
async fn the_value_is_shown_once_and_logs_docker_in(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [id, value] = add_token(&laptop, json!({"name": "release", "permission": "pull-push"})).await;
    laptop.docker_login_typed("release", &value).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    for request in
        [format!("GET {TOKENS}"), format!("GET /api/v1/tokens/{id}"), "GET /api/v1/audit".to_owned()]
    {
        let answer = admin(&laptop, &request, Value::Null).await;
        assert!(answer.status == 200 && !answer.body.contains(&value), "{answer}");
    }
    assert!(!sealock.log().contains(&value), "the log has it");
}

#[both_engines]
async fn an_edit_is_felt_by_the_next_request_of_a_client_that_is_logged_in(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [id, value] = add_token(&laptop, json!({"name": "ci-bot", "permission": "pull"})).await;
    laptop.docker_login("ci-bot", &value).await.succeeded();
    let refused = "token acme/ci-bot has no scope with push for acme/api";
    let update =
        async |body: Value| admin(&laptop, &format!("PATCH /api/v1/tokens/{id}"), body).await.is(200);
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.refused_with(refused);

    assert_eq!(update(json!({"permission": "pull-push"})).await["permission"], "pull-push");
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();

    assert_eq!(update(json!({"permission": "pull"})).await["permission"], "pull");
    laptop.skopeo_push(&Image::new(2, 1000), "acme/api:2.0").await.refused_with(refused);
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    sealock.cli(&["token", "edit", "acme/ci-bot", "--permission", "pull-push"]).await.succeeded();
    laptop.skopeo_push(&Image::new(2, 1000), "acme/api:2.0").await.succeeded();

    assert_ne!(update(json!({"expires_in": "7d"})).await["expires_at"], Value::Null);
    assert_eq!(update(json!({"expires_at": null})).await["expires_at"], Value::Null);
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
}

#[both_engines]
async fn a_reset_shows_a_new_value_once_and_ends_the_old_one(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [id, old] = add_token(&laptop, json!({"name": "ci-bot", "permission": "pull-push"})).await;
    laptop.docker_login("ci-bot", &old).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();

    let without_yes = sealock.cli(&["token", "reset", "acme/ci-bot"]).await;
    without_yes.refused_with("add --yes to mean it");
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    let reset = admin(&laptop, &format!("POST /api/v1/tokens/{id}/reset"), json!({})).await.is(200);
    let new = reset["secret"].as_str().unwrap();
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("was ended by a reset");
    laptop.docker_login("ci-bot", &old).await.refused_with("was ended by a reset");
    laptop.docker_login("ci-bot", new).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    let again = sealock.cli(&["token", "reset", "acme/ci-bot", "--yes"]).await.succeeded();
    laptop.docker_login("ci-bot", new).await.refused_with("was ended by a reset");
    laptop.docker_login("ci-bot", again.stdout.trim_end()).await.succeeded();
}

#[both_engines]
async fn a_token_is_disabled_enabled_and_deleted(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock).await else { return };
    let [id, value] = add_token(&laptop, json!({"name": "ci-bot", "permission": "pull-push"})).await;
    laptop.docker_login("ci-bot", &value).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();

    sealock.cli(&["token", "disable", "acme/ci-bot"]).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/ci-bot is disabled");
    sealock.cli(&["token", "enable", "acme/ci-bot"]).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    sealock.cli(&["token", "rm", "acme/ci-bot"]).await.refused_with("add --yes to mean it");
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
    sealock.cli(&["token", "rm", "acme/ci-bot", "--yes"]).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/ci-bot was deleted");
    admin(&laptop, &format!("GET /api/v1/tokens/{id}"), Value::Null).await.refused(404, "token");
}
