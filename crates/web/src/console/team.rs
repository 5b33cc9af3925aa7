//! `/teams/{team}`: who is in a team, its name, and its end.

use access::name::{TeamName, Username};
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, Render, html};
use registry::{AddToTeam, DeleteTeam, ManageError, RemoveFromTeam, RenameTeam, ShowTeam};

use super::{
    Answered,
    address::{self, After, Done, Path},
    error::ConsoleError,
    form::{Form, Wrong, refused},
    frame::{Page, Section},
    parts::{self, Field, Question, path_of},
    see, teams, user,
    visitor::Visitor,
    wording,
};
use crate::app::App;

/// Users on one page, which is below 50 KB also where their names are as long as they get.
const PAGE: u32 = 50;

/// The team in a path. What can't be one is not repeated: it would read as the console's own words.
fn parsed(team: &str) -> Result<TeamName, ConsoleError> {
    TeamName::parse(team).map_err(|_| ConsoleError::Absent("There is no such team.".to_owned()))
}

fn of(team: &TeamName) -> String {
    path_of("teams", team.as_str())
}

/// The page of a team.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(team): Path<String>,
    After(after): After,
    Done(done): Done,
) -> Answered {
    let team = parsed(&team)?;
    let form = Form::of(&[("name", team.as_str()), ("after", &after)]);
    page(&app, &visitor, &team, done.as_deref().and_then(said), &form, &Wrong::default(), StatusCode::OK)
        .await
}

/// What is said after something was done.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "added" => "The user is in the team.",
        "removed" => "The user is not in the team any more.",
        "renamed" => "The team is renamed.",
        _ => return None,
    })
}

/// The page with what is to be told above it, and with a form of it as it was filled in, which says which part of the
/// list is looked at.
async fn page(
    app: &App,
    visitor: &Visitor,
    team: &TeamName,
    said: Option<&str>,
    form: &Form,
    wrong: &Wrong,
    status: StatusCode,
) -> Answered {
    let grant = visitor.may(app, ShowTeam { team: team.clone() }).await?;
    let after = address::after(form.query())?;
    let users = app.registry().list_team_users(&grant, &after, PAGE).await?;
    let text = "Add a user below. Whatever role the team has in a namespace, they have too.";
    let nobody_yet = parts::empty("Nobody is in it yet", text, &parts::NOTHING);
    let delete = html! { a.button.risky href=(format!("{}/delete", of(team))) data-ask { "Delete team" } };
    let body = html! {
        (parts::head(team.as_str(), &delete))
        (parts::notice(said))
        (parts::wrong_beyond(wrong, &["name", "username"]))
        (parts::list(&of(team), &after, &users, &nobody_yet, |users| members(team, users, &after)))
        .columns { (add_form(team, &after, form, wrong)) (rename_form(team, form, wrong)) }
    };
    let page = Page::new(team.as_str(), &visitor.viewer, Section::Teams).under("Teams", "/teams");
    Ok(page.status(status).with(&body))
}

