//! `/`: the console (DESIGN §3.4). Server-rendered pages that work without JavaScript; what a page does, it does through
//! the same gate and the same use cases as the API.

mod assets;
mod error;
mod form;
mod frame;
mod login;
mod namespaces;
mod parts;
mod sessions;
mod visitor;
mod wording;

use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use error::ConsoleError;

use crate::app::App;

/// What a page comes to.
type Answered = Result<Response, ConsoleError>;

/// Every page, on one screen.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(namespaces::list))
        .route("/assets/{version}/{name}", get(assets::asset))
        .route("/login", get(login::page).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/namespaces/new", get(namespaces::new).post(namespaces::create))
        .route("/profile/sessions", get(sessions::list))
        .route("/profile/sessions/{id}/end", post(sessions::end))
}

/// After something was done: the page to look at, by GET, so that loading it again does nothing again.
fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}
