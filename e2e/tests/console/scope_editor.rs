//! Scopes: of a new token, row by row, and those of a token that lives.

use e2e::{Browser, Machine, Sealock};
use testkit::{
    Engine, both_engines,
    image::{Blob, Image},
};

use crate::crowded::push_blob;

/// A server with the namespace acme and two repositories in it, which somebody else has pushed.
async fn server_with_repositories(sealock: &Sealock) -> Option<Machine> {
    let laptop = Machine::beside(sealock)?;
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    let secret = sealock.token("acme", "pusher", &["--permission", "pull-push"]).await;
    laptop.docker_login("pusher", &secret).await.succeeded();
    for name in ["acme/api:1.0", "acme/web:1.0"] {
        laptop.skopeo_push(&Image::new(1, 1000), name).await.succeeded();
    }
    Some(laptop)
}

#[both_engines]
async fn a_new_token_gets_scopes_row_by_row(sealock: Sealock) {
    let Some(browser) = Browser::beside(&sealock) else { return };
    add_token(&sealock, &browser).await;
}

#[both_engines]
async fn a_new_token_gets_scopes_row_by_row_without_javascript(sealock: Sealock) {
    let Some(browser) = Browser::without_javascript(&sealock) else { return };
    add_token(&sealock, &browser).await;
}

async fn add_token(sealock: &Sealock, browser: &Browser) {
    let Some(laptop) = server_with_repositories(sealock).await else { return };
    browser.log_in_as_admin().await;
    browser.open("/namespaces/acme/tokens/new").await;
    browser.fill("Name", "deploy").await;
    browser.fill("Description (optional)", "<b>deploys</b>").await;
    browser.tick("Custom").await;
    browser.fill("Path of scope 1", "other/*").await;
    browser.tick("Scope 1 › Pull").await;
    browser.press("Create token").await;
    assert_eq!(browser.status().await, 422);
    browser.sees("other/* can never match").await;
    assert_eq!(browser.value("Name").await, "deploy");
    assert_eq!(browser.value("Path of scope 1").await, "other/*", "what was typed is kept");
    assert!(browser.is_ticked("Scope 1 › Pull").await);

    browser.fill("Path of scope 1", "acme/api").await;
    browser.fill("Path of scope 2", "acme/w*").await;
    browser.tick("Scope 2 › Pull").await;
    browser.tick("Scope 2 › Push").await;
    browser.press("Add another scope").await;
    assert_eq!(browser.value("Path of scope 2").await, "acme/w*", "nothing that was typed is lost");
    browser.select("Type of scope 3", "Registry (list)").await;
    browser.press("Create token").await;

    let secret = browser.copied("Value").await;
    laptop.docker_login("deploy", &secret).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
    laptop.skopeo_push(&Image::new(2, 1000), "acme/web:2.0").await.succeeded();
    let refused = "token acme/deploy has no scope with push for acme/api";
    laptop.skopeo_push(&Image::new(2, 1000), "acme/api:2.0").await.refused_with(refused);
    laptop.curl(&format!("deploy:{secret}"), "GET /v2/_catalog").await.is(200);
    browser.open("/namespaces/acme/tokens").await;
    browser.sees("<b>deploys</b>").await;
}

