//! What a check finds, in words for people and for programs.

use access::time::Instant;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// A digest, a key of the blob store, an upload's id, a tag.
    pub what: String,
    /// In which repositories; the first of them where they are many.
    pub repositories: Vec<String>,
    /// How many bytes it has, or is to have.
    pub bytes: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it was found.
    Left,
    /// It counts as absent, since this check or an earlier one: clients push it again, and then it is a problem no more.
    Absent,
    /// It is a problem no more.
    Repaired,
}

impl Outcome {
    /// Repaired, where that is so.
    pub(super) const fn repaired(is_repaired: bool) -> Self {
        if is_repaired { Self::Repaired } else { Self::Left }
    }
}

impl Problem {
    /// What it means, and what to do about it as it stands now.
    pub fn meaning(&self) -> String {
        let kind = self.kind.meaning();
        match self.outcome {
            Outcome::Absent => format!("{kind}; it counts as absent now, and pushing it again heals it"),
            _ if self.kind.is_damage() => {
                format!("{kind}; --repair lets it count as absent, and pushing it again heals it")
            }
            _ => kind.to_owned(),
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $meaning:literal;)+) => {
        /// Kinds of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemKind {$($(#[$doc])* $kind,)+}

        impl ProblemKind {
            /// The name that programs know it by.
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$kind => $name,)+}
            }

            /// What it means, and what to do about it; but for damage, of which [`Problem::meaning`] knows that.
            const fn meaning(self) -> &'static str {
                match self {$(Self::$kind => $meaning,)+}
            }
        }
    };
}

kinds! {
    /// A blob without bytes.
    MissingBytes = "missing-bytes",
        "the bytes of a blob are gone";
    /// A blob with fewer or more bytes than its row says.
    WrongSize = "wrong-size",
        "a blob has not as many bytes as were pushed";
    /// A blob whose bytes have another digest.
    WrongBytes = "wrong-bytes",
        "a blob's bytes have another digest";
    /// A blob that the disk does not give.
    Unreadable = "unreadable",
        "the disk does not give a blob's bytes (look at its log)";
    /// A blob that was marked by an earlier check, and is whole.
    WholeAgain = "whole-again",
        "a blob that was found damaged is whole; --repair lets it count as present";
    /// A file among the blobs that no row names.
    OrphanBlob = "orphan-blob",
        "a file that no row names: a push or a deletion was interrupted. It does no harm; --repair removes it";
    /// A file among the uploads that no session names.
    OrphanUpload = "orphan-upload",
        "what is left of an upload that was interrupted. It does no harm; --repair removes it";
    /// An upload session with fewer bytes than were acknowledged.
    LostUpload = "lost-upload",
        "an upload session lost bytes that were acknowledged; --repair ends it, an hour after the last request that may be \
         at work on it, and the client begins again";
    /// A row that holds what no version wrote that this one knows.
    UnreadableRow = "unreadable-row",
        "a row can't be read: it is damaged, or a newer sealock wrote it. --repair ends an upload that is so; what else is \
         so has to come from a backup of the database. Until then no file is removed that seems to be nobody's";
    /// A manifest without its payload.
    MissingManifest = "missing-manifest",
        "a manifest's payload is gone";
    /// A manifest whose payload has another digest.
    WrongManifest = "wrong-manifest",
        "a manifest's payload has another digest";
    /// A manifest whose payload is right, and whose row says another length.
    WrongManifestSize = "wrong-manifest-size",
        "a manifest's payload is right, but its row says another length, so it counts as absent; --repair says the right \
         one, and so does pushing it again";
    /// A link to a blob that has no row.
    DanglingLink = "dangling-link",
        "a repository has a blob that the database does not know; pushing the blob again heals it";
    /// A manifest that needs a blob which its repository does not have.
    DanglingBlob = "dangling-blob",
        "a manifest needs a blob that its repository does not have; pushing the blob again heals it";
    /// An index that needs a manifest which its repository does not have.
    DanglingManifest = "dangling-manifest",
        "an index needs a manifest that its repository does not have; pushing the manifest again heals it";
    /// A tag that points at nothing.
    DanglingTag = "dangling-tag",
        "a tag points at no manifest; pushing the tag again heals it";
}

impl ProblemKind {
    /// Whether content is damaged, of which no other copy is here.
    const fn is_damage(self) -> bool {
        matches!(
            self,
            Self::MissingBytes
                | Self::WrongSize
                | Self::WrongBytes
                | Self::Unreadable
                | Self::MissingManifest
                | Self::WrongManifest
        )
    }
}

/// What a check came to, and what it cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rows of blobs.
    pub blobs: u64,
    /// Rows of manifests.
    pub manifests: u64,
    /// Links, tags, and what manifests need.
    pub references: u64,
    /// Upload sessions.
    pub uploads: u64,
    /// Files of the blob store.
    pub files: u64,
    /// Bytes that were read and compared.
    pub bytes_read: u64,
    /// Files that no row names yet and that are too young to judge: pushes may be under way.
    pub too_young: u64,
    /// The latest instant at which one of those was written, by the store's clock.
    pub youngest: Option<Instant>,
    /// Problems that were found.
    pub problems: u64,
    /// How many of them are none any more.
    pub repaired: u64,
    /// How many of them count as absent until they are pushed again.
    pub absent: u64,
}

impl Checked {
    /// Whether nothing is wrong, or nothing is any more.
    pub const fn is_clean(&self) -> bool {
        self.problems == self.repaired
    }
}
