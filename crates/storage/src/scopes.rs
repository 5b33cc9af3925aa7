//! The scopes of tokens, one row each.

use access::{
    id::{ScopeId, TokenId},
    role::Actions,
    scope::{PathPattern, Scope},
};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A scope as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredScope {
    /// Its id, by which it can be removed.
    pub id: ScopeId,
    /// What it allows.
    pub scope: Scope,
}

/// Turns a row's three columns into a scope again; they were written by `insert`, so anything else is corrupt.
pub(crate) fn read(kind: &str, path: &str, actions: &str) -> Result<Scope, DbError> {
    let scope = match kind {
        "registry" => Some(Scope::Registry),
        _ => PathPattern::parse(path)
            .ok()
            .zip(Actions::parse(actions))
            .map(|(path, actions)| Scope::Repository { path, actions }),
    };
    scope.ok_or_else(|| DbError::Corrupt(format!("a stored scope is not one: {kind} {path} {actions}")))
}

/// The token that a row of its id, the scope's id, type, path and actions is about, and the scope.
pub(crate) fn read_row(row: &Row<'_>) -> Result<(TokenId, StoredScope), DbError> {
    let scope = read(&row.text(2)?, &row.text(3)?, &row.text(4)?)?;
    Ok((row.parsed(0, TokenId::parse)?, StoredScope { id: row.parsed(1, ScopeId::parse)?, scope }))
}

const OF_TOKEN: &str =
    "SELECT token_id, id, type, path, actions FROM token_scopes WHERE token_id = $1 ORDER BY position";

/// The scopes of one token, in the order in which they were given.
pub async fn of_token(q: &impl Query, token: TokenId) -> Result<Vec<StoredScope>, DbError> {
    let rows = q.few(OF_TOKEN, params![token], read_row).await?;
    Ok(rows.into_iter().map(|(_, scope)| scope).collect())
}

const INSERT: &str =
    "INSERT INTO token_scopes (id, token_id, position, type, path, actions) VALUES ($1, $2, $3, $4, $5, $6)";

/// Adds a scope at `position` among the token's scopes.
pub async fn insert(tx: &Tx, token: TokenId, position: i64, scope: &StoredScope) -> Result<(), DbError> {
    let (kind, path, actions) = match &scope.scope {
        Scope::Repository { path, actions } => ("repository", path.to_string(), actions.to_string()),
        Scope::Registry => ("registry", String::new(), "list".to_owned()),
    };
    tx.execute(INSERT, params![scope.id, token, position, kind, path, actions]).await?;
    Ok(())
}

/// Adds the scopes of a token that has none, in their order.
pub async fn insert_all(tx: &Tx, token: TokenId, scopes: &[StoredScope]) -> Result<(), DbError> {
    for (position, scope) in (0..).zip(scopes) {
        insert(tx, token, position, scope).await?;
    }
    Ok(())
}

const NEXT_POSITION: &str =
    "SELECT CAST(COALESCE(MAX(position), -1) + 1 AS BIGINT) FROM token_scopes WHERE token_id = $1";

/// Adds a scope behind the token's others. The token's row has to be taken, so that two additions queue.
pub async fn append(tx: &Tx, token: TokenId, scope: &StoredScope) -> Result<(), DbError> {
    let position = tx.one(NEXT_POSITION, params![token], |row| row.int(0)).await?;
    insert(tx, token, position, scope).await
}

const DELETE: &str = "DELETE FROM token_scopes WHERE token_id = $1 AND id = $2";

/// Removes one scope; false where the token has none with this id.
pub async fn delete(tx: &Tx, token: TokenId, scope: ScopeId) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE, params![token, scope]).await? == 1)
}

const DELETE_ALL: &str = "DELETE FROM token_scopes WHERE token_id = $1";

/// Removes every scope of a token: it then allows nothing.
pub async fn delete_all(tx: &Tx, token: TokenId) -> Result<(), DbError> {
    tx.execute(DELETE_ALL, params![token]).await?;
    Ok(())
}
