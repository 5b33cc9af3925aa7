//! The use of tokens (rule 10), as batches bring it: never a write per request.

use std::net::IpAddr;

use access::{
    id::{SecretId, TokenId},
    time::Instant,
};

use crate::{
    db::{DbError, Param, Query, Tx},
    params,
};

/// What one secret was used for since the last batch.
#[derive(Debug, Clone)]
pub struct Use {
    /// The token.
    pub token: TokenId,
    /// Which of its secrets.
    pub secret: SecretId,
    /// When last.
    pub at: Instant,
    /// From which address last, if it was known.
    pub from: Option<IpAddr>,
    /// By which client last.
    pub by: String,
    /// The day, counted from 1970-01-01 in UTC.
    pub day: i64,
    /// Manifests pulled.
    pub pulls: i64,
    /// Manifests pushed.
    pub pushes: i64,
}

const TOKEN_COUNTS: &str = "UPDATE tokens SET pulls = pulls + $2, pushes = pushes + $3 WHERE id = $1";
const TOKEN_LAST: &str = "UPDATE tokens SET last_used_at = $2, last_used_from = $3, last_used_by = $4 \
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
const SECRET_LAST: &str = "UPDATE token_secrets SET last_used_at = $2, last_used_from = $3, last_used_by = $4 \
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
const DAY: &str = "INSERT INTO token_activity (token_id, day, pulls, pushes) \
    SELECT t.id, $2, $3, $4 FROM tokens t WHERE t.id = $1 \
    ON CONFLICT (token_id, day) DO UPDATE SET pulls = token_activity.pulls + excluded.pulls, \
    pushes = token_activity.pushes + excluded.pushes";

/// Adds a use to what is known. Replicas may bring theirs in any order: counts add up, the latest use stays.
pub async fn add(tx: &Tx, used: &Use) -> Result<(), DbError> {
    tx.execute(TOKEN_COUNTS, params![used.token, used.pulls, used.pushes]).await?;
    let from = used.from.map(|from| from.to_string()).unwrap_or_default();
    let (from, by) = (from.as_str(), used.by.as_str());
    tx.execute(TOKEN_LAST, params![used.token, used.at, from, by]).await?;
    tx.execute(SECRET_LAST, params![used.secret, used.at, from, by]).await?;
    if used.pulls + used.pushes > 0 {
        tx.execute(DAY, params![used.token, used.day, used.pulls, used.pushes]).await?;
    }
    Ok(())
}

/// How often a token was used on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayOfUse {
    /// The day, counted from 1970-01-01 in UTC.
    pub day: i64,
    /// Manifests pulled.
    pub pulls: i64,
    /// Manifests pushed.
    pub pushes: i64,
}

const SINCE: &str =
    "SELECT day, pulls, pushes FROM token_activity WHERE token_id = $1 AND day >= $2 ORDER BY day";

/// The days since `day` on which the token pulled or pushed, the oldest first.
pub async fn since(q: &impl Query, token: TokenId, day: i64) -> Result<Vec<DayOfUse>, DbError> {
    q.list(SINCE, params![token, day], |row| {
        Ok(DayOfUse { day: row.int(0)?, pulls: row.int(1)?, pushes: row.int(2)? })
    })
    .await
}

/// How many tokens one statement of [`since_of_several`] is about.
const TOKENS_AT_ONCE: usize = 25;
const SINCE_OF_SEVERAL: &str = "SELECT token_id, day, pulls, pushes FROM token_activity WHERE token_id IN ( \
    $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26) \
    AND day >= $1 ORDER BY token_id, day";

/// The same of several tokens, each with its id.
pub async fn since_of_several(
    q: &impl Query,
    tokens: &[TokenId],
    day: i64,
) -> Result<Vec<(TokenId, DayOfUse)>, DbError> {
    let mut found = Vec::new();
    for some in tokens.chunks(TOKENS_AT_ONCE) {
        let mut params = vec![Param::from(day)];
        params.extend(some.iter().map(|token| Param::from(*token)));
        params.resize(TOKENS_AT_ONCE + 1, "".into()); // No token has an empty id.
        found.extend(
            q.list(SINCE_OF_SEVERAL, &params, |row| {
                let used = DayOfUse { day: row.int(1)?, pulls: row.int(2)?, pushes: row.int(3)? };
                Ok((row.parsed(0, TokenId::parse)?, used))
            })
            .await?,
        );
    }
    Ok(found)
}
