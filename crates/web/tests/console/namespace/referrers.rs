//! What is about an image is shown as what it is.

use serde_json::{Value, json};
use testkit::{
    TestServer, both_engines,
    image::{Blob, Image, MANIFEST_TYPE},
};

use crate::browser::Browser;

const API: &str = "/namespaces/acme/repositories/api";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// Pushes an artifact; answers its digest.
async fn artifact(t: &TestServer, reference: Option<&str>, manifest: Value) -> String {
    let manifest = Blob::new(MANIFEST_TYPE, manifest.to_string().into_bytes());
    let reference = reference.unwrap_or(&manifest.digest);
    t.admin().push_manifest("acme/api", reference, &manifest.bytes).await.is(201);
    manifest.digest
}

#[both_engines]
async fn referrers_are_shown_as_what_they_are(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let empty = Blob::new(EMPTY_TYPE, b"{}".to_vec());
    t.admin().push_blob("acme/api", &empty).await.is(201);
    let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let predicate = "dev.sigstore.bundle.predicateType";
    let of = async |artifact_type: &str, annotations: Value| {
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": artifact_type,
            "config": empty.descriptor(), "layers": [empty.descriptor()], "annotations": annotations,
            "subject": image.manifest.descriptor() });
        artifact(&t, None, manifest).await
    };
    let mut expected = Vec::new();
    for (artifact_type, annotations, name) in [
        ("application/vnd.dev.cosign.artifact.sig.v1+json", json!({}), "Signature"),
        ("application/vnd.cncf.notary.signature", json!({}), "Signature"),
        (bundle, json!({ predicate: "https://sigstore.dev/cosign/sign/v1" }), "Signature"),
        (bundle, json!({ predicate: "https://slsa.dev/provenance/v1" }), "Attestation"),
        ("application/vnd.in-toto+json", json!({}), "Attestation"),
        ("application/spdx+json", json!({}), "SBOM (SPDX)"),
        ("application/vnd.cyclonedx+json", json!({}), "SBOM (CycloneDX)"),
        ("application/vnd.example.report", json!({}), "Artifact (application/vnd.example.report)"),
    ] {
        expected.push((of(artifact_type, annotations).await, name));
    }
    let browser = Browser::of_admin(&t).await;
    let subject = image.manifest.digest.replace(':', "%3A");
    let page = browser.get(&format!("{API}/manifests/{subject}")).await.is(200).text();
    for (digest, name) in expected {
        let row = page.split("<tr>").find(|row| row.contains(&digest)).expect("a row for each");
        assert!(row.contains(&format!(">{name}</td>")), "{name}: {row}");
        let own = browser.get(&format!("{API}/manifests/{}", digest.replace(':', "%3A"))).await.is(200);
        own.says(&format!("<h1>{name}</h1>")).says("Is about").says(&format!("{API}/manifests/{subject}"));
    }
    // Pushed by digest alone, they are found among all manifests too.
    browser.get(&format!("{API}/manifests")).await.is(200).says("SBOM (SPDX)");
}

#[both_engines]
async fn what_cosign_keeps_under_tags_is_found_too(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let layer = Blob::new("application/vnd.dev.cosign.simplesigning.v1+json", b"signed".to_vec());
    t.admin().push_blob("acme/api", &layer).await.is(201);
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
        "config": image.config.descriptor(), "layers": [layer.descriptor()] });
    let tag = format!("{}.sig", image.manifest.digest.replace(':', "-"));
    let signature = artifact(&t, Some(&tag), manifest).await;
    let browser = Browser::of_admin(&t).await;
    let tags = browser.get(API).await.is(200).says("<span class=\"badge\">Signature</span>");
    tags.says(&format!("oras pull --plain-http {}/acme/api:{tag}", t.host));
    let subject = format!("{API}/manifests/{}", image.manifest.digest.replace(':', "%3A"));
    browser.get(&subject).await.is(200).says(&signature).says(">Signature</td>");
    browser
        .get(&format!("{API}/manifests/{}", signature.replace(':', "%3A")))
        .await
        .is(200)
        .says("<h1>Signature</h1>");
}

#[both_engines]
async fn a_helm_chart_is_pulled_with_helm(t: TestServer) {
    let config = Blob::new("application/vnd.cncf.helm.config.v1+json", b"{}".to_vec());
    t.admin().push_blob("acme/api", &config).await.is(201);
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config.descriptor(), "layers": [],
        "annotations": { "org.opencontainers.image.title": "api" } });
    let digest = artifact(&t, Some("1.0.0_build.5"), manifest).await;
    let browser = Browser::of_admin(&t).await;
    let command = format!("helm pull oci://{}/acme/api --version 1.0.0+build.5 --plain-http", t.host);
    browser.get(API).await.is(200).says("Helm chart").says(&command);
    let page = browser.get(&format!("{API}/manifests/{}", digest.replace(':', "%3A"))).await.is(200);
    page.says("<h1>Helm chart</h1>")
        .says("org.opencontainers.image.title")
        .says(&command)
        .says("It has none.");
}
