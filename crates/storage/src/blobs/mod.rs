//! Blob bytes. One small trait, the same for files and S3, and the words it speaks.
//! Which digest lies under which key, who may read it and when it is garbage is said by SQL, never here.

mod fs;
mod key;
mod state;

use std::io;

use access::id::StoreId;
use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};
use oci::{Algorithm, Digest};
use rustix::io::Errno;

pub use self::{
    fs::{Disk, FileStore, OpenError, SystemDisk, check_owner, way_out},
    key::{InvalidKey, Key},
    state::State,
};

/// What a client's body broke with; the store only carries it back to the face that knows what it means.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The bytes that a client sends, as they come.
pub type Body<'a> = BoxStream<'a, Result<Bytes, BodyError>>;

/// Where blob bytes last (DESIGN §5).
///
/// **An upload** is a [`State`], kept in the upload's row. Its life: [`begin`](Self::begin), any number of
/// [`append`](Self::append), then [`finish`](Self::finish) or [`abort`](Self::abort).
///
/// **Two appends at once never mix bytes** if callers keep to this:
/// 1. Before `append` or `finish`, claim the row with a new number and learn whether the claim before it is
///    still open. If it is, its writer may be alive: [`take_over`](Self::take_over) first and go on with the state
///    that this returns. Acknowledge that one in the row, at once or with what the append came to (failure
///    included), and only then `abort` the old one.
/// 2. A claim may be closed (state acknowledged, or append failed) only after the call returned. A future that
///    was dropped leaves its claim open: a write may still be under way.
/// 3. Whoever finds its claim lost at the row drops what it made: `abort` a state, `delete` a finished key.
///    Neither can touch what the later claim made, since taking over changes the key.
pub trait BlobStore: Send + Sync {
    /// A new, empty upload. `announced` is the algorithm of the digest to come, where the client named one:
    /// without it a sha512 costs `finish` a second reading.
    fn begin(&self, announced: Option<Algorithm>) -> BoxFuture<'_, Result<State, BlobError>>;

    /// Gives the upload a place of its own that no earlier claim writes to, with the acknowledged bytes in it
    /// (durable when it returns). The old place stays as it was until its state is aborted, so that a crash
    /// before the new state is acknowledged loses nothing.
    ///
    /// Errors: `NotFound` when the upload's bytes are gone, `Truncated`, `Full`, `Io`.
    fn take_over<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<State, BlobError>>;

    /// Adds `body` behind the acknowledged bytes. What it returns is durable; `limit` bounds the whole upload,
    /// in bytes. After any error the old state is still good and the next append begins where it ends.
    ///
    /// Errors: `TooLarge`, `Body` (the client's stream broke), `Full`, `NotFound`, `Truncated`, `Io`.
    fn append<'a>(
        &'a self,
        state: &'a State,
        body: Body<'a>,
        limit: u64,
    ) -> BoxFuture<'a, Result<State, BlobError>>;

    /// Makes a blob of the upload if its bytes have the digest `expected`. Durable when it returns. Calling it
    /// again with the same state (a crash before the row was committed) answers the same.
    ///
    /// After an error the bytes are still there, but perhaps where a blob's are: only `take_over` and `abort` look there.
    ///
    /// Errors: `DigestMismatch`, `NotFound`, `Truncated`, `Full`, `Io`.
    fn finish<'a>(
        &'a self,
        state: &'a State,
        expected: &'a Digest,
    ) -> BoxFuture<'a, Result<Finished, BlobError>>;

    /// Drops an upload, also one that `finish` made a blob of without a row that names it; nothing to drop is fine.
    /// Not for a key that the row of a blob names.
    fn abort<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<(), BlobError>>;

    /// The bytes of a blob, or of a range of it. A blob that is deleted meanwhile is still read to its end.
    ///
    /// Errors: `NotFound`; `Truncated` when the range reaches behind the end; `TooManyReaders`; `Io`.
    fn read<'a>(&'a self, key: &'a Key, range: Option<Range>) -> BoxFuture<'a, Result<Reading, BlobError>>;

    /// The size of a blob in bytes. Errors: `NotFound`, `Io`.
    fn size<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<u64, BlobError>>;

    /// Removes a blob; one that is gone already is fine.
    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), BlobError>>;

    /// Every finished blob, in no order; one that comes or goes meanwhile may or may not be told.
    fn list(&self) -> BoxStream<'_, Result<Listed, BlobError>>;

    /// The bytes of every upload under way, in no order, and what is left of uploads that nobody goes on with.
    fn list_uploads(&self) -> BoxStream<'_, Result<Listed, BlobError>>;

    /// How many bytes there are of an upload, acknowledged or not, also where `finish` made a blob of them.
    /// Errors: `NotFound`, `Io`.
    fn upload_size<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<u64, BlobError>>;

    /// Whether anything is left of an upload, where uploads lie. Errors: `Io`.
    fn has_upload<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<bool, BlobError>>;

    /// Removes what is left of an upload that no session names any more. Unlike [`abort`](Self::abort) it never
    /// touches a finished blob.
    fn drop_upload<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), BlobError>>;

    /// The id of the store that this belongs to; `None` until it has one (DESIGN §5, 11).
    fn store_id(&self) -> BoxFuture<'_, Result<Option<StoreId>, BlobError>>;

    /// Notes, durably, that this may become its id. Of servers that start together each may propose one.
    fn propose_store_id(&self, id: StoreId) -> BoxFuture<'_, Result<(), BlobError>>;

    /// Whether the id was proposed here, or is its own.
    fn knows_store_id(&self, id: StoreId) -> BoxFuture<'_, Result<bool, BlobError>>;

    /// Makes an id that was proposed here its own, durably, and drops every other proposal. Where it is its own already
    /// nothing else happens. Errors: `NotFound` where the id was never proposed here; `Full`, `Io`.
    fn keep_store_id(&self, id: StoreId) -> BoxFuture<'_, Result<(), BlobError>>;
}

