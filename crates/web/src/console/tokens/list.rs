//! The tokens of a namespace, of the instance, of a person: which are asked for, and the table.

use access::{
    name::Username,
    time::{Instant, Length},
};
use axum::extract::{Request, State};
use maud::{Markup, html};
use registry::{ListInstanceTokens, ListPersonalTokens, ListTokens, ListedTokens, TokenFilter, TokensAsked};

use super::{outcome::Outcome, place::Place, table, wording::StatusWords};
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

/// Tokens on one page, which keeps below 50 KB with them; an act on several takes all of them.
const PAGE: u32 = 20;
/// How many days the line of a token shows.
const LINE_DAYS: u32 = 30;
/// The longest text that is looked for, in characters: no description is longer.
const MAX_SEARCHED_CHARS: usize = 1_000;
/// What "expiring soon" and "unused" mean.
const SOON: Length = Length::days(7);
const UNUSED: Length = Length::days(30);

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
    let asked = Asked::of(&request.into_parts().0)?;
    let now = app.now();
    let listed = app.registry().list_tokens(&grant, &asked.tokens(now), now).await?;
    shown(&app, &visitor, &place, &asked, &listed, now).await
}

/// The tokens of the instance; its administrators may look.
pub(super) async fn of_instance(State(app): State<App>, visitor: Visitor, request: Request) -> Answered {
    let grant = visitor.may(&app, ListInstanceTokens).await?;
    let asked = Asked::of(&request.into_parts().0)?;
    let now = app.now();
    let listed = app.registry().list_instance_tokens(&grant, &asked.tokens(now), now).await?;
    shown(&app, &visitor, &Place::Instance, &asked, &listed, now).await
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
    let asked = Asked::of(&request.into_parts().0)?;
    let now = app.now();
    let listed = app.registry().list_personal_tokens(&grant, &asked.tokens(now), now).await?;
    shown(app, visitor, &place, &asked, &listed, now).await
}

fn malformed(reason: &str) -> ConsoleError {
    ConsoleError::Malformed(reason.to_owned())
}

/// Which tokens are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    All,
    Enabled,
    Disabled,
    Expiring,
    Unused,
}

impl Show {
    const EACH: [(Self, &str); 5] = [
        (Self::All, ""),
        (Self::Enabled, "enabled"),
        (Self::Disabled, "disabled"),
        (Self::Expiring, "expiring"),
        (Self::Unused, "unused"),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|(_, known)| *known == word).map(|(show, _)| show)
    }

    fn word(self) -> &'static str {
        Self::EACH.into_iter().find(|(show, _)| *show == self).map_or("", |(_, word)| word)
    }

    fn name(self, words: &StatusWords) -> &'static str {
        match self {
            Self::All => "All",
            Self::Enabled => words.enabled,
            Self::Disabled => words.disabled,
            Self::Expiring => "Expiring within 7 days",
            Self::Unused => "Unused for 30 days",
        }
    }
}

/// What the query asks for.
struct Asked {
    show: Show,
    containing: String,
    after: String,
    /// What led here, to be told once.
    outcome: Option<Outcome>,
}

impl Asked {
    fn of(parts: &http::request::Parts) -> Result<Self, ConsoleError> {
        let query = address::query(parts)?;
        let text = |name: &str| query.one(name).unwrap_or_default().trim().to_owned();
        let (containing, after) = (text("q"), address::after(&query)?);
        if containing.chars().count() > MAX_SEARCHED_CHARS {
            return Err(malformed("what is searched for is at most 1,000 characters"));
        }
        let show = Show::parse(&text("show"));
        let show = show.ok_or_else(|| malformed("there is no such filter; choose one of the list"))?;
        Ok(Self { show, containing, after, outcome: Outcome::parse(&text("done")) })
    }

    fn tokens(&self, now: Instant) -> TokensAsked {
        let mut filter = TokenFilter { containing: self.containing.clone(), ..TokenFilter::default() };
        match self.show {
            Show::All => {}
            Show::Enabled => filter.is_enabled = Some(true),
            Show::Disabled => filter.is_enabled = Some(false),
            Show::Expiring => filter.expires_by = Some(now.plus(SOON)),
            Show::Unused => filter.unused_since = Some(now.minus(UNUSED)),
        }
        TokensAsked { after: self.after.clone(), limit: PAGE, filter }
    }

    fn is_everything(&self) -> bool {
        self.show == Show::All && self.containing.is_empty() && self.after.is_empty()
    }
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    place: &Place,
    asked: &Asked,
    listed: &ListedTokens,
    now: Instant,
) -> Answered {
    let viewer = &visitor.viewer;
    let activity = app.registry().show_activity_of_page(listed, LINE_DAYS, now).await?;
    let page = listed.page();
    let next = format!(
        "{}?q={}&show={}&after=",
        place.path(viewer),
        parts::escaped(&asked.containing),
        asked.show.word()
    );
    let body = html! {
        (place.heading(viewer))
        @if let Some(outcome) = asked.outcome { (outcome.notice(place.status_words())) }
        @if page.items.is_empty() && asked.is_everything() {
            (nothing_yet(place, viewer))
        } @else {
            (filters(place, viewer, asked))
            @if page.items.is_empty() {
                (parts::empty("No such token", "No token passes this filter.", &html! { a.button href=(place.path(viewer)) { "Show all" } }))
            } @else {
                (table::table(place, page, &activity, now))
            }
            (parts::next_page(&next, page.next.as_deref()))
        }
    };
    Ok(place.page(&place.title(viewer), viewer).with(&body))
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
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);

    fn asked(query: &str) -> Option<Asked> {
        let (parts, ()) = http::Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        Asked::of(&parts).ok()
    }

    #[test]
    fn each_filter_asks_for_what_it_says() {
        let filter = |query| asked(query).unwrap().tokens(NOW).filter;
        assert!(asked("").unwrap().is_everything());
        assert_eq!(filter("show=enabled").is_enabled, Some(true));
        assert_eq!(filter("show=disabled").is_enabled, Some(false));
        assert_eq!(filter("show=expiring").expires_by, Some(NOW.plus(SOON)));
        assert_eq!(filter("show=unused").unused_since, Some(NOW.minus(UNUSED)));
        assert_eq!(filter("show=&q=+CI+").containing, "CI");
    }

    #[test]
    fn what_can_t_be_meant_is_refused() {
        let long = format!("q={}", "x".repeat(1001));
        for query in ["show=broken", "q=a%00", "after=%00", "q=%ff", &long] {
            assert!(asked(query).is_none(), "{query}");
        }
    }
}
