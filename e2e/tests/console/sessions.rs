//! Logging in and out, and what somebody else might try with it.

use e2e::{ADMIN_PASSWORD, Browser, Sealock};
use testkit::both_engines;

use crate::admins_browser;

#[both_engines]
async fn one_logs_in_and_out(sealock: Sealock) {
    let Some(browser) = Browser::beside(&sealock) else { return };
    browser.open("/").await;
    browser.sees("Log in").await;
    browser.log_in("admin", "not the password").await;
    assert_eq!(browser.status().await, 401);
    assert_eq!(browser.value("Username").await, "admin", "what was typed is kept");
    assert_eq!(browser.value("Password").await, "", "but no password");
    browser.log_in("admin", ADMIN_PASSWORD).await;
    browser.sees("Namespaces").await;

    browser.user_menu("Log out").await;
    browser.sees("Log in").await;
    browser.open("/profile/sessions").await;
    assert_eq!(browser.path().await, "/login?next=%2Fprofile%2Fsessions");
    browser.log_in("admin", ADMIN_PASSWORD).await;
    assert_eq!(browser.path().await, "/profile/sessions", "one goes on where one wanted to");
}

#[both_engines]
async fn the_way_after_logging_in_never_leads_elsewhere(sealock: Sealock) {
    let Some(browser) = Browser::beside(&sealock) else { return };
    for next in ["//evil.example", "/%5Cevil.example", "https%3A%2F%2Fevil.example"] {
        browser.open(&format!("/login?next={next}")).await;
        browser.log_in("admin", ADMIN_PASSWORD).await;
        assert_eq!(browser.path().await, "/", "{next}");
    }
}

#[both_engines]
async fn a_session_that_was_fixed_before_logging_in_is_worth_nothing_after(sealock: Sealock) {
    let Some(reader) = Browser::beside(&sealock) else { return };
    let planted = "a".repeat(43);
    reader.set_cookie("sealock", &planted).await;
    reader.log_in_as_admin().await;
    let fresh = reader.cookie().await.expect("a session");
    assert_ne!(fresh, planted);

    let Some(attacker) = admins_browser(&sealock).await else { return };
    let before = attacker.cookie().await.expect("a session");
    attacker.log_in_as_admin().await;
    assert_ne!(attacker.cookie().await.expect("a session"), before);
    for old in [planted, before] {
        attacker.set_cookie("sealock", &old).await;
        attacker.open("/").await;
        attacker.sees("Password").await;
    }
}

#[both_engines]
async fn a_session_ends_from_another_browser(sealock: Sealock) {
    let Some(here) = admins_browser(&sealock).await else { return };
    let Some(there) = admins_browser(&sealock).await else { return };
    here.open("/profile/sessions").await;
    here.sees("this one").await;
    assert_eq!(here.rows().await, 2);
    here.press("Log out …").await;
    assert_eq!(here.rows().await, 1);
    there.open("/profile/sessions").await;
    there.sees("Password").await;
}

#[both_engines]
async fn a_menu_is_opened_and_closed_by_keys_alone(sealock: Sealock) {
    let Some(browser) = admins_browser(&sealock).await else { return };
    browser.key("Tab").await;
    browser.has_focus("Skip to the content").await;
    for _ in 0..20 {
        if browser.focused().await == "Menu of admin" {
            break;
        }
        browser.key("Tab").await;
    }
    browser.key("Enter").await;
    assert!(browser.is_menu_open().await);
    browser.key("Tab").await;
    browser.has_focus("Profile").await;
    browser.key("Escape").await;
    assert!(!browser.is_menu_open().await);
    browser.has_focus("Menu of admin").await;
}
