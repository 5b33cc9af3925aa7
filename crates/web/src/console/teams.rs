//! `/teams`: named sets of users, and a new one.

use access::name::TeamName;
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, html};
use registry::{CreateTeam, ListTeams, StoredTeam};

use super::{
    Answered,
    address::{After, Done},
    form::{Form, Wrong, refused},
    frame::{Page, Section},
    parts::{self, Field, When, path_of},
    see,
    visitor::Visitor,
};
use crate::app::App;

/// Teams on one page.
const PAGE: u32 = 100;

/// The teams, by name.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    After(after): After,
    Done(done): Done,
) -> Answered {
    let grant = visitor.may(&app, ListTeams).await?;
    let listed = app.registry().list_teams(&grant, &after, PAGE).await?;
    let is_deleted = done.as_deref() == Some("deleted");
    let new = html! { a.button.primary href="/teams/new" { "New team" } };
    let text =
        "A team is a named set of users. Give it a role in a namespace, and everybody in it has that role.";
    let nothing_yet = parts::empty("No team yet", text, &new);
    let body = html! {
        (parts::head("Teams", &html! { @if !listed.items.is_empty() { (new) } }))
        (parts::notice(is_deleted.then_some("The team is deleted, and what its users had through it is gone.")))
        (parts::list("/teams", &after, &listed, &nothing_yet, table))
    };
    Ok(Page::new("Teams", &visitor.viewer, Section::Teams).with(&body))
}

fn table(teams: &[StoredTeam]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Name" } th { "Made" } } }
                tbody {
                    @for team in teams {
                        tr {
                            th scope="row" { a href=(path_of("teams", team.name.as_str())) { (team.name) } }
                            td data-label="Made" { (When(team.created_at)) }
                        }
                    }
                }
            }
        }
    }
}

/// The field for a team's name, with its rule.
pub(super) const fn name_field() -> Field<'static> {
    Field::text("name", "Name").required().pattern("[a-z0-9][a-z0-9._\\-]{0,62}").hint(
        "1 to 63 lower-case letters, digits, dots, underscores and hyphens, with a letter or a digit first.",
    )
}

/// The form for a new team.
pub(super) async fn new(State(app): State<App>, visitor: Visitor) -> Answered {
    visitor.may(&app, CreateTeam).await?;
    Ok(form_page(&visitor, &Form::empty(), &Wrong::default(), StatusCode::OK))
}

fn form_page(visitor: &Visitor, form: &Form, wrong: &Wrong, status: StatusCode) -> Response {
    let body = html! {
        h1 { "New team" }
        (parts::wrong_beyond(wrong, &["name"]))
        form.card.narrow method="post" action="/teams/new" {
            (name_field().of(form, wrong))
            .actions { button.primary { "Create team" } a.button href="/teams" { "Cancel" } }
        }
    };
    Page::new("New team", &visitor.viewer, Section::Teams).under("Teams", "/teams").status(status).with(&body)
}

/// Makes a team with nobody in it, and leads to where users are added.
pub(super) async fn create(State(app): State<App>, visitor: Visitor, form: Form) -> Answered {
    let grant = visitor.may(&app, CreateTeam).await?;
    let mut wrong = Wrong::default();
    let Some(name) = wrong.check("name", TeamName::parse(form.text("name"))) else {
        return Ok(form_page(&visitor, &form, &wrong, StatusCode::UNPROCESSABLE_ENTITY));
    };
    match app.registry().create_team(&grant, &name, app.now()).await {
        Ok(_) => Ok(see(&path_of("teams", name.as_str()))),
        Err(error) => {
            let (status, wrong) = refused(error, "name")?;
            Ok(form_page(&visitor, &form, &wrong, status))
        }
    }
}
