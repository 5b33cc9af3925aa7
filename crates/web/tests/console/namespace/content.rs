//! A repository, its tags and manifests, and how they go.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    TestServer, both_engines,
    image::{Blob, Image, MANIFEST_TYPE},
};

use super::{browser_of, lacks};
use crate::browser::Browser;

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const API: &str = "/namespaces/acme/repositories/api";

/// Pushes an index of the image for two platforms, with what BuildKit adds; answers its digest.
async fn push_index(t: &TestServer, tag: &str, image: &Image) -> String {
    let entry = |platform: Value, annotations: Value| {
        let mut entry = image.manifest.descriptor();
        entry["platform"] = platform;
        entry["annotations"] = annotations;
        entry
    };
    let about = json!({ "vnd.docker.reference.type": "attestation-manifest" });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [
        entry(json!({ "os": "linux", "architecture": "amd64" }), json!({})),
        entry(json!({ "os": "linux", "architecture": "arm64", "variant": "v8" }), json!({})),
        entry(json!({ "os": "unknown", "architecture": "unknown" }), about),
    ]});
    let index = Blob::new(INDEX_TYPE, index.to_string().into_bytes());
    t.admin().push_manifest_as("acme/api", tag, INDEX_TYPE, &index.bytes).await.is(201);
    index.digest
}

fn page_of(digest: &str) -> String {
    format!("{API}/manifests/{}", digest.replace(':', "%3A"))
}

#[both_engines]
async fn tags_are_shown_with_what_they_point_at(t: TestServer) {
    let image = Image::new(1, 100_000);
    t.namespace("acme").await;
    let scope = json!({ "scopes": [{ "type": "repository", "path": "*", "actions": ["pull", "push"] }] });
    let ci = t.service_token("acme", "ci-bot", scope).await;
    t.with(&ci).push("acme/api", "1.0", &image).await.is(201);
    push_index(&t, "all", &image).await;
    let browser = Browser::of_admin(&t).await;
    let page = browser.get(API).await.is(200).says("2 tags").says("2 manifests").says("token acme/ci-bot");
    let page = page.says(&format!("docker pull {}/acme/api:1.0", t.host)).says("100 kB");
    let page = page.says(">linux/amd64<").says(">linux/amd64, linux/arm64/v8<");
    let page = page.says(&format!("title=\"{}\"", image.manifest.digest));
    page.says(&format!("href=\"{}?tag=1.0\"", page_of(&image.manifest.digest)));
}

#[both_engines]
async fn the_page_of_a_tag_shows_how_that_tag_is_pulled(t: TestServer) {
    let (image, other) = (Image::new(1, 10), Image::new(2, 10));
    for tag in ["1.0", "2.0", "latest"] {
        t.admin().push("acme/api", tag, &image).await.is(201);
    }
    t.admin().push("acme/api", "3.0", &other).await.is(201);
    let browser = Browser::of_admin(&t).await;
    let own = page_of(&image.manifest.digest);
    browser.get(API).await.is(200).says(&format!("href=\"{own}?tag=2.0\""));
    // Without a tag, and with one that points elsewhere, is absent, or is malformed: the first.
    for (asked, shown) in [
        ("?tag=2.0", "2.0"),
        ("?tag=latest", "latest"),
        ("", "1.0"),
        ("?tag=3.0", "1.0"),
        ("?tag=absent", "1.0"),
        ("?tag=%3Cb%3E", "1.0"),
    ] {
        let page = browser.get(&format!("{own}{asked}")).await.is(200);
        page.says(&format!("docker pull {}/acme/api:{shown}<", t.host));
    }
    // Of more tags than the page reads.
    for number in 0..200 {
        t.admin().push_manifest("acme/api", &format!("1.{number:03}"), &image.manifest.bytes).await.is(201);
    }
    let page = browser.get(&format!("{own}?tag=latest")).await.is(200);
    page.says(&format!("docker pull {}/acme/api:latest<", t.host));
}

#[both_engines]
async fn looking_is_no_pull(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    t.with(&ci).pull("acme/api", "1.0").await.is(200);
    let browser = Browser::of_admin(&t).await;
    browser.get(API).await.is(200);
    browser.get(&page_of(&image.manifest.digest)).await.is(200);
    t.write_usage().await;
    let used = t.admin().get(&format!("/api/v1/tokens/{}", ci.id)).await.is(200).json();
    assert_eq!(used["pulls"], 1);
}

