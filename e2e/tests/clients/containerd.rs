//! containerd, the client inside Kubernetes: it begins anonymously and asks for a bearer where it is told to.

use e2e::{Containerd, Sealock};
use testkit::{both_engines, image::Image};

use crate::{ci_bot, laptop, reader};

#[both_engines]
async fn containerd_fetches_and_pushes(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &[]).await else { return };
    let Some(containerd) = Containerd::on(&laptop).await else { return };
    let image = Image::new(1, 1000);
    let (pusher, puller) = (ci_bot(&sealock).await, reader(&sealock).await);
    laptop.docker_login("ci-bot", &pusher).await.succeeded();
    laptop.skopeo_push(&image, "acme/api:1.0").await.succeeded();

    let fetch = async |user: &str| {
        containerd.ctr(&format!("content fetch --plain-http {user} $REGISTRY/acme/api:1.0")).await
    };
    fetch("").await.refused_with("authorization failed");
    fetch(&format!("--user reader:{puller}")).await.succeeded();
    let layer = containerd.ctr(&format!("content get {} >layer", image.layer.digest)).await.succeeded();
    assert_eq!(std::fs::read(laptop.home().join("layer")).unwrap(), image.layer.bytes, "{layer}");

    let push = async |user: &str| {
        let names = "$REGISTRY/acme/api:2.0 $REGISTRY/acme/api:1.0";
        containerd.ctr(&format!("images push --plain-http --user {user} {names}")).await
    };
    // It prints the status and keeps the message to itself.
    push(&format!("reader:{puller}")).await.refused_with("403 Forbidden");
    push(&format!("ci-bot:{pusher}")).await.succeeded();
    laptop.skopeo_pull("acme/api:2.0").await.succeeded();
    assert_eq!(laptop.pulled_manifest(), image.manifest.bytes);
}
