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
#[derive(Debug, Clone)]
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

fn read_row(row: &Row<'_>) -> Result<(TokenId, StoredScope), DbError> {
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

const OF_NAMES: &str = "SELECT sc.token_id, sc.id, sc.type, sc.path, sc.actions FROM token_scopes sc \
    JOIN tokens t ON t.id = sc.token_id \
    WHERE t.kind = 'service' AND t.ended_at IS NULL AND t.namespace_id = $1 AND t.name >= $2 AND t.name <= $3 \
    ORDER BY sc.token_id, sc.position";

/// The scopes of the living service tokens of one owner whose names lie between two, both included: one page.
pub async fn of_service_tokens(
    q: &impl Query,
    namespace: &str,
    first: &str,
    last: &str,
) -> Result<Vec<(TokenId, StoredScope)>, DbError> {
    q.list(OF_NAMES, params![namespace, first, last], read_row).await
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

const DELETE_ALL: &str = "DELETE FROM token_scopes WHERE token_id = $1";

/// Removes every scope of a token: it then allows nothing.
pub async fn delete_all(tx: &Tx, token: TokenId) -> Result<(), DbError> {
    tx.execute(DELETE_ALL, params![token]).await?;
    Ok(())
}
