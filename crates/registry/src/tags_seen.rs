//! Which tags a manifest had when somebody was asked whether it shall go with them: compared in the transaction that
//! deletes it, so that no tag goes that nobody was asked about.

use access::id::ManifestId;
use oci::Digest;
use sha2::{Digest as _, Sha256};
use storage::{
    db::{DbError, Query},
    tags,
};

use crate::{Registry, content::ContentError, grant::Grant, pull::PullManifest};

/// How many tags are read at a time: each has 128 characters at most.
const READ_AT_ONCE: i64 = 1_000;

/// The tags of a manifest, as the SHA-256 of their names in order: a form carries all of them, however many they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagsSeen(Digest);

impl TagsSeen {
    /// What a form carried; `None` where it is none that [`Registry::tags_seen`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        Digest::parse(text).ok().map(Self)
    }

    /// The tags of the manifest as they are now.
    pub(crate) async fn now(q: &impl Query, manifest: ManifestId) -> Result<Self, DbError> {
        let mut hash = Sha256::new();
        let mut after = String::new();
        loop {
            let names = tags::of_manifest(q, manifest, &after, READ_AT_ONCE).await?;
            // No tag holds a line's end, so no two sets of tags are one text.
            hash = names.iter().fold(hash, |hash, name| hash.chain_update(name).chain_update("\n"));
            match names.into_iter().next_back() {
                Some(last) => after = last,
                None => return Ok(Self(Digest::from_sha256(&hash.finalize().into()))),
            }
        }
    }
}

impl std::fmt::Display for TagsSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Registry {
    /// The tags that the manifest has now. Asked for before the tags that are named to somebody: one that comes in
    /// between is named then and not among these, so that the deletion asks again rather than takes one unnamed.
    pub async fn tags_seen(&self, grant: &Grant<PullManifest>) -> Result<TagsSeen, ContentError> {
        let manifest = self.find_manifest(grant).await?.id;
        Ok(TagsSeen::now(&self.db, manifest).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_says_which_tags_were_seen() {
        let digest = Digest::from_sha256(&[7; 32]);
        assert_eq!(TagsSeen::parse(digest.as_str()).map(|seen| seen.to_string()), Some(digest.to_string()));
        for text in ["", "1.0", "sha256:", "none"] {
            assert_eq!(TagsSeen::parse(text), None, "{text}");
        }
    }
}
