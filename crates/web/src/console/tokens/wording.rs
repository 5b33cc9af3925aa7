//! What is known about a token, in words.

use access::{
    expiry::{Expiry, WARNED_AHEAD},
    scope::{Permission, Scopes},
    time::Instant,
};
use maud::{Markup, html};
use registry::{Act, ActiveDay, StandsFor, StoredOwner, StoredToken};

use crate::console::{
    parts::When,
    wording::{counted, cut, distance},
};

/// Scopes told one by one in a table, and how much of each, in characters; the details have all of them.
const TOLD_SCOPES: usize = 2;
const SCOPE_CHARS: usize = 72;

/// What the status of a token and its changes are called, and what it is told from others by.
pub(super) struct StatusWords {
    /// The head over what tells tokens of a kind apart, and what else was written about one.
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// The acts, as buttons say them.
    enable: &'static str,
    disable: &'static str,
    /// What a token is.
    pub(super) enabled: &'static str,
    pub(super) disabled: &'static str,
    /// What was done to it.
    was_enabled: &'static str,
    was_disabled: &'static str,
}

/// Service tokens: the words of E2E Networks and IONOS (DESIGN, the table at the top).
const OF_SERVICE: StatusWords = StatusWords {
    name: "Name",
    description: "Description",
    enable: "Enable",
    disable: "Disable",
    enabled: "Enabled",
    disabled: "Disabled",
    was_enabled: "enabled",
    was_disabled: "disabled",
};

/// Personal tokens: the words of Docker Trusted Registry, whose description is our label (rule 1). What the API calls
/// their description needs another word here.
const OF_PERSON: StatusWords = StatusWords {
    name: "Description",
    description: "Notes",
    enable: "Activate",
    disable: "Deactivate",
    enabled: "Active",
    disabled: "Inactive",
    was_enabled: "activated",
    was_disabled: "deactivated",
};

impl StatusWords {
    /// The words for personal tokens, or for service tokens.
    pub(super) const fn of_kind(is_personal: bool) -> &'static Self {
        if is_personal { &OF_PERSON } else { &OF_SERVICE }
    }

    /// The words for this token.
    pub(super) fn of(token: &StoredToken) -> &'static Self {
        Self::of_kind(matches!(token.owner, StoredOwner::User { .. }))
    }

    /// What a button says that does it.
    pub(super) const fn act(&self, act: Act) -> &'static str {
        match act {
            Act::Enable => self.enable,
            Act::Disable => self.disable,
            Act::Delete => "Delete",
        }
    }

    /// What was done to a token then.
    pub(super) const fn done(&self, act: Act) -> &'static str {
        match act {
            Act::Enable => self.was_enabled,
            Act::Disable => self.was_disabled,
            Act::Delete => "deleted",
        }
    }
}

/// The act that a token's own menu offers on its status: the other one.
pub(super) fn other_status(token: &StoredToken) -> Act {
    if token.is_enabled { Act::Disable } else { Act::Enable }
}

/// The short form of what a token may do; `None` is "Custom".
pub(super) fn short_permission(token: &StoredToken) -> Option<Permission> {
    let scopes = token.scopes.iter().map(|stored| stored.scope.clone()).collect();
    Scopes::new(scopes).ok().and_then(|scopes| scopes.permission())
}

/// What a token may do, short enough for a table.
pub(super) fn permission(token: &StoredToken) -> Markup {
    if token.mirrors_its_user() {
        return html! { "Whatever the user may" };
    }
    match short_permission(token) {
        Some(Permission::Pull) => html! { "Pull" },
        Some(Permission::PullPush) => html! { "Pull & Push" },
        None if token.scopes.is_empty() => html! { span.badge.warn { "nothing" } },
        None => html! {
            @for stored in token.scopes.iter().take(TOLD_SCOPES) {
                div { (cut(&stored.scope.to_string(), SCOPE_CHARS)) }
            }
            @if token.scopes.len() > TOLD_SCOPES {
                div.quiet.small { "and " (token.scopes.len() - TOLD_SCOPES) " more" }
            }
        },
    }
}

/// Whether a token works, as a badge.
pub(super) fn status(token: &StoredToken) -> Markup {
    let words = StatusWords::of(token);
    html! {
        @if token.is_enabled { span.badge.good { (words.enabled.to_lowercase()) } }
        @else { span.badge.bad { (words.disabled.to_lowercase()) } }
    }
}

/// When a token expires, as a date and in plain words; marked when it is near (rule 11).
pub(super) fn expiry(expiry: Expiry, now: Instant) -> Markup {
    let Expiry::At(at) = expiry else { return html! { span.quiet { "never" } } };
    let is_near = now >= at.minus(WARNED_AHEAD);
    html! {
        (Day(at)) " "
        @if is_near { span.badge.warn { (distance(now, at)) } }
        @else { span.quiet.small.nowrap { (distance(now, at)) } }
    }
}

struct Day(Instant);

impl maud::Render for Day {
    fn render(&self) -> Markup {
        let exact = self.0.to_string();
        html! { time.nowrap datetime=(exact) title=(exact) data-form="day" { (self.0.day()) } }
    }
}

/// When something was used last, and from where.
pub(super) fn last_use(at: Option<Instant>, from: &str, now: Instant) -> Markup {
    let Some(at) = at else { return html! { span.quiet { "never" } } };
    html! {
        span.nowrap title=(at) { (distance(now, at)) }
        @if !from.is_empty() { div.quiet.small { "from " (from) } }
    }
}

/// Whom or what a token is for.
pub(super) fn whom(whom: &StandsFor) -> Markup {
    match whom {
        StandsFor::User(name) => html! { "person " (name) },
        StandsFor::Service(name) => html! { "service " (name) },
    }
}

/// What would feel the end of a token: how it was used of late. `week` is its last seven days.
pub(super) fn impact(token: &StoredToken, week: &[ActiveDay], now: Instant) -> Markup {
    let Some(at) = token.used.last_used_at else {
        return html! { p { "It was never used." } };
    };
    let used = &token.used;
    html! {
        p {
            "It was used " strong { (distance(now, at)) }
            @if !used.last_used_from.is_empty() { " from " strong { (used.last_used_from) } }
            @if !used.last_used_by.is_empty() { " by " (used.last_used_by) }
            ": " (counts(week)) " this week."
        }
    }
}

/// How often a token was used on these days: `312 pulls and 4 pushes`.
pub(super) fn counts(days: &[ActiveDay]) -> String {
    let [pulls, pushes] =
        days.iter().fold([0, 0], |[pulls, pushes], day| [pulls + day.pulls, pushes + day.pushes]);
    format!("{} and {}", counted(pulls, "pull", "pulls"), counted(pushes, "push", "pushes"))
}

/// An instant with its distance.
pub(super) fn when(at: Instant, now: Instant) -> Markup {
    html! { (When(at)) " " span.quiet.small { "(" (distance(now, at)) ")" } }
}
