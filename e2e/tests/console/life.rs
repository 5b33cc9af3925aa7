//! A token's life as its owner leads it in the browser, from the first start to the token's end; with JavaScript and
//! without.

use std::time::Duration;

use e2e::{ADMIN_PASSWORD, Browser, Machine, Sealock};
use testkit::{Engine, both_engines, image::Image};

use crate::admins_browser;

const NEW_PASSWORD: &str = "a password of one's own";

#[both_engines]
async fn from_the_first_start_to_the_tokens_end(sealock: Sealock) {
    let Some(browser) = Browser::beside(&sealock) else { return };
    walk(&sealock, &browser).await;
}

#[both_engines]
async fn from_the_first_start_to_the_tokens_end_without_javascript(sealock: Sealock) {
    let Some(browser) = Browser::without_javascript(&sealock) else { return };
    walk(&sealock, &browser).await;
}

async fn walk(sealock: &Sealock, browser: &Browser) {
    let Some(laptop) = Machine::beside(sealock) else { return };
    first_steps(browser).await;
    let secret = create_token(browser).await;
    let pushed = Image::new(1, 1000);
    laptop.shell(&browser.copied("Log in with docker").await, "").await.succeeded();
    laptop.skopeo_push(&pushed, "acme/api:1.0").await.succeeded();
    see_what_was_pushed(browser).await;

    disable(browser).await;
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/ci-bot is disabled");
    browser.menu("ci-bot", "Enable").await;
    browser.press("Enable").await;
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    let reset = reset(browser).await;
    assert_ne!(reset, secret);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("was ended by a reset");
    laptop.docker_login("ci-bot", &reset).await.succeeded();
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();

    browser.open("/namespaces/acme/tokens").await;
    browser.menu("ci-bot", "Delete").await;
    browser.sees("Delete ci-bot?").await;
    browser.press("Delete").await;
    browser.sees("No token yet").await;
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/ci-bot was deleted");
}

async fn first_steps(browser: &Browser) {
    browser.log_in_as_admin().await;
    browser.follow("Go on with the first steps").await;
    browser.follow("Change password").await;
    browser.fill("Password now", ADMIN_PASSWORD).await;
    browser.fill("New password", NEW_PASSWORD).await;
    browser.fill("New password again", NEW_PASSWORD).await;
    browser.press("Change password").await;
    browser.sees("Your password is changed").await;

    browser.open("/welcome").await;
    browser.follow("Create namespace").await;
    browser.fill("Name", "Acme!").await;
    browser.press("Create namespace").await;
    assert_eq!(browser.status().await, 422);
    assert_eq!(browser.value("Name").await, "Acme!", "what was typed is kept");
    browser.fill("Name", "acme").await;
    browser.press("Create namespace").await;
    assert_eq!(browser.path().await, "/namespaces/acme");
    browser.open("/welcome").await;
    browser.follow("Create token in acme").await;
}

/// On the form for a new token; the secret that is shown.
async fn create_token(browser: &Browser) -> String {
    browser.fill("Name", "ci-bot").await;
    browser.tick("Pull & Push").await;
    browser.tick("Never expires").await;
    browser.press("Create token").await;
    let secret = browser.copied("Value").await;
    assert!(secret.starts_with("slks_"), "{secret}");
    assert_eq!(browser.copied("Login name").await, "ci-bot");
    for snippet in ["Kubernetes pull secret", "GitHub Actions", "GitLab CI"] {
        assert!(browser.copied(snippet).await.contains("ci-bot"), "{snippet}");
    }
    secret
}

async fn see_what_was_pushed(browser: &Browser) {
    browser.open("/namespaces/acme").await;
    browser.follow("acme/api").await;
    let row = browser.row("1.0").await;
    assert!(row.contains("sha256:") && row.contains("ci-bot"), "{row}");
    browser.follow("1.0").await;
    browser.sees("Layers").await;
    browser.sees("docker pull").await;
}

