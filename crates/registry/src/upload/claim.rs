//! Whose turn it is: a request claims a session, writes, and acknowledges what it wrote. A later claim takes over, and
//! whatever the earlier one still does comes to nothing.

use access::{id::UploadId, time::Instant};
use storage::{
    blobs::State,
    db::retried,
    uploads::{self, ClaimedUpload, SessionKey},
};

use super::{OfSession, SESSION_LIFETIME};
use crate::{Registry, content::ContentError, grant::Grant, upload_turns::Claim};

/// A session in the hands of one request.
pub(super) struct Held {
    pub(super) id: UploadId,
    pub(super) claimed: ClaimedUpload,
    pub(super) turn: Claim,
}

/// Whether a claim is given back along with the state.
#[derive(Clone, Copy)]
pub(super) enum IsDone {
    Yes,
    No,
}

/// By what a session is found: nobody goes on with another principal's, or with one of another repository.
pub(super) fn session_key<'a, A: OfSession>(
    grant: &'a Grant<A>,
    principal: &'a str,
) -> Result<SessionKey<'a>, ContentError> {
    let (repository, upload) = grant.ask.session();
    let id = UploadId::parse(upload.as_str()).map_err(|_| ContentError::UploadUnknown)?;
    let namespace = grant.namespace().ok_or(ContentError::UploadUnknown)?;
    Ok(SessionKey { id, namespace, repository, principal })
}

impl Registry {
    /// Takes the session for this request. Where an earlier request never said that it was done it may still be
    /// writing, so the upload goes on in a place of its own.
    pub(super) async fn claim<A: OfSession>(
        &self,
        grant: &Grant<A>,
        now: Instant,
    ) -> Result<Held, ContentError> {
        let principal = grant.principal_key();
        let key = session_key(grant, &principal)?;
        let expires_at = now.plus(SESSION_LIFETIME);
        let claimed = retried(|| async {
            let tx = self.db.begin().await?;
            grant.still_holds(&tx, now).await?;
            let claimed = uploads::claim(&tx, key, now, expires_at).await?;
            tx.commit().await?;
            claimed.ok_or(ContentError::UploadUnknown)
        });
        let claimed = claimed.await?;
        let turn = self.upload_turns.claim(key.id, claimed.claim);
        let mut held = Held { id: key.id, claimed, turn };
        if held.claimed.takes_over {
            held.claimed.state = self.move_out(&held).await?;
        }
        Ok(held)
    }

    /// Gives the upload a place that no earlier request writes to. Nothing is copied for a request that a later one has
    /// taken over by the time that its turn comes.
    async fn move_out(&self, held: &Held) -> Result<State, ContentError> {
        let Some(_turn) = held.turn.turn_to_copy().await else { return Err(ContentError::UploadTakenOver) };
        let own = self.blobs.take_over(&held.claimed.state).await?;
        let written = self.write_state(held, &own, IsDone::No).await;
        let moved =
            written.and_then(|is_ours| if is_ours { Ok(()) } else { Err(ContentError::UploadTakenOver) });
        if let Err(error) = moved {
            // After a commit that broke off the row may name it.
            if !error.may_have_happened() {
                self.abort(&own).await;
            }
            return Err(error);
        }
        // The earlier request cleans up after itself, if it still lives; if not, nobody else would. It may have got as
        // far as making a blob of it, which is nobody's now: the row names another place.
        self.abort(&held.claimed.state).await;
        Ok(own)
    }

    /// Makes `state` the session's truth, and gives the claim back where it is done. Where a later claim took over, what
    /// this one wrote is dropped.
    pub(super) async fn acknowledge(
        &self,
        held: &Held,
        state: &State,
        is_done: IsDone,
    ) -> Result<(), ContentError> {
        if self.write_state(held, state, is_done).await? {
            return Ok(());
        }
        if self.is_left(held.id, state).await? {
            self.abort(state).await;
        }
        Err(ContentError::UploadTakenOver)
    }

    /// Whether nobody but a lost claim knows the place of `state` any more. Until a later claim has moved, it
    /// still reads there, and clears the place itself afterwards.
    pub(super) async fn is_left(&self, id: UploadId, state: &State) -> Result<bool, ContentError> {
        let present = uploads::state(&self.db, id).await?;
        Ok(!present.is_some_and(|present| present.shares_place_with(state)))
    }

    /// False where a later claim took over.
    async fn write_state(&self, held: &Held, state: &State, is_done: IsDone) -> Result<bool, ContentError> {
        let (id, claim) = (held.id, held.claimed.claim);
        retried(|| async {
            let tx = self.db.begin().await?;
            let is_ours = match is_done {
                IsDone::Yes => uploads::acknowledge(&tx, id, claim, state).await?,
                IsDone::No => uploads::move_to(&tx, id, claim, state).await?,
            };
            tx.commit().await?;
            Ok(is_ours)
        })
        .await
    }

    /// Ends the session, unless a later claim took over.
    pub(super) async fn end_upload(&self, held: &Held) -> Result<(), ContentError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            uploads::delete_claimed(&tx, held.id, held.claimed.claim).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
