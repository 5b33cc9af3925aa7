//! The pages of a namespace.

mod content;
mod members;
mod referrers;
mod repositories;
mod settings;

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, TestServer};

use crate::browser::Browser;

/// The password of everybody that these tests make.
const PASSWORD: &str = "a fine password";

/// A user with that role in `acme`, where one is named, in a browser.
async fn browser_of(t: &TestServer, username: &str, role: Option<&str>) -> Browser {
    let user = json!({ "username": username, "password": PASSWORD });
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    if let Some(role) = role {
        let path = format!("/api/v1/namespaces/acme/members/users/{username}");
        let set = t.admin().request(Method::PUT, &path).json(&json!({ "role": role }));
        t.admin().send(set).await.is(200);
    }
    Browser::of(t, username, PASSWORD).await
}

/// That the page does not hold the text.
#[track_caller]
fn lacks(page: &Answer, text: &str) {
    assert!(!page.text().contains(text), "{text} stands in {page:?}");
}
