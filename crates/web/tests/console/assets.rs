//! The console's own files, and how long browsers may keep them.

use testkit::{TestServer, both_engines};

use crate::browser::Browser;

const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// The paths that a page names.
async fn named(browser: &Browser) -> Vec<String> {
    let text = browser.get("/login").await.is(200).text();
    text.split('"').filter(|text| text.starts_with("/assets/")).map(str::to_owned).collect()
}

#[both_engines]
async fn a_browser_keeps_what_a_page_names(t: TestServer) {
    let browser = Browser::fresh(&t);
    let paths = named(&browser).await;
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in paths {
        let file = browser.get(&path).await.is(200);
        assert_eq!(file.header("cache-control"), FOR_GOOD, "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(file.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(file.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
}

/// While replicas are upgraded one by one, a page of the one asks the other: it gets what there is, and must not keep it
/// for a year as what it asked for.
#[both_engines]
async fn what_another_build_named_is_answered_and_not_kept(t: TestServer) {
    let browser = Browser::fresh(&t);
    for path in named(&browser).await {
        let name = path.rsplit('/').next().unwrap();
        let own = browser.get(&path).await.is(200);
        for edition in ["0123456789abcdef", "0.2.0", "x"] {
            let file = browser.get(&format!("/assets/{edition}/{name}")).await.is(200);
            assert_eq!(file.header("cache-control"), "no-store", "{edition}/{name}");
            assert_eq!((file.text(), file.header("content-type")), (own.text(), own.header("content-type")));
        }
        let edition = path.trim_end_matches(name);
        let absent = browser.get(&format!("{edition}absent.css")).await.is(404);
        assert_eq!(absent.header("x-content-type-options"), "nosniff");
        assert_eq!(absent.header("cross-origin-resource-policy"), "same-origin");
    }
}
