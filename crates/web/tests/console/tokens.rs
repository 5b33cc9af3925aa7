//! Access tokens: the list, the forms that make one, and the page that shows a secret once.

use access::time::Length;
use serde_json::json;
use testkit::{Answer, TestServer, both_engines, image::Image, server::ADMIN_PASSWORD};

use crate::browser::Browser;

pub(crate) const ACME: &str = "/namespaces/acme/tokens";

/// The value of a hidden field of the page.
pub(crate) fn hidden(page: &Answer, name: &str) -> String {
    let text = page.text();
    let field = text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    field.unwrap_or_else(|| panic!("no field {name}\n{page:?}")).split('"').next().unwrap().to_owned()
}

/// The secret that the page shows.
pub(crate) fn secret(page: &Answer) -> String {
    let text = page.text();
    let block = text.split("id=\"secret\"").nth(1).unwrap_or_else(|| panic!("no secret\n{page:?}"));
    block.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()
}

/// A browser of the administrator and the namespace acme.
pub(crate) async fn at_acme(t: &TestServer) -> Browser {
    t.namespace("acme").await;
    Browser::of_admin(t).await
}

/// The fields of a new token, as the form at `path` sends them, with those that are given.
pub(crate) async fn fresh<'a>(
    browser: &Browser,
    path: &str,
    fields: &[(&'a str, &'a str)],
) -> Vec<(String, String)> {
    let form = hidden(&browser.get(path).await.is(200), "form");
    let mut all = vec![("form".to_owned(), form)];
    let given = |name: &str| fields.iter().any(|(given, _)| *given == name);
    let usual = [("whom", "nobody"), ("expiry", "never"), ("permission", "pull"), ("status", "enabled")];
    let usual = usual.iter().filter(|(name, _)| !given(name));
    all.extend(usual.chain(fields).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    all
}

pub(crate) async fn send(browser: &Browser, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(path, &fields).await
}

/// Opens the form at `path` and sends it with these fields.
pub(crate) async fn create(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let fields = fresh(browser, path, fields).await;
    send(browser, path, &fields).await
}

#[both_engines]
async fn a_token_is_made_shown_once_and_works(t: TestServer) {
    let browser = at_acme(&t).await;
    browser.get(ACME).await.is(200).says("No token yet").says("aria-current=\"page\">Access Tokens");
    let form = browser.get("/namespaces/acme/tokens/new").await.is(200);
    let form = form.says("Set number of days").says("Never expires").says("Pull &amp; Push");
    form.says(r#"pattern="[a-z][a-z0-9\-]{1,61}[a-z0-9]""#);
    let fields = [
        ("name", "ci-bot"),
        ("description", "for <b>CI</b>"),
        ("whom", "service"),
        ("whom_name", "nightly build"),
        ("expiry", "days"),
        ("days", "30"),
        ("permission", "pull-push"),
        ("addresses", "127.0.0.0/8\r\n10.1.0.0/16"),
    ];
    let page = create(&browser, "/namespaces/acme/tokens/new", &fields).await.is(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let secret = secret(&page);
    assert!(secret.starts_with("slks_"), "{page:?}");
    for line in [
        format!("docker login {} -u ci-bot -p {secret}", t.host),
        format!("--docker-server={}", t.host),
        "docker/login-action".to_owned(),
        "--password-stdin".to_owned(),
    ] {
        assert!(page.text().contains(&line), "{line}\n{page:?}");
    }
    t.basic("ci-bot", &secret).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    let list = browser.get(ACME).await.is(200).says("ci-bot").says("Pull &amp; Push").says("in 1 month");
    let list = list.says("for &lt;b&gt;CI&lt;/b&gt;").says("service nightly build");
    assert!(!list.text().contains("<b>CI") && !list.text().contains(&secret), "{list:?}");
}

/// Logging in again makes another session, which knows nothing of the forms that were sent in the one before.
#[both_engines]
async fn a_form_of_an_earlier_session_makes_nothing(t: TestServer) {
    let mut browser = Browser::of_admin(&t).await;
    let fields =
        fresh(&browser, "/profile/tokens/new", &[("name", "laptop"), ("permission", "account")]).await;
    secret(&send(&browser, "/profile/tokens/new", &fields).await.is(200));
    browser.log_in("admin", ADMIN_PASSWORD).await.is(303);
    let again = send(&browser, "/profile/tokens/new", &fields).await.is(400).says("earlier session");
    assert!(!again.text().contains("slkp_"), "{again:?}");
    let tokens = t.admin().get("/api/v1/users/admin/tokens").await.is(200).json();
    assert_eq!(tokens["items"].as_array().unwrap().len(), 1, "{tokens:#}");
}

#[both_engines]
async fn an_edit_that_came_between_is_not_undone_by_a_form_that_was_refused_once(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    let browser = Browser::of_admin(&t).await;
    let path = format!("/tokens/{}/edit", ci.id);
    let revision = hidden(&browser.get(&path).await.is(200), "revision");
    t.edit(&ci, json!({ "status": "disabled" })).await.is(200);
    let fields = |revision: String, addresses: &str| {
        let given = [("whom", "nobody"), ("expiry", "never"), ("permission", "pull"), ("status", "enabled")];
        let mut fields = given.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        fields.extend([("revision".to_owned(), revision), ("addresses".to_owned(), addresses.to_owned())]);
        fields
    };
    let refused = send(&browser, &path, &fields(revision.clone(), "10.1.0.0/99")).await.is(422);
    assert_eq!(hidden(&refused, "revision"), revision, "{refused:?}");
    send(&browser, &path, &fields(revision, "")).await.is(409).says("changed since you read it");
    let token = t.admin().get(&format!("/api/v1/tokens/{}", ci.id)).await.is(200).json();
    assert_eq!(token["status"], "disabled");
}

#[both_engines]
async fn a_form_that_is_sent_again_makes_nothing_and_shows_nothing(t: TestServer) {
    let browser = at_acme(&t).await;
    let path = "/namespaces/acme/tokens/new";
    let fields = fresh(&browser, path, &[("name", "ci-bot")]).await;
    let secret = secret(&send(&browser, path, &fields).await.is(200));
    let again = send(&browser, path, &fields).await.is(409).says("Already created");
    assert!(!again.text().contains(&secret) && !again.text().contains("slks_"), "{again:?}");
    let mut renamed = fields.clone();
    renamed.iter_mut().find(|(name, _)| name == "name").unwrap().1 = "other-bot".to_owned();
    send(&browser, path, &renamed).await.is(409).says("Already created");
    // What is wrong with a form does not use it up, and a name that is taken gives a form of its own.
    for forged in ["", "x", "0123456789-abcdefghijk"] {
        let fields = [("form", forged), ("name", "third-bot"), ("expiry", "never"), ("permission", "pull")];
        browser.post(path, &fields).await.is(400);
    }
    let taken = create(&browser, path, &[("name", "ci-bot")]).await.is(409).says("exists already");
    let mut fields = fresh(&browser, path, &[("name", "new-bot")]).await;
    fields[0].1 = hidden(&taken, "form");
    send(&browser, path, &fields).await.is(200);
    let listed = t.admin().get("/api/v1/namespaces/acme/tokens").await.is(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
}

#[both_engines]
async fn a_form_whose_act_failed_can_be_sent_again(t: TestServer) {
    let browser = at_acme(&t).await;
    let path = "/namespaces/acme/tokens/new";
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    let create = fresh(&browser, path, &[("name", "ci-bot")]).await;
    send(&browser, path, &create).await.is(409).says("exists already");
    t.admin().delete(&format!("/api/v1/tokens/{}", ci.id)).await.is(204);
    secret(&send(&browser, path, &create).await.is(200));
    send(&browser, path, &create).await.is(409).says("Already created");

    let ci = t.service_token("acme", "deploy", json!({ "permission": "pull" })).await;
    for _ in 1..5 {
        let kept = json!({ "keep_old_for": "1h" });
        t.admin().post_json(&format!("/api/v1/tokens/{}/reset", ci.id), &kept).await.is(200);
    }
    let path = format!("/tokens/{}/reset", ci.id);
    let form = hidden(&browser.get(&path).await.is(200), "form");
    let reset = [("form", form.as_str()), ("keep_old_for", "24h")];
    browser.post(&path, &reset).await.is(409).says("5 living secrets");
    t.clock.advance(Length::hours(2));
    secret(&browser.post(&path, &reset).await.is(200));
    browser.post(&path, &reset).await.is(409).says("Already reset");
}

#[both_engines]
async fn scopes_are_edited_without_a_script(t: TestServer) {
    let browser = at_acme(&t).await;
    let path = "/namespaces/acme/tokens/new";
    let typed = [
        ("name", "deploy"),
        ("permission", "custom"),
        ("rows", "2"),
        ("path-1", "acme/<web>"),
        ("more", "yes"),
    ];
    let more = create(&browser, path, &typed).await.is(200).says("name=\"path-2\"");
    let more = more.says("value=\"acme/&lt;web&gt;\"").says("value=\"deploy\"");
    assert_eq!(hidden(&more, "rows"), "3");
    let wrong = [
        ("name", "deploy"),
        ("permission", "custom"),
        ("rows", "2"),
        ("path-1", "other/*"),
        ("push-1", "push"),
    ];
    let refused = create(&browser, path, &wrong).await.is(422);
    let refused =
        refused.says("id=\"path-1-wrong\"").says("id=\"actions-1-wrong\"").says("value=\"other/*\"");
    let refused = refused.says("aria-describedby=\"path-1-preview path-1-wrong\"");
    let refused = refused.says("aria-invalid=\"true\" aria-describedby=\"actions-1-wrong\"");
    // The row that nothing is wrong with refers to nothing that is not there.
    assert!(!refused.text().contains("path-0-wrong"), "{refused:?}");
    let right = [
        ("name", "deploy"),
        ("permission", "custom"),
        ("rows", "3"),
        ("path-0", "acme/web"),
        ("pull-0", "pull"),
        ("push-0", "push"),
        ("type-2", "registry"),
    ];
    create(&browser, path, &right).await.is(200);
    browser.get(ACME).await.is(200).says("pull and push on acme/web").says("list repositories");
}

#[both_engines]
async fn each_wrong_field_is_told_and_what_was_typed_stays(t: TestServer) {
    let browser = at_acme(&t).await;
    let path = "/namespaces/acme/tokens/new";
    for (field, value, id) in [
        ("name", "CI<i>", "name-wrong"),
        ("name", "", "name-wrong"),
        ("description", "a\u{7}b", "description-wrong"),
        ("whom", "team", "whom-wrong"),
        ("whom_name", "Anna", "whom-wrong"),
        ("expiry", "days", "expiry-wrong"),
        ("expiry", "keep", "expiry"),
        ("expiry", "soon", "expiry-wrong"),
        ("permission", "admin", "permission-wrong"),
        // Forged: a service token has no user whose rights it could have.
        ("permission", "account", "permission-wrong"),
        ("path-0", "acme/web", "permission-wrong"),
        ("addresses", "ci.example.com", "addresses-wrong"),
    ] {
        let mut fields = vec![("name", "ci-bot"), (field, value)];
        if field == "name" {
            fields.remove(0);
        }
        let page = create(&browser, path, &fields).await.is(422).says(&format!("id=\"{id}"));
        assert!(!page.text().contains("CI<i>"), "{page:?}");
        if ["name", "whom_name", "addresses", "path-0"].contains(&field) {
            page.says(&value.replace('<', "&lt;").replace('>', "&gt;"));
        }
    }
    let listed = t.admin().get("/api/v1/namespaces/acme/tokens").await.is(200).json();
    assert!(listed["items"].as_array().unwrap().is_empty(), "{listed}");
}

#[both_engines]
async fn a_person_makes_tokens_of_their_own(t: TestServer) {
    let browser = at_acme(&t).await;
    browser.get("/profile/tokens").await.is(200).says("No token yet");
    let account = [("name", "my laptop"), ("permission", "account")];
    let page = create(&browser, "/profile/tokens/new", &account).await.is(200).says("-u admin -p slkp_");
    t.basic("admin", &secret(&page)).get("/api/v1/me").await.is(200);
    let scoped = [("name", "reader"), ("permission", "custom"), ("path-0", "acme/*"), ("pull-0", "pull")];
    create(&browser, "/profile/tokens/new", &scoped).await.is(200);
    let list = browser.get("/profile/tokens").await.is(200);
    list.says("my laptop").says("Whatever the user may").says("pull on acme/*");
    // The same token under its user's path, as administrators have it for others.
    browser.get("/users/admin/tokens").await.is(200).says("my laptop");
}

#[both_engines]
async fn an_administrator_makes_tokens_for_others_and_of_the_instance(t: TestServer) {
    let browser = at_acme(&t).await;
    let ann = json!({ "username": "ann", "password": ADMIN_PASSWORD });
    t.admin().post_json("/api/v1/users", &ann).await.is(201);
    create(&browser, "/users/ann/tokens/new", &[("name", "laptop"), ("permission", "account")])
        .await
        .is(200)
        .says("-u ann -p");
    let page =
        create(&browser, "/tokens/new", &[("name", "mirror")]).await.is(200).says("-u mirror -p slks_");
    page.says("href=\"/tokens\"");
    browser.get("/tokens").await.is(200).says("mirror").says("Instance tokens");
    // Ann sees her own, and nothing of the instance's.
    let browser = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    browser.get("/profile/tokens").await.is(200).says("laptop");
    for path in ["/tokens", "/tokens/new"] {
        let status = browser.get(path).await.status;
        assert!([403, 404].contains(&status), "{path}: {status}");
    }
    for path in [ACME, "/namespaces/acme/tokens/new", "/users/admin/tokens", "/users/admin/tokens/new"] {
        browser.get(path).await.is(404);
    }
    let fields = [("name", "evil-bot"), ("expiry", "never"), ("permission", "pull")];
    browser.post("/namespaces/acme/tokens/new", &fields).await.is(404);
}

#[both_engines]
async fn a_list_is_searched_filtered_and_paged(t: TestServer) {
    let browser = at_acme(&t).await;
    t.service_token("acme", "old-bot", json!({ "status": "disabled" })).await;
    t.service_token("acme", "short-bot", json!({ "expires_in": "3d", "description": "for \"C&A\"" })).await;
    for (query, there, absent) in [
        ("", &["old-bot", "short-bot"][..], &[][..]),
        ("?show=disabled", &["old-bot"], &["short-bot"]),
        ("?show=enabled", &["short-bot"], &["old-bot"]),
        ("?show=expiring", &["short-bot", "badge warn\">in 3 days"], &["old-bot"]),
        ("?show=unused", &["No token passes"], &["old-bot", "short-bot"]),
        ("?q=OLD", &["old-bot"], &["short-bot"]),
        ("?q=%22C%26A", &["short-bot", "value=\"&quot;C&amp;A\""], &["old-bot"]),
        ("?after=old-bot", &["short-bot"], &[">old-bot"]),
    ] {
        let page = browser.get(&format!("{ACME}{query}")).await.is(200);
        for text in there {
            assert!(page.text().contains(text), "{query}: no {text}\n{page:?}");
        }
        for text in absent {
            assert!(!page.text().contains(text), "{query}: {text}\n{page:?}");
        }
    }
    for query in ["?show=broken", "?q=%00", "?q=%ff"] {
        browser.get(&format!("{ACME}{query}")).await.is(400);
    }
    t.clock.advance(Length::days(31));
    let browser = Browser::of_admin(&t).await;
    browser.get(&format!("{ACME}?show=unused")).await.is(200).says("old-bot");
    for number in 0..21 {
        t.service_token("acme", &format!("page-{number:02}"), json!({})).await;
    }
    let page = browser.get(&format!("{ACME}?q=page-")).await.is(200).says("page-19");
    assert!(!page.text().contains("page-20"), "{page:?}");
    browser.get(&format!("{ACME}?q=page-&after=page-19")).await.is(200).says("page-20");
}

#[both_engines]
async fn the_use_of_each_token_stands_beside_it(t: TestServer) {
    let browser = at_acme(&t).await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    t.with(&ci).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    t.with(&ci).pull("acme/api", "1.0").await.is(200);
    t.write_usage().await;
    browser.get(ACME).await.is(200).says("from 127.0.0.1").says("1 pull and 1 push in 30 days");
    let details = browser.get(&format!("/tokens/{}", ci.id)).await.is(200);
    let details = details.says("1 pull and 1 push in the last 30 days").says("As a table").says("127.0.0.1");
    details.says(&format!("/audit?token={}", ci.id)).says("slks_");
    let question = browser.get(&format!("/tokens/{}/delete", ci.id)).await.is(200);
    question.says("1 pull and 1 push this week").says("127.0.0.1").says("data-question");
}

#[both_engines]
async fn the_history_of_a_busy_token_is_what_was_done_to_it(t: TestServer) {
    let browser = at_acme(&t).await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    for number in 0..7 {
        t.clock.advance(Length::seconds(1));
        t.with(&ci).push("acme/api", "1.0", &Image::new(number, 1000)).await.is(201);
    }
    t.edit(&ci, json!({ "status": "disabled" })).await.is(200);
    let details = browser.get(&format!("/tokens/{}", ci.id)).await.is(200);
    let history = details.text().split("<h2>History</h2>").nth(1).unwrap().to_owned();
    let rows: Vec<_> =
        history.split("<th scope=\"row\">").skip(1).map(|row| row.split('<').next().unwrap()).collect();
    assert_eq!(rows, ["disabled", "created"], "{history}");
    let rest = format!("<a href=\"/audit?token={}\">Pushes and everything else</a>", ci.id);
    details.says(&rest);
    browser.get(&format!("/audit?token={}", ci.id)).await.is(200).says("nowrap\">manifest pushed");
}
