//! The same world in the crate's types.

use access::{
    allowed_addresses::AllowedAddresses,
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

use crate::{
    rules::Verdict,
    world::{Ask, Home, Kind, TokenOf, Whom, World},
};

const NOW: Instant = Instant::from_millis(1_795_000_000_000);

struct Fixed(u8);

impl Randomness for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn in_time(milliseconds: i64) -> Instant {
    NOW.plus(Length::milliseconds(milliseconds))
}

pub(crate) fn the_real_one(world: &World) -> Verdict {
    let access = match &world.bearer {
        None => Access::unlimited(),
        Some(entries) => {
            Access::Only(Requested::parse([entries.join(" ").as_str()]).unwrap().access().clone())
        }
    };
    let rights = Rights {
        principal: principal(world),
        target: target(world),
        users_make_namespaces: world.users_make_namespaces,
    };
    let from = world.from.map(|address| address.parse().unwrap());
    match decide(&need(world), &rights, &access, from, NOW) {
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
        Ask::ListHere => Need::ListRepositories(acme),
        Ask::MakeNamespace => Need::NewNamespace,
        Ask::SeeNamespace => Need::SeeNamespace(acme),
        Ask::ManageNamespace => Need::ManageNamespace(acme),
        Ask::ManageToken(_) => Need::ManageToken(token),
        Ask::StrengthenToken(_) => Need::StrengthenToken(token),
        Ask::TokenHistory(_) => Need::SeeTokenHistory(token),
        Ask::Administer => Need::Administer,
        Ask::AdministerAccounts => Need::AdministerAccounts,
        Ask::SeeUser(whom) => Need::SeeUser(username(whom)),
        Ask::ChangeUser(whom) => Need::ChangeUser(username(whom)),
        Ask::ChangePassword(whom) => Need::ChangeOwnPassword(username(whom)),
        Ask::SeeTokensOf(whom) => Need::SeePersonalTokens(username(whom)),
        Ask::MakeTokenFor(whom) => Need::NewPersonalToken(username(whom)),
    }
}

fn username(whom: Whom) -> Username {
    Username::parse(match whom {
        Whom::Oneself => "alice",
        Whom::Somebody => "bob",
    })
    .unwrap()
}

fn principal(world: &World) -> Principal {
    let user = User {
        id: UserId::mint(NOW, &Fixed(20)),
        username: username(Whom::Oneself),
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
        Kind::Service => {
            let stopped_with = (!world.home_owner_is_active).then(|| username(Whom::Somebody));
            Owner::Namespace { id: NamespaceId::mint(NOW, &Fixed(home)), name, stopped_with }
        }
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
        allowed_addresses: AllowedAddresses::parse(&world.allowed_addresses).unwrap(),
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
        Ask::WhoAmI
        | Ask::ListMine
        | Ask::Catalog
        | Ask::MakeNamespace
        | Ask::Administer
        | Ask::AdministerAccounts
        | Ask::SeeUser(_)
        | Ask::ChangeUser(_)
        | Ask::ChangePassword(_)
        | Ask::SeeTokensOf(_)
        | Ask::MakeTokenFor(_) => return Target::Nothing,
        Ask::Repository(_) | Ask::ListHere | Ask::SeeNamespace | Ask::ManageNamespace => {
            return Target::Namespace(namespace);
        }
        Ask::ManageToken(of) | Ask::StrengthenToken(of) | Ask::TokenHistory(of) => of,
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
