//! The live facts of rule 7: who a credential is and how it stands to what a request aims at, in one statement.

use access::{
    expiry::Expiry,
    id::{NamespaceId, RepositoryId, SecretId, TokenId, UserId},
    name::Username,
    rights::{Namespace, Owner, PersonalAccess, Principal, Rights, Target, TargetToken, Token, User},
    role::Role,
    scope::{Scope, Scopes},
    secret::SecretHash,
    session::SessionHash,
    time::Instant,
};
use oci::{NamespaceName, RepositoryName};

use crate::{
    db::{DbError, Query, Row},
    params,
};

/// What a request's credential says about who it is, once its form and signature are known to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// No credential.
    Anonymous,
    /// A token's secret, by its hash.
    SecretHash(SecretHash),
    /// A token's secret, by its id: what a bearer carries.
    Secret(SecretId),
    /// A user, as of one generation of their password.
    User {
        /// The user.
        id: UserId,
        /// The generation of the password that was given.
        password_generation: i64,
    },
    /// A session of the console, by the hash of its secret.
    Session(SessionHash),
}

/// What a request aims at.
#[derive(Debug, Clone, Default)]
pub struct Aim<'a> {
    /// A namespace, by name.
    pub namespace: Option<&'a str>,
    /// A repository in that namespace, by its full name.
    pub repository: Option<&'a RepositoryName>,
    /// A token, instead of the two above.
    pub token: Option<TokenId>,
    /// Whether that token may have ended: as long as its tombstone stands, its owner is known.
    pub token_may_have_ended: bool,
}

/// A statement whose first eight columns are the target's and the instance's, in the order that `surroundings` reads,
/// and whose others are the principal's. `$1` is the credential, `$2` to `$4` and `$6` the aim, `$5` the instant, `$7` the
/// key that signed the credential: where that is gone, nobody is found.
macro_rules! rights_statement {
    ($columns:literal, $from:literal, $user:literal, $filter:literal) => {
        concat!(
            "SELECT n.id, n.name, n.visibility, r.id, tt.id, tt.user_id, ",
            "(SELECT MAX(m.role) FROM (",
            "SELECT nu.role FROM namespace_users nu WHERE nu.namespace_id = n.id AND nu.user_id = ",
            $user,
            " UNION ALL SELECT nt.role FROM namespace_teams nt JOIN team_users tu ON tu.team_id = nt.team_id",
            " WHERE nt.namespace_id = n.id AND tu.user_id = ",
            $user,
            ") m), ",
            "(SELECT CAST(1 AS BIGINT) FROM settings se WHERE se.name = 'users_make_namespaces' AND se.value = 'true')",
            $columns,
            " FROM ",
            $from,
            " LEFT JOIN tokens tt ON tt.id = $4 AND (CAST($6 AS BIGINT) = 1",
            " OR (tt.ended_at IS NULL AND (tt.expires_at IS NULL OR tt.expires_at > $5)))",
            " LEFT JOIN namespaces n ON n.id = CASE WHEN CAST($4 AS TEXT) = ''",
            " THEN (SELECT named.id FROM namespaces named WHERE named.name = $2) ELSE tt.namespace_id END",
            " LEFT JOIN repositories r ON r.name = $3 AND r.namespace_id = n.id",
            " WHERE (CAST($7 AS TEXT) = '' OR EXISTS (SELECT 1 FROM signing_keys k WHERE k.kid = $7))",
            $filter
        )
    };
}

/// A token's row, its secret's, its owner's, and one row for each of its scopes.
macro_rules! token_statement {
    ($filter:literal) => {
        rights_statement!(
            ", s.id, CASE WHEN s.is_final = 1 AND s.ended_at > $5 THEN $5 ELSE s.ended_at END, s.why, t.id, t.kind, t.namespace_id, t.name, t.access, t.status, t.expires_at, \
             t.ended_at, t.why, o.name, u.id, u.username, u.is_admin, u.is_active, sc.type, sc.path, sc.actions, \
             CASE WHEN ou.is_active = 0 THEN ou.username END, t.allowed_addresses",
            "token_secrets s JOIN tokens t ON t.id = s.token_id \
             LEFT JOIN namespaces o ON o.id = t.namespace_id \
             LEFT JOIN users ou ON ou.id = o.owner_user_id \
             LEFT JOIN users u ON u.id = t.user_id \
             LEFT JOIN token_scopes sc ON sc.token_id = t.id",
            "u.id",
            $filter
        )
    };
}

