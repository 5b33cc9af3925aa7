//! The live facts of rule 7: every kind of credential against everything that a request can aim at.

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::Expiry,
    id::{NamespaceId, RepositoryId, SecretId, TokenId, UserId},
    rights::{Namespace, Owner, Principal, Rights, Target},
    role::{Actions, Role},
    secret::SecretHash,
    time::Instant,
};
use oci::RepositoryName;
use storage::{
    db::{DbError, Tx},
    params,
    rights::{Aim, Who, load},
    secrets,
    signing_keys::{self, KeyState, StoredKey},
    tokens::{self, StoredOwner},
};
use testkit::{Engine, both_engines};

use crate::setting::{NOW, Tables, after, of};

const CI_HASH: [u8; 32] = [1; 32];
const LAPTOP_HASH: [u8; 32] = [2; 32];
const MIRROR_HASH: [u8; 32] = [3; 32];

/// A house with everything in it: the private namespace `acme` with the repository `acme/api`, the public
/// namespace `open`, anna (writer of acme), root (administrator of the instance, no member), a service token of
/// acme, one of the instance, and a personal one of anna's.
struct House {
    t: Tables,
    acme: NamespaceId,
    api: RepositoryId,
    anna: UserId,
    ci: TokenId,
    ci_secret: SecretId,
    laptop: TokenId,
    mirror: TokenId,
}

impl House {
    async fn on(engine: Engine) -> Self {
        let t = Tables::on(engine).await;
        let acme = t.namespace("acme").await;
        let api = t.repository(acme, "acme/api").await;
        let anna = t.user("anna").await;
        t.member(acme, anna, Role::Writer).await;
        let mut open = t.new_namespace("open");
        open.is_public = true;
        t.write(async |tx| storage::namespaces::insert(tx, &open, "").await).await.unwrap();

        let mut ci = t.new_token(of(acme, "acme"), "ci-1");
        ci.scopes = vec![t.scope("acme/z*", Actions::PULL_PUSH), t.scope("acme/a", Actions::PULL)];
        let owner = StoredOwner::User { id: anna, username: "anna".into(), access: "scoped".into() };
        let laptop = t.new_token(owner, "my laptop");
        let mirror = t.new_token(StoredOwner::Instance, "mirror");
        for token in [&ci, &laptop, &mirror] {
            t.add_token(token).await;
        }
        let ci_secret = t.add_secret(ci.id, CI_HASH).await;
        t.add_secret(laptop.id, LAPTOP_HASH).await;
        t.add_secret(mirror.id, MIRROR_HASH).await;
        Self { t, acme, api, anna, ci: ci.id, ci_secret, laptop: laptop.id, mirror: mirror.id }
    }

    async fn load(&self, who: &Who, aim: &Aim<'_>, now: Instant) -> Option<Rights> {
        load(&self.t.db, who, None, aim, now).await.unwrap()
    }

    /// What a token's row says of the token with this hash.
    async fn token(&self, hash: [u8; 32], now: Instant) -> access::rights::Token {
        match self.load(&by_hash(hash), &Aim::default(), now).await.unwrap().principal {
            Principal::Token(token) => token,
            other => panic!("{other:?}"),
        }
    }

    fn as_anna(&self) -> Who {
        Who::User { id: self.anna, password_generation: 1 }
    }

    /// Anna's role in acme.
    async fn role(&self) -> Option<Role> {
        let aim = Aim { namespace: Some("acme"), ..Aim::default() };
        self.load(&self.as_anna(), &aim, NOW).await.unwrap().namespace().unwrap().role
    }
}

fn by_hash(hash: [u8; 32]) -> Who {
    Who::SecretHash(SecretHash::from_bytes(&hash).unwrap())
}

