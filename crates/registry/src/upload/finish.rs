//! PUT: the last chunk, the digest, and a blob of what was uploaded.

use access::time::{Clock, Instant};
use futures_util::StreamExt;
use oci::Digest;
use storage::{
    blobs::{BlobError, Finished, State},
    uploads,
};

use super::{
    Announced, FinishUpload, UploadBody,
    append::MAX_BLOB_BYTES,
    claim::{Held, IsDone, session_key},
};
use crate::{Registry, content::ContentError, grant::Grant};

impl Registry {
    /// Adds the last chunk, if there is one, checks the digest, and links the blob in the repository. A wrong
    /// digest ends the session and leaves nothing behind. A request that is repeated because its answer was lost succeeds for
    /// an hour, as long as the blob is still there.
    pub async fn finish_upload(
        &self,
        grant: &Grant<FinishUpload>,
        digest: &Digest,
        body: Option<UploadBody<'_>>,
        clock: &dyn Clock,
    ) -> Result<(), ContentError> {
        let announced = body.as_ref().map(|body| body.announced);
        let held = match self.hold_to_finish(grant, announced, clock.now()).await {
            Err(ContentError::UploadUnknown) if self.became(grant, digest, clock.now()).await? => {
                return read_to_its_end(body).await;
            }
            held => held?,
        };
        let state = match body {
            None => held.claimed.state.clone(),
            Some(body) => match self.append(&held, body).await {
                Ok(state) => state,
                Err(error) => {
                    self.acknowledge(&held, &held.claimed.state, IsDone::Yes).await?;
                    return Err(error);
                }
            },
        };
        let finished = self.finish(&held, &state, digest).await?;
        self.link(grant, &grant.ask.repository, digest, finished, Some(&held), clock.now()).await
    }

    async fn hold_to_finish(
        &self,
        grant: &Grant<FinishUpload>,
        announced: Option<Announced>,
        now: Instant,
    ) -> Result<Held, ContentError> {
        if let Some(announced) = announced {
            self.check_announced(grant, announced, now).await?;
        }
        self.claim(grant, now).await
    }

    /// Whether this principal's session became this blob before.
    async fn became(
        &self,
        grant: &Grant<FinishUpload>,
        digest: &Digest,
        now: Instant,
    ) -> Result<bool, ContentError> {
        let principal = grant.principal_key();
        Ok(uploads::became(&self.db, session_key(grant, &principal)?, digest, now).await?)
    }

    /// Makes a blob of the upload. Where its bytes have another digest, the session ends.
    async fn finish(&self, held: &Held, state: &State, digest: &Digest) -> Result<Finished, ContentError> {
        match self.blobs.finish(state, digest).await {
            Ok(finished) => Ok(finished),
            Err(error @ BlobError::DigestMismatch { .. }) => {
                // The row first: a session whose bytes are gone would promise what it does not have.
                self.end_upload(held).await?;
                if self.is_left(held.id, state).await? {
                    self.abort(state).await;
                }
                Err(error.into())
            }
            Err(error) => {
                // The bytes may lie where a blob's do: only a take-over looks there, so the claim stays open for one.
                self.acknowledge(held, &held.claimed.state, IsDone::No).await?;
                Err(error.into())
            }
        }
    }
}

/// Reads what a client sends once more and keeps nothing of it: an answer before the end of a body breaks the connections
/// of some clients.
async fn read_to_its_end(body: Option<UploadBody<'_>>) -> Result<(), ContentError> {
    let Some(UploadBody { mut bytes, .. }) = body else { return Ok(()) };
    let mut left = MAX_BLOB_BYTES;
    while let Some(piece) = bytes.next().await {
        let length = piece.map_err(BlobError::Body)?.len() as u64;
        left = left.checked_sub(length).ok_or(BlobError::TooLarge { limit: MAX_BLOB_BYTES })?;
    }
    Ok(())
}
