//! What whoever changes a tag or a manifest takes for granted, compared in the transaction that changes it.

use access::{operation::Need, role::Action, time::Instant};
use oci::{Digest, Reference, RepositoryName};
use storage::db::Tx;

use crate::{
    authorize::Refusal,
    content::{ContentError, Present},
    grant::{Ask, Grant},
    tags_seen::TagsSeen,
};

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
    /// Whether a reference that leads to `present` is as expected.
    fn is_met(&self, present: Option<&Digest>) -> bool {
        let leads_to = |named: &Named| present.is_some_and(|digest| named.has(digest));
        self.one_of.as_ref().is_none_or(leads_to) && !self.none_of.as_ref().is_some_and(leads_to)
    }

    /// Refuses unless `place`, which leads to `present`, is as expected. The error names what is there only if the
    /// caller may pull it: a token that may only push or delete must not learn digests.
    pub(crate) async fn check<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        place: (&RepositoryName, &Reference),
        present: Option<&Digest>,
        now: Instant,
    ) -> Result<(), ContentError> {
        if self.is_met(present) {
            return Ok(());
        }
        let (repository, reference) = (place.0.clone(), place.1.clone());
        let present = match grant.holds_for(tx, &Need::repository(&repository, Action::Pull), now).await {
            Ok(_) => present.map_or(Present::Nothing, |digest| Present::Manifest(digest.clone())),
            Err(Refusal::Storage(error)) => return Err(error.into()),
            Err(_) => Present::Hidden,
        };
        Err(ContentError::NotAsExpected { repository, reference, present })
    }
}

#[cfg(test)]
mod tests {
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
            let met = (expected.is_met(Some(&here)), expected.is_met(None));
            assert_eq!(met, (is_fine_there, is_fine_absent), "{expected:?}");
        }
    }
}