/// A blob whose digest was verified. It is an orphan until a row names its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Where the bytes lie.
    pub key: Key,
    /// How many there are.
    pub size: u64,
}

/// A part of a blob, in bytes from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first byte.
    pub start: u64,
    /// How many bytes.
    pub length: u64,
}

/// A blob being read.
pub struct Reading {
    /// The size of the whole blob, whatever the range.
    pub size: u64,
    /// Exactly the bytes asked for, or an error: never a silent end before them.
    pub bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// One finished blob, or one upload, as garbage collection and `fsck` look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where the bytes lie.
    pub key: Key,
    /// How many there are.
    pub size: u64,
    /// When the store last wrote to it or gave it its place, by the store's clock: a young one may have its row
    /// still to come.
    pub modified: access::time::Instant,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No such blob, or the bytes of the upload are gone.
    #[error("the blob store holds nothing under this key")]
    NotFound,
    /// The bytes are not those that the client named (OCI distribution 1.1, "Pushing blobs").
    #[error("the bytes received have the digest {computed}, not {expected}; push the blob again")]
    DigestMismatch {
        /// What the client named.
        expected: Digest,
        /// What the bytes have.
        computed: Digest,
    },
    /// The upload would grow beyond what is allowed.
    #[error("the blob is larger than the limit of {limit} bytes; an administrator can raise it")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The client's body broke off.
    #[error("the body broke off: {0}")]
    Body(#[source] BodyError),
    /// No space, or the quota is used up (DESIGN §5, point 7). Reading goes on.
    #[error("the blob store is full; free some space or raise the quota, nothing needs a restart")]
    Full,
    /// As many blobs are being read as files may be open for that.
    #[error("as many blobs are being read as may be at once; try again in a moment")]
    TooManyReaders,
    /// As many files are open as the system allows this process, or all of them (EMFILE, ENFILE).
    #[error("as many files are open as the system allows; try again in a moment")]
    TooManyFiles,
    /// Fewer bytes than were acknowledged or asked for: the blob was damaged, or the range is wrong.
    #[error(
        "the blob store holds {found} bytes under this key where {wanted} were to be; run `sealock fsck`"
    )]
    Truncated {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        wanted: u64,
    },
    /// The state in the upload's row was not made by this version, or is damaged.
    #[error(
        "the upload's state was written by another version of sealock or is damaged; start the upload again"
    )]
    BadState,
    /// The disk, or the way to it.
    #[error("the blob store failed: {0}")]
    Io(io::Error),
}

impl BlobError {
    /// Whether the disk does not give back bytes that it was given (EIO), which says something of these bytes. Whatever
    /// else goes wrong (a volume that is away, no file that can be opened any more) says nothing of them.
    pub fn is_of_the_medium(&self) -> bool {
        matches!(self, Self::Io(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()))
    }
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        // Of too many files the kind says nothing.
        let errno = Errno::from_io_error(&error);
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ if matches!(errno, Some(Errno::MFILE | Errno::NFILE)) => Self::TooManyFiles,
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_used_up_quota_are_full_and_too_many_files_pass() {
        let of = |errno: Errno| BlobError::from(io::Error::from(errno));
        assert!(matches!(of(Errno::NOSPC), BlobError::Full));
        assert!(matches!(of(Errno::DQUOT), BlobError::Full));
        assert!(matches!(of(Errno::MFILE), BlobError::TooManyFiles));
        assert!(matches!(of(Errno::NFILE), BlobError::TooManyFiles));
        let io = of(Errno::IO);
        assert!(matches!(io, BlobError::Io(_)));
        assert!(std::error::Error::source(&io).is_none(), "its cause would be said twice");
    }

    #[test]
    fn only_an_input_output_error_is_about_the_bytes() {
        let is_of_the_medium = |errno: Errno| BlobError::from(io::Error::from(errno)).is_of_the_medium();
        assert!(is_of_the_medium(Errno::IO));
        for errno in [Errno::STALE, Errno::MFILE, Errno::NFILE, Errno::ACCESS, Errno::NOSPC, Errno::NOENT] {
            assert!(!is_of_the_medium(errno), "{errno}");
        }
    }
}
