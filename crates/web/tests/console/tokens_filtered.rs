//! A list that was searched, filtered and paged: whatever is done to a token of it leads back to the same part of it.

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, TestServer, both_engines};

use crate::{
    browser::Browser,
    tokens::{ACME, at_acme, hidden},
};

/// How the list is looked at; the same as fields of a form.
const LOOKED_AT: &str = "/namespaces/acme/tokens?q=bot&show=enabled&after=a%26b";
const FIELDS: [(&str, &str); 3] = [("q", "bot"), ("show", "enabled"), ("after", "a&b")];

/// A page that is opened by a link on another, which the browser says.
async fn opened_from(t: &TestServer, browser: &Browser, from: &str, path: &str) -> Answer {
    let request = browser.request(Method::GET, path);
    browser.send(request.header("referer", format!("http://{}{from}", t.host)), &[]).await
}

/// The link that leads back.
fn back() -> String {
    format!("href=\"{}\"", LOOKED_AT.replace('&', "&amp;"))
}

fn carries_the_filter(page: &Answer) {
    for (name, value) in FIELDS {
        assert_eq!(hidden(page, name), value.replace('&', "&amp;"), "{page:?}");
    }
}

#[both_engines]
async fn an_act_on_one_token_leads_back_to_what_was_looked_at(t: TestServer) {
    let browser = at_acme(&t).await;
    let path = format!("/tokens/{}", t.service_token("acme", "ci-bot", json!({})).await.id);
    for act in ["edit", "reset", "disable", "enable", "delete"] {
        let from_list = opened_from(&t, &browser, LOOKED_AT, &format!("{path}/{act}")).await.is(200);
        carries_the_filter(&from_list.says(&back()));
        for elsewhere in [ACME, "/profile/tokens?q=bot", "/namespaces/acme/tokens?show=broken&q=bot", ""] {
            let page = opened_from(&t, &browser, elsewhere, &format!("{path}/{act}")).await.is(200);
            assert!(!page.says(&format!("href=\"{ACME}\"")).text().contains("name=\"q\""), "{elsewhere}");
        }
    }
}

#[both_engines]
async fn whatever_is_done_is_told_where_one_looked(t: TestServer) {
    let browser = at_acme(&t).await;
    let path = format!("/tokens/{}", t.service_token("acme", "ci-bot", json!({})).await.id);
    let edit = format!("{path}/edit");
    let revision = hidden(&browser.get(&edit).await.is(200), "revision");
    let edited = |expiry| {
        let said = [
            ("revision", revision.as_str()),
            ("expiry", expiry),
            ("permission", "pull"),
            ("status", "enabled"),
        ];
        [&FIELDS[..], &said].concat()
    };
    carries_the_filter(&browser.post(&edit, &edited("soon")).await.is(422).says(&back()));
    for (path, fields, done) in [
        (edit.clone(), edited("never"), "updated"),
        (format!("{path}/disable"), FIELDS.to_vec(), "disabled"),
        (format!("{path}/enable"), FIELDS.to_vec(), "enabled"),
    ] {
        let led = browser.post(&path, &fields).await.is(303).header("location").to_owned();
        assert_eq!(led, format!("{LOOKED_AT}&done={done}"));
        browser.get(&led).await.is(200).says(&format!("The token was {done}.")).says("value=\"bot\"");
    }
    let form = hidden(&browser.get(&format!("{path}/reset")).await, "form");
    let reset = [&FIELDS[..], &[("form", form.as_str())]].concat();
    browser.post(&format!("{path}/reset"), &reset).await.is(200).says(&back());
    let led = browser.post(&format!("{path}/delete"), &FIELDS).await.is(303);
    assert_eq!(led.header("location"), format!("{LOOKED_AT}&done=deleted"));
}

