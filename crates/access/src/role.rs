//! Roles of members and the actions that rights are made of (DESIGN §1).

use serde::Serialize;

/// What somebody does to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Read manifests, blobs and tags.
    Pull,
    /// Write them.
    Push,
    /// Remove them; the console calls it "Admin (delete)".
    Delete,
}

impl Action {
    /// Every action, in the order in which they are written.
    pub const ALL: [Action; 3] = [Action::Pull, Action::Push, Action::Delete];

    /// The word of the protocol and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    /// Reads the word of the protocol; `None` for any other, which grants nothing.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Pull => 1,
            Self::Push => 2,
            Self::Delete => 4,
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of actions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Actions(u8);

impl Actions {
    /// No action.
    pub const NONE: Actions = Actions(0);
    /// `pull`.
    pub const PULL: Actions = Actions(1);
    /// `pull` and `push`.
    pub const PULL_PUSH: Actions = Actions(3);
    /// `pull`, `push` and `delete`.
    pub const ALL: Actions = Actions(7);

    /// Whether `action` is in the set.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// The actions that are in either set.
    pub const fn union(self, other: Actions) -> Self {
        Self(self.0 | other.0)
    }

    /// The actions that are in both sets.
    pub const fn intersection(self, other: Actions) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions in the order pull, push, delete.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.contains(*action))
    }

    /// Reads what `Display` writes, such as `pull,push` (the form that the database keeps); `None` if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.split(',').filter(|_| !text.is_empty());
        words.map(Action::parse).collect()
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | action.bit()))
    }
}

impl From<Action> for Actions {
    fn from(action: Action) -> Self {
        Self(action.bit())
    }
}

/// Comma-separated, in order: `pull,push`, the form of the token protocol's scopes.
impl std::fmt::Display for Actions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.iter().map(Action::as_str).collect::<Vec<_>>().join(","))
    }
}

impl std::fmt::Debug for Actions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// An array in order: `["pull","push"]`.
impl Serialize for Actions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// What a member is to a namespace. A higher role has every right of the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May pull.
    Reader,
    /// May pull and push.
    Writer,
    /// May pull, push and delete, and manage the namespace's tokens, members and settings.
    Admin,
}

/// The text is none of the roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is reader, writer or admin")]
pub struct UnknownRole;

impl Role {
    /// Every role, lowest first.
    pub const ALL: [Role; 3] = [Role::Reader, Role::Writer, Role::Admin];

    /// What the role allows on the namespace's repositories.
    pub const fn actions(self) -> Actions {
        match self {
            Self::Reader => Actions::PULL,
            Self::Writer => Actions::PULL_PUSH,
            Self::Admin => Actions::ALL,
        }
    }

    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }

    /// Reads the word of the API.
    pub fn parse(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }

    /// The number that the database keeps: 1 reader, 2 writer, 3 admin, so that the highest of several is their `MAX`.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Reader => 1,
            Self::Writer => 2,
            Self::Admin => 3,
        }
    }

    /// The role of a rank; `None` for any other number.
    pub fn from_rank(rank: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.rank() == rank)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_has_every_right_of_the_lower_ones() {
        for (lower, higher) in [(Role::Reader, Role::Writer), (Role::Writer, Role::Admin)] {
            assert!(lower < higher && lower.rank() < higher.rank());
            assert_eq!(lower.actions().intersection(higher.actions()), lower.actions());
            assert_ne!(lower.actions(), higher.actions());
        }
    }

    #[test]
    fn roles_are_read_back_from_their_word_and_rank() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
            assert_eq!(Role::from_rank(role.rank()), Some(role));
        }
        for text in ["", "Admin", "owner", "reader "] {
            assert_eq!(Role::parse(text), Err(UnknownRole), "{text:?}");
        }
        assert_eq!([Role::from_rank(0), Role::from_rank(4), Role::from_rank(-1)], [None; 3]);
    }

    #[test]
    fn sets_of_actions_are_written_in_order_and_read_back() {
        for bits in 0..=7 {
            let set = Actions(bits);
            assert_eq!(Actions::parse(&set.to_string()), Some(set));
            assert_eq!(set.iter().collect::<Actions>(), set);
        }
        assert_eq!(Actions::from_iter([Action::Delete, Action::Pull]).to_string(), "pull,delete");
        for text in [",", "pull,", "PULL", "admin", "*", "pull push"] {
            assert_eq!(Actions::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn sets_add_up_and_intersect() {
        let (pull, push) = (Actions::from(Action::Pull), Actions::from(Action::Push));
        assert_eq!(pull.union(push), Actions::PULL_PUSH);
        assert!(pull.intersection(push).is_empty());
        assert!(
            !push.contains(Action::Pull) && push.contains(Action::Push) && !push.contains(Action::Delete)
        );
    }
}