const BY_SECRET_HASH: &str = token_statement!(" AND s.hash = $1 ORDER BY sc.position");
const BY_SECRET_ID: &str = token_statement!(" AND s.id = $1 ORDER BY sc.position");
const BY_USER_ID: &str = rights_statement!(
    ", u.id, u.username, u.is_admin, u.is_active, u.password_generation",
    "users u",
    "u.id",
    " AND u.id = $1"
);
const BY_SESSION: &str = rights_statement!(
    ", u.id, u.username, u.is_admin, u.is_active, CASE WHEN u.password_generation = s.password_generation \
     THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END",
    "sessions s JOIN users u ON u.id = s.user_id",
    "u.id",
    " AND s.hash = $1 AND s.expires_at > $5"
);
const ANONYMOUS: &str = rights_statement!("", "(SELECT CAST($1 AS TEXT) AS id) u", "u.id", "");

/// Where the principal's columns begin: behind those of `surroundings`.
const PRINCIPAL: usize = 8;

/// Reads who `who` is now and how that stands to `aim`; `None` where no such credential ever was (or its
/// tombstone is gone), or the key whose id is `signed_by`, as a bearer says, was thrown away. One statement, from the
/// primary database.
pub async fn load(
    q: &impl Query,
    who: &Who,
    signed_by: Option<&str>,
    aim: &Aim<'_>,
    now: Instant,
) -> Result<Option<Rights>, DbError> {
    let signed_by = signed_by.unwrap_or_default();
    let namespace = aim.namespace.unwrap_or("");
    let repository = aim.repository.map_or("", RepositoryName::as_str);
    let token = aim.token.map(|id| id.to_string()).unwrap_or_default();
    let rest = (namespace, repository, token.as_str());
    let ended = aim.token_may_have_ended;
    match who {
        Who::Anonymous => {
            let params = params!["", rest.0, rest.1, rest.2, now, ended, signed_by];
            let found = q.optional(ANONYMOUS, params, surroundings).await?;
            Ok(found.map(|surroundings| surroundings.rights(Principal::Anonymous, aim)))
        }
        Who::User { id, password_generation } => {
            let params = params![*id, rest.0, rest.1, rest.2, now, ended, signed_by];
            let found = q.optional(BY_USER_ID, params, user_row).await?;
            Ok(found.map(|(mut user, generation, surroundings)| {
                user.is_current = generation == *password_generation;
                surroundings.rights(Principal::User(user), aim)
            }))
        }
        Who::Session(hash) => {
            let params = params![hash.as_bytes().as_slice(), rest.0, rest.1, rest.2, now, ended, signed_by];
            let found = q.optional(BY_SESSION, params, user_row).await?;
            Ok(found.map(|(mut user, is_current, surroundings)| {
                user.is_current = is_current == 1;
                surroundings.rights(Principal::User(user), aim)
            }))
        }
        Who::SecretHash(hash) => {
            let params = params![hash.as_bytes().as_slice(), rest.0, rest.1, rest.2, now, ended, signed_by];
            token_rights(q.few(BY_SECRET_HASH, params, token_row).await?, aim)
        }
        Who::Secret(id) => {
            let params = params![*id, rest.0, rest.1, rest.2, now, ended, signed_by];
            token_rights(q.few(BY_SECRET_ID, params, token_row).await?, aim)
        }
    }
}

fn token_rights(rows: Vec<TokenRow>, aim: &Aim<'_>) -> Result<Option<Rights>, DbError> {
    let mut rows = rows.into_iter();
    let Some(TokenRow { mut token, scope, surroundings }) = rows.next() else { return Ok(None) };
    let scopes = scope.into_iter().chain(rows.filter_map(|row| row.scope)).collect();
    token.scopes =
        Scopes::new(scopes).map_err(|_| DbError::Corrupt(format!("the scopes of token {}", token.id)))?;
    Ok(Some(surroundings.rights(Principal::Token(token), aim)))
}

/// What a row says besides who asks.
struct Surroundings {
    namespace: Option<Namespace>,
    token: Option<(TokenId, Option<UserId>)>,
    users_make_namespaces: bool,
}

