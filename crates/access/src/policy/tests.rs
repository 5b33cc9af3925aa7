#![allow(clippy::unwrap_used, clippy::expect_used)]
use oci::{NamespaceName, RepositoryName};

use super::*;
use crate::{
    allowed_addresses::AllowedAddresses,
    bearer::{BearerAccess, Requested},
    expiry::Expiry,
    id::{NamespaceId, SecretId, TokenId, UserId},
    name::Username,
    rights::{Namespace, TargetToken},
    scope::{ScopeInput, Scopes},
    seeded::Seeded,
    time::Length,
};

mod allowed_addresses;
mod managing;

const NOW: Instant = Instant::from_millis(1_795_000_000_000); // 2026-11-18
const DAY: Length = Length::days(1);

fn id<T>(seed: u64, mint: impl Fn(Instant, &Seeded) -> T) -> T {
    mint(NOW, &Seeded::new(seed))
}

fn acme() -> NamespaceId {
    id(1, |now, random| NamespaceId::mint(now, random))
}

fn user_id(name: &str) -> UserId {
    id(name.len() as u64, |now, random| UserId::mint(now, random))
}

fn user(name: &str) -> User {
    let username = Username::parse(name).unwrap();
    User { id: user_id(name), username, is_admin: name == "root", is_active: true, is_current: true }
}

/// Scopes from texts such as `pull,push acme/*`; `list` is the one of type `registry`.
fn scopes(texts: &[&str]) -> Scopes {
    let read = |text: &&str| match text.split_once(' ') {
        None => ScopeInput { kind: "registry".into(), path: None, actions: vec!["list".into()] },
        Some((actions, path)) => ScopeInput {
            kind: "repository".into(),
            path: Some(path.into()),
            actions: actions.split(',').map(str::to_owned).collect(),
        },
    };
    Scopes::parse(&texts.iter().map(read).collect::<Vec<_>>(), None).unwrap().0
}

fn token(name: &str, owner: Owner, texts: &[&str]) -> Token {
    Token {
        id: id(7, |now, random| TokenId::mint(now, random)),
        name: name.to_owned(),
        owner,
        is_enabled: true,
        expiry: Expiry::Never,
        ended: None,
        secret: id(8, |now, random| SecretId::mint(now, random)),
        secret_ends: None,
        scopes: scopes(texts),
        allowed_addresses: AllowedAddresses::default(),
    }
}

fn service(texts: &[&str]) -> Principal {
    Principal::Token(service_token(texts))
}

fn service_token(texts: &[&str]) -> Token {
    let name = Some(NamespaceName::parse("acme").unwrap());
    token("ci", Owner::Namespace { id: acme(), name, stopped_with: None }, texts)
}

fn instance(texts: &[&str]) -> Principal {
    Principal::Token(token("all", Owner::Instance, texts))
}

fn account(name: &str) -> Principal {
    Principal::Token(personal_token(name))
}

fn personal_token(name: &str) -> Token {
    token("laptop", Owner::User { user: user(name), access: PersonalAccess::Account }, &[])
}

fn scoped(name: &str, texts: &[&str]) -> Principal {
    Principal::Token(token("phone", Owner::User { user: user(name), access: PersonalAccess::Scoped }, texts))
}

fn person(name: &str) -> Principal {
    Principal::User(user(name))
}

fn namespace(is_public: bool, role: Option<Role>) -> Namespace {
    Namespace { id: acme(), name: NamespaceName::parse("acme").unwrap(), is_public, role, repository: None }
}

fn private(role: Option<Role>) -> Target {
    Target::Namespace(Some(namespace(false, role)))
}

fn public() -> Target {
    Target::Namespace(Some(namespace(true, None)))
}

/// Another namespace by the same name, made after the first was deleted.
fn made_again(is_public: bool) -> Target {
    let id = id(99, |now, random| NamespaceId::mint(now, random));
    Target::Namespace(Some(Namespace { id, ..namespace(is_public, None) }))
}

const ABSENT: Target = Target::Namespace(None);

