//! What the pages of tokens say: the words for each kind, what was just done, and no more than a page has room for.

use serde_json::json;
use testkit::{Answer, TestServer, both_engines, image::Image};

use crate::{
    browser::Browser,
    tokens::{ACME, at_acme, create, hidden},
};

/// What a page may weigh, in bytes (issue 6).
const MAX_PAGE_BYTES: usize = 50_000;

fn says_none(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(!page.text().contains(text), "{text}\n{page:?}");
    }
}

#[both_engines]
async fn a_personal_token_is_active_or_inactive_as_docker_trusted_registry_has_it(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let token = t.personal_token("admin", json!({ "name": "laptop" })).await;
    let of_service = ["Disable", "disabled", "Enable", ">Enabled", "enabled again"];
    let (path, list) = (format!("/tokens/{}", token.id), "/profile/tokens");
    let page = browser.get(list).await.is(200).says("badge good\">active").says(">Deactivate</a>");
    let page = page.says(">Deactivate</button>").says(">Activate</button>").says(">Inactive</option>");
    says_none(&page.says("<th>Description</th>"), &["Disable", ">disabled", ">Enable", "<th>Name</th>"]);
    says_none(&browser.get(&path).await.is(200).says(">Deactivate</a>"), &of_service);
    let question = browser.get(&format!("{path}/disable")).await.is(200).says("Deactivate laptop?");
    says_none(&question.says("until it is activated again").says(">Deactivate</button>"), &of_service);
    let several = [("do", "disable"), ("id", token.id.as_str())];
    let question = browser.post("/tokens/several", &several).await.is(200).says("Deactivate 1 token?");
    says_none(&question.says("until they are activated again"), &of_service);
    let form = browser.get(&format!("{path}/edit")).await.is(200).says("Active</label>");
    says_none(&form.says("inactive works nowhere until it is activated"), &["Enabled", "disabled"]);
    browser.post(&format!("{path}/disable"), &[]).await.is(303);
    let page = browser.get(list).await.is(200).says("badge bad\">inactive").says(">Activate</a>");
    browser.get(&format!("{path}/enable")).await.is(200).says("Activate laptop?");
    says_none(&page, &of_service[..1]);
    let off = [("name", "desk"), ("permission", "account"), ("status", "")];
    let page = create(&browser, "/profile/tokens/new", &off).await.is(200);
    page.says("The token is inactive: it works once you activate it.");
}

#[both_engines]
async fn a_service_token_is_enabled_or_disabled(t: TestServer) {
    let browser = at_acme(&t).await;
    let token = t.service_token("acme", "ci-bot", json!({})).await;
    let path = format!("/tokens/{}", token.id);
    let page = browser.get(ACME).await.is(200).says("badge good\">enabled").says(">Disable</a>");
    let page = page.says("<th>Name</th>");
    says_none(&page.says(">Enable</button>").says(">Disabled</option>"), &["ctivate", "nactive"]);
    says_none(&browser.get(&path).await.is(200).says(">Disable</a>"), &["ctivate"]);
    browser
        .get(&format!("{path}/disable"))
        .await
        .is(200)
        .says("Disable ci-bot?")
        .says("until it is enabled again");
    browser.get(&format!("{path}/edit")).await.is(200).says("Enabled</label>");
    let off = [("name", "web-bot"), ("status", "")];
    let page = create(&browser, "/namespaces/acme/tokens/new", &off).await.is(200);
    page.says("The token is disabled: it works once you enable it.");
}

/// What tells a personal token from others is its description in Docker Trusted Registry; the API has another of that name.
#[both_engines]
async fn a_word_means_one_thing_about_a_token(t: TestServer) {
    let browser = at_acme(&t).await;
    let own = t.personal_token("admin", json!({ "name": "laptop", "description": "grey" })).await;
    let service = t.service_token("acme", "ci-bot", json!({ "description": "for CI" })).await;
    for (id, says) in
        [(own.id, "<dt>Notes</dt><dd class=\"as-typed\">grey"), (service.id, "<dt>Description</dt>")]
    {
        browser.get(&format!("/tokens/{id}")).await.is(200).says(says);
    }
    browser.get("/profile/tokens").await.is(200).says("title=\"Notes\">grey");
    let rule = "a description is 1 to 100 characters on one line";
    for name in ["", "a\nb", &"n".repeat(101)] {
        let fields = [("name", name), ("permission", "account")];
        let refused = create(&browser, "/profile/tokens/new", &fields).await.is(422);
        says_none(&refused.says("id=\"name-wrong\"").says(rule), &["token&#39;s name", "token's name"]);
    }
}

/// The short words are what people chose; what they reach is told beside them, and with the token.
#[both_engines]
async fn a_short_permission_says_what_it_reaches(t: TestServer) {
    let browser = at_acme(&t).await;
    for (new, reach) in [
        ("/namespaces/acme/tokens/new", "Every repository of the namespace."),
        ("/tokens/new", "Every repository of every namespace."),
        ("/profile/tokens/new", "Every repository that the user may pull."),
    ] {
        browser.get(new).await.is(200).says(reach).says("The same, and ");
    }
    for (permission, short, scope) in [
        ("pull", "<dd>Pull<div>", "pull on every repository"),
        ("pull-push", "<dd>Pull &amp; Push<div>", "pull and push on every repository"),
    ] {
        let ci =
            t.service_token("acme", &format!("{permission}-bot"), json!({ "permission": permission })).await;
        browser.get(&format!("/tokens/{}", ci.id)).await.is(200).says(short).says(scope);
    }
}

