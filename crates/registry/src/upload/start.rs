//! POST: an upload session is opened, or a whole blob comes at once and needs none.

use access::{
    id::{NamespaceId, UploadId},
    operation::Operation,
    rights::Rights,
    time::{Clock, Instant},
};
use oci::{Algorithm, Call, Digest, RepositoryName};
use storage::{
    db::{Tx, retried},
    uploads::{self, SessionKey},
};

use super::{SESSION_LIFETIME, UploadBody};
use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
    limits::NoRoom,
};

/// Begin an upload.
#[derive(Debug, Clone)]
pub struct StartUpload {
    /// The repository that the blob is for.
    pub repository: RepositoryName,
}

impl Ask for StartUpload {
    fn operation(&self) -> Operation {
        Operation::Oci(Call::StartUpload { repository: self.repository.clone() })
    }
}

/// A session that was opened.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// Its id, for the Location.
    pub upload: UploadId,
}

impl Registry {
    /// Opens a session. `announced` is the algorithm of the digest to come, where the client named one. The
    /// namespace is made here where an administrator pushes to one that doesn't exist.
    pub async fn start_upload(
        &self,
        grant: &Grant<StartUpload>,
        announced: Option<Algorithm>,
        now: Instant,
    ) -> Result<Started, ContentError> {
        let state = self.blobs.begin(announced).await?;
        let id = UploadId::mint(now, self.random.as_ref());
        let principal = grant.principal_key();
        let repository = &grant.ask.repository;
        let opened = retried(|| async {
            let tx = self.db.begin().await?;
            let rights = grant.still_holds(&tx, now).await?;
            let namespace = self.ensure_namespace(&tx, grant, &rights, repository, now).await?;
            self.check_room_for_upload(&tx, grant, namespace, now).await?;
            let key = SessionKey { id, namespace, repository, principal: &principal };
            uploads::insert(&tx, key, &state, now.plus(SESSION_LIFETIME))
                .await
                .map_err(|error| ContentError::of_first_row(error, repository))?;
            Ok::<_, ContentError>(tx.commit().await?)
        });
        if let Err(error) = opened.await {
            self.abort(&state).await;
            return Err(error);
        }
        Ok(Started { upload: id })
    }

    /// A whole blob in one request: POST with `digest` and a body. The rights are those of the instant at which the
    /// body has come to its end, which may be long after its beginning.
    pub async fn upload_at_once(
        &self,
        grant: &Grant<StartUpload>,
        digest: &Digest,
        body: UploadBody<'_>,
        clock: &dyn Clock,
    ) -> Result<(), ContentError> {
        let begun = self.blobs.begin(Some(digest.algorithm())).await?;
        let state = match self.append_to(&begun, body).await {
            Ok(state) => state,
            Err(error) => {
                self.abort(&begun).await;
                return Err(error);
            }
        };
        let finished = match self.blobs.finish(&state, digest).await {
            Ok(finished) => finished,
            Err(error) => {
                self.abort(&state).await;
                return Err(error.into());
            }
        };
        self.link(grant, &grant.ask.repository, digest, finished, None, clock.now()).await
    }

    /// The namespace of `repository`; made now where the rights allow a push although there is none, which is so
    /// for instance administrators alone.
    pub(crate) async fn ensure_namespace<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        rights: &Rights,
        repository: &RepositoryName,
        now: Instant,
    ) -> Result<NamespaceId, ContentError> {
        if let Some(namespace) = rights.namespace() {
            return Ok(namespace.id);
        }
        let is_full = match self.check_room_for_namespace(tx, grant).await {
            Ok(()) => None,
            Err(NoRoom::Storage(error)) => return Err(error.into()),
            Err(full @ NoRoom::Limit(_)) => Some(full),
        };
        if is_full.is_none()
            && let Some(made) =
                self.insert_namespace(tx, grant, &repository.namespace_name(), false, now).await?
        {
            return Ok(made.id);
        }
        // Clients push layers side by side: another request has made it since the rights were read.
        let made = grant.still_holds(tx, now).await?.namespace().map(|namespace| namespace.id);
        made.ok_or_else(|| {
            is_full.map_or_else(|| ContentError::RepositoryUnknown(repository.clone()), ContentError::from)
        })
    }
}
