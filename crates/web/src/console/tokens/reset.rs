//! Reset: a new secret, shown once; the old one ends, now or after a while.

use access::expiry::Grace;
use axum::extract::State;
use http::StatusCode;
use maud::{Markup, Render, html};
use registry::{ManageError, ResetToken, StoredToken};

use super::{
    acts::impact,
    asked::{Asked, CameFrom},
    fields::{described, invalid, told},
    once,
    place::{self, Place, details_path},
    sent_once,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::Path,
        form::{Form, Wrong, refused},
        parts::{self, Question},
        visitor::Visitor,
    },
    public_host::PublicHost,
};

/// How long the old secret may be kept (rule 6: at most 7 days).
const GRACES: [(&str, &str); 4] =
    [("", "not at all: it ends now"), ("1h", "1 hour"), ("24h", "24 hours"), ("7d", "7 days")];

/// Asks before resetting.
pub(super) async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    from: CameFrom,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let asked = from.asked(&place.path(&visitor.viewer));
    let untouched = (&Form::empty(), &Wrong::default());
    question(&app, &visitor, &token, (&place, &asked), untouched, StatusCode::OK).await
}

async fn question(
    app: &App,
    visitor: &Visitor,
    token: &StoredToken,
    (place, asked): (&Place, &Asked),
    (form, wrong): (&Form, &Wrong),
    status: StatusCode,
) -> Answered {
    let title = format!("Reset {}?", token.name);
    let action = format!("{}/reset", details_path(token.id));
    let list = asked.address(&place.path(&visitor.viewer));
    let impact = impact(app, visitor, token, app.now()).await?;
    let question = Question {
        title: &title,
        text: html! {
            (impact)
            p { "It gets a new value. Whatever uses the old one stops when that ends, logins made with it included." }
            (parts::wrong_beyond(wrong, &["keep_old_for"]))
        },
        path: &action,
        fields: html! { (sent_once::field(app, visitor)) (asked.fields()) (keep(form, wrong)) },
        act: "Reset",
        is_destructive: true,
        back: &list,
    };
    Ok(place.page_of(token, &title, &visitor.viewer).status(status).with(&question.render()))
}

fn keep(form: &Form, wrong: &Wrong) -> Markup {
    html! {
        .field {
            label for="keep_old_for" { "Keep the old value for" }
            select id="keep_old_for" name="keep_old_for" aria-invalid=[invalid(wrong, "keep_old_for")]
                aria-describedby=[described(wrong, "keep_old_for", &[])] {
                @for (value, name) in GRACES {
                    option value=(value) selected[form.text("keep_old_for") == value] { (name) }
                }
            }
            (told(wrong, "keep_old_for"))
        }
    }
}

/// Resets the token, and shows its new secret.
pub(super) async fn reset(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    host: PublicHost,
    form: Form,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, ResetToken { token: token.id }).await?;
    let (asked, mut wrong) = (Asked::of(form.query())?, Wrong::default());
    let grace = match form.text("keep_old_for") {
        "" => None,
        text => wrong.check("keep_old_for", Grace::parse(text)),
    };
    if !wrong.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return question(&app, &visitor, &token, (&place, &asked), (&form, &wrong), status).await;
    }
    let grant = grant.sent_by(sent_once::value(&visitor, &form)?);
    match app.registry().reset_token(&grant, grace, app.now()).await {
        Ok(issued) => Ok(once::page(&visitor, &place, &asked, &issued, &host, "reset")),
        Err(ManageError::FormSent) => {
            let text = "This form was sent before: the token was reset then, and not again.";
            Ok(sent_once::already(&visitor, &place, "Already reset", text))
        }
        Err(error) => {
            let (status, wrong) = refused(error, "keep_old_for")?;
            question(&app, &visitor, &token, (&place, &asked), (&form, &wrong), status).await
        }
    }
}
