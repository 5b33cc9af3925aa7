//! What can go wrong with managing, and how lists are handed out.

use access::field_error::FieldError;
use storage::db::{Constraint, DbError, Transient};

use crate::{authorize::Refusal, passwords::PasswordError, unknown_names::TooManyNames};

/// Why a use case of management did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// The rights, when they were read again.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What was sent breaks a rule; each field with its reason.
    #[error("what was sent breaks a rule")]
    Invalid(Vec<FieldError>),
    /// The name is taken.
    #[error("{0}")]
    NameTaken(String),
    /// What it is about is not there, or not any more.
    #[error("{0}")]
    Absent(String),
    /// Somebody else changed it since it was read (`If-Match`).
    #[error("it was changed since you read it; read it again and repeat the edit")]
    Changed,
    /// The form of the console that the act is tied to was sent before.
    #[error("this form was sent before; open its page again")]
    FormSent,
    /// More secrets of a token live than rule 6 allows.
    #[error("{0}")]
    TooMany(String),
    /// The caller tried too many names before, whose existence the answer would tell.
    #[error(transparent)]
    TooManyNames(#[from] TooManyNames),
    /// Nobody would be left to administer the instance.
    #[error("{0} is the last active administrator; make another one first")]
    LastAdministrator(String),
    /// The namespace holds repositories, and nobody said that they are to go with it.
    #[error(
        "namespace {0} holds repositories; delete them first, or delete it with force=true to remove them with it"
    )]
    HoldsRepositories(String),
    /// The database.
    #[error(transparent)]
    Storage(DbError),
}

impl From<DbError> for ManageError {
    fn from(error: DbError) -> Self {
        Self::Storage(error)
    }
}

impl ManageError {
    /// What was looked up a moment ago and is gone by the time that a row is to point at it: absent, as it would be to
    /// a request that starts now.
    pub(crate) fn or_absent(self, what: &str) -> Self {
        match self {
            Self::Storage(error) if error.is_conflict(Constraint::ForeignKey) => {
                Self::Absent(format!("{what} does not exist any more"))
            }
            other => other,
        }
    }
}

impl From<PasswordError> for ManageError {
    fn from(error: PasswordError) -> Self {
        Self::Refused(error.into())
    }
}

impl Transient for ManageError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_transient(),
            Self::Storage(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// Refuses where somebody else changed a row since the revision that the edit is meant for; `None` is meant for any.
/// The row was raised by one when it was taken: its number is counted back, since the caller's may be the highest there is.
pub(crate) fn check_revision(if_revision: Option<i64>, raised: i64) -> Result<(), ManageError> {
    match if_revision {
        Some(revision) if revision != raised - 1 => Err(ManageError::Changed),
        Some(_) | None => Ok(()),
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The page's items.
    pub items: Vec<T>,
    /// What to ask `after` for the next page; `None` on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` of `items`, which were looked up one further to see whether there are more.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> &str) -> Self {
        let limit = limit as usize;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|last| key(last).to_owned());
        Self { items, next }
    }
}
