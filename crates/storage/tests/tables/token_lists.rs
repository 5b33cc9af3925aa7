//! Pages of tokens with their filters, scopes one by one, and secrets one by one.

use access::{
    expiry::Expiry,
    id::{NamespaceId, ScopeId, SecretId, UserId},
    role::Actions,
    secret::SecretHash,
    time::Instant,
};
use storage::{
    db::{Query, Tx},
    params, scopes, secrets,
    tokens::{self, PageOf, StandsFor, StoredOwner, StoredToken, TokenFilter},
    users,
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after, of};

const EVERY: TokenFilter = TokenFilter {
    is_enabled: None,
    unused_since: None,
    expires_by: None,
    stands_for: None,
    created_with: None,
    containing: String::new(),
};

fn page<'a>(filter: &'a TokenFilter, after: &'a str, limit: i64) -> PageOf<'a> {
    PageOf { after, limit, now: NOW, filter }
}

async fn used(t: &Tables, token: &StoredToken, at: Instant) {
    const USE: &str = "UPDATE tokens SET last_used_at = $2 WHERE id = $1";
    t.write(async |tx| tx.execute(USE, params![token.id, at]).await).await.unwrap();
}

/// Four tokens of acme that differ in everything that can be filtered by.
async fn four(t: &Tables, acme: NamespaceId) {
    let token = |name: &str| t.new_token(of(acme, "acme"), name);
    let mut alpha = token("alpha");
    alpha.description = "Nightly BUILD, 100%_ of it".into();
    alpha.scopes = vec![t.scope("acme/a", Actions::PULL)];
    let mut bravo = token("bravo");
    bravo.is_enabled = false;
    bravo.scopes = vec![t.scope("acme/b", Actions::PULL), t.scope("acme/a", Actions::ALL)];
    let mut charlie = token("charlie");
    charlie.expiry = Expiry::At(after(24));
    charlie.stands_for = Some(StandsFor::User("anna".into()));
    let mut delta = token("delta");
    delta.expiry = Expiry::At(after(240));
    delta.stands_for = Some(StandsFor::Service("anna".into()));
    for token in [&alpha, &bravo, &charlie, &delta] {
        t.add_token(token).await;
    }
    used(t, &alpha, after(-1)).await;
    used(t, &bravo, after(-100)).await;
}

#[both_engines]
async fn each_filter_picks_its_tokens_with_their_scopes(t: Tables) {
    let acme = t.namespace("acme").await;
    four(&t, acme).await;
    // Another owner's token is on no page.
    t.add_token(&t.new_token(StoredOwner::Instance, "alpha")).await;
    let containing = |text: &str| TokenFilter { containing: text.into(), ..EVERY };
    let stands_for = |whom| TokenFilter { stands_for: Some(whom), ..EVERY };
    for (filter, expect) in [
        (EVERY, vec!["alpha", "bravo", "charlie", "delta"]),
        (TokenFilter { is_enabled: Some(true), ..EVERY }, vec!["alpha", "charlie", "delta"]),
        (TokenFilter { is_enabled: Some(false), ..EVERY }, vec!["bravo"]),
        // What was never used counts from when it was made: NOW.
        (TokenFilter { unused_since: Some(after(-2)), ..EVERY }, vec!["bravo"]),
        (TokenFilter { unused_since: Some(after(-1)), ..EVERY }, vec!["alpha", "bravo"]),
        (TokenFilter { unused_since: Some(NOW), ..EVERY }, vec!["alpha", "bravo", "charlie", "delta"]),
        (TokenFilter { expires_by: Some(after(24)), ..EVERY }, vec!["charlie"]),
        (TokenFilter { expires_by: Some(after(23)), ..EVERY }, vec![]),
        (stands_for(StandsFor::User("anna".into())), vec!["charlie"]),
        (stands_for(StandsFor::Service("anna".into())), vec!["delta"]),
        (containing("LPH"), vec!["alpha"]),
        (containing("build"), vec!["alpha"]),
        (containing("0%_ o"), vec!["alpha"]),
        (containing("a"), vec!["alpha", "bravo", "charlie", "delta"]),
        (containing("*"), vec![]),
        (TokenFilter { is_enabled: Some(false), containing: "alpha".into(), ..EVERY }, vec![]),
    ] {
        let found = tokens::service_page(&t.db, Some(acme), page(&filter, "", 10)).await.unwrap();
        let names: Vec<_> = found.iter().map(|token| token.name.as_str()).collect();
        assert_eq!(names, expect, "{filter:?}");
        for token in found {
            let alone = tokens::by_id(&t.db, token.id, NOW).await.unwrap().unwrap();
            assert_eq!(token.scopes, alone.scopes, "{token}");
        }
    }
    let filter = TokenFilter { is_enabled: Some(true), ..EVERY };
    let second = tokens::service_page(&t.db, Some(acme), page(&filter, "alpha", 1)).await.unwrap();
    assert_eq!(second.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["charlie"]);
    let of_instance = tokens::service_page(&t.db, None, page(&EVERY, "", 10)).await.unwrap();
    assert_eq!((of_instance.len(), &of_instance[0].owner), (1, &StoredOwner::Instance));
}

