//! The tokens of a namespace, of the instance, of a person: which are asked for, and the table.

use access::{name::Username, time::Instant};
use axum::extract::{Request, State};
use maud::{Markup, html};
use registry::{ActiveDay, ListInstanceTokens, ListPersonalTokens, ListTokens, ListedTokens, Page};

use super::{
    asked::{Asked, Show},
    outcome::Outcome,
    place::Place,
    table::{self, Listed},
};
use crate::{
    app::App,
    console::{
        Answered,
        address::{self, Path},
        error::ConsoleError,
        frame::Viewer,
        parts,
        visitor::Visitor,
    },
};

/// How many days the line of a token shows.
const LINE_DAYS: u32 = 30;

/// The tokens of a namespace; its admins may look.
pub(super) async fn of_namespace(
    State(app): State<App>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    request: Request,
) -> Answered {
    let place = Place::namespace(&namespace)?;
    let Place::Namespace(namespace) = place.clone() else { return Err(malformed("no namespace")) };
    let grant = visitor.may(&app, ListTokens { namespace }).await?;
    let (asked, outcome) = read(request)?;
    let now = app.now();
    let listed = app.registry().list_tokens(&grant, &asked.tokens(now), now).await?;
    shown(&app, &visitor, &place, (&asked, outcome), listed, now).await
}

/// The tokens of the instance; its administrators may look.
pub(super) async fn of_instance(State(app): State<App>, visitor: Visitor, request: Request) -> Answered {
    let grant = visitor.may(&app, ListInstanceTokens).await?;
    let (asked, outcome) = read(request)?;
    let now = app.now();
    let listed = app.registry().list_instance_tokens(&grant, &asked.tokens(now), now).await?;
    shown(&app, &visitor, &Place::Instance, (&asked, outcome), listed, now).await
}

/// Profile → Access Tokens: the visitor's own.
pub(super) async fn own(State(app): State<App>, visitor: Visitor, request: Request) -> Answered {
    let username = visitor.viewer.username.clone();
    personal(&app, &visitor, username, request).await
}

/// The tokens of a user; instance administrators may look.
pub(super) async fn of_user(
    State(app): State<App>,
    visitor: Visitor,
    Path(username): Path<String>,
    request: Request,
) -> Answered {
    let Place::Person(username) = Place::person(&username)? else { return Err(malformed("no user")) };
    personal(&app, &visitor, username, request).await
}

async fn personal(app: &App, visitor: &Visitor, username: Username, request: Request) -> Answered {
    let place = Place::Person(username.clone());
    let grant = visitor.may(app, ListPersonalTokens { username }).await?;
    let (asked, outcome) = read(request)?;
    let now = app.now();
    let listed = app.registry().list_personal_tokens(&grant, &asked.tokens(now), now).await?;
    shown(app, visitor, &place, (&asked, outcome), listed, now).await
}

fn malformed(reason: &str) -> ConsoleError {
    ConsoleError::Malformed(reason.to_owned())
}

/// What the address of a list says: which of it is looked at, and what led here, to be told once.
fn read(request: Request) -> Result<(Asked, Option<Outcome>), ConsoleError> {
    let query = address::query(&request.into_parts().0)?;
    Ok((Asked::of(&query)?, Outcome::parse(query.one("done").unwrap_or_default())))
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    place: &Place,
    (asked, outcome): (&Asked, Option<Outcome>),
    listed: ListedTokens,
    now: Instant,
) -> Answered {
    let viewer = &visitor.viewer;
    let activity = app.registry().show_activity_of_page(&listed, LINE_DAYS, now).await?;
    let page = fitting(place, listed, activity, now);
    let first = asked.without_after().address(&place.path(viewer));
    let body = html! {
        (place.heading(viewer))
        @if let Some(outcome) = outcome { (outcome.notice(place.status_words())) }
        @if page.items.is_empty() && asked.is_everything() {
            (nothing_yet(place, viewer))
        } @else {
            (filters(place, viewer, asked))
            (parts::list(&first, &asked.after, &page, &no_such(place, viewer), |tokens| {
                table::table((place, asked), tokens, now)
            }))
        }
    };
    Ok(place.page(&place.title(viewer), viewer).with(&body))
}

/// The tokens that the page has room for, each with its use by day. Service tokens are listed by name, personal ones by
/// age.
fn fitting(place: &Place, listed: ListedTokens, activity: Vec<Vec<ActiveDay>>, now: Instant) -> Page<Listed> {
    let Page { items, next } = listed.into_page();
    let listed = |(token, activity)| Listed { token, activity };
    let page = Page { items: items.into_iter().zip(activity).map(listed).collect(), next };
    let key = |listed: &Listed| match place.is_personal() {
        true => listed.token.id.to_string(),
        false => listed.token.name.clone(),
    };
    parts::fitting(page, |listed| table::row(0, listed, now), key)
}

fn no_such(place: &Place, viewer: &Viewer) -> Markup {
    let all = html! { a.button href=(place.path(viewer)) { "Show all" } };
    parts::empty("No such token", "No token passes this filter.", &all)
}

fn nothing_yet(place: &Place, viewer: &Viewer) -> Markup {
    let text = match place {
        Place::Namespace(_) => {
            "A token lets a pipeline or a server pull and push here, and nowhere else. Make the first one: its \
             value is shown once, with the docker login line beside it."
        }
        Place::Instance => {
            "A token of the instance reaches into every namespace that its scopes name. Prefer one of a namespace \
             where that will do."
        }
        Place::Person(_) => {
            "A token works anywhere the password works, and can be taken away alone: one for each laptop, say."
        }
    };
    let new =
        html! { a.button.primary href=(format!("{}/new", place.path(viewer))) { "Make the first token" } };
    parts::empty("No token yet", text, &new)
}

fn filters(place: &Place, viewer: &Viewer, asked: &Asked) -> Markup {
    html! {
        form.filters method="get" action=(place.path(viewer)) role="search" {
            .field {
                label for="q" { "Search" }
                input type="search" id="q" name="q" value=(asked.containing);
            }
            .field {
                label for="show" { "Show" }
                select id="show" name="show" {
                    @for (show, word) in Show::EACH {
                        option value=(word) selected[show == asked.show] { (show.name(place.status_words())) }
                    }
                }
            }
            button { "Search" }
            @if !asked.without_after().is_everything() { a.button href=(place.path(viewer)) { "Clear" } }
        }
    }
}