fn in_words(target: &Target) -> String {
    let namespace = |namespace: &Namespace| {
        let visibility = if namespace.is_public { "public" } else { "private" };
        let repository = if namespace.repository.is_some() { "there" } else { "absent" };
        let role = namespace.role.map_or("no role", Role::as_str);
        format!("{visibility} {}, {role}, repository {repository}", namespace.name)
    };
    match target {
        Target::Nothing => "nothing".into(),
        Target::Namespace(None) => "no namespace".into(),
        Target::Namespace(Some(found)) => namespace(found),
        Target::Token(None) => "no token".into(),
        Target::Token(Some(token)) => match (&token.namespace, token.user) {
            (Some(found), None) => format!("token of {}", namespace(found)),
            (None, Some(_)) => "token of a user".into(),
            (None, None) => "token of the instance".into(),
            (Some(_), Some(_)) => panic!("a token of two: {token:?}"),
        },
    }
}

#[both_engines]
async fn every_credential_meets_every_aim(h: House) {
    let root = {
        let mut root = h.t.new_user("root");
        root.is_admin = true;
        h.t.write(async |tx| storage::users::insert(tx, &root, "$argon2id$…").await).await.unwrap();
        root.id
    };
    let whose = [
        (Who::Anonymous, "an anonymous caller", "no role"),
        (h.as_anna(), "user anna", "writer"),
        (Who::User { id: h.anna, password_generation: 0 }, "user anna", "writer"),
        (Who::User { id: root, password_generation: 1 }, "user root", "no role"),
        (by_hash(CI_HASH), "token acme/ci-1", "no role"),
        (Who::Secret(h.ci_secret), "token acme/ci-1", "no role"),
        (by_hash(MIRROR_HASH), "token mirror", "no role"),
        (by_hash(LAPTOP_HASH), "token \"my laptop\" of user anna", "writer"),
    ];
    let [api, absent, elsewhere] =
        ["acme/api", "acme/absent", "open/api"].map(|name| RepositoryName::parse(name).unwrap());
    let in_namespace =
        |namespace, repository| Aim { namespace: Some(namespace), repository, ..Aim::default() };
    let at_token = |token| Aim { token: Some(token), ..Aim::default() };
    let aims = [
        (Aim::default(), "nothing"),
        (in_namespace("acme", None), "private acme, ROLE, repository absent"),
        (in_namespace("acme", Some(&api)), "private acme, ROLE, repository there"),
        (in_namespace("acme", Some(&absent)), "private acme, ROLE, repository absent"),
        (in_namespace("open", Some(&elsewhere)), "public open, no role, repository absent"),
        // A repository counts in its own namespace only.
        (in_namespace("open", Some(&api)), "public open, no role, repository absent"),
        (in_namespace("nowhere", Some(&api)), "no namespace"),
        (in_namespace("", None), "no namespace"),
        (at_token(h.ci), "token of private acme, ROLE, repository absent"),
        (at_token(h.laptop), "token of a user"),
        (at_token(h.mirror), "token of the instance"),
        (at_token(TokenId::mint(NOW, &h.t.random)), "no token"),
    ];
    for (who, principal, role) in &whose {
        for (aim, target) in &aims {
            let rights = h.load(who, aim, NOW).await.unwrap();
            assert_eq!(rights.principal.to_string(), *principal, "{who:?} at {aim:?}");
            assert_eq!(in_words(&rights.target), target.replace("ROLE", role), "{who:?} at {aim:?}");
        }
    }
}

#[both_engines]
async fn what_is_aimed_at_is_told_by_id(h: House) {
    let api = RepositoryName::parse("acme/api").unwrap();
    let aim = Aim { namespace: Some("acme"), repository: Some(&api), ..Aim::default() };
    let rights = h.load(&Who::Anonymous, &aim, NOW).await.unwrap();
    let namespace = rights.namespace().unwrap();
    assert_eq!((namespace.id, namespace.repository), (h.acme, Some(h.api)));
    for (token, user, namespace) in
        [(h.ci, None, Some(h.acme)), (h.laptop, Some(h.anna), None), (h.mirror, None, None)]
    {
        let aim = Aim { token: Some(token), ..Aim::default() };
        let Target::Token(Some(target)) = h.load(&h.as_anna(), &aim, NOW).await.unwrap().target else {
            panic!("no token");
        };
        assert_eq!(
            (target.id, target.user, target.namespace.map(|found| found.id)),
            (token, user, namespace)
        );
    }
}

