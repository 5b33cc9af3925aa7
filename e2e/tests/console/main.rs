//! The console in a real Chromium (issue 6, "Shown by"). Whatever a sentence is about, every page on its way is
//! inspected: axe in light and dark, a phone's width, weight, errors, requests to elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crowded;
mod inspector;
mod life;
mod pages;
mod people;
mod products;
mod scope_editor;
mod sessions;

use e2e::{Browser, Sealock};

/// A browser that the administrator is logged in with.
async fn admins_browser(sealock: &Sealock) -> Option<Browser> {
    let browser = Browser::beside(sealock)?;
    browser.log_in_as_admin().await;
    Some(browser)
}
