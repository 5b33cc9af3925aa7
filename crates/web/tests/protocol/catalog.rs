//! The catalog.

use serde_json::json;
use testkit::{Actor, TestServer, both_engines, image::Image};

async fn pushed(t: &TestServer, names: &[&str]) -> Actor {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    for name in names {
        admin.push(name, "1.0", &image).await.is(201);
    }
    admin
}

#[both_engines]
async fn the_link_leads_from_page_to_page(t: TestServer) {
    let admin = pushed(&t, &["b/x", "a", "a/b", "a/b-c", "a/b/c"]).await;
    let (mut path, mut pages) = ("/v2/_catalog?n=2".to_owned(), Vec::new());
    loop {
        let page = admin.get(&path).await.is(200);
        pages.push(page.json()["repositories"].clone());
        match page.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
            Some(next) => path = next.to_owned(),
            None => break assert_eq!(page.header("link"), ""),
        }
    }
    assert_eq!(pages, [json!(["a", "a/b"]), json!(["a/b-c", "a/b/c"]), json!(["b/x"])]);
}

#[both_engines]
async fn n_and_last_choose_the_page(t: TestServer) {
    let admin = pushed(&t, &["a/a", "a/b", "a/c"]).await;
    for (query, names, has_more) in [
        ("", json!(["a/a", "a/b", "a/c"]), false),
        ("?n=0", json!([]), false),
        ("?n=1", json!(["a/a"]), true),
        ("?last=a/a", json!(["a/b", "a/c"]), false),
        ("?n=1&last=a%2Fa", json!(["a/b"]), true),
        ("?last=a/c", json!([]), false),
    ] {
        let listed = admin.get(&format!("/v2/_catalog{query}")).await.is(200);
        assert_eq!(listed.json(), json!({ "repositories": names }), "{listed:?}");
        assert_eq!(!listed.header("link").is_empty(), has_more, "{listed:?}");
    }
    let long = format!("?last={}", "a".repeat(256));
    for query in ["?n=-1", "?n=ten", "?last=%00", "?last=%ff", &long] {
        admin.get(&format!("/v2/_catalog{query}")).await.refused(400, "PAGINATION_NUMBER_INVALID");
    }
}

#[both_engines]
async fn a_bearer_lists_if_it_was_fetched_for_that(t: TestServer) {
    let admin = pushed(&t, &["acme/api"]).await;
    let narrow = admin.asks("repository:acme/api:pull").await;
    let refused = narrow.get("/v2/_catalog").await.refused(401, "UNAUTHORIZED");
    assert!(refused.header("www-authenticate").contains("scope=\"registry:catalog:*\""), "{refused:?}");
    assert!(refused.header("www-authenticate").contains("error=\"insufficient_scope\""), "{refused:?}");
    let wide = admin.asks("registry:catalog:*").await;
    assert_eq!(wide.get("/v2/_catalog").await.is(200).json(), json!({ "repositories": ["acme/api"] }));

    let list = json!({ "scopes": [{ "type": "registry", "actions": ["list"] }] });
    let token = t.service_token("acme", "lists", list).await;
    let bearer = t.with(&token).asks("registry:catalog:*").await;
    bearer.get("/v2/_catalog").await.is(200);
    t.edit(&token, json!({ "scopes": [] })).await.is(200);
    bearer.get("/v2/_catalog").await.refused(403, "DENIED");
}
