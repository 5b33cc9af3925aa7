//! The secrets of tokens: only their hashes are here.

use access::{
    id::{SecretId, TokenId},
    secret::SecretHash,
    time::Instant,
};

use crate::{
    db::{DbError, Tx},
    params,
};

const INSERT: &str = "INSERT INTO token_secrets (id, token_id, hash, hint, created_at, ended_at, why, \
    last_used_from, last_used_by) VALUES ($1, $2, $3, $4, $5, NULL, '', '', '')";

/// Adds a living secret to a token.
pub async fn insert(
    tx: &Tx,
    id: SecretId,
    token: TokenId,
    hash: &SecretHash,
    hint: &str,
    now: Instant,
) -> Result<(), DbError> {
    tx.execute(INSERT, params![id, token, hash.as_bytes().as_slice(), hint, now]).await?;
    Ok(())
}

const END_LIVING: &str = "UPDATE token_secrets SET ended_at = $2, why = $3 \
    WHERE token_id = $1 AND (ended_at IS NULL OR ended_at > $2)";

/// Ends every living secret of a token at `at`; one that ends earlier by itself keeps its ending (rule 6).
pub async fn end_living_by(tx: &Tx, token: TokenId, at: Instant, why: &str) -> Result<(), DbError> {
    tx.execute(END_LIVING, params![token, at, why]).await?;
    Ok(())
}
