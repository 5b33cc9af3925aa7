//! The fields that the forms of a token share: shown, and read by the same rules as the API's.

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::{Expiry, ExpiryError, ExpiryInput},
    field_error::FieldError,
    name::{Description, InvalidText, ServiceName, TokenLabel, Username},
    time::Instant,
};
use maud::{Markup, html};
use registry::{Act, StandsFor};

use super::wording::StatusWords;
use crate::console::{
    form::{Form, Wrong},
    parts::Field,
};

/// The fields that are shown here with what is wrong with them.
pub(super) const SHARED: [&str; 7] =
    ["description", "whom", "whom_name", "expiry", "permission", "status", "addresses"];

/// How many days a token lives that nobody chose an expiry for.
pub(super) const FIRST_DAYS: &str = "90";

/// One of several that exclude each other.
pub(super) fn radio(form: &Form, name: &str, value: &str, label: &str) -> Markup {
    html! {
        label { input type="radio" name=(name) value=(value) checked[form.text(name) == value]; (label) }
    }
}

/// What is wrong with a field, below it.
pub(super) fn told(wrong: &Wrong, field: &str) -> Markup {
    html! { @if let Some(message) = wrong.with(field) { p.wrong id=(format!("{field}-wrong")) { (message) } } }
}

/// `aria-invalid` of a field that something is wrong with.
pub(super) fn invalid(wrong: &Wrong, field: &str) -> Option<&'static str> {
    wrong.with(field).map(|_| "true")
}

/// `aria-describedby` of a field: the ids of what always stands beside it, and of what is wrong with it, if anything is.
pub(super) fn described(wrong: &Wrong, field: &str, always: &[&str]) -> Option<String> {
    let told = wrong.with(field).map(|_| format!("{field}-wrong"));
    let ids: Vec<_> = always.iter().copied().chain(told.as_deref()).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// A text of several lines.
fn area(form: &Form, wrong: &Wrong, name: &str, label: &str, hint: &str) -> Markup {
    let hint_id = format!("{name}-hint");
    html! {
        .field {
            label for=(name) { (label) }
            textarea id=(name) name=(name) rows="3" aria-invalid=[invalid(wrong, name)]
                aria-describedby=[described(wrong, name, &[&hint_id])] {
                // A first line break is the parser's own (WHATWG HTML §13.2.6.4.7), so it is given one.
                "\n" (form.text(name))
            }
            p.hint id=(hint_id) { (hint) }
            (told(wrong, name))
        }
    }
}

/// What a personal token is told from others by: Docker Trusted Registry calls it its description.
pub(super) fn label() -> Field<'static> {
    Field::text("name", "Description").required().hint(
        "What you tell it from your other tokens by, such as laptop. 1 to 100 characters; it may change.",
    )
}

/// Reads it, with its rule in the words of this form where the rule's are the API's.
pub(super) fn parse_label(text: &str) -> Result<TokenLabel, InvalidText> {
    let rule =
        "a description is 1 to 100 characters on one line, without control characters or invisible ones";
    TokenLabel::parse(text).map_err(|error| error.with_rule(rule))
}

/// What the token is for, in free words.
pub(super) fn description(form: &Form, wrong: &Wrong) -> Markup {
    area(form, wrong, "description", "Description (optional)", "What it is for. At most 1,000 characters.")
}

/// The description that was typed.
pub(super) fn read_description(form: &Form, wrong: &mut Wrong) -> Option<Option<Description>> {
    wrong.check("description", Description::parse(form.text("description")))
}

/// From where the token may be used.
pub(super) fn addresses(form: &Form, wrong: &Wrong) -> Markup {
    let hint = "IP addresses and networks such as 10.1.0.0/16, one per line. Empty: from anywhere.";
    area(form, wrong, "addresses", "Allowed addresses (optional)", hint)
}