/// A token as the target: of the namespace with that role of the principal's user, of that user, or of the instance.
fn target(namespace: Option<Namespace>, user: Option<&str>) -> Target {
    let id = id(50, |now, random| TokenId::mint(now, random));
    Target::Token(Some(TargetToken { id, namespace, user: user.map(user_id) }))
}

fn on(action: Action) -> Need {
    Need::repository(&RepositoryName::parse("acme/api").unwrap(), action)
}

fn bearer(scope: &str) -> Access {
    Access::Only(Requested::parse([scope]).unwrap().access().clone())
}

/// A decision in a word, and what it says to a person.
fn told(decision: Decision) -> (&'static str, String) {
    match decision {
        Decision::Allowed(rule) => ("go", format!("{rule:?}")),
        Decision::Ended(reason) => ("ended", reason),
        Decision::SignIn => ("log in", String::new()),
        Decision::BearerTooNarrow => ("too narrow", String::new()),
        Decision::Denied(reason) => ("denied", reason),
        Decision::Unseen(reason) => ("unseen", reason),
    }
}

fn check(need: &Need, principal: Principal, target: Target, bearer: &Access, expect: (&str, &str)) {
    let rights = Rights { principal, target, users_make_namespaces: false };
    let (word, reason) = told(decide(need, &rights, bearer, None, NOW));
    assert!(
        word == expect.0 && reason.contains(expect.1),
        "{need:?}\n{rights:?}\n{word}: {reason}\n{expect:?}"
    );
}

fn check_basic(need: &Need, principal: Principal, target: Target, expect: (&str, &str)) {
    check(need, principal, target, &Access::unlimited(), expect);
}

#[test]
fn each_row_of_the_answers_table_of_v2_has_its_decision() {
    let nothing = Access::Only(BearerAccess::default());
    let pull_only = bearer("repository:acme/api:pull");
    let elsewhere = bearer("repository:acme/web:pull,push,delete");
    let ci = || service(&["pull,push acme/api"]);
    let no_push = "token acme/ci has no scope with push for acme/api";
    let no_cover = "acme/api does not exist, or token acme/ci has no scope that covers it";
    for (principal, target, bearer, action, expect) in [
        // No credential, or an anonymous bearer, and anonymous may not.
        (Principal::Anonymous, private(None), Access::unlimited(), Action::Pull, ("log in", "")),
        (Principal::Anonymous, ABSENT, Access::unlimited(), Action::Pull, ("log in", "")),
        (Principal::Anonymous, public(), Access::unlimited(), Action::Push, ("log in", "")),
        (Principal::Anonymous, private(None), nothing.clone(), Action::Pull, ("log in", "")),
        // Need in R and in B.
        (Principal::Anonymous, public(), Access::unlimited(), Action::Pull, ("go", "PublicNamespace")),
        (Principal::Anonymous, public(), pull_only.clone(), Action::Pull, ("go", "PublicNamespace")),
        (ci(), private(None), Access::unlimited(), Action::Push, ("go", "pull and push on acme/api")),
        (ci(), private(None), pull_only.clone(), Action::Pull, ("go", "Scope")),
        // Need in R, not in B.
        (Principal::Anonymous, public(), nothing.clone(), Action::Pull, ("too narrow", "")),
        (ci(), private(None), pull_only.clone(), Action::Push, ("too narrow", "")),
        (ci(), private(None), elsewhere.clone(), Action::Push, ("too narrow", "")),
        (ci(), private(None), nothing.clone(), Action::Pull, ("too narrow", "")),
        // Need not in R, the principal may pull: denied, whatever the bearer says.
        (service(&["pull *"]), private(None), Access::unlimited(), Action::Push, ("denied", no_push)),
        (service(&["pull *"]), private(None), nothing, Action::Push, ("denied", no_push)),
        (service(&[]), public(), Access::unlimited(), Action::Push, ("denied", no_push)),
        // Need not in R, and the principal may not pull: as if it were absent.
        (service(&["pull acme/web"]), private(None), Access::unlimited(), Action::Pull, ("unseen", no_cover)),
        (service(&["pull acme/web"]), private(None), elsewhere, Action::Push, ("unseen", no_cover)),
        (ci(), ABSENT, pull_only, Action::Pull, ("unseen", no_cover)),
    ] {
        check(&on(action), principal, target, &bearer, expect);
    }
}