/// The scopes have pages of their own: whatever is done there leads back to them, and at last to the list.
#[both_engines]
async fn done_with_its_scopes_one_is_back_at_what_was_looked_at(t: TestServer) {
    let browser = at_acme(&t).await;
    let scope =
        |number| json!({"type": "repository", "path": format!("acme/r{number}"), "actions": ["pull"]});
    let scopes: Vec<_> = (1..=31).map(scope).collect();
    let id = t.service_token("acme", "ci-bot", json!({ "scopes": scopes })).await.id;
    let path = format!("/tokens/{id}/scopes");
    let kept = format!("{path}?list=q%3Dbot%26show%3Denabled%26after%3Da%2526b");
    let done = format!("{}>Done</a>", back());
    // The page's own address says it, so that all that follows knows.
    assert_eq!(opened_from(&t, &browser, LOOKED_AT, &path).await.is(303).header("location"), kept);
    let page = opened_from(&t, &browser, LOOKED_AT, &kept).await.is(200).says(&done);
    let second = format!("{kept}&after=30");
    let page = page.says(&format!("href=\"{}\">Next page", second.replace('&', "&amp;")));
    let add = format!("{path}/add{}", kept.strip_prefix(&path).unwrap());
    page.says(&format!("action=\"{add}\""));
    browser.post(&add, &[("path-0", "other/*"), ("pull-0", "pull")]).await.is(422).says(&done);
    let added = browser.post(&add, &[("path-0", "acme/r32"), ("pull-0", "pull")]).await.is(303);
    assert_eq!(added.header("location"), second);
    browser.led_by(added).await.says(&done).says(&format!("href=\"{kept}\">First page"));
    let last = t.admin().get(&format!("/api/v1/tokens/{id}")).await.is(200).json()["scopes"][31]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (act, from, leads_to) in
        [(format!("{last}/remove?after=30"), &second, &second), ("remove-all".to_owned(), &kept, &kept)]
    {
        let question = opened_from(&t, &browser, from, &format!("{path}/{act}")).await.is(200);
        let question = question.says(&format!("href=\"{}\" data-cancel", leads_to.replace('&', "&amp;")));
        let form = question.text().split("action=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
        let after = if act.contains("after") { hidden(&question, "after") } else { String::new() };
        let led = browser.post(&form, &[("after", &after)]).await.is(303);
        assert_eq!(led.header("location"), leads_to);
    }
    // Whoever comes from elsewhere is led to the whole list; so is whoever forges where from.
    for (from, path) in [(ACME, path.clone()), ("", path.clone()), ("", format!("{path}?list=show%3Dbroken"))]
    {
        let page = opened_from(&t, &browser, from, &path).await.is(200);
        page.says(&format!("href=\"{ACME}\">Done</a>"));
    }
}

#[both_engines]
async fn the_scopes_of_a_token_that_is_edited_or_reset_lead_back_too(t: TestServer) {
    let browser = at_acme(&t).await;
    let path = format!("/tokens/{}", t.service_token("acme", "ci-bot", json!({})).await.id);
    let link = format!("href=\"{path}/scopes?list=q%3Dbot%26show%3Denabled%26after%3Da%2526b\"");
    opened_from(&t, &browser, LOOKED_AT, &format!("{path}/edit")).await.is(200).says(&link);
    let form = hidden(&browser.get(&format!("{path}/reset")).await, "form");
    let reset = [&FIELDS[..], &[("form", form.as_str())]].concat();
    browser.post(&format!("{path}/reset"), &reset).await.is(200).says(&format!("{link}>Add a scope</a>"));
}

#[both_engines]
async fn a_filter_is_cleared_by_a_link_that_is_there_with_it(t: TestServer) {
    let browser = at_acme(&t).await;
    t.service_token("acme", "ci-bot", json!({})).await;
    let clear = format!("href=\"{ACME}\">Clear</a>");
    for filtered in ["?q=bot", "?show=enabled"] {
        browser.get(&format!("{ACME}{filtered}")).await.is(200).says(&clear);
    }
    for whole in ["", "?after=a"] {
        let page = browser.get(&format!("{ACME}{whole}")).await.is(200);
        assert!(!page.text().contains(&clear), "{page:?}");
    }
}

#[both_engines]
async fn an_act_on_several_leads_back_to_what_was_looked_at(t: TestServer) {
    let browser = at_acme(&t).await;
    let one = t.service_token("acme", "one-bot", json!({})).await.id;
    let two = t.service_token("acme", "two-bot", json!({})).await.id;
    // The table's own form says it.
    carries_the_filter(&browser.get(LOOKED_AT).await.is(200).says("name=\"after\" value=\"a&amp;b\""));
    let ticked = [&FIELDS[..], &[("do", "disable"), ("id", &one), ("id", &two)]].concat();
    let question = browser.post("/tokens/several", &ticked).await.is(200).says(&back());
    carries_the_filter(&question);
    let asked = [&ticked[..], &[("asked", "yes")]].concat();
    let led = browser.post("/tokens/several", &asked).await.is(303);
    assert_eq!(led.header("location"), format!("{LOOKED_AT}&done=several-disabled"));
    let nothing = [&FIELDS[..], &[("do", "disable"), ("namespace", "acme")]].concat();
    browser.post("/tokens/several", &nothing).await.is(422).says(&back());
}

#[both_engines]
async fn a_filter_that_no_list_has_is_refused_before_anything_is_done(t: TestServer) {
    let browser = at_acme(&t).await;
    let id = t.service_token("acme", "ci-bot", json!({})).await.id;
    let long = "n".repeat(1001);
    for forged in [("show", "broken"), ("q", long.as_str()), ("after", long.as_str())] {
        for act in ["disable", "delete", "reset", "edit"] {
            browser.post(&format!("/tokens/{id}/{act}"), &[forged]).await.is(400);
        }
        let several = [("do", "delete"), ("asked", "yes"), ("id", id.as_str()), forged];
        browser.post("/tokens/several", &several).await.is(400);
    }
    let token = t.admin().get(&format!("/api/v1/tokens/{id}")).await.is(200).json();
    assert_eq!(token["status"], "enabled");
}

#[both_engines]
async fn a_list_that_ends_before_the_page_says_so(t: TestServer) {
    let browser = at_acme(&t).await;
    t.service_token("acme", "ci-bot", json!({})).await;
    let page =
        browser.get(&format!("{ACME}?q=ci&after=zzz")).await.is(200).says("The list ends before this page.");
    let page = page.says(&format!("href=\"{ACME}?q=ci\">First page"));
    assert!(!page.text().contains("No token"), "{page:?}");
}
