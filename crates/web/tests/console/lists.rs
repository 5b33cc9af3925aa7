//! Lists that are longer than a page: whoever follows their own links sees every row once, finds back to the first page
//! from any other, and is told nothing untrue where a list has ended.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, TestServer, both_engines, image::Image};

use crate::{browser::Browser, crowded::is_light};

/// Where a link with this text leads.
fn link(page: &Answer, text: &str) -> Option<String> {
    let page = page.text();
    let (before, _) = page.split_once(&format!("\">{text}</a>"))?;
    let (_, address) = before.rsplit_once("href=\"")?;
    Some(address.split('"').next()?.replace("&amp;", "&"))
}

/// How many rows the list shows and on how many pages, followed by its own links from its first page on.
pub(crate) async fn walk(browser: &Browser, first: &str) -> (usize, usize) {
    let (mut rows, mut pages) = (HashSet::new(), 0);
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let page = browser.get(&path).await.is(200);
        is_light(&page);
        let before = rows.len();
        for row in page.text().split("<th scope=\"row\"").skip(1) {
            let row = row.split("</tr>").next().unwrap().to_owned();
            assert!(!rows.contains(&row), "{path} shows again what was shown before: {row}");
            rows.insert(row);
        }
        assert!(rows.len() > before, "{path} shows nothing: {page:?}");
        assert_eq!(link(&page, "First page"), (pages > 0).then(|| first.to_owned()), "{path}");
        pages += 1;
        next = link(&page, "Next page");
    }
    (rows.len(), pages)
}

/// Somebody with a namespace of their own, in the team and with a role in `acme`.
async fn make_user(t: &TestServer, number: usize) {
    let (root, username) = (t.admin(), format!("user-{number:03}"));
    let user = json!({ "username": username, "password": "a fine password" });
    root.post_json("/api/v1/users", &user).await.is(201);
    let put = root.request(Method::PUT, &format!("/api/v1/teams/ops/members/{username}"));
    root.send(put).await;
    let member = root.request(Method::PUT, &format!("/api/v1/namespaces/acme/members/users/{username}"));
    root.send(member.json(&json!({ "role": "reader" }))).await.is(200);
}

#[both_engines]
async fn every_list_of_people_is_walked_to_its_end_by_its_own_links(t: TestServer) {
    let (root, people, teams) = (t.admin(), 81, 101);
    t.namespace("acme").await;
    root.post_json("/api/v1/teams", &json!({ "name": "ops" })).await.is(201);
    for number in 0..people {
        make_user(&t, number).await;
    }
    for number in 1..teams {
        root.post_json("/api/v1/teams", &json!({ "name": format!("team-{number:03}") })).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    let audit = root.get("/api/v1/audit?limit=1000").await.is(200).json();
    let audited = audit["items"].as_array().unwrap().len();
    // Each has a namespace of their own; the administrator and `acme` come on top.
    for (path, rows, pages) in [
        ("/users", people + 1, 2),
        ("/teams", teams, 2),
        ("/teams/ops", people, 2),
        ("/namespaces/acme/members", people, 3),
    ] {
        assert_eq!(walk(&browser, path).await, (rows, pages), "{path}");
    }
    let namespaces = root.get("/api/v1/namespaces?limit=1000").await.is(200).json();
    assert_eq!(walk(&browser, "/").await, (namespaces["items"].as_array().unwrap().len(), 2));
    let (rows, pages) = walk(&browser, "/audit").await;
    assert_eq!((rows, pages > 3), (audited, true), "{pages} pages");
    // Filters go from page to page.
    let (rows, _) = walk(&browser, "/audit?namespace=acme").await;
    assert_eq!(rows, people + 1, "the namespace and a role for each");
}

#[both_engines]
async fn every_list_of_what_was_pushed_is_walked_to_its_end_by_its_own_links(t: TestServer) {
    let (root, repositories, images) = (t.admin(), 41, 31);
    for number in 0..repositories {
        root.push(&format!("acme/r{number:02}"), "1.0", &Image::new(0, 10)).await.is(201);
    }
    for number in 1..images {
        root.push("acme/r00", &format!("1.{number}"), &Image::new(number, 10)).await.is(201);
    }
    let browser = Browser::of_admin(&t).await;
    let images = usize::try_from(images).unwrap();
    for (path, rows) in [
        ("/namespaces/acme", repositories),
        ("/namespaces/acme/repositories/r00", images),
        ("/namespaces/acme/repositories/r00/manifests", images),
    ] {
        assert_eq!(walk(&browser, path).await, (rows, 2), "{path}");
    }
}

#[both_engines]
async fn every_list_of_tokens_is_walked_to_its_end_by_its_own_links(t: TestServer) {
    t.namespace("acme").await;
    let tokens = 21;
    for number in 0..tokens {
        let token = json!({ "name": format!("ci-{number:02}"), "permission": "pull" });
        for owner in ["/namespaces/acme", "", "/users/admin"] {
            t.admin().post_json(&format!("/api/v1{owner}/tokens"), &token).await.is(201);
        }
    }
    let browser = Browser::of_admin(&t).await;
    for path in ["/namespaces/acme/tokens", "/tokens", "/profile/tokens"] {
        assert_eq!(walk(&browser, path).await, (tokens, 2), "{path}");
    }
}

#[both_engines]
async fn behind_its_end_a_list_says_so_and_leads_back_to_its_first_page(t: TestServer) {
    t.namespace("acme").await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "ops" })).await.is(201);
    let put = t.admin().request(Method::PUT, "/api/v1/teams/ops/members/admin");
    t.admin().send(put).await;
    t.admin().push("acme/api", "1.0", &Image::new(1, 10)).await.is(201);
    let browser = Browser::of_admin(&t).await;
    for path in [
        "/",
        "/users",
        "/teams",
        "/teams/ops",
        "/tokens",
        "/namespaces/acme",
        "/namespaces/acme/members",
        "/namespaces/acme/tokens",
        "/namespaces/acme/repositories/api",
        "/namespaces/acme/repositories/api/manifests",
    ] {
        let page = browser.get(&format!("{path}?after=zzz")).await.is(200).says("Nothing more here");
        assert_eq!(link(&page, "First page").as_deref(), Some(path));
        let page = page.text();
        assert!(!page.contains(" yet") && !page.contains("<table"), "{path}: {page}");
    }
}

