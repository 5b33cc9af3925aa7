//! `policy::decide` against a second, slower telling of DESIGN §2 and §3.1, written from the text and not from the
//! code. It knows worlds of plain words; only `the_real_one` turns them into the types of the crate.
//!
//! With `CI` set it runs 120,000 worlds, else 4,000; `PROPTEST_CASES` sets any other number.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{cell::RefCell, collections::BTreeMap};

use access::{
    bearer::{Access, Requested},
    expiry::Expiry,
    id::{NamespaceId, SecretId, TokenId, UserId},
    name::Username,
    operation::Need,
    policy::{Decision, decide},
    randomness::Randomness,
    rights::{Namespace, Owner, PersonalAccess, Principal, Rights, Target, TargetToken, Token, User},
    role::{Action, Role},
    scope::{ScopeInput, Scopes},
    time::{Instant, Length},
};
use oci::{NamespaceName, RepositoryName};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

const NOW: Instant = Instant::from_millis(1_795_000_000_000);

// ---- The world, in plain words ----

/// What is asked for. Actions are words on purpose: nothing of the crate is used here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ask {
    WhoAmI,
    ListMine,
    Repository(&'static str),
    Catalog,
    MakeNamespace,
    SeeNamespace,
    ManageNamespace,
    ManageToken(TokenOf),
    StrengthenToken(TokenOf),
}

/// Whose the token is that somebody wants to manage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenOf {
    Nobody,
    TheNamespace,
    TheInstance,
    TheCaller,
    AnotherUser,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Anonymous,
    Person,
    Service,
    Instance,
    Account,
    Scoped,
}

#[derive(Debug, Clone)]
struct World {
    ask: Ask,
    kind: Kind,
    // The user: the caller, or the owner of a personal token.
    is_admin: bool,
    is_active: bool,
    has_new_password: bool,
    /// In the namespace aimed at, direct or through a team.
    role: Option<&'static str>,
    // The token.
    is_enabled: bool,
    /// Milliseconds from now.
    expires_in: Option<i64>,
    is_deleted: bool,
    /// Milliseconds from now.
    secret_ends_in: Option<i64>,
    /// Of type `repository`: path and actions.
    scopes: Vec<(&'static str, Vec<&'static str>)>,
    may_list: bool,
    home: Home,
    // What it aims at.
    repository: &'static str,
    namespace_exists: bool,
    is_public: bool,
    /// The bearer's access, as the token protocol writes it; none is Basic.
    bearer: Option<Vec<&'static str>>,
}

/// Where a service token's own namespace is, seen from the one that is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Here,
    /// Another one; also one of the same name that was deleted before this one was made.
    Elsewhere,
    Deleted,
}

// ---- The rules, told again ----

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Go,
    Ended,
    SignIn,
    TooNarrow,
    Denied,
    Unseen,
}

fn model(world: &World) -> Verdict {
    if is_dead(world) {
        return Verdict::Ended;
    }
    if in_rights(world, &world.ask) {
        return if in_bearer(world) { Verdict::Go } else { Verdict::TooNarrow };
    }
    if world.kind == Kind::Anonymous {
        return Verdict::SignIn;
    }
    let sees_it = match &world.ask {
        Ask::Repository(_) => in_rights(world, &Ask::Repository("pull")),
        // What names nothing that could be hidden gives nothing away.
        Ask::Catalog | Ask::WhoAmI | Ask::ListMine | Ask::MakeNamespace => true,
        Ask::SeeNamespace | Ask::ManageNamespace => in_rights(world, &Ask::SeeNamespace),
        Ask::ManageToken(_) => false,
        Ask::StrengthenToken(of) => in_rights(world, &Ask::ManageToken(*of)),
    };
    if sees_it { Verdict::Denied } else { Verdict::Unseen }
}

fn is_token(kind: Kind) -> bool {
    matches!(kind, Kind::Service | Kind::Instance | Kind::Account | Kind::Scoped)
}

