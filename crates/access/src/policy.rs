//! The one place where it is decided whether something is allowed (DESIGN §2 rules 4, 7, 8, 9 and the table of §3.1).

use std::net::IpAddr;

use oci::RepositoryName;

use crate::{
    bearer::Access,
    name::Username,
    operation::Need,
    rights::{Owner, PersonalAccess, Principal, Rights, Rule, Target, Token, User},
    role::{Action, Role},
    time::Instant,
};

/// The answer to "may this principal do that, now?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes, and by which rule.
    Allowed(Rule),
    /// The credential is dead, or used from where it may not be; the reason is for its holder.
    Ended(String),
    /// Nobody logged in, and it takes somebody.
    SignIn,
    /// The principal may, but this bearer was fetched for less: fetching one again helps.
    BearerTooNarrow,
    /// The principal may not, and sees the target; the reason names principal, action, target and rule.
    Denied(String),
    /// The principal may not even know whether the target exists.
    Unseen(String),
}

/// What a principal may do right now, at the address `from`. Rule 7: the bearer says who, this says what.
pub fn decide(need: &Need, rights: &Rights, bearer: &Access, from: Option<IpAddr>, now: Instant) -> Decision {
    if let Some(reason) = ended(&rights.principal, now).or_else(|| out_of_place(&rights.principal, from)) {
        return Decision::Ended(reason);
    }
    match (allows(need, rights), covers(bearer, need)) {
        (Some(rule), true) => Decision::Allowed(rule),
        (Some(_), false) => Decision::BearerTooNarrow,
        // containerd and regctl begin anonymous and wait for a challenge: never 403 or 404 for them.
        (None, _) if rights.principal.is_anonymous() => Decision::SignIn,
        (None, _) => refusal(need, rights),
    }
}

/// Whether [`decide`] allows the need. It gives no reason for a refusal, because the reason costs more than the decision:
/// for requests that name many repositories.
pub fn is_allowed(need: &Need, rights: &Rights, bearer: &Access, from: Option<IpAddr>, now: Instant) -> bool {
    ended(&rights.principal, now).is_none()
        && out_of_place(&rights.principal, from).is_none()
        && covers(bearer, need)
        && allows(need, rights).is_some()
}

/// Why the credential no longer works at all, told to whoever holds it (rule 5, last lines).
fn ended(principal: &Principal, now: Instant) -> Option<String> {
    match principal {
        Principal::Anonymous => None,
        Principal::User(user) => user_ended(user),
        Principal::Token(token) => token_ended(token, now),
    }
}

fn user_ended(user: &User) -> Option<String> {
    if !user.is_active {
        return Some(format!(
            "user {} is deactivated; an administrator can activate the account",
            user.username
        ));
    }
    if !user.is_current {
        return Some(format!("this login of user {} was ended; log in again", user.username));
    }
    None
}

fn token_ended(token: &Token, now: Instant) -> Option<String> {
    if matches!(token.owner, Owner::FormerUser) {
        return Some(format!("{token} is stopped: its user was deleted"));
    }
    let way_out = way_out(token);
    let expired = token.expiry.instant().filter(|_| token.expiry.is_past(now));
    // Whichever came first ended it: the sweeper's tombstone of an expired token bears the instant of its expiry.
    if let Some((at, why)) =
        token.ended.as_ref().filter(|(at, _)| expired.is_none_or(|expired| *at < expired))
    {
        return Some(format!("{token} was {why} on {}; {way_out} can make a new one", at.day()));
    }
    if let Some(at) = expired {
        return Some(format!("{token} expired on {}; {way_out} can make a new one", at.day()));
    }
    if let Some((at, why)) = token.secret_ends.as_ref().filter(|(at, _)| *at <= now) {
        return Some(format!(
            "this secret of {token} was ended by a {why} on {}; use the newer one",
            at.day()
        ));
    }
    if !token.is_enabled {
        return Some(format!("{token} is disabled; {way_out} can enable it"));
    }
    match &token.owner {
        Owner::User { user, .. } if !user.is_active => {
            Some(format!("{token} is stopped: its user is deactivated"))
        }
        Owner::Namespace { name: None, .. } => Some(format!("{token} is stopped: its namespace was deleted")),
        Owner::Namespace { stopped_with: Some(user), .. } => {
            Some(format!("{token} is stopped: user {user}, whose namespace it is of, is deactivated"))
        }
        Owner::User { .. } | Owner::Namespace { .. } | Owner::Instance | Owner::FormerUser => None,
    }
}

