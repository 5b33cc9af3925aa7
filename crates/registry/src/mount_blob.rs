//! Mount: a blob of another repository becomes one of this, without its bytes going over the wire (OCI distribution
//! 1.1, "Mounting a blob from another repository").

use access::{
    bearer::Access,
    operation::Need,
    policy::is_allowed,
    rights::{Owner, PersonalAccess, Principal, Rights, Target, Token, User},
    role::Action,
    time::Instant,
};
use oci::{Digest, RepositoryName};
use storage::{
    db::{Query, Tx, retried},
    links::{self, PullReach},
    targets,
};

use crate::{Registry, authorize::Refusal, content::ContentError, grant::Grant, upload::StartUpload};

impl Registry {
    /// Links the blob in the grant's repository if the caller may pull it from another one: from `from`, or, if that is
    /// absent, from any repository. Returns false if the caller may not or if there is no such blob: the client then
    /// uploads, and cannot tell the two apart.
    ///
    /// A repository out of the caller's reach costs no statement of its own, so that the time does not tell whether it
    /// holds the blob.
    pub async fn mount_blob(
        &self,
        grant: &Grant<StartUpload>,
        digest: &Digest,
        from: Option<&RepositoryName>,
        now: Instant,
    ) -> Result<bool, ContentError> {
        let source = match (from, &grant.bearer) {
            (Some(from), _) => self.holder_among(grant, digest, &[from], now).await?,
            // A bearer token names its repositories; no other needs a look.
            (None, Access::Only(access)) => {
                let named: Vec<_> = access.repositories().map(|(name, _)| name).collect();
                self.holder_among(grant, digest, &named, now).await?
            }
            (None, Access::Unlimited) => {
                links::pullable_holder(&self.db, digest, pull_reach(grant.principal())?).await?
            }
        };
        match source {
            Some(source) => self.mount_from(grant, digest, &source, now).await,
            None => Ok(false),
        }
    }

    /// The first of `named` that holds the blob and from which the caller may pull; the rest of more than 64 are passed
    /// over, which costs the client an upload.
    async fn holder_among(
        &self,
        grant: &Grant<StartUpload>,
        digest: &Digest,
        named: &[&RepositoryName],
        now: Instant,
    ) -> Result<Option<RepositoryName>, ContentError> {
        let principal = grant.principal();
        let user = principal.user().map(|user| user.id);
        let holders = targets::of_holders(&self.db, user, digest, named).await?;
        for (repository, namespace) in named.iter().zip(holders) {
            if namespace.is_none() {
                continue;
            }
            let target = Target::Namespace(namespace);
            let rights = Rights { principal: principal.clone(), target, users_make_namespaces: false };
            let need = Need::repository(repository, Action::Pull);
            let decide = || is_allowed(&need, &rights, &grant.bearer, grant.origin.address, now);
            if self.long_decisions.take_turn(decide).await {
                return Ok(Some((*repository).clone()));
            }
        }
        Ok(None)
    }

    /// One transaction: the right to pull from the source, its blob, the right to push, the link.
    async fn mount_from(
        &self,
        grant: &Grant<StartUpload>,
        digest: &Digest,
        source: &RepositoryName,
        now: Instant,
    ) -> Result<bool, ContentError> {
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

/// Where the principal may pull (rule 4), for the statement that looks for a holder.
fn pull_reach(principal: &Principal) -> Result<PullReach, Refusal> {
    let of_user = |user: &User| match user.is_admin {
        true => PullReach { is_everywhere: true, ..PullReach::default() },
        false => PullReach { user: Some(user.id), ..PullReach::default() },
    };
    match principal {
        // The gate lets neither come this far.
        Principal::Anonymous | Principal::Token(Token { owner: Owner::FormerUser, .. }) => {
            Err(Refusal::SignIn { scope: None })
        }
        Principal::User(user) => Ok(of_user(user)),
        Principal::Token(token) => {
            let scopes_of = Some(token.id);
            Ok(match &token.owner {
                Owner::Namespace { id, .. } => {
                    PullReach { namespace: Some(*id), scopes_of, ..PullReach::default() }
                }
                Owner::User { user, access: PersonalAccess::Account } => of_user(user),
                Owner::User { user, access: PersonalAccess::Scoped } => {
                    PullReach { scopes_of, ..of_user(user) }
                }
                Owner::Instance | Owner::FormerUser => {
                    PullReach { is_everywhere: true, scopes_of, ..PullReach::default() }
                }
            })
        }
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