fn is_personal(kind: Kind) -> bool {
    matches!(kind, Kind::Account | Kind::Scoped)
}

/// Rules 2, 3, 6, 7: expiry, status, deletion, reset; the user behind it; the namespace behind it.
fn is_dead(world: &World) -> bool {
    let over = |at: Option<i64>| at.is_some_and(|milliseconds| milliseconds <= 0);
    let user_gone = (world.kind == Kind::Person || is_personal(world.kind)) && !world.is_active;
    let password_gone = world.kind == Kind::Person && world.has_new_password;
    let token_gone =
        !world.is_enabled || over(world.expires_in) || world.is_deleted || over(world.secret_ends_in);
    let home_gone = world.kind == Kind::Service && world.home == Home::Deleted;
    user_gone || password_gone || home_gone || (is_token(world.kind) && token_gone)
}

/// R of the table in §3.1: what the principal may do now.
fn in_rights(world: &World, ask: &Ask) -> bool {
    // Rule 9: a user, or a token that works wherever the password works.
    let manages = matches!(world.kind, Kind::Person | Kind::Account);
    let is_admin = manages && world.is_admin;
    let has_role = manages && world.namespace_exists && world.role.is_some();
    let has_admin_role = has_role && world.role == Some("admin");
    match ask {
        Ask::WhoAmI => world.kind != Kind::Anonymous,
        Ask::ListMine => manages,
        Ask::Repository(action) => may_on_repository(world, action),
        Ask::Catalog => manages || (is_token(world.kind) && world.may_list),
        Ask::MakeNamespace => is_admin,
        Ask::SeeNamespace => is_admin || has_role,
        Ask::ManageNamespace => is_admin || has_admin_role,
        Ask::ManageToken(of) => match of {
            TokenOf::Nobody | TokenOf::TheInstance | TokenOf::AnotherUser => is_admin,
            TokenOf::TheNamespace => is_admin || has_admin_role,
            TokenOf::TheCaller => manages,
        },
        Ask::StrengthenToken(of) => {
            let is_personal_token = matches!(of, TokenOf::TheCaller | TokenOf::AnotherUser);
            let outlives_a_theft = is_personal_token && world.kind == Kind::Account;
            in_rights(world, &Ask::ManageToken(*of)) && !outlives_a_theft
        }
    }
}

fn may_on_repository(world: &World, action: &str) -> bool {
    let anyone = world.namespace_exists && world.is_public && action == "pull";
    let by_role = match world.role {
        None => false,
        Some(_) if action == "pull" => true,
        Some(role) if action == "push" => role != "reader",
        Some(role) => role == "admin",
    };
    let by_user = world.is_admin || (world.namespace_exists && by_role);
    let by_scope = world.scopes.iter().any(|(path, actions)| {
        actions.contains(&action) && fits(path.as_bytes(), world.repository.as_bytes())
    });
    let own = match world.kind {
        Kind::Anonymous => false,
        Kind::Person | Kind::Account => by_user,
        Kind::Service => world.namespace_exists && world.home == Home::Here && by_scope,
        Kind::Instance => world.namespace_exists && by_scope,
        // A push to where there is nothing makes a namespace; a scoped token manages nothing.
        Kind::Scoped => world.namespace_exists && by_user && by_scope,
    };
    anyone || own
}

/// Rule 4: `*` stands for any run of characters. As slow and as plain as can be.
fn fits(path: &[u8], name: &[u8]) -> bool {
    match path.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skipped| fits(rest, &name[skipped..])),
        Some((letter, rest)) => name.first() == Some(letter) && fits(rest, &name[1..]),
    }
}

