//! What can go wrong, in words that hold for both engines. No message holds a parameter: what the engines say
//! about values (PostgreSQL's DETAIL, the texts of its data exceptions) is left out.

use std::error::Error;

use rusqlite::ffi;
use tokio_postgres::types::WrongType;

/// Why the database did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// It can't be reached, or went away before a commit was asked for: nothing of the transaction took effect.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// It went away as it was to commit: whether the transaction took effect is unknown.
    #[error("the database went away in a commit, which may have taken effect: {0}")]
    CommitUnknown(String),
    /// It is there, but the turn did not come in time.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A row was expected and there is none.
    #[error("there is no such row")]
    NoRow,
    /// A constraint refused the write.
    #[error("the {constraint} constraint on {on} refused the row")]
    Conflict {
        /// Which kind.
        constraint: Constraint,
        /// The index or columns in the engine's own words: for the log, not for decisions.
        on: String,
    },
    /// Two transactions got in each other's way; doing this one again may well succeed. See [`super::retried`].
    #[error("the transaction got in another's way")]
    Serialization,
    /// No room on the database's disk.
    #[error("the database's disk is full; free some space there")]
    Full,
    /// What was read can't have been written by this program.
    #[error("the database holds what it should not: {0}")]
    Corrupt(String),
    /// A newer release changed the schema in a way that this one can't live with (DESIGN §5, 10).
    #[error(
        "the database is for schema {oldest_binary} or newer and this sealock knows schema {binary}; \
         start the newer sealock that upgraded it, or restore a backup made before the upgrade"
    )]
    TooNew {
        /// The lowest schema number that a binary must know to run on this database.
        oldest_binary: i64,
        /// The schema number that this binary knows.
        binary: i64,
    },
    /// The schema is older than what this binary works on.
    #[error(
        "the database has schema {schema} and this sealock works on schema {binary}; start `sealock serve` of this \
         version on it once, which upgrades it"
    )]
    TooOld {
        /// The schema number of the database.
        schema: i64,
        /// The schema number that this binary knows.
        binary: i64,
    },
    /// A mistake in the program or the schema.
    #[error("the database refused: {0}")]
    Other(String),
}

/// Kinds of constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// There is such a row already.
    Unique,
    /// A row that this one points at is absent, or one that is pointed at was to go.
    ForeignKey,
    /// The row breaks a rule of its table.
    Check,
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique",
            Self::ForeignKey => "foreign key",
            Self::Check => "check",
        })
    }
}

impl DbError {
    /// Whether the same transaction, done again from its beginning, may succeed. A lost connection is not
    /// among them: its commit may have taken effect.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Serialization)
    }

    /// What the same failure means in a commit: the request was sent, and its answer is what is missing.
    pub(super) fn in_a_commit(self) -> Self {
        match self {
            Self::Unavailable(reason) => Self::CommitUnknown(reason),
            error => error,
        }
    }

    /// Whether a constraint of this kind refused the write.
    pub fn is_conflict(&self, kind: Constraint) -> bool {
        matches!(self, Self::Conflict { constraint, .. } if *constraint == kind)
    }
}

/// Whether SQLite could not open a database because there is no room for the index of its log, which it lays out anew
/// then. To be asked of that alone: in a commit this comes after the log was written, so the commit is in doubt. Of other
/// writes without room it says SQLITE_FULL.
pub(super) fn has_no_room_to_open(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|failure| {
        matches!(failure.extended_code, ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMOPEN)
    })
}

