//! What a token was created with, and what a stolen token created: shown, and ended after a question.

use serde_json::{Value, json};
use testkit::{TestServer, both_engines};

use crate::{
    browser::Browser,
    tokens::{ACME, at_acme, create},
};

#[both_engines]
async fn what_a_stolen_token_created_is_ended_after_a_question(t: TestServer) {
    let browser = at_acme(&t).await;
    let laptop = t.personal_token("admin", json!({"name": "laptop"})).await;
    let path = format!("/tokens/{}", laptop.id);
    assert!(!browser.get(&path).await.is(200).text().contains("Created with this token"));
    let tokens = "/api/v1/namespaces/acme/tokens";
    let backdoor = t.with(&laptop).post_json(tokens, &json!({"name": "backdoor"})).await.is(201).json();
    browser
        .get(&path)
        .await
        .is(200)
        .says("Created with this token")
        .says("token acme/backdoor")
        .says("/end-created");
    let backdoor = format!("/tokens/{}", backdoor["id"].as_str().unwrap());
    browser.get(&backdoor).await.is(200).says("Created with").says("token &quot;laptop&quot; of user admin");
    // Both pages are there also after the stolen token was deleted.
    t.admin().delete(&format!("/api/v1/tokens/{}", laptop.id)).await.is(204);
    browser.get(&format!("{path}/created")).await.is(200).says("token acme/backdoor");
    let end = format!("{path}/end-created");
    browser.get(&end).await.is(200).says("data-question").says(&format!("action=\"{end}\""));
    browser.get(&backdoor).await.is(200);
    browser.post(&end, &[]).await.is(200).says("1 token was deleted.");
    browser.get(&backdoor).await.is(404);
    browser.get(&format!("{path}/created")).await.is(200).says("No token that you may manage");
}

#[both_engines]
async fn a_token_that_was_created_in_the_console_says_so(t: TestServer) {
    let browser: Browser = at_acme(&t).await;
    create(&browser, &format!("{ACME}/new"), &[("name", "ci-bot")]).await;
    let page: Value = t.admin().get("/api/v1/namespaces/acme/tokens").await.is(200).json();
    assert_eq!(page["items"][0]["created_with"], json!({"kind": "session"}));
    let path = format!("/tokens/{}", page["items"][0]["id"].as_str().unwrap());
    browser.get(&path).await.is(200).says("Created with").says("the console");
}
