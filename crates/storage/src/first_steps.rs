//! How far a new instance has come: facts of the first page that an administrator sees.

use access::id::UserId;

use crate::{
    db::{DbError, Query},
    params,
};

/// What has been done already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSteps {
    /// Whether the user's password is no more the one that their account was made with.
    pub has_changed_password: bool,
    /// The first by name of the namespaces that are nobody's own, if there is any.
    pub namespace: Option<String>,
    /// Whether there is a token, or was one in the last 90 days: a tombstone counts, and its like is swept then.
    pub has_token: bool,
    /// Whether a token has pulled or pushed.
    pub has_used_token: bool,
}

/// One row of each table is enough. The namespace is the first by name, so that both engines lead to the same one.
/// Ending all logins of a user raises the generation as a new password does: whoever did that knows their way.
const TAKEN: &str = "SELECT \
    (SELECT u.password_generation FROM users u WHERE u.id = $1), \
    (SELECT n.name FROM namespaces n WHERE n.owner_user_id = '' ORDER BY n.name LIMIT 1), \
    (SELECT CAST(1 AS BIGINT) FROM tokens LIMIT 1), \
    (SELECT CAST(1 AS BIGINT) FROM token_activity LIMIT 1)";

/// The steps that have been taken, as `user` is to be told.
pub async fn taken(q: &impl Query, user: UserId) -> Result<FirstSteps, DbError> {
    q.one(TAKEN, params![user], |row| {
        Ok(FirstSteps {
            has_changed_password: row.opt_int(0)?.is_some_and(|generation| generation > 1),
            namespace: row.opt_text(1)?,
            has_token: row.opt_int(2)?.is_some(),
            has_used_token: row.opt_int(3)?.is_some(),
        })
    })
    .await
}
