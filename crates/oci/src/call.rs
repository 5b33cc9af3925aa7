//! What a `/v2/` request asks for, as the protocol says it (DESIGN §1). Which right that takes is said in `access`.

use crate::{digest::Digest, name::RepositoryName, reference::Reference};

/// One endpoint of OCI distribution 1.1 with its parts read. HEAD asks the same as GET (DESIGN §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `GET /v2/`: is this a registry, and who am I?
    Ping,
    /// `GET /v2/_catalog`: names of repositories.
    Catalog,
    /// `GET /v2/<name>/manifests/<reference>`.
    PullManifest {
        /// Where.
        repository: RepositoryName,
        /// Which.
        reference: Reference,
    },
    /// `PUT /v2/<name>/manifests/<reference>`.
    PushManifest {
        /// Where.
        repository: RepositoryName,
        /// Under which tag, or as which digest.
        reference: Reference,
    },
    /// `DELETE /v2/<name>/manifests/<reference>`.
    DeleteManifest {
        /// Where.
        repository: RepositoryName,
        /// A tag (only the tag goes) or a digest (the manifest goes).
        reference: Reference,
    },
    /// `GET /v2/<name>/blobs/<digest>`.
    PullBlob {
        /// Where.
        repository: RepositoryName,
        /// Which.
        digest: Digest,
    },
    /// `DELETE /v2/<name>/blobs/<digest>`.
    DeleteBlob {
        /// Where.
        repository: RepositoryName,
        /// Which.
        digest: Digest,
    },
    /// `POST /v2/<name>/blobs/uploads/`: a session, a whole blob (`?digest=`) or a mount (`?mount=`).
    StartUpload {
        /// Where.
        repository: RepositoryName,
    },
    /// `PATCH /v2/<name>/blobs/uploads/<id>`.
    AppendUpload {
        /// Where.
        repository: RepositoryName,
        /// Which session.
        upload: UploadRef,
    },
    /// `PUT /v2/<name>/blobs/uploads/<id>?digest=`.
    FinishUpload {
        /// Where.
        repository: RepositoryName,
        /// Which session.
        upload: UploadRef,
    },
    /// `GET /v2/<name>/blobs/uploads/<id>`: how far is it?
    UploadStatus {
        /// Where.
        repository: RepositoryName,
        /// Which session.
        upload: UploadRef,
    },
    /// `DELETE /v2/<name>/blobs/uploads/<id>`.
    CancelUpload {
        /// Where.
        repository: RepositoryName,
        /// Which session.
        upload: UploadRef,
    },
    /// `GET /v2/<name>/tags/list`.
    ListTags {
        /// Where.
        repository: RepositoryName,
    },
    /// `GET /v2/<name>/referrers/<digest>`.
    ListReferrers {
        /// Where.
        repository: RepositoryName,
        /// Manifests whose `subject` is this.
        digest: Digest,
    },
}

impl Call {
    /// The repository that the call is about; `None` for the two that are about the registry.
    pub fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Ping | Self::Catalog => None,
            Self::PullManifest { repository, .. }
            | Self::PushManifest { repository, .. }
            | Self::DeleteManifest { repository, .. }
            | Self::PullBlob { repository, .. }
            | Self::DeleteBlob { repository, .. }
            | Self::StartUpload { repository }
            | Self::AppendUpload { repository, .. }
            | Self::FinishUpload { repository, .. }
            | Self::UploadStatus { repository, .. }
            | Self::CancelUpload { repository, .. }
            | Self::ListTags { repository }
            | Self::ListReferrers { repository, .. } => Some(repository),
        }
    }
}

/// Longest session text in characters. Ours are ids of 36; the protocol sets no bound.
pub const MAX_UPLOAD_REF_CHARACTERS: usize = 128;

/// The session text of an upload as it stood in the path: 1 to 128 characters of `A-Z a-z 0-9 _ = -`. Says nothing
/// about whether there is such a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadRef(String);

/// The text can't be a session of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an upload session is 1 to {MAX_UPLOAD_REF_CHARACTERS} characters of A-Z a-z 0-9 _ = -, as Location gave it"
)]
pub struct UploadRefError;

impl UploadRef {
    /// Reads a session text.
    pub fn parse(text: &str) -> Result<Self, UploadRefError> {
        let legal = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_=-".contains(&byte));
        if legal && (1..=MAX_UPLOAD_REF_CHARACTERS).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(UploadRefError)
        }
    }

    /// The session as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for UploadRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_a_short_opaque_word() {
        let (longest, too_long) = ("x".repeat(128), "x".repeat(129));
        for text in ["0190a5e0-7d4c-7aaa-8bbb-123456789abc", "a_=-Z9", &longest] {
            assert_eq!(UploadRef::parse(text).map(|upload| upload.to_string()), Ok(text.to_owned()));
        }
        for text in ["", ".", "..", "a/b", "a b", "a%", "é", "a\0", &too_long] {
            assert_eq!(UploadRef::parse(text), Err(UploadRefError), "{text:?}");
        }
    }
}
