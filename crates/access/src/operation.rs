//! What any face of Sealock can be asked to do, and the right that each takes.
//!
//! `need` has no `_` arm, so a new operation does not compile until somebody has said what it takes.

use oci::{Call, NamespaceName, Reference, RepositoryName, Tag};

use crate::{
    id::TokenId,
    name::{TeamName, Username},
    role::Action,
};

/// One thing a caller asks for, whichever face it came through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A `/v2/` request.
    Oci(Call),
    /// Who am I, with which credential.
    WhoAmI,
    /// The namespaces that the caller may see.
    ListNamespaces,
    /// Make a namespace.
    CreateNamespace,
    /// Look at a namespace.
    ShowNamespace(NamespaceName),
    /// Change a namespace's visibility.
    EditNamespace(NamespaceName),
    /// Remove a namespace with its tokens, and with its repositories where that is said.
    DeleteNamespace(NamespaceName),
    /// Who has which role in a namespace.
    ListMembers(NamespaceName),
    /// Give a user or a team a role in a namespace.
    SetMember(NamespaceName),
    /// Take the role of a user or a team in a namespace away.
    RemoveMember(NamespaceName),
    /// Everybody's accounts.
    ListUsers,
    /// Make a user.
    CreateUser,
    /// Look at a user.
    ShowUser(Username),
    /// Change a user in some way; setting their password, `is_admin` or `is_active` is decided on by itself once it is
    /// known that it is that.
    EditUser(Username),
    /// Change one's own password, with the one that it replaces.
    ChangePassword(Username),
    /// Remove a user.
    DeleteUser(Username),
    /// All teams.
    ListTeams,
    /// Make a team.
    CreateTeam,
    /// Look at a team and its users.
    ShowTeam(TeamName),
    /// Give a team another name.
    RenameTeam(TeamName),
    /// Remove a team, with what its users had through it.
    DeleteTeam(TeamName),
    /// Put a user into a team.
    AddToTeam(TeamName),
    /// Take a user out of a team.
    RemoveFromTeam(TeamName),
    /// The settings of the instance.
    ShowSettings,
    /// Change settings of the instance.
    EditSettings,
    /// The service tokens of a namespace.
    ListTokens(NamespaceName),
    /// Make a service token in a namespace.
    CreateToken(NamespaceName),
    /// Look at one token.
    ShowToken(TokenId),
    /// Change what may be changed of a token, its status included.
    EditToken(TokenId),
    /// Give a token a new secret.
    ResetToken(TokenId),
    /// End a token for good.
    DeleteToken(TokenId),
    /// Give a token one more scope.
    AddScope(TokenId),
    /// Take one scope, or all of them, from a token.
    RemoveScopes(TokenId),
    /// The living secrets of a token.
    ListSecrets(TokenId),
    /// End one secret of a token.
    EndSecret(TokenId),
    /// What a token may do to a repository, and by which rule.
    ExplainToken(TokenId),
    /// Disable, enable or delete several tokens; each is decided on by itself once it is known which.
    ActOnTokens,
    /// The personal tokens of a user.
    ListPersonalTokens(Username),
    /// Make a personal token.
    CreatePersonalToken(Username),
    /// The service tokens of the instance.
    ListInstanceTokens,
    /// Make a service token of the instance.
    CreateInstanceToken,
    /// Disable every service token of a namespace.
    DisableTokens(NamespaceName),
    /// The console sessions of a user.
    ListSessions(Username),
    /// End a console session of a user.
    EndSession(Username),
    /// Disable every personal token of a user and end what was made with their password.
    EndAll(Username),
    /// The living tokens that a token created.
    ListCreated(TokenId),
    /// End every living token that a token created; the use case checks the right to manage for each of them.
    EndCreated(TokenId),
    /// How often a token was used, day by day.
    ShowActivity(TokenId),
    /// The repositories of one namespace. Those of all are `Oci(Catalog)`, whichever face asks.
    ListRepositories(NamespaceName),
    /// Look at a repository.
    ShowRepository(RepositoryName),
    /// The manifests of a repository.
    ListManifests(RepositoryName),
    /// Remove a repository with everything in it.
    DeleteRepository(RepositoryName),
    /// Everybody's audit.
    ShowAudit,
    /// What happened in a namespace.
    ShowNamespaceAudit(NamespaceName),
    /// What a user did, and what was done to them.
    ShowUserAudit(Username),
    /// What happened to a token, and what was done with it.
    ShowTokenAudit(TokenId),
}

