//! `/welcome`: the first steps of whoever sets a new instance up, with what is done marked.

use axum::extract::State;
use maud::{Markup, html};
use registry::{FirstSteps, ShowSettings};

use super::{
    Answered,
    error::ConsoleError,
    frame::{Page, Section},
    parts,
    visitor::Visitor,
};
use crate::{app::App, public_host::PublicHost};

/// A step: what to do, whether it is done, and how.
struct Step {
    title: &'static str,
    is_done: bool,
    how: Markup,
}

/// The first steps.
pub(super) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    PublicHost { authority: host, .. }: PublicHost,
) -> Answered {
    let taken = taken(&app, &visitor).await?;
    let steps = steps(&taken, &host);
    let body = html! {
        (parts::head("Welcome to Sealock", &parts::NOTHING))
        p.quiet { @if steps.iter().all(|step| step.is_done) { "All of it is done." } @else { "Four steps to the first push." } }
        ol.steps.card.narrow { @for step in &steps { (item(step)) } }
        .actions { a.button href="/" { "To your namespaces" } }
    };
    Ok(Page::new("Welcome", &visitor.viewer, Section::Namespaces).under("Namespaces", "/").with(&body))
}

/// What is done already; for administrators.
async fn taken(app: &App, visitor: &Visitor) -> Result<FirstSteps, ConsoleError> {
    let grant = visitor.may(app, ShowSettings).await?;
    Ok(app.registry().first_steps(&grant).await?)
}

/// The way to the first steps, for administrators as long as one of them is left.
pub(super) async fn reminder(app: &App, visitor: &Visitor) -> Result<Markup, ConsoleError> {
    if !visitor.viewer.is_admin {
        return Ok(parts::NOTHING);
    }
    let done = done(&taken(app, visitor).await?);
    let count = done.iter().filter(|is_done| **is_done).count();
    Ok(html! {
        @if count < done.len() {
            .notice {
                p { (count) " of the " (done.len()) " first steps are done. " a href="/welcome" { "Go on with the first steps" } }
            }
        }
    })
}

/// Whoever has pulled or pushed with a token needed nothing of what comes before it.
fn done(taken: &FirstSteps) -> [bool; 4] {
    let is_used = taken.has_used_token;
    [taken.has_changed_password, taken.namespace.is_some() || is_used, taken.has_token || is_used, is_used]
}

fn steps(taken: &FirstSteps, host: &str) -> [Step; 4] {
    let [password, namespace, token, used] = done(taken);
    [
        Step { title: "Change the password", is_done: password, how: change_password() },
        Step { title: "Create a namespace", is_done: namespace, how: create_namespace() },
        Step {
            title: "Create an access token",
            is_done: token,
            how: create_token(taken.namespace.as_deref()),
        },
        Step { title: "Log in with docker", is_done: used, how: log_in(host) },
    ]
}

fn item(step: &Step) -> Markup {
    html! {
        li.done[step.is_done] {
            strong { (step.title) }
            @if step.is_done { " " span.badge.good { "done" } }
            @else { (step.how) }
        }
    }
}

fn change_password() -> Markup {
    html! {
        p { "Yours was chosen for you: by whoever made your account, or by the first start. Make it one that only you know." }
        p { a.button href="/profile#change-password" { "Change password" } }
    }
}

fn create_namespace() -> Markup {
    html! {
        p { "It owns repositories and access tokens: the acme of acme/api." }
        p { a.button href="/namespaces/new" { "Create namespace" } }
    }
}

fn create_token(namespace: Option<&str>) -> Markup {
    html! {
        p { "For a machine: a name, an expiry, and Pull or Pull & Push. Its value is shown once." }
        @match namespace {
            Some(name) => p { a.button href=(format!("{}/tokens/new", parts::path_of("namespaces", name))) { "Create token in " (name) } },
            None => p.quiet { "It needs a namespace first." },
        }
    }
}

fn log_in(host: &str) -> Markup {
    html! {
        p { "The page that shows the token's value has this line with its name and value filled in. Here docker asks for the value." }
        (parts::to_copy("login", "docker login", &format!("docker login {host} -u TOKEN_NAME")))
        p.quiet { "Done once a token has pulled or pushed." }
    }
}