/// Why a living token is of no use at this address. It is a bad credential there, never less than that: what anonymous
/// may is not for whoever stole it, and the reason is for whoever holds the secret.
fn out_of_place(principal: &Principal, from: Option<IpAddr>) -> Option<String> {
    let Principal::Token(token) = principal else { return None };
    if token.allowed_addresses.allow(from) {
        return None;
    }
    let place = from.map_or("an unknown address".to_owned(), |from| from.to_canonical().to_string());
    Some(format!(
        "{token} may not be used from {place}; its allowed addresses are {}; {} can change them",
        token.allowed_addresses,
        way_out(token)
    ))
}

fn way_out(token: &Token) -> String {
    match &token.owner {
        Owner::Namespace { name: Some(namespace), .. } => format!("an administrator of {namespace}"),
        Owner::Namespace { name: None, .. } | Owner::Instance | Owner::FormerUser => {
            "an instance administrator".to_owned()
        }
        Owner::User { user, .. } => format!("user {}", user.username),
    }
}

/// The rule that allows the need, if one does.
fn allows(need: &Need, rights: &Rights) -> Option<Rule> {
    match need {
        Need::Identity => (!rights.principal.is_anonymous()).then_some(Rule::Identity),
        Need::Person => manager(&rights.principal).map(|_| Rule::Identity),
        Need::Repository { repository, action, tag: _ } => rights.repository_rule(repository, *action),
        Need::Catalog => catalog_rule(&rights.principal),
        Need::ListRepositories(_) => catalog_rule(&rights.principal).and_then(|_| list_rule(rights)),
        Need::NewNamespace => instance_admin(rights).or_else(|| by_setting(rights)),
        Need::SeeNamespace(_) => role_rule(rights, Role::Reader),
        Need::ManageNamespace(_) => role_rule(rights, Role::Admin),
        Need::ManageToken(_) | Need::SeeTokenHistory(_) => manage_token_rule(rights),
        Need::StrengthenToken(_) => manage_token_rule(rights).filter(|_| may_strengthen(rights)),
        Need::Administer => instance_admin(rights),
        Need::AdministerAccounts => instance_admin(rights).filter(|_| gave_password(&rights.principal)),
        Need::SeeUser(username) | Need::SeePersonalTokens(username) => self_or_admin(rights, username),
        Need::ChangeOwnPassword(username) => {
            is_self(rights, username).filter(|_| gave_password(&rights.principal))
        }
        Need::ChangeUser(username) | Need::NewPersonalToken(username) => {
            self_or_admin(rights, username).filter(|_| gave_password(&rights.principal))
        }
    }
}

/// The user on whose behalf things may be managed (rule 9): a service or a `scoped` token manages nothing.
fn manager(principal: &Principal) -> Option<&User> {
    match principal {
        Principal::User(user) => Some(user),
        Principal::Token(Token { owner: Owner::User { user, access: PersonalAccess::Account }, .. }) => {
            Some(user)
        }
        Principal::Token(_) | Principal::Anonymous => None,
    }
}

fn instance_admin(rights: &Rights) -> Option<Rule> {
    manager(&rights.principal).filter(|user| user.is_admin).map(|_| Rule::InstanceAdmin)
}

/// The setting that lets every user make namespaces.
fn by_setting(rights: &Rights) -> Option<Rule> {
    manager(&rights.principal).filter(|_| rights.users_make_namespaces).map(|_| Rule::Identity)
}

/// Whether the principal is a user by their own password rather than through a token.
fn gave_password(principal: &Principal) -> bool {
    matches!(principal, Principal::User(_))
}

fn is_self(rights: &Rights, username: &Username) -> Option<Rule> {
    manager(&rights.principal).filter(|user| user.username == *username).map(|_| Rule::Identity)
}

fn self_or_admin(rights: &Rights, username: &Username) -> Option<Rule> {
    is_self(rights, username).or_else(|| instance_admin(rights))
}

/// Allowed to whoever has at least `role` in the namespace aimed at. An absent namespace has no roles, but an
/// instance administrator is told that it is absent rather than refused.
fn role_rule(rights: &Rights, role: Role) -> Option<Rule> {
    if let Some(rule) = instance_admin(rights) {
        return Some(rule);
    }
    manager(&rights.principal)?;
    let held = rights.namespace()?.role?;
    (held >= role).then_some(Rule::Role(held))
}

