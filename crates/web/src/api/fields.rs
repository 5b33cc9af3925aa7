//! Collecting what is wrong with the fields of one request, so that all of it is told at once.

use access::field_error::FieldError;

use super::problem::Problem;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(super) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Adds a field and the rule that it breaks.
    pub(super) fn add(&mut self, field: impl Into<String>, message: impl std::fmt::Display) {
        self.extend(vec![FieldError::new(field, message)]);
    }

    /// Adds several at once. About a field that was wrong before, nothing more is said: it counts as absent by now,
    /// and that would be no news.
    pub(super) fn extend(&mut self, errors: Vec<FieldError>) {
        let told: Vec<String> = self.0.iter().map(|error| top(&error.field).to_owned()).collect();
        self.0
            .extend(errors.into_iter().filter(|error| !told.iter().any(|field| field == top(&error.field))));
    }

    /// The value, or nothing after adding why `field` is wrong.
    pub(super) fn check<T, E: std::fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error)).ok()
    }

    /// The value of a field that has to be there, or nothing after adding that it is `missing` or why it is wrong.
    pub(super) fn need<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        text: Option<&str>,
        missing: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match text {
            Some(text) => self.check(field, parse(text)),
            None => {
                self.add(field, missing);
                None
            }
        }
    }

    /// How many fields are wrong.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Refuses if anything is wrong.
    pub(super) fn refuse_any(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::from(self)) }
    }

    /// The errors in the order in which they were found.
    pub(super) fn into_vec(self) -> Vec<FieldError> {
        self.0
    }
}

impl From<FieldErrors> for Problem {
    fn from(errors: FieldErrors) -> Self {
        Problem::invalid(errors.into_vec())
    }
}

/// The field of the body that a path such as `scopes[2].path` begins with.
fn top(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_field_that_was_wrong_before_is_not_called_absent_on_top() {
        let mut errors = FieldErrors::default();
        errors
            .extend(vec![FieldError::new("scopes[0].path", "one"), FieldError::new("scopes[1].path", "two")]);
        errors.add("scopes", "missing");
        errors.add("name", "missing");
        let fields: Vec<_> = errors.into_vec().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["scopes[0].path", "scopes[1].path", "name"]);
    }

    #[test]
    fn anything_wrong_refuses() {
        assert!(FieldErrors::default().refuse_any().is_ok());
        let mut errors = FieldErrors::default();
        assert_eq!(errors.check::<u8, _>("a", Err("b")), None);
        assert!(errors.refuse_any().is_err());
    }
}
