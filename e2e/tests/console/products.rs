//! The documented steps of the three products that taught the token rules (DESIGN, the table at the top), each under
//! its own words.

use e2e::{Browser, Machine, Sealock};
use testkit::{both_engines, image::Image};

/// A browser on the namespace acme, and a machine beside the server.
async fn registry(sealock: &Sealock) -> Option<(Browser, Machine)> {
    let (browser, laptop) = (Browser::beside(sealock)?, Machine::beside(sealock)?);
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    browser.log_in_as_admin().await;
    browser.follow("acme").await;
    Some((browser, laptop))
}

#[both_engines]
async fn e2e_networks(sealock: Sealock) {
    let Some((browser, laptop)) = registry(&sealock).await else { return };
    // The Access Token tab, the + button, the four fields.
    browser.follow("Access Tokens").await;
    browser.follow("+ Add Token").await;
    browser.fill("Name", "release").await;
    browser.tick("Set number of days").await;
    browser.fill("Number of days", "30").await;
    browser.tick("Permission › Pull").await;
    browser.fill("Description (optional)", "of the release").await;
    browser.press("Create token").await;
    let value = browser.copied("Value").await;
    laptop.docker_login_typed("release", &value).await.succeeded();

    browser.follow("I have it: to the tokens").await;
    let row = browser.row("release").await;
    assert!(row.contains("of the release") && row.contains("Pull") && row.contains("in 1 month"), "{row}");

    let refused = "token acme/release has no scope with push for acme/api";
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.refused_with(refused);
    browser.menu("release", "Edit").await;
    browser.tick("Never expires").await;
    browser.tick("Permission › Pull & Push").await;
    browser.press("Update").await;
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();
    let row = browser.row("release").await;
    assert!(row.contains("Pull & Push") && row.contains("never"), "{row}");

    browser.menu("release", "Reset").await;
    browser.press("Reset").await;
    laptop.docker_login_typed("release", &value).await.refused_with("was ended by a reset");
    laptop.docker_login_typed("release", &browser.copied("Value").await).await.succeeded();
    browser.follow("I have it: to the tokens").await;
    for (entry, told) in [("Disable", "disabled"), ("Enable", "enabled")] {
        browser.menu("release", entry).await;
        browser.press(entry).await;
        browser.sees(&format!("The token was {told}.")).await;
        assert!(browser.row("release").await.contains(told));
    }
    browser.menu("release", "Delete").await;
    browser.follow("Cancel").await;
    laptop.skopeo_pull("acme/api:1.0").await.succeeded();
    browser.menu("release", "Delete").await;
    browser.press("Delete").await;
    browser.sees("No token yet").await;
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("token acme/release was deleted");
}

#[both_engines]
async fn ionos(sealock: Sealock) {
    let Some((browser, laptop)) = registry(&sealock).await else { return };
    browser.follow("Access Tokens").await;
    browser.follow("+ Add Token").await;
    for name in ["ab", "1build", "build-"] {
        browser.fill("Name", name).await;
        assert!(browser.is_refused_by_browser("Name").await, "{name}");
    }
    browser.fill("Name", "build").await;
    browser.untick("Enabled").await;
    browser.tick("A service").await;
    browser.fill("Name of the person or the service", "nightly builds").await;
    browser.tick("Expire on").await;
    browser.fill("Date of expiry", "2020-01-31").await;
    browser.tick("Custom").await;
    browser.fill("Path of scope 1", "acme/api*").await;
    for action in ["Admin (delete)", "Push", "Pull"] {
        browser.tick(&format!("Scope 1 › {action}")).await;
    }
    browser.press("Create token").await;
    browser.sees("1 hour").await;
    assert_eq!(browser.value("Date of expiry").await, "2020-01-31", "what was typed is kept");
    browser.fill("Date of expiry", "2099-01-31").await;
    browser.press("Create token").await;
    browser.sees("The token is disabled").await;
    let command = browser.copied("Log in with docker").await;
    laptop.shell(&command, "").await.refused_with("token acme/build is disabled");

    browser.follow("I have it: to the tokens").await;
    let row = browser.row("build").await;
    assert!(row.contains("service nightly builds") && row.contains("disabled"), "{row}");
    browser.menu("build", "Enable").await;
    browser.press("Enable").await;
    laptop.shell(&command, "").await.succeeded();
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api/web:1.0").await.succeeded();

    browser.menu("build", "Manage scopes").await;
    browser.fill("Path of scope 1", "acme/docs").await;
    browser.tick("Scope 1 › Pull").await;
    browser.press("Add scope").await;
    assert_eq!(browser.rows().await, 2);
    browser.follow("Remove pull on acme/docs").await;
    browser.press("Remove").await;
    assert_eq!(browser.rows().await, 1);
    browser.follow("Remove all").await;
    browser.press("Remove all").await;
    laptop.skopeo_pull("acme/api/web:1.0").await.refused_with("token acme/build has no scope that covers it");
}

#[both_engines]
async fn docker_trusted_registry(sealock: Sealock) {
    let Some((browser, laptop)) = registry(&sealock).await else { return };
    browser.user_menu("Profile").await;
    browser.follow("Your access tokens").await;
    for description in ["laptop", "build server", "an old one"] {
        browser.follow("+ New token").await;
        browser.fill("Description", description).await;
        browser.press("Create token").await;
        let secret = browser.copied("Value").await;
        assert!(secret.starts_with("slkp_"), "{secret}");
        laptop.docker_login_typed("admin", &secret).await.succeeded();
        let list = laptop.curl(&format!("admin:{secret}"), "GET /api/v0/repositories").await;
        assert_eq!(list.status, 200, "{list}");
        browser.follow("I have it: to the tokens").await;
    }
    laptop.skopeo_push(&Image::new(1, 1000), "acme/api:1.0").await.succeeded();

    browser.menu("an old one", "View details").await;
    browser.follow("Edit").await;
    browser.fill("Description", "the oldest").await;
    browser.press("Update").await;
    browser.sees("the oldest").await;

    browser.menu("the oldest", "Deactivate").await;
    browser.press("Deactivate").await;
    browser.sees("The token was deactivated.").await;
    assert!(browser.row("the oldest").await.contains("inactive"));
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("is disabled");
    for name in ["laptop", "the oldest"] {
        browser.tick_row(name).await;
    }
    browser.press("Delete").await;
    browser.sees("Delete 2 tokens?").await;
    browser.press("Delete").await;
    browser.sees("build server").await;
    assert_eq!(browser.rows().await, 1);
    laptop.skopeo_pull("acme/api:1.0").await.refused_with("was deleted");
}
