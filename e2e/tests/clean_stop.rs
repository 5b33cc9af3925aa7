//! Rule 10: what a token did is noted in memory and written in batches, and a clean stop loses none of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{Installation, Machine};
use serde_json::{Value, json};
use testkit::image::Image;

#[tokio::test]
async fn what_was_just_pulled_and_pushed_is_still_known_after_a_clean_stop() {
    let installation = Installation::new();
    let first = installation.start(&[]).await.ready();
    let Some(laptop) = Machine::that_knows(&first.host) else { return };
    let admin = format!("admin:{}", first.password().unwrap());
    laptop.curl_with(&admin, "POST /api/v1/namespaces", &json!({"name": "acme"})).await.is(201);
    let token = json!({"name": "ci-bot", "permission": "pull-push"});
    let token = laptop.curl_with(&admin, "POST /api/v1/namespaces/acme/tokens", &token).await.is(201);
    laptop.docker_login("ci-bot", token["secret"].as_str().unwrap()).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
    first.stop().await;

    let _second = installation.start(&[]).await.ready();
    let shown = format!("GET /api/v1/tokens/{}", token["id"].as_str().unwrap());
    let shown = laptop.curl(&admin, &shown).await.is(200);
    assert_eq!((&shown["pushes"], &shown["pulls"]), (&json!(1), &json!(1)), "{shown}");
    assert_ne!(shown["last_used_at"], Value::Null);
    assert_eq!(shown["last_used_from"], "127.0.0.1");
}
