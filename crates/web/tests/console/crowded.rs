//! Pages with as much on them as there can be: none is as heavy as 50 KB (issue 6).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Answer, TestServer, both_engines,
    image::{Blob, Image},
};

use crate::browser::Browser;

/// OCI image-spec 1.1, "Image Index".
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// What a page may weigh, in bytes.
const HEAVY: usize = 50_000;

/// A name of this length that begins with the number.
fn long(number: usize, characters: usize) -> String {
    let mut name = format!("n{number:04}");
    name.extend(std::iter::repeat_n('x', characters - name.len()));
    name
}

fn is_light(page: &Answer) {
    let weight = page.text().len();
    assert!(weight < HEAVY, "{weight} bytes");
}

/// A repository whose name is as long as names get.
fn repository(number: usize) -> String {
    format!("acme/{}", long(number, 250))
}

fn path_of(repository: &str) -> String {
    format!("/namespaces/acme/repositories/{}", repository.strip_prefix("acme/").unwrap())
}

/// An index for thousands of platforms in words as long as they get.
fn index_of(image: &Image) -> Blob {
    let entry = |number| {
        let word = long(number, 63);
        let mut entry = image.manifest.descriptor();
        entry["platform"] = json!({ "os": word, "architecture": word, "variant": word });
        entry
    };
    let annotations: serde_json::Map<_, _> =
        (0..100).map(|number| (long(number, 300), json!("&".repeat(300)))).collect();
    let entries: Vec<Value> = (0..4_000).map(entry).collect();
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries, "annotations": annotations });
    Blob::new(INDEX_TYPE, index.to_string().into_bytes())
}

#[both_engines]
async fn a_repository_of_long_names_is_light(t: TestServer) {
    let (root, repository, image) = (t.admin(), repository(0), Image::new(1, 10));
    root.push(&repository, "1.0", &image).await.is(201);
    let index = index_of(&image);
    for number in 0..40 {
        let tag = long(number, 128);
        root.push_manifest_as(&repository, &tag, INDEX_TYPE, &index.bytes).await.is(201);
    }
    for number in 0..70_usize {
        let about = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [],
            "artifactType": format!("application/{}", long(number, 243)),
            "subject": { "mediaType": INDEX_TYPE, "digest": index.digest, "size": index.bytes.len() } });
        let about = Blob::new(INDEX_TYPE, about.to_string().into_bytes());
        root.push_manifest_as(&repository, &about.digest, INDEX_TYPE, &about.bytes).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    let own = path_of(&repository);
    for path in [own.clone(), format!("{own}/manifests"), format!("{own}/manifests/{}/delete", index.digest)]
    {
        is_light(&browser.get(&path).await.is(200));
    }
    let page = browser.get(&format!("{own}/manifests/{}", index.digest)).await.is(200);
    is_light(&page);
    page.says(" and 30 more</dd>").says(" and 3996 more</dd>").says("There are more: ");
}

#[both_engines]
async fn many_repositories_are_light(t: TestServer) {
    let root = t.admin();
    for number in 0..60 {
        let blob = Blob::new("application/octet-stream", b"x".to_vec());
        root.push_blob(&repository(number), &blob).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    is_light(&browser.get("/namespaces/acme").await.is(200).says("Next page"));
}

#[both_engines]
async fn many_people_are_light(t: TestServer) {
    let (root, team) = (t.admin(), long(0, 63));
    root.patch_json("/api/v1/settings", &json!({ "own_namespaces": false })).await.is(200);
    t.namespace("acme").await;
    root.post_json("/api/v1/teams", &json!({ "name": team })).await.is(201);
    let count = 110;
    for number in 1..=count {
        let user = long(number, 63);
        let made = json!({ "username": user, "password": "a fine password" });
        root.post_json("/api/v1/users", &made).await.is(201);
        let put = root.request(Method::PUT, &format!("/api/v1/teams/{team}/members/{user}"));
        root.send(put).await;
        let member = root.request(Method::PUT, &format!("/api/v1/namespaces/acme/members/users/{user}"));
        root.send(member.json(&json!({ "role": "reader" }))).await.is(200);
    }
    let browser = Browser::of_admin(&t).await;
    for path in ["/users", "/namespaces/acme/members"] {
        is_light(&browser.get(path).await.is(200).says("Next page"));
    }
    let path = format!("/teams/{team}");
    let mut seen = 0;
    let mut next = Some(path.clone());
    while let Some(page) = next {
        let page = browser.get(&page).await.is(200);
        is_light(&page);
        seen += page.text().matches("/remove\"").count();
        let rest = page.text().split_once(&format!("href=\"{path}?after=")).map(|(_, rest)| rest.to_owned());
        next = rest.map(|rest| format!("{path}?after={}", rest.split('"').next().unwrap()));
    }
    assert_eq!(seen, count, "each is on one page");
    let question = browser.get(&format!("{path}/delete")).await.is(200).says("110 users are in it.");
    is_light(&question);
}

#[both_engines]
async fn many_tokens_made_elsewhere_are_light(t: TestServer) {
    let (root, namespace) = (t.admin(), long(0, 255));
    t.namespace(&namespace).await;
    for number in 0..60 {
        let token = json!({ "name": long(number, 63), "permission": "pull" });
        root.post_json(&format!("/api/v1/namespaces/{namespace}/tokens"), &token).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    let page = browser.get("/users/admin/deactivate").await.is(200).says("And 10 more.");
    is_light(&page);
    assert_eq!(page.text().matches("href=\"/tokens/").count(), 50, "{page:?}");
}

#[both_engines]
async fn many_namespaces_of_long_names_are_light(t: TestServer) {
    for number in 0..60 {
        t.namespace(&long(number, 255)).await;
    }
    let browser = Browser::of_admin(&t).await;
    is_light(&browser.get("/").await.is(200).says("Next page"));
}
