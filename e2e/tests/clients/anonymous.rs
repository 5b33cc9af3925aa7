//! Anyone may pull from a public namespace, with every client that begins anonymously, and do nothing else.

use e2e::{ADMIN_PASSWORD, Machine, Sealock};
use testkit::{both_engines, image::Image};

use crate::laptop;

#[both_engines]
async fn anybody_pulls_from_a_public_namespace(sealock: Sealock) {
    let clients = ["crane", "oras", "regctl"];
    let (Some(owner), Some(passer_by)) = (laptop(&sealock, &clients).await, Machine::beside(&sealock)) else {
        return;
    };
    owner.docker_login("admin", ADMIN_PASSWORD).await.succeeded();
    for reference in ["open/api:1.0", "acme/api:1.0"] {
        owner.skopeo_push(&Image::new(1, 1000), reference).await.succeeded();
    }
    passer_by.prints("regctl registry set --skip-check --tls disabled $REGISTRY").await;
    for (pull, refusal) in [
        ("crane pull $REGISTRY/NAMESPACE/api:1.0 api.tar", "UNAUTHORIZED"),
        ("oras copy --from-plain-http $REGISTRY/NAMESPACE/api:1.0 --to-oci-layout api:1.0", "unauthorized"),
        ("regctl image export $REGISTRY/NAMESPACE/api:1.0 api.tar", "unauthorized"),
    ] {
        passer_by.prints(&pull.replace("NAMESPACE", "open")).await;
        passer_by.shell(&pull.replace("NAMESPACE", "acme"), "").await.refused_with(refusal);
    }
    passer_by.shell("crane tag $REGISTRY/open/api:1.0 2.0", "").await.refused_with("UNAUTHORIZED");
    passer_by.shell("crane catalog $REGISTRY", "").await.refused_with("UNAUTHORIZED");
}