#[both_engines]
async fn the_editor_helps_while_one_types(sealock: Sealock) {
    let Some(browser) = Browser::beside(&sealock) else { return };
    let Some(_) = server_with_repositories(&sealock).await else { return };
    browser.log_in_as_admin().await;
    browser.open("/namespaces/acme/tokens/new").await;
    browser.tick("Custom").await;
    browser.type_in("Path of scope 1", "acme/*").await;
    browser.sees("Matches acme/api, acme/web.").await;
    browser.type_in("Path of scope 1", "acme/w*").await;
    browser.sees("Matches acme/web.").await;
    browser.type_in("Path of scope 1", "acme/x").await;
    browser.sees("Matches no repository that is there now.").await;
    for (path, fault) in [
        ("acme/**", "** is not allowed"),
        ("ACME/api", "A path is made of lower-case letters"),
        ("acm", "Can never match a repository of acme."),
        ("acme2/*", "Can never match a repository of acme."),
        ("*api", "Matches acme/api."),
        ("acm*", "Matches acme/api, acme/web."),
        ("acme", "Matches no repository that is there now."),
    ] {
        browser.type_in("Path of scope 1", path).await;
        browser.sees(fault).await;
    }

    browser.tick("Scope 1 › Push").await;
    assert!(browser.is_ticked("Scope 1 › Pull").await, "push takes pull");
    browser.untick("Scope 1 › Pull").await;
    assert!(!browser.is_ticked("Scope 1 › Push").await, "without pull there is no push");

    browser.select("Type of scope 1", "Registry (list)").await;
    assert!(!browser.is_offered("Path of scope 1").await, "to list takes no path");
    browser.select("Type of scope 1", "Repository").await;
    assert!(browser.is_offered("Path of scope 1").await);
    browser.press("Add another scope").await;
    browser.has_focus("Path of scope 3").await;

    browser.fill("Date of expiry", "2099-01-31").await;
    assert!(browser.is_ticked("Expire on").await);
    browser.fill("Number of days", "30").await;
    assert!(browser.is_ticked("Set number of days").await);
    browser.tick("Never expires").await;
    assert_eq!(browser.value("Number of days").await, "30", "whoever looks at another choice may come back");

    browser.type_in("Name", "Build_1").await;
    assert!(browser.is_marked_wrong("Name").await);
    browser.type_in("Name", "build-1").await;
    assert!(!browser.is_marked_wrong("Name").await);

    browser.fill("Path of scope 1", "").await;
    browser.press("Create token").await;
    browser.open("/namespaces/acme/tokens").await;
    let row = browser.row("build-1").await;
    assert!(row.contains("never"), "what stands beside another choice is not sent: {row}");
}

// On one engine: what is looked at is a script.
#[tokio::test]
async fn the_editor_says_nothing_of_repositories_that_the_page_has_no_room_for() {
    let sealock = Sealock::on(Engine::Sqlite).await;
    let Some(browser) = Browser::among_crowds(&sealock) else { return };
    browser.log_in_as_admin().await;
    let blob = Blob::new("application/octet-stream", b"x".to_vec());
    push_blob(&sealock, "acme/api", &blob).await;
    for number in 0..70 {
        // As long as names get: 16 KiB of the page hold 63 of them.
        push_blob(&sealock, &format!("acme/{}{number:02}", "n".repeat(248)), &blob).await;
    }
    browser.open("/namespaces/acme/tokens/new").await;
    browser.tick("Custom").await;
    browser.type_in("Path of scope 1", "acme/x").await;
    browser.sees("Matches none of the first 64 repositories.").await;
    browser.type_in("Path of scope 1", "acme/a*").await;
    browser.sees("Matches acme/api of the first 64 repositories.").await;
}

#[both_engines]
async fn scopes_are_added_and_removed_and_felt_at_once(sealock: Sealock) {
    let Some(browser) = Browser::beside(&sealock) else { return };
    manage_scopes(&sealock, &browser).await;
}

#[both_engines]
async fn scopes_are_added_and_removed_and_felt_at_once_without_javascript(sealock: Sealock) {
    let Some(browser) = Browser::without_javascript(&sealock) else { return };
    manage_scopes(&sealock, &browser).await;
}

async fn manage_scopes(sealock: &Sealock, browser: &Browser) {
    let Some(laptop) = server_with_repositories(sealock).await else { return };
    let secret = sealock.token("acme", "deploy", &[]).await;
    laptop.docker_login("deploy", &secret).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/deploy has no scope that covers it");

    browser.log_in_as_admin().await;
    let looked_at = "/namespaces/acme/tokens?q=dep&show=enabled";
    browser.open(looked_at).await;
    browser.menu("deploy", "Manage scopes").await;
    browser.sees("Without a scope the token allows nothing").await;
    add_scope(browser, "acme/**").await;
    assert_eq!(browser.status().await, 422);
    for path in ["acme/api", "acme/web"] {
        add_scope(browser, path).await;
    }
    assert_eq!(browser.rows().await, 2);
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    browser.follow("Remove pull on acme/api").await;
    browser.press("Remove").await;
    assert_eq!(browser.rows().await, 1);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/deploy has no scope that covers it");
    laptop.skopeo_pull("acme/web:1.0").await.succeeded();

    browser.follow("Remove all").await;
    browser.sees("The token then allows nothing").await;
    browser.press("Remove all").await;
    browser.sees("Without a scope the token allows nothing").await;
    laptop.skopeo_pull("acme/web:1.0").await.refused_with("token acme/deploy has no scope that covers it");
    browser.follow("Done").await;
    assert_eq!(browser.path().await, looked_at);
}

async fn add_scope(browser: &Browser, path: &str) {
    browser.fill("Path of scope 1", path).await;
    browser.tick("Scope 1 › Pull").await;
    browser.press("Add scope").await;
}
