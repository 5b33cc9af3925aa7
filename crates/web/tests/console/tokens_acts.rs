//! What is done to tokens that are there: edit, scopes, reset, disable, enable, delete, one or several.

use access::time::Length;
use serde_json::{Value, json};
use testkit::{TestServer, both_engines, image::Image, server::ADMIN_PASSWORD};

use crate::{
    browser::Browser,
    tokens::{ACME, at_acme, hidden, secret},
};

async fn shown(t: &TestServer, id: &str) -> Value {
    t.admin().get(&format!("/api/v1/tokens/{id}")).await.is(200).json()
}

#[both_engines]
async fn a_token_is_disabled_enabled_and_deleted_after_a_question(t: TestServer) {
    let browser = at_acme(&t).await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    let path = format!("/tokens/{}", ci.id);
    for (act, status) in [("disable", "disabled"), ("enable", "enabled")] {
        let question = browser.get(&format!("{path}/{act}")).await.is(200).says("data-question");
        question.says("It was never used.").says("data-cancel").says(&format!("action=\"{path}/{act}\""));
        let answer = browser.post(&format!("{path}/{act}"), &[]).await.is(303);
        assert_eq!(answer.header("location"), format!("{ACME}?done={status}"));
        assert_eq!(shown(&t, &ci.id).await["status"], status);
    }
    browser.get(&format!("{path}/delete")).await.is(200).says("can't be brought back").says("data-question");
    browser.post(&format!("{path}/delete"), &[]).await.is(303);
    for gone in ["", "/edit", "/scopes", "/reset", "/disable", "/delete"] {
        browser.get(&format!("{path}{gone}")).await.is(404);
    }
    browser.post(&format!("{path}/delete"), &[]).await.is(404);
}

#[both_engines]
async fn several_tokens_are_acted_on_together_or_not_at_all(t: TestServer) {
    let browser = at_acme(&t).await;
    let one = t.service_token("acme", "one-bot", json!({})).await;
    let two = t.service_token("acme", "two-bot", json!({})).await;
    let ticked = [("do", "disable"), ("id", one.id.as_str()), ("id", two.id.as_str())];
    let question = browser.post("/tokens/several", &ticked).await.is(200).says("Disable 2 tokens?");
    question.says("one-bot").says("two-bot").says("name=\"asked\" value=\"yes\"");
    assert_eq!(shown(&t, &one.id).await["status"], "enabled");
    let asked = [&ticked[..], &[("asked", "yes")]].concat();
    browser.post("/tokens/several", &asked).await.is(303);
    assert_eq!(shown(&t, &two.id).await["status"], "disabled");
    // One that is not there stops it all.
    t.admin().delete(&format!("/api/v1/tokens/{}", two.id)).await.is(204);
    let both = [("do", "delete"), ("asked", "yes"), ("id", one.id.as_str()), ("id", two.id.as_str())];
    browser.post("/tokens/several", &both).await.is(404);
    shown(&t, &one.id).await;
    let one = one.id.as_str();
    for (fields, status) in [
        (vec![("do", "delete")], 422),
        (vec![("do", "reset"), ("id", one)], 400),
        (vec![("id", one)], 400),
        (vec![("do", "delete"), ("id", "x")], 404),
        ([vec![("do", "delete")], vec![("id", one); 101]].concat(), 400),
    ] {
        browser.post("/tokens/several", &fields).await.is(status);
    }
}

