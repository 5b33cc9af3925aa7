//! cosign: signatures with a key, which lie beside the image in its repository. No transparency log is asked, and the
//! roots of trust are none: they would be fetched.

use e2e::{Machine, Sealock};
use testkit::{both_engines, image::Image};

use crate::{ci_bot, laptop, no_push, reader};

const KEYS: &str = "export COSIGN_PASSWORD=tiger; cosign generate-key-pair --output-key-prefix";
const SIGN: &str =
    "COSIGN_PASSWORD=tiger COSIGN_EXPERIMENTAL=1 cosign sign --yes --tlog-upload=false --key acme.key";
const VERIFY: &str = "cosign verify --insecure-ignore-tlog --trusted-root roots.json --key";
const ROOTS: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;

/// A laptop with two pairs of keys and an image in acme/api, and what the image is called by its digest.
async fn with_an_image(sealock: &Sealock) -> Option<(Machine, String)> {
    let laptop = laptop(sealock, &["cosign", "crane"]).await?;
    laptop.docker_login("ci-bot", &ci_bot(sealock).await).await.succeeded();
    let image = Image::new(1, 1000);
    laptop.skopeo_push(&image, "acme/api:1.0").await.succeeded();
    laptop.prints(&format!("echo '{ROOTS}' >roots.json; {KEYS} acme; {KEYS} other")).await;
    Some((laptop, format!("$REGISTRY/acme/api@{}", image.manifest.digest)))
}

#[both_engines]
async fn cosign_signs_by_a_tag_by_a_referrer_and_by_a_bundle(sealock: Sealock) {
    let Some((laptop, image)) = with_an_image(&sealock).await else { return };
    // The bundle is last: where there is one, cosign looks at nothing else.
    for (way, look) in [
        ("", ""),
        ("--registry-referrers-mode oci-1-1", "--experimental-oci11"),
        ("--new-bundle-format", "--new-bundle-format"),
    ] {
        laptop.prints(&format!("{SIGN} {way} {image}")).await;
        let verified = laptop.prints(&format!("{VERIFY} acme.pub {look} {image}")).await;
        assert!(verified.contains(image.rsplit('@').next().unwrap()), "{way}: {verified}");
        let foreign = laptop.shell(&format!("{VERIFY} other.pub {look} {image}"), "").await;
        foreign.refused_with("signature");
    }
    let tags = laptop.prints("crane ls $REGISTRY/acme/api").await;
    assert_eq!(
        tags.lines().filter(|tag| tag.ends_with(".sig")).count(),
        1,
        "the first way alone has one: {tags}"
    );
}

#[both_engines]
async fn cosign_verifies_with_a_pull_only_token_and_may_not_sign_with_it(sealock: Sealock) {
    let Some((laptop, image)) = with_an_image(&sealock).await else { return };
    laptop.docker_login("reader", &reader(&sealock).await).await.succeeded();
    let verify = format!("{VERIFY} acme.pub {image}");
    laptop.shell(&verify, "").await.refused_with("no signatures found");
    laptop.shell(&format!("{SIGN} {image}"), "").await.refused_with(&no_push("acme/api"));

    let signer = sealock.token("acme", "signer", &["--permission", "pull-push"]).await;
    laptop.docker_login("signer", &signer).await.succeeded();
    laptop.prints(&format!("{SIGN} {image}")).await;
    laptop.prints(&verify).await;
}
