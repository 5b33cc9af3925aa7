//! What whoever changes a tag or a manifest takes for granted, compared in the transaction that changes it.

use oci::{Digest, Reference, RepositoryName};

use crate::{content::ContentError, tags_seen::TagsSeen};

/// Manifests that a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Whichever is there.
    Any,
    /// Those with one of these digests.
    These(Vec<Digest>),
}

impl Named {
    /// Whether `digest` is among them.
    pub fn has(&self, digest: &Digest) -> bool {
        match self {
            Self::Any => true,
            Self::These(digests) => digests.contains(digest),
        }
    }
}

/// What a tag or a digest has to lead to before a change. The default takes nothing for granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// It leads to one of these now.
    pub one_of: Option<Named>,
    /// It leads to none of these now; `Any`: to nothing at all, so that the change can only create.
    pub none_of: Option<Named>,
    /// The manifest has these tags now. Only a deletion of it asks: a push takes no tag from any other.
    pub tags: Option<TagsSeen>,
}

impl Expected {
    /// Refuses unless `reference`, which leads to `now`, is as expected.
    pub(crate) fn check(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        now: Option<&Digest>,
    ) -> Result<(), ContentError> {
        let leads_to = |named: &Named| now.is_some_and(|digest| named.has(digest));
        if self.one_of.as_ref().is_none_or(leads_to) && !self.none_of.as_ref().is_some_and(leads_to) {
            return Ok(());
        }
        Err(ContentError::NotAsExpected {
            repository: repository.clone(),
            reference: reference.clone(),
            now: now.cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_change_goes_on_only_where_all_is_as_expected() {
        let [here, other] = [Digest::from_sha256(&[1; 32]), Digest::from_sha256(&[2; 32])];
        let these = |digests: &[&Digest]| Some(Named::These(digests.iter().copied().cloned().collect()));
        let any = Some(Named::Any);
        for (one_of, none_of, is_fine_there, is_fine_absent) in [
            (None, None, true, true),
            (any.clone(), None, true, false),
            (these(&[&other, &here]), None, true, false),
            (these(&[&other]), None, false, false),
            (these(&[]), None, false, false),
            (None, any.clone(), false, true),
            (None, these(&[&other, &here]), false, true),
            (None, these(&[&other]), true, true),
            (None, these(&[]), true, true),
            (these(&[&here]), these(&[&other]), true, false),
            (any.clone(), any, false, false),
        ] {
            let expected = Expected { one_of, none_of, tags: None };
            let (repository, tag) =
                (RepositoryName::parse("acme/api").unwrap(), oci::Tag::parse("1.0").unwrap());
            let check = |now| expected.check(&repository, &Reference::Tag(tag.clone()), now).is_ok();
            assert_eq!((check(Some(&here)), check(None)), (is_fine_there, is_fine_absent), "{expected:?}");
        }
    }
}