#[both_engines]
async fn the_list_says_what_was_done_to_a_token_and_to_several(t: TestServer) {
    let browser = at_acme(&t).await;
    let [one, two, three] = [
        t.service_token("acme", "one-bot", json!({})).await.id,
        t.service_token("acme", "two-bot", json!({})).await.id,
        t.service_token("acme", "three-bot", json!({})).await.id,
    ];
    let several = |act: &'static str| vec![("do", act), ("asked", "yes"), ("id", &one), ("id", &two)];
    let edit = format!("/tokens/{one}/edit");
    let revision = hidden(&browser.get(&edit).await.is(200), "revision");
    let edited = vec![("revision", revision.as_str()), ("expiry", "never"), ("permission", "pull")];
    for (path, fields, told) in [
        (edit.clone(), edited, "The token was updated."),
        (format!("/tokens/{one}/disable"), vec![], "The token was disabled."),
        (format!("/tokens/{one}/enable"), vec![], "The token was enabled."),
        ("/tokens/several".to_owned(), several("disable"), "The selected tokens were disabled."),
        ("/tokens/several".to_owned(), several("enable"), "The selected tokens were enabled."),
        (
            "/tokens/several".to_owned(),
            vec![("do", "delete"), ("asked", "yes"), ("id", three.as_str())],
            "The token was deleted.",
        ),
        ("/tokens/several".to_owned(), several("delete"), "The selected tokens were deleted."),
    ] {
        let led = browser.post(&path, &fields).await.is(303).header("location").to_owned();
        assert!(led.starts_with(&format!("{ACME}?done=")), "{led}");
        let page = browser.get(&led).await.is(200).says("role=\"status\"");
        page.says(told);
    }
    browser
        .get(&format!("{ACME}?done=deleted"))
        .await
        .is(200)
        .says("The token was deleted.")
        .says("No token yet");
    browser.get("/profile/tokens?done=several-disabled").await.is(200).says("tokens were deactivated");
}

#[both_engines]
async fn no_address_makes_the_list_say_anything_else(t: TestServer) {
    let browser = at_acme(&t).await;
    for word in ["", "created", "Your+account+is+locked", "%3Cb%3Elocked", "several-updated"] {
        let page = browser.get(&format!("{ACME}?done={word}")).await.is(200);
        says_none(&page, &["role=\"status\"", "locked"]);
    }
}

#[both_engines]
async fn whoever_selected_nothing_is_led_back_to_the_table_that_they_looked_at(t: TestServer) {
    let browser = at_acme(&t).await;
    t.service_token("acme", "ci-bot", json!({})).await;
    t.personal_token("admin", json!({ "name": "laptop" })).await;
    t.admin().post_json("/api/v1/tokens", &json!({ "name": "mirror", "permission": "pull" })).await.is(201);
    for (list, field) in [(ACME, Some("namespace")), ("/profile/tokens", Some("user")), ("/tokens", None)] {
        let table = browser.get(list).await.is(200);
        let value = field.map(|field| (field, hidden(&table, field)));
        let mut fields = vec![("do", "disable")];
        fields.extend(value.iter().map(|(field, value)| (*field, value.as_str())));
        let page = browser.post("/tokens/several", &fields).await.is(422).says("No token is selected");
        page.says(&format!("<a class=\"button primary\" href=\"{list}\">"));
    }
    for forged in ["//evil.example", "<b>", "a/../b"] {
        for field in ["namespace", "user"] {
            let page = browser.post("/tokens/several", &[("do", "delete"), (field, forged)]).await.is(404);
            says_none(&page, &["evil", "<b>"]);
        }
    }
}

#[both_engines]
async fn a_page_of_tokens_stays_light_however_much_is_said_of_each(t: TestServer) {
    let browser = at_acme(&t).await;
    let long = "n".repeat(200);
    let scope = |number| json!({"type": "repository", "path": format!("acme/{long}{number}*"), "actions": ["pull", "push"]});
    let mut scopes: Vec<_> = (1..100).map(scope).collect();
    scopes.push(json!({"type": "repository", "path": "acme/api", "actions": ["pull", "push"]}));
    for number in 0..21 {
        let described = "what R&D does. ".repeat(66);
        let service = json!({
            "scopes": scopes, "description": described, "expires_in": "3d", "stands_for": { "service": "s".repeat(100) },
        });
        let token = t.service_token("acme", &format!("n{number:0>62}"), service).await;
        t.with(&token).push("acme/api", "1.0", &Image::new(number, 10)).await.is(201);
        let own = json!({ "name": format!("{number:n>100}"), "description": described, "expires_in": "3d" });
        t.personal_token("admin", own).await;
    }
    t.write_usage().await;
    for list in [ACME, "/profile/tokens"] {
        let page = browser.get(list).await.is(200).says("Next page").says("what R&amp;D d…</div>");
        let rows = page.text().matches("name=\"id\"").count();
        assert!((15..=20).contains(&rows), "{list}: {rows} rows");
        assert!(page.body.len() < MAX_PAGE_BYTES, "{list}: {} bytes", page.body.len());
    }
}

#[both_engines]
async fn a_form_knows_no_more_names_than_it_has_room_for_and_says_so(t: TestServer) {
    let browser = at_acme(&t).await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    let (image, forms) =
        (Image::new(1, 10), ["/namespaces/acme/tokens/new", &format!("/tokens/{}/scopes", ci.id)]);
    for number in 0..70 {
        if number == 60 {
            says_none(&browser.get(forms[0]).await.is(200), &["data-more"]);
        }
        let name = format!("acme/{}{number:02}", "n".repeat(240));
        t.with(&ci).push_blob(&name, &image.layer).await.is(201);
    }
    for form in forms {
        let page = browser.get(form).await.is(200).says("id=\"repositories\" data-more ").says("nnn59");
        says_none(&page, &["nnn69"]);
        assert!(page.body.len() < MAX_PAGE_BYTES, "{form}: {} bytes", page.body.len());
    }
}