#[both_engines]
async fn an_edit_changes_what_the_form_says_and_keeps_the_rest(t: TestServer) {
    let browser = at_acme(&t).await;
    let scopes = json!([{"type": "repository", "path": "acme/web", "actions": ["pull"]}]);
    let ci = t.service_token("acme", "ci-bot", json!({ "scopes": scopes, "expires_in": "30d" })).await;
    let path = format!("/tokens/{}/edit", ci.id);
    let before = shown(&t, &ci.id).await;
    let page = browser.get(&path).await.is(200).says("As it is").says("Update").says("pull on acme/web");
    let page = page.says("Every repository of the namespace.");
    let revision = hidden(&page, "revision");
    let kept = [
        ("revision", revision.as_str()),
        ("expiry", "keep"),
        ("permission", "custom"),
        ("description", "for CI"),
        ("whom", "user"),
        ("whom_name", "anna"),
    ];
    browser.post(&path, &kept).await.is(303);
    let after = shown(&t, &ci.id).await;
    assert_eq!((&after["expires_at"], &after["scopes"]), (&before["expires_at"], &before["scopes"]));
    assert_eq!((&after["description"], &after["status"]), (&json!("for CI"), &json!("disabled")));
    assert_eq!(after["stands_for"], json!({ "user": "anna" }));
    // Meant for what it was before.
    let outdated = browser.post(&path, &kept).await.is(409).says("changed since you read it").says("for CI");
    outdated.says(&format!("<a href=\"{path}\">Open it again</a>"));
    let revision = hidden(&browser.get(&path).await.is(200), "revision");
    let wrong = [
        ("revision", revision.as_str()),
        ("expiry", "days"),
        ("days", "0"),
        ("permission", "x"),
        ("description", "<kept>"),
        ("addresses", "here"),
    ];
    // All of it at once.
    let refused = browser.post(&path, &wrong).await.is(422).says("id=\"expiry-wrong\"").says("&lt;kept&gt;");
    let refused = refused.says("id=\"permission-wrong\"").says("id=\"addresses-wrong\"");
    assert!(!refused.text().contains("<kept>"), "{refused:?}");
    // What a new form begins with was typed here.
    let beside =
        [("revision", revision.as_str()), ("expiry", "keep"), ("days", "90"), ("permission", "custom")];
    browser.post(&path, &beside).await.is(422).says("choose Set number of days for 90");
    let all = [
        ("revision", revision.as_str()),
        ("expiry", "never"),
        ("permission", "pull-push"),
        ("status", "enabled"),
        ("addresses", "10.0.0.0/8"),
    ];
    browser.post(&path, &all).await.is(303);
    let after = shown(&t, &ci.id).await;
    assert_eq!((&after["permission"], &after["expires_at"]), (&json!("pull-push"), &Value::Null));
    assert_eq!((&after["description"], &after["stands_for"]), (&Value::Null, &Value::Null));
    assert_eq!(after["allowed_addresses"], json!(["10.0.0.0/8"]));
}

#[both_engines]
async fn a_personal_token_is_renamed_and_keeps_what_its_form_does_not_show(t: TestServer) {
    let browser = at_acme(&t).await;
    let token = t.personal_token("admin", json!({ "name": "laptop", "description": "grey" })).await;
    let path = format!("/tokens/{}/edit", token.id);
    let revision = hidden(&browser.get(&path).await.is(200).says("value=\"laptop\""), "revision");
    let fields =
        [("revision", revision.as_str()), ("name", "desk"), ("expiry", "never"), ("status", "enabled")];
    // Another kind's field is not read, and what is wrong is told at once.
    let wrong = [("name", ""), ("expiry", "soon"), ("addresses", "here"), ("description", "not\u{7}read")];
    let refused =
        browser.post(&path, &wrong).await.is(422).says("id=\"name-wrong\"").says("id=\"expiry-wrong\"");
    refused.says("id=\"addresses-wrong\"").says("does not say what it edits").says("Open it again");
    let led = browser.post(&path, &fields).await.is(303).header("location").to_owned();
    assert_eq!(led, "/profile/tokens?done=updated");
    let after = shown(&t, &token.id).await;
    assert_eq!((&after["name"], &after["description"]), (&json!("desk"), &json!("grey")));
}

#[both_engines]
async fn a_token_that_mirrors_its_user_says_why_it_takes_no_scopes(t: TestServer) {
    let browser = Browser::of_admin(&t).await;
    let token = t.personal_token("admin", json!({ "name": "laptop" })).await;
    let path = format!("/tokens/{}/scopes", token.id);
    browser.get(&path).await.is(200).says("mirrors its user");
    let scope = [("path-0", "acme/*"), ("pull-0", "pull")];
    for refused in [
        browser.post(&format!("{path}/add"), &scope).await,
        browser.get(&format!("{path}/remove-all")).await,
        browser.post(&format!("{path}/remove-all"), &[]).await,
    ] {
        let rule = "it mirrors its user and takes no scopes; make one with scopes instead";
        let page = refused.is(422).says("role=\"alert\"").says(rule);
        assert!(!page.text().contains("allows nothing"), "{page:?}");
    }
    assert_eq!(shown(&t, &token.id).await["permission"], "account");
}

