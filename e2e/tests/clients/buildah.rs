//! buildah: builds an image without an engine, pushes it, and builds upon it elsewhere.

use e2e::{Machine, Sealock};
use testkit::both_engines;

use crate::{ci_bot, laptop, no_push, reader};

/// Storage of its own, by copying, as podman's (see `Machine`).
const BUILDAH: &str = "buildah --root $HOME/buildah/root --runroot $HOME/buildah/run --storage-driver vfs";

async fn buildah(laptop: &Machine, command: &str) -> e2e::Outcome {
    laptop.shell(&format!("{BUILDAH} {command}"), "").await
}

#[both_engines]
async fn buildah_pushes_what_it_built_and_builds_upon_what_it_pulled(sealock: Sealock) {
    let (Some(builder), Some(node)) = (laptop(&sealock, &["buildah"]).await, Machine::beside(&sealock))
    else {
        return;
    };
    let login = "login --tls-verify=false --password-stdin -u";
    let secret = ci_bot(&sealock).await;
    builder.shell(&format!("{BUILDAH} {login} ci-bot $REGISTRY"), &secret).await.succeeded();
    builder.prints("echo hello >hello.txt; printf 'FROM scratch\nCOPY hello.txt /\n' >Containerfile").await;
    buildah(&builder, "build --isolation chroot --tag api:1.0 .").await.succeeded();
    buildah(&builder, "push --tls-verify=false api:1.0 docker://$REGISTRY/acme/api:1.0").await.succeeded();

    let secret = reader(&sealock).await;
    node.shell(&format!("{BUILDAH} {login} reader $REGISTRY"), &secret).await.succeeded();
    node.prints(
        "echo world >world.txt; echo \"FROM $REGISTRY/acme/api:1.0\nCOPY world.txt /\" >Containerfile",
    )
    .await;
    buildah(&node, "build --tls-verify=false --isolation chroot --tag api:2.0 .").await.succeeded();
    node.prints(&format!("mkdir built; {BUILDAH} push api:2.0 dir:built; cat built/* >together")).await;
    let push = buildah(&node, "push --tls-verify=false api:2.0 docker://$REGISTRY/acme/api:2.0").await;
    push.refused_with(&no_push("acme/api"));
}