#[both_engines]
async fn personal_tokens_are_paged_by_id_each_with_its_own_scopes(t: Tables) {
    let (anna, ben) = (t.user("anna").await, t.user("ben").await);
    let owner =
        |id: UserId, name: &str| StoredOwner::User { id, username: name.into(), access: "scoped".into() };
    let mut made = Vec::new();
    for path in ["a/one", "a/two", "a/three"] {
        // The same label three times.
        let mut token = t.new_token(owner(anna, "anna"), "laptop");
        token.scopes = vec![t.scope(path, Actions::PULL)];
        t.add_token(&token).await;
        made.push(token);
    }
    t.add_token(&t.new_token(owner(ben, "ben"), "laptop")).await;
    made.sort_by_key(|token| token.id);
    let (first, last) = (made[0].id.to_string(), made[2].id.to_string());
    for (after, limit, expect) in
        [("", 10, &made[..]), ("", 2, &made[..2]), (first.as_str(), 1, &made[1..2]), (last.as_str(), 9, &[])]
    {
        let found = tokens::personal_page(&t.db, anna, page(&EVERY, after, limit)).await.unwrap();
        let seen: Vec<_> = found.iter().map(|token| (token.id, token.scopes.clone())).collect();
        let expect: Vec<_> = expect.iter().map(|token| (token.id, token.scopes.clone())).collect();
        assert_eq!(seen, expect, "{limit} after {after}");
    }
}

#[both_engines]
async fn a_scope_comes_behind_the_others_and_goes_alone(t: Tables) {
    let mut token = t.new_token(StoredOwner::Instance, "mirror");
    token.scopes = vec![t.scope("a/one", Actions::PULL), t.scope("a/two", Actions::PULL)];
    t.add_token(&token).await;
    let [one, two] = [token.scopes[0].clone(), token.scopes[1].clone()];
    let three = t.scope("a/three", Actions::ALL);
    let written = async || scopes::of_token(&t.db, token.id).await.unwrap();

    // A place in the middle is free by then: the new one is the last all the same.
    let removed = t.write(async |tx| scopes::delete(tx, token.id, one.id).await).await;
    assert_eq!((removed, written().await), (Ok(true), vec![two.clone()]));
    t.write(async |tx| scopes::append(tx, token.id, &three).await).await.unwrap();
    assert_eq!(written().await, [two.clone(), three.clone()]);

    let other = t.new_token(StoredOwner::Instance, "other");
    t.add_token(&other).await;
    for (of, scope) in [(token.id, one.id), (other.id, two.id), (token.id, ScopeId::mint(NOW, &t.random))] {
        assert_eq!(t.write(async |tx| scopes::delete(tx, of, scope).await).await, Ok(false));
    }
    t.write(async |tx| scopes::append(tx, other.id, &one).await).await.unwrap();
    assert_eq!(scopes::of_token(&t.db, other.id).await.unwrap(), [one]);
    assert_eq!(written().await, [two, three]);
}

async fn add_secret(t: &Tables, token: &StoredToken, number: u8, at: Instant) -> SecretId {
    let id = SecretId::mint(at, &t.random);
    let hash = SecretHash::from_bytes(&[number; 32]).unwrap();
    t.write(async |tx| secrets::insert(tx, id, token.id, &hash, "slks_abc…", at).await).await.unwrap();
    id
}