#[both_engines]
async fn many_scopes_are_looked_at_page_by_page_and_an_act_leads_back_to_its_page(t: TestServer) {
    let browser = at_acme(&t).await;
    let scope =
        |number| json!({"type": "repository", "path": format!("acme/r{number}"), "actions": ["pull"]});
    let scopes: Vec<_> = (1..=31).map(scope).collect();
    let ci = t.service_token("acme", "ci-bot", json!({ "scopes": scopes })).await;
    let path = format!("/tokens/{}/scopes", ci.id);
    let first = browser.get(&path).await.is(200).says("Scopes 1 to 30 of 31.").says("pull on acme/r30<");
    let first = first.says("aria-labelledby=\"remove-1 scope-1\"");
    assert!(!first.text().contains("acme/r31<"), "{first:?}");
    let second_path = format!("{path}?after=30");
    first.says(&format!("href=\"{second_path}\">Next page"));
    let second = browser.get(&second_path).await.is(200).says("Scopes 31 to 31 of 31.");
    let second = second.says("pull on acme/r31<").says(&format!("href=\"{path}\">First page"));
    assert!(!second.text().contains("acme/r30<"), "{second:?}");
    // What is added stands last, and is looked at wherever one came from.
    let added = [("path-0", "acme/r32"), ("pull-0", "pull")];
    assert_eq!(browser.post(&format!("{path}/add"), &added).await.is(303).header("location"), second_path);
    let refused = [("path-0", "other/*"), ("pull-0", "pull"), ("after", "30")];
    browser.post(&format!("{path}/add"), &refused).await.is(422).says("pull on acme/r32<");
    for scope in &shown(&t, &ci.id).await["scopes"].as_array().unwrap()[30..] {
        let remove = format!("{path}/{}/remove", scope["id"].as_str().unwrap());
        browser.get(&second_path).await.is(200).says(&format!("href=\"{remove}?after=30\""));
        let question = browser.get(&format!("{remove}?after=30")).await.is(200);
        let behind = hidden(&question.says(&format!("href=\"{second_path}\"")), "after");
        let led = browser.post(&remove, &[("after", &behind)]).await.is(303);
        assert_eq!(led.header("location"), second_path);
    }
    // The second page is gone with its last scope.
    for after in ["30", "9999", "-1", "zzz"] {
        browser.get(&format!("{path}?after={after}")).await.is(200).says("pull on acme/r1<");
    }
}

#[both_engines]
async fn scopes_are_added_and_removed_one_by_one_and_all(t: TestServer) {
    let browser = at_acme(&t).await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    t.with(&ci).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    let path = format!("/tokens/{}/scopes", ci.id);
    browser.get(&path).await.is(200).says("pull and push on every repository").says("[\"acme/api\"]");
    let add = format!("{path}/add");
    let scope =
        [("type-0", "repository"), ("path-0", "acme/web"), ("pull-0", "pull"), ("delete-0", "delete")];
    assert_eq!(browser.post(&add, &scope).await.is(303).header("location"), path);
    browser.get(&path).await.is(200).says("pull and delete on acme/web");
    for (fields, id) in [
        (&scope[..], "actions-0-wrong"),
        (&[("path-0", "other/<b>"), ("pull-0", "pull")], "path-0-wrong"),
        (&[("path-0", "acme/*"), ("push-0", "push")], "actions-0-wrong"),
        (&[], "path-0-wrong"),
        (&[("type-0", "team"), ("pull-0", "pull")], "type-0-wrong"),
    ] {
        let refused = browser.post(&add, fields).await.is(422).says(&format!("id=\"{id}\""));
        assert!(!refused.text().contains("other/<b>"), "{refused:?}");
    }
    let first = shown(&t, &ci.id).await["scopes"][0]["id"].as_str().unwrap().to_owned();
    let remove = format!("{path}/{first}/remove");
    browser.get(&remove).await.is(200).says("data-question").says("pull and push on every repository");
    browser.post(&remove, &[]).await.is(303);
    for method in [browser.get(&remove).await, browser.post(&remove, &[]).await] {
        method.is(404);
    }
    t.with(&ci).pull("acme/api", "1.0").await.is(404);
    browser.get(&format!("{path}/remove-all")).await.is(200).says("data-question");
    browser.post(&format!("{path}/remove-all"), &[]).await.is(303);
    browser.get(&path).await.is(200).says("allows nothing");
}

