//! The world in plain words, and one thing taken away from it. Nothing of the crate is used here.

/// What is asked for. Actions are words on purpose: nothing of the crate is used here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    WhoAmI,
    ListMine,
    Repository(&'static str),
    Catalog,
    ListHere,
    MakeNamespace,
    SeeNamespace,
    ManageNamespace,
    ManageToken(TokenOf),
    StrengthenToken(TokenOf),
    TokenHistory(TokenOf),
    Administer,
    AdministerAccounts,
    SeeUser(Whom),
    ChangeUser(Whom),
    ChangePassword(Whom),
    SeeTokensOf(Whom),
    MakeTokenFor(Whom),
}

/// Whose account it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The caller, or the user behind the caller's token.
    Oneself,
    Somebody,
}

/// Whose the token is that somebody wants to manage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenOf {
    Nobody,
    TheNamespace,
    TheInstance,
    TheCaller,
    AnotherUser,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Anonymous,
    Person,
    Service,
    Instance,
    Account,
    Scoped,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) ask: Ask,
    pub(crate) kind: Kind,
    // The user: the caller, or the owner of a personal token.
    pub(crate) is_admin: bool,
    pub(crate) is_active: bool,
    pub(crate) has_new_password: bool,
    /// In the namespace aimed at, direct or through a team.
    pub(crate) role: Option<&'static str>,
    // The token.
    pub(crate) is_enabled: bool,
    /// Milliseconds from now.
    pub(crate) expires_in: Option<i64>,
    pub(crate) is_deleted: bool,
    /// Milliseconds from now.
    pub(crate) secret_ends_in: Option<i64>,
    /// Of type `repository`: path and actions.
    pub(crate) scopes: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) may_list: bool,
    /// Networks in CIDR notation; none is anywhere.
    pub(crate) allowed_addresses: Vec<&'static str>,
    pub(crate) home: Home,
    /// Of the user whose own namespace the home is.
    pub(crate) home_owner_is_active: bool,
    // What it aims at.
    pub(crate) repository: &'static str,
    pub(crate) namespace_exists: bool,
    pub(crate) is_public: bool,
    /// The setting of the instance.
    pub(crate) users_make_namespaces: bool,
    /// Where the request comes from, where that is known.
    pub(crate) from: Option<&'static str>,
    /// The bearer's access, as the token protocol writes it; none is Basic.
    pub(crate) bearer: Option<Vec<&'static str>>,
}

/// Where a service token's own namespace is, seen from the one that is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Here,
    /// Another one; also one of the same name that was deleted before this one was made.
    Elsewhere,
    Deleted,
}

/// Everything that can be switched off alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Factor {
    Status,
    Expiry,
    Deletion,
    SecretEnded,
    Grace,
    Deactivation,
    HomeOwner,
    Password,
    Scopes,
    Listing,
    AllowedAddress,
    KnownAddress,
    Role,
    Admin,
    Setting,
    Visibility,
    NamespaceMadeAgain,
    NamespaceDeleted,
    BearerAccess,
}

impl Factor {
    pub(crate) const ALL: [Factor; 19] = [
        Self::Status,
        Self::Expiry,
        Self::Deletion,
        Self::SecretEnded,
        Self::Grace,
        Self::Deactivation,
        Self::HomeOwner,
        Self::Password,
        Self::Scopes,
        Self::Listing,
        Self::AllowedAddress,
        Self::KnownAddress,
        Self::Role,
        Self::Admin,
        Self::Setting,
        Self::Visibility,
        Self::NamespaceMadeAgain,
        Self::NamespaceDeleted,
        Self::BearerAccess,
    ];

    /// The same world without it.
    pub(crate) fn taken_from(self, world: &World) -> World {
        let mut less = world.clone();
        match self {
            Self::Status => less.is_enabled = false,
            Self::Expiry => less.expires_in = Some(0),
            Self::Deletion => less.is_deleted = true,
            Self::SecretEnded => less.secret_ends_in = Some(-60_000),
            // An old secret that lived on for a while: its last instant is over.
            Self::Grace => less.secret_ends_in = Some(0),
            Self::Deactivation => less.is_active = false,
            Self::HomeOwner => less.home_owner_is_active = false,
            Self::Password => less.has_new_password = true,
            Self::Scopes => less.scopes.clear(),
            Self::Listing => less.may_list = false,
            // A network that nobody of these worlds is in.
            Self::AllowedAddress => less.allowed_addresses = vec!["198.51.100.0/24"],
            Self::KnownAddress => less.from = None,
            Self::Role => less.role = None,
            Self::Admin => less.is_admin = false,
            Self::Setting => less.users_make_namespaces = false,
            Self::Visibility => less.is_public = false,
            Self::NamespaceMadeAgain if less.home == Home::Deleted => {}
            Self::NamespaceMadeAgain => less.home = Home::Elsewhere,
            Self::NamespaceDeleted => {
                less.home = Home::Deleted;
                less.namespace_exists = false;
            }
            Self::BearerAccess => less.bearer = Some(Vec::new()),
        }
        less
    }
}