#[test]
fn a_dead_credential_is_refused_with_its_reason_before_anything_else() {
    let with = |change: fn(&mut Token)| {
        let mut token = service_token(&["pull,push,delete *"]);
        change(&mut token);
        Principal::Token(token)
    };
    let of_user = |change: fn(&mut User)| {
        let mut user = user("alice");
        change(&mut user);
        user
    };
    let personal =
        |user| Principal::Token(token("laptop", Owner::User { user, access: PersonalAccess::Account }, &[]));
    for (principal, reason) in [
        (
            with(|token| token.is_enabled = false),
            "token acme/ci is disabled; an administrator of acme can enable it",
        ),
        (
            with(|token| token.expiry = Expiry::At(NOW)),
            "token acme/ci expired on 2026-11-18; an administrator of acme",
        ),
        (
            with(|token| token.ended = Some((NOW.minus(DAY), "deleted".to_owned()))),
            "token acme/ci was deleted on 2026-11-17; an administrator of acme can make a new one",
        ),
        (
            with(|token| token.secret_ends = Some((NOW, "reset".to_owned()))),
            "this secret of token acme/ci was ended by a reset on 2026-11-18; use the newer one",
        ),
        (
            with(|token| token.owner = Owner::Namespace { id: acme(), name: None, stopped_with: None }),
            "token ci is stopped: its namespace was deleted",
        ),
        (
            with(|token| match &mut token.owner {
                Owner::Namespace { stopped_with, .. } => {
                    *stopped_with = Some(Username::parse("alice").unwrap())
                }
                other => panic!("{other:?}"),
            }),
            "token acme/ci is stopped: user alice, whose namespace it is of, is deactivated",
        ),
        (
            with(|token| token.owner = Owner::FormerUser),
            "token \"ci\" of a deleted user is stopped: its user was deleted",
        ),
        (
            Principal::User(of_user(|user| user.is_active = false)),
            "user alice is deactivated; an administrator can activate the account",
        ),
        (
            Principal::User(of_user(|user| user.is_current = false)),
            "this login of user alice was ended; log in again",
        ),
        (
            personal(of_user(|user| user.is_active = false)),
            "token \"laptop\" of user alice is stopped: its user is deactivated",
        ),
    ] {
        // Not even what anonymous may: a dead credential is never downgraded.
        check_basic(&on(Action::Pull), principal.clone(), public(), ("ended", reason));
        check_basic(&Need::Identity, principal.clone(), Target::Nothing, ("ended", reason));
        check(&on(Action::Push), principal, ABSENT, &bearer(""), ("ended", reason));
    }
}

#[test]
fn a_credential_lives_until_the_very_instant_of_its_end() {
    let later = NOW.plus(Length::milliseconds(1));
    let mut token = service_token(&["pull *"]);
    token.expiry = Expiry::At(later);
    token.secret_ends = Some((later, "reset".to_owned()));
    check_basic(&on(Action::Pull), Principal::Token(token), private(None), ("go", "Scope"));
}

#[test]
fn the_reason_is_what_ended_a_token_first() {
    let (week_ago, yesterday) = (NOW.minus(Length::days(7)), NOW.minus(DAY));
    for (expired, ended, says) in [
        (yesterday, (week_ago, "deleted"), "was deleted on 2026-11-11"),
        // What the sweeper leaves: its tombstone bears the instant of the expiry.
        (yesterday, (yesterday, "expired"), "token acme/ci expired on 2026-11-17"),
    ] {
        let mut token = service_token(&["pull *"]);
        token.expiry = Expiry::At(expired);
        token.ended = Some((ended.0, ended.1.to_owned()));
        check_basic(&Need::Identity, Principal::Token(token), Target::Nothing, ("ended", says));
    }
}

