//! Tags: OCI distribution 1.1, "Pulling manifests", `<reference>` as a tag.

use crate::error::Quoted;

/// Longest tag in characters: OCI distribution 1.1, "Pulling manifests".
pub const MAX_TAG_CHARACTERS: usize = 128;

/// A name that a repository gives to a manifest and may move: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// The text is not a tag; holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is not a tag; a tag has 1 to {MAX_TAG_CHARACTERS} characters of a-z A-Z 0-9 . _ - and begins with none of . -",
    Quoted(.0)
)]
pub struct TagError(String);

impl Tag {
    /// Reads a tag.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let begins_well = text.as_bytes().first().is_some_and(word);
        let goes_on_well = text.bytes().all(|byte| word(&byte) || byte == b'.' || byte == b'-');
        if begins_well && goes_on_well && text.len() <= MAX_TAG_CHARACTERS {
            Ok(Self(text.to_owned()))
        } else {
            Err(TagError(text.to_owned()))
        }
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn legal_tags_are_taken_as_they_are() {
        let longest = "x".repeat(128);
        for text in ["1", "latest", "_", "__", "V1.0-rc_2", "a..b", &longest] {
            assert_eq!(Tag::parse(text).map(|tag| tag.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let too_long = "x".repeat(129);
        for text in
            ["", ".", "..", "-a", ".a", "a b", "a/b", "a:b", "é", "a\0", "a\n", "a%41", "a+b", &too_long]
        {
            assert_eq!(Tag::parse(text), Err(TagError(text.to_owned())));
        }
    }

    #[test]
    fn the_message_names_the_text_and_the_rule() {
        let message = Tag::parse(".a").unwrap_err().to_string();
        assert!(message.starts_with("\".a\" is not a tag; a tag has 1 to 128 characters"), "{message}");
    }

    proptest! {
        #[test]
        fn a_legal_tag_reads_back(text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            let tag = Tag::parse(&text).unwrap();
            prop_assert_eq!(Tag::parse(&tag.to_string()), Ok(tag));
        }
    }
}
