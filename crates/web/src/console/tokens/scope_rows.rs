//! The scope editor: a row each, numbered, so that it works without a script. Rows that nobody touched say nothing.

use access::{
    field_error::FieldError,
    scope::{MAX_SCOPES, Permission, ScopeInput, Scopes, Warning},
};
use maud::{Markup, PreEscaped, html};
use oci::NamespaceName;
use registry::ListRepositories;

use super::fields::{radio, told};
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
/// Names of repositories that the preview of a path knows.
const PREVIEWED: u32 = 200;
/// The actions of a row, in the words of the console.
const ACTIONS: [(&str, &str); 3] = [("delete", "Admin (delete)"), ("push", "Push"), ("pull", "Pull")];

/// What a token may do: a short form, or scopes row by row. `account` is offered for personal tokens alone.
pub(super) fn permission(
    form: &Form,
    wrong: &Wrong,
    is_personal: bool,
    (example, names): (&str, &[String]),
) -> Markup {
    html! {
        fieldset {
            legend { "Permission" }
            @if is_personal {
                .choice {
                    (radio(form, "permission", "account", "Whatever the user may"))
                    p.hint { "At the time of use, as their password does. It can't be narrowed later." }
                }
            }
            .choice {
                (radio(form, "permission", "pull", "Pull"))
                p.hint { "Every repository " (reach(is_personal)) "." }
            }
            .choice { (radio(form, "permission", "pull-push", "Pull & Push")) }
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
            @for row in 0..count(form) { (self::row(form, wrong, row, example)) }
            (preview(names))
            button.small-button name="more" value="yes" formnovalidate { "Add another scope" }
        }
    }
}

fn reach(is_personal: bool) -> &'static str {
    if is_personal { "that the user may pull" } else { "that the token can reach" }
}

/// How many rows the form has, with the one that a press of its button asked for.
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
    let number = row + 1;
    let chosen = form.text(&kind);
    html! {
        .scope data-scope role="group" aria-label=(format!("Scope {number}")) {
            select name=(kind) aria-label=(format!("Type of scope {number}")) {
                option value="repository" selected[chosen != "registry"] { "Repository" }
                option value="registry" selected[chosen == "registry"] { "Registry (list)" }
            }
            input type="text" name=(path) value=(form.text(&path)) autocomplete="off" data-path
                placeholder=(example) aria-label=(format!("Path of scope {number}"))
                aria-invalid=[wrong.with(&path).map(|_| "true")] aria-describedby=(format!("{path}-wrong {path}-preview"));
            .actions {
                @for (action, label) in ACTIONS {
                    label {
                        input type="checkbox" name=(format!("{action}-{row}")) value=(action) data-action=(action)
                            checked[form.has(&format!("{action}-{row}"))];
                        (label)
                    }
                }
            }
            p.hint id=(format!("{path}-preview")) data-preview aria-live="polite" {}
            @for field in [&kind, &path, &actions] { (told(wrong, field)) }
        }
    }
}

/// What the script finds the matches of a path in. Data, not a script: no browser runs it.
pub(super) fn preview(names: &[String]) -> Markup {
    let json = serde_json::to_string(names).unwrap_or_else(|_| "[]".to_owned());
    // `</script>` in a name would end the block; no name may hold one, and this does not rest on it.
    let inert = json.replace('<', "\\u003c");
    html! { script type="application/json" id="repositories" { (PreEscaped(inert)) } }
}

/// Names for the preview: what the visitor may see of the namespace, or of all.
pub(super) async fn names(
    app: &App,
    visitor: &Visitor,
    namespace: Option<&NamespaceName>,
) -> Result<Vec<String>, ConsoleError> {
    let grant = visitor.may(app, ListRepositories { namespace: namespace.cloned() }).await?;
    let page = app.registry().list_repositories(&grant, "", PREVIEWED).await?;
    Ok(page.items.into_iter().map(|repository| repository.name.to_string()).collect())
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

/// The scopes that were chosen, with what is to be told along.
pub(super) fn read_permission(
    form: &Form,
    namespace: Option<&NamespaceName>,
    wrong: &mut Wrong,
) -> Option<(Scopes, Vec<Warning>)> {
    let rows: Vec<_> = (0..count(form)).filter_map(|row| Some((row, read_row(form, row)?))).collect();
    let short = match form.text("permission") {
        "custom" => return read_rows(rows, namespace, wrong),
        "account" => Scopes::default(),
        "pull" => Permission::Pull.into(),
        "pull-push" => Permission::PullPush.into(),
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
    Some((short, Vec::new()))
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
        let acme = NamespaceName::parse("acme").unwrap();
        let mut wrong = Wrong::default();
        let read = read_permission(&Form::of(fields), Some(&acme), &mut wrong);
        let fields = || wrong.beyond(&[]).map(|error| error.field.clone()).collect();
        read.map(|(scopes, _)| scopes.to_string()).ok_or_else(fields)
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
            (&[], &["permission"]),
        ] {
            assert_eq!(read(fields).unwrap_err(), expect, "{fields:?}");
        }
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
        let drawn = preview(&["</script><b>".to_owned()]).into_string();
        assert!(drawn.contains(r#"["\u003c/script>\u003cb>"]"#), "{drawn}");
    }
}