/// The addresses that were typed.
pub(super) fn read_addresses(form: &Form, wrong: &mut Wrong) -> Option<AllowedAddresses> {
    let lines = form.text("addresses").lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.collect();
    let all = |errors: Vec<FieldError>| {
        errors.iter().map(|error| with_its_line(error, &lines)).collect::<Vec<_>>().join("; ")
    };
    wrong.check("addresses", AllowedAddresses::parse(&lines).map_err(all))
}

/// What is wrong with `allowed_addresses[2]`, said of what stands in that line: there may be many.
fn with_its_line(FieldError { field, message }: &FieldError, lines: &[&str]) -> String {
    let index = field.strip_prefix("allowed_addresses[").and_then(|rest| rest.strip_suffix(']'));
    match index.and_then(|index| lines.get(index.parse::<usize>().ok()?)) {
        Some(line) => format!("{line:?}: {message}"),
        None => message.clone(),
    }
}

/// Whom the token is for.
pub(super) fn whom(form: &Form, wrong: &Wrong) -> Markup {
    html! {
        fieldset {
            legend { "For whom" }
            .choice { (radio(form, "whom", "nobody", "Nobody in particular")) }
            .choice { (radio(form, "whom", "user", "A person")) }
            .choice { (radio(form, "whom", "service", "A service")) }
            (told(wrong, "whom"))
            .field {
                label for="whom_name" { "Name of the person or the service" }
                input type="text" id="whom_name" name="whom_name" autocomplete="off" value=(form.text("whom_name"))
                    aria-invalid=[invalid(wrong, "whom_name")]
                    aria-describedby=[described(wrong, "whom_name", &["whom_name-hint"])];
                p.hint id="whom_name-hint" { "A username, or a service in your own words. Lists and the audit show it." }
                (told(wrong, "whom_name"))
            }
        }
    }
}

/// Whom it was said to be for.
pub(super) fn read_whom(form: &Form, wrong: &mut Wrong) -> Option<Option<StandsFor>> {
    let name = form.text("whom_name");
    match form.text("whom") {
        "" | "nobody" if name.is_empty() => Some(None),
        "" | "nobody" => {
            wrong.add("whom", "say whether this name is a person's or a service's, or empty it");
            None
        }
        "user" => wrong
            .check("whom_name", Username::parse(name))
            .map(|name| Some(StandsFor::User(name.to_string()))),
        "service" => wrong
            .check("whom_name", ServiceName::parse(name))
            .map(|name| Some(StandsFor::Service(name.to_string()))),
        other => {
            wrong.add("whom", format!("a token is for nobody, a user or a service, not for {other:?}"));
            None
        }
    }
}

/// When the token expires. `kept` is the expiry that it has, where it may stay as it is.
pub(super) fn expiry(form: &Form, wrong: &Wrong, kept: Option<&Markup>, words: &StatusWords) -> Markup {
    html! {
        fieldset {
            legend { "Expiry" }
            @if let Some(kept) = kept {
                .choice {
                    label {
                        input type="radio" name="expiry" value="keep" checked[form.text("expiry") == "keep"];
                        "As it is: " (kept)
                    }
                }
            }
            .choice {
                (radio(form, "expiry", "days", "Set number of days"))
                input type="number" name="days" min="1" step="1" value=(form.text("days")) aria-label="Number of days"
                    aria-describedby=[described(wrong, "expiry", &[])];
            }
            .choice {
                (radio(form, "expiry", "date", "Expire on"))
                input type="date" name="date" value=(form.text("date")) aria-label="Date of expiry"
                    aria-describedby=[described(wrong, "expiry", &[])];
                p.hint { "It ends as that day begins, in UTC." }
            }
            .choice { (radio(form, "expiry", "never", "Never expires")) }
            (told(wrong, "expiry"))
            p.hint { "An expired token is deleted, not " (words.done(Act::Disable)) "." }
        }
    }
}

/// The expiry that was chosen; `Some(None)` is to keep what is there. `first_days` stand in a new form before anybody has
/// typed there.
pub(super) fn read_expiry(
    form: &Form,
    first_days: &str,
    now: Instant,
    wrong: &mut Wrong,
) -> Option<Option<Expiry>> {
    let chosen = match form.text("expiry") {
        "keep" => Ok(None),
        "never" => Ok(Some(Expiry::Never)),
        "days" => in_days(form.text("days"), now).map(Some),
        "date" => on_date(form.text("date"), now).map(Some),
        _ => Err("choose a number of days, a date, or never".to_owned()),
    };
    wrong.check("expiry", not_beside(form, first_days).and(chosen))
}

