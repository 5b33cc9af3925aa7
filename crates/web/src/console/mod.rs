//! `/`: the console (DESIGN §3.4). Server-rendered pages that work without JavaScript; what a page does, it does through
//! the same gate and the same use cases as the API.

mod address;
mod assets;
mod audit;
mod dead_ends;
mod end_all;
mod error;
mod form;
mod frame;
mod instance;
mod login;
mod namespace;
mod namespaces;
mod parts;
mod profile;
mod sessions;
mod team;
mod teams;
mod tokens;
mod user;
mod user_acts;
mod users;
mod visitor;
mod welcome;
mod wording;

use axum::{
    Router, middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use error::ConsoleError;

use crate::app::App;

/// What a page comes to.
type Answered = Result<Response, ConsoleError>;

/// Every page, on one screen, and what is told where there is none.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .merge(people())
        .merge(namespace::router())
        .merge(tokens::router())
        .route("/", get(namespaces::list))
        .route("/audit", get(audit::show))
        .route("/settings", get(instance::show).post(instance::save))
        .route("/welcome", get(welcome::page))
        .route("/assets/{version}/{name}", get(assets::asset))
        .route("/login", get(login::page).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/namespaces/new", get(namespaces::new).post(namespaces::create))
        .route("/profile/sessions", get(sessions::list))
        .route("/profile/sessions/{id}/end", post(sessions::end))
        .method_not_allowed_fallback(dead_ends::wrong_method)
        .fallback(dead_ends::nothing_here)
        .layer(middleware::from_fn(dead_ends::framed))
}

/// The pages of people: one's own, and everybody's for administrators.
fn people() -> Router<App> {
    Router::new()
        .route("/profile", get(profile::show).post(profile::change_password))
        .route(end_all::PATH, get(end_all::ask).post(end_all::act))
        .route("/users", get(users::list))
        .route("/users/new", get(users::new).post(users::create))
        .route("/users/{username}", get(user::show))
        .route("/users/{username}/password", get(user::password).post(user::set_password))
        .route("/users/{username}/sessions/{id}/end", post(user::end_session))
        .route("/users/{username}/{act}", get(user_acts::ask).post(user_acts::act))
        .route("/teams", get(teams::list))
        .route("/teams/new", get(teams::new).post(teams::create))
        .route("/teams/{team}", get(team::show))
        .route("/teams/{team}/rename", post(team::rename))
        .route("/teams/{team}/delete", get(team::ask_to_delete).post(team::delete))
        .route("/teams/{team}/members", post(team::add))
        .route("/teams/{team}/members/{username}/remove", get(team::ask_to_remove).post(team::remove))
}

/// After something was done: the page to look at, by GET, so that loading it again does nothing again.
fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}
