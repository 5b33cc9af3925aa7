//! What goes into a statement: TEXT, BIGINT and BLOB, and their nulls. Nothing else, so that both engines agree.

use std::borrow::Cow;

use access::{
    id::{
        AuditId, ManifestId, NamespaceId, RepositoryId, ScopeId, SecretId, SessionId, StoreId, TeamId,
        TokenId, UploadId, UserId,
    },
    time::Instant,
};
use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{IsNull, ToSql, Type, WrongType};

use super::DbError;

/// One parameter. A null has its type too: PostgreSQL wants to know it.
///
/// It has no `Debug`, for it may hold a hash or a key.
#[derive(Clone)]
pub enum Param<'a> {
    /// TEXT, without NUL.
    Text(Cow<'a, str>),
    /// BIGINT.
    Int(i64),
    /// BLOB, BYTEA on PostgreSQL.
    Blob(Cow<'a, [u8]>),
    /// A null where TEXT is expected.
    NullText,
    /// A null where BIGINT is expected.
    NullInt,
    /// A null where BLOB is expected.
    NullBlob,
}

/// Refuses what only one engine would take.
pub(super) fn check(sql: &'static str, params: &[Param<'_>]) -> Result<(), DbError> {
    // PostgreSQL has no NUL in TEXT. It never passes the door (DESIGN §4); if it does, both engines refuse it.
    let has_nul = |param: &Param<'_>| matches!(param, Param::Text(text) if text.contains('\0'));
    match params.iter().position(has_nul) {
        Some(index) => Err(DbError::Other(format!("parameter ${} holds NUL: {sql}", index + 1))),
        None => Ok(()),
    }
}

impl Param<'_> {
    /// The same value, holding on to nothing.
    pub(super) fn into_owned(self) -> Param<'static> {
        match self {
            Self::Text(text) => Param::Text(Cow::Owned(text.into_owned())),
            Self::Int(number) => Param::Int(number),
            Self::Blob(bytes) => Param::Blob(Cow::Owned(bytes.into_owned())),
            Self::NullText => Param::NullText,
            Self::NullInt => Param::NullInt,
            Self::NullBlob => Param::NullBlob,
        }
    }
}

/// A type whose absence is a null of a known SQL type.
pub trait Nullable {
    /// What `None` becomes.
    const NULL: Param<'static>;
}

impl<'a, T: Into<Param<'a>> + Nullable> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(T::NULL, Into::into)
    }
}

macro_rules! params_from {
    ($($type:ty, $null:ident, $value:ident => $param:expr;)+) => {$(
        impl<'a> From<$type> for Param<'a> {
            fn from($value: $type) -> Self {
                $param
            }
        }
        impl<'a> Nullable for $type {
            const NULL: Param<'static> = Param::$null;
        }
    )+};
}

params_from! {
    &'a str, NullText, text => Param::Text(Cow::Borrowed(text));
    &'a String, NullText, text => Param::Text(Cow::Borrowed(text));
    String, NullText, text => Param::Text(Cow::Owned(text));
    i64, NullInt, number => Param::Int(number);
    bool, NullInt, fact => Param::Int(i64::from(fact));
    Instant, NullInt, at => Param::Int(at.as_millis());
    &'a [u8], NullBlob, bytes => Param::Blob(Cow::Borrowed(bytes));
    Vec<u8>, NullBlob, bytes => Param::Blob(Cow::Owned(bytes));
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Param::Blob(Cow::Borrowed(bytes))
    }
}

impl<const N: usize> Nullable for &[u8; N] {
    const NULL: Param<'static> = Param::NullBlob;
}

macro_rules! params_from_ids {
    ($($id:ident),+ $(,)?) => { params_from! {$(
        $id, NullText, id => Param::Text(Cow::Owned(id.to_string()));
        &$id, NullText, id => Param::Text(Cow::Owned(id.to_string()));
    )+} };
}

params_from_ids!(
    AuditId,
    ManifestId,
    NamespaceId,
    RepositoryId,
    ScopeId,
    SecretId,
    StoreId,
    TeamId,
    TokenId,
    SessionId,
    UploadId,
    UserId
);

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::NullText | Self::NullInt | Self::NullBlob => ValueRef::Null,
        }))
    }
}

type AnyError = Box<dyn std::error::Error + Sync + Send>;

/// PostgreSQL writes parameters in the type that it inferred, so a parameter of another type is refused here.
impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
        match self {
            Self::Text(text) => text.as_ref().to_sql(ty, out),
            Self::Int(number) => number.to_sql(ty, out),
            Self::Blob(bytes) => bytes.as_ref().to_sql(ty, out),
            Self::NullText | Self::NullInt | Self::NullBlob => Ok(IsNull::Yes),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::TEXT, Type::INT8, Type::BYTEA].contains(ty)
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, AnyError> {
        let own = match self {
            Self::Text(_) | Self::NullText => Type::TEXT,
            Self::Int(_) | Self::NullInt => Type::INT8,
            Self::Blob(_) | Self::NullBlob => Type::BYTEA,
        };
        if *ty == own { self.to_sql(ty, out) } else { Err(Box::new(WrongType::new::<Self>(ty.clone()))) }
    }
}

/// What the driver may print of a parameter: nothing.
impl std::fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Param(…)")
    }
}