/// The right that an operation takes. It names its target, so that `policy::decide` needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Being somebody: any principal but anonymous.
    Identity,
    /// Being a user, or a personal token that mirrors one: the lists of what a person may see.
    Person,
    /// An action on a repository.
    Repository {
        /// The repository, which may not exist yet.
        repository: RepositoryName,
        /// What is to be done there.
        action: Action,
        /// For a manifest pushed under a tag: that tag.
        tag: Option<Tag>,
    },
    /// The names of repositories (`_catalog`).
    Catalog,
    /// The names of the repositories of one namespace.
    ListRepositories(NamespaceName),
    /// Making a namespace, of any name that is free.
    NewNamespace,
    /// Seeing a namespace: any role in it.
    SeeNamespace(NamespaceName),
    /// Managing a namespace's tokens, members and settings: the role `admin` (rule 9).
    ManageNamespace(NamespaceName),
    /// Managing one token: what its owner asks for (rule 9).
    ManageToken(TokenId),
    /// Making one token worth more to whoever holds it: a new secret, enabled again, a later end, other scopes.
    /// Managing, with the exception that rule 9 makes for personal tokens.
    StrengthenToken(TokenId),
    /// Reading the history of a token, living or ended: whoever may manage it, or might have.
    SeeTokenHistory(TokenId),
    /// Administering the instance: teams, settings, instance tokens, everybody's audit.
    Administer,
    /// Making users, setting anybody's password, changing `is_admin` or `is_active`: an administrator who gave their
    /// password, since a stolen token must not outlive its theft (rule 9).
    AdministerAccounts,
    /// Looking at a user: that user, and administrators.
    SeeUser(Username),
    /// Changing a user in any way at all: that user, and administrators, by password (rule 9).
    ChangeUser(Username),
    /// Changing one's own password, with the old one: that user, by password (rule 9).
    ChangeOwnPassword(Username),
    /// Looking at a user's personal tokens: that user, and administrators.
    SeePersonalTokens(Username),
    /// Making a personal token: that user, and administrators for others; not with a personal token as long as
    /// tokens have no children (rule 8).
    NewPersonalToken(Username),
}

impl Operation {
    /// The right that this operation takes.
    pub fn need(&self) -> Need {
        match self {
            Self::Oci(call) => call_need(call),
            Self::WhoAmI => Need::Identity,
            // Each of the tokens acted on is decided on by itself.
            Self::ListNamespaces | Self::ActOnTokens => Need::Person,
            Self::CreateNamespace => Need::NewNamespace,
            Self::ShowNamespace(namespace) => Need::SeeNamespace(namespace.clone()),
            Self::ListTokens(namespace)
            | Self::CreateToken(namespace)
            | Self::DisableTokens(namespace)
            | Self::EditNamespace(namespace)
            | Self::DeleteNamespace(namespace)
            | Self::ListMembers(namespace)
            | Self::SetMember(namespace)
            | Self::RemoveMember(namespace)
            | Self::ShowNamespaceAudit(namespace) => Need::ManageNamespace(namespace.clone()),
            Self::ListTeams | Self::CreateTeam | Self::ShowTeam(_) | Self::RenameTeam(_) => Need::Administer,
            Self::DeleteTeam(_) | Self::AddToTeam(_) | Self::RemoveFromTeam(_) => Need::Administer,
            Self::ListUsers | Self::ShowSettings | Self::EditSettings | Self::ShowAudit => Need::Administer,
            Self::ListInstanceTokens | Self::CreateInstanceToken => Need::Administer,
            // Deleting takes more than `is_active` away, so it asks for no less than that does (rule 9).
            Self::CreateUser | Self::DeleteUser(_) => Need::AdministerAccounts,
            // Decided once more, where it is known what changes.
            Self::EditUser(username) => Need::ChangeUser(username.clone()),
            // Ending a session takes something away, which whoever sees it may (rule 9).
            Self::ShowUser(username)
            | Self::ShowUserAudit(username)
            | Self::ListSessions(username)
            | Self::EndSession(username) => Need::SeeUser(username.clone()),
            Self::ChangePassword(username) => Need::ChangeOwnPassword(username.clone()),
            // An edit that turns out to strengthen is decided once more, where it is known what it changes. Rights only
            // add up, so taking a scope away makes a token weaker, and ending a secret does too.
            Self::ShowToken(token) | Self::EditToken(token) | Self::DeleteToken(token) => {
                Need::ManageToken(*token)
            }
            Self::RemoveScopes(token) | Self::ListSecrets(token) | Self::EndSecret(token) => {
                Need::ManageToken(*token)
            }
            Self::ExplainToken(token) | Self::ShowActivity(token) => Need::ManageToken(*token),
            Self::ResetToken(token) | Self::AddScope(token) => Need::StrengthenToken(*token),
            Self::ShowTokenAudit(token) | Self::ListCreated(token) | Self::EndCreated(token) => {
                Need::SeeTokenHistory(*token)
            }
            Self::ListPersonalTokens(name) | Self::EndAll(name) => Need::SeePersonalTokens(name.clone()),
            Self::CreatePersonalToken(username) => Need::NewPersonalToken(username.clone()),
            Self::ListRepositories(namespace) => Need::ListRepositories(namespace.clone()),
            // What `/v2/` would let the caller do, the API does too: the same rights on the same repository.
            Self::ShowRepository(repository) | Self::ListManifests(repository) => {
                Need::repository(repository, Action::Pull)
            }
            Self::DeleteRepository(repository) => Need::repository(repository, Action::Delete),
        }
    }
}

