//! The scope editor: a row each, numbered, so that it works without a script. Rows that nobody touched say nothing.

use access::{
    field_error::FieldError,
    rights::PersonalAccess,
    scope::{MAX_SCOPES, Permission, ScopeInput, Scopes, Warning},
};
use maud::{Markup, PreEscaped, html};
use oci::NamespaceName;
use registry::ListRepositories;

use super::{
    fields::{described, invalid, radio, told},
    place::Place,
};
use crate::{
    app::App,
    console::{
        error::ConsoleError,
        form::{Form, Wrong},
        visitor::Visitor,
    },
};

/// Rows that a new form begins with.
pub(super) const FIRST_ROWS: &str = "2";
/// Names of repositories that the preview of a path knows, and how many bytes of the page they are at most: names may
/// have 255 characters, and a form keeps below 50 KB with them.
const PREVIEWED: u32 = 200;
const MAX_PREVIEWED_BYTES: usize = 16 * 1024;
/// The actions of a row, in the words of the console.
const ACTIONS: [(&str, &str); 3] = [("delete", "Admin (delete)"), ("push", "Push"), ("pull", "Pull")];

/// What a token may do: a short form, or scopes row by row. `account` is offered for personal tokens alone.
pub(super) fn permission(form: &Form, wrong: &Wrong, place: &Place, known: &Previewed) -> Markup {
    let example = place.example();
    html! {
        fieldset {
            legend { "Permission" }
            @if place.is_personal() {
                .choice {
                    (radio(form, "permission", "account", "Whatever the user may"))
                    p.hint { "At the time of use, as their password does. It can't be narrowed later." }
                }
            }
            (short_forms(form, place))
            .choice {
                (radio(form, "permission", "custom", "Custom"))
                p.hint { "What the scopes below allow, and nothing else." }
            }
            (told(wrong, "permission"))
        }
        fieldset {
            legend { "Scopes, for Custom" }
            p.hint { "A path names repositories in full; * stands for any run of characters. Push needs Pull." }
            (told(wrong, "scopes"))
            input type="hidden" name="rows" value=(count(form));
            @for row in 0..count(form) { (self::row(form, wrong, row, &example)) }
            (preview(known))
            button.small-button name="more" value="yes" formnovalidate { "Add another scope" }
        }
    }
}

/// The choice of the short forms, with what they reach: whoever chooses one takes the scopes off that were there.
pub(super) fn short_forms(form: &Form, place: &Place) -> Markup {
    let [pull, pull_push] = place.reach();
    html! {
        .choice {
            (radio(form, "permission", "pull", "Pull"))
            p.hint { (pull) }
        }
        .choice {
            (radio(form, "permission", "pull-push", "Pull & Push"))
            p.hint { (pull_push) }
        }
    }
}

/// How many rows the form has, with the one that a press of its button asked for. All 100 are some 85 KB, beyond the
/// 50 KB that pages keep below: whoever wants so many has asked for each of them.
fn count(form: &Form) -> usize {
    let rows = form.text("rows").parse().unwrap_or(1_usize).min(MAX_SCOPES);
    (rows + usize::from(asks_for_more(form))).clamp(1, MAX_SCOPES)
}

/// Whether the form was sent for another row, and not to be done.
pub(super) fn asks_for_more(form: &Form) -> bool {
    form.has("more")
}

/// One row; `example` is a path that would do.
pub(super) fn row(form: &Form, wrong: &Wrong, row: usize, example: &str) -> Markup {
    let [kind, path, actions] = ["type", "path", "actions"].map(|part| format!("{part}-{row}"));
    let (number, preview) = (row + 1, format!("{path}-preview"));
    let chosen = form.text(&kind);
    html! {
        .scope data-scope role="group" aria-label=(format!("Scope {number}")) {
            select name=(kind) aria-label=(format!("Type of scope {number}"))
                aria-invalid=[invalid(wrong, &kind)] aria-describedby=[described(wrong, &kind, &[])] {
                option value="repository" selected[chosen != "registry"] { "Repository" }
                option value="registry" selected[chosen == "registry"] { "Registry (list)" }
            }
            input type="text" name=(path) value=(form.text(&path)) autocomplete="off" data-path
                autofocus[asks_for_more(form) && number == count(form)]
                placeholder=(example) aria-label=(format!("Path of scope {number}"))
                aria-invalid=[invalid(wrong, &path)] aria-describedby=[described(wrong, &path, &[&preview])];
            .actions {
                @for (action, label) in ACTIONS {
                    label {
                        input type="checkbox" name=(format!("{action}-{row}")) value=(action) data-action=(action)
                            checked[form.has(&format!("{action}-{row}"))]
                            aria-invalid=[invalid(wrong, &actions)] aria-describedby=[described(wrong, &actions, &[])];
                        (label)
                    }
                }
            }
            p.hint id=(preview) data-preview aria-live="polite" {}
            @for field in [&kind, &path, &actions] { (told(wrong, field)) }
        }
    }
}

