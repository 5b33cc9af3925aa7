//! What comes out of a statement: one row, read by position. A value of another type is corruption, never a guess.

use access::time::Instant;
use rusqlite::types::ValueRef;
use tokio_postgres::types::{FromSql, Type};

use super::DbError;

/// One row of an answer. Columns are counted from 0; one that does not exist, or holds another type than the
/// one asked for, is [`DbError::Corrupt`] naming it. No message holds the value.
pub struct Row<'a>(RowOf<'a>);

enum RowOf<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    pub(super) fn sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self(RowOf::Sqlite(row))
    }

    pub(super) fn postgres(row: &'a tokio_postgres::Row) -> Self {
        Self(RowOf::Postgres(row))
    }

    /// TEXT, where it may be null.
    pub fn opt_text(&self, index: usize) -> Result<Option<String>, DbError> {
        Ok(self.opt_str(index)?.map(str::to_owned))
    }

    /// TEXT.
    pub fn text(&self, index: usize) -> Result<String, DbError> {
        self.opt_text(index)?.ok_or_else(|| self.corrupt(index, "TEXT"))
    }

    /// BIGINT, where it may be null.
    pub fn opt_int(&self, index: usize) -> Result<Option<i64>, DbError> {
        match self.0 {
            RowOf::Sqlite(row) => match row.get_ref(index) {
                Ok(ValueRef::Null) => Ok(None),
                Ok(ValueRef::Integer(number)) => Ok(Some(number)),
                _ => Err(self.corrupt(index, "BIGINT")),
            },
            RowOf::Postgres(row) => self.postgres_value(row, index, &Type::INT8, "BIGINT"),
        }
    }

    /// BIGINT.
    pub fn int(&self, index: usize) -> Result<i64, DbError> {
        self.opt_int(index)?.ok_or_else(|| self.corrupt(index, "BIGINT"))
    }

    /// BLOB, where it may be null.
    pub fn opt_blob(&self, index: usize) -> Result<Option<Vec<u8>>, DbError> {
        match self.0 {
            RowOf::Sqlite(row) => match row.get_ref(index) {
                Ok(ValueRef::Null) => Ok(None),
                Ok(ValueRef::Blob(bytes)) => Ok(Some(bytes.to_vec())),
                _ => Err(self.corrupt(index, "BLOB")),
            },
            RowOf::Postgres(row) => self.postgres_value(row, index, &Type::BYTEA, "BLOB"),
        }
    }

    /// BLOB.
    pub fn blob(&self, index: usize) -> Result<Vec<u8>, DbError> {
        self.opt_blob(index)?.ok_or_else(|| self.corrupt(index, "BLOB"))
    }

    /// A BIGINT that is 0 or 1.
    pub fn bool(&self, index: usize) -> Result<bool, DbError> {
        match self.int(index)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(index, "0 or 1")),
        }
    }

    /// A BIGINT of milliseconds UTC, where it may be null.
    pub fn opt_instant(&self, index: usize) -> Result<Option<Instant>, DbError> {
        Ok(self.opt_int(index)?.map(Instant::from_millis))
    }

    /// A BIGINT of milliseconds UTC.
    pub fn instant(&self, index: usize) -> Result<Instant, DbError> {
        self.int(index).map(Instant::from_millis)
    }

    /// TEXT through the parser of its type, such as `row.parsed(0, TokenId::parse)`. What the parser refuses
    /// is corrupt: it was written by the same type.
    pub fn parsed<T, E>(&self, index: usize, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, DbError> {
        self.opt_parsed(index, parse)?.ok_or_else(|| self.corrupt(index, "TEXT"))
    }

    /// [`Row::parsed`] where it may be null.
    pub fn opt_parsed<T, E>(
        &self,
        index: usize,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, DbError> {
        let parsed = self.opt_str(index)?.map(parse).transpose();
        parsed.map_err(|_| self.corrupt(index, std::any::type_name::<T>()))
    }

    fn opt_str(&self, index: usize) -> Result<Option<&'a str>, DbError> {
        match self.0 {
            RowOf::Sqlite(row) => match row.get_ref(index) {
                Ok(ValueRef::Null) => Ok(None),
                Ok(ValueRef::Text(bytes)) => {
                    std::str::from_utf8(bytes).map(Some).map_err(|_| self.corrupt(index, "UTF-8"))
                }
                _ => Err(self.corrupt(index, "TEXT")),
            },
            RowOf::Postgres(row) => self.postgres_value(row, index, &Type::TEXT, "TEXT"),
        }
    }

    /// The column's own type must be `ty`: the driver would also take others (NAME for TEXT, say), which SQLite
    /// does not have.
    fn postgres_value<T: FromSql<'a>>(
        &self,
        row: &'a tokio_postgres::Row,
        index: usize,
        ty: &Type,
        expected: &str,
    ) -> Result<Option<T>, DbError> {
        let is_of_type = row.columns().get(index).is_some_and(|column| column.type_() == ty);
        let value = if is_of_type { row.try_get(index).ok() } else { None };
        value.ok_or_else(|| self.corrupt(index, expected))
    }

    fn corrupt(&self, index: usize, expected: &str) -> DbError {
        let name = match self.0 {
            RowOf::Sqlite(row) => row.as_ref().column_name(index).ok(),
            RowOf::Postgres(row) => row.columns().get(index).map(|column| column.name()),
        };
        DbError::Corrupt(format!("column {index} ({}) does not hold {expected}", name.unwrap_or("absent")))
    }
}
