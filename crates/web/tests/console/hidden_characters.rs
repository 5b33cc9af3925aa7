//! Characters that no reader sees: no new text holds them, and every page shows those of older rows and of pushed content.

use serde_json::json;
use testkit::{
    TestServer, both_engines,
    image::{Blob, Image, MANIFEST_TYPE},
};

use crate::{
    browser::Browser,
    tokens::{ACME, create},
};

#[both_engines]
async fn names_descriptions_and_services_without_hidden_characters_are_taken(t: TestServer) {
    t.namespace("acme").await;
    let browser = Browser::of_admin(&t).await;
    for (number, hidden) in
        ["\u{200B}", "\u{202E}", "\u{61C}", "\u{E0041}", "\u{3164}", "\u{AD}"].iter().enumerate()
    {
        let code = format!("U+{:04X}", u32::from(hidden.chars().next().unwrap()));
        let text = format!("lap{hidden}top");
        let name = format!("ci-bot-{number}");
        let refused = [
            t.admin()
                .post_json("/api/v1/users/admin/tokens", &json!({ "name": text, "access": "account" }))
                .await,
            t.admin()
                .post_json(
                    "/api/v1/namespaces/acme/tokens",
                    &json!({ "name": name, "permission": "pull", "description": text }),
                )
                .await,
            t.admin()
                .post_json(
                    "/api/v1/namespaces/acme/tokens",
                    &json!({
                        "name": name, "permission": "pull", "stands_for": { "service": text }
                    }),
                )
                .await,
            create(&browser, "/profile/tokens/new", &[("name", &text), ("permission", "account")]).await,
            create(&browser, "/namespaces/acme/tokens/new", &[("name", &name), ("description", &text)]).await,
            create(
                &browser,
                "/namespaces/acme/tokens/new",
                &[("name", &name), ("whom", "service"), ("whom_name", &text)],
            )
            .await,
        ];
        for refused in refused {
            refused.is(422).says(&code);
        }
    }
    let emoji = "👩\u{200D}💻 ❤\u{FE0F} می\u{200C}خواهم";
    let made = json!({ "name": emoji, "access": "account" });
    t.admin().post_json("/api/v1/users/admin/tokens", &made).await.is(201);
    browser.get("/profile/tokens").await.is(200).says(emoji);
}

#[both_engines]
async fn pages_show_what_older_rows_and_pushed_content_hide(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({ "permission": "pull", "description": "old" })).await;
    let laptop = t.personal_token("admin", json!({ "name": "laptop" })).await;
    t.tamper("UPDATE tokens SET description = 'not\u{202E}safe\u{200B}' WHERE name = 'ci-bot'").await;
    t.tamper("UPDATE tokens SET name = 'lap\u{E0041}top' WHERE name = 'laptop'").await;
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let mut manifest: serde_json::Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    manifest["annotations"] = json!({ "title": "a\u{202E}b" });
    let manifest = Blob::new(MANIFEST_TYPE, manifest.to_string().into_bytes());
    t.admin().push_manifest("acme/api", "2.0", &manifest.bytes).await.is(201);

    let browser = Browser::of_admin(&t).await;
    let digest = manifest.digest.replace(':', "%3A");
    for (path, shown) in [
        (ACME.to_owned(), r"not\u{202e}safe\u{200b}"),
        (format!("/tokens/{}", ci.id), r"not\u{202e}safe\u{200b}"),
        (format!("/tokens/{}/edit", ci.id), r"not\u{202e}safe\u{200b}"),
        ("/profile/tokens".to_owned(), r"lap\u{e0041}top"),
        (format!("/tokens/{}/reset", laptop.id), r"lap\u{e0041}top"),
        (format!("/namespaces/acme/repositories/api/manifests/{digest}"), r"a\u{202e}b"),
    ] {
        let page = browser.get(&path).await.is(200).says(shown);
        assert_eq!(access::visible::hidden_in_lines(&page.text()), None, "{path}");
    }
    // A refusal names the token, and docker prints it.
    t.admin().set_status(&laptop, "disabled").await.is(200);
    let refused = t.basic("admin", &laptop.secret).get("/v2/").await.is(401);
    refused.says(r"lap\\u{e0041}top");
}