#[both_engines]
async fn a_reset_shows_a_new_secret_once_and_the_old_one_ends_as_was_chosen(t: TestServer) {
    let browser = at_acme(&t).await;
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull-push" })).await;
    let path = format!("/tokens/{}/reset", ci.id);
    t.clock.advance(Length::hours(1));
    let question = browser.get(&path).await.is(200).says("data-question").says("Keep the old value for");
    let form = hidden(&question, "form");
    let fields = [("form", form.as_str()), ("keep_old_for", "24h")];
    let new = secret(&browser.post(&path, &fields).await.is(200));
    let again = browser.post(&path, &fields).await.is(409).says("Already reset");
    assert!(!again.text().contains("slks_"), "{again:?}");
    for secret in [&ci.secret, &new] {
        t.basic("ci-bot", secret).push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    }
    // The old one is ended by hand.
    let details = browser.get(&format!("/tokens/{}", ci.id)).await.is(200).says("in 1 day");
    let text = details.text();
    let end =
        text.split("href=\"").filter_map(|rest| rest.split('"').next()).filter(|href| href.ends_with("/end"));
    let old = end.last().unwrap();
    browser.get(old).await.is(200).says("data-question");
    browser.led_by(browser.post(old, &[]).await).await.says("The secret is ended.");
    browser.get(old).await.is(404);
    t.basic("ci-bot", &ci.secret).raw("GET", "/v2/").await.is(401);
    t.basic("ci-bot", &new).raw("GET", "/v2/").await.is(200);
    let form = hidden(&browser.get(&path).await, "form");
    let fields = [("form", form.as_str()), ("keep_old_for", "8d")];
    let refused =
        browser.post(&path, &fields).await.is(422).says("at most 7d").says("id=\"keep_old_for-wrong\"");
    refused.says("aria-invalid=\"true\" aria-describedby=\"keep_old_for-wrong\"");
    browser.post(&path, &[("form", form.as_str())]).await.is(200);
    t.basic("ci-bot", &new).raw("GET", "/v2/").await.is(401);
}

#[both_engines]
async fn a_token_of_another_namespace_is_not_there(t: TestServer) {
    let ann = json!({ "username": "ann", "password": ADMIN_PASSWORD });
    t.admin().post_json("/api/v1/users", &ann).await.is(201);
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    let browser = Browser::of(&t, "ann", ADMIN_PASSWORD).await;
    let path = format!("/tokens/{}", ci.id);
    for rest in ["", "/edit", "/scopes", "/reset", "/disable", "/enable", "/delete", "/scopes/remove-all"] {
        let page = browser.get(&format!("{path}{rest}")).await.is(404);
        assert!(!page.text().contains("ci-bot"), "{page:?}");
        if !["", "/scopes"].contains(&rest) {
            browser.post(&format!("{path}{rest}"), &[]).await.is(404);
        }
    }
    browser.post(&format!("{path}/scopes/add"), &[("path-0", "acme/*"), ("pull-0", "pull")]).await.is(404);
    let asked = [("do", "delete"), ("asked", "yes"), ("id", ci.id.as_str())];
    browser.post("/tokens/several", &asked).await.is(404);
    for path in ["/tokens/nonsense", "/tokens/nonsense/edit", "/tokens/0190a5e0-7d4c-7aaa-8bbb-123456789abc"]
    {
        browser.get(path).await.is(404);
    }
    // Whoever is not logged in is led to the login, and a page of another site does nothing.
    let led = Browser::fresh(&t).post(&format!("{path}/delete"), &[]).await.is(303);
    assert_eq!(led.header("location"), "/login");
    let admin = Browser::of_admin(&t).await;
    let foreign = admin.request(reqwest::Method::POST, &format!("{path}/delete"));
    admin.send(foreign.header("sec-fetch-site", "cross-site"), &[]).await.is(403);
    shown(&t, &ci.id).await;
}
