//! PUT: the last chunk, the digest, and a blob of what was uploaded.

use access::time::Clock;
use oci::Digest;
use storage::blobs::{BlobError, Finished, State};

use super::{
    FinishUpload, UploadBody,
    claim::{Held, IsDone},
};
use crate::{Registry, content::ContentError, grant::Grant};

impl Registry {
    /// Adds the last chunk, if there is one, checks the digest, and links the blob in the repository. A wrong
    /// digest ends the session and leaves nothing behind.
    pub async fn finish_upload(
        &self,
        grant: &Grant<FinishUpload>,
        digest: &Digest,
        body: Option<UploadBody<'_>>,
        clock: &dyn Clock,
    ) -> Result<(), ContentError> {
        if let Some(UploadBody { announced, .. }) = body {
            self.check_announced(grant, announced, clock.now()).await?;
        }
        let held = self.claim(grant, clock.now()).await?;
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
