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
            "the password of user alice was changed; log in again",
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
fn only_people_and_their_account_tokens_manage() {
    let name = || NamespaceName::parse("acme").unwrap();
    let admin = || private(Some(Role::Admin));
    for (principal, [list, make, see, manage]) in [
        (Principal::Anonymous, ["log in", "log in", "log in", "log in"]),
        (person("alice"), ["go", "denied", "go", "go"]),
        (account("alice"), ["go", "denied", "go", "go"]),
        (person("root"), ["go", "go", "go", "go"]),
        (account("root"), ["go", "go", "go", "go"]),
        (scoped("root", &["pull,push,delete *", "list"]), ["denied", "denied", "unseen", "unseen"]),
        // Its own namespace, which it knows, and another one.
        (service(&["pull,push,delete *", "list"]), ["denied", "denied", "denied", "denied"]),
        (instance(&["pull,push,delete *", "list"]), ["denied", "denied", "unseen", "unseen"]),
    ] {
        check_basic(&Need::Person, principal.clone(), Target::Nothing, (list, ""));
        check_basic(&Need::NewNamespace, principal.clone(), ABSENT, (make, ""));
        check_basic(&Need::SeeNamespace(name()), principal.clone(), admin(), (see, ""));
        check_basic(&Need::ManageNamespace(name()), principal, admin(), (manage, ""));
    }
}

#[test]
fn a_service_token_is_told_that_it_manages_nothing_only_where_it_is_at_home() {
    let name = || NamespaceName::parse("acme").unwrap();
    let nothing = ("denied", "token acme/ci manages nothing; log in as a user");
    let unseen = ("unseen", "namespace acme does not exist, or token acme/ci has no role in it");
    for (principal, target, expect) in [
        (service(&[]), private(None), nothing),
        (service(&["pull,push,delete *"]), public(), nothing),
        (service(&["list"]), made_again(false), unseen),
        (service(&["list"]), made_again(true), unseen),
        (service(&["list"]), ABSENT, unseen),
        (instance(&["list"]), private(None), ("unseen", "namespace acme does not exist")),
        (scoped("alice", &["list"]), private(Some(Role::Admin)), ("unseen", "namespace acme does not exist")),
    ] {
        check_basic(&Need::SeeNamespace(name()), principal.clone(), target.clone(), expect);
        check_basic(&Need::ManageNamespace(name()), principal, target, expect);
    }
}

#[test]
fn where_the_setting_says_so_every_user_makes_namespaces_and_no_other_token_does() {
    for (principal, expect) in [
        (Principal::Anonymous, "log in"),
        (person("alice"), "go"),
        (account("alice"), "go"),
        (scoped("alice", &["pull,push *"]), "denied"),
        (service(&["pull,push *"]), "denied"),
        (instance(&["pull,push *"]), "denied"),
    ] {
        let rights = Rights { principal, target: ABSENT, users_make_namespaces: true };
        assert_eq!(
            told(decide(&Need::NewNamespace, &rights, &Access::unlimited(), None, NOW)).0,
            expect,
            "{rights:?}"
        );
    }
}

#[test]
fn a_namespace_is_seen_with_any_role_and_managed_with_admin() {
    let name = || NamespaceName::parse("acme").unwrap();
    let unseen = ("unseen", "namespace acme does not exist, or user alice has no role in it");
    let denied = ("denied", "user alice does not have the role admin in acme");
    let (go, alice) = (("go", ""), || person("alice"));
    for (target, see, manage) in [
        (ABSENT, unseen, unseen),
        (private(None), unseen, unseen),
        (public(), unseen, unseen),
        (private(Some(Role::Reader)), go, denied),
        (private(Some(Role::Writer)), go, denied),
        (private(Some(Role::Admin)), go, go),
    ] {
        check_basic(&Need::SeeNamespace(name()), alice(), target.clone(), see);
        check_basic(&Need::ManageNamespace(name()), alice(), target, manage);
    }
    // An instance administrator is told that it is absent, by whoever looks for it next.
    check_basic(&Need::SeeNamespace(name()), person("root"), ABSENT, go);
    check_basic(&Need::ManageNamespace(name()), person("root"), ABSENT, go);
}

#[test]
fn no_bearer_manages() {
    let root = || Username::parse("root").unwrap();
    let name = || NamespaceName::parse("acme").unwrap();
    for need in [
        Need::Person,
        Need::NewNamespace,
        Need::SeeNamespace(name()),
        Need::ManageNamespace(name()),
        Need::ManageToken(personal_token("alice").id),
        Need::StrengthenToken(personal_token("alice").id),
        Need::SeeTokenHistory(personal_token("alice").id),
        Need::ListRepositories(name()),
        Need::Administer,
        Need::AdministerAccounts,
        Need::SeeUser(root()),
        Need::ChangeOwnPassword(root()),
        Need::SeePersonalTokens(root()),
        Need::NewPersonalToken(root()),
    ] {
        check_basic(&need, person("root"), ABSENT, ("go", ""));
        check(&need, person("root"), ABSENT, &bearer("repository:acme/api:*"), ("too narrow", ""));
    }
}

