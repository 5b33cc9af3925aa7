//! What is known about a token, in words.

use access::{
    expiry::{Expiry, WARNED_AHEAD},
    scope::{Permission, Scopes},
    time::Instant,
};
use maud::{Markup, html};
use registry::{ActiveDay, StandsFor, StoredToken};

use crate::console::{parts::When, wording::distance};

/// Scopes told one by one in a table; the details have all of them.
const TOLD_SCOPES: usize = 3;

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
            @for stored in token.scopes.iter().take(TOLD_SCOPES) { div { (stored.scope) } }
            @if token.scopes.len() > TOLD_SCOPES {
                div.quiet.small { "and " (token.scopes.len() - TOLD_SCOPES) " more" }
            }
        },
    }
}

/// Enabled or disabled, as a badge.
pub(super) fn status(token: &StoredToken) -> Markup {
    html! {
        @if token.is_enabled { span.badge.good { "enabled" } } @else { span.badge.bad { "disabled" } }
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

fn counted(count: i64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// What the audit calls an event, for people: `token.scope-added` is "scope added".
pub(super) fn event(event: &str) -> String {
    event.strip_prefix("token.").unwrap_or(event).replace(['-', '.'], " ")
}

/// An instant with its distance.
pub(super) fn when(at: Instant, now: Instant) -> Markup {
    html! { (When(at)) " " span.quiet.small { "(" (distance(now, at)) ")" } }
}