async fn disable(browser: &Browser) {
    browser.open("/namespaces/acme").await;
    browser.follow("Access Tokens").await;
    // Use is written down in batches, a few seconds apart (rule 10).
    for _ in 0..30 {
        if !browser.row("ci-bot").await.contains("none") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        browser.reload().await;
    }
    browser.menu("ci-bot", "Disable").await;
    browser.sees("Disable ci-bot?").await;
    browser.sees("from 127.0.0.1").await;
    browser.sees("1 push").await;
    browser.press("Disable").await;
    browser.sees("disabled").await;
}

async fn reset(browser: &Browser) -> String {
    browser.open("/namespaces/acme/tokens").await;
    browser.menu("ci-bot", "Reset").await;
    browser.sees("Reset ci-bot?").await;
    browser.press("Reset").await;
    browser.copied("Value").await
}

/// An administrator's browser, beside a registry with the namespace acme.
async fn at_acme(sealock: &Sealock) -> Option<Browser> {
    let browser = admins_browser(sealock).await?;
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    Some(browser)
}

#[both_engines]
async fn loading_the_page_of_a_secret_again_makes_nothing_and_shows_nothing(sealock: Sealock) {
    let Some(browser) = at_acme(&sealock).await else { return };
    browser.open("/namespaces/acme/tokens/new").await;
    let secret = create_token(&browser).await;
    browser.reload().await;
    browser.sees("Already created").await;
    assert!(!browser.html().await.contains(&secret), "it is shown again");

    browser.open("/namespaces/acme/tokens").await;
    assert_eq!(browser.rows().await, 1);
    browser.menu("ci-bot", "Reset").await;
    browser.press("Reset").await;
    let reset = browser.copied("Value").await;
    browser.reload().await;
    assert!(!browser.html().await.contains(&reset), "it is shown again");
    let Some(laptop) = Machine::beside(&sealock) else { return };
    laptop.docker_login("ci-bot", &reset).await.succeeded();
}

#[both_engines]
async fn what_is_copied_is_what_is_shown(sealock: Sealock) {
    let Some(browser) = at_acme(&sealock).await else { return };
    browser.open("/namespaces/acme/tokens/new").await;
    create_token(&browser).await;
    for label in
        ["Login name", "Value", "Log in with docker", "Kubernetes pull secret", "GitHub Actions", "GitLab CI"]
    {
        assert_eq!(browser.copy(label).await, "Copied", "{label}");
        assert_eq!(browser.clipboard().await, browser.copied(label).await);
    }
}

// On one engine: what is looked at is when a page is painted.
#[tokio::test]
async fn nothing_moves_about_when_the_script_comes_late() {
    let sealock = Sealock::on(Engine::Sqlite).await;
    let Some(browser) = at_acme(&sealock).await else { return };
    for path in ["/", "/namespaces/acme", "/audit", "/users", "/profile/sessions"] {
        browser.open_slowly(path).await;
    }
}

// On one engine: what is looked at is a script.
#[tokio::test]
async fn a_question_is_asked_once_and_stays_until_one_clicks_beside_it() {
    let sealock = Sealock::on(Engine::Sqlite).await;
    let Some(browser) = at_acme(&sealock).await else { return };
    sealock.token("acme", "ci-bot", &[]).await;
    browser.open("/namespaces/acme/tokens").await;
    browser.follow("ci-bot").await;
    let details = browser.path().await;
    assert_eq!(
        browser.follow_twice("Reset").await,
        1,
        "the second click comes while the first still fetches"
    );
    for (from, to) in [("edge", "edge"), ("title", "beside"), ("beside", "title")] {
        browser.point(from, to).await;
        assert!(browser.is_asked().await, "from {from} to {to}");
    }
    browser.point("beside", "beside").await;
    // The script hears of the dialog's end as an event of its own, after the click.
    browser.is_asked_no_more().await;
    browser.has_focus("Reset").await;
    assert_eq!(browser.path().await, details);

    browser.open("/namespaces/acme/tokens").await;
    browser.menu("ci-bot", "Delete").await;
    browser.sees("Delete ci-bot?").await;
    // An Enter that is held down on the menu's entry presses this, and not the act.
    browser.has_focus("Cancel").await;
    browser.key("Escape").await;
    browser.is_asked_no_more().await;
    browser.has_focus("Actions for").await;
}