/// B of the table in §3.1. Managing is in no scope of the token protocol.
fn in_bearer(world: &World) -> bool {
    let Some(bearer) = &world.bearer else { return true };
    match &world.ask {
        Ask::WhoAmI => true,
        Ask::Repository(action) => bearer.iter().any(|entry| {
            let mut parts = entry.split(':');
            parts.next() == Some("repository")
                && parts.next() == Some(world.repository)
                && parts.next().unwrap().split(',').any(|word| word == *action || word == "*")
        }),
        Ask::Catalog => bearer.contains(&"registry:catalog:*"),
        Ask::ListMine
        | Ask::MakeNamespace
        | Ask::SeeNamespace
        | Ask::ManageNamespace
        | Ask::ManageToken(_)
        | Ask::StrengthenToken(_) => false,
    }
}

// ---- One thing taken away ----

/// Everything that can be switched off alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Factor {
    Status,
    Expiry,
    Deletion,
    SecretEnded,
    Grace,
    Deactivation,
    Password,
    Scopes,
    Listing,
    Role,
    Admin,
    Visibility,
    NamespaceMadeAgain,
    NamespaceDeleted,
    BearerAccess,
}

impl Factor {
    const ALL: [Factor; 15] = [
        Self::Status,
        Self::Expiry,
        Self::Deletion,
        Self::SecretEnded,
        Self::Grace,
        Self::Deactivation,
        Self::Password,
        Self::Scopes,
        Self::Listing,
        Self::Role,
        Self::Admin,
        Self::Visibility,
        Self::NamespaceMadeAgain,
        Self::NamespaceDeleted,
        Self::BearerAccess,
    ];

    /// The same world without it.
    fn taken_from(self, world: &World) -> World {
        let mut less = world.clone();
        match self {
            Self::Status => less.is_enabled = false,
            Self::Expiry => less.expires_in = Some(0),
            Self::Deletion => less.is_deleted = true,
            Self::SecretEnded => less.secret_ends_in = Some(-60_000),
            // An old secret that lived on for a while: its last instant is over.
            Self::Grace => less.secret_ends_in = Some(0),
            Self::Deactivation => less.is_active = false,
            Self::Password => less.has_new_password = true,
            Self::Scopes => less.scopes.clear(),
            Self::Listing => less.may_list = false,
            Self::Role => less.role = None,
            Self::Admin => less.is_admin = false,
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

// ---- Many worlds ----

fn any_world() -> impl Strategy<Value = World> {
    // Mostly alive, else nearly every world would end at the first check.
    let alive = || prop::bool::weighted(0.9);
    let ends = || {
        let rarely = prop::sample::select(vec![1, 86_400_000, 0, -1]).prop_map(Some);
        prop_oneof![3 => Just(None), 1 => rarely]
    };
    let user = (any::<bool>(), alive(), alive(), any_role());
    let token = (alive(), ends(), alive(), ends(), any_scopes(), any::<bool>(), any_home());
    let target = (any_repository(), alive(), any::<bool>());
    let all = (any_ask(), any_kind(), user, token, target, any_bearer());
    all.prop_map(|(ask, kind, user, token, target, bearer)| {
        let (is_admin, is_active, has_old_password, role) = user;
        let (is_enabled, expires_in, is_kept, secret_ends_in, scopes, may_list, home) = token;
        let (repository, namespace_exists, is_public) = target;
        World {
            ask,
            kind,
            is_admin,
            is_active,
            has_new_password: !has_old_password,
            role,
            is_enabled,
            expires_in,
            is_deleted: !is_kept,
            secret_ends_in,
            scopes,
            may_list,
            home,
            repository,
            namespace_exists,
            is_public,
            bearer,
        }
    })
}

fn any_ask() -> impl Strategy<Value = Ask> {
    use TokenOf::{AnotherUser, Nobody, TheCaller, TheInstance, TheNamespace};
    let of = || prop::sample::select(vec![Nobody, TheNamespace, TheInstance, TheCaller, AnotherUser]);
    prop_oneof![
        6 => prop::sample::select(vec!["pull", "push", "delete"]).prop_map(Ask::Repository),
        1 => Just(Ask::WhoAmI),
        1 => Just(Ask::ListMine),
        1 => Just(Ask::Catalog),
        1 => Just(Ask::MakeNamespace),
        1 => Just(Ask::SeeNamespace),
        1 => Just(Ask::ManageNamespace),
        1 => of().prop_map(Ask::ManageToken),
        1 => of().prop_map(Ask::StrengthenToken),
    ]
}

fn any_kind() -> impl Strategy<Value = Kind> {
    use Kind::{Account, Anonymous, Instance, Person, Scoped, Service};
    prop::sample::select(vec![Anonymous, Person, Service, Instance, Account, Scoped])
}

fn any_role() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("reader"), Some("writer"), Some("admin")])
}

