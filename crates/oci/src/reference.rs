//! What stands after `/manifests/`: OCI distribution 1.1, "Pulling manifests", `<reference>`.

use crate::{
    digest::{Digest, DigestError},
    tag::{Tag, TagError},
};

/// How a manifest is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By a name that may move.
    Tag(Tag),
    /// By its content.
    Digest(Digest),
}

/// The text is neither a tag nor a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Without a colon it would have to be a tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// With a colon it would have to be a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Reference {
    /// Reads a digest where the text has a colon (no tag has one), else a tag.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.contains(':') {
            Ok(Self::Digest(Digest::parse(text)?))
        } else {
            Ok(Self::Tag(Tag::parse(text)?))
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_makes_it_a_digest() {
        let digest = Digest::from_sha256(&[1; 32]);
        assert_eq!(Reference::parse(digest.as_str()), Ok(Reference::Digest(digest)));
        assert!(matches!(Reference::parse("1.0"), Ok(Reference::Tag(tag)) if tag.as_str() == "1.0"));
        assert!(matches!(
            Reference::parse("sha256:0"),
            Err(ReferenceError::Digest(DigestError::Malformed(_)))
        ));
        assert!(matches!(
            Reference::parse("sha1:0"),
            Err(ReferenceError::Digest(DigestError::UnknownAlgorithm(_)))
        ));
        assert!(matches!(Reference::parse("-"), Err(ReferenceError::Tag(_))));
    }
}
