//! With which credential a token was created, and what one token created.

use access::{id::TokenId, time::Instant};

use super::{StoredToken, read, with_scopes};
use crate::{
    db::{DbError, Query, Row},
    params, scopes,
};

/// The credential that a token was created with, as it was called then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreatedWith {
    /// With a token, which may have ended since.
    Token {
        /// Its id.
        id: TokenId,
        /// What it was called: `token "laptop" of user ann`.
        name: String,
    },
    /// With the password of a user.
    Password,
    /// With a console session of a user.
    Session,
}

const PASSWORD: &str = "password";
const SESSION: &str = "session";

impl CreatedWith {
    pub(super) fn columns(with: Option<&Self>) -> (String, &str) {
        match with {
            None => (String::new(), ""),
            Some(Self::Token { id, name }) => (id.to_string(), name),
            Some(Self::Password) => (String::new(), PASSWORD),
            Some(Self::Session) => (String::new(), SESSION),
        }
    }

    /// `None` where it is unknown: the token is older than the columns.
    pub(super) fn read(row: &Row<'_>, id: usize, words: usize) -> Result<Option<Self>, DbError> {
        if !row.text(id)?.is_empty() {
            return Ok(Some(Self::Token { id: row.parsed(id, TokenId::parse)?, name: row.text(words)? }));
        }
        Ok(match row.text(words)?.as_str() {
            PASSWORD => Some(Self::Password),
            SESSION => Some(Self::Session),
            _ => None,
        })
    }
}

/// What a credential created, and what that created, and so on. UNION ends the recursion even if the ids form a circle.
/// Ended tokens are part of the chain: what they created may live.
macro_rules! created_page {
    () => {
        "t.id IN (WITH RECURSIVE created (id) AS (\
         SELECT c.id FROM tokens c WHERE c.created_with_id = $1 AND c.created_with_id <> '' \
         UNION SELECT c.id FROM created p JOIN tokens c ON c.created_with_id = p.id WHERE c.created_with_id <> '') \
         SELECT created.id FROM created) \
         AND t.ended_at IS NULL AND t.id > $2 AND (t.expires_at IS NULL OR t.expires_at > $3) ORDER BY t.id LIMIT $4"
    };
}

const PAGE: &str = concat!(select_tokens_where!(), created_page!());
const PAGE_SCOPES: &str = concat!(
    "SELECT sc.token_id, sc.id, sc.type, sc.path, sc.actions FROM token_scopes sc \
     WHERE sc.token_id IN (SELECT t.id FROM tokens t WHERE ",
    created_page!(),
    ") ORDER BY sc.token_id, sc.position"
);

/// The living tokens that the token created, directly or through tokens that it created: the oldest first, at most `limit`
/// behind the id `after`. The creating token need not live, nor be known any more.
pub async fn page_created_by(
    q: &impl Query,
    creator: TokenId,
    after: &str,
    limit: i64,
    now: Instant,
) -> Result<Vec<StoredToken>, DbError> {
    let tokens = q.list(PAGE, params![creator, after, now, limit], read).await?;
    let scopes = q.list(PAGE_SCOPES, params![creator, after, now, limit], scopes::read_row).await?;
    Ok(with_scopes(tokens, scopes))
}
