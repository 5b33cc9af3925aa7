//! Mount: a blob of another repository becomes one of this, without its bytes going over the wire (OCI distribution
//! 1.1, "Mounting a blob from another repository").

use access::{bearer::Access, operation::Need, role::Action, time::Instant};
use oci::{Digest, RepositoryName};
use storage::{
    db::{Query, Tx, retried},
    links,
};

use crate::{
    Registry, authorize::Refusal, content::ContentError, grant::Grant, list_repositories::seen_by,
    upload::StartUpload,
};

/// How many repositories that hold a blob are looked at, where the client names none. Beyond it the client uploads,
/// which costs it time and nothing else.
const MAX_SOURCES: u32 = 64;

impl Registry {
    /// Links the blob in the grant's repository where the caller may pull it from somewhere: from `from`, or, where
    /// that is absent, from any repository. False where it may not or there is no such blob, which it is not told
    /// apart: the client then uploads.
    pub async fn mount_blob(
        &self,
        grant: &Grant<StartUpload>,
        digest: &Digest,
        from: Option<&RepositoryName>,
        now: Instant,
    ) -> Result<bool, ContentError> {
        let sources = match from {
            Some(from) => vec![from.clone()],
            None => self.sources(grant, digest).await?,
        };
        for source in &sources {
            if self.mount_from(grant, digest, source, now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the blob may be, as far as the caller's credential reaches. A bearer names its repositories, so nothing
    /// else needs a look; the token endpoint bounds how many.
    async fn sources(
        &self,
        grant: &Grant<StartUpload>,
        digest: &Digest,
    ) -> Result<Vec<RepositoryName>, ContentError> {
        match &grant.bearer {
            Access::Only(access) => Ok(access.repositories().map(|(name, _)| name.clone()).collect()),
            Access::Unlimited => {
                let which = seen_by(grant.principal())?;
                Ok(links::holders(&self.db, digest, which, i64::from(MAX_SOURCES)).await?)
            }
        }
    }

    /// One transaction: the right to pull from the source, its blob, the right to push, the link.
    async fn mount_from(
        &self,
        grant: &Grant<StartUpload>,
        digest: &Digest,
        source: &RepositoryName,
        now: Instant,
    ) -> Result<bool, ContentError> {
        // Most candidates fall out here, without a transaction: on SQLite there is one at a time.
        if !has_for(&self.db, grant, digest, source, now).await? {
            return Ok(false);
        }
        retried(|| async {
            let tx = self.db.begin().await?;
            if !has_for(&tx, grant, digest, source, now).await? {
                return Ok(false);
            }
            self.link_mounted(&tx, grant, digest, source, now).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn link_mounted(
        &self,
        tx: &Tx,
        grant: &Grant<StartUpload>,
        digest: &Digest,
        source: &RepositoryName,
        now: Instant,
    ) -> Result<(), ContentError> {
        let repository = &grant.ask.repository;
        let rights = grant.still_holds(tx, now).await?;
        let namespace = self.ensure_namespace(tx, grant, &rights, repository, now).await?;
        let id = self.ensure_repository(tx, grant, namespace, repository, now).await?;
        links::link(tx, id, digest, now).await?;
        let mut record = grant.record("blob.mounted", format!("{repository}@{digest}"));
        record.namespace_id = namespace.to_string();
        // Whoever reads this namespace's audit may not know what there is in another.
        if source.namespace() == repository.namespace() {
            record.after = serde_json::json!({ "from": source.as_str() }).to_string();
        }
        Ok(self.write_history(tx, &record, now).await?)
    }
}

/// Whether the grant's holder may pull from `source`, by their rights and by their bearer, and the blob is there.
async fn has_for(
    q: &impl Query,
    grant: &Grant<StartUpload>,
    digest: &Digest,
    source: &RepositoryName,
    now: Instant,
) -> Result<bool, ContentError> {
    let rights = match grant.holds_for(q, &Need::repository(source, Action::Pull), now).await {
        Ok(rights) => rights,
        // As if the blob were absent (DESIGN §3.1). A credential that has ended is refused where the push is decided.
        Err(Refusal::Denied(_) | Refusal::Unseen(_) | Refusal::BearerTooNarrow { .. }) => return Ok(false),
        Err(refusal) => return Err(refusal.into()),
    };
    let Some(id) = rights.namespace().and_then(|namespace| namespace.repository) else {
        return Ok(false);
    };
    Ok(links::linked(q, id, digest).await?.is_some())
}
