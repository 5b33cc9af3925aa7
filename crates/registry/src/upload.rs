//! Upload of blobs: sessions, chunks, and the commit that links what was written (OCI distribution 1.1, "Pushing Blobs").
//!
//! No transaction is open while a body moves. An append claims its session first and acknowledges it afterwards; in
//! between only the blob store is busy.

mod append;
mod claim;
mod finish;
mod link;
mod start;

use access::{
    operation::Operation,
    time::{Instant, Length},
};
use oci::{Call, RepositoryName, UploadRange, UploadRef};
use storage::{
    blobs::{Body, State},
    uploads,
};

use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
};

use claim::session_key;
pub use start::{StartUpload, Started};

/// How long a session lives after its last append (DESIGN §6).
pub(crate) const SESSION_LIFETIME: Length = Length::hours(24);

/// How long a session that became a blob is remembered: clients repeat a request whose answer was lost within minutes.
const REMEMBERED_FOR: Length = Length::hours(1);

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
    /// What was said about them before.
    pub announced: Announced,
}

/// What a request's headers say about its body.
#[derive(Debug, Clone, Copy)]
pub struct Announced {
    /// Where it belongs, as Content-Range says.
    pub range: Option<UploadRange>,
    /// How many bytes come at least, as Content-Length says; 0 where it says nothing.
    pub at_least: u64,
}

impl Registry {
    /// Where the upload stands.
    pub async fn upload_status(
        &self,
        grant: &Grant<UploadStatus>,
        now: Instant,
    ) -> Result<Progress, ContentError> {
        Ok(Progress { offset: self.offset(grant, now).await? })
    }

    /// Drops the upload and what was received of it.
    pub async fn cancel_upload(&self, grant: &Grant<CancelUpload>, now: Instant) -> Result<(), ContentError> {
        let held = self.claim(grant, now).await?;
        self.end_upload(&held).await?;
        self.abort(&held.claimed.state).await;
        Ok(())
    }

    /// How many bytes are acknowledged.
    async fn offset<A: OfSession>(&self, grant: &Grant<A>, now: Instant) -> Result<u64, ContentError> {
        let principal = grant.principal_key();
        let key = session_key(grant, &principal)?;
        let state = uploads::find(&self.db, key, now).await?.ok_or(ContentError::UploadUnknown)?;
        Ok(state.offset())
    }

    /// Removes what was received of an upload that nobody goes on with.
    pub(crate) async fn abort(&self, state: &State) {
        if let Err(error) = self.blobs.abort(state).await {
            tracing::warn!(%error, "an upload's bytes could not be removed; fsck will find them");
        }
    }
}
