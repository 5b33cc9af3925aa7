//! Rule 11 in the clients that print what a registry warns of: `Warning: 299 - "…"` (OCI distribution 1.1, "Warnings").

use e2e::Sealock;
use testkit::{both_engines, image::Image};

use crate::laptop;

/// Each reads acme/api:1.0 with the login of docker.
const CLIENTS: [&str; 3] = [
    "crane digest $REGISTRY/acme/api:1.0",
    "oras resolve --plain-http $REGISTRY/acme/api:1.0",
    "regctl registry set --skip-check --tls disabled $REGISTRY; regctl image digest $REGISTRY/acme/api:1.0",
];

#[both_engines]
async fn crane_oras_and_regctl_print_that_a_token_expires_soon(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["crane", "oras", "regctl"]).await else { return };
    let far = sealock.token("acme", "ci-bot", &["--permission", "pull-push", "--expires-in", "30d"]).await;
    laptop.docker_login("ci-bot", &far).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    for client in CLIENTS {
        let said = laptop.shell(client, "").await.succeeded();
        assert!(!said.stderr.contains("token acme/"), "{said}");
    }

    let soon = sealock.token("acme", "reader", &["--permission", "pull", "--expires-in", "3d"]).await;
    laptop.docker_login("reader", &soon).await.succeeded();
    for client in CLIENTS {
        let said = laptop.shell(client, "").await.succeeded();
        assert!(said.stderr.contains("token acme/reader expires on "), "{said}");
    }
}

#[both_engines]
async fn crane_oras_and_regctl_print_that_an_old_secret_ends(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["crane", "oras", "regctl"]).await else { return };
    let old = sealock.token("acme", "ci-bot", &["--permission", "pull-push"]).await;
    laptop.docker_login("ci-bot", &old).await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    let reset = ["token", "reset", "acme/ci-bot", "--keep-old-for", "24h", "--yes"];
    let new = sealock.cli(&reset).await.succeeded();
    for client in CLIENTS {
        let said = laptop.shell(client, "").await.succeeded();
        assert!(said.stderr.contains("this secret of token acme/ci-bot was replaced"), "{said}");
    }

    laptop.docker_login("ci-bot", new.stdout.trim_end()).await.succeeded();
    for client in CLIENTS {
        let said = laptop.shell(client, "").await.succeeded();
        assert!(!said.stderr.contains("token acme/"), "{said}");
    }
}
