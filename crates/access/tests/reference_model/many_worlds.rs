//! Worlds of every sort.

use proptest::prelude::*;

use crate::world::{Ask, Home, Kind, TokenOf, Whom, World};

pub(crate) fn any_world() -> impl Strategy<Value = World> {
    // Mostly alive, else nearly every world would end at the first check.
    let alive = || prop::bool::weighted(0.9);
    let ends = || {
        let rarely = prop::sample::select(vec![1, 86_400_000, 0, -1]).prop_map(Some);
        prop_oneof![3 => Just(None), 1 => rarely]
    };
    let user = (any::<bool>(), alive(), alive(), any_role());
    let token = (alive(), ends(), alive(), ends(), any_scopes(), any::<bool>(), any_home(), alive());
    let target = (any_repository(), alive(), any::<bool>(), any::<bool>());
    let place = (any_networks(), any_address());
    let all = (any_ask(), any_kind(), user, token, target, place, any_bearer());
    all.prop_map(|(ask, kind, user, token, target, (allowed_addresses, from), bearer)| {
        let (is_admin, is_active, has_old_password, role) = user;
        let (is_enabled, expires_in, is_kept, secret_ends_in, scopes, may_list, home, home_owner_is_active) =
            token;
        let (repository, namespace_exists, is_public, users_make_namespaces) = target;
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
            allowed_addresses,
            home,
            home_owner_is_active,
            repository,
            namespace_exists,
            is_public,
            users_make_namespaces,
            from,
            bearer,
        }
    })
}

fn any_ask() -> impl Strategy<Value = Ask> {
    use TokenOf::{AnotherUser, Nobody, TheCaller, TheInstance, TheNamespace};
    let of = || prop::sample::select(vec![Nobody, TheNamespace, TheInstance, TheCaller, AnotherUser]);
    let whom = || prop::sample::select(vec![Whom::Oneself, Whom::Somebody]);
    prop_oneof![
        8 => prop::sample::select(vec!["pull", "push", "delete"]).prop_map(Ask::Repository),
        1 => Just(Ask::WhoAmI),
        1 => Just(Ask::ListMine),
        1 => Just(Ask::Catalog),
        1 => Just(Ask::ListHere),
        1 => Just(Ask::MakeNamespace),
        1 => Just(Ask::SeeNamespace),
        1 => Just(Ask::ManageNamespace),
        1 => of().prop_map(Ask::ManageToken),
        1 => of().prop_map(Ask::StrengthenToken),
        1 => of().prop_map(Ask::TokenHistory),
        1 => prop::sample::select(vec![Ask::Administer, Ask::AdministerAccounts]),
        1 => whom().prop_map(Ask::SeeUser),
        1 => whom().prop_map(Ask::ChangeUser),
        1 => whom().prop_map(Ask::ChangePassword),
        1 => whom().prop_map(Ask::SeeTokensOf),
        1 => whom().prop_map(Ask::MakeTokenFor),
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

fn any_networks() -> impl Strategy<Value = Vec<&'static str>> {
    let networks = ["10.1.0.0/16", "10.0.0.0/9", "0.0.0.0/0", "192.0.2.7/32", "2001:db8::/33", "::/0"];
    prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(networks.to_vec(), 1..4)]
}

fn any_address() -> impl Strategy<Value = Option<&'static str>> {
    let known =
        vec!["10.1.2.3", "::ffff:10.1.2.3", "10.200.0.1", "192.0.2.7", "2001:db8::7", "2001:db8:8000::7"];
    prop::option::weighted(0.9, prop::sample::select(known))
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
