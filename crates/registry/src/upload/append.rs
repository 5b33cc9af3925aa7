//! PATCH: a chunk goes behind what is acknowledged, of the length and at the place that its Content-Range says.

use access::time::Instant;
use storage::blobs::{BlobError, State};

use super::{
    Announced, AppendUpload, OfSession, Progress, UploadBody,
    claim::{Held, IsDone},
};
use crate::{Registry, content::ContentError, grant::Grant};

/// The largest blob, in bytes (DESIGN §6).
pub(super) const MAX_BLOB_BYTES: u64 = 20 * 1024 * 1024 * 1024;

impl Registry {
    /// Adds a chunk behind what is acknowledged. After an error the session stands where it stood.
    pub async fn append_upload(
        &self,
        grant: &Grant<AppendUpload>,
        body: UploadBody<'_>,
        now: Instant,
    ) -> Result<Progress, ContentError> {
        self.check_announced(grant, body.announced, now).await?;
        let held = self.claim(grant, now).await?;
        let appended = self.append(&held, body).await;
        let state = appended.as_ref().unwrap_or(&held.claimed.state);
        self.acknowledge(&held, state, IsDone::Yes).await?;
        Ok(Progress { offset: appended?.offset() })
    }

    /// Refuses a chunk that by its headers is too large or does not begin where the upload stands, before it takes the
    /// session from a request that may be sending the right one.
    pub(super) async fn check_announced<A: OfSession>(
        &self,
        grant: &Grant<A>,
        announced: Announced,
        now: Instant,
    ) -> Result<(), ContentError> {
        let offset = match announced.range {
            Some(_) => self.offset(grant, now).await?,
            None => 0,
        };
        fits(announced, offset)
    }

    /// Writes the body behind the upload for as long as no later request takes it over.
    pub(super) async fn append(&self, held: &Held, body: UploadBody<'_>) -> Result<State, ContentError> {
        let bytes = held.turn.until_taken_over(body.bytes);
        self.append_to(&held.claimed.state, UploadBody { bytes, ..body }).await
    }

    /// Writes the body behind `state`, and checks that it is as long as its Content-Range says.
    pub(super) async fn append_to(&self, state: &State, body: UploadBody<'_>) -> Result<State, ContentError> {
        fits(body.announced, state.offset())?;
        let Some(range) = body.announced.range else {
            return Ok(self.blobs.append(state, body.bytes, MAX_BLOB_BYTES).await?);
        };
        let wrong_length = || ContentError::WrongLength { announced: range.bytes() };
        let end = range.end().saturating_add(1);
        let appended = match self.blobs.append(state, body.bytes, end).await {
            // Not all of a body that is too long is waited for.
            Err(BlobError::TooLarge { .. }) => return Err(wrong_length()),
            appended => appended?,
        };
        if appended.offset() == end { Ok(appended) } else { Err(wrong_length()) }
    }
}

/// Refuses a body that does not belong at `offset`, or can't fit there, before a byte of it is read.
fn fits(announced: Announced, offset: u64) -> Result<(), ContentError> {
    let mut end = offset.saturating_add(announced.at_least);
    if let Some(range) = announced.range {
        if range.start() != offset {
            return Err(ContentError::WrongOffset { started_at: range.start(), offset });
        }
        end = end.max(range.end().saturating_add(1));
    }
    if end > MAX_BLOB_BYTES {
        return Err(BlobError::TooLarge { limit: MAX_BLOB_BYTES }.into());
    }
    Ok(())
}
