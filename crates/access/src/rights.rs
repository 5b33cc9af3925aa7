//! The facts that a decision rests on: who the request turned out to be, and what it aims at.
//!
//! They are read from the primary database in one statement when the request starts, and again in the
//! transaction that makes a write visible (rule 7). Nothing here is kept between requests.

use oci::{NamespaceName, RepositoryName};

use crate::{
    allowed_addresses::AllowedAddresses,
    expiry::Expiry,
    id::{NamespaceId, RepositoryId, SecretId, TokenId, UserId},
    name::Username,
    role::{Action, Role},
    scope::Scopes,
    time::Instant,
    visible::escaped,
};

/// Everything `policy::decide` looks at, besides the need and the bearer.
#[derive(Debug, Clone)]
pub struct Rights {
    /// Who the request turned out to be.
    pub principal: Principal,
    /// What it aims at, as it is now.
    pub target: Target,
    /// The setting that lets users make namespaces (DESIGN §1, "user").
    pub users_make_namespaces: bool,
}

/// Whoever a request turned out to be.
#[derive(Debug, Clone)]
pub enum Principal {
    /// Nobody in particular.
    Anonymous,
    /// A person who gave their password.
    User(User),
    /// A token, service or personal.
    Token(Token),
}

/// A user, as far as rights go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The login name.
    pub username: Username,
    /// Whether this is an instance administrator.
    pub is_admin: bool,
    /// Whether the account may be used at all.
    pub is_active: bool,
    /// False where the password that this credential was made with has been changed since.
    pub is_current: bool,
}

/// A token, as far as rights go.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token's id.
    pub id: TokenId,
    /// Name of a service token, label of a personal one.
    pub name: String,
    /// Whose it is, and what that makes of it.
    pub owner: Owner,
    /// Whether somebody disabled it.
    pub is_enabled: bool,
    /// When it stops by itself.
    pub expiry: Expiry,
    /// When it was deleted or found expired, and why.
    pub ended: Option<(Instant, String)>,
    /// The secret that was presented.
    pub secret: SecretId,
    /// When that secret ends or ended, and why: a reset, with or without a grace.
    pub secret_ends: Option<(Instant, String)>,
    /// The token's scopes; empty for one that mirrors its user.
    pub scopes: Scopes,
    /// From where it may be used.
    pub allowed_addresses: AllowedAddresses,
}

/// Whose a token is.
#[derive(Debug, Clone)]
pub enum Owner {
    /// A service token of a namespace. The name is kept for messages only; `None` once the namespace is gone.
    Namespace {
        /// The id that its rights are bound to.
        id: NamespaceId,
        /// The namespace's present name.
        name: Option<NamespaceName>,
        /// The user whose own namespace it is, where they are deactivated: that stops its tokens.
        stopped_with: Option<Username>,
    },
    /// A service token of the instance: its scopes reach into every namespace.
    Instance,
    /// A personal token: at most what its user may.
    User {
        /// The owner, as they are now.
        user: User,
        /// What the token takes of the owner's rights.
        access: PersonalAccess,
    },
    /// A personal token whose user was deleted: it ended with them, and only its holder is told so.
    FormerUser,
}

/// What a personal token takes of its user's rights; fixed at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonalAccess {
    /// All of them, as they are at the time of use.
    Account,
    /// Those that its scopes allow too.
    Scoped,
}

/// What a need aims at, as the database has it now.
#[derive(Debug, Clone)]
pub enum Target {
    /// The need names nothing.
    Nothing,
    /// A namespace, or a repository in it; `None` where there is no such namespace.
    Namespace(Option<Namespace>),
    /// A living token; `None` where there is none, or it has ended.
    Token(Option<TargetToken>),
}

/// A namespace, and how the principal's user stands in it.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// The namespace's id.
    pub id: NamespaceId,
    /// Its name.
    pub name: NamespaceName,
    /// Whether anyone may pull from it.
    pub is_public: bool,
    /// The highest role of the principal's user, direct or through a team.
    pub role: Option<Role>,
    /// The repository that the need names, where it exists.
    pub repository: Option<RepositoryId>,
}

/// A token that somebody wants to manage.
#[derive(Debug, Clone)]
pub struct TargetToken {
    /// Its id.
    pub id: TokenId,
    /// The namespace that owns it; `None` for instance and personal tokens.
    pub namespace: Option<Namespace>,
    /// The user who owns it; `None` for service tokens.
    pub user: Option<UserId>,
}

impl Principal {
    /// The person behind the credential, if there is one: a user, or the owner of a personal token.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Anonymous => None,
            Self::User(user) => Some(user),
            Self::Token(Token { owner: Owner::User { user, .. }, .. }) => Some(user),
            Self::Token(_) => None,
        }
    }

    /// Whether nobody in particular asks.
    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }
}

