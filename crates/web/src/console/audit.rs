//! `/audit`: who did what, when, from where, with which token; what changed, as lines.

use access::{
    id::{AuditId, TokenId},
    name::Username,
    time::{Instant, Length},
};
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use maud::{Markup, html};
use oci::NamespaceName;
use registry::{AuditPart, EVENTS, Page as ListPage, ShowAudit, StoredRecord, parse_event};
use serde_json::{Map, Value};

use super::{
    Answered, address,
    error::ConsoleError,
    form::{Form, Wrong},
    frame::{Page, Section},
    parts::{self, Field, When},
    visitor::Visitor,
    wording,
};
use crate::{app::App, query::Query};

/// Rows on one page at most.
const PAGE: u32 = 30;
/// How much of a value is shown, in characters; all of it is in the API's answer. With it no row alone weighs as much as
/// a page's rows may.
const MAX_VALUE_CHARS: usize = 160;
/// What of a digest is shown, in hexadecimal digits.
const SHORT_DIGEST_CHARS: usize = 12;
/// The filters, as they stand in the query.
const FILTERS: [&str; 6] = ["event", "namespace", "token", "user", "since", "until"];

/// The audit, or what of it passes the filters.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, request: Request) -> Answered {
    let (request, _) = request.into_parts();
    let query = Query::of(&request).map_err(ConsoleError::Malformed)?;
    let form = filters(&query, &visitor);
    let after = query.one("after").unwrap_or_default();
    let (ask, part) = match read(&form, after) {
        Ok(asked) => asked,
        Err(wrong) => return Ok(page(&visitor, &form, &wrong, None)),
    };
    let grant = visitor.may(&app, ask).await?;
    let listed = app.registry().show_audit(&grant, part, PAGE).await?;
    let listed = parts::fitting(listed, row, |record| record.id.to_string());
    Ok(page(&visitor, &form, &Wrong::default(), Some((after, &listed))))
}

/// The filters as a form. All of the audit is for administrators: who is none begins with what is theirs.
fn filters(query: &Query, visitor: &Visitor) -> Form {
    let set = FILTERS.iter().filter_map(|name| query.one(name).map(|text| (*name, text.trim())));
    let mut set: Vec<_> = set.filter(|(_, text)| !text.is_empty()).collect();
    let says_whose = set.iter().any(|(name, _)| ["namespace", "token", "user"].contains(name));
    if !says_whose && !visitor.viewer.is_admin {
        set.push(("user", visitor.viewer.username.as_str()));
    }
    Form::of(&set)
}

fn read(form: &Form, after: &str) -> Result<(ShowAudit, AuditPart), Wrong> {
    let mut wrong = Wrong::default();
    let typed = |name| Some(form.text(name)).filter(|text| !text.is_empty());
    let no_id = |_| "a token's id, as the address of its page has it";
    let ask = ShowAudit {
        namespace: typed("namespace").and_then(|text| wrong.check("namespace", NamespaceName::parse(text))),
        token: typed("token").and_then(|text| wrong.check("token", TokenId::parse(text).map_err(no_id))),
        created_with: None,
        user: typed("user").and_then(|text| wrong.check("user", Username::parse(text))),
    };
    let no_row = |_| "this page of the audit is not there; begin with the first";
    let after = Some(after).filter(|text| !text.is_empty());
    let events = typed("event").and_then(|text| wrong.check("event", parse_event(text)));
    let part = AuditPart {
        events: events.unwrap_or_default(),
        since: typed("since").and_then(|text| wrong.check("since", day(text))),
        // The day itself is meant too.
        until: typed("until")
            .and_then(|text| wrong.check("until", day(text)))
            .map(|at| at.plus(Length::hours(24))),
        after: after.and_then(|text| wrong.check("after", AuditId::parse(text).map_err(no_row))),
    };
    if wrong.is_empty() { Ok((ask, part)) } else { Err(wrong) }
}

/// The first instant of a day, in UTC.
fn day(text: &str) -> Result<Instant, &'static str> {
    let rule = "a day such as 2026-12-01";
    let midnight = (text.len() == "2026-12-01".len()).then(|| format!("{text}T00:00:00Z"));
    midnight.and_then(|text| Instant::parse_rfc3339(&text)).ok_or(rule)
}