/// The names that a path is previewed among.
pub(super) struct Previewed {
    names: Vec<String>,
    /// The only one whose repositories a path can name.
    namespace: Option<NamespaceName>,
    /// Whether there are others, so that nothing is said of all.
    has_more: bool,
}

impl Previewed {
    /// The first of `names`, as many as a page has room for.
    fn of(
        names: impl IntoIterator<Item = String>,
        namespace: Option<&NamespaceName>,
        mut has_more: bool,
    ) -> Self {
        let mut bytes = 0;
        let fits = |name: &String| {
            // With its quotes and a comma.
            bytes += name.len() + 3;
            let fits = bytes <= MAX_PREVIEWED_BYTES;
            has_more |= !fits;
            fits
        };
        let names = names.into_iter().take_while(fits).collect();
        Self { names, namespace: namespace.cloned(), has_more }
    }
}

/// What the script finds the matches of a path in. Data, not a script: no browser runs it.
pub(super) fn preview(known: &Previewed) -> Markup {
    let json = serde_json::to_string(&known.names).unwrap_or_else(|_| "[]".to_owned());
    // `</script>` in a name would end the block; no name may hold one, and this does not rest on it.
    let inert = json.replace('<', "\\u003c");
    html! {
        script type="application/json" id="repositories" data-more[known.has_more]
            data-namespace=[known.namespace.as_ref()] { (PreEscaped(inert)) }
    }
}

/// Names for the preview: what the visitor may see of the namespace, or of all.
pub(super) async fn previewed(
    app: &App,
    visitor: &Visitor,
    namespace: Option<&NamespaceName>,
) -> Result<Previewed, ConsoleError> {
    let grant = visitor.may(app, ListRepositories { namespace: namespace.cloned() }).await?;
    let page = app.registry().list_repositories(&grant, "", PREVIEWED).await?;
    let names = page.items.into_iter().map(|repository| repository.name.to_string());
    Ok(Previewed::of(names, namespace, page.next.is_some()))
}

/// What a row says; `None` where nobody touched it.
pub(super) fn read_row(form: &Form, row: usize) -> Option<ScopeInput> {
    let text = |part: &str| form.text(&format!("{part}-{row}")).to_owned();
    let ticked =
        ACTIONS.into_iter().rev().map(|(action, _)| text(action)).filter(|action| !action.is_empty());
    let mut actions: Vec<_> = ticked.collect();
    let (kind, path) = (text("type"), Some(text("path")).filter(|path| !path.is_empty()));
    if kind == "registry" {
        // Its only action needs no box.
        actions.insert(0, "list".to_owned());
    } else if path.is_none() && actions.is_empty() {
        return None;
    }
    let kind = if kind.is_empty() { "repository".to_owned() } else { kind };
    Some(ScopeInput { kind, path, actions })
}

/// What was chosen for a new token. Service tokens are scoped, all of them.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) access: PersonalAccess,
    pub(super) scopes: Scopes,
    /// What is to be told along with the token.
    pub(super) warnings: Vec<Warning>,
}

/// What the form says that the token may do.
pub(super) fn read_permission(form: &Form, place: &Place, wrong: &mut Wrong) -> Option<Chosen> {
    let rows: Vec<_> = (0..count(form)).filter_map(|row| Some((row, read_row(form, row)?))).collect();
    let scoped = |(scopes, warnings)| Chosen { access: PersonalAccess::Scoped, scopes, warnings };
    let short = |scopes| scoped((scopes, Vec::new()));
    let chosen = match form.text("permission") {
        "custom" => return read_rows(rows, place.namespace_name(), wrong).map(scoped),
        // A service token has no user whose rights it could have.
        "account" if place.is_personal() => {
            Chosen { access: PersonalAccess::Account, ..short(Scopes::default()) }
        }
        "pull" => short(Permission::Pull.into()),
        "pull-push" => short(Permission::PullPush.into()),
        _ => {
            wrong.add("permission", "choose what the token may do");
            return None;
        }
    };
    // Whoever filled in a path meant less than every repository.
    if !rows.is_empty() {
        wrong.add("permission", "choose Custom for the scopes below, or empty them");
        return None;
    }
    Some(chosen)
}

fn read_rows(
    rows: Vec<(usize, ScopeInput)>,
    namespace: Option<&NamespaceName>,
    wrong: &mut Wrong,
) -> Option<(Scopes, Vec<Warning>)> {
    let (numbers, inputs): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let read = Scopes::parse(&inputs, namespace);
    read.map_err(|errors| errors.into_iter().for_each(|error| add_of_row(error, &numbers, wrong))).ok()
}

/// An error of the `scopes[2].path` that the rules speak of, beside the field of its row.
fn add_of_row(error: FieldError, numbers: &[usize], wrong: &mut Wrong) {
    let place = error.field.strip_prefix("scopes[").and_then(|rest| rest.split_once("]."));
    let field = place.and_then(|(index, part)| {
        let row = numbers.get(index.parse::<usize>().ok()?)?;
        Some(format!("{part}-{row}"))
    });
    wrong.add(field.as_deref().unwrap_or("scopes"), error.message);
}