#[both_engines]
async fn living_secrets_are_listed_and_one_ends_alone(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    let old = add_secret(&t, &token, 1, NOW).await;
    let living = async |now| -> Vec<_> {
        let living = secrets::living(&t.db, token.id, now).await.unwrap();
        living.into_iter().map(|secret| (secret.id, secret.ends_at)).collect()
    };
    t.write(async |tx| secrets::end_living_by(tx, token.id, after(24), "reset").await).await.unwrap();
    let new = add_secret(&t, &token, 2, after(1)).await;
    assert_eq!(living(after(1)).await, [(new, None), (old, Some(after(24)))]);
    assert_eq!(living(after(24)).await, [(new, None)]);
    assert_eq!(secrets::longest_lived(&t.db, token.id).await, Ok(Some(new)));

    let end =
        async |id, at| t.write(async |tx| secrets::end_one(tx, token.id, id, at, "removal").await).await;
    assert_eq!(end(new, after(2)).await, Ok(true));
    assert_eq!(end(new, after(2)).await, Ok(false), "it has ended");
    assert_eq!(end(SecretId::mint(NOW, &t.random), after(2)).await, Ok(false));
    assert_eq!(living(after(2)).await, [(old, Some(after(24)))]);
    assert_eq!(secrets::longest_lived(&t.db, token.id).await, Ok(Some(old)));
    let other = t.new_token(StoredOwner::Instance, "other");
    t.add_token(&other).await;
    let elsewhere = async |tx: &Tx| secrets::end_one(tx, other.id, old, after(3), "removal").await;
    assert_eq!(t.write(elsewhere).await, Ok(false), "another token's");
    assert_eq!(secrets::longest_lived(&t.db, other.id).await, Ok(None));
}

#[both_engines]
async fn an_emergency_disables_the_living_tokens_of_one_owner(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    let (anna, ben) = (t.user("anna").await, t.user("ben").await);
    let personal = |id, name: &str| StoredOwner::User { id, username: name.into(), access: "account".into() };
    let mut disabled = t.new_token(of(acme, "acme"), "disabled");
    disabled.is_enabled = false;
    let mut expired = t.new_token(of(acme, "acme"), "expired");
    // Long enough ago for the clock of every replica.
    expired.expiry = Expiry::At(after(-1));
    let [one, foreign] = [t.new_token(of(acme, "acme"), "one"), t.new_token(of(other, "other"), "one")];
    let [laptop, phone] =
        [t.new_token(personal(anna, "anna"), "laptop"), t.new_token(personal(ben, "ben"), "phone")];
    for token in [&disabled, &expired, &one, &foreign, &laptop, &phone] {
        t.add_token(token).await;
    }
    let all = async |tx: &Tx| tokens::disable_all_of_namespace(tx, acme, NOW).await;
    assert_eq!(t.write(all).await, Ok(vec![(one.id, "one".to_owned())]));
    let all = async |tx: &Tx| tokens::disable_all_of_user(tx, anna, NOW).await;
    assert_eq!(t.write(all).await, Ok(vec![(laptop.id, "laptop".to_owned())]));
    for (token, expect) in
        [(&one, (false, 2)), (&laptop, (false, 2)), (&foreign, (true, 1)), (&phone, (true, 1))]
    {
        let found = tokens::by_id(&t.db, token.id, NOW).await.unwrap().unwrap();
        assert_eq!((found.is_enabled, found.revision), expect, "{token}");
    }
}

#[both_engines]
async fn the_end_of_logins_is_another_generation_of_the_same_password(t: Tables) {
    let (anna, ben) = (t.user("anna").await, t.user("ben").await);
    let generation = async |id: UserId| {
        const READ: &str = "SELECT password_generation, password_hash FROM users WHERE id = $1";
        t.db.one(READ, params![id], |row| Ok((row.int(0)?, row.text(1)?))).await.unwrap()
    };
    let before = generation(anna).await;
    t.write(async |tx| users::end_logins(tx, anna).await).await.unwrap();
    assert_eq!(generation(anna).await, (before.0 + 1, before.1));
    assert_eq!(generation(ben).await.0, 1);
}