fn any_repository() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["acme", "acme/api", "acme/api/web", "acme/manifests/b"])
}

fn any_scopes() -> impl Strategy<Value = Vec<(&'static str, Vec<&'static str>)>> {
    let paths = vec!["*", "acme/*", "acme/api", "acme/*b", "*/api*", "a*", "other/*", "acme"];
    let actions = vec![
        vec!["pull"],
        vec!["pull", "push"],
        vec!["pull", "push", "delete"],
        vec!["delete"],
        vec!["pull", "delete"],
    ];
    prop::collection::vec((prop::sample::select(paths), prop::sample::select(actions)), 0..4)
}

fn any_home() -> impl Strategy<Value = Home> {
    prop_oneof![8 => Just(Home::Here), 2 => Just(Home::Elsewhere), 1 => Just(Home::Deleted)]
}

fn any_bearer() -> impl Strategy<Value = Option<Vec<&'static str>>> {
    let entries = vec![
        "repository:acme:pull",
        "repository:acme/api:pull",
        "repository:acme/api:pull,push",
        "repository:acme/api:*",
        "repository:acme/api/web:delete",
        "repository:acme/manifests/b:push,pull",
        "registry:catalog:*",
        "registry:catalog:pull",
        "namespace:acme:*",
    ];
    prop::option::of(prop::collection::vec(prop::sample::select(entries), 0..6))
}

// ---- The same world in the crate's types ----

struct Fixed(u8);

impl Randomness for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn in_time(milliseconds: i64) -> Instant {
    NOW.plus(Length::milliseconds(milliseconds))
}

fn the_real_one(world: &World) -> Verdict {
    let access = match &world.bearer {
        None => Access::unlimited(),
        Some(entries) => {
            Access::Only(Requested::parse([entries.join(" ").as_str()]).unwrap().access().clone())
        }
    };
    let rights = Rights { principal: principal(world), target: target(world) };
    match decide(&need(world), &rights, &access, NOW) {
        Decision::Allowed(_) => Verdict::Go,
        Decision::Ended(_) => Verdict::Ended,
        Decision::SignIn => Verdict::SignIn,
        Decision::BearerTooNarrow => Verdict::TooNarrow,
        Decision::Denied(_) => Verdict::Denied,
        Decision::Unseen(_) => Verdict::Unseen,
    }
}

fn need(world: &World) -> Need {
    let acme = NamespaceName::parse("acme").unwrap();
    let token = TokenId::mint(NOW, &Fixed(30));
    match world.ask {
        Ask::WhoAmI => Need::Identity,
        Ask::ListMine => Need::Person,
        Ask::Repository(action) => Need::repository(
            &RepositoryName::parse(world.repository).unwrap(),
            Action::parse(action).unwrap(),
        ),
        Ask::Catalog => Need::Catalog,
        Ask::MakeNamespace => Need::NewNamespace(acme),
        Ask::SeeNamespace => Need::SeeNamespace(acme),
        Ask::ManageNamespace => Need::ManageNamespace(acme),
        Ask::ManageToken(_) => Need::ManageToken(token),
        Ask::StrengthenToken(_) => Need::StrengthenToken(token),
    }
}

