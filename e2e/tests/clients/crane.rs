//! crane (go-containerregistry), the library below cosign, ko and many pipelines.

use e2e::{Machine, Sealock};
use testkit::both_engines;

use crate::{ci_bot, laptop, no_push, reader};

const LOGIN: &str = "crane auth login $REGISTRY --password-stdin -u";

/// An image of one layer with a file in it, pushed under `reference` by whoever is logged in.
pub(crate) async fn append(laptop: &Machine, reference: &str) {
    let layer = "echo hello >hello.txt; tar -czf layer.tgz hello.txt";
    let append = format!("crane append --new_layer layer.tgz --new_tag $REGISTRY/{reference}");
    laptop.prints(&format!("{layer}; {append}")).await;
}

#[both_engines]
async fn crane_appends_pulls_pushes_lists_and_deletes(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["crane"]).await else { return };
    laptop.shell(&format!("{LOGIN} ci-bot"), &ci_bot(&sealock).await).await.succeeded();
    append(&laptop, "acme/api:1.0").await;
    laptop
        .prints("crane pull $REGISTRY/acme/api:1.0 api.tar; crane push api.tar $REGISTRY/acme/api:2.0")
        .await;
    let digest = laptop.prints("crane digest $REGISTRY/acme/api:1.0").await;
    assert_eq!(laptop.prints("crane digest $REGISTRY/acme/api:2.0").await, digest);
    assert_eq!(laptop.prints("crane export $REGISTRY/acme/api:2.0 - | tar -xO hello.txt").await, "hello\n");

    assert_eq!(laptop.prints("crane ls $REGISTRY/acme/api").await, "1.0\n2.0\n");
    assert_eq!(laptop.prints("crane catalog $REGISTRY").await, "acme/api\n");
    laptop.prints("crane delete $REGISTRY/acme/api:2.0").await;
    assert_eq!(laptop.prints("crane ls $REGISTRY/acme/api").await, "1.0\n");
    laptop.shell("crane manifest $REGISTRY/acme/api:2.0", "").await.refused_with("MANIFEST_UNKNOWN");
}

#[both_engines]
async fn crane_copies_by_mounting_and_only_to_where_its_token_reaches(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["crane"]).await else { return };
    laptop.shell(&format!("{LOGIN} ci-bot"), &ci_bot(&sealock).await).await.succeeded();
    append(&laptop, "acme/api:1.0").await;

    let copy = async |to: &str| laptop.shell(&format!("crane copy $REGISTRY/acme/api:1.0 {to}"), "").await;
    let copied = copy("$REGISTRY/acme/api/web:1.0").await.succeeded();
    assert!(copied.stderr.contains("mounted blob: sha256:"), "{copied}");
    assert!(!copied.stderr.contains("pushed blob: sha256:"), "{copied}");
    assert_eq!(
        laptop.prints("crane export $REGISTRY/acme/api/web:1.0 - | tar -xO hello.txt").await,
        "hello\n"
    );

    copy("$REGISTRY/acme/web:1.0").await.refused_with("token acme/ci-bot has no scope that covers it");
    copy("$REGISTRY/open/api:1.0").await.refused_with("token acme/ci-bot");
}

#[both_engines]
async fn crane_is_told_why_a_pull_only_token_may_not_push_or_delete(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["crane"]).await else { return };
    laptop.shell(&format!("{LOGIN} ci-bot"), &ci_bot(&sealock).await).await.succeeded();
    append(&laptop, "acme/api:1.0").await;

    laptop.shell(&format!("{LOGIN} reader"), &reader(&sealock).await).await.succeeded();
    laptop.prints("crane pull $REGISTRY/acme/api:1.0 api.tar").await;
    laptop.shell("crane push api.tar $REGISTRY/acme/api:2.0", "").await.refused_with(&no_push("acme/api"));
    let delete = "token acme/reader has no scope with delete for acme/api";
    laptop.shell("crane delete $REGISTRY/acme/api:1.0", "").await.refused_with(delete);
    laptop.shell("crane catalog $REGISTRY", "").await.refused_with("has no scope of type registry");
}