/// How messages call it: `token acme/ci`, `user alice`.
impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("an anonymous caller"),
            Self::User(user) => write!(f, "user {}", user.username),
            Self::Token(token) => token.fmt(f),
        }
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Older rows may hold what no new name may.
        let name = escaped(&self.name);
        match &self.owner {
            Owner::Namespace { name: Some(namespace), .. } => write!(f, "token {namespace}/{name}"),
            Owner::Namespace { name: None, .. } | Owner::Instance => write!(f, "token {name}"),
            Owner::FormerUser => write!(f, "token \"{name}\" of a deleted user"),
            Owner::User { user, .. } => write!(f, "token \"{name}\" of user {}", user.username),
        }
    }
}

impl Token {
    /// The name that has to stand beside the secret when logging in (rule 5); `None` where it went with its user.
    pub fn login_name(&self) -> Option<&str> {
        match &self.owner {
            Owner::User { user, .. } => Some(user.username.as_str()),
            Owner::Namespace { .. } | Owner::Instance => Some(&self.name),
            Owner::FormerUser => None,
        }
    }
}

impl Token {
    /// What registry responses say before it is too late (rule 11): that the token expires within 7 days, and that
    /// the secret that was presented is an old one in its grace.
    pub fn warnings(&self, now: Instant) -> Vec<String> {
        let grace = self.secret_ends.as_ref().filter(|(at, _)| now < *at);
        let grace = grace.map(|(at, why)| {
            format!(
                "this secret of {self} was replaced by a {why} and ends on {}; use the newer one",
                at.day()
            )
        });
        self.expiry.warning(self, now).into_iter().chain(grace).collect()
    }
}

/// The rule that allowed something: what `explain` and the audit say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Anyone may pull from a public namespace.
    PublicNamespace,
    /// The user administers the instance.
    InstanceAdmin,
    /// The user's role in the namespace.
    Role(Role),
    /// A scope of the token, in words.
    Scope(String),
    /// Being somebody was enough.
    Identity,
}

/// In words: `its scope pull and push on acme/*`.
impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PublicNamespace => f.write_str("anyone may pull from a public namespace"),
            Self::InstanceAdmin => f.write_str("its user is an instance administrator"),
            Self::Role(role) => write!(f, "its user has the role {role}"),
            Self::Scope(scope) => write!(f, "its scope: {scope}"),
            Self::Identity => f.write_str("any credential will do"),
        }
    }
}

impl Rights {
    /// The namespace that the need aims at, if there is one.
    pub fn namespace(&self) -> Option<&Namespace> {
        match &self.target {
            Target::Namespace(namespace) => namespace.as_ref(),
            Target::Token(token) => token.as_ref().and_then(|token| token.namespace.as_ref()),
            Target::Nothing => None,
        }
    }

    /// The rule by which the principal may do `action` on `repository`, if one allows it.
    pub(crate) fn repository_rule(&self, repository: &RepositoryName, action: Action) -> Option<Rule> {
        let namespace = self.namespace();
        // Rule 4, last line: whatever the credential, nobody has less than anonymous.
        if action == Action::Pull && namespace.is_some_and(|namespace| namespace.is_public) {
            return Some(Rule::PublicNamespace);
        }
        match &self.principal {
            Principal::Anonymous => None,
            Principal::User(user) => user_rule(user, namespace, action),
            Principal::Token(token) => token_rule(token, namespace, repository, action),
        }
    }
}

fn user_rule(user: &User, namespace: Option<&Namespace>, action: Action) -> Option<Rule> {
    if user.is_admin {
        return Some(Rule::InstanceAdmin);
    }
    let role = namespace?.role?;
    role.actions().contains(action).then_some(Rule::Role(role))
}

fn token_rule(
    token: &Token,
    namespace: Option<&Namespace>,
    repository: &RepositoryName,
    action: Action,
) -> Option<Rule> {
    let scope = || token.scopes.allowing(action, repository).map(|scope| Rule::Scope(scope.to_string()));
    match &token.owner {
        // Bound to the id: a namespace deleted and made again under the same name is another one.
        Owner::Namespace { id, .. } => (namespace?.id == *id).then(scope).flatten(),
        Owner::Instance => namespace.and_then(|_| scope()),
        Owner::FormerUser => None,
        Owner::User { user, access: PersonalAccess::Account } => user_rule(user, namespace, action),
        // Where there is no namespace, an administrator's push would make one: managing, which a scoped token
        // does not (rule 9).
        Owner::User { user, access: PersonalAccess::Scoped } => {
            namespace.and_then(|namespace| user_rule(user, Some(namespace), action)).and_then(|_| scope())
        }
    }
}