#[test]
fn a_password_changed_leaves_tokens_alone() {
    let mut owner = user("alice");
    owner.is_current = false;
    let token = token("laptop", Owner::User { user: owner, access: PersonalAccess::Account }, &[]);
    check_basic(&Need::Identity, Principal::Token(token), Target::Nothing, ("go", ""));
}

#[test]
fn what_may_be_done_to_a_repository_is_the_role_the_scopes_or_both() {
    let (reader, writer, admin) = (Some(Role::Reader), Some(Role::Writer), Some(Role::Admin));
    let all = ["pull,push,delete *"];
    let (go, denied, unseen) = (("go", ""), ("denied", ""), ("unseen", ""));
    for (principal, target, [pull, push, delete]) in [
        (person("alice"), private(None), [unseen, unseen, unseen]),
        (person("alice"), private(reader), [go, ("denied", "no role that allows push"), denied]),
        (person("alice"), private(writer), [go, go, denied]),
        (person("alice"), private(admin), [go, go, go]),
        (person("alice"), public(), [go, denied, denied]),
        (person("alice"), ABSENT, [unseen, unseen, unseen]),
        (person("root"), private(None), [go, go, go]),
        (person("root"), ABSENT, [go, go, go]),
        (account("alice"), private(writer), [go, go, denied]),
        (account("alice"), private(None), [unseen, unseen, unseen]),
        (account("root"), ABSENT, [go, go, go]),
        // Rights of the user and of the scopes: neither adds to the other.
        (scoped("alice", &all), private(writer), [go, go, denied]),
        (scoped("alice", &["pull *"]), private(admin), [go, denied, denied]),
        (scoped("alice", &["pull acme/web"]), private(admin), [unseen, unseen, unseen]),
        (scoped("alice", &all), private(None), [unseen, unseen, unseen]),
        (scoped("alice", &[]), public(), [go, denied, denied]),
        (scoped("root", &all), private(None), [go, go, go]),
        // It would make the namespace, and a scoped token manages nothing.
        (scoped("root", &all), ABSENT, [unseen, unseen, unseen]),
        (service(&all), private(None), [go, go, go]),
        (service(&["pull,delete *"]), private(None), [go, denied, go]),
        (service(&["delete *"]), private(None), [unseen, unseen, go]),
        (service(&["list"]), private(None), [unseen, unseen, unseen]),
        (service(&all), ABSENT, [unseen, unseen, unseen]),
        (instance(&["pull acme/*"]), private(None), [go, denied, denied]),
        (instance(&["pull other/*"]), private(None), [unseen, unseen, unseen]),
        (instance(&all), ABSENT, [unseen, unseen, unseen]),
    ] {
        for (action, expect) in Action::ALL.into_iter().zip([pull, push, delete]) {
            check_basic(&on(action), principal.clone(), target.clone(), expect);
        }
    }
}

#[test]
fn a_namespace_made_again_owes_nothing_to_the_tokens_of_the_first() {
    let ci = || service(&["pull,push *"]);
    check_basic(&on(Action::Pull), ci(), made_again(false), ("unseen", ""));
    check_basic(&on(Action::Pull), ci(), made_again(true), ("go", "PublicNamespace"));
    check_basic(&on(Action::Push), ci(), made_again(true), ("denied", ""));
}

#[test]
fn repositories_are_listed_by_people_and_by_tokens_with_the_scope_for_it() {
    let pulls = || service(&["pull *"]);
    for (principal, expect) in [
        (Principal::Anonymous, ("log in", "")),
        (person("alice"), ("go", "")),
        (account("alice"), ("go", "")),
        (scoped("alice", &["pull *"]), ("denied", "scope of type registry")),
        (scoped("alice", &["list"]), ("go", "Scope")),
        (pulls(), ("denied", "token acme/ci has no scope of type registry")),
        (service(&["list"]), ("go", "Scope")),
        (instance(&["list"]), ("go", "Scope")),
    ] {
        check_basic(&Need::Catalog, principal, Target::Nothing, expect);
    }
    let lists = || service(&["list"]);
    check(&Need::Catalog, lists(), Target::Nothing, &bearer("registry:catalog:*"), ("go", ""));
    check(&Need::Catalog, lists(), Target::Nothing, &bearer("repository:acme/api:*"), ("too narrow", ""));
    check(&Need::Catalog, pulls(), Target::Nothing, &bearer("registry:catalog:*"), ("denied", ""));
}