/// The names of the fields that are shown here.
pub(super) fn field_names(form: &Form) -> Vec<String> {
    let of_row = |row| ["type", "path", "actions"].map(|part| format!("{part}-{row}"));
    std::iter::once("scopes".to_owned()).chain((0..count(form)).flat_map(of_row)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<String, Vec<String>> {
        let acme = Place::Namespace(NamespaceName::parse("acme").unwrap());
        read_at(&acme, fields).map(|chosen| chosen.scopes.to_string())
    }

    fn read_at(place: &Place, fields: &[(&str, &str)]) -> Result<Chosen, Vec<String>> {
        let mut wrong = Wrong::default();
        let read = read_permission(&Form::of(fields), place, &mut wrong);
        read.ok_or_else(|| wrong.beyond(&[]).map(|error| error.field.clone()).collect())
    }

    #[test]
    fn rows_become_scopes_and_untouched_ones_nothing() {
        for (fields, expect) in [
            (&[("permission", "pull")][..], "pull on every repository"),
            (
                &[("permission", "pull-push"), ("rows", "2"), ("type-0", "repository")],
                "pull and push on every repository",
            ),
            (&[("permission", "custom"), ("rows", "2")], "nothing"),
            (
                &[
                    ("permission", "custom"),
                    ("rows", "3"),
                    ("type-0", "repository"),
                    ("type-1", "repository"),
                    ("path-1", "acme/*"),
                    ("pull-1", "pull"),
                    ("push-1", "push"),
                    ("type-2", "registry"),
                ],
                "pull and push on acme/*; list repositories",
            ),
        ] {
            assert_eq!(read(fields).as_deref(), Ok(expect), "{fields:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_beside_its_row() {
        for (fields, expect) in [
            (
                &[("permission", "custom"), ("rows", "2"), ("path-1", "other/*"), ("push-1", "push")][..],
                &["path-1", "actions-1"][..],
            ),
            (&[("permission", "custom"), ("path-0", "acme/*")], &["actions-0"]),
            (&[("permission", "custom"), ("type-0", "organization"), ("pull-0", "pull")], &["type-0"]),
            (&[("permission", "custom"), ("type-0", "registry"), ("path-0", "acme/*")], &["path-0"]),
            (&[("permission", "custom"), ("type-0", "registry"), ("pull-0", "pull")], &["actions-0"]),
            (&[("permission", "pull"), ("path-0", "acme/web")], &["permission"]),
            (&[("permission", "everything")], &["permission"]),
            // Forged: a service token mirrors nobody.
            (&[("permission", "account")], &["permission"]),
            (&[], &["permission"]),
        ] {
            assert_eq!(read(fields).unwrap_err(), expect, "{fields:?}");
        }
    }

    #[test]
    fn only_a_personal_token_mirrors_its_user() {
        let account = [("permission", "account")];
        let ann = Place::person("ann").unwrap();
        let chosen = read_at(&ann, &account).unwrap();
        assert_eq!((chosen.access, chosen.scopes), (PersonalAccess::Account, Scopes::default()));
        assert_eq!(read_at(&ann, &[("permission", "pull")]).unwrap().access, PersonalAccess::Scoped);
        assert_eq!(read_at(&Place::Instance, &account).unwrap_err(), ["permission"]);
    }

    #[test]
    fn nobody_makes_more_rows_than_a_token_has_scopes() {
        for (rows, expect) in
            [("", 2), ("0", 1), ("-1", 2), ("99", 100), ("100", 100), ("1000000000000", 100)]
        {
            assert_eq!(count(&Form::of(&[("rows", rows), ("more", "yes")])), expect, "{rows}");
        }
    }

    #[test]
    fn a_name_can_t_end_the_block_that_it_stands_in() {
        let drawn = preview(&Previewed::of(["</script><b>".to_owned()], None, false)).into_string();
        assert!(drawn.contains(r#"["\u003c/script>\u003cb>"]"#), "{drawn}");
    }

    #[test]
    fn names_take_no_more_of_a_page_than_there_is_room_for_and_the_block_says_so() {
        let long = |count| (0..count).map(|number| format!("{number:0>255}"));
        for (count, has_more, kept, says_more) in [
            (63, false, 63, false),
            (64, false, 63, true),
            (200, true, 63, true),
            (3, true, 3, true),
            (0, false, 0, false),
        ] {
            let known = Previewed::of(long(count), None, has_more);
            let drawn = preview(&known).into_string();
            assert_eq!((known.names.len(), known.has_more), (kept, says_more), "{count} names");
            assert!(drawn.len() < MAX_PREVIEWED_BYTES + 100, "{} bytes", drawn.len());
            assert_eq!(drawn.contains("data-more"), says_more, "{count} names");
        }
    }
}
