//! What can go wrong with content, in the protocol's terms. Which status that is, `web::v2` says.

use oci::{Digest, ManifestError, NamespaceName, Reference, RepositoryName};
use storage::{
    blobs::BlobError,
    db::{Constraint, DbError, Transient},
};

use crate::{authorize::Refusal, memory::MemoryFull};

/// Why a use case of `/v2/` did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The rights, when they were read again.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such namespace; whoever hears this may know.
    #[error("namespace {0} does not exist")]
    NamespaceUnknown(NamespaceName),
    /// There is no such repository; whoever hears this may know.
    #[error("repository {0} does not exist; its first push makes it")]
    RepositoryUnknown(RepositoryName),
    /// The repository has no such manifest.
    #[error("repository {repository} has no manifest {reference}")]
    ManifestUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// The tag or digest.
        reference: Reference,
    },
    /// The repository has no such blob.
    #[error("repository {repository} has no blob {digest}")]
    BlobUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// The digest.
        digest: Digest,
    },
    /// No such upload session of this repository and principal.
    #[error("there is no such upload session; it ended, expired, or was opened by somebody else")]
    UploadUnknown,
    /// There are as many of something as a limit allows; the message names it.
    #[error("{0}")]
    TooMany(String),
    /// A later request goes on with the same session.
    #[error("another request took this upload session over; ask for its status and go on from there")]
    UploadTakenOver,
    /// A chunk that does not begin where the upload stands.
    #[error("the chunk begins at byte {started_at}, the upload stands at byte {offset}; go on from there")]
    WrongOffset {
        /// Where the chunk begins.
        started_at: u64,
        /// Where the upload stands.
        offset: u64,
    },
    /// A chunk whose length is not what its Content-Range says.
    #[error(
        "the chunk does not have the {announced} bytes that its Content-Range says; nothing of it was kept"
    )]
    WrongLength {
        /// How many bytes its Content-Range spans.
        announced: u64,
    },
    /// The manifest is not one.
    #[error(transparent)]
    ManifestInvalid(#[from] ManifestError),
    /// The manifest's bytes have another digest than the one it was pushed under.
    #[error("the manifest's bytes have the digest {computed}, not {expected}")]
    ManifestDigest {
        /// What the path says.
        expected: Digest,
        /// What the bytes have.
        computed: Digest,
    },
    /// Something that the manifest needs is not in the repository.
    #[error(
        "the manifest needs {what} {digest}, which repository {repository} does not have; push it there first"
    )]
    ManifestNeeds {
        /// Config, layer or entry.
        what: &'static str,
        /// Its digest.
        digest: Digest,
        /// Where it was looked for.
        repository: RepositoryName,
    },
    /// The manifest lists more than this registry ties together.
    #[error("the manifest lists {listed} layers or entries; at most {limit} are taken")]
    TooManyLinks {
        /// How many it lists.
        listed: usize,
        /// How many are taken.
        limit: usize,
    },
    /// The budget of memory has no room for the document.
    #[error(transparent)]
    MemoryFull(#[from] MemoryFull),
    /// The same bytes are here under another type, which a pull of them answers with.
    #[error("{digest} is here as {here}, and can't be {pushed} as well; push it as {here}")]
    OtherType {
        /// The bytes' digest.
        digest: Digest,
        /// The type that they were pushed as first.
        here: String,
        /// The type that they are pushed as now.
        pushed: String,
    },
    /// The tag or digest does not lead to what the caller took for granted.
    #[error(
        "{repository} has {present} under {reference} now, which is not what the request's condition wants; look again, \
         and repeat what still makes sense"
    )]
    NotAsExpected {
        /// In which repository.
        repository: RepositoryName,
        /// The tag or digest.
        reference: Reference,
        /// What it leads to, as far as the caller may know.
        present: Present,
    },
    /// The manifest has other tags by now than those that somebody was asked about.
    #[error(
        "{digest} in repository {repository} has other tags now; look again before you delete it with them"
    )]
    OtherTags {
        /// In which repository.
        repository: RepositoryName,
        /// The manifest.
        digest: Digest,
    },
    /// A descriptor's size is wrong.
    #[error("the manifest says that {digest} has {stated} bytes; it has {actual}")]
    SizeInvalid {
        /// Of what.
        digest: Digest,
        /// What the descriptor says.
        stated: u64,
        /// What it is.
        actual: u64,
    },
    /// It can't be removed while something needs it.
    #[error("{digest} is needed by {by} in repository {repository}; delete that first")]
    InUse {
        /// What was to be removed.
        digest: Digest,
        /// What needs it.
        by: &'static str,
        /// Where.
        repository: RepositoryName,
    },
    /// The blob store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The database.
    #[error(transparent)]
    Storage(DbError),
}

/// What a tag or a digest leads to, as the error about a condition names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Present {
    /// Nothing.
    Nothing,
    /// The manifest with this digest.
    Manifest(Digest),
    /// Only callers who may pull learn that.
    Hidden,
}

impl std::fmt::Display for Present {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Manifest(digest) => f.write_str(digest.as_str()),
            Self::Hidden => f.write_str("other content, or none,"),
        }
    }
}

impl From<DbError> for ContentError {
    fn from(error: DbError) -> Self {
        Self::Storage(error)
    }
}

impl ContentError {
    /// Whether nothing was wrong with the request: the database could not do it, now.
    pub(crate) const fn is_of_the_database(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Refused(Refusal::Storage(_)))
    }

    /// Whether a commit broke off: what was asked for may have happened all the same.
    pub(crate) const fn may_have_happened(&self) -> bool {
        matches!(self, Self::Storage(DbError::CommitUnknown(_)))
    }

    /// Why the first row of a repository was not written: where its namespace was deleted since the rights were read,
    /// the repository is as unknown as it is to a request that starts now.
    pub(crate) fn of_first_row(error: DbError, repository: &RepositoryName) -> Self {
        if error.is_conflict(Constraint::ForeignKey) {
            return Self::RepositoryUnknown(repository.clone());
        }
        Self::Storage(error)
    }
}

impl Transient for ContentError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_transient(),
            // What a new row points at, its repository or namespace, was removed since it was read: done again, the
            // transaction sees so.
            Self::Storage(DbError::Conflict { .. }) => true,
            Self::Storage(error) => error.is_transient(),
            _ => false,
        }
    }
}
