//! Rule 2 against a real clock: an expired token is treated as deleted from that very instant.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{Machine, Sealock};
use testkit::{Engine, both_engines, image::Image};

struct OnEngine(Engine);

impl OnEngine {
    async fn on(engine: Engine) -> Self {
        Self(engine)
    }
}

const HOUR: u64 = 3600;

#[both_engines]
async fn a_token_is_gone_at_the_instant_of_its_expiry(engine: OnEngine) {
    let Some(sealock) = Sealock::with_clock(engine.0).await else { return };
    let Some(laptop) = Machine::beside(&sealock) else { return };
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    let short = ["--permission", "pull-push", "--expires-in", "2h"];
    let secret = sealock.token("acme", "ci-bot", &short).await;
    laptop.docker_login("ci-bot", &secret).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    let bearer = sealock.bearer("ci-bot", &secret, "repository:acme/api:pull").await;

    sealock.move_clock(2 * HOUR - 60);
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    sealock.move_clock(2 * HOUR);
    let why = "token acme/ci-bot expired on";
    laptop.skopeo_pull("acme/api:1.0").await.refused_with(why);
    laptop.docker_login("ci-bot", &secret).await.refused_with(why);
    let pull = sealock.get("/v2/acme/api/manifests/1.0");
    assert_eq!(pull.bearer_auth(&bearer).send().await.unwrap().status(), 401);
    sealock.cli(&["token", "show", "acme/ci-bot"]).await.refused_with("there is no token ci-bot");
    sealock.cli(&["token", "enable", "acme/ci-bot"]).await.refused_with("there is no token ci-bot");

    // Its name is free again, and the new token owes the old secret nothing.
    let renewed = sealock.token("acme", "ci-bot", &short).await;
    laptop.docker_login("ci-bot", &secret).await.refused_with(why);
    laptop.docker_login("ci-bot", &renewed).await.succeeded();
}
