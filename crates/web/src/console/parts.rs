//! The parts that pages are put together from. Whatever is somebody else's text goes through maud, which escapes it.

use access::time::Instant;
use maud::{Markup, PreEscaped, Render, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use registry::Page;

use super::{
    address,
    form::{Form, REVISION, Wrong},
    wording,
};

/// What the rows of a list's page weigh at most, in bytes: the page stays below 50 KB (issue 6) with what is around them.
const MAX_ROWS_BYTES: usize = 40_000;
/// What stands unescaped in one segment of a path, or in a parameter.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one segment of a path or one parameter of a query.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The page of something that people name: a namespace, a user, a team. `new` is the form's address, so something of
/// that name has its first letter escaped: the same name to the router, and another path.
pub(super) fn path_of(collection: &str, name: &str) -> String {
    match name {
        "new" => format!("/{collection}/%6Eew"),
        name => format!("/{collection}/{name}"),
    }
}

/// A field with its label, its hint, and what is wrong with it, tied together for screen readers.
pub(super) struct Field<'a> {
    name: &'a str,
    label: &'a str,
    hint: Option<&'a str>,
    kind: &'a str,
    pattern: Option<&'a str>,
    autocomplete: &'a str,
    is_required: bool,
}

impl<'a> Field<'a> {
    pub(super) const fn text(name: &'a str, label: &'a str) -> Self {
        Self { name, label, hint: None, kind: "text", pattern: None, autocomplete: "off", is_required: false }
    }

    pub(super) const fn password(name: &'a str, label: &'a str, autocomplete: &'a str) -> Self {
        Self { kind: "password", autocomplete, is_required: true, ..Self::text(name, label) }
    }

    pub(super) const fn kind(mut self, kind: &'a str) -> Self {
        self.kind = kind;
        self
    }

    pub(super) const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The rule as a pattern of HTML: said by the browser, and as it is typed.
    pub(super) const fn pattern(mut self, pattern: &'a str) -> Self {
        self.pattern = Some(pattern);
        self
    }

    pub(super) const fn autocomplete(mut self, autocomplete: &'a str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// The field, with what was typed kept; a password never is.
    pub(super) fn of(&self, form: &Form, wrong: &Wrong) -> Markup {
        let (hint_id, wrong_id) = (format!("{}-hint", self.name), format!("{}-wrong", self.name));
        let message = wrong.with(self.name);
        let described = [self.hint.map(|_| hint_id.as_str()), message.map(|_| wrong_id.as_str())];
        let described: Vec<_> = described.into_iter().flatten().collect();
        html! {
            .field {
                label for=(self.name) { (self.label) }
                input type=(self.kind) id=(self.name) name=(self.name) autocomplete=(self.autocomplete)
                    value=[(self.kind != "password").then(|| form.text(self.name))]
                    required[self.is_required]
                    pattern=[self.pattern]
                    data-rule=[self.pattern.and(self.hint).map(|_| hint_id.as_str())]
                    aria-invalid=[message.map(|_| "true")]
                    aria-describedby=[(!described.is_empty()).then(|| described.join(" "))];
                @if let Some(hint) = self.hint { p.hint id=(hint_id) { (hint) } }
                @if let Some(message) = message { p.wrong id=(wrong_id) { (message) } }
            }
        }
    }
}

/// A box to tick, with what it means.
pub(super) fn tick(name: &str, label: &str, hint: &str, is_ticked: bool) -> Markup {
    let hint_id = format!("{name}-hint");
    html! {
        .choice {
            label { input type="checkbox" name=(name) value="yes" checked[is_ticked] aria-describedby=(hint_id); (label) }
            p.hint id=(hint_id) { (hint) }
        }
    }
}

/// A risky act, asked about before it is done. The script shows it as a dialog over the page that it was asked for on.
pub(super) struct Question<'a> {
    /// The question, such as `Delete user ann?`
    pub(super) title: &'a str,
    /// What will break, and whatever else is to be chosen or told.
    pub(super) text: Markup,
    /// Fields that are sent along.
    pub(super) fields: Markup,
    /// Whether the act takes something away.
    pub(super) is_destructive: bool,
    /// What the button says: the act itself, never `OK`.
    pub(super) act: &'a str,
    /// Where the form is sent.
    pub(super) path: &'a str,
    /// Where whoever would rather not goes back to.
    pub(super) back: &'a str,
}

impl Render for Question<'_> {
    fn render(&self) -> Markup {
        let class = if self.is_destructive { "destructive" } else { "primary" };
        html! {
            .card.narrow data-question {
                h1 { (self.title) }
                div data-text { (self.text) }
                form method="post" action=(self.path) {
                    (self.fields)
                    .actions { button class=(class) { (self.act) } a.button href=(self.back) data-cancel { "Cancel" } }
                }
            }
        }
    }
}

/// Tells a password manager whose password a form changes; nobody sees it, and nothing reads it.
pub(super) fn whose_password(username: &str) -> Markup {
    html! { input type="text" name="username" autocomplete="username" value=(username) readonly hidden; }
}