#[both_engines]
async fn a_manifest_shows_what_it_is_made_of(t: TestServer) {
    let image = Image::new(1, 100_000);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let browser = Browser::of_admin(&t).await;
    let page = browser.get(&page_of(&image.manifest.digest)).await.is(200).says("<h1>Image</h1>");
    for said in [
        format!("docker pull {}/acme/api:1.0", t.host),
        format!("docker pull {}/acme/api@{}", t.host, image.manifest.digest),
        format!("title=\"{}\"", image.layer.digest),
        format!("title=\"{}\"", image.config.digest),
        image.layer.media_type.to_owned(),
        "linux/amd64".to_owned(),
        "user admin".to_owned(),
        "Nothing is about this manifest".to_owned(),
    ] {
        assert!(page.text().contains(&said), "{said}: {page:?}");
    }
}

#[both_engines]
async fn an_index_shows_its_platforms(t: TestServer) {
    let image = Image::new(1, 100_000);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let digest = push_index(&t, "all", &image).await;
    let browser = Browser::of_admin(&t).await;
    let page = browser.get(&page_of(&digest)).await.is(200).says("<h1>Image for several platforms</h1>");
    let page =
        page.says(">linux/amd64</th>").says(">linux/arm64/v8</th>").says(">Attestation<").says("none named");
    page.says(&format!("href=\"{}\"", page_of(&image.manifest.digest)));
}

#[both_engines]
async fn somebody_elses_markup_is_inert(t: TestServer) {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let config = Blob::new("application/vnd.oci.image.config.v1+json", evil.as_bytes().to_vec());
    t.admin().push_blob("acme/api", &config).await.is(201);
    let mut layer = config.descriptor();
    layer["mediaType"] = json!(evil);
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": evil,
        "config": config.descriptor(), "layers": [layer], "annotations": { evil: evil } });
    let manifest = Blob::new(MANIFEST_TYPE, manifest.to_string().into_bytes());
    t.admin().push_manifest("acme/api", "1.0", &manifest.bytes).await.is(201);
    let browser = Browser::of_admin(&t).await;
    for path in [API.to_owned(), format!("{API}/manifests"), page_of(&manifest.digest)] {
        let page = browser.get(&path).await.is(200).says("&lt;script&gt;");
        lacks(&page, "<script>alert");
        lacks(&page, "<img");
    }
}

#[both_engines]
async fn a_manifest_of_the_largest_size_stays_a_page(t: TestServer) {
    let blob = Blob::new("application/vnd.oci.image.layer.v1.tar", b"layer".to_vec());
    t.admin().push_blob("acme/api", &blob).await.is(201);
    let annotations: serde_json::Map<_, _> =
        (0..1000).map(|number| (format!("key-{number}"), json!("x".repeat(100)))).collect();
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": blob.descriptor(),
        "layers": vec![blob.descriptor(); 1000], "annotations": annotations });
    let manifest = Blob::new(MANIFEST_TYPE, manifest.to_string().into_bytes());
    t.admin().push_manifest("acme/api", "big", &manifest.bytes).await.is(201);
    let browser = Browser::of_admin(&t).await;
    let page =
        browser.get(&page_of(&manifest.digest)).await.is(200).says("And 960 more").says("And 985 more");
    assert!(page.text().len() < 50_000, "{} bytes", page.text().len());
}

