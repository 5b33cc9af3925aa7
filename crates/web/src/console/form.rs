//! Forms that a page sent (`application/x-www-form-urlencoded`), and what is wrong with their fields.

use access::field_error::FieldError;
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use registry::{Holder, ManageError};

use super::{error::ConsoleError, visitor::Seen};
use crate::{
    app::App,
    body::{BodyRefused, read_to_end},
    query::Query,
    request,
};

/// The largest form of a user who is logged in, in bytes: a hundred scopes with paths of 255 characters, escaped.
const MAX_FORM_BYTES: usize = 256 * 1024;
/// The largest form of a caller who is not known, in bytes: the login, with the page to come back to.
const MAX_ANONYMOUS_FORM_BYTES: usize = 8 * 1024;

/// The hidden field with the revision that a form was filled in from: an edit that came between is told, and not undone.
pub(super) const REVISION: &str = "revision";

/// A form. It may hold a password, so it can't be printed.
pub(super) struct Form(Query);

impl FromRequest<App> for Form {
    type Rejection = ConsoleError;

    /// A handler that takes a `Visitor` before the form has the caller known by then; only such a caller sends a long form.
    async fn from_request(request: Request, app: &App) -> Result<Self, ConsoleError> {
        let malformed = |reason: &str| ConsoleError::Malformed(reason.to_owned());
        let (parts, mut body) = request.into_parts();
        let address = request::origin(&parts).address;
        let (holder, limit) = match parts.extensions.get::<Seen>().and_then(Seen::viewer) {
            Some(viewer) => (Holder::user(viewer.username.as_str(), address), MAX_FORM_BYTES),
            None => (Holder::anonymous(address), MAX_ANONYMOUS_FORM_BYTES),
        };
        let held = app.registry().memory().reservation(holder);
        let form = read_to_end(&mut body, limit, held).await.map_err(unread)?;
        let text = std::str::from_utf8(&form.bytes).map_err(|_| malformed("the form is not UTF-8"))?;
        let form = Query::parse(text).map_err(ConsoleError::Malformed)?;
        // NUL never passes the door (DESIGN §4).
        if text.contains("%00") || text.contains('\0') {
            return Err(malformed("the form holds a NUL"));
        }
        Ok(Self(form))
    }
}

fn unread(error: BodyRefused) -> ConsoleError {
    match error {
        BodyRefused::TooLarge { .. } => ConsoleError::TooLong(error.to_string()),
        BodyRefused::Stalled => ConsoleError::TooSlow(error.to_string()),
        BodyRefused::Broken(_) => ConsoleError::Malformed(error.to_string()),
        BodyRefused::MemoryFull(error) => ConsoleError::MemoryFull(error),
    }
}

impl Form {
    /// A form with nothing in it: what a page begins with.
    pub(super) fn empty() -> Self {
        Self::of(&[])
    }

    /// A form with these fields filled in already.
    pub(super) fn of(fields: &[(&str, &str)]) -> Self {
        Self(Query::of_pairs(fields))
    }

    /// What was typed into a field, without white space around it; empty where the field is absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.as_typed(name).trim()
    }

    /// What was typed into a field, as it stands: for passwords.
    pub(super) fn as_typed(&self, name: &str) -> &str {
        self.0.one(name).unwrap_or_default()
    }

    /// Whether a box was ticked, or a button of that name pressed.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.one(name).is_some()
    }

    /// The revision that it was filled in from, or nothing after adding that it says none.
    pub(super) fn revision(&self, wrong: &mut Wrong) -> Option<i64> {
        wrong.check(REVISION, self.text(REVISION).parse().map_err(|_| "this form does not say what it edits"))
    }

    /// The fields as parameters, for what an address says too.
    pub(super) fn query(&self) -> &Query {
        &self.0
    }

    /// Every value of a field that may be there several times.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.all(name)
    }
}

/// What is wrong with a form: shown beside its field, and what belongs to none above the form. A field has one message,
/// which says everything that is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Wrong(Vec<FieldError>);

impl From<Vec<FieldError>> for Wrong {
    fn from(errors: Vec<FieldError>) -> Self {
        let mut wrong = Self::default();
        for error in errors {
            wrong.add(&error.field, error.message);
        }
        wrong
    }
}

impl Wrong {
    /// Adds a field and the rule that it breaks.
    pub(super) fn add(&mut self, field: &str, message: impl std::fmt::Display) {
        match self.0.iter_mut().find(|error| error.field == field) {
            Some(error) => error.message = format!("{}; {message}", error.message),
            None => self.0.push(FieldError::new(field, message)),
        }
    }

    /// The value, or nothing after adding why `field` is wrong.
    pub(super) fn check<T, E: std::fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error)).ok()
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field, if anything is.
    pub(super) fn with(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// What is wrong with none of these fields: to be told above the form.
    pub(super) fn beyond<'a>(&'a self, fields: &'a [&str]) -> impl Iterator<Item = &'a FieldError> {
        self.0.iter().filter(|error| !fields.contains(&error.field.as_str()))
    }
}

/// What a form's page shows of an error that its sender can mend; `taken` is the field of a name that is taken.
pub(super) fn refused(error: ManageError, taken: &str) -> Result<(StatusCode, Wrong), ConsoleError> {
    match error {
        ManageError::Invalid(errors) => Ok((StatusCode::UNPROCESSABLE_ENTITY, errors.into())),
        ManageError::NameTaken(message) => {
            Ok((StatusCode::CONFLICT, vec![FieldError::new(taken, message)].into()))
        }
        ManageError::Changed => Ok((StatusCode::CONFLICT, vec![FieldError::new(REVISION, error)].into())),
        ManageError::TooMany(_) => Ok((StatusCode::CONFLICT, vec![FieldError::new("", error)].into())),
        error => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_number_or_the_form_is_told_to_say_none() {
        for (typed, expect) in [("7", Some(7)), ("", None), ("x", None), ("99999999999999999999", None)] {
            let mut wrong = Wrong::default();
            assert_eq!(Form::of(&[(REVISION, typed)]).revision(&mut wrong), expect, "{typed}");
            assert_eq!(wrong.with(REVISION).is_some(), expect.is_none(), "{typed}");
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_field_is_told_beside_it() {
        let mut wrong: Wrong =
            vec![FieldError::new("name", "too long"), FieldError::new("", "changed")].into();
        wrong.add("name", "has a space");
        assert_eq!(wrong.with("name"), Some("too long; has a space"));
        assert_eq!(wrong.with("other"), None);
        assert_eq!(wrong.beyond(&["name"]).count(), 1);
    }
}
