//! Upload of blobs: sessions, chunks, and the commit that links what was written (OCI distribution 1.1, "Pushing Blobs").
//!
//! No transaction is open while a body moves. An append claims its session first and acknowledges it afterwards; in
//! between only the blob store is busy.

use access::{
    id::{NamespaceId, UploadId},
    operation::Operation,
    rights::Rights,
    time::{Clock, Instant, Length},
};
use oci::{Algorithm, Call, Digest, RepositoryName, UploadRange, UploadRef};
use storage::{
    blobs::{BlobError, Body, Finished, Key, State},
    db::{Tx, retried},
    links::{self, StoredBlob},
    uploads::{self, ClaimedUpload, SessionKey},
};

use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
    upload_turns::Claim,
};

/// How long a session lives after its last append (DESIGN §6).
pub(crate) const SESSION_LIFETIME: Length = Length::hours(24);
/// The largest blob, in bytes (DESIGN §6).
const MAX_BLOB_BYTES: u64 = 20 * 1024 * 1024 * 1024;

macro_rules! upload_asks {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// The repository that the blob is for.
            pub repository: RepositoryName,
            /// The session, as it stood in the path.
            pub upload: UploadRef,
        }

        impl Ask for $name {
            fn operation(&self) -> Operation {
                let Self { repository, upload } = self.clone();
                Operation::Oci(Call::$name { repository, upload })
            }
        }

        impl OfSession for $name {
            fn session(&self) -> (&RepositoryName, &UploadRef) {
                (&self.repository, &self.upload)
            }
        }
    )+};
}

upload_asks! {
    /// Add a chunk to an upload.
    AppendUpload;
    /// Commit an upload under a digest.
    FinishUpload;
    /// Ask where an upload stands.
    UploadStatus;
    /// Drop an upload.
    CancelUpload;
}

/// What names an upload session.
pub(crate) trait OfSession: Ask {
    /// The repository and the session, as they stood in the path.
    fn session(&self) -> (&RepositoryName, &UploadRef);
}

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

/// Where an upload stands.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// How many bytes are acknowledged: durable, and kept across crashes and replicas.
    pub offset: u64,
}