fn call_need(call: &Call) -> Need {
    match call {
        Call::Ping => Need::Identity,
        Call::Catalog => Need::Catalog,
        Call::PullManifest { repository, .. }
        | Call::PullBlob { repository, .. }
        | Call::ListTags { repository }
        | Call::ListReferrers { repository, .. } => Need::repository(repository, Action::Pull),
        Call::PushManifest { repository, reference } => Need::Repository {
            repository: repository.clone(),
            action: Action::Push,
            tag: match reference {
                Reference::Tag(tag) => Some(tag.clone()),
                Reference::Digest(_) => None,
            },
        },
        // Every upload call takes push, status and cancelling included (DESIGN §3.1): a session belongs to a pusher.
        Call::StartUpload { repository }
        | Call::AppendUpload { repository, .. }
        | Call::FinishUpload { repository, .. }
        | Call::UploadStatus { repository, .. }
        | Call::CancelUpload { repository, .. } => Need::repository(repository, Action::Push),
        Call::DeleteManifest { repository, .. } | Call::DeleteBlob { repository, .. } => {
            Need::repository(repository, Action::Delete)
        }
    }
}

impl Need {
    /// The need for `action` on `repository`, where no tag is concerned.
    pub fn repository(repository: &RepositoryName, action: Action) -> Self {
        Self::Repository { repository: repository.clone(), action, tag: None }
    }

    /// The one scope that the challenge of RFC 6750 §3 names, so that a client knows which bearer to fetch.
    /// `None` where no bearer could help or none is needed.
    pub fn challenge_scope(&self) -> Option<String> {
        match self {
            Self::Repository { repository, action, .. } => {
                // Docker clients keep one bearer for a whole push: pull is asked along with it.
                let actions = match action {
                    Action::Pull => "pull",
                    Action::Push => "pull,push",
                    Action::Delete => "delete",
                };
                Some(format!("repository:{repository}:{actions}"))
            }
            Self::Catalog => Some("registry:catalog:*".to_owned()),
            Self::Identity
            | Self::Person
            | Self::ListRepositories(_)
            | Self::NewNamespace
            | Self::SeeNamespace(_)
            | Self::ManageNamespace(_)
            | Self::ManageToken(_)
            | Self::StrengthenToken(_)
            | Self::SeeTokenHistory(_)
            | Self::Administer
            | Self::AdministerAccounts
            | Self::SeeUser(_)
            | Self::ChangeUser(_)
            | Self::ChangeOwnPassword(_)
            | Self::SeePersonalTokens(_)
            | Self::NewPersonalToken(_) => None,
        }
    }
}