/// Whoever filled in a day or a number of days beside another choice meant that, and would have a token that lives longer
/// or shorter.
fn not_beside(form: &Form, first_days: &str) -> Result<(), String> {
    let is_typed = |name: &str| !["", first_days].contains(&form.text(name));
    for (name, choice) in [("days", "Set number of days"), ("date", "Expire on")] {
        if is_typed(name) && form.text("expiry") != name {
            return Err(format!("choose {choice} for {}, or empty that field", form.text(name)));
        }
    }
    Ok(())
}

fn in_days(text: &str, now: Instant) -> Result<Expiry, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err("the number of days is a whole number, such as 30".to_owned());
    }
    parsed(ExpiryInput { expires_in: Some(&format!("{text}d")), ..ExpiryInput::default() }, now)
}

fn on_date(text: &str, now: Instant) -> Result<Expiry, String> {
    let midnight = format!("{text}T00:00:00Z");
    if Instant::parse_rfc3339(&midnight).is_none() {
        return Err("the date is year, month and day, such as 2027-01-31".to_owned());
    }
    parsed(ExpiryInput { expires_at: Some(Some(&midnight)), ..ExpiryInput::default() }, now)
}

/// By rule 2, with the words of this form where the rule's are the API's.
fn parsed(input: ExpiryInput<'_>, now: Instant) -> Result<Expiry, String> {
    match Expiry::parse(input, now) {
        Ok(expiry) => Ok(expiry.unwrap_or(Expiry::Never)),
        Err(ExpiryError::TooLate) => {
            Err("an expiry is in the year 9999 at the latest; choose Never expires for none".to_owned())
        }
        Err(ExpiryError::NotALength) => {
            Err("that is more days than there can be; choose Never expires".to_owned())
        }
        Err(ExpiryError::TooSoon { .. }) => {
            Err("an expiry is at least 1 hour ahead; choose a later one".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the token works.
pub(super) fn status(form: &Form, words: &StatusWords) -> Markup {
    let (disabled, enabled) = (words.disabled.to_lowercase(), words.done(Act::Enable));
    html! {
        fieldset {
            legend { "Status" }
            .choice {
                label {
                    input type="checkbox" name="status" value="enabled" checked[form.text("status") == "enabled"];
                    (words.enabled)
                }
                p.hint { "A token that is " (disabled) " works nowhere until it is " (enabled) "." }
            }
        }
    }
}

/// Whether it was said to work: a box that is not ticked is not sent.
pub(super) fn read_status(form: &Form) -> bool {
    form.text("status") == "enabled"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use access::time::Length;

    use super::*;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);

    fn chosen(fields: &[(&str, &str)]) -> Result<Option<Expiry>, String> {
        let mut wrong = Wrong::default();
        let read = read_expiry(&Form::of(fields), FIRST_DAYS, NOW, &mut wrong);
        read.ok_or_else(|| wrong.with("expiry").unwrap().to_owned())
    }

    #[test]
    fn an_expiry_is_chosen_in_one_of_four_ways() {
        let in_30 = Expiry::At(NOW.plus(Length::days(30)));
        let on = Expiry::At(Instant::parse_rfc3339("2030-01-31T00:00:00Z").unwrap());
        for (fields, expect) in [
            (&[("expiry", "keep"), ("days", "")][..], None),
            (&[("expiry", "never"), ("days", FIRST_DAYS)], Some(Expiry::Never)),
            (&[("expiry", "days"), ("days", " 30 ")], Some(in_30)),
            (&[("expiry", "date"), ("date", "2030-01-31"), ("days", FIRST_DAYS)], Some(on)),
        ] {
            assert_eq!(chosen(fields), Ok(expect), "{fields:?}");
        }
    }

    #[test]
    fn an_expiry_that_can_t_be_meant_is_told_in_the_words_of_the_form() {
        for (fields, says) in [
            (&[][..], "choose"),
            (&[("expiry", "soon")], "choose"),
            (
                &[("expiry", "days"), ("days", FIRST_DAYS), ("date", "2030-01-31")],
                "choose Expire on for 2030-01-31",
            ),
            (&[("expiry", "keep"), ("date", "2030-01-31")], "choose Expire on for 2030-01-31"),
            (&[("expiry", "keep"), ("days", "30")], "choose Set number of days for 30"),
            (&[("expiry", "never"), ("days", "x")], "choose Set number of days for x"),
            (&[("expiry", "days"), ("days", "")], "whole number"),
            (&[("expiry", "days"), ("days", "-1")], "whole number"),
            (&[("expiry", "days"), ("days", "1.5")], "whole number"),
            (&[("expiry", "days"), ("days", "0")], "at least 1 hour"),
            (&[("expiry", "days"), ("days", "99999999")], "Never expires"),
            (&[("expiry", "days"), ("days", "99999999999999999999")], "Never expires"),
            (&[("expiry", "date"), ("date", "")], "year, month and day"),
            (&[("expiry", "date"), ("date", "31.01.2030")], "year, month and day"),
            (&[("expiry", "date"), ("date", "2020-01-01")], "at least 1 hour"),
        ] {
            let told = chosen(fields).unwrap_err();
            assert!(told.contains(says), "{fields:?}: {told}");
        }
    }

    #[test]
    fn a_name_without_a_kind_is_not_dropped_in_silence() {
        for (fields, expect) in [
            (&[("whom", "nobody")][..], Ok(None)),
            (&[("whom", "user"), ("whom_name", "anna")], Ok(Some(StandsFor::User("anna".to_owned())))),
            (
                &[("whom", "service"), ("whom_name", "nightly build")],
                Ok(Some(StandsFor::Service("nightly build".to_owned()))),
            ),
            (&[("whom", "nobody"), ("whom_name", "anna")], Err("whom")),
            (&[("whom", "team"), ("whom_name", "anna")], Err("whom")),
            (&[("whom", "user"), ("whom_name", "Anna")], Err("whom_name")),
            (&[("whom", "service")], Err("whom_name")),
        ] {
            let mut wrong = Wrong::default();
            let read = read_whom(&Form::of(fields), &mut wrong);
            match expect {
                Ok(whom) => assert_eq!(read, Some(whom), "{fields:?}"),
                Err(field) => assert!(read.is_none() && wrong.with(field).is_some(), "{fields:?}"),
            }
        }
    }

    #[test]
    fn what_is_wrong_is_among_what_a_reader_hears_of_a_field() {
        let wrong = Wrong::from(vec![FieldError::new("days", "too few")]);
        assert_eq!(described(&wrong, "days", &["days-hint"]).as_deref(), Some("days-hint days-wrong"));
        assert_eq!(described(&wrong, "date", &["date-hint"]).as_deref(), Some("date-hint"));
        assert_eq!(described(&wrong, "date", &[]), None);
        assert_eq!((invalid(&wrong, "days"), invalid(&wrong, "date")), (Some("true"), None));
    }

    #[test]
    fn addresses_stand_one_on_a_line() {
        let mut wrong = Wrong::default();
        let typed = Form::of(&[("addresses", "10.1.0.0/16\r\n\r\n 192.0.2.1 ")]);
        assert_eq!(read_addresses(&typed, &mut wrong).unwrap().to_texts(), ["10.1.0.0/16", "192.0.2.1"]);
        let typed = Form::of(&[("addresses", "10.1.0.0/16\nhere\n\nthere")]);
        assert!(read_addresses(&typed, &mut wrong).is_none());
        let told = wrong.with("addresses").unwrap();
        assert!(
            told.starts_with("\"here\": ") && told.contains("; \"there\": ") && !told.contains("\"10.1"),
            "{told}"
        );
    }
}
