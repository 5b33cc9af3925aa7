//! What was just done to tokens: a line in the list that one is led back to. The address says it in a word of a closed
//! set, so no address makes the page say anything else.

use axum::response::Response;
use maud::{Markup, html};
use registry::Act;

use super::wording::StatusWords;
use crate::console::{address, see};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Outcome {
    /// A token was edited.
    Updated,
    /// One token was acted on.
    One(Act),
    /// Several were, together.
    Several(Act),
    /// Every token of the namespace was disabled at one stroke.
    EveryDisabled,
}

impl Outcome {
    const EACH: [(Self, &str); 8] = [
        (Self::Updated, "updated"),
        (Self::One(Act::Disable), "disabled"),
        (Self::One(Act::Enable), "enabled"),
        (Self::One(Act::Delete), "deleted"),
        (Self::Several(Act::Disable), "several-disabled"),
        (Self::Several(Act::Enable), "several-enabled"),
        (Self::Several(Act::Delete), "several-deleted"),
        (Self::EveryDisabled, "every-disabled"),
    ];

    /// What an act on this many tokens came to.
    pub(super) fn of(act: Act, count: usize) -> Self {
        if count == 1 { Self::One(act) } else { Self::Several(act) }
    }

    /// What a word of an address says; nothing where it is none of ours.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|(_, known)| *known == word).map(|(outcome, _)| outcome)
    }

    /// To the list at `address`, as it was looked at, which says this.
    pub(in crate::console) fn told_at(self, address: &str) -> Response {
        let word = Self::EACH.into_iter().find(|(outcome, _)| *outcome == self).map_or("", |(_, word)| word);
        see(&address::with(address, &[("done", word)]))
    }

    /// The line, in the words of the list's kind of token.
    pub(super) fn notice(self, words: &StatusWords) -> Markup {
        html! {
            .notice.good role="status" {
                p {
                    @match self {
                        Self::Updated => "The token was updated.",
                        Self::One(act) => { "The token was " (words.done(act)) "." }
                        Self::Several(act) => { "The selected tokens were " (words.done(act)) "." }
                        Self::EveryDisabled => "Every token here is disabled."
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_word_that_leads_back_to_it() {
        for (outcome, word) in Outcome::EACH {
            assert_eq!(Outcome::parse(word), Some(outcome));
            for (list, mark) in [("/tokens", '?'), ("/tokens?q=ci", '&')] {
                let led = outcome.told_at(list);
                assert_eq!(led.headers()["location"], format!("{list}{mark}done={word}"));
            }
        }
    }

    #[test]
    fn no_other_word_says_anything() {
        for word in ["", "Disabled", "several-", "several-updated", "created", "<b>"] {
            assert_eq!(Outcome::parse(word), None, "{word}");
        }
    }
}
