//! Access tokens: of a namespace, of the instance, of a person. Lists, forms, risky acts, and the one page that shows a
//! secret.

mod acts;
mod asked;
mod create;
mod created;
mod details;
mod edit;
mod fields;
mod list;
mod once;
mod outcome;
mod place;
mod plot;
mod reset;
mod scope_rows;
mod scopes;
mod sent_once;
mod several;
mod snippets;
mod table;
mod wording;

use axum::{Router, routing::get, routing::post};

pub(super) use outcome::Outcome;

use crate::app::App;

/// Every page of tokens, on one screen.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/namespaces/{ns}/tokens", get(list::of_namespace))
        .route("/namespaces/{ns}/tokens/new", get(create::new_in_namespace).post(create::create_in_namespace))
        .route("/profile/tokens", get(list::own))
        .route("/profile/tokens/new", get(create::new_own).post(create::create_own))
        .route("/users/{username}/tokens", get(list::of_user))
        .route("/users/{username}/tokens/new", get(create::new_of_user).post(create::create_of_user))
        .route("/tokens", get(list::of_instance))
        .route("/tokens/new", get(create::new_of_instance).post(create::create_of_instance))
        .route("/tokens/several", post(several::several))
        .route("/tokens/{id}", get(details::page))
        .route("/tokens/{id}/created", get(created::list))
        .route("/tokens/{id}/end-created", get(created::ask_end).post(created::end))
        .route("/tokens/{id}/edit", get(edit::page).post(edit::update))
        .route("/tokens/{id}/reset", get(reset::ask).post(reset::reset))
        .route("/tokens/{id}/disable", get(acts::ask_disable).post(acts::disable))
        .route("/tokens/{id}/enable", get(acts::ask_enable).post(acts::enable))
        .route("/tokens/{id}/delete", get(acts::ask_delete).post(acts::delete))
        .route("/tokens/{id}/scopes", get(scopes::page))
        .route("/tokens/{id}/scopes/add", post(scopes::add))
        .route("/tokens/{id}/scopes/remove-all", get(scopes::ask_remove_all).post(scopes::remove_all))
        .route("/tokens/{id}/scopes/{scope}/remove", get(scopes::ask_remove).post(scopes::remove))
        .route("/tokens/{id}/secrets/{secret}/end", get(details::ask_end).post(details::end))
}
