//! The list of tags.

use serde_json::json;
use testkit::{Actor, Answer, TestServer, both_engines, image::Image};

async fn tagged(t: &TestServer, tags: &[&str]) -> Actor {
    let (admin, image) = (t.admin(), Image::new(1, 10));
    for tag in tags {
        admin.push("acme/api", tag, &image).await.is(201);
    }
    admin
}

async fn list(actor: &Actor, query: &str) -> Answer {
    actor.get(&format!("/v2/acme/api/tags/list{query}")).await
}

#[both_engines]
async fn tags_come_in_the_order_of_their_bytes(t: TestServer) {
    let admin = tagged(&t, &["b", "B", "_", "a.1", "a-1", "10", "9"]).await;
    let listed = list(&admin, "").await.is(200);
    let expected = json!({"name": "acme/api", "tags": ["10", "9", "B", "_", "a-1", "a.1", "b"]});
    assert_eq!(listed.json(), expected);
    assert_eq!(listed.header("link"), "");
}

#[both_engines]
async fn the_link_leads_from_page_to_page(t: TestServer) {
    let admin = tagged(&t, &["a", "b", "c", "d", "e"]).await;
    let (mut path, mut pages) = ("/v2/acme/api/tags/list?n=2".to_owned(), Vec::new());
    loop {
        let page = admin.get(&path).await.is(200);
        pages.push(page.json()["tags"].clone());
        match page.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
            Some(next) => path = next.to_owned(),
            None => break assert_eq!(page.header("link"), ""),
        }
    }
    assert_eq!(pages, [json!(["a", "b"]), json!(["c", "d"]), json!(["e"])]);
}

#[both_engines]
async fn n_and_last_choose_the_page(t: TestServer) {
    let admin = tagged(&t, &["a", "b", "c"]).await;
    for (query, tags, has_more) in [
        ("?n=0", json!([]), false),
        ("?n=1", json!(["a"]), true),
        ("?n=3", json!(["a", "b", "c"]), false),
        ("?n=2147483648", json!(["a", "b", "c"]), false),
        ("?last=a", json!(["b", "c"]), false),
        ("?n=1&last=a", json!(["b"]), true),
        ("?last=aa", json!(["b", "c"]), false),
        ("?last=c", json!([]), false),
        ("?last=%22%27%25", json!(["a", "b", "c"]), false),
        ("?n=2&unknown=1", json!(["a", "b"]), true),
    ] {
        let listed = list(&admin, query).await.is(200);
        assert_eq!(listed.json()["tags"], tags, "{listed:?}");
        assert_eq!(!listed.header("link").is_empty(), has_more, "{listed:?}");
    }
}

#[both_engines]
async fn a_page_that_nobody_can_mean_is_refused(t: TestServer) {
    let admin = tagged(&t, &["a"]).await;
    let long = format!("?last={}", "a".repeat(129));
    for query in
        ["?n=-1", "?n=", "?n=ten", "?n=1.5", "?n=4294967296", "?last=%00", "?last=%ff", "?n=%ff", &long]
    {
        list(&admin, query).await.refused(400, "PAGINATION_NUMBER_INVALID");
    }
}

#[both_engines]
async fn a_repository_that_nobody_pushed_to_has_no_list(t: TestServer) {
    let admin = tagged(&t, &["a"]).await;
    admin.get("/v2/acme/none/tags/list").await.refused(404, "NAME_UNKNOWN").says("acme/none");
    admin.delete("/v2/acme/api/manifests/a").await.is(202);
    assert_eq!(list(&admin, "").await.is(200).json()["tags"], json!([]));
}