impl Surroundings {
    fn rights(self, principal: Principal, aim: &Aim<'_>) -> Rights {
        let users_make_namespaces = self.users_make_namespaces;
        Rights { principal, target: self.target(aim), users_make_namespaces }
    }

    fn target(self, aim: &Aim<'_>) -> Target {
        match (aim.token, aim.namespace) {
            (Some(_), _) => Target::Token(self.token.map(|(id, user)| TargetToken {
                id,
                namespace: self.namespace,
                user,
            })),
            (None, Some(_)) => Target::Namespace(self.namespace),
            (None, None) => Target::Nothing,
        }
    }
}

fn surroundings(row: &Row<'_>) -> Result<Surroundings, DbError> {
    let namespace = match row.opt_parsed(0, NamespaceId::parse)? {
        None => None,
        Some(id) => Some(Namespace {
            id,
            name: row.parsed(1, NamespaceName::parse)?,
            is_public: row.text(2)? == "public",
            role: row.opt_int(6)?.and_then(Role::from_rank),
            repository: row.opt_parsed(3, RepositoryId::parse)?,
        }),
    };
    let token = match row.opt_parsed(4, TokenId::parse)? {
        None => None,
        Some(id) if row.text(5)?.is_empty() => Some((id, None)),
        Some(id) => Some((id, Some(row.parsed(5, UserId::parse)?))),
    };
    Ok(Surroundings { namespace, token, users_make_namespaces: row.opt_int(7)?.is_some() })
}

fn user_row(row: &Row<'_>) -> Result<(User, i64, Surroundings), DbError> {
    Ok((user_at(row, PRINCIPAL)?, row.int(PRINCIPAL + 4)?, surroundings(row)?))
}

fn user_at(row: &Row<'_>, first: usize) -> Result<User, DbError> {
    Ok(User {
        id: row.parsed(first, UserId::parse)?,
        username: row.parsed(first + 1, Username::parse)?,
        is_admin: row.bool(first + 2)?,
        is_active: row.bool(first + 3)?,
        is_current: true,
    })
}

struct TokenRow {
    token: Token,
    scope: Option<Scope>,
    surroundings: Surroundings,
}

fn token_row(row: &Row<'_>) -> Result<TokenRow, DbError> {
    let column = |offset: usize| PRINCIPAL + offset;
    let ending = |at: usize, why: usize| -> Result<Option<(Instant, String)>, DbError> {
        row.opt_instant(column(at))?.map(|at| Ok((at, row.text(column(why))?))).transpose()
    };
    let token = Token {
        id: row.parsed(column(3), TokenId::parse)?,
        name: row.text(column(6))?,
        owner: owner_of(row)?,
        is_enabled: row.text(column(8))? == "enabled",
        expiry: row.opt_instant(column(9))?.map_or(Expiry::Never, Expiry::At),
        ended: ending(10, 11)?,
        secret: row.parsed(column(0), SecretId::parse)?,
        secret_ends: ending(1, 2)?,
        scopes: Scopes::default(),
        allowed_addresses: crate::tokens::read_addresses(row, column(21))?,
    };
    let scope = match row.opt_text(column(17))? {
        None => None,
        Some(kind) => Some(crate::scopes::read(&kind, &row.text(column(18))?, &row.text(column(19))?)?),
    };
    Ok(TokenRow { token, scope, surroundings: surroundings(row)? })
}

fn owner_of(row: &Row<'_>) -> Result<Owner, DbError> {
    let column = |offset: usize| PRINCIPAL + offset;
    if row.text(column(4))? == "personal" {
        if row.opt_text(column(13))?.is_none() {
            return Ok(Owner::FormerUser);
        }
        let access = match row.text(column(7))?.as_str() {
            "account" => PersonalAccess::Account,
            _ => PersonalAccess::Scoped,
        };
        return Ok(Owner::User { user: user_at(row, column(13))?, access });
    }
    match row.text(column(5))?.as_str() {
        "" => Ok(Owner::Instance),
        _ => Ok(Owner::Namespace {
            id: row.parsed(column(5), NamespaceId::parse)?,
            name: row.opt_parsed(column(12), NamespaceName::parse)?,
            stopped_with: row.opt_parsed(column(20), Username::parse)?,
        }),
    }
}