#[test]
fn in_one_namespace_repositories_are_listed_by_those_who_may_pull_there_or_belong_to_it() {
    let need = Need::ListRepositories(NamespaceName::parse("acme").unwrap());
    let (unseen, denied) =
        (("unseen", "namespace acme does not exist"), ("denied", "scope of type registry"));
    for (principal, target, expect) in [
        (Principal::Anonymous, public(), ("log in", "")),
        (person("alice"), private(None), unseen),
        (person("alice"), private(Some(Role::Reader)), ("go", "Reader")),
        (person("alice"), public(), ("go", "PublicNamespace")),
        (person("alice"), ABSENT, unseen),
        (person("root"), private(None), ("go", "InstanceAdmin")),
        (person("root"), ABSENT, ("go", "InstanceAdmin")),
        (account("alice"), private(Some(Role::Reader)), ("go", "Reader")),
        (account("alice"), private(None), unseen),
        (scoped("alice", &["pull *"]), private(Some(Role::Admin)), denied),
        (scoped("alice", &["list"]), private(Some(Role::Reader)), ("go", "Reader")),
        (scoped("alice", &["list"]), private(None), unseen),
        (scoped("root", &["list"]), ABSENT, unseen),
        (service(&["pull,push,delete *"]), private(None), denied),
        (service(&["list"]), private(None), ("go", "Scope")),
        // Not even what anyone may pull from: the scope gives the names of its own namespace.
        (service(&["list"]), made_again(true), unseen),
        (service(&["list"]), ABSENT, unseen),
        (instance(&["list"]), private(None), ("go", "Scope")),
        (instance(&["pull *"]), private(None), denied),
    ] {
        check_basic(&need, principal, target, expect);
    }
}

#[test]
fn being_somebody_is_enough_to_ask_who_one_is() {
    for (principal, expect) in [
        (Principal::Anonymous, "log in"),
        (person("alice"), "go"),
        (account("alice"), "go"),
        (scoped("alice", &[]), "go"),
        (service(&[]), "go"),
        (instance(&[]), "go"),
    ] {
        check_basic(&Need::Identity, principal.clone(), Target::Nothing, (expect, ""));
        // `docker login` ends with it, on a bearer that was fetched for nothing.
        check(&Need::Identity, principal, Target::Nothing, &bearer(""), (expect, ""));
    }
}

#[test]
fn absent_and_forbidden_are_told_in_the_same_words() {
    for principal in
        [person("alice"), account("alice"), service(&["pull acme/web"]), scoped("alice", &["pull *"])]
    {
        let of = |need: &Need, target: Target| {
            decide(
                need,
                &Rights { principal: principal.clone(), target, users_make_namespaces: false },
                &Access::unlimited(),
                None,
                NOW,
            )
        };
        let name = NamespaceName::parse("acme").unwrap();
        for (need, forbidden) in [
            (on(Action::Pull), private(None)),
            (on(Action::Push), private(None)),
            // Not the service token's own, of which it knows.
            (Need::SeeNamespace(name.clone()), made_again(false)),
            (Need::ManageNamespace(name), made_again(false)),
        ] {
            assert_eq!(of(&need, ABSENT), of(&need, forbidden), "{need:?} {principal:?}");
        }
        let need = Need::ManageToken(id(50, |now, random| TokenId::mint(now, random)));
        let forbidden = of(&need, target(Some(namespace(false, None)), None));
        assert_eq!(of(&need, Target::Token(None)), forbidden, "{principal:?}");
    }
}