#[both_engines]
async fn an_unknown_credential_is_nobodys(h: House) {
    for who in [
        by_hash([9; 32]),
        Who::Secret(SecretId::mint(NOW, &h.t.random)),
        Who::User { id: UserId::mint(NOW, &h.t.random), password_generation: 1 },
    ] {
        assert!(h.load(&who, &Aim::default(), NOW).await.is_none(), "{who:?}");
    }
}

#[both_engines]
async fn with_the_key_that_signed_for_it_a_credential_is_gone(h: House) {
    let ends = "DELETE FROM signing_keys WHERE kid = $1";
    for who in [Who::Anonymous, h.as_anna(), Who::Secret(h.ci_secret)] {
        let found = async || {
            let signed_by = Some("kid");
            load(&h.t.db, &who, signed_by, &Aim::default(), NOW).await.unwrap().is_some()
        };
        assert!(!found().await, "{who:?}");
        let key = StoredKey {
            kid: "kid".into(),
            state: KeyState::Retired,
            sealed: Vec::new(),
            created_at: NOW,
            retired_at: Some(NOW),
        };
        h.t.write(async |tx| signing_keys::insert(tx, &key).await).await.unwrap();
        assert!(found().await, "{who:?}");
        assert_eq!(h.t.sql(ends, "kid".into()).await, Ok(1));
    }
}

#[both_engines]
async fn a_credential_made_with_an_older_password_is_not_current(h: House) {
    h.t.sql("UPDATE users SET password_generation = 7 WHERE id = $1", h.anna.to_string()).await.unwrap();
    for (password_generation, expect) in [(6, false), (7, true), (8, false)] {
        let who = Who::User { id: h.anna, password_generation };
        let rights = h.load(&who, &Aim::default(), NOW).await.unwrap();
        assert_eq!(rights.principal.user().unwrap().is_current, expect, "{password_generation}");
    }
}

#[both_engines]
async fn what_an_administrator_took_away_shows_at_once(h: House) {
    let user = async |who: Who| {
        let rights = h.load(&who, &Aim::default(), NOW).await.unwrap();
        let user = rights.principal.user().unwrap().clone();
        (user.is_admin, user.is_active)
    };
    for who in [h.as_anna(), by_hash(LAPTOP_HASH)] {
        assert_eq!(user(who).await, (false, true));
    }
    let change = "UPDATE users SET is_admin = 1, is_active = 0 WHERE id = $1";
    h.t.sql(change, h.anna.to_string()).await.unwrap();
    for who in [h.as_anna(), by_hash(LAPTOP_HASH)] {
        assert_eq!(user(who).await, (true, false));
    }
}

#[both_engines]
async fn the_highest_role_counts(h: House) {
    assert_eq!(h.role().await, Some(Role::Writer));
    h.t.team("readers", h.anna, h.acme, Role::Reader).await;
    assert_eq!(h.role().await, Some(Role::Writer));
    h.t.team("admins", h.anna, h.acme, Role::Admin).await;
    assert_eq!(h.role().await, Some(Role::Admin));
    h.t.sql("DELETE FROM namespace_users WHERE user_id = $1", h.anna.to_string()).await.unwrap();
    assert_eq!(h.role().await, Some(Role::Admin));
    h.t.sql("DELETE FROM teams WHERE name = $1", "admins".into()).await.unwrap();
    assert_eq!(h.role().await, Some(Role::Reader));
    h.t.sql("DELETE FROM team_users WHERE user_id = $1", h.anna.to_string()).await.unwrap();
    assert_eq!(h.role().await, None);
}

