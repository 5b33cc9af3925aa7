//! The metrics of the released binary: on a listener of their own, and without a secret.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::Installation;
use serde_json::{Value, json};

async fn body(request: reqwest::RequestBuilder) -> String {
    request.send().await.expect("an answer").text().await.expect("a body")
}

#[tokio::test]
async fn metrics_are_served_beside_the_registry_and_hold_no_secret() {
    let installation = Installation::new();
    let metrics = Installation::new().host;
    let run = installation.start(&["--metrics-listen", &metrics]).await.ready();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("http://{}{path}", run.host);
    let password = run.password().unwrap();
    let admin = |request: reqwest::RequestBuilder| request.basic_auth("admin", Some(&password));

    body(admin(http.post(url("/api/v1/namespaces"))).json(&json!({"name": "acme"}))).await;
    let token = json!({"name": "ci-bot", "permission": "pull"});
    let made = body(admin(http.post(url("/api/v1/namespaces/acme/tokens"))).json(&token)).await;
    let secret = serde_json::from_str::<Value>(&made).unwrap()["secret"].as_str().unwrap().to_owned();
    let bearer = http.get(url("/auth/token?service=sealock&scope=repository:acme/api:pull"));
    let bearer = body(bearer.basic_auth("ci-bot", Some(&secret))).await;
    let bearer = serde_json::from_str::<Value>(&bearer).unwrap()["token"].as_str().unwrap().to_owned();
    for text in [&secret, &password, &bearer] {
        body(http.get(url(&format!("/v2/{text}/tags/list"))).header("user-agent", text)).await;
        body(http.get(url(&format!("/{text}"))).bearer_auth(text)).await;
    }

    let scraped = body(http.get(format!("http://{metrics}/metrics"))).await;
    for said in ["sealock_requests_total{face=\"v2\"", "sealock_connections ", "# EOF"] {
        assert!(scraped.contains(said), "no {said:?} in {scraped}");
    }
    let signature = bearer.rsplit('.').next().unwrap();
    for (what, text) in [("a secret", secret.as_str()), ("a password", &password), ("a bearer", signature)] {
        assert!(!scraped.contains(text), "{what} in {scraped}");
        assert!(what == "a password" || !run.log().contains(text), "{what} in the log: {run}");
    }
    assert_eq!(http.get(url("/metrics")).send().await.unwrap().status(), 404, "not where clients come");
    run.stop().await;
}
