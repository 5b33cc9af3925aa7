//! helm: charts in a registry.

use e2e::Sealock;
use testkit::both_engines;

use crate::{ci_bot, laptop, no_push, reader};

const LOGIN: &str = "helm registry login --plain-http $REGISTRY --password-stdin -u";
const PACKAGE: &str =
    "mkdir web; printf 'apiVersion: v2\nname: web\nversion: 0.1.0\n' >web/Chart.yaml; helm package web";
const PUSH: &str = "helm push --plain-http web-0.1.0.tgz oci://$REGISTRY/acme/api/charts";

#[both_engines]
async fn helm_pushes_and_pulls_a_chart(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["helm"]).await else { return };
    laptop.shell(&format!("{LOGIN} ci-bot"), &ci_bot(&sealock).await).await.succeeded();
    laptop.prints(&format!("{PACKAGE}; {PUSH}")).await;

    laptop.shell(&format!("{LOGIN} reader"), &reader(&sealock).await).await.succeeded();
    let pull = "helm pull --plain-http oci://$REGISTRY/acme/api/charts/web --version 0.1.0 --destination";
    laptop.prints(&format!("mkdir pulled; {pull} pulled; cmp pulled/web-0.1.0.tgz web-0.1.0.tgz")).await;
    let shown = laptop.prints("helm show chart --plain-http oci://$REGISTRY/acme/api/charts/web").await;
    assert!(shown.contains("version: 0.1.0"), "the newest, by the list of tags: {shown}");
}

#[both_engines]
async fn helm_is_told_why_a_credential_does_not_do(sealock: Sealock) {
    let Some(laptop) = laptop(&sealock, &["helm"]).await else { return };
    let secret = reader(&sealock).await;
    let misnamed = laptop.shell(&format!("{LOGIN} ci-bot"), &secret).await;
    misnamed.refused_with("this secret's login name is reader");
    laptop.shell(&format!("{LOGIN} reader"), &secret).await.succeeded();
    laptop.prints(PACKAGE).await;
    let unseen = laptop.shell(PUSH, "").await;
    unseen.refused_with(&no_push("acme/api/charts/web"));
}