/// What is wrong with a form and belongs to none of its `fields`.
pub(super) fn wrong_beyond(wrong: &Wrong, fields: &[&str]) -> Markup {
    let errors: Vec<_> = wrong.beyond(fields).collect();
    html! {
        @if !errors.is_empty() {
            .notice.bad role="alert" {
                @for error in errors { p { (error.message) } }
            }
        }
    }
}

/// The field that says what a form edits: as its sender read it, however often the form is shown again.
pub(super) fn revision(form: &Form) -> Markup {
    html! { input type="hidden" name=(REVISION) value=(form.text(REVISION)); }
}

/// What was typed was meant for something that is not so any more; `path` leads to how it is now.
pub(super) fn outdated(wrong: &Wrong, path: &str) -> Markup {
    html! {
        @if let Some(message) = wrong.with(REVISION) {
            .notice.bad role="alert" {
                p { (message) ". Your edit was not made." }
                p { a href=(path) { "Open it again" } }
            }
        }
    }
}

/// An instant: shown in UTC, and by the script in the reader's own zone; the exact one as a title.
pub(super) struct When(pub(super) Instant);

impl Render for When {
    fn render(&self) -> Markup {
        let exact = self.0.to_string();
        let minute =
            exact.get(..16).map_or_else(|| exact.clone(), |text| format!("{} UTC", text.replace('T', " ")));
        html! { time.nowrap datetime=(exact) title=(exact) { (minute) } }
    }
}

/// What a client calls itself, in short; all of it as a title.
pub(super) fn client(text: &str) -> Markup {
    let short = wording::client(text);
    html! { @if short == text { (text) } @else { span title=(text) { (short) } } }
}

/// A heading with what can be done on the page beside it.
pub(super) fn head(title: &str, actions: &Markup) -> Markup {
    html! { .head { h1 { (title) } .actions { (actions) } } }
}

/// Nothing there yet: what to do next.
pub(super) fn empty(title: &str, text: &str, action: &Markup) -> Markup {
    html! { .card.empty { h2 { (title) } p { (text) } (action) } }
}

/// What was just done.
pub(super) fn notice(said: Option<&str>) -> Markup {
    html! { @if let Some(text) = said { .notice.good role="status" { p { (text) } } } }
}

/// As many rows as a page holds: those that say much, or in characters that are escaped, are fewer. The next page begins
/// behind the `key` of the last.
pub(super) fn fitting<T>(
    page: Page<T>,
    row: impl Fn(&T) -> Markup,
    key: impl FnOnce(&T) -> String,
) -> Page<T> {
    let Page { mut items, mut next } = page;
    let mut weight = 0;
    let fits = |item: &&T| {
        weight += row(item).into_string().len();
        weight <= MAX_ROWS_BYTES
    };
    // The first always does: a page without rows would lead nowhere.
    let count = items.iter().take_while(fits).count().max(1);
    if count < items.len() {
        items.truncate(count);
        next = items.last().map(key);
    }
    Page { items, next }
}

/// A page of a list that begins at `path`: its table with the ways on, or what stands in its place.
pub(super) fn list<T>(
    path: &str,
    after: &str,
    page: &Page<T>,
    nothing_yet: &Markup,
    table: impl FnOnce(&[T]) -> Markup,
) -> Markup {
    html! {
        @if !page.items.is_empty() {
            (table(&page.items))
            (other_pages(path, after, page.next.as_deref()))
        } @else if after.is_empty() {
            (nothing_yet)
        } @else {
            (empty("Nothing more here", "The list ends before this page.", &html! { a.button href=(path) { "First page" } }))
        }
    }
}

/// The ways from a page of a list that begins at `path`: to the first, and to the next.
pub(super) fn other_pages(path: &str, after: &str, next: Option<&str>) -> Markup {
    html! {
        @if next.is_some() || !after.is_empty() {
            nav.pages aria-label="Pages" {
                @if !after.is_empty() { a.button href=(path) { "First page" } }
                @if let Some(next) = next { a.button href=(address::with(path, &[("after", next)])) { "Next page" } }
            }
        }
    }
}

/// Something to copy: a label, the text, and a button that only a script needs.
pub(super) fn to_copy(id: &str, label: &str, text: &str) -> Markup {
    html! {
        .copy {
            span.label id=(format!("{id}-label")) { (label) }
            pre id=(id) tabindex="0" role="group" aria-labelledby=(format!("{id}-label")) { (text) }
            button type="button" data-copy=(id) aria-label=(format!("Copy {label}")) { "Copy" }
        }
    }
}

/// Nothing.
pub(super) const NOTHING: PreEscaped<String> = PreEscaped(String::new());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_called_new_has_a_page_beside_the_form() {
        assert_eq!(path_of("users", "ann"), "/users/ann");
        assert_eq!(path_of("namespaces", "new"), "/namespaces/%6Eew");
    }
}
