//! The tabs, and the list of repositories.

use serde_json::json;
use testkit::{TestServer, both_engines, image::Image};

use super::{browser_of, lacks};
use crate::browser::Browser;

#[both_engines]
async fn an_empty_namespace_says_how_the_first_push_goes(t: TestServer) {
    t.namespace("acme").await;
    let browser = Browser::of_admin(&t).await;
    let page = browser.get("/namespaces/acme").await.is(200).says("No repository yet");
    for line in [
        format!("docker login {} -u admin", t.host),
        format!("docker tag my-image {}/acme/my-image:1.0", t.host),
        format!("docker push {}/acme/my-image:1.0", t.host),
        "href=\"/namespaces/acme/tokens\"".to_owned(),
    ] {
        assert!(page.text().contains(&line), "{line}: {page:?}");
    }
}

#[both_engines]
async fn repositories_are_listed_with_what_is_in_them(t: TestServer) {
    let image = Image::new(1, 100_000);
    for (repository, tag) in
        [("acme/api", "1.0"), ("acme/api", "latest"), ("acme/team/web", "1.0"), ("acme", "1.0")]
    {
        t.admin().push(repository, tag, &image).await.is(201);
    }
    t.admin().push("other/secret", "1.0", &image).await.is(201);
    let browser = Browser::of_admin(&t).await;
    let page = browser.get("/namespaces/acme").await.is(200);
    let page = page.says("<td class=\"number\" data-label=\"Tags\">2</td>").says("100 kB").says("<time");
    // The one that is called like its namespace has no rest, and a slash is no further segment.
    for path in ["repositories/-\">acme</a>", "repositories/api\">acme/api</a>", "repositories/team%2Fweb\">"]
    {
        assert!(page.text().contains(path), "{path}: {page:?}");
    }
    lacks(&page, "other/secret");
    let found = [("-", "acme"), ("api", "acme/api"), ("team%2Fweb", "acme/team/web")];
    for (segment, name) in found {
        let page = browser.get(&format!("/namespaces/acme/repositories/{segment}")).await.is(200);
        assert!(page.text().contains(&format!("<h1>{name}</h1>")), "{page:?}");
    }
}

#[both_engines]
async fn repositories_come_page_by_page(t: TestServer) {
    let image = Image::new(1, 10);
    for number in 0..41 {
        t.admin().push(&format!("acme/r{number:02}"), "1", &image).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    let first = browser.get("/namespaces/acme").await.is(200).says("acme/r39");
    lacks(&first, ">acme/r40<");
    let next = "/namespaces/acme?after=acme%2Fr39";
    let first = first.says(&format!("href=\"{next}\""));
    assert!(first.text().len() < 50_000, "{} bytes", first.text().len());
    browser.get(next).await.is(200).says(">acme/r40<");
    browser.get("/namespaces/acme?after=a%00").await.is(400);
}

#[both_engines]
async fn who_may_not_manage_sees_no_way_to_it(t: TestServer) {
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let writer = browser_of(&t, "ann", Some("writer")).await;
    for path in ["", "/repositories/api"] {
        let page = writer.get(&format!("/namespaces/acme{path}")).await.is(200);
        for offered in ["/members", "/settings", "/acme/tokens", "/delete"] {
            lacks(&page, &format!("{offered}\""));
        }
    }
    let admin = browser_of(&t, "root", Some("admin")).await;
    let page = admin.get("/namespaces/acme").await.is(200);
    for offered in ["/members\"", "/settings\"", "/acme/tokens\"", "aria-current=\"page\">Repositories<"] {
        assert!(page.text().contains(offered), "{offered}: {page:?}");
    }
}

#[both_engines]
async fn a_namespace_of_others_is_as_absent_as_one_that_nobody_has(t: TestServer) {
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let stranger = browser_of(&t, "eve", None).await;
    let pages = [
        "",
        "/repositories/api",
        "/repositories/api/manifests",
        "/repositories/api/delete",
        "/repositories/api/tags/1.0/delete",
        "/members",
        "/members/users/admin/remove",
        "/settings",
        "/delete",
        "/disable-tokens",
    ];
    for rest in pages {
        let there = stranger.get(&format!("/namespaces/acme{rest}")).await.is(404).text();
        let nowhere = stranger.get(&format!("/namespaces/nobody{rest}")).await.is(404).text();
        assert_eq!(there.replace("acme", "nobody"), nowhere, "{rest}");
    }
    for rest in pages.into_iter().filter(|rest| rest.contains("delete") || rest.contains("remove")) {
        stranger.post(&format!("/namespaces/acme{rest}"), &[("name", "acme")]).await.is(404);
    }
    for path in ["/members", "/settings", "/disable-tokens"] {
        stranger.post(&format!("/namespaces/acme{path}"), &[("visibility", "public")]).await.is(404);
    }
}

#[both_engines]
async fn a_public_namespace_is_looked_at_by_everybody_who_is_logged_in(t: TestServer) {
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    t.admin().patch_json("/api/v1/namespaces/acme", &json!({ "visibility": "public" })).await.is(200);
    let stranger = browser_of(&t, "eve", None).await;
    let page = stranger.get("/namespaces/acme").await.is(200).says("public: anyone").says("acme/api");
    lacks(&page, "/members\"");
    stranger.get("/namespaces/acme/repositories/api").await.is(200).says("linux/amd64");
    stranger.get("/namespaces/acme/members").await.is(404);
    stranger.post("/namespaces/acme/repositories/api/delete", &[]).await.is(403);
}

#[both_engines]
async fn what_can_be_no_name_is_not_there(t: TestServer) {
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let browser = Browser::of_admin(&t).await;
    for path in [
        "/namespaces/Acme",
        "/namespaces/acme%2Fapi",
        "/namespaces/%3Cscript%3E",
        "/namespaces/acme/repositories/Api",
        "/namespaces/acme/repositories/..%2Fother",
        "/namespaces/acme/repositories/a%00",
        "/namespaces/acme/repositories/%FF",
        "/namespaces/acme/repositories/web",
        "/namespaces/acme/repositories/api/manifests/1.0",
        "/namespaces/acme/repositories/api/manifests/sha256:00",
        "/namespaces/acme/repositories/api/tags/-/delete",
        "/namespaces/acme/repositories/api/tags/2.0/delete",
        "/namespaces/acme/members/robots/r2/remove",
    ] {
        let page = browser.get(path).await.is(404);
        lacks(&page, "<script>");
    }
    // Before anything is looked up: the way to log in, and back.
    let asked = Browser::fresh(&t).get("/namespaces/acme/repositories/api").await.is(303);
    assert_eq!(asked.header("location"), "/login?next=%2Fnamespaces%2Facme%2Frepositories%2Fapi");
}
