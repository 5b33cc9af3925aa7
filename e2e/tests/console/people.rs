//! Members of a namespace, and what their roles come to in another browser.

use e2e::{Browser, Sealock};
use testkit::both_engines;

const PASSWORD: &str = "staple battery horse";

#[both_engines]
async fn a_member_sees_what_their_role_lets_them(sealock: Sealock) {
    let Some(admin) = Browser::beside(&sealock) else { return };
    let Some(anna) = Browser::without_javascript(&sealock) else { return };
    sealock.log_in_as_admin().await;
    sealock.cli(&["namespace", "create", "acme"]).await.succeeded();
    admin.log_in_as_admin().await;
    admin.follow("Users").await;
    admin.follow("New user").await;
    admin.fill("Username", "anna").await;
    admin.fill("Password", PASSWORD).await;
    admin.press("Create user").await;

    anna.open("/namespaces/acme").await;
    anna.log_in("anna", PASSWORD).await;
    anna.sees("Nothing here").await;
    admin.open("/namespaces/acme").await;
    admin.follow("Members").await;
    admin.fill("Name", "nobody").await;
    admin.press("Add member").await;
    assert_eq!(admin.value("Name").await, "nobody", "what was typed is kept");
    admin.fill("Name", "anna").await;
    admin.select("Role", "reader: pull").await;
    admin.press("Add member").await;
    anna.open("/namespaces/acme").await;
    anna.sees("Repositories").await;
    anna.sees_not("Access Tokens of acme").await;
    anna.open("/namespaces/acme/tokens").await;
    anna.sees_not("Add Token").await;

    admin.select("Role of user anna", "admin").await;
    admin.press("Change the role of user anna").await;
    anna.open("/namespaces/acme/tokens").await;
    anna.follow("+ Add Token").await;
    anna.fill("Name", "annas").await;
    anna.press("Create token").await;
    anna.sees("Copy the value now").await;

    admin.follow("Remove user anna").await;
    admin.press("Remove").await;
    anna.open("/namespaces/acme/tokens").await;
    anna.sees("Nothing here").await;
}