/// On whichever page of the team something is done, it leads back to that page, and says what was done.
#[both_engines]
async fn what_is_done_on_a_page_of_a_team_leads_back_to_it_and_is_told(t: TestServer) {
    t.namespace("acme").await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "ops" })).await.is(201);
    for number in 0..2 {
        make_user(&t, number).await;
    }
    let browser = Browser::of_admin(&t).await;
    let behind = "/teams/ops?after=user-000";
    let page = browser.get(behind).await.is(200).says("name=\"after\" value=\"user-000\"");
    let removal = "/teams/ops/members/user-001/remove";
    page.says(&format!("href=\"{removal}?after=user-000\""));
    let question = browser.get(&format!("{removal}?after=user-000")).await.is(200);
    let question = question.says("name=\"after\" value=\"user-000\"");
    question.says(&format!("href=\"{behind}\" data-cancel"));
    let removed = browser.post(removal, &[("after", "user-000")]).await.is(303);
    assert_eq!(removed.header("location"), format!("{behind}&done=removed"));
    browser.get(removed.header("location")).await.is(200).says("The user is not in the team any more.");
    let fields = [("username", "user-001"), ("after", "user-000")];
    let added = browser.post("/teams/ops/members", &fields).await.is(303);
    assert_eq!(added.header("location"), format!("{behind}&done=added"));
    browser.get(added.header("location")).await.is(200).says("The user is in the team.").says("user-001");
    // Refused, it is told on the same page.
    let fields = [("username", "nobody"), ("after", "user-000")];
    let page = browser.post("/teams/ops/members", &fields).await.is(422).says("user-001");
    let page = page.says("name=\"after\" value=\"user-000\"").text();
    assert!(!page.contains(">user-000</a>"), "{page}");
    let page = browser.get("/teams/ops?done=You+won").await.is(200).text();
    assert!(!page.contains("role=\"status\"") && !page.contains("You won"), "{page}");
    browser.post("/teams/ops/members", &[("after", &"x".repeat(256))]).await.is(400);
}

#[both_engines]
async fn what_is_done_on_a_page_of_members_leads_back_to_it_and_is_told(t: TestServer) {
    const MEMBERS: &str = "/namespaces/acme/members";
    t.namespace("acme").await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "ops" })).await.is(201);
    for number in 0..2 {
        make_user(&t, number).await;
    }
    let browser = Browser::of_admin(&t).await;
    let behind = format!("{MEMBERS}?after=users%2Fuser-000");
    let page = browser.get(&behind).await.is(200);
    assert_eq!(
        page.text().matches("name=\"after\" value=\"users/user-000\"").count(),
        2,
        "row and form: {page:?}"
    );
    let removal = format!("{MEMBERS}/users/user-001/remove");
    let question = browser.get(&link(&page, "Remove").unwrap()).await.is(200);
    let question = question.says("name=\"after\" value=\"users/user-000\"");
    question.says(&format!("href=\"{behind}\" data-cancel"));
    let after = ("after", "users/user-000");
    let changed = [("kind", "user"), ("name", "user-001"), ("role", "admin"), after];
    let set = browser.post(MEMBERS, &changed).await.is(303);
    assert_eq!(set.header("location"), format!("{behind}&done=set"));
    browser.get(set.header("location")).await.is(200).says("The member has the role now.");
    let refused = [("kind", "user"), ("name", "nobody"), ("role", "admin"), after];
    browser.post(MEMBERS, &refused).await.is(422).says("Role of user user-001");
    let removed = browser.post(&removal, &[after]).await.is(303);
    assert_eq!(removed.header("location"), format!("{behind}&done=removed"));
    let page = browser.get(removed.header("location")).await.is(200).says("The member is removed.");
    page.says("Nothing more here");
}
