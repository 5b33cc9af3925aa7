//! Pages with as much on them as there can be: none is as heavy as 50 KB (issue 6).

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Answer, TestServer, both_engines,
    image::{Blob, Image},
};

use crate::{browser::Browser, lists::walk};

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

pub(crate) fn is_light(page: &Answer) {
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
    assert_eq!(walk(&browser, &path).await, (count, 3), "each is on one page");
    let question = browser.get(&format!("{path}/delete")).await.is(200).says("110 users are in it.");
    is_light(&question);
}

/// Rows that say as much as the rules allow are fewer on a page, and none is left out.
#[both_engines]
async fn what_the_audit_tells_of_edits_is_light(t: TestServer) {
    let scopes: Vec<Value> = (0..100)
        .map(|number| json!({ "type": "repository", "path": format!("acme/{}*", long(number, 200)), "actions": ["pull"] }))
        .collect();
    let addresses: Vec<_> = (0..50).map(|number| format!("10.11.12.{number}")).collect();
    let body = json!({ "scopes": scopes, "allowed_addresses": addresses });
    let token = t.service_token("acme", &long(0, 63), body).await;
    let docker = "docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.8.0-45-generic os/linux arch/amd64 UpstreamClient(Docker-Client/27.3.1 (linux))";
    let edits = 31;
    for number in 0..edits {
        t.clock.advance(Length::milliseconds(1));
        let description = format!("{number} {}", "&<\"".repeat(300));
        let path = format!("/api/v1/tokens/{}", token.id);
        let request = t.admin().request(Method::PATCH, &path).header("user-agent", docker);
        t.admin().send(request.json(&json!({ "description": description }))).await.is(200);
    }
    let browser = Browser::of_admin(&t).await;
    let (rows, pages) = walk(&browser, &format!("/audit?token={}", token.id)).await;
    assert_eq!((rows, pages > 1), (edits + 1, true), "{pages} pages");
    is_light(&browser.get("/audit").await.is(200).says("nowrap\">token edited"));
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

/// Each character of these names and descriptions is five on a page: fewer fit, and none is left out.
#[both_engines]
async fn many_tokens_of_escaped_words_are_light(t: TestServer) {
    let (root, count) = (t.admin(), 31);
    t.namespace("acme").await;
    for number in 0..count {
        t.clock.advance(Length::milliseconds(1));
        let own = json!({ "name": "&".repeat(100), "description": "&".repeat(1_000), "expires_in": "3d" });
        root.post_json("/api/v1/users/admin/tokens", &own).await.is(201);
        let service = json!({
            "name": long(number, 63), "description": "&".repeat(1_000), "expires_in": "3d",
            "scopes": [
                { "type": "repository", "path": format!("acme/{}*", long(0, 240)), "actions": ["pull", "push", "delete"] },
                { "type": "repository", "path": format!("acme/{}*", long(1, 240)), "actions": ["pull", "push", "delete"] },
                { "type": "registry", "actions": ["list"] },
            ],
            "stands_for": { "service": "&".repeat(100) },
        });
        root.post_json("/api/v1/namespaces/acme/tokens", &service).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    for list in ["/profile/tokens", "/namespaces/acme/tokens"] {
        let (rows, pages) = walk(&browser, list).await;
        assert_eq!((rows, pages > 1), (count, true), "{list}: {pages} pages");
    }
    let page = browser.get("/profile/tokens").await.is(200);
    let row = page.text().split("<tr>").nth(2).unwrap().split("</tr>").next().unwrap().to_owned();
    let (name, notes) = (format!(">{}</a>", "&amp;".repeat(100)), format!(">{}…</div>", "&amp;".repeat(100)));
    assert!(row.contains(&name) && row.contains(&notes), "{row}");
    assert_eq!(row.matches("&amp;").count(), 200, "each is said once: {row}");
    page.says("aria-label=\"Select\" aria-labelledby=\"select-0 token-0\"");
}

/// Every page of one token, also after it was edited and reset again and again.
#[both_engines]
async fn a_token_with_all_that_it_may_have_is_light(t: TestServer) {
    let (root, browser) = (t.admin(), crate::tokens::at_acme(&t).await);
    for number in 0..70 {
        let blob = Blob::new("application/octet-stream", b"x".to_vec());
        root.push_blob(&repository(number), &blob).await.is(201);
    }
    let scope = |number| {
        let path = format!("acme/{}*", long(number, 249));
        json!({ "type": "repository", "path": path, "actions": ["pull", "push", "delete"] })
    };
    let all = json!({
        "scopes": (0..100).map(scope).collect::<Vec<_>>(), "description": "&".repeat(1_000), "expires_in": "3d",
        "allowed_addresses": (0..50).map(|last| format!("2001:db8:1111:2222:3333:4444:5555:ff{last:02}")).collect::<Vec<_>>(),
    });
    let mut service = all.clone();
    (service["name"], service["stands_for"]) = (json!(long(0, 63)), json!({ "service": "&".repeat(100) }));
    let mut own = all;
    own["name"] = json!("&".repeat(100));
    for (tokens, token) in [("/api/v1/namespaces/acme/tokens", service), ("/api/v1/users/admin/tokens", own)]
    {
        let made = root.post_json(tokens, &token).await.is(201).json();
        let api = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
        for number in 0..31 {
            let edit = match tokens.contains("users") {
                true => json!({ "name": format!("{number}{}", "&".repeat(98)) }),
                false => json!({ "description": format!("{number}{}", "&".repeat(990)) }),
            };
            root.patch_json(&api, &edit).await.is(200);
        }
        for _ in 0..4 {
            root.post_json(&format!("{api}/reset"), &json!({ "keep_old_for": "1d" })).await.is(200);
        }
        let path = format!("/tokens/{}", made["id"].as_str().unwrap());
        for page in ["", "/edit", "/reset", "/disable", "/delete", "/scopes/remove-all"] {
            is_light(&browser.get(&format!("{path}{page}")).await.is(200));
        }
        browser.get(&path).await.is(200).says("and 70 more</a>");
        each_scope_is_on_one_light_page(&browser, &format!("{path}/scopes")).await;
    }
}

async fn each_scope_is_on_one_light_page(browser: &Browser, path: &str) {
    let mut seen = 0;
    let mut next = Some(path.to_owned());
    while let Some(page) = next {
        let page = browser.get(&page).await.is(200);
        is_light(&page);
        seen += page.text().matches("<th scope=\"row\"").count();
        let link = page.text().split_once("\">Next page</a>").map(|(before, _)| before.to_owned());
        next = link.and_then(|before| before.rsplit_once("href=\"").map(|(_, href)| href.to_owned()));
    }
    assert_eq!(seen, 100);
}
