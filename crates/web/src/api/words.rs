//! The closed sets of words that the API reads and writes, each an enum: the OpenAPI document lists what the code can
//! say, since both are made from it.

use access::{
    rights::PersonalAccess,
    role::{Action, Role},
    scope::{Permission, Scopes},
};
use registry::Act;
use serde::{Deserialize, Serialize, de::IntoDeserializer};
use utoipa::ToSchema;

/// What a credential is: a user's password, or a token of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CredentialKind {
    User,
    Personal,
    Service,
}

/// Whose a token is: a user's, or a namespace's or the instance's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TokenKind {
    Personal,
    Service,
}

/// `account` mirrors the token's user, `scoped` is limited by the token's scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TokenAccess {
    Account,
    Scoped,
}

/// Whether somebody disabled a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TokenStatus {
    Enabled,
    Disabled,
}

/// The scopes of a token in a word: `pull` or `pull-push` on everything that it may reach, else `custom`; `account`
/// where it mirrors its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Permission)]
pub(super) enum PermissionWord {
    Pull,
    PullPush,
    Custom,
    Account,
}

/// The short form for one scope over everything that a token may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ShortPermission {
    Pull,
    PullPush,
}

/// `private`, or `public`: anyone may pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Visibility {
    Private,
    Public,
}

/// `reader` pulls, `writer` also pushes, `admin` also deletes and manages the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Role)]
pub(super) enum RoleWord {
    Reader,
    Writer,
    Admin,
}

/// Whether a member is a user or a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MemberKind {
    Users,
    Teams,
}

/// What a scope is about: repositories, or the list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScopeType {
    Repository,
    Registry,
}

/// What a scope allows: `list` with type `registry`, the others with type `repository`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScopeAction {
    Pull,
    Push,
    Delete,
    List,
}

/// What a scope is to allow: with type `repository` `pull`, `push` (which needs `pull`) and `delete` (or `admin`, which
/// is the same); with type `registry` `list` (or `*`, which is the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(
    dead_code,
    reason = "utoipa reads the words; `access` parses them, and tells of every wrong one at once"
)]
pub(super) enum AskedAction {
    Pull,
    Push,
    Delete,
    Admin,
    List,
    #[serde(rename = "*")]
    Every,
}

/// What a token would do to a repository; `admin` is the same as `delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ExplainedAction {
    Pull,
    Push,
    Delete,
    Admin,
}

/// What is done to several tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Act)]
pub(super) enum ActWord {
    Disable,
    Enable,
    Delete,
}

impl From<PersonalAccess> for TokenAccess {
    fn from(access: PersonalAccess) -> Self {
        match access {
            PersonalAccess::Account => Self::Account,
            PersonalAccess::Scoped => Self::Scoped,
        }
    }
}

impl TokenStatus {
    pub(super) const fn of(is_enabled: bool) -> Self {
        if is_enabled { Self::Enabled } else { Self::Disabled }
    }

    pub(super) const fn is_enabled(self) -> bool {
        matches!(self, Self::Enabled)
    }
}

impl MemberKind {
    /// The word that a path has.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let word: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
        Self::deserialize(word).ok()
    }
}

impl PermissionWord {
    /// The word for the scopes of a token that does not mirror its user.
    pub(super) fn of(scopes: &Scopes) -> Self {
        match scopes.permission() {
            Some(Permission::Pull) => Self::Pull,
            Some(Permission::PullPush) => Self::PullPush,
            None => Self::Custom,
        }
    }
}

impl From<ShortPermission> for Permission {
    fn from(word: ShortPermission) -> Self {
        match word {
            ShortPermission::Pull => Self::Pull,
            ShortPermission::PullPush => Self::PullPush,
        }
    }
}

impl Visibility {
    pub(super) const fn of(is_public: bool) -> Self {
        if is_public { Self::Public } else { Self::Private }
    }

    pub(super) const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }
}

impl From<Role> for RoleWord {
    fn from(role: Role) -> Self {
        match role {
            Role::Reader => Self::Reader,
            Role::Writer => Self::Writer,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Reader => Self::Reader,
            RoleWord::Writer => Self::Writer,
            RoleWord::Admin => Self::Admin,
        }
    }
}

impl From<registry::MemberKind> for MemberKind {
    fn from(kind: registry::MemberKind) -> Self {
        match kind {
            registry::MemberKind::User => Self::Users,
            registry::MemberKind::Team => Self::Teams,
        }
    }
}