#[both_engines]
async fn the_roles_of_others_do_not_count(h: House) {
    let bert = h.t.user("bert").await;
    h.t.member(h.acme, bert, Role::Admin).await;
    h.t.team("admins", bert, h.acme, Role::Admin).await;
    let other = h.t.namespace("other").await;
    h.t.member(other, h.anna, Role::Admin).await;
    h.t.team("others", h.anna, other, Role::Admin).await;
    assert_eq!(h.role().await, Some(Role::Writer));
}

#[both_engines]
async fn a_token_that_has_ended_is_no_target(h: House) {
    let aim = Aim { token: Some(h.ci), ..Aim::default() };
    let found = async |now| in_words(&h.load(&h.as_anna(), &aim, now).await.unwrap().target);
    let set_expiry = "UPDATE tokens SET expires_at = 1767229200000 WHERE id = $1";
    assert_eq!(after(1).as_millis(), 1_767_229_200_000);
    h.t.sql(set_expiry, h.ci.to_string()).await.unwrap();
    let just_before = Instant::from_millis(after(1).as_millis() - 1);
    assert_ne!(found(just_before).await, "no token");
    assert_eq!(found(after(1)).await, "no token");
    h.t.write(async |tx| tokens::end(tx, h.ci, NOW, "deleted").await).await.unwrap();
    assert_eq!(found(NOW).await, "no token");
}

#[both_engines]
async fn a_history_is_aimed_at_through_the_tombstone(h: House) {
    let aim = Aim { token: Some(h.ci), token_may_have_ended: true, ..Aim::default() };
    let found = async || in_words(&h.load(&h.as_anna(), &aim, after(1)).await.unwrap().target);
    let living = found().await;
    assert_eq!(living, "token of private acme, writer, repository absent");
    h.t.write(async |tx| tokens::end(tx, h.ci, NOW, "deleted").await).await.unwrap();
    assert_eq!(found().await, living);
    // Bound to the id: of a namespace made again it is no token.
    h.t.delete_namespace(h.acme).await;
    h.t.namespace("acme").await;
    assert_eq!(found().await, "token of the instance");
}

#[both_engines]
async fn the_holder_of_an_ended_secret_is_told_how_it_ended(h: House) {
    let living = h.token(CI_HASH, NOW).await;
    assert_eq!((living.ended, living.secret_ends, living.secret), (None, None, h.ci_secret));

    h.t.write(async |tx| secrets::end_living_by(tx, h.ci, after(1), "reset").await).await.unwrap();
    let in_grace = h.token(CI_HASH, NOW).await;
    assert_eq!((in_grace.ended, in_grace.secret_ends), (None, Some((after(1), "reset".into()))));

    h.t.write(async |tx| tokens::end(tx, h.ci, after(2), "deleted").await).await.unwrap();
    let ended = h.token(CI_HASH, after(3)).await;
    assert_eq!(ended.ended, Some((after(2), "deleted".into())));
    assert_eq!(ended.secret_ends, Some((after(1), "reset".into())));
}

#[both_engines]
async fn a_token_is_told_as_it_is_now(h: House) {
    let ci = h.token(CI_HASH, NOW).await;
    assert_eq!((ci.id, ci.is_enabled, ci.expiry), (h.ci, true, Expiry::Never));
    let mut stored = tokens::by_id(&h.t.db, h.ci, NOW).await.unwrap().unwrap();
    assert!(ci.allowed_addresses.is_anywhere());
    (stored.is_enabled, stored.expiry) = (false, Expiry::At(after(1)));
    stored.allowed_addresses = AllowedAddresses::parse(&["10.1.0.0/16", "203.0.113.9"]).unwrap();
    h.t.write(async |tx| tokens::update(tx, &stored, false).await).await.unwrap();
    // Expired too: why it is refused is for `decide` to say.
    let ci = h.token(CI_HASH, after(2)).await;
    assert_eq!((ci.is_enabled, ci.expiry), (false, Expiry::At(after(1))));
    assert_eq!(ci.allowed_addresses, stored.allowed_addresses);
}

