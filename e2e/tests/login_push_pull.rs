//! Issue 3, "Shown by": docker logs in with a service token, skopeo and podman push and pull, a pull-only token
//! may not push, and a disabled token is refused at once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{Machine, Sealock};
use testkit::{both_engines, image::Image};

const IMAGE_BYTES: usize = 200_000;

#[both_engines]
async fn a_service_token_logs_docker_in_and_pushes_and_pulls(sealock: Sealock) {
    let Some(laptop) = Machine::beside(&sealock) else { return };
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    let secret = sealock.token("acme", "ci-bot", &["--permission", "pull-push", "--expires-in", "30d"]).await;
    let image = Image::new(1, IMAGE_BYTES);

    laptop.docker_login("ci-bot", &secret).await.succeeded();
    assert!(laptop.docker_config().contains(&sealock.host), "docker keeps the login");

    laptop.skopeo_push(&image, "acme/api:1.0").await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
    assert_eq!(laptop.pulled_manifest(), image.manifest.bytes);

    laptop.podman_pull("acme/api:1.0").await.succeeded();
    laptop.podman_push("acme/api:1.0", "acme/api/copy:2.0").await.succeeded();
    laptop.skopeo_pull("acme/api/copy:2.0").await.succeeded();
}

#[both_engines]
async fn a_wrong_secret_does_not_log_docker_in(sealock: Sealock) {
    let Some(laptop) = Machine::beside(&sealock) else { return };
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    let secret = sealock.token("acme", "ci-bot", &["--permission", "pull"]).await;

    // One character of the checksum.
    let last = if secret.ends_with('0') { "1" } else { "0" };
    let typo = format!("{}{last}", &secret[..secret.len() - 1]);
    laptop.docker_login("ci-bot", &typo).await.refused_with("unauthorized");
    laptop.docker_login("someone-else", &secret).await.refused_with("login name is ci-bot");
    assert!(!laptop.docker_config().contains(&sealock.host), "{}", laptop.docker_config());
}

#[both_engines]
async fn a_pull_only_token_pulls_and_is_refused_on_push(sealock: Sealock) {
    let (Some(builder), Some(node)) = (Machine::beside(&sealock), Machine::beside(&sealock)) else { return };
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    let pusher = sealock.token("acme", "ci-bot", &["--permission", "pull-push"]).await;
    let reader = sealock.token("acme", "reader", &["--permission", "pull"]).await;
    builder.docker_login("ci-bot", &pusher).await.succeeded();
    node.docker_login("reader", &reader).await.succeeded();
    builder.skopeo_push(&Image::new(1, IMAGE_BYTES), "acme/api:1.0").await.succeeded();

    let why = "token acme/reader has no scope with push for acme/api";
    node.skopeo_push(&Image::new(2, IMAGE_BYTES), "acme/api:2.0").await.refused_with(why);
    node.podman_pull("acme/api:1.0").await.succeeded();
    node.podman_push("acme/api:1.0", "acme/api:2.0").await.refused_with(why);
    builder.skopeo_pull("acme/api:2.0").await.refused_with("manifest unknown");
}

#[both_engines]
async fn a_disabled_token_is_refused_at_once_and_so_is_its_bearer(sealock: Sealock) {
    let Some(laptop) = Machine::beside(&sealock) else { return };
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    let secret = sealock.token("acme", "ci-bot", &["--permission", "pull-push"]).await;
    laptop.docker_login("ci-bot", &secret).await.succeeded();
    laptop.skopeo_push(&Image::new(1, IMAGE_BYTES), "acme/api:1.0").await.succeeded();
    let bearer = sealock.bearer("ci-bot", &secret, "repository:acme/api:pull").await;
    let pull = || sealock.get("/v2/acme/api/manifests/1.0");
    assert_eq!(pull().bearer_auth(&bearer).send().await.unwrap().status(), 200);
    assert_eq!(pull().basic_auth("ci-bot", Some(&secret)).send().await.unwrap().status(), 200);

    sealock.cli(&["token", "disable", "acme/ci-bot"]).await.succeeded();

    for refused in [pull().bearer_auth(&bearer), pull().basic_auth("ci-bot", Some(&secret))] {
        let answer = refused.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let body = answer.text().await.unwrap();
        assert!(body.contains("token acme/ci-bot is disabled"), "{body}");
    }
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/ci-bot is disabled");
    laptop.podman_pull("acme/api:1.0").await.refused_with("token acme/ci-bot is disabled");

    sealock.cli(&["token", "enable", "acme/ci-bot"]).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
}