fn manage_token_rule(rights: &Rights) -> Option<Rule> {
    let Target::Token(Some(token)) = &rights.target else {
        return instance_admin(rights);
    };
    if token.namespace.is_some() {
        return role_rule(rights, Role::Admin);
    }
    let own = manager(&rights.principal).filter(|user| Some(user.id) == token.user);
    own.map(|_| Rule::Identity).or_else(|| instance_admin(rights))
}

/// Rule 9: a stolen personal token must not outlive its theft by making another one stronger. Its descendants,
/// which it may, do not exist yet.
fn may_strengthen(rights: &Rights) -> bool {
    match (&rights.principal, &rights.target) {
        (Principal::Token(_), Target::Token(Some(token))) => token.user.is_none(),
        (Principal::Token(_) | Principal::User(_) | Principal::Anonymous, _) => true,
    }
}

/// Rule 4, listing: a person sees what they may pull; a token needs the scope of type `registry`.
fn catalog_rule(principal: &Principal) -> Option<Rule> {
    match principal {
        Principal::Anonymous => None,
        Principal::User(_)
        | Principal::Token(Token { owner: Owner::User { access: PersonalAccess::Account, .. }, .. }) => {
            Some(Rule::Identity)
        }
        Principal::Token(token) => token.scopes.may_list().then(|| Rule::Scope("registry: list".to_owned())),
    }
}

/// Rule 4, listing, in one namespace: a person who may pull there, a service token that may list and is of there.
fn list_rule(rights: &Rights) -> Option<Rule> {
    let Some(namespace) = rights.namespace() else { return instance_admin(rights) };
    let by_scope = || Rule::Scope("registry: list".to_owned());
    match &rights.principal {
        Principal::Anonymous | Principal::Token(Token { owner: Owner::FormerUser, .. }) => None,
        Principal::Token(Token { owner: Owner::Namespace { id, .. }, .. }) => {
            (namespace.id == *id).then(by_scope)
        }
        Principal::Token(Token { owner: Owner::Instance, .. }) => Some(by_scope()),
        Principal::User(user) | Principal::Token(Token { owner: Owner::User { user, .. }, .. }) => {
            user.is_admin.then_some(Rule::InstanceAdmin).or_else(|| match namespace.role {
                Some(role) => Some(Rule::Role(role)),
                None => namespace.is_public.then_some(Rule::PublicNamespace),
            })
        }
    }
}

fn covers(bearer: &Access, need: &Need) -> bool {
    match need {
        Need::Repository { repository, action, .. } => bearer.covers(*action, repository),
        Need::Catalog => bearer.covers_catalog(),
        // "Who am I" asks for no access: `docker login` ends with it, on a bearer fetched for nothing.
        Need::Identity => true,
        // No scope of the token protocol stands for managing, so no bearer is ever fetched for it (rule 7).
        Need::Person
        | Need::ListRepositories(_)
        | Need::NewNamespace
        | Need::SeeNamespace(_)
        | Need::ManageNamespace(_)
        | Need::ManageToken(_)
        | Need::StrengthenToken(_)
        | Need::SeeTokenHistory(_)
        | Need::Administer
        | Need::AdministerAccounts
        | Need::SeeUser(_)
        | Need::ChangeUser(_)
        | Need::ChangeOwnPassword(_)
        | Need::SeePersonalTokens(_)
        | Need::NewPersonalToken(_) => matches!(bearer, Access::Unlimited),
    }
}