fn members(team: &TeamName, users: &[String], after: &str) -> Markup {
    let removal = |user: &str| address::with(&format!("{}/remove", member(team, user)), &[("after", after)]);
    html! {
        .table {
            table {
                thead { tr { th { "User" } th { span.visually-hidden { "Actions" } } } }
                tbody {
                    @for user in users {
                        tr {
                            th scope="row" { a href=(path_of("users", user)) { (user) } }
                            td.act {
                                a.button.small-button href=(removal(user)) data-ask
                                    aria-label=(format!("Remove {user}")) { "Remove" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn member(team: &TeamName, user: &str) -> String {
    format!("{}/members/{user}", of(team))
}

fn add_form(team: &TeamName, after: &str, form: &Form, wrong: &Wrong) -> Markup {
    html! {
        form.card method="post" action=(format!("{}/members", of(team))) {
            h2 { "Add a user" }
            (After::field(after))
            (Field::text("username", "Username").required().of(form, wrong))
            .actions { button.primary { "Add user" } }
        }
    }
}

fn rename_form(team: &TeamName, form: &Form, wrong: &Wrong) -> Markup {
    html! {
        form.card method="post" action=(format!("{}/rename", of(team))) {
            h2 { "Rename" }
            (teams::name_field().of(form, wrong))
            p.hint { "Its users and roles stay." }
            .actions { button { "Rename team" } }
        }
    }
}

/// Puts a user into the team.
pub(super) async fn add(
    State(app): State<App>,
    visitor: Visitor,
    Path(team): Path<String>,
    form: Form,
) -> Answered {
    let team = parsed(&team)?;
    // Who may not see the team learns nothing about its users, nor which there are.
    let seen = visitor.may(&app, ShowTeam { team: team.clone() }).await?;
    app.registry().find_team(&seen).await?;
    let after = address::after(form.query())?;
    let mut wrong = Wrong::default();
    if let Some(user) = wrong.check("username", Username::parse(form.text("username"))) {
        let grant = visitor.may(&app, AddToTeam { team: team.clone(), user }).await?;
        match app.registry().add_to_team(&grant, app.now()).await {
            Ok(()) => return Ok(see(&address::with(&of(&team), &[("after", &after), ("done", "added")]))),
            Err(ManageError::Absent(message)) => wrong.add("username", message),
            Err(error) => return Err(error.into()),
        }
    }
    let form = Form::of(&[("name", team.as_str()), ("username", form.text("username")), ("after", &after)]);
    page(&app, &visitor, &team, None, &form, &wrong, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// Gives the team another name.
pub(super) async fn rename(
    State(app): State<App>,
    visitor: Visitor,
    Path(team): Path<String>,
    form: Form,
) -> Answered {
    let team = parsed(&team)?;
    let grant = visitor.may(&app, RenameTeam { team: team.clone() }).await?;
    let mut wrong = Wrong::default();
    let Some(name) = wrong.check("name", TeamName::parse(form.text("name"))) else {
        return page(&app, &visitor, &team, None, &form, &wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    match app.registry().rename_team(&grant, &name, None, app.now()).await {
        Ok(renamed) => Ok(see(&address::with(&of(&renamed.name), &[("done", "renamed")]))),
        Err(error) => {
            let (status, wrong) = refused(error, "name")?;
            page(&app, &visitor, &team, None, &form, &wrong, status).await
        }
    }
}

fn not_in_it(user: &Username, team: &TeamName) -> ConsoleError {
    ConsoleError::Absent(format!("user {user} is not in team {team}"))
}

/// Asks before a user is taken out.
pub(super) async fn ask_to_remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((team, user)): Path<(String, String)>,
    After(after): After,
) -> Answered {
    let (team, user) = (parsed(&team)?, user::parsed(&user)?);
    let grant = visitor.may(&app, ShowTeam { team: team.clone() }).await?;
    if !app.registry().is_in_team(&grant, &user).await? {
        return Err(not_in_it(&user, &team));
    }
    let title = format!("Remove {user} from team {team}?");
    let text = html! {
        p { "What they have through the team is gone from their next request on; their own roles stay." }
    };
    let question = Question {
        title: &title,
        text,
        act: "Remove user",
        path: &format!("{}/remove", member(&team, user.as_str())),
        back: &address::with(&of(&team), &[("after", &after)]),
        fields: After::field(&after),
        is_destructive: true,
    };
    Ok(asked(&visitor, &team, &question))
}

/// Takes a user out of the team.
pub(super) async fn remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((team, user)): Path<(String, String)>,
    form: Form,
) -> Answered {
    let (team, user) = (parsed(&team)?, user::parsed(&user)?);
    let grant = visitor.may(&app, RemoveFromTeam { team: team.clone(), user }).await?;
    let after = address::after(form.query())?;
    app.registry().remove_from_team(&grant, app.now()).await?;
    Ok(see(&address::with(&of(&team), &[("after", &after), ("done", "removed")])))
}

/// Asks before the team is deleted.
pub(super) async fn ask_to_delete(
    State(app): State<App>,
    visitor: Visitor,
    Path(team): Path<String>,
) -> Answered {
    let team = parsed(&team)?;
    let grant = visitor.may(&app, ShowTeam { team: team.clone() }).await?;
    let count = match app.registry().count_team_users(&grant).await? {
        0 => "Nobody is in it.".to_owned(),
        count => format!("{}.", wording::counted(count, "user is in it", "users are in it")),
    };
    let text = html! {
        p { (count) " What a user has through the team is gone from their next request on. This can't be undone." }
    };
    let question = Question {
        title: &format!("Delete team {team}?"),
        text,
        act: "Delete team",
        path: &format!("{}/delete", of(&team)),
        back: &of(&team),
        fields: parts::NOTHING,
        is_destructive: true,
    };
    Ok(asked(&visitor, &team, &question))
}

/// Deletes the team.
pub(super) async fn delete(State(app): State<App>, visitor: Visitor, Path(team): Path<String>) -> Answered {
    let team = parsed(&team)?;
    let grant = visitor.may(&app, DeleteTeam { team }).await?;
    app.registry().delete_team(&grant, app.now()).await?;
    Ok(see("/teams?done=deleted"))
}

fn asked(visitor: &Visitor, team: &TeamName, question: &Question<'_>) -> Response {
    let page = Page::new(question.title, &visitor.viewer, Section::Teams).under("Teams", "/teams");
    page.under(team.as_str(), of(team)).with(&question.render())
}