impl From<Action> for ScopeAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Pull => Self::Pull,
            Action::Push => Self::Push,
            Action::Delete => Self::Delete,
        }
    }
}

impl From<ExplainedAction> for Action {
    fn from(word: ExplainedAction) -> Self {
        match word {
            ExplainedAction::Pull => Self::Pull,
            ExplainedAction::Push => Self::Push,
            ExplainedAction::Delete | ExplainedAction::Admin => Self::Delete,
        }
    }
}

impl From<ActWord> for Act {
    fn from(word: ActWord) -> Self {
        match word {
            ActWord::Disable => Self::Disable,
            ActWord::Enable => Self::Enable,
            ActWord::Delete => Self::Delete,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use access::scope::ScopeInput;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;

    fn listed<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        schema["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    }

    /// The document lists exactly the words that `all` are written as.
    fn check_written<T: PartialSchema + Serialize>(all: impl IntoIterator<Item = T>) {
        let written: Vec<Value> = all.into_iter().map(|one| serde_json::to_value(one).unwrap()).collect();
        assert_eq!(json!(listed::<T>()), json!(written));
    }

    /// Every word that the document lists is read, and means what the rules call by that name.
    fn check_read<T: PartialSchema + DeserializeOwned>(means: impl Fn(T) -> String) {
        for word in listed::<T>() {
            assert_eq!(means(serde_json::from_value(json!(word)).unwrap()), word);
        }
        assert!(serde_json::from_value::<T>(json!("else")).is_err());
    }

    #[test]
    fn the_document_lists_what_the_rules_can_say() {
        check_written(Role::ALL.map(RoleWord::from));
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(RoleWord::from(role)).unwrap(), role.as_str());
        }
        check_written(Action::ALL.map(ScopeAction::from).into_iter().chain([ScopeAction::List]));
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(ScopeAction::from(action)).unwrap(), action.as_str());
        }
        check_written([PersonalAccess::Account, PersonalAccess::Scoped].map(TokenAccess::from));
        check_written([true, false].map(TokenStatus::of));
        let members = [registry::MemberKind::User, registry::MemberKind::Team];
        check_written(members.map(MemberKind::from));
        for kind in members {
            assert_eq!(MemberKind::parse(&kind.to_string()), Some(kind.into()));
        }
        assert_eq!(MemberKind::parse("robots"), None);
        check_written([false, true].map(Visibility::of));
    }

    #[test]
    fn the_document_lists_what_requests_may_say() {
        check_read(|word: RoleWord| Role::from(word).as_str().to_owned());
        check_read(|word: ShortPermission| {
            let shown = PermissionWord::of(&Scopes::from(Permission::from(word)));
            serde_json::to_value(shown).unwrap().as_str().unwrap().to_owned()
        });
        check_read(|word: Visibility| if word.is_public() { "public" } else { "private" }.to_owned());
        check_read(|word: TokenStatus| if word.is_enabled() { "enabled" } else { "disabled" }.to_owned());
        check_read(|word: ActWord| format!("{:?}", Act::from(word)).to_lowercase());
        for (word, action) in
            listed::<ExplainedAction>().into_iter().zip(Action::ALL.into_iter().chain([Action::Delete]))
        {
            let read: ExplainedAction = serde_json::from_value(json!(word)).unwrap();
            assert_eq!(Action::from(read), action, "{word}");
        }
    }

    #[test]
    fn the_document_lists_the_types_and_actions_that_a_scope_may_have() {
        let is_taken = |kind: &str, action: &str| {
            let mut actions = vec![action.to_owned()];
            // Push needs pull.
            if action == "push" {
                actions.push("pull".to_owned());
            }
            let path = (kind == "repository").then(|| "*".to_owned());
            Scopes::parse(&[ScopeInput { kind: kind.to_owned(), path, actions }], None).is_ok()
        };
        let (kinds, actions) = (listed::<ScopeType>(), listed::<AskedAction>());
        for kind in &kinds {
            assert!(actions.iter().any(|action| is_taken(kind, action)), "{kind}");
        }
        for action in &actions {
            assert!(kinds.iter().any(|kind| is_taken(kind, action)), "{action}");
        }
        for other in ["else", "", "Pull", "write", "catalog"] {
            assert!(!is_taken(other, "pull") && !kinds.iter().any(|kind| is_taken(kind, other)), "{other}");
        }
    }
}
