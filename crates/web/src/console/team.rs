//! `/teams/{team}`: who is in a team, its name, and its end.

use access::name::{TeamName, Username};
use axum::extract::State;
use http::StatusCode;
use maud::{Markup, html};
use registry::{AddToTeam, DeleteTeam, ManageError, Page as ListPage, RemoveFromTeam, RenameTeam, ShowTeam};

use super::{
    Answered,
    address::{After, Path},
    error::ConsoleError,
    form::{Form, Wrong, refused},
    frame::{Page, Section},
    parts::{self, Field, Question, path_of},
    see, teams,
    visitor::Visitor,
    wording,
};
use crate::app::App;

/// Users on one page, which is below 50 KB also where their names are as long as they get.
const PAGE: u32 = 50;

fn parsed(team: &str) -> Result<TeamName, ConsoleError> {
    TeamName::parse(team).map_err(|_| ConsoleError::Absent(format!("team {team} does not exist")))
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
) -> Answered {
    let team = parsed(&team)?;
    let form = Form::of(&[("name", team.as_str())]);
    page(&app, &visitor, &team, &after, &form, &Wrong::default(), StatusCode::OK).await
}

/// The page with the users behind `after`, and with a form of it as it was filled in.
async fn page(
    app: &App,
    visitor: &Visitor,
    team: &TeamName,
    after: &str,
    form: &Form,
    wrong: &Wrong,
    status: StatusCode,
) -> Answered {
    let grant = visitor.may(app, ShowTeam { team: team.clone() }).await?;
    let users = app.registry().list_team_users(&grant, after, PAGE).await?;
    let delete =
        html! { a.button.destructive href=(format!("{}/delete", of(team))) data-ask { "Delete team" } };
    let body = html! {
        (parts::head(team.as_str(), &delete))
        (parts::wrong_beyond(wrong, &["name", "username"]))
        @if users.items.is_empty() && after.is_empty() {
            (parts::empty("Nobody is in it yet", "Add a user below. Whatever role the team has in a namespace, they have too.", &parts::NOTHING))
        } @else {
            (members(team, &users))
        }
        .columns { (add_form(team, form, wrong)) (rename_form(team, form, wrong)) }
    };
    let page = Page::new(team.as_str(), &visitor.viewer, Section::Teams).under("Teams", "/teams");
    Ok(page.status(status).with(&body))
}

fn members(team: &TeamName, users: &ListPage<String>) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "User" } th { span.visually-hidden { "Actions" } } } }
                tbody {
                    @for user in &users.items {
                        tr {
                            th scope="row" { a href=(path_of("users", user)) { (user) } }
                            td.act {
                                a.button.small-button href=(format!("{}/remove", member(team, user))) data-ask
                                    aria-label=(format!("Remove {user}")) { "Remove" }
                            }
                        }
                    }
                }
            }
        }
        (parts::next_page(&format!("{}?after=", of(team)), users.next.as_deref()))
    }
}

fn member(team: &TeamName, user: &str) -> String {
    format!("{}/members/{user}", of(team))
}

fn add_form(team: &TeamName, form: &Form, wrong: &Wrong) -> Markup {
    html! {
        form.card method="post" action=(format!("{}/members", of(team))) {
            h2 { "Add a user" }
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
    let mut wrong = Wrong::default();
    if let Some(user) = wrong.check("username", Username::parse(form.text("username"))) {
        let grant = visitor.may(&app, AddToTeam { team: team.clone(), user }).await?;
        match app.registry().add_to_team(&grant, app.now()).await {
            Ok(()) => return Ok(see(&of(&team))),
            Err(ManageError::Absent(message)) => wrong.add("username", message),
            Err(error) => return Err(error.into()),
        }
    }
    let form = Form::of(&[("name", team.as_str()), ("username", form.text("username"))]);
    page(&app, &visitor, &team, "", &form, &wrong, StatusCode::UNPROCESSABLE_ENTITY).await
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
        return page(&app, &visitor, &team, "", &form, &wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    match app.registry().rename_team(&grant, &name, None, app.now()).await {
        Ok(renamed) => Ok(see(&of(&renamed.name))),
        Err(error) => {
            let (status, wrong) = refused(error, "name")?;
            page(&app, &visitor, &team, "", &form, &wrong, status).await
        }
    }
}

fn parsed_user(user: &str, team: &TeamName) -> Result<Username, ConsoleError> {
    Username::parse(user).map_err(|_| not_in_it(user, team))
}

fn not_in_it(user: impl std::fmt::Display, team: &TeamName) -> ConsoleError {
    ConsoleError::Absent(format!("user {user} is not in team {team}"))
}

/// Asks before a user is taken out.
pub(super) async fn ask_to_remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((team, user)): Path<(String, String)>,
) -> Answered {
    let team = parsed(&team)?;
    let user = parsed_user(&user, &team)?;
    let grant = visitor.may(&app, ShowTeam { team: team.clone() }).await?;
    if !app.registry().is_in_team(&grant, &user).await? {
        return Err(not_in_it(&user, &team));
    }
    let title = format!("Remove {user} from team {team}?");
    let text = html! { p { "What they have through the team is gone from their next request on; their own roles stay." } };
    asked(&visitor, &team, &title, text, "Remove user", &format!("{}/remove", member(&team, user.as_str())))
}

/// Takes a user out of the team.
pub(super) async fn remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((team, user)): Path<(String, String)>,
) -> Answered {
    let team = parsed(&team)?;
    let user = parsed_user(&user, &team)?;
    let grant = visitor.may(&app, RemoveFromTeam { team: team.clone(), user }).await?;
    app.registry().remove_from_team(&grant, app.now()).await?;
    Ok(see(&of(&team)))
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
    let text = html! { p { (count) " What a user has through the team is gone from their next request on. This can't be undone." } };
    asked(
        &visitor,
        &team,
        &format!("Delete team {team}?"),
        text,
        "Delete team",
        &format!("{}/delete", of(&team)),
    )
}

/// Deletes the team.
pub(super) async fn delete(State(app): State<App>, visitor: Visitor, Path(team): Path<String>) -> Answered {
    let team = parsed(&team)?;
    let grant = visitor.may(&app, DeleteTeam { team }).await?;
    app.registry().delete_team(&grant, app.now()).await?;
    Ok(see("/teams?done=deleted"))
}

fn asked(visitor: &Visitor, team: &TeamName, title: &str, text: Markup, act: &str, path: &str) -> Answered {
    let back = of(team);
    let question =
        Question { title, text, act, path, back: &back, fields: parts::NOTHING, is_destructive: true };
    let page = Page::new(title, &visitor.viewer, Section::Teams).under("Teams", "/teams");
    Ok(page.under(team.as_str(), back.as_str()).with(&html! { (question) }))
}
