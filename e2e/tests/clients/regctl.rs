//! regctl (regclient), which begins every conversation anonymously.

use e2e::{Machine, Sealock};
use testkit::{both_engines, image::Image};

use crate::{ci_bot, laptop, no_push, reader};

/// A laptop with `image` pushed as acme/api:1.0, on which regctl is logged in as `name`.
async fn logged_in(sealock: &Sealock, image: &Image) -> Option<Machine> {
    let laptop = laptop(sealock, &["regctl"]).await?;
    let secret = ci_bot(sealock).await;
    laptop.docker_login("ci-bot", &secret).await.succeeded();
    laptop.skopeo_push(image, "acme/api:1.0").await.succeeded();
    laptop.prints("regctl registry set --skip-check --tls disabled $REGISTRY").await;
    log_in(&laptop, "ci-bot", &secret).await;
    Some(laptop)
}

async fn log_in(laptop: &Machine, name: &str, secret: &str) {
    let login = format!("regctl registry login $REGISTRY --user {name} --pass-stdin");
    laptop.shell(&login, secret).await.succeeded();
}

#[both_engines]
async fn regctl_copies_an_image_with_what_refers_to_it_by_mounting(sealock: Sealock) {
    let image = Image::new(1, 1000);
    let Some(laptop) = logged_in(&sealock, &image).await else { return };
    let put = "echo note | regctl artifact put --artifact-type application/vnd.acme.note --subject";
    laptop.prints(&format!("{put} $REGISTRY/acme/api:1.0")).await;

    let copy = "regctl image copy --referrers $REGISTRY/acme/api:1.0 $REGISTRY/acme/api/mirror:1.0";
    let copied = laptop.shell(copy, "").await.succeeded();
    assert!(!copied.stderr.contains("mount"), "it complains where a mount falls back to an upload: {copied}");
    let found = laptop.prints("regctl artifact list $REGISTRY/acme/api/mirror:1.0").await;
    assert!(found.contains("application/vnd.acme.note"), "{found}");
    let manifest = laptop.prints("regctl manifest get --format raw-body $REGISTRY/acme/api/mirror:1.0").await;
    assert_eq!(manifest.as_bytes(), image.manifest.bytes);
    let config =
        laptop.prints(&format!("regctl blob get $REGISTRY/acme/api/mirror {}", image.config.digest)).await;
    assert_eq!(config.as_bytes(), image.config.bytes);
}

#[both_engines]
async fn regctl_lists_and_deletes_tags_manifests_and_blobs(sealock: Sealock) {
    let image = Image::new(1, 1000);
    let Some(laptop) = logged_in(&sealock, &image).await else { return };
    laptop.prints("regctl image copy $REGISTRY/acme/api:1.0 $REGISTRY/acme/api:1.1").await;
    assert_eq!(laptop.prints("regctl tag ls $REGISTRY/acme/api").await, "1.0\n1.1\n");
    assert_eq!(laptop.prints("regctl repo ls $REGISTRY").await, "acme/api\n");

    laptop.prints("regctl tag delete $REGISTRY/acme/api:1.1").await;
    assert_eq!(laptop.prints("regctl tag ls $REGISTRY/acme/api").await, "1.0\n", "the manifest stays");
    let delete_config = format!("regctl blob delete $REGISTRY/acme/api {}", image.config.digest);
    let needed = "is needed by a manifest in repository acme/api";
    laptop.shell(&delete_config, "").await.refused_with(needed);
    laptop.prints(&format!("regctl manifest delete $REGISTRY/acme/api@{}", image.manifest.digest)).await;
    assert_eq!(laptop.prints("regctl tag ls $REGISTRY/acme/api").await, "");
    laptop.prints(&delete_config).await;
}

#[both_engines]
async fn regctl_is_told_why_a_pull_only_token_may_not_push_or_delete(sealock: Sealock) {
    let Some(laptop) = logged_in(&sealock, &Image::new(1, 1000)).await else { return };
    log_in(&laptop, "reader", &reader(&sealock).await).await;
    laptop.prints("regctl image export $REGISTRY/acme/api:1.0 api.tar").await;
    let copy = laptop.shell("regctl image copy $REGISTRY/acme/api:1.0 $REGISTRY/acme/web:1.0", "").await;
    copy.refused_with(&no_push("acme/web"));
    // Where it may not delete the tag alone, it tries to push something else over it.
    laptop.shell("regctl tag delete $REGISTRY/acme/api:1.0", "").await.refused_with(&no_push("acme/api"));
}