fn principal(world: &World) -> Principal {
    let user = User {
        id: UserId::mint(NOW, &Fixed(20)),
        username: Username::parse("alice").unwrap(),
        is_admin: world.is_admin,
        is_active: world.is_active,
        is_current: !world.has_new_password,
    };
    let home = match world.home {
        Home::Here | Home::Deleted => 10,
        Home::Elsewhere => 11,
    };
    let name = (world.home != Home::Deleted).then(|| NamespaceName::parse("acme").unwrap());
    let owner = match world.kind {
        Kind::Anonymous => return Principal::Anonymous,
        Kind::Person => return Principal::User(user),
        Kind::Service => Owner::Namespace { id: NamespaceId::mint(NOW, &Fixed(home)), name },
        Kind::Instance => Owner::Instance,
        Kind::Account => Owner::User { user, access: PersonalAccess::Account },
        Kind::Scoped => Owner::User { user, access: PersonalAccess::Scoped },
    };
    Principal::Token(Token {
        id: TokenId::mint(NOW, &Fixed(31)),
        name: "ci".to_owned(),
        owner,
        is_enabled: world.is_enabled,
        expiry: Expiry::from(world.expires_in.map(in_time)),
        ended: world.is_deleted.then(|| (in_time(-1), "deleted".to_owned())),
        secret: SecretId::mint(NOW, &Fixed(40)),
        secret_ends: world.secret_ends_in.map(|milliseconds| (in_time(milliseconds), "reset".to_owned())),
        scopes: scopes(world),
    })
}

fn scopes(world: &World) -> Scopes {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let of_repositories = world.scopes.iter().map(|(path, actions)| ScopeInput {
        kind: "repository".to_owned(),
        path: Some((*path).to_owned()),
        actions: words(actions),
    });
    let list = ScopeInput { kind: "registry".to_owned(), path: None, actions: words(&["list"]) };
    let inputs: Vec<_> = of_repositories.chain(world.may_list.then_some(list)).collect();
    Scopes::parse(&inputs, None).unwrap().0
}

fn target(world: &World) -> Target {
    let namespace = world.namespace_exists.then(|| Namespace {
        id: NamespaceId::mint(NOW, &Fixed(10)),
        name: NamespaceName::parse("acme").unwrap(),
        is_public: world.is_public,
        role: world.role.map(|role| Role::parse(role).unwrap()),
        repository: None,
    });
    let of = match world.ask {
        Ask::WhoAmI | Ask::ListMine | Ask::Catalog => return Target::Nothing,
        Ask::Repository(_) | Ask::MakeNamespace | Ask::SeeNamespace | Ask::ManageNamespace => {
            return Target::Namespace(namespace);
        }
        Ask::ManageToken(of) | Ask::StrengthenToken(of) => of,
    };
    let (namespace, user) = match of {
        TokenOf::Nobody => return Target::Token(None),
        TokenOf::TheNamespace => (namespace, None),
        TokenOf::TheInstance => (None, None),
        TokenOf::TheCaller => (None, Some(UserId::mint(NOW, &Fixed(20)))),
        TokenOf::AnotherUser => (None, Some(UserId::mint(NOW, &Fixed(21)))),
    };
    Target::Token(Some(TargetToken { id: TokenId::mint(NOW, &Fixed(30)), namespace, user }))
}

// ---- The sentences ----

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
        home: Home::Here,
        repository: "acme/api",
        namespace_exists: true,
        is_public: false,
        bearer: None,
    }
}

#[test]
fn each_factor_alone_stops_whoever_lives_from_it() {
    use Factor as F;
    let of_tokens = [F::Status, F::Expiry, F::Deletion, F::SecretEnded, F::Grace];
    let with = |others: &[Factor]| [&of_tokens, others].concat();
    for (kind, stopping) in [
        (Kind::Person, vec![F::Deactivation, F::Password, F::Role, F::NamespaceDeleted, F::BearerAccess]),
        (Kind::Service, with(&[F::Scopes, F::NamespaceMadeAgain, F::NamespaceDeleted, F::BearerAccess])),
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
