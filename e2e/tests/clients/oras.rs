//! oras: artifacts of any kind, and what is attached to them (referrers).

use e2e::{Machine, Sealock};
use serde_json::Value;
use testkit::both_engines;

use crate::{ci_bot, laptop, no_push, reader};

const LOGIN: &str = "oras login --plain-http $REGISTRY --password-stdin -u";
const PUSH: &str = "echo hello >hello.txt; oras push --plain-http --artifact-type application/vnd.acme.note \
                    $REGISTRY/acme/api/note:1.0 hello.txt:text/plain";
const SBOM: &str = "application/vnd.acme.sbom";

/// The types of what is attached to `reference`, in order.
async fn attached(laptop: &Machine, reference: &str) -> Vec<String> {
    let discover = format!("oras discover --plain-http --format json $REGISTRY/{reference}");
    let found: Value = serde_json::from_str(&laptop.prints(&discover).await).unwrap();
    let referrers = found["referrers"].as_array().unwrap();
    let mut types: Vec<String> =
        referrers.iter().map(|referrer| referrer["artifactType"].as_str().unwrap().to_owned()).collect();
    types.sort();
    types
}

#[both_engines]
async fn oras_pushes_attaches_discovers_and_pulls(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["oras"]).await else { return };
    laptop.shell(&format!("{LOGIN} ci-bot"), &ci_bot(&sealock).await).await.succeeded();
    laptop.prints(PUSH).await;
    assert_eq!(attached(&laptop, "acme/api/note:1.0").await, [""; 0]);
    for (kind, file) in [(SBOM, "sbom.json"), ("application/vnd.acme.scan", "scan.json")] {
        let attach = "oras attach --plain-http --artifact-type";
        laptop
            .prints(&format!("echo {{}} >{file}; {attach} {kind} $REGISTRY/acme/api/note:1.0 {file}"))
            .await;
    }
    assert_eq!(attached(&laptop, "acme/api/note:1.0").await, [SBOM, "application/vnd.acme.scan"]);
    let filtered =
        "oras discover --plain-http --artifact-type application/vnd.acme.scan $REGISTRY/acme/api/note:1.0";
    let filtered = laptop.prints(filtered).await;
    assert!(filtered.contains("vnd.acme.scan") && !filtered.contains(SBOM), "{filtered}");

    let pulled =
        "oras pull --plain-http --output pulled $REGISTRY/acme/api/note:1.0 >said; cat pulled/hello.txt";
    assert_eq!(laptop.prints(pulled).await, "hello\n");
    laptop.prints("oras tag --plain-http $REGISTRY/acme/api/note:1.0 latest").await;
    assert_eq!(laptop.prints("oras repo tags --plain-http $REGISTRY/acme/api/note").await, "1.0\nlatest\n");
    assert_eq!(laptop.prints("oras repo ls --plain-http $REGISTRY").await, "acme/api/note\n");
    let resolve = async |tag: &str| {
        laptop.prints(&format!("oras resolve --plain-http $REGISTRY/acme/api/note:{tag}")).await
    };
    assert_eq!(resolve("latest").await, resolve("1.0").await);
}

#[both_engines]
async fn oras_copies_an_artifact_with_what_is_attached_and_deletes_it(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["oras"]).await else { return };
    laptop.shell(&format!("{LOGIN} ci-bot"), &ci_bot(&sealock).await).await.succeeded();
    let attach = "oras attach --plain-http $REGISTRY/acme/api/note:1.0 sbom.json --artifact-type";
    laptop.prints(&format!("{PUSH}; echo {{}} >sbom.json; {attach} {SBOM}")).await;

    let copy = "oras copy --recursive --from-plain-http --to-plain-http";
    laptop.prints(&format!("{copy} $REGISTRY/acme/api/note:1.0 $REGISTRY/acme/api/mirror:1.0")).await;
    assert_eq!(attached(&laptop, "acme/api/mirror:1.0").await, [SBOM]);

    laptop.prints("oras manifest delete --plain-http --force $REGISTRY/acme/api/note:1.0").await;
    let gone = laptop.shell("oras resolve --plain-http $REGISTRY/acme/api/note:1.0", "").await;
    gone.refused_with("not found");
}

#[both_engines]
async fn oras_is_told_why_a_pull_only_token_may_not_push_or_attach(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["oras"]).await else { return };
    laptop.shell(&format!("{LOGIN} ci-bot"), &ci_bot(&sealock).await).await.succeeded();
    laptop.prints(PUSH).await;

    laptop.shell(&format!("{LOGIN} reader"), &reader(&sealock).await).await.succeeded();
    laptop.prints("oras pull --plain-http --output pulled $REGISTRY/acme/api/note:1.0").await;
    let attach =
        format!("oras attach --plain-http $REGISTRY/acme/api/note:1.0 hello.txt --artifact-type {SBOM}");
    for refused in [PUSH, &attach] {
        laptop.shell(refused, "").await.refused_with(&no_push("acme/api/note"));
    }
}
