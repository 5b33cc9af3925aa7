//! The tab Members.

use serde_json::{Value, json};
use testkit::{TestServer, both_engines};

use super::{browser_of, lacks};
use crate::browser::Browser;

const MEMBERS: &str = "/namespaces/acme/members";

async fn role_of(t: &TestServer, kind: &str, name: &str) -> Option<Value> {
    let page = t.admin().get("/api/v1/namespaces/acme/members").await.is(200).json();
    let items = page["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["kind"] == kind && item["name"] == name);
    found.map(|item| item["role"].clone())
}

#[both_engines]
async fn members_are_added_changed_and_removed(t: TestServer) {
    t.namespace("acme").await;
    t.admin().post_json("/api/v1/teams", &json!({ "name": "crew" })).await.is(201);
    let ann = browser_of(&t, "ann", None).await;
    let browser = Browser::of_admin(&t).await;
    browser.get(MEMBERS).await.is(200).says("Add a member");
    for (kind, name, role) in
        [("user", " ann ", "reader"), ("team", "crew", "writer"), ("user", "ann", "admin")]
    {
        let fields = [("kind", kind), ("name", name), ("role", role)];
        let set = browser.post(MEMBERS, &fields).await.is(303);
        assert_eq!(set.header("location"), format!("{MEMBERS}?done=set"));
        let kind = format!("{kind}s");
        assert_eq!(role_of(&t, &kind, name.trim()).await, Some(json!(role)));
    }
    let page = browser.get(MEMBERS).await.is(200).says("value=\"admin\" selected").says("Role of team crew");
    lacks(&page, ">you<");
    ann.get(MEMBERS).await.is(200).says(">you<");
    let removal = format!("{MEMBERS}/teams/crew/remove");
    let page = page.says(&format!("href=\"{removal}\" data-ask"));
    drop(page);
    browser.get(&removal).await.is(200).says("data-question").says("Remove team crew from acme?");
    let removed = browser.post(&removal, &[]).await.is(303);
    assert_eq!(removed.header("location"), format!("{MEMBERS}?done=removed"));
    assert_eq!(role_of(&t, "teams", "crew").await, None);
    browser.post(&removal, &[]).await.is(404);
}

#[both_engines]
async fn a_member_that_can_t_be_is_told_beside_its_field(t: TestServer) {
    t.namespace("acme").await;
    let browser = Browser::of_admin(&t).await;
    for (kind, name, role, field) in [
        ("user", "", "reader", "name"),
        ("user", "Ann", "reader", "name"),
        ("user", "nobody", "reader", "name"),
        ("team", "nobody", "reader", "name"),
        ("user", "\"><script>alert(1)</script>", "reader", "name"),
        ("robot", "admin", "reader", "kind"),
        ("user", "admin", "owner", "role"),
        ("user", "admin", "", "role"),
    ] {
        let page = browser.post(MEMBERS, &[("kind", kind), ("name", name), ("role", role)]).await.is(422);
        let page = page.says(&format!("id=\"{field}-wrong\"")).says("aria-invalid=\"true\"");
        let typed = name.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        let page = page.says(&format!("value=\"{typed}\""));
        lacks(&page, "<script>alert");
    }
    assert_eq!(role_of(&t, "users", "admin").await, None);
}

#[both_engines]
async fn only_admins_of_the_namespace_see_members(t: TestServer) {
    t.namespace("acme").await;
    for role in ["reader", "writer"] {
        let browser = browser_of(&t, role, Some(role)).await;
        browser.get(MEMBERS).await.is(403);
        let myself = [("kind", "user"), ("name", role), ("role", "admin")];
        browser.post(MEMBERS, &myself).await.is(403);
        browser.post(&format!("{MEMBERS}/users/{role}/remove"), &[]).await.is(403);
        assert_eq!(role_of(&t, "users", role).await, Some(json!(role)));
    }
}

#[both_engines]
async fn whoever_gives_their_own_role_away_lands_where_they_still_may_look(t: TestServer) {
    t.namespace("acme").await;
    let ann = browser_of(&t, "ann", Some("admin")).await;
    ann.get(&format!("{MEMBERS}/users/ann/remove")).await.is(200).says("This is you.");
    let fields = [("kind", "user"), ("name", "ann"), ("role", "reader"), ("asked", "yes")];
    assert_eq!(ann.post(MEMBERS, &fields).await.is(303).header("location"), "/namespaces/acme");
    let bob = browser_of(&t, "bob", Some("admin")).await;
    let removal = format!("{MEMBERS}/users/bob/remove");
    assert_eq!(bob.post(&removal, &[]).await.is(303).header("location"), "/");
}

#[both_engines]
async fn whoever_would_give_their_own_role_away_is_asked_first(t: TestServer) {
    t.namespace("acme").await;
    let ann = browser_of(&t, "ann", Some("admin")).await;
    browser_of(&t, "bob", Some("admin")).await;
    let after = ("after", "teams/ops");
    for role in ["reader", "writer"] {
        let fields = [("kind", "user"), ("name", "ann"), ("role", role), after];
        let page = ann.post(MEMBERS, &fields).await.is(200).says("data-question").says("This is you.");
        let page = page.says(&format!("Become {role} of acme?")).says(&format!("as admin and not as {role}"));
        // The form of the question says all that was said, and that it was asked.
        for (name, value) in fields.into_iter().chain([("asked", "yes")]) {
            let field = format!("name=\"{name}\" value=\"{value}\"");
            assert!(page.text().contains(&field), "{field} is not in {page:?}");
        }
        page.says(&format!("href=\"{MEMBERS}?after=teams%2Fops\" data-cancel"));
        assert_eq!(role_of(&t, "users", "ann").await, Some(json!("admin")));
    }
    // Neither what changes nothing nor what somebody else has is asked about.
    for (name, role) in [("ann", "admin"), ("bob", "reader")] {
        ann.post(MEMBERS, &[("kind", "user"), ("name", name), ("role", role)]).await.is(303);
        assert_eq!(role_of(&t, "users", name).await, Some(json!(role)));
    }
    // An answer to the question is no way in for whoever may not change roles.
    let cleo = browser_of(&t, "cleo", Some("reader")).await;
    let fields = [("kind", "user"), ("name", "cleo"), ("role", "admin"), ("asked", "yes")];
    cleo.post(MEMBERS, &fields).await.is(403);

    let confirmed = [("kind", "user"), ("name", "ann"), ("role", "writer"), ("asked", "yes")];
    ann.post(MEMBERS, &confirmed).await.is(303);
    assert_eq!(role_of(&t, "users", "ann").await, Some(json!("writer")));
    ann.get(MEMBERS).await.is(403);
}

#[both_engines]
async fn an_administrator_takes_and_gives_up_a_role_unasked(t: TestServer) {
    t.namespace("acme").await;
    let browser = Browser::of_admin(&t).await;
    let role = |role| [("kind", "user"), ("name", "admin"), ("role", role)];
    // The last of them takes nothing away: an administrator of the instance is one of every namespace.
    for changed in ["reader", "writer", "reader"] {
        browser.post(MEMBERS, &role(changed)).await.is(303);
        assert_eq!(role_of(&t, "users", "admin").await, Some(json!(changed)));
    }
}

#[both_engines]
async fn members_come_page_by_page(t: TestServer) {
    t.namespace("acme").await;
    for number in 0..31 {
        let team = format!("team-{number:03}");
        t.admin().post_json("/api/v1/teams", &json!({ "name": team })).await.is(201);
        let put =
            t.admin().request(reqwest::Method::PUT, &format!("/api/v1/namespaces/acme/members/teams/{team}"));
        t.admin().send(put.json(&json!({ "role": "reader" }))).await.is(200);
    }
    let browser = Browser::of_admin(&t).await;
    let first = browser.get(MEMBERS).await.is(200).says("team-029");
    lacks(&first, "team-030");
    browser.get(&format!("{MEMBERS}?after=teams%2Fteam-029")).await.is(200).says("team-030");
}
