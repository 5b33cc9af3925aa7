//! Who manages what (rule 9).

use super::*;

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
        (scoped("root", &["pull,push,delete *", "list"]), ["denied", "denied", "denied", "denied"]),
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
fn a_token_is_told_that_it_manages_nothing_only_where_that_gives_nothing_away() {
    let name = || NamespaceName::parse("acme").unwrap();
    let nothing = ("denied", "token acme/ci manages nothing; log in as a user");
    let nothing_of_alice = ("denied", "token \"phone\" of user alice manages nothing; log in as a user");
    let unseen = ("unseen", "namespace acme does not exist, or token acme/ci has no role in it");
    for (principal, target, expect) in [
        (service(&[]), private(None), nothing),
        (service(&["pull,push,delete *"]), public(), nothing),
        (service(&["list"]), made_again(false), unseen),
        (service(&["list"]), made_again(true), unseen),
        (service(&["list"]), ABSENT, unseen),
        (instance(&["list"]), private(None), ("unseen", "namespace acme does not exist")),
        // Whether there is one or not, and whatever its user is there.
        (scoped("alice", &["list"]), private(Some(Role::Admin)), nothing_of_alice),
        (scoped("alice", &["list"]), private(None), nothing_of_alice),
        (scoped("alice", &["list"]), ABSENT, nothing_of_alice),
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
        Need::ChangeUser(root()),
        Need::ChangeOwnPassword(root()),
        Need::SeePersonalTokens(root()),
        Need::NewPersonalToken(root()),
    ] {
        check_basic(&need, person("root"), ABSENT, ("go", ""));
        check(&need, person("root"), ABSENT, &bearer("repository:acme/api:*"), ("too narrow", ""));
    }
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
    for (principal, administer, accounts, [see, change, password, tokens, new_token]) in [
        (person("alice"), no_admin, no_admin, [go, go, go, go, go]),
        (person("al"), no_admin, no_admin, [unseen; 5]),
        (person("root"), go, go, [go, go, old_one, go, go]),
        // Rule 9: with a stolen token nothing that would outlive its theft.
        (account("alice"), no_admin, no_admin, [go, by_password, old_one, go, by_password]),
        (account("al"), no_admin, no_admin, [unseen; 5]),
        (account("root"), go, by_password, [go, by_password, old_one, go, by_password]),
        (scoped("alice", &["pull *"]), no_admin, no_admin, [unseen; 5]),
        (scoped("root", &["pull *"]), no_admin, no_admin, [unseen; 5]),
        (service(&["pull *"]), no_admin, no_admin, [unseen; 5]),
        (instance(&["pull *"]), no_admin, no_admin, [unseen; 5]),
        (Principal::Anonymous, ("log in", ""), ("log in", ""), [("log in", ""); 5]),
    ] {
        for (need, expect) in [
            (Need::Administer, administer),
            (Need::AdministerAccounts, accounts),
            (Need::SeeUser(alice()), see),
            (Need::ChangeUser(alice()), change),
            (Need::ChangeOwnPassword(alice()), password),
            (Need::SeePersonalTokens(alice()), tokens),
            (Need::NewPersonalToken(alice()), new_token),
        ] {
            check_basic(&need, principal.clone(), Target::Nothing, expect);
        }
    }
}