/// The last two rows of the table of §3.1, and their like for management (§3.3: what the caller may not see is 404).
fn refusal(need: &Need, rights: &Rights) -> Decision {
    let principal = &rights.principal;
    match need {
        Need::Repository { repository, action, .. } => repository_refusal(repository, *action, rights),
        Need::ListRepositories(namespace) if catalog_rule(principal).is_some() => {
            unseen_namespace(principal, namespace)
        }
        Need::Catalog | Need::ListRepositories(_) => {
            Decision::Denied(format!("{principal} has no scope of type registry, which listing takes"))
        }
        Need::Identity => Decision::SignIn,
        Need::Person => manages_nothing(principal),
        Need::NewNamespace => {
            Decision::Denied(format!("{principal} may not make namespaces; an instance administrator can"))
        }
        Need::SeeNamespace(_) | Need::ManageNamespace(_) if may_know_that_it_manages_nothing(rights) => {
            manages_nothing(principal)
        }
        Need::ManageNamespace(namespace) if role_rule(rights, Role::Reader).is_some() => Decision::Denied(
            format!("{principal} does not have the role admin in {namespace}, which managing it takes"),
        ),
        Need::SeeNamespace(namespace) | Need::ManageNamespace(namespace) => {
            unseen_namespace(principal, namespace)
        }
        Need::StrengthenToken(_) if manage_token_rule(rights).is_some() => {
            takes_a_password(principal, "reset, enable, lengthen or widen a personal token")
        }
        Need::ManageToken(_) | Need::StrengthenToken(_) | Need::SeeTokenHistory(_) => {
            Decision::Unseen(format!("there is no such token, or {principal} may not manage it"))
        }
        Need::AdministerAccounts if instance_admin(rights).is_some() => {
            takes_a_password(principal, "make or delete users or change passwords, is_admin or is_active")
        }
        Need::Administer | Need::AdministerAccounts => {
            Decision::Denied(format!("{principal} is no instance administrator, which this takes"))
        }
        Need::SeeUser(username)
        | Need::ChangeUser(username)
        | Need::ChangeOwnPassword(username)
        | Need::SeePersonalTokens(username)
        | Need::NewPersonalToken(username) => user_refusal(need, username, rights),
    }
}

fn repository_refusal(repository: &RepositoryName, action: Action, rights: &Rights) -> Decision {
    let principal = &rights.principal;
    if rights.repository_rule(repository, Action::Pull).is_some() {
        let why = lacking(principal, action);
        return Decision::Denied(format!("{principal} has no {why} for {repository}"));
    }
    let source = source(principal);
    Decision::Unseen(format!("{repository} does not exist, or {principal} has no {source} that covers it"))
}

/// Whoever sees the user is told what the need takes beyond that.
fn user_refusal(need: &Need, username: &Username, rights: &Rights) -> Decision {
    let principal = &rights.principal;
    let is_seen = self_or_admin(rights, username).is_some();
    match need {
        Need::ChangeUser(_) if is_seen => {
            takes_a_password(principal, "change passwords, is_admin or is_active")
        }
        Need::NewPersonalToken(_) if is_seen => takes_a_password(principal, "make personal tokens"),
        Need::ChangeOwnPassword(_) if is_seen => Decision::Denied(format!(
            "{principal} may not change the password of {username} like this; {username} can, logged in with the old one"
        )),
        _ => Decision::Unseen(format!("user {username} does not exist, or {principal} may not see them")),
    }
}

/// Whether it gives nothing away to say that the principal manages nothing (rule 9): to a service token in the
/// namespace that it belongs to, for that there is one is no news to it; to a `scoped` token whether there is one or not.
fn may_know_that_it_manages_nothing(rights: &Rights) -> bool {
    match (&rights.principal, rights.namespace()) {
        (Principal::Token(Token { owner: Owner::Namespace { id, .. }, .. }), Some(namespace)) => {
            namespace.id == *id
        }
        (Principal::Token(Token { owner: Owner::User { access: PersonalAccess::Scoped, .. }, .. }), _) => {
            true
        }
        _ => false,
    }
}

/// Rule 9: a service token, or a `scoped` personal one.
fn manages_nothing(principal: &Principal) -> Decision {
    Decision::Denied(format!("{principal} manages nothing; log in as a user"))
}

/// Rule 9: what would let a stolen token outlive its theft.
fn takes_a_password(principal: &Principal, what: &str) -> Decision {
    Decision::Denied(format!("{principal} may not {what}; log in with a password for that"))
}

fn unseen_namespace(principal: &Principal, namespace: &oci::NamespaceName) -> Decision {
    Decision::Unseen(format!("namespace {namespace} does not exist, or {principal} has no role in it"))
}

fn lacking(principal: &Principal, action: Action) -> String {
    match source(principal) {
        "role" => format!("role that allows {action}"),
        source => format!("{source} with {action}"),
    }
}

/// Where the principal's rights come from, in a word.
fn source(principal: &Principal) -> &'static str {
    match principal {
        Principal::Token(Token { owner: Owner::User { access: PersonalAccess::Account, .. }, .. })
        | Principal::User(_)
        | Principal::Anonymous => "role",
        Principal::Token(_) => "scope",
    }
}

#[cfg(test)]
mod tests;
