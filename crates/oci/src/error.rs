//! The error codes that clients read. Which HTTP status goes with one is said in `web`, once.

/// A code of OCI distribution 1.1, "Error Codes", and four that distribution adds (named below).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No such blob in this repository.
    BlobUnknown,
    /// The upload can't go on.
    BlobUploadInvalid,
    /// No such upload session here.
    BlobUploadUnknown,
    /// The digest is malformed, or is not that of the content.
    DigestInvalid,
    /// A manifest names a blob or manifest that is not linked in its repository.
    ManifestBlobUnknown,
    /// The manifest breaks a rule, or is pushed under a name that no tag may have.
    ManifestInvalid,
    /// No such manifest in this repository.
    ManifestUnknown,
    /// The repository's name breaks the grammar.
    NameInvalid,
    /// No such repository, or none that the caller may see.
    NameUnknown,
    /// The length sent is not the length announced, or is above a limit.
    SizeInvalid,
    /// A credential is missing, wrong or too narrow.
    Unauthorized,
    /// The caller is known and may not.
    Denied,
    /// The method or feature is not offered here.
    Unsupported,
    /// Too many requests.
    TooManyRequests,
    /// A chunk does not begin where the upload stands. Not in OCI 1.1; distribution's name for its 416.
    RangeInvalid,
    /// `n` of a paginated list is not a number in bounds. Not in OCI 1.1; distribution's.
    PaginationNumberInvalid,
    /// Not now; trying again may help. Not in OCI 1.1; distribution's.
    Unavailable,
    /// The registry failed. Not in OCI 1.1; distribution's.
    Unknown,
}

impl ErrorCode {
    /// Every code, for tables that must not miss one.
    pub const ALL: [Self; 18] = [
        Self::BlobUnknown,
        Self::BlobUploadInvalid,
        Self::BlobUploadUnknown,
        Self::DigestInvalid,
        Self::ManifestBlobUnknown,
        Self::ManifestInvalid,
        Self::ManifestUnknown,
        Self::NameInvalid,
        Self::NameUnknown,
        Self::SizeInvalid,
        Self::Unauthorized,
        Self::Denied,
        Self::Unsupported,
        Self::TooManyRequests,
        Self::RangeInvalid,
        Self::PaginationNumberInvalid,
        Self::Unavailable,
        Self::Unknown,
    ];

    /// The code as it stands in the `code` member of an error body.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::RangeInvalid => "RANGE_INVALID",
            Self::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much of a refused text a message repeats, in characters: a path may be 32 KiB, a manifest 4 MiB.
const MAX_QUOTED_CHARACTERS: usize = 300;

/// Somebody else's text inside a message: in quotes, control characters escaped (terminals obey them), cut to
/// 300 characters.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (shown, cut) = shortened(self.0);
        write!(f, "{shown:?}{}", if cut { "…" } else { "" })
    }
}

/// The first 300 characters of `text`, and whether any were left off.
pub(crate) fn shortened(text: &str) -> (&str, bool) {
    match text.char_indices().nth(MAX_QUOTED_CHARACTERS) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_spelling_of_its_own() {
        let spellings: std::collections::BTreeSet<_> =
            ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(spellings.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn quoted_text_is_escaped_and_short() {
        assert_eq!(Quoted("a\u{1b}[31m\n").to_string(), r#""a\u{1b}[31m\n""#);
        assert_eq!(Quoted(&"é".repeat(301)).to_string(), format!("\"{}\"…", "é".repeat(300)));
        assert_eq!(Quoted(&"é".repeat(300)).to_string(), format!("\"{}\"", "é".repeat(300)));
    }
}