fn page(
    visitor: &Visitor,
    form: &Form,
    wrong: &Wrong,
    listed: Option<(&str, &ListPage<StoredRecord>)>,
) -> Response {
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let body = html! {
        (parts::head("Audit", &parts::NOTHING))
        @if !visitor.viewer.is_admin {
            p.quiet { "What you did, and what was done to you. Filter by a namespace that you manage to see all that happened there." }
        }
        (parts::wrong_beyond(wrong, &FILTERS))
        (filter_form(form, wrong))
        @if let Some((after, listed)) = listed {
            (parts::list(&first_page(form), after, listed, &nothing_found(), table))
        }
    };
    Page::new("Audit", &visitor.viewer, Section::Audit).status(status).with(&body)
}

fn filter_form(form: &Form, wrong: &Wrong) -> Markup {
    html! {
        form.filters.labelled method="get" action="/audit" role="search" aria-label="Filter the audit" {
            (event_field(form, wrong))
            (Field::text("namespace", "Namespace").of(form, wrong))
            (Field::text("user", "User").of(form, wrong))
            (Field::text("token", "Token (id)").of(form, wrong))
            (Field::text("since", "Since (UTC)").kind("date").of(form, wrong))
            (Field::text("until", "Until (UTC)").kind("date").of(form, wrong))
            button.primary { "Filter" }
            a.button href="/audit" { "Clear" }
        }
    }
}

/// Every event under its kind, the kind first; a kind of one event is that event.
fn event_field(form: &Form, wrong: &Wrong) -> Markup {
    let (asked, message) = (form.text("event"), wrong.with("event"));
    let option = |value: &str, words: &str, is_asked: bool| html! { option value=(value) selected[is_asked] { (words) } };
    html! {
        .field {
            label for="event" { "What" }
            select id="event" name="event" aria-invalid=[message.map(|_| "true")]
                aria-describedby=[message.map(|_| "event-wrong")] {
                (option("", "anything", false))
                @for (kind, events) in EVENTS {
                    @if let [event] = events {
                        (option(event, &wording::in_words(event), [kind, event].contains(&asked)))
                    } @else {
                        optgroup label=(kind) {
                            (option(kind, &format!("{kind}: anything"), asked == kind))
                            @for event in events { (option(event, &wording::in_words(event), asked == *event)) }
                        }
                    }
                }
            }
            @if let Some(message) = message { p.wrong id="event-wrong" { (message) } }
        }
    }
}

fn nothing_found() -> Markup {
    let clear = html! { a.button href="/audit" { "Clear the filters" } };
    parts::empty("Nothing found", "Nothing happened that passes these filters.", &clear)
}

/// Where the list begins: the ways on from there keep the filters.
fn first_page(form: &Form) -> String {
    address::with("/audit", &FILTERS.map(|name| (name, form.text(name))))
}

fn table(rows: &[StoredRecord]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "What" } th { "When" } th { "Who" } th { "From" } th { "Changed" } } }
                tbody { @for record in rows { (row(record)) } }
            }
        }
    }
}

fn row(record: &StoredRecord) -> Markup {
    let changes = changes(&record.before, &record.after);
    html! {
        tr {
            th scope="row" { span.nowrap { (wording::in_words(&record.event)) } (target(record)) }
            td data-label="When" { (When(record.at)) }
            td data-label="Who" {
                (record.actor)
                @if !record.with_token.is_empty() {
                    " " a.small href=(format!("/audit?token={}", parts::escaped(&record.with_token)))
                        aria-label=(format!("History of {}", record.actor)) { "history" }
                }
            }
            td data-label="From" {
                @if !record.from_address.is_empty() { (record.from_address) }
                @if !record.client.is_empty() { div.quiet.small.clip { (parts::client(&record.client)) } }
            }
            td data-label=[(!changes.is_empty()).then_some("Changed")] {
                @if !changes.is_empty() { ul.lines { @for change in &changes { li { (change) } } } }
            }
        }
    }
}

/// What it was done to, with the way to its history.
fn target(record: &StoredRecord) -> Markup {
    html! {
        div.small.quiet {
            (text_of(&record.target))
            @if !record.token_id.is_empty() {
                " " a href=(format!("/audit?token={}", parts::escaped(&record.token_id)))
                    aria-label=(format!("History of {}", record.target)) { "history" }
            }
        }
    }
}

/// A text with its digests cut to what one recognises them by; the whole of it as a title.
fn text_of(text: &str) -> Markup {
    let short = with_short_digests(text);
    html! { @if short == text { (text) } @else { span title=(text) { (short) } } }
}

fn with_short_digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (digest, rest) = part.split_at(digits);
        match digest.get(..SHORT_DIGEST_CHARS) {
            Some(begin) => short.extend(["sha256:", begin, "…", rest]),
            None => short.extend(["sha256:", part]),
        }
    }
    short
}