/// A token as the target: of the namespace with that role of the principal's user, of that user, or of the instance.
fn target(namespace: Option<Namespace>, user: Option<&str>) -> Target {
    let id = id(50, |now, random| TokenId::mint(now, random));
    Target::Token(Some(TargetToken { id, namespace, user: user.map(user_id) }))
}

#[test]
fn a_token_is_managed_by_those_who_manage_its_owner() {
    let of_acme = |role| target(Some(namespace(false, role)), None);
    let (go, denied, unseen) =
        (("go", ""), ("denied", "log in with a password"), ("unseen", "there is no such token"));
    for (principal, target, manage, strengthen) in [
        (person("alice"), of_acme(None), unseen, unseen),
        (person("alice"), of_acme(Some(Role::Reader)), unseen, unseen),
        (person("alice"), of_acme(Some(Role::Writer)), unseen, unseen),
        (person("alice"), of_acme(Some(Role::Admin)), go, go),
        (person("root"), of_acme(None), go, go),
        (account("alice"), of_acme(Some(Role::Admin)), go, go),
        (scoped("alice", &["pull *"]), of_acme(Some(Role::Admin)), unseen, unseen),
        (service(&["pull,push,delete *"]), of_acme(None), unseen, unseen),
        // Of the instance: its administrators.
        (person("alice"), target(None, None), unseen, unseen),
        (person("root"), target(None, None), go, go),
        (account("root"), target(None, None), go, go),
        (instance(&["pull *"]), target(None, None), unseen, unseen),
        // Personal: the user and instance administrators; with a personal token nothing that would outlive a theft.
        (person("alice"), target(None, Some("alice")), go, go),
        (person("al"), target(None, Some("alice")), unseen, unseen),
        (person("root"), target(None, Some("alice")), go, go),
        (account("alice"), target(None, Some("alice")), go, denied),
        (account("root"), target(None, Some("alice")), go, denied),
        (account("al"), target(None, Some("alice")), unseen, unseen),
        (scoped("alice", &["pull *"]), target(None, Some("alice")), unseen, unseen),
        // Absent: an instance administrator is told so, nobody else learns anything.
        (person("alice"), Target::Token(None), unseen, unseen),
        (person("root"), Target::Token(None), go, go),
        (Principal::Anonymous, target(None, Some("alice")), ("log in", ""), ("log in", "")),
    ] {
        let token = id(50, |now, random| TokenId::mint(now, random));
        check_basic(&Need::ManageToken(token), principal.clone(), target.clone(), manage);
        check_basic(&Need::SeeTokenHistory(token), principal.clone(), target.clone(), manage);
        check_basic(&Need::StrengthenToken(token), principal, target, strengthen);
    }
}

#[test]
fn accounts_are_for_those_whose_they_are_and_for_administrators() {
    let alice = || Username::parse("alice").unwrap();
    let (go, unseen) = (("go", ""), ("unseen", "user alice does not exist, or"));
    let by_password = ("denied", "log in with a password");
    let old_one = ("denied", "alice can, logged in with the old one");
    let no_admin = ("denied", "is no instance administrator");
    for (principal, administer, accounts, [see, password, tokens, new_token]) in [
        (person("alice"), no_admin, no_admin, [go, go, go, go]),
        (person("al"), no_admin, no_admin, [unseen, unseen, unseen, unseen]),
        (person("root"), go, go, [go, old_one, go, go]),
        // Rule 9: with a stolen token nothing that would outlive its theft.
        (account("alice"), no_admin, no_admin, [go, old_one, go, by_password]),
        (account("al"), no_admin, no_admin, [unseen, unseen, unseen, unseen]),
        (account("root"), go, by_password, [go, old_one, go, by_password]),
        (scoped("alice", &["pull *"]), no_admin, no_admin, [unseen, unseen, unseen, unseen]),
        (scoped("root", &["pull *"]), no_admin, no_admin, [unseen, unseen, unseen, unseen]),
        (service(&["pull *"]), no_admin, no_admin, [unseen, unseen, unseen, unseen]),
        (instance(&["pull *"]), no_admin, no_admin, [unseen, unseen, unseen, unseen]),
        (Principal::Anonymous, ("log in", ""), ("log in", ""), [("log in", ""); 4]),
    ] {
        for (need, expect) in [
            (Need::Administer, administer),
            (Need::AdministerAccounts, accounts),
            (Need::SeeUser(alice()), see),
            (Need::ChangeOwnPassword(alice()), password),
            (Need::SeePersonalTokens(alice()), tokens),
            (Need::NewPersonalToken(alice()), new_token),
        ] {
            check_basic(&need, principal.clone(), Target::Nothing, expect);
        }
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