/// What SQLite said about a statement.
pub(super) fn of_sqlite(error: &rusqlite::Error, sql: &str) -> DbError {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (failure.extended_code, message.clone().unwrap_or_else(|| failure.to_string()))
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, msg.clone()),
        other => return DbError::Other(format!("{other}: {sql}")),
    };
    let on = || message.split_once("failed: ").map_or(message.clone(), |(_, columns)| columns.to_owned());
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
            DbError::Conflict { constraint: Constraint::Unique, on: on() }
        }
        ffi::SQLITE_CONSTRAINT_CHECK => DbError::Conflict { constraint: Constraint::Check, on: on() },
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
            DbError::Conflict { constraint: Constraint::ForeignKey, on: "its table".into() }
        }
        // ON DELETE RESTRICT is a trigger inside SQLite and answers as one.
        ffi::SQLITE_CONSTRAINT_TRIGGER if message.contains("FOREIGN KEY") => {
            DbError::Conflict { constraint: Constraint::ForeignKey, on: "its table".into() }
        }
        ffi::SQLITE_BUSY_SNAPSHOT => DbError::Serialization,
        _ => match code & 0xff {
            ffi::SQLITE_FULL => DbError::Full,
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => DbError::Busy("another process is writing".into()),
            ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => DbError::Corrupt(message),
            // Also of a file system that became read-only, as ext4 does when its disk fails.
            ffi::SQLITE_CANTOPEN | ffi::SQLITE_IOERR | ffi::SQLITE_READONLY => DbError::Unavailable(message),
            _ => DbError::Other(format!("{message}: {sql}")),
        },
    }
}

/// What an operator can do about TLS that does not come about.
const TLS_WAY_OUT: &str = "?sslmode=disable, prefer or require in the database's URL says whether TLS is spoken; \
                           where it is, this system must trust the server's certificate";

/// What PostgreSQL, or the way to it, said about a statement.
pub(super) fn of_postgres(error: &tokio_postgres::Error, sql: &str) -> DbError {
    let Some(said) = error.as_db_error() else {
        let message = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        return match error.source() {
            Some(source) if source.is::<WrongType>() => DbError::Other(format!("{message}: {sql}")),
            _ if message.contains("TLS") => DbError::Unavailable(format!("{message} ({TLS_WAY_OUT})")),
            _ => DbError::Unavailable(message),
        };
    };
    let on = || said.constraint().or(said.table()).unwrap_or("its table").to_owned();
    let message = || format!("{} (SQLSTATE {})", said.message(), said.code().code());
    // Codes of "Appendix A. PostgreSQL Error Codes".
    match said.code().code() {
        "23505" => DbError::Conflict { constraint: Constraint::Unique, on: on() },
        "23503" | "23001" => DbError::Conflict { constraint: Constraint::ForeignKey, on: on() },
        "23514" => DbError::Conflict { constraint: Constraint::Check, on: on() },
        "40001" | "40P01" => DbError::Serialization,
        "53100" => DbError::Full,
        "55P03" | "57014" => DbError::Busy(message()),
        "XX001" | "XX002" => DbError::Corrupt(message()),
        // 25006: after a fail-over the old primary is a read-only standby; 25P03: idle in a transaction too long.
        "25006" | "25P03" => DbError::Unavailable(message()),
        code => match code.get(..2) {
            Some("08" | "28" | "3D" | "53" | "57" | "58") => DbError::Unavailable(message()),
            // A data exception quotes the value; which code it was is all that may be said.
            Some("22") => DbError::Other(format!("SQLSTATE {code}: {sql}")),
            _ => DbError::Other(format!("{}: {sql}", message())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_index_of_the_log_lacks_room_by_names_of_its_own() {
        for (code, is_so) in [
            (ffi::SQLITE_IOERR_SHMSIZE, true),
            (ffi::SQLITE_IOERR_SHMOPEN, true),
            (ffi::SQLITE_IOERR_SHMMAP, false),
            (ffi::SQLITE_IOERR_READ, false),
            (ffi::SQLITE_CANTOPEN, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(has_no_room_to_open(&error), is_so, "{code}");
            // In a commit it means that the log was written, and nothing is certain.
            let committing = of_sqlite(&error, "COMMIT").in_a_commit();
            assert!(matches!(committing, DbError::CommitUnknown(_)), "{code}: {committing:?}");
        }
    }
}
