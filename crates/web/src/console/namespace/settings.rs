//! The tab Settings: who may pull, and the way to what can't be undone.

use axum::extract::State;
use http::StatusCode;
use maud::{Markup, html};
use registry::{EditNamespace, NamespaceEdit};

use super::{
    around::{self, Around},
    path::{self, InPath},
    tabs::Tab,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::Done,
        form::{Form, REVISION, Wrong, refused},
        parts, see,
        visitor::Visitor,
    },
};

/// What an address says was done.
const SAVED: &str = "saved";
/// Who may pull: the word of the form, the one for people, and what it means.
const VISIBILITIES: [(&str, &str, &str); 2] = [
    (
        "private",
        "Private",
        "Members, and tokens of the namespace. Whoever pulled without logging in is refused at once.",
    ),
    ("public", "Public", "Anyone who reaches this server, without logging in."),
];

/// The settings of a namespace.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    Done(done): Done,
) -> Answered {
    let namespace = path.namespace()?;
    visitor.may(&app, EditNamespace { name: namespace.clone() }).await?;
    let around = Around::of(&app, &visitor, namespace).await?;
    let visibility = if around.is_public { "public" } else { "private" };
    let revision = around.revision.to_string();
    let form = Form::of(&[("visibility", visibility), (REVISION, &revision)]);
    let said = (done.as_deref() == Some(SAVED))
        .then_some("The settings are saved. They hold from the next request on.");
    Ok(filled_in(&visitor, &around, said, (&form, &Wrong::default()), StatusCode::OK))
}

fn filled_in(
    visitor: &Visitor,
    around: &Around,
    said: Option<&str>,
    (form, wrong): (&Form, &Wrong),
    status: StatusCode,
) -> axum::response::Response {
    let own = around.path();
    let body = html! {
        (around.head(Tab::Settings))
        (parts::notice(said))
        form.card.narrow method="post" action=(format!("{own}/settings")) {
            (parts::wrong_beyond(wrong, &["visibility", REVISION]))
            (parts::outdated(wrong, &format!("{own}/settings")))
            (parts::revision(form))
            (visibilities(form, wrong))
            .actions { button.primary { "Update" } }
        }
        (danger_zone(&own))
    };
    around::page(visitor, &format!("Settings of {}", around.namespace)).status(status).with(&body)
}

fn visibilities(form: &Form, wrong: &Wrong) -> Markup {
    let message = wrong.with("visibility");
    html! {
        fieldset aria-describedby=[message.map(|_| "visibility-wrong")] {
            legend { "Who may pull" }
            @for (value, text, hint) in VISIBILITIES {
                .choice {
                    label {
                        input type="radio" name="visibility" value=(value) checked[form.text("visibility") == value]
                            aria-describedby=(format!("{value}-hint"));
                        (text)
                    }
                    p.hint id=(format!("{value}-hint")) { (hint) }
                }
            }
            @if let Some(message) = message { p.wrong #visibility-wrong { (message) } }
        }
    }
}

fn danger_zone(own: &str) -> Markup {
    html! {
        .card.narrow.danger {
            h2 { "Danger zone" }
            p { "When something has leaked and nobody knows what: every access token of the namespace is disabled at one stroke, and can be enabled again one by one." }
            .actions { a.button href=(format!("{own}/disable-tokens")) data-ask { "Disable all tokens" } }
            p.apart { "Deleting the namespace takes its tokens, its members and its repositories with it." }
            .actions { a.button.risky href=(format!("{own}/delete")) { "Delete namespace" } }
        }
    }
}

/// Changes who may pull.
pub(super) async fn edit(State(app): State<App>, visitor: Visitor, path: InPath, form: Form) -> Answered {
    let namespace = path.namespace()?;
    let grant = visitor.may(&app, EditNamespace { name: namespace.clone() }).await?;
    let mut wrong = Wrong::default();
    let is_public = wrong.check("visibility", as_public(form.text("visibility")));
    let if_revision = form.revision(&mut wrong);
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if wrong.is_empty() {
        match app
            .registry()
            .edit_namespace(&grant, &NamespaceEdit { is_public, if_revision }, app.now())
            .await
        {
            Ok(_) => {
                let own = path::of_namespace(namespace.as_str());
                return Ok(see(&format!("{own}/settings?done={SAVED}")));
            }
            Err(error) => (status, wrong) = refused(error, "")?,
        }
    }
    let around = Around::of(&app, &visitor, namespace).await?;
    Ok(filled_in(&visitor, &around, None, (&form, &wrong), status))
}

fn as_public(visibility: &str) -> Result<bool, &'static str> {
    match visibility {
        "private" => Ok(false),
        "public" => Ok(true),
        _ => Err("a namespace is private or public"),
    }
}
