//! `/namespaces/{ns}`: a namespace with its repositories, members and settings. Its tab Access Tokens lives in
//! `tokens`.

mod around;
mod danger;
mod deleting;
mod kind;
mod manifest;
mod manifests;
mod members;
mod path;
mod repositories;
mod repository;
mod settings;
mod tabs;

use axum::{Router, routing::get};
pub(super) use tabs::{Tab, tabs};

use crate::app::App;

/// The pages of a namespace. Not nested under its path: within a nest, pages would not know where they are, and logging
/// in would not lead back to them.
pub(super) fn router() -> Router<App> {
    let namespace = |rest: &str| format!("/namespaces/{{ns}}{rest}");
    let repository = |rest: &str| namespace(&format!("/repositories/{{repository}}{rest}"));
    let (tag, digest) = ("/tags/{tag}/delete", "/manifests/{digest}");
    let removal = namespace("/members/{kind}/{name}/remove");
    Router::new()
        .route(&namespace(""), get(repositories::list))
        .route(&repository(""), get(repository::show))
        .route(&repository("/delete"), get(deleting::ask_repository).post(deleting::repository))
        .route(&repository(tag), get(deleting::ask_tag).post(deleting::tag))
        .route(&repository("/manifests"), get(manifests::list))
        .route(&repository(digest), get(manifest::show))
        .route(&repository(&format!("{digest}/delete")), get(deleting::ask_manifest).post(deleting::manifest))
        .route(&namespace("/members"), get(members::list).post(members::set))
        .route(&removal, get(members::ask_removal).post(members::remove))
        .route(&namespace("/settings"), get(settings::show).post(settings::edit))
        .route(&namespace("/disable-tokens"), get(danger::ask_to_disable).post(danger::disable_tokens))
        .route(&namespace("/delete"), get(danger::ask_deletion).post(danger::delete))
}