/// What changed, a line each. What stayed as it was is not told, nor what was nothing at first.
fn changes(before: &str, after: &str) -> Vec<Markup> {
    let (before, after) = (object(before), object(after));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let lines = names.filter_map(|name| line(name, before.get(name), after.get(name)));
    lines.collect()
}

fn line(name: &str, before: Option<&Value>, after: Option<&Value>) -> Option<Markup> {
    let text = |value: &Value| value_of(name, value);
    let told = match (before, after) {
        (Some(before), Some(after)) if before == after => return None,
        (Some(before), Some(after)) => html! { (text(before)) " → " (text(after)) },
        (Some(only), None) | (None, Some(only)) if !is_nothing(only) => html! { (text(only)) },
        _ => return None,
    };
    Some(html! { span.quiet { (wording::in_words(name)) ": " } (told) })
}

/// JSON that was kept as text. What is no object is shown as it stands rather than withheld.
fn object(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        _ if text.is_empty() => Map::new(),
        _ => Map::from_iter([("value".to_owned(), Value::String(text.to_owned()))]),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn value_of(name: &str, value: &Value) -> Markup {
    let at = value.as_str().filter(|_| name.ends_with("_at")).and_then(Instant::parse_rfc3339);
    match at {
        Some(at) => html! { (When(at)) },
        None => text_of(&value_in_words(name, value)),
    }
}

fn value_in_words(name: &str, value: &Value) -> String {
    let text = match value {
        Value::Null if name == "expires_at" => "never".to_owned(),
        value if is_nothing(value) => "nothing".to_owned(),
        Value::Bool(is_so) => if *is_so { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(size) if name == "size" => {
            size.as_u64().map_or_else(|| size.to_string(), wording::bytes)
        }
        Value::Array(items) => {
            items.iter().map(|item| value_in_words(name, item)).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    wording::cut(&text, MAX_VALUE_CHARS).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(before: &str, after: &str) -> Vec<String> {
        // As it is read: the text between the tags.
        let plain = |line: Markup| {
            let html = line.into_string();
            html.split('<').filter_map(|part| part.split('>').next_back()).collect()
        };
        changes(before, after).into_iter().map(plain).collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let before = r#"{"status":"enabled","scopes":["pull on acme/*"],"expires_at":null,"name":"ci-bot"}"#;
        let after = r#"{"status":"disabled","scopes":["pull on acme/*","push on acme/*"],"expires_at":"2026-12-01T00:00:00Z","name":"ci-bot"}"#;
        assert_eq!(
            lines(before, after),
            [
                "expires at: never → 2026-12-01 00:00 UTC",
                "scopes: pull on acme/* → pull on acme/*; push on acme/*",
                "status: enabled → disabled",
            ]
        );
    }

    #[test]
    fn what_was_made_or_removed_is_told_without_what_was_nothing() {
        let made = r#"{"description":null,"is_admin":true,"users":[],"allowed_addresses":""}"#;
        assert_eq!(lines("", made), ["admin: yes"]);
        assert_eq!(lines("", r#"{"size":4250000,"days":3}"#), ["days: 3", "size: 4.2 MB"]);
        assert_eq!(lines(made, ""), ["admin: yes"]);
        assert!(lines("", "").is_empty());
    }

    #[test]
    fn what_is_strange_is_shown_inert_and_short() {
        assert_eq!(lines("", "<b>"), ["value: &lt;b&gt;"]);
        let long = lines("", &format!("{{\"description\":\"{}\"}}", "ä".repeat(1000)));
        assert_eq!(long[0].chars().count(), "description: ".len() + MAX_VALUE_CHARS + 1);
        assert_eq!(lines("{}", r#"{"a":{"b":1}}"#), ["a: {&quot;b&quot;:1}"]);
    }

    #[test]
    fn a_digest_is_cut_to_what_one_recognises() {
        let digest = "0123456789abcdef".repeat(4);
        for (text, short) in [
            (format!("manifest sha256:{digest} of acme/app"), "manifest sha256:0123456789ab… of acme/app"),
            ("sha256: and sha256:12".to_owned(), "sha256: and sha256:12"),
            ("no digest".to_owned(), "no digest"),
        ] {
            assert_eq!(with_short_digests(&text), short);
        }
    }

    #[test]
    fn a_day_is_a_day() {
        assert_eq!(day("2026-12-01").map(Instant::day), Ok("2026-12-01".to_owned()));
        for text in ["", "2026-13-01", "2026-02-30", "01.12.2026", "2026-12-01T00:00:00Z", "tomorrow!!"] {
            assert!(day(text).is_err(), "{text}");
        }
    }
}