/// The body of a chunk or of a last chunk.
pub struct UploadBody<'a> {
    /// The bytes as they come.
    pub bytes: Body<'a>,
    /// What Content-Range says about them.
    pub range: Option<UploadRange>,
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

    /// Adds a chunk behind what is acknowledged. After an error the session stands where it stood.
    pub async fn append_upload(
        &self,
        grant: &Grant<AppendUpload>,
        body: UploadBody<'_>,
        now: Instant,
    ) -> Result<Progress, ContentError> {
        self.check_offset(grant, body.range, now).await?;
        let held = self.claim(grant, now).await?;
        let appended = self.append(&held, body).await;
        let state = appended.as_ref().unwrap_or(&held.claimed.state);
        self.acknowledge(held.id, held.claimed.claim, state, IsDone::Yes).await?;
        Ok(Progress { offset: appended?.offset() })
    }

    /// Refuses a chunk that does not begin where the upload stands before it takes the session from a request that may
    /// be sending the right one.
    async fn check_offset<A: OfSession>(
        &self,
        grant: &Grant<A>,
        range: Option<UploadRange>,
        now: Instant,
    ) -> Result<(), ContentError> {
        let Some(range) = range else { return Ok(()) };
        let principal = grant.principal_key();
        let key = session_key(grant, &principal)?;
        let state = uploads::find(&self.db, key, now).await?.ok_or(ContentError::UploadUnknown)?;
        begins_at(range, state.offset())
    }

    /// Adds the last chunk, if there is one, checks the digest, and links the blob in the repository. A wrong
    /// digest ends the session and leaves nothing behind.
    pub async fn finish_upload(
        &self,
        grant: &Grant<FinishUpload>,
        digest: &Digest,
        body: Option<UploadBody<'_>>,
        clock: &dyn Clock,
    ) -> Result<(), ContentError> {
        self.check_offset(grant, body.as_ref().and_then(|body| body.range), clock.now()).await?;
        let held = self.claim(grant, clock.now()).await?;
        let claimed = &held.claimed;
        let state = match body {
            None => claimed.state.clone(),
            Some(body) => match self.append(&held, body).await {
                Ok(state) => state,
                Err(error) => {
                    self.acknowledge(held.id, claimed.claim, &claimed.state, IsDone::Yes).await?;
                    return Err(error);
                }
            },
        };
        let finished = self.finish(&held, &state, digest).await?;
        let session = Some((held.id, claimed));
        self.link(grant, &grant.ask.repository, digest, finished, session, clock.now()).await
    }

    /// Makes a blob of the upload. Where its bytes have another digest, the session ends.
    async fn finish(&self, held: &Held, state: &State, digest: &Digest) -> Result<Finished, ContentError> {
        let Held { id, claimed, .. } = held;
        match self.blobs.finish(state, digest).await {
            Ok(finished) => Ok(finished),
            Err(error @ BlobError::DigestMismatch { .. }) => {
                // The row first: a session whose bytes are gone would promise what it does not have.
                self.end_upload(*id, claimed.claim).await?;
                if self.is_left(*id, state).await? {
                    self.abort(state).await;
                }
                Err(error.into())
            }
            Err(error) => {
                // The bytes may lie where a blob's do: only a take-over looks there, so the claim stays open for one.
                self.acknowledge(*id, claimed.claim, &claimed.state, IsDone::No).await?;
                Err(error.into())
            }
        }
    }

    /// Where the upload stands.
    pub async fn upload_status(
        &self,
        grant: &Grant<UploadStatus>,
        now: Instant,
    ) -> Result<Progress, ContentError> {
        let principal = grant.principal_key();
        let key = session_key(grant, &principal)?;
        let state = uploads::find(&self.db, key, now).await?.ok_or(ContentError::UploadUnknown)?;
        Ok(Progress { offset: state.offset() })
    }

    /// Drops the upload and what was received of it.
    pub async fn cancel_upload(&self, grant: &Grant<CancelUpload>, now: Instant) -> Result<(), ContentError> {
        let Held { id, claimed, .. } = self.claim(grant, now).await?;
        self.end_upload(id, claimed.claim).await?;
        self.abort(&claimed.state).await;
        Ok(())
    }

    /// Takes the session for this request. Where an earlier request never said that it was done it may still be
    /// writing, so the upload goes on in a place of its own.
    async fn claim<A: OfSession>(&self, grant: &Grant<A>, now: Instant) -> Result<Held, ContentError> {
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
        let Held { id, claimed, turn } = held;
        let Some(_turn) = turn.turn_to_copy().await else { return Err(ContentError::UploadTakenOver) };
        let own = self.blobs.take_over(&claimed.state).await?;
        let written = self.write_state(*id, claimed.claim, &own, IsDone::No).await;
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
        self.abort(&claimed.state).await;
        Ok(own)
    }

    async fn append(&self, held: &Held, body: UploadBody<'_>) -> Result<State, ContentError> {
        let bytes = held.turn.until_taken_over(body.bytes);
        self.append_to(&held.claimed.state, UploadBody { bytes, range: body.range }).await
    }

    async fn append_to(&self, state: &State, body: UploadBody<'_>) -> Result<State, ContentError> {
        let Some(range) = body.range else {
            return Ok(self.blobs.append(state, body.bytes, MAX_BLOB_BYTES).await?);
        };
        begins_at(range, state.offset())?;
        let wrong_length = || ContentError::WrongLength { announced: range.bytes() };
        let end = range.end().saturating_add(1);
        let appended = match self.blobs.append(state, body.bytes, end.min(MAX_BLOB_BYTES)).await {
            // Not all of a body that is too long is waited for.
            Err(BlobError::TooLarge { .. }) if end <= MAX_BLOB_BYTES => return Err(wrong_length()),
            appended => appended?,
        };
        if appended.offset() == end { Ok(appended) } else { Err(wrong_length()) }
    }

    /// Makes `state` the session's truth, and gives the claim back where it is done. Where a later claim took over, what
    /// this one wrote is dropped.
    async fn acknowledge(
        &self,
        id: UploadId,
        claim: u64,
        state: &State,
        is_done: IsDone,
    ) -> Result<(), ContentError> {
        if self.write_state(id, claim, state, is_done).await? {
            return Ok(());
        }
        if self.is_left(id, state).await? {
            self.abort(state).await;
        }
        Err(ContentError::UploadTakenOver)
    }

    /// Whether nobody but a lost claim knows the place of `state` any more. Until a later claim has moved, it
    /// still reads there, and clears the place itself afterwards.
    async fn is_left(&self, id: UploadId, state: &State) -> Result<bool, ContentError> {
        let present = uploads::state(&self.db, id).await?;
        Ok(!present.is_some_and(|present| present.shares_place_with(state)))
    }

    async fn write_state(
        &self,
        id: UploadId,
        claim: u64,
        state: &State,
        is_done: IsDone,
    ) -> Result<bool, ContentError> {
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

    async fn end_upload(&self, id: UploadId, claim: u64) -> Result<(), ContentError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            uploads::delete_claimed(&tx, id, claim).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// One transaction: the rights again, the repository, the blob's row, its link, the end of the session. What
    /// was written is nobody's until this commits; where it doesn't, or the bytes were there already, it goes.
    async fn link<A: Ask>(
        &self,
        grant: &Grant<A>,
        repository: &RepositoryName,
        digest: &Digest,
        finished: Finished,
        session: Option<(UploadId, &ClaimedUpload)>,
        now: Instant,
    ) -> Result<(), ContentError> {
        let key = finished.key;
        let blob = StoredBlob { key: key.clone(), size: finished.size };
        let linked = retried(|| async {
            let tx = self.db.begin().await?;
            let rights = grant.still_holds(&tx, now).await?;
            let namespace = self.ensure_namespace(&tx, grant, &rights, repository, now).await?;
            let id = self.ensure_repository(&tx, grant, namespace, repository, now).await?;
            let is_new = links::insert(&tx, id, digest, &blob, now).await?;
            let mut record = grant.record("blob.pushed", format!("{repository}@{digest}"));
            record.namespace_id = namespace.to_string();
            record.after = serde_json::json!({ "size": blob.size }).to_string();
            self.write_history(&tx, &record, now).await?;
            if let Some((upload, claimed)) = session
                && !uploads::delete_claimed(&tx, upload, claimed.claim).await?
            {
                return Err(ContentError::UploadTakenOver);
            }
            tx.commit().await?;
            Ok(is_new)
        });
        match linked.await {
            Ok(true) => Ok(()),
            Ok(false) => self.keep_one(digest, &blob, now).await,
            Err(error) => {
                // What the session acknowledged outlives a failure: whoever goes on with it takes it over.
                let goes_on = session.is_some() && error.is_of_the_database();
                // After a commit that broke off the row may name the key, and only `fsck` may judge.
                if !error.may_have_happened() && !goes_on {
                    self.drop_finished(&key, session).await?;
                }
                Err(error)
            }
        }
    }

    /// The digest was there already: one copy stays, and it is the new one, whose bytes were verified a moment ago.
    /// Whatever had become of the old one, pushing it again heals it (DESIGN §5, 3).
    async fn keep_one(&self, digest: &Digest, new: &StoredBlob, now: Instant) -> Result<(), ContentError> {
        let replaced = retried(|| async {
            let tx = self.db.begin().await?;
            let Some(old) = links::stored(&tx, digest).await? else { return Ok(None) };
            let is_replaced = links::replace(&tx, digest, &old.key, new, now).await?;
            tx.commit().await?;
            Ok::<_, ContentError>(is_replaced.then_some(old.key))
        });
        match replaced.await {
            Ok(lost) => {
                self.delete_bytes(lost.as_ref().unwrap_or(&new.key)).await;
                Ok(())
            }
            Err(error) => {
                // The link is committed, and leads to the old copy; the new one is nobody's, unless the commit broke off.
                if !error.may_have_happened() {
                    self.delete_bytes(&new.key).await;
                }
                Err(error)
            }
        }
    }

    /// Drops bytes that were to become a blob, and the session that they came by, which has none any more.
    async fn drop_finished(
        &self,
        key: &Key,
        session: Option<(UploadId, &ClaimedUpload)>,
    ) -> Result<(), ContentError> {
        if let Some((id, claimed)) = session {
            self.end_upload(id, claimed.claim).await?;
            if !self.is_left(id, &claimed.state).await? {
                return Ok(());
            }
        }
        self.delete_bytes(key).await;
        Ok(())
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
        if let Some(made) = self.insert_namespace(tx, grant, &repository.namespace_name(), false, now).await?
        {
            return Ok(made.id);
        }
        // Clients push layers side by side: another request has made it since the rights were read.
        let made = grant.still_holds(tx, now).await?.namespace().map(|namespace| namespace.id);
        made.ok_or_else(|| ContentError::RepositoryUnknown(repository.clone()))
    }

    pub(crate) async fn abort(&self, state: &State) {
        if let Err(error) = self.blobs.abort(state).await {
            tracing::warn!(%error, "an upload's bytes could not be removed; fsck will find them");
        }
    }

    async fn delete_bytes(&self, key: &Key) {
        if let Err(error) = self.blobs.delete(key).await {
            tracing::warn!(%error, "a blob's second copy could not be removed; fsck will find it");
        }
    }
}

/// A session in the hands of one request.
struct Held {
    id: UploadId,
    claimed: ClaimedUpload,
    turn: Claim,
}

fn begins_at(range: UploadRange, offset: u64) -> Result<(), ContentError> {
    if range.start() == offset {
        return Ok(());
    }
    Err(ContentError::WrongOffset { started_at: range.start(), offset })
}

/// Whether a claim is given back along with the state.
#[derive(Clone, Copy)]
enum IsDone {
    Yes,
    No,
}

fn session_key<'a, A: OfSession>(
    grant: &'a Grant<A>,
    principal: &'a str,
) -> Result<SessionKey<'a>, ContentError> {
    let (repository, upload) = grant.ask.session();
    let id = UploadId::parse(upload.as_str()).map_err(|_| ContentError::UploadUnknown)?;
    let namespace = grant.namespace().ok_or(ContentError::UploadUnknown)?;
    Ok(SessionKey { id, namespace, repository, principal })
}
