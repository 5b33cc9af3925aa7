//! Profile → Sessions: where one is logged in.

use access::id::SessionId;
use axum::extract::State;
use maud::{Markup, html};
use registry::{EndSession, ListSessions, StoredSession};

use super::{
    Answered,
    address::{Done, Path},
    end_all,
    error::ConsoleError,
    frame::{Page, Section},
    parts::{self, When},
    see,
    visitor::Visitor,
    wording,
};
use crate::app::App;

/// The viewer's sessions.
pub(super) async fn list(State(app): State<App>, visitor: Visitor, Done(done): Done) -> Answered {
    let grant = visitor.may(&app, ListSessions { username: visitor.viewer.username.clone() }).await?;
    let sessions = app.registry().list_sessions(&grant, app.now()).await?;
    let own = app.registry().session_of(&visitor.session).await?;
    let body = html! {
        (parts::head("Sessions", &html! { a.button href=(end_all::PATH) data-ask { "End all logins and tokens" } }))
        (parts::notice((done.as_deref() == Some("session")).then_some("That browser is logged out.")))
        p.quiet { "Where you are logged in to the console. A session ends 12 hours after logging in, and when your password changes." }
        (table(&sessions, own, "/profile/sessions"))
    };
    let page = Page::new("Sessions", &visitor.viewer, Section::Profile).under("Profile", "/profile");
    Ok(page.with(&body))
}

/// Sessions, with what ends each below `path`; `own` is the one that is looked from.
pub(super) fn table(sessions: &[StoredSession], own: Option<SessionId>, path: &str) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Browser" } th { "From" } th { "Logged in" } th { "Ends" } th { span.visually-hidden { "Actions" } } } }
                tbody { @for session in sessions { (row(session, own == Some(session.id), path)) } }
            }
        }
    }
}

fn row(session: &StoredSession, is_this: bool, path: &str) -> Markup {
    let client = if session.client.is_empty() { "unknown" } else { &session.client };
    let short = wording::client(client);
    html! {
        tr {
            th scope="row" { (parts::client(client)) @if is_this { " " span.badge.good { "this one" } } }
            td data-label="From" { (session.from_address) }
            td data-label="Logged in" { (When(session.created_at)) }
            td data-label="Ends" { (When(session.expires_at)) }
            td.act {
                @if !is_this {
                    form method="post" action=(format!("{path}/{}/end", session.id)) {
                        button.small-button aria-label=(format!("Log out {short}")) { "Log out" }
                    }
                }
            }
        }
    }
}

/// The session in a path; what can't be one is not repeated.
pub(super) fn parsed(id: &str) -> Result<SessionId, ConsoleError> {
    SessionId::parse(id).map_err(|_| ConsoleError::Absent("There is no such session.".to_owned()))
}

/// Ends one of the viewer's sessions.
pub(super) async fn end(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Answered {
    let session = parsed(&id)?;
    let grant = visitor.may(&app, EndSession { username: visitor.viewer.username.clone(), session }).await?;
    app.registry().end_session(&grant, app.now()).await?;
    Ok(see("/profile/sessions?done=session"))
}
