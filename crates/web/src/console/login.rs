//! Logging in and out.

use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header, request::Parts};
use maud::{Markup, html};
use registry::{Password, Refusal, is_misplaced_secret};

use super::{
    Answered, address,
    error::ConsoleError,
    form::{Form, Wrong},
    frame::Page,
    parts::{self, Field, NOTHING},
    see, wording,
};
use crate::{app::App, cross_site, gate::Caller, request, session_cookie};

/// A browser that need not be logged in.
pub(super) struct Browser {
    caller: Caller,
    parts: Parts,
    is_https: bool,
}

impl FromRequestParts<App> for Browser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let host = request::host(parts);
        let is_https = app.public_urls().is_https_for(host);
        if is_https && cross_site::is_in_clear(parts) {
            return Err(by_tls_alone(&app.public_urls().origin_for(host)));
        }
        // Also here: a page of another site could log its reader in as somebody else, and learn what they then do.
        if cross_site::is_foreign(parts, app.public_urls()) {
            return Err(ConsoleError::Foreign.into_response());
        }
        Ok(Self { caller: Caller::of_browser(parts, app.public_urls()), parts: parts.clone(), is_https })
    }
}

impl Browser {
    /// Opens a session for whoever knows the password, and leads to `path` with it. The one that the browser brought
    /// ends: whoever planted it learns nothing by it.
    pub(super) async fn open_session(
        &self,
        app: &App,
        username: &str,
        password: &Password,
        path: &str,
    ) -> Result<Response, Refusal> {
        let before = session_cookie::read(&self.parts.headers, self.is_https);
        let origin = self.caller.origin.clone();
        let secret =
            app.registry().open_session(username, password, before.as_ref(), origin, app.now()).await?;
        let mut response = see(path);
        session_cookie::set(response.headers_mut(), &secret, self.is_https);
        Ok(response)
    }
}

/// Where a browser is asked to come by TLS: it would drop the session's cookie, and lead back to the login for ever.
fn by_tls_alone(origin: &str) -> Response {
    let login = format!("{origin}/login");
    let body = html! {
        .card.login {
            h1 { "Log in" }
            .notice.bad role="alert" {
                p { "This page came by plain HTTP, where your browser keeps no login of this registry. Open " a href=(login) { (login) } " instead." }
            }
        }
    };
    Page::of_nobody("Log in").status(StatusCode::FORBIDDEN).with(&body)
}

/// The page to log in at; `next` is where it leads.
pub(super) async fn page(browser: Browser) -> Answered {
    let query = address::query(&browser.parts)?;
    let next = query.one("next").unwrap_or_default();
    let notice = parts::notice(query.one("done").and_then(said));
    Ok(filled_in(&Form::of(&[("next", next)]), &Wrong::default(), &notice, StatusCode::OK))
}

/// What is said after something was done that ended the session.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "password" => "Your password is changed. Log in with the new one.",
        "end-all" => {
            "Your personal tokens are deactivated, and you are logged out everywhere. Log in to go on, and change your \
             password if it may have leaked."
        }
        _ => return None,
    })
}

fn filled_in(form: &Form, wrong: &Wrong, notice: &Markup, status: StatusCode) -> Response {
    let body = html! {
        .card.login {
            h1 { "Log in" }
            (notice)
            @if let Some(message) = wrong.with("") { .notice.bad role="alert" { p { (message) } } }
            form method="post" action="/login" {
                input type="hidden" name="next" value=(form.text("next"));
                (Field::text("username", "Username").autocomplete("username").required().of(form, wrong))
                (Field::password("password", "Password", "current-password").of(form, wrong))
                .actions { button.primary { "Log in" } }
            }
            p.hint.apart { "Tokens are for docker and scripts; here it takes the password of a user." }
        }
    };
    Page::of_nobody("Log in").status(status).with(&body)
}

/// Logs in.
pub(super) async fn log_in(State(app): State<App>, browser: Browser, form: Form) -> Answered {
    let password = Password::new(form.as_typed("password").to_owned());
    let next = local(form.text("next"));
    match browser.open_session(&app, form.text("username"), &password, next).await {
        Ok(response) => Ok(response),
        Err(Refusal::BadCredential(reason)) => Ok(refused(&form, &reason, StatusCode::UNAUTHORIZED)),
        Err(refusal @ Refusal::TooManyGuesses(guesses)) => {
            let mut response = refused(&form, &refusal.to_string(), StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(header::RETRY_AFTER, guesses.retry_after_seconds.into());
            Ok(response)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn refused(form: &Form, reason: &str, status: StatusCode) -> Response {
    let mut wrong = Wrong::default();
    wrong.add("", wording::sentence(reason));
    // A secret that was typed as the username must not stand in the page.
    if is_misplaced_secret(form.text("username")) {
        let form = Form::of(&[("next", form.text("next"))]);
        return filled_in(&form, &wrong, &NOTHING, status);
    }
    filled_in(form, &wrong, &NOTHING, status)
}

/// Ends the session.
pub(super) async fn log_out(State(app): State<App>, browser: Browser) -> Answered {
    if let Some(secret) = session_cookie::read(&browser.parts.headers, browser.is_https) {
        app.registry().close_session(&secret, &browser.caller.origin, app.now()).await?;
    }
    let mut response = see("/login");
    session_cookie::clear(response.headers_mut(), browser.is_https);
    Ok(response)
}

/// A path of this console, or its first page: `//evil.example` and `/\evil.example` lead elsewhere.
fn local(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next[1..].starts_with(['/', '\\']);
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_after_logging_in_stays_here() {
        for next in ["/", "/namespaces/acme/tokens?q=ci&status=enabled", "/profile"] {
            assert_eq!(local(next), next);
        }
        for next in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/a\\b",
            "/a\r\nb",
            "/é",
            "/\t/evil.example",
        ] {
            assert_eq!(local(next), "/", "{next:?}");
        }
    }
}