#[both_engines]
async fn a_tag_goes_and_its_manifest_stays(t: TestServer) {
    let image = Image::new(1, 10);
    for tag in ["1.0", "latest"] {
        t.admin().push("acme/api", tag, &image).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    let path = format!("{API}/tags/latest/delete");
    browser.get(API).await.is(200).says(&format!("href=\"{path}\" data-ask"));
    let question = browser.get(&path).await.is(200).says("data-question").says(&image.manifest.digest);
    question.says(&format!("{}/acme/api:latest", t.host));
    let about = [("digest", image.manifest.digest.as_str())];
    let gone = browser.post(&path, &about).await.is(303);
    assert_eq!(gone.header("location"), format!("{API}?done=tag-deleted"));
    browser.led_by(gone).await.says("The tag is deleted.");
    t.admin().pull("acme/api", "latest").await.is(404);
    t.admin().pull("acme/api", "1.0").await.is(200);
    browser.post(&path, &about).await.is(404);
}

#[both_engines]
async fn a_tag_that_points_elsewhere_by_then_stays(t: TestServer) {
    let [before, after] = [Image::new(1, 10), Image::new(2, 10)];
    t.admin().push("acme/api", "latest", &before).await.is(201);
    let browser = Browser::of_admin(&t).await;
    let path = format!("{API}/tags/latest/delete");
    let field = |image: &Image| format!("name=\"digest\" value=\"{}\"", image.manifest.digest);
    browser.get(&path).await.is(200).says(&field(&before));
    t.admin().push("acme/api", "latest", &after).await.is(201);
    let kept = browser.post(&path, &[("digest", &before.manifest.digest)]).await.is(409);
    kept.says("It points elsewhere now").says("role=\"alert\"").says(&field(&after));
    for forged in [&[][..], &[("digest", "")], &[("digest", "latest")]] {
        browser.post(&path, forged).await.is(422).says(&field(&after));
    }
    t.admin().pull("acme/api", "latest").await.is(200);
    browser.post(&path, &[("digest", &after.manifest.digest)]).await.is(303);
    t.admin().pull("acme/api", "latest").await.is(404);
}

/// What the question before a manifest is deleted says of its tags.
async fn tags_field(browser: &Browser, path: &str) -> String {
    let page = browser.get(path).await.is(200).text();
    page.split("name=\"tags\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[both_engines]
async fn a_manifest_takes_no_tag_that_nobody_was_asked_about(t: TestServer) {
    let [image, other] = [Image::new(1, 10), Image::new(2, 10)];
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let browser = Browser::of_admin(&t).await;
    let path = format!("{}/delete", page_of(&image.manifest.digest));
    let before = tags_field(&browser, &path).await;
    // Another tag comes, and then as many as there were, but not the same.
    t.admin().push("acme/api", "prod", &image).await.is(201);
    let asked = browser.post(&path, &[("tags", &before)]).await.is(409).says("role=\"alert\"");
    asked.says("Other tags point at it now").says("<strong>1.0, prod</strong>");
    t.admin().push("acme/api", "1.0", &other).await.is(201);
    let asked = browser.post(&path, &[("tags", &before)]).await.is(409);
    asked.says("<strong>prod</strong>");
    for forged in [&[][..], &[("tags", "")], &[("tags", "prod")]] {
        browser.post(&path, forged).await.is(422).says("Look at which tags go with it");
    }
    t.admin().pull("acme/api", "prod").await.is(200);
    let now = tags_field(&browser, &path).await;
    browser.post(&path, &[("tags", &now)]).await.is(303);
    t.admin().pull("acme/api", "prod").await.is(404);
    t.admin().pull("acme/api", "1.0").await.is(200);
}

#[both_engines]
async fn a_manifest_goes_with_its_tags_unless_an_index_needs_it(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let index = push_index(&t, "all", &image).await;
    let browser = Browser::of_admin(&t).await;
    let path = format!("{}/delete", page_of(&image.manifest.digest));
    browser.get(&path).await.is(200).says("every tag on it").says("<strong>1.0</strong>");
    let tags = tags_field(&browser, &path).await;
    let kept = browser.post(&path, &[("tags", &tags)]).await.is(409).says("needed by an index");
    kept.says("role=\"alert\"").says(&format!("name=\"tags\" value=\"{tags}\""));
    t.admin().pull("acme/api", "1.0").await.is(200);
    let of_index = format!("{}/delete", page_of(&index));
    let tags_of_index = tags_field(&browser, &of_index).await;
    browser.post(&of_index, &[("tags", &tags_of_index)]).await.is(303);
    let gone = browser.post(&path, &[("tags", &tags)]).await.is(303);
    assert_eq!(gone.header("location"), format!("{API}?done=deleted"));
    browser.led_by(gone).await.says("The manifest is deleted.").says("No tag").says("0 manifests");
    browser.get(&page_of(&image.manifest.digest)).await.is(404);
}

#[both_engines]
async fn a_repository_goes_with_everything_in_it(t: TestServer) {
    t.admin().push("acme/team/web", "1.0", &Image::new(1, 10)).await.is(201);
    let browser = Browser::of_admin(&t).await;
    let path = "/namespaces/acme/repositories/team%2Fweb";
    browser.get(path).await.is(200).says(&format!("{path}/delete\" data-ask"));
    browser.get(&format!("{path}/delete")).await.is(200).says("its 1 tag and 1 manifest (");
    let gone = browser.post(&format!("{path}/delete"), &[]).await.is(303);
    assert_eq!(gone.header("location"), "/namespaces/acme?done=deleted");
    browser.led_by(gone).await.says("The repository is deleted.");
    browser.get(path).await.is(404);
}

#[both_engines]
async fn who_may_only_push_deletes_nothing(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let writer = browser_of(&t, "ann", Some("writer")).await;
    let manifest = page_of(&image.manifest.digest);
    lacks(&writer.get(&manifest).await.is(200), "Delete");
    for path in [format!("{API}/delete"), format!("{API}/tags/1.0/delete"), format!("{manifest}/delete")] {
        writer.get(&path).await.is(403);
        writer.post(&path, &[]).await.is(403);
    }
    // Another site's page sends the cookie along, and is refused all the same.
    let root = Browser::of_admin(&t).await;
    let foreign = root.request(Method::POST, &format!("{API}/delete")).header("sec-fetch-site", "cross-site");
    root.send(foreign, &[]).await.is(403);
    t.admin().pull("acme/api", "1.0").await.is(200);
}