#[both_engines]
async fn addresses_that_can_t_be_read_are_never_taken_for_anywhere(h: House) {
    for broken in ["10.1.0.0/16,203.0.113.9", " ", "anywhere", "10.1.2.3/16"] {
        let sql = "UPDATE tokens SET allowed_addresses = $2 WHERE id = $1";
        h.t.write(async |tx| tx.execute(sql, params![h.ci, broken]).await).await.unwrap();
        let told = load(&h.t.db, &by_hash(CI_HASH), None, &Aim::default(), NOW).await;
        assert!(matches!(told, Err(DbError::Corrupt(_))), "{broken}: {told:?}");
        let told = tokens::by_id(&h.t.db, h.ci, NOW).await;
        assert!(matches!(told, Err(DbError::Corrupt(_))), "{broken}: {told:?}");
    }
}

#[both_engines]
async fn scopes_come_in_the_order_in_which_they_were_given(h: House) {
    let scopes = async |who: &Who| {
        let Principal::Token(token) = h.load(who, &Aim::default(), NOW).await.unwrap().principal else {
            panic!("no token");
        };
        token.scopes.as_slice().iter().map(|scope| scope.to_string()).collect::<Vec<_>>()
    };
    let mut stored = tokens::by_id(&h.t.db, h.ci, NOW).await.unwrap().unwrap();
    let given: Vec<_> = stored.scopes.iter().map(|scope| scope.scope.to_string()).collect();
    assert_eq!(given.len(), 2);
    for who in [by_hash(CI_HASH), Who::Secret(h.ci_secret)] {
        assert_eq!(scopes(&who).await, given);
    }
    assert!(scopes(&by_hash(LAPTOP_HASH)).await.is_empty());

    stored.scopes = (0..100).rev().map(|n| h.t.scope(&format!("acme/{n}"), Actions::PULL)).collect();
    let given: Vec<_> = stored.scopes.iter().map(|scope| scope.scope.to_string()).collect();
    h.t.write(async |tx| tokens::update(tx, &stored, true).await).await.unwrap();
    assert_eq!(scopes(&by_hash(CI_HASH)).await, given);
}

#[both_engines]
async fn a_namespace_made_again_owes_nothing_to_the_old_tokens(h: House) {
    h.t.delete_namespace(h.acme).await;
    let owner = async || match h.token(CI_HASH, NOW).await.owner {
        Owner::Namespace { id, name, .. } => (id, name),
        other => panic!("{other:?}"),
    };
    assert_eq!(owner().await, (h.acme, None));
    let again = h.t.namespace("acme").await;
    assert_eq!(owner().await, (h.acme, None));

    let aim = Aim { namespace: Some("acme"), ..Aim::default() };
    let rights = h.load(&by_hash(CI_HASH), &aim, NOW).await.unwrap();
    assert_eq!(rights.namespace().unwrap().id, again);
    assert_eq!(h.role().await, None, "members went with the old one");
    let aim = Aim { token: Some(h.ci), ..Aim::default() };
    let rights = h.load(&by_hash(LAPTOP_HASH), &aim, NOW).await.unwrap();
    assert!(rights.namespace().is_none());
}

#[both_engines]
async fn a_transaction_reads_the_rights_that_it_would_leave(h: House) {
    let end = async |tx: &Tx| {
        tokens::end(tx, h.ci, NOW, "deleted").await?;
        load(tx, &by_hash(CI_HASH), None, &Aim::default(), NOW).await
    };
    let Principal::Token(token) = h.t.write(end).await.unwrap().unwrap().principal else {
        panic!("no token");
    };
    assert_eq!(token.ended, Some((NOW, "deleted".into())));
}
