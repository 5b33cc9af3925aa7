//! `policy::decide` against a second, slower telling of DESIGN §2 and §3.1, written from the text and not from the
//! code. It knows worlds of plain words; only `real` turns them into the types of the crate.
//!
//! With `CI` set it runs 120,000 worlds, else 4,000; `PROPTEST_CASES` sets any other number.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod many_worlds;
mod real;
mod rules;
mod world;

use std::{cell::RefCell, collections::BTreeMap};

use many_worlds::any_world;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use real::the_real_one;
use rules::{Verdict, model};
use world::{Ask, Factor, Home, Kind, World};

/// 100,000 and more where it counts (issue 4), few at a developer's desk.
fn config() -> Config {
    let default = Config::default();
    let cases = match (std::env::var_os("PROPTEST_CASES"), std::env::var_os("CI")) {
        (Some(_), _) => default.cases,
        (None, Some(_)) => 120_000,
        (None, None) => 4_000,
    };
    Config { cases, failure_persistence: None, ..default }
}

#[test]
fn decide_says_what_the_rules_say_with_and_without_each_factor() {
    let verdicts = RefCell::new(BTreeMap::<Verdict, u32>::new());
    let decisive = RefCell::new(BTreeMap::<Factor, u32>::new());
    let told = TestRunner::new(config()).run(&any_world(), |world| {
        let before = the_real_one(&world);
        prop_assert_eq!(before, model(&world));
        *verdicts.borrow_mut().entry(before).or_default() += 1;
        for factor in Factor::ALL {
            let less = factor.taken_from(&world);
            let after = the_real_one(&less);
            prop_assert_eq!(after, model(&less), "without {:?}: {:?}", factor, less);
            // Whatever is taken away, nothing is allowed that was not before.
            prop_assert!(after != Verdict::Go || before == Verdict::Go, "{:?} widens", factor);
            if before == Verdict::Go && after != Verdict::Go {
                *decisive.borrow_mut().entry(factor).or_default() += 1;
            }
        }
        Ok(())
    });
    told.unwrap_or_else(|error| panic!("{error}"));
    // The worlds were worth it: each verdict fell, and on each factor alone a yes hung at some time.
    assert_eq!(verdicts.borrow().len(), 6, "{verdicts:?}");
    assert_eq!(decisive.borrow().len(), Factor::ALL.len(), "{decisive:?}");
}

/// A world in which everything is on but public, and nobody is an instance administrator.
fn all_on(kind: Kind, ask: Ask) -> World {
    World {
        ask,
        kind,
        is_admin: false,
        is_active: true,
        has_new_password: false,
        role: Some("admin"),
        is_enabled: true,
        expires_in: Some(1),
        is_deleted: false,
        secret_ends_in: Some(1),
        scopes: vec![("acme/*", vec!["pull", "push", "delete"])],
        may_list: true,
        allowed_addresses: vec!["10.1.0.0/16"],
        home: Home::Here,
        home_owner_is_active: true,
        repository: "acme/api",
        namespace_exists: true,
        is_public: false,
        users_make_namespaces: false,
        from: Some("10.1.2.3"),
        bearer: None,
    }
}

#[test]
fn each_factor_alone_stops_whoever_lives_from_it() {
    use Factor as F;
    let of_tokens =
        [F::Status, F::Expiry, F::Deletion, F::SecretEnded, F::Grace, F::AllowedAddress, F::KnownAddress];
    let with = |others: &[Factor]| [&of_tokens, others].concat();
    for (kind, stopping) in [
        (Kind::Person, vec![F::Deactivation, F::Password, F::Role, F::NamespaceDeleted, F::BearerAccess]),
        (
            Kind::Service,
            with(&[F::HomeOwner, F::Scopes, F::NamespaceMadeAgain, F::NamespaceDeleted, F::BearerAccess]),
        ),
        (Kind::Instance, with(&[F::Scopes, F::NamespaceDeleted, F::BearerAccess])),
        (Kind::Account, with(&[F::Deactivation, F::Role, F::NamespaceDeleted, F::BearerAccess])),
        (Kind::Scoped, with(&[F::Deactivation, F::Scopes, F::Role, F::NamespaceDeleted, F::BearerAccess])),
    ] {
        for action in ["pull", "push", "delete"] {
            let world = all_on(kind, Ask::Repository(action));
            assert_eq!(the_real_one(&world), Verdict::Go, "{world:?}");
            for factor in Factor::ALL {
                let stopped = the_real_one(&factor.taken_from(&world)) != Verdict::Go;
                assert_eq!(stopped, stopping.contains(&factor), "{kind:?} {action} without {factor:?}");
            }
        }
    }
}
