//! DESIGN §2 and §3.1 told again, slowly. Nothing of the crate is used here.

use crate::world::{Ask, Home, Kind, TokenOf, Whom, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Go,
    Ended,
    SignIn,
    TooNarrow,
    Denied,
    Unseen,
}

pub(crate) fn model(world: &World) -> Verdict {
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
        Ask::Administer | Ask::AdministerAccounts => true,
        Ask::SeeUser(whom) | Ask::ChangeUser(whom) | Ask::ChangePassword(whom) => {
            in_rights(world, &Ask::SeeUser(*whom))
        }
        Ask::SeeTokensOf(whom) | Ask::MakeTokenFor(whom) => in_rights(world, &Ask::SeeUser(*whom)),
        // A service token knows the namespace that it is of, and manages nothing there (rule 9); a scoped one is told
        // that it manages nothing wherever it asks.
        Ask::SeeNamespace | Ask::ManageNamespace => {
            in_rights(world, &Ask::SeeNamespace) || is_at_home(world) || world.kind == Kind::Scoped
        }
        // Whoever may list at all has to see the namespace; whoever may not is told so before.
        Ask::ListHere => !in_rights(world, &Ask::Catalog),
        Ask::ManageToken(_) | Ask::TokenHistory(_) => false,
        Ask::StrengthenToken(of) => in_rights(world, &Ask::ManageToken(*of)),
    };
    if sees_it { Verdict::Denied } else { Verdict::Unseen }
}

fn is_at_home(world: &World) -> bool {
    world.kind == Kind::Service && world.namespace_exists && world.home == Home::Here
}

fn is_token(kind: Kind) -> bool {
    matches!(kind, Kind::Service | Kind::Instance | Kind::Account | Kind::Scoped)
}

fn is_personal(kind: Kind) -> bool {
    matches!(kind, Kind::Account | Kind::Scoped)
}

/// Rules 2, 3, 6, 7: expiry, status, deletion, reset; the user behind it; the namespace behind it. And §3.3: what is
/// used from where it may not be.
fn is_dead(world: &World) -> bool {
    let over = |at: Option<i64>| at.is_some_and(|milliseconds| milliseconds <= 0);
    let user_gone = (world.kind == Kind::Person || is_personal(world.kind)) && !world.is_active;
    let password_gone = world.kind == Kind::Person && world.has_new_password;
    let token_gone =
        !world.is_enabled || over(world.expires_in) || world.is_deleted || over(world.secret_ends_in);
    let home_gone =
        world.kind == Kind::Service && (world.home == Home::Deleted || !world.home_owner_is_active);
    let token_gone = token_gone || !is_from_where_it_may_be(world);
    user_gone || password_gone || home_gone || (is_token(world.kind) && token_gone)
}

/// From a network that the token names, if it names any; digit by binary digit.
fn is_from_where_it_may_be(world: &World) -> bool {
    let is_in = |network: &&str| {
        let (address, prefix) = network.split_once('/').unwrap();
        let (network, from) = (binary(address), world.from.map(binary));
        let prefix: usize = prefix.parse().unwrap();
        from.is_some_and(|from| from.len() == network.len() && from[..prefix] == network[..prefix])
    };
    world.allowed_addresses.is_empty() || world.allowed_addresses.iter().any(is_in)
}

/// The 32 or 128 digits of an address. An IPv4 address in IPv6 clothes is an IPv4 address.
fn binary(address: &str) -> String {
    match address.trim_start_matches("::ffff:").parse().unwrap() {
        std::net::IpAddr::V4(address) => format!("{:032b}", address.to_bits()),
        std::net::IpAddr::V6(address) => format!("{:0128b}", address.to_bits()),
    }
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
        Ask::ListHere => in_rights(world, &Ask::Catalog) && may_list_here(world),
        Ask::MakeNamespace => is_admin || (manages && world.users_make_namespaces),
        Ask::SeeNamespace => is_admin || has_role,
        Ask::ManageNamespace => is_admin || has_admin_role,
        Ask::ManageToken(of) | Ask::TokenHistory(of) => match of {
            TokenOf::Nobody | TokenOf::TheInstance | TokenOf::AnotherUser => is_admin,
            TokenOf::TheNamespace => is_admin || has_admin_role,
            TokenOf::TheCaller => manages,
        },
        Ask::StrengthenToken(of) => {
            let is_personal_token = matches!(of, TokenOf::TheCaller | TokenOf::AnotherUser);
            let outlives_a_theft = is_personal_token && world.kind == Kind::Account;
            in_rights(world, &Ask::ManageToken(*of)) && !outlives_a_theft
        }
        Ask::Administer => is_admin,
        // Rule 9: what would let a stolen token outlive its theft takes a password.
        Ask::AdministerAccounts => is_admin && world.kind == Kind::Person,
        Ask::SeeUser(whom) | Ask::SeeTokensOf(whom) => is_admin || (manages && *whom == Whom::Oneself),
        Ask::ChangePassword(whom) => world.kind == Kind::Person && *whom == Whom::Oneself,
        Ask::ChangeUser(whom) | Ask::MakeTokenFor(whom) => {
            world.kind == Kind::Person && (world.is_admin || *whom == Whom::Oneself)
        }
    }
}

/// Rule 4: a user sees what they may pull, a service token every name in its namespace.
fn may_list_here(world: &World) -> bool {
    match world.kind {
        Kind::Anonymous => false,
        Kind::Service => is_at_home(world),
        Kind::Instance => world.namespace_exists,
        Kind::Person | Kind::Account if world.is_admin => true,
        Kind::Person | Kind::Account | Kind::Scoped => {
            world.namespace_exists && (world.is_admin || world.role.is_some() || world.is_public)
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
        Kind::Service => is_at_home(world) && by_scope,
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
        | Ask::ListHere
        | Ask::MakeNamespace
        | Ask::SeeNamespace
        | Ask::ManageNamespace
        | Ask::ManageToken(_)
        | Ask::StrengthenToken(_)
        | Ask::TokenHistory(_)
        | Ask::Administer
        | Ask::AdministerAccounts
        | Ask::SeeUser(_)
        | Ask::ChangeUser(_)
        | Ask::ChangePassword(_)
        | Ask::SeeTokensOf(_)
        | Ask::MakeTokenFor(_) => false,
    }
}
