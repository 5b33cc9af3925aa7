//! Many repositories at once: how a principal stands to each, in one statement however many a request names.

use access::{
    id::{NamespaceId, RepositoryId, UserId},
    rights::Namespace,
    role::Role,
};
use oci::{Digest, NamespaceName, RepositoryName};

use crate::{
    db::{DbError, Param, Query, Row},
    params,
};

/// The most repositories of one request.
pub const MAX_TARGETS: usize = 64;

/// The repositories that are asked about, as a table: `$4` and up are the names of namespace and repository by turns.
/// Unused places hold empty names, which no namespace has.
const ASKED: &str = concat!(
    "WITH asked (position, namespace, repository) AS (VALUES ",
    "(CAST(0 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS TEXT)), (1, $6, $7), (2, $8, $9), ",
    "(3, $10, $11), (4, $12, $13), (5, $14, $15), (6, $16, $17), (7, $18, $19), (8, $20, $21), ",
    "(9, $22, $23), (10, $24, $25), (11, $26, $27), (12, $28, $29), (13, $30, $31), (14, $32, $33), ",
    "(15, $34, $35), (16, $36, $37), (17, $38, $39), (18, $40, $41), (19, $42, $43), (20, $44, $45), ",
    "(21, $46, $47), (22, $48, $49), (23, $50, $51), (24, $52, $53), (25, $54, $55), (26, $56, $57), ",
    "(27, $58, $59), (28, $60, $61), (29, $62, $63), (30, $64, $65), (31, $66, $67), (32, $68, $69), ",
    "(33, $70, $71), (34, $72, $73), (35, $74, $75), (36, $76, $77), (37, $78, $79), (38, $80, $81), ",
    "(39, $82, $83), (40, $84, $85), (41, $86, $87), (42, $88, $89), (43, $90, $91), (44, $92, $93), ",
    "(45, $94, $95), (46, $96, $97), (47, $98, $99), (48, $100, $101), (49, $102, $103), ",
    "(50, $104, $105), (51, $106, $107), (52, $108, $109), (53, $110, $111), (54, $112, $113), ",
    "(55, $114, $115), (56, $116, $117), (57, $118, $119), (58, $120, $121), (59, $122, $123), ",
    "(60, $124, $125), (61, $126, $127), (62, $128, $129), (63, $130, $131)",
    ") SELECT asked.position, n.id, n.name, n.visibility, r.id, (SELECT MAX(m.role) FROM (\
     SELECT nu.role FROM namespace_users nu WHERE nu.namespace_id = n.id AND nu.user_id = $1 \
     UNION ALL SELECT nt.role FROM namespace_teams nt JOIN team_users tu ON tu.team_id = nt.team_id \
     WHERE nt.namespace_id = n.id AND tu.user_id = $1) m) \
     FROM asked JOIN namespaces n ON n.name = asked.namespace \
     LEFT JOIN repositories r ON r.name = asked.repository AND r.namespace_id = n.id \
     WHERE (CAST($2 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM repository_blobs l JOIN blobs b ON b.digest = l.digest \
     WHERE l.repository_id = r.id AND l.digest = $3 AND b.damaged_key <> b.key))"
);

/// How the user (if there is one) stands to each of `repositories`, in their order: the repository's namespace, or
/// `None` if there is no such namespace. At most [`MAX_TARGETS`] are read; the rest are `None`.
pub async fn of_repositories(
    q: &impl Query,
    user: Option<UserId>,
    repositories: &[&RepositoryName],
) -> Result<Vec<Option<Namespace>>, DbError> {
    read(q, user, None, repositories).await
}

/// The same, with `None` also for each repository that does not hold the blob, or holds a damaged one.
pub async fn of_holders(
    q: &impl Query,
    user: Option<UserId>,
    digest: &Digest,
    repositories: &[&RepositoryName],
) -> Result<Vec<Option<Namespace>>, DbError> {
    read(q, user, Some(digest), repositories).await
}

async fn read(
    q: &impl Query,
    user: Option<UserId>,
    digest: Option<&Digest>,
    repositories: &[&RepositoryName],
) -> Result<Vec<Option<Namespace>>, DbError> {
    let mut asked = params![
        user.map(|id| id.to_string()).unwrap_or_default(),
        digest.is_some(),
        digest.map(Digest::to_string).unwrap_or_default()
    ]
    .to_vec();
    for place in 0..MAX_TARGETS {
        let repository = repositories.get(place);
        asked.push(Param::from(repository.map_or("", |name| name.namespace())));
        asked.push(Param::from(repository.map_or("", |name| name.as_str())));
    }
    let mut targets = vec![None; repositories.len()];
    for (position, namespace) in q.few(ASKED, &asked, row).await? {
        let place = usize::try_from(position).ok().and_then(|position| targets.get_mut(position));
        if let Some(place) = place {
            *place = Some(namespace);
        }
    }
    Ok(targets)
}

fn row(row: &Row<'_>) -> Result<(i64, Namespace), DbError> {
    let namespace = Namespace {
        id: row.parsed(1, NamespaceId::parse)?,
        name: row.parsed(2, NamespaceName::parse)?,
        is_public: row.text(3)? == "public",
        role: row.opt_int(5)?.and_then(Role::from_rank),
        repository: row.opt_parsed(4, RepositoryId::parse)?,
    };
    Ok((row.int(0)?, namespace))
}
