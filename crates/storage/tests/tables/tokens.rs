//! Tokens, their scopes and secrets.

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::Expiry,
    id::{NamespaceId, ScopeId, TokenId},
    role::Actions,
    scope::Scope,
    secret::SecretHash,
    time::Instant,
};
use storage::{
    db::{Constraint, DbError, Query, Tx},
    params,
    scopes::StoredScope,
    secrets,
    tokens::{self, PageOf, StoredOwner, StoredToken, TokenFilter},
    tombstones,
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after, of};

/// Whether the token went in; an error fails the test.
async fn is_inserted(t: &Tables, token: &StoredToken) -> bool {
    t.write(async |tx| make(tx, token).await).await.unwrap()
}

/// As tokens are made: an expired namesake ends first.
async fn make(tx: &Tx, token: &StoredToken) -> Result<bool, DbError> {
    let namespace = match &token.owner {
        StoredOwner::Namespace { id, .. } => Some(*id),
        StoredOwner::Instance | StoredOwner::User { .. } => None,
    };
    tombstones::end_expired_namesake(tx, namespace, &token.name, token.created_at).await?;
    tokens::insert(tx, token).await
}

async fn is_there(t: &Tables, id: TokenId, now: Instant) -> bool {
    tokens::by_id(&t.db, id, now).await.unwrap().is_some()
}

/// `ended_at` and `why` of a token, tombstones too.
async fn ending(t: &Tables, id: TokenId) -> (Option<Instant>, String) {
    let sql = "SELECT ended_at, why FROM tokens WHERE id = $1";
    t.db.one(sql, params![id], |row| Ok((row.opt_instant(0)?, row.text(1)?))).await.unwrap()
}

async fn page(
    t: &Tables,
    namespace: Option<NamespaceId>,
    after: &str,
    now: Instant,
    limit: i64,
) -> Vec<StoredToken> {
    let page = PageOf { after, limit, now, filter: &TokenFilter::default() };
    tokens::service_page(&t.db, namespace, page).await.unwrap()
}

fn written(scopes: &[StoredScope]) -> Vec<(ScopeId, String)> {
    scopes.iter().map(|scope| (scope.id, scope.scope.to_string())).collect()
}

#[both_engines]
async fn a_token_comes_back_as_it_went_in(t: Tables) {
    let (acme, anna) = (t.namespace("acme").await, t.user("anna").await);
    let owners = [
        of(acme, "acme"),
        StoredOwner::Instance,
        StoredOwner::User { id: anna, username: "anna".into(), access: "account".into() },
        StoredOwner::User { id: anna, username: "anna".into(), access: "scoped".into() },
    ];
    for owner in owners {
        let mut token = t.new_token(owner, "ci-1");
        token.description = "builds \"all\" of it, é".into();
        token.is_enabled = false;
        token.expiry = Expiry::At(after(1));
        token.allowed_addresses =
            AllowedAddresses::parse(&["203.0.113.9", "10.1.0.0/16", "2001:db8::/32"]).unwrap();
        let registry = StoredScope { id: ScopeId::mint(NOW, &t.random), scope: Scope::Registry };
        // Not in the order of paths or actions.
        token.scopes = vec![t.scope("acme/z*", Actions::ALL), registry, t.scope("acme/a", Actions::PULL)];
        t.add_token(&token).await;

        let found = tokens::by_id(&t.db, token.id, NOW).await.unwrap().unwrap();
        assert_eq!((found.id, &found.owner, &found.name), (token.id, &token.owner, &token.name));
        assert_eq!((&found.description, found.is_enabled), (&token.description, false));
        assert_eq!((found.expiry, found.created_at, found.revision), (token.expiry, NOW, 1));
        assert_eq!((found.created_by_id, found.created_by), (token.created_by_id, token.created_by));
        assert_eq!(found.allowed_addresses, token.allowed_addresses);
        assert_eq!(found.secret_hint, "", "it has no secret yet");
        assert_eq!(written(&found.scopes), written(&token.scopes));
    }
}

#[both_engines]
async fn the_hint_is_the_newest_secrets(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    for (hash, hint, at) in [(1, "slks_old…", NOW), (2, "slks_new…", after(1)), (3, "slks_mid…", NOW)] {
        let id = access::id::SecretId::mint(at, &t.random);
        let hash = SecretHash::from_bytes(&[hash; 32]).unwrap();
        t.write(async |tx| secrets::insert(tx, id, token.id, &hash, hint, at).await).await.unwrap();
    }
    assert_eq!(tokens::by_id(&t.db, token.id, NOW).await.unwrap().unwrap().secret_hint, "slks_new…");
}

#[both_engines]
async fn a_service_tokens_name_is_unique_among_the_living_of_its_owner(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    let first = t.new_token(of(acme, "acme"), "ci-1");
    t.add_token(&first).await;
    assert!(!is_inserted(&t, &t.new_token(of(acme, "acme"), "ci-1")).await);
    assert!(is_inserted(&t, &t.new_token(of(acme, "acme"), "ci-2")).await);
    assert!(is_inserted(&t, &t.new_token(of(other, "other"), "ci-1")).await);
    assert!(is_inserted(&t, &t.new_token(StoredOwner::Instance, "ci-1")).await);
    assert!(!is_inserted(&t, &t.new_token(StoredOwner::Instance, "ci-1")).await, "'' is an owner too");

    t.write(async |tx| tokens::end(tx, first.id, NOW, "deleted").await).await.unwrap();
    assert!(is_inserted(&t, &t.new_token(of(acme, "acme"), "ci-1")).await);
}

#[both_engines]
async fn a_personal_tokens_label_may_be_given_twice(t: Tables) {
    let id = t.user("anna").await;
    let anna = StoredOwner::User { id, username: "anna".into(), access: "account".into() };
    assert!(is_inserted(&t, &t.new_token(anna.clone(), "laptop")).await);
    assert!(is_inserted(&t, &t.new_token(anna, "laptop")).await);
}

#[both_engines]
async fn a_name_that_was_refused_leaves_no_scopes(t: Tables) {
    t.add_token(&t.new_token(StoredOwner::Instance, "mirror")).await;
    let mut second = t.new_token(StoredOwner::Instance, "mirror");
    second.scopes = vec![t.scope("*", Actions::PULL)];
    assert!(!is_inserted(&t, &second).await);
    assert!(storage::scopes::of_token(&t.db, second.id).await.unwrap().is_empty());
}

#[both_engines]
async fn two_creations_at_once_give_the_name_once(t: Tables) {
    let acme = t.namespace("acme").await;
    // Both also find an expired namesake to end.
    let mut expired = t.new_token(of(acme, "acme"), "ci-1");
    expired.expiry = Expiry::At(after(1));
    t.add_token(&expired).await;
    let [first, second] = [(); 2].map(|()| {
        let mut token = t.new_token(of(acme, "acme"), "ci-1");
        token.created_at = after(2);
        token
    });
    let (is_first_new, is_second_new) =
        t.overlapping(async |tx| make(tx, &first).await, async |tx| make(tx, &second).await).await;
    assert_eq!((is_first_new, is_second_new), (true, Ok(false)));
}

#[both_engines]
async fn an_expired_namesake_is_ended_from_the_instant_of_its_expiry(t: Tables) {
    let acme = t.namespace("acme").await;
    let mut old = t.new_token(of(acme, "acme"), "ci-1");
    old.expiry = Expiry::At(after(1));
    t.add_token(&old).await;
    let mut new = t.new_token(of(acme, "acme"), "ci-1");
    new.created_at = Instant::from_millis(after(1).as_millis() - 1);
    assert!(!is_inserted(&t, &new).await);
    assert_eq!(ending(&t, old.id).await, (None, String::new()));

    new.created_at = after(1);
    assert!(is_inserted(&t, &new).await);
    assert_eq!(ending(&t, old.id).await, (Some(after(1)), "expired".into()));
}

#[both_engines]
async fn the_expired_namesakes_of_others_are_left_alone(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    let mut expired = [t.new_token(of(other, "other"), "ci-1"), t.new_token(of(acme, "acme"), "ci-2")];
    for token in &mut expired {
        token.expiry = Expiry::At(after(1));
        t.add_token(token).await;
    }
    let mut new = t.new_token(of(acme, "acme"), "ci-1");
    new.created_at = after(2);
    assert!(is_inserted(&t, &new).await);
    for token in expired {
        assert_eq!(ending(&t, token.id).await, (None, String::new()), "{token}");
    }
}

#[both_engines]
async fn what_has_ended_is_absent(t: Tables) {
    let acme = t.namespace("acme").await;
    let mut token = t.new_token(of(acme, "acme"), "ci-1");
    token.expiry = Expiry::At(after(1));
    t.add_token(&token).await;
    let just_before = Instant::from_millis(after(1).as_millis() - 1);
    for (now, expect) in [(NOW, true), (just_before, true), (after(1), false), (after(2), false)] {
        assert_eq!(is_there(&t, token.id, now).await, expect, "{now}");
        let page = page(&t, Some(acme), "", now, 10).await;
        assert_eq!(page.len(), usize::from(expect), "{now}");
        let bumped = t.write(async |tx| tokens::bump(tx, token.id, now).await).await.unwrap();
        assert_eq!(bumped.is_some(), expect, "{now}");
    }

    t.write(async |tx| tokens::end(tx, token.id, NOW, "deleted").await).await.unwrap();
    assert!(!is_there(&t, token.id, NOW).await);
    assert!(page(&t, Some(acme), "", NOW, 10).await.is_empty());
    assert_eq!(t.write(async |tx| tokens::bump(tx, token.id, NOW).await).await, Ok(None));
    assert!(!is_there(&t, TokenId::mint(NOW, &t.random), NOW).await);
}

#[both_engines]
async fn a_token_ends_once(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    for (at, why) in [(NOW, "deleted"), (after(1), "expired")] {
        t.write(async |tx| tokens::end(tx, token.id, at, why).await).await.unwrap();
        assert_eq!(ending(&t, token.id).await, (Some(NOW), "deleted".into()));
    }
}

#[both_engines]
async fn a_namespaces_tokens_are_paged_by_name_each_with_its_own_scopes(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    // By bytes; a dictionary would leave the hyphens out.
    let ordered = ["a-z", "a0a", "aab", "b-c"];
    for (count, name) in [(0, "aab"), (1, "b-c"), (2, "a0a"), (3, "a-z")] {
        let mut token = t.new_token(of(acme, "acme"), name);
        token.scopes =
            (0..count).map(|n| t.scope(&format!("acme/{name}-{}", 9 - n), Actions::PULL)).collect();
        t.add_token(&token).await;
        let mut namesake = t.new_token(of(other, "other"), name);
        namesake.scopes = vec![t.scope("other/*", Actions::PULL)];
        t.add_token(&namesake).await;
    }
    let mut ended = t.new_token(of(acme, "acme"), "aaa");
    ended.scopes = vec![t.scope("acme/ended", Actions::PULL)];
    t.add_token(&ended).await;
    t.write(async |tx| tokens::end(tx, ended.id, NOW, "deleted").await).await.unwrap();

    for (after, limit, expect) in [
        ("", 10, &ordered[..]),
        ("", 2, &ordered[..2]),
        ("a-z", 2, &ordered[1..3]),
        ("aa", 1, &ordered[2..3]),
        ("b-c", 10, &[]),
    ] {
        let page = page(&t, Some(acme), after, NOW, limit).await;
        let names: Vec<_> = page.iter().map(|token| token.name.as_str()).collect();
        assert_eq!(names, expect, "{limit} after {after}");
        for token in page {
            let alone = tokens::by_id(&t.db, token.id, NOW).await.unwrap().unwrap();
            assert_eq!(written(&token.scopes), written(&alone.scopes), "{token}");
        }
    }
}

#[both_engines]
async fn an_edit_writes_what_may_be_edited(t: Tables) {
    let acme = t.namespace("acme").await;
    let mut token = t.new_token(of(acme, "acme"), "ci-1");
    token.scopes = vec![t.scope("acme/old", Actions::PULL)];
    t.add_token(&token).await;
    let bystander = {
        let mut token = t.new_token(of(acme, "acme"), "ci-2");
        token.scopes = vec![t.scope("acme/kept", Actions::PULL)];
        t.add_token(&token).await;
        token
    };

    let old_scopes = written(&token.scopes);
    token.description = "changed".into();
    token.is_enabled = false;
    token.expiry = Expiry::At(after(9));
    token.scopes = vec![t.scope("acme/z", Actions::PULL_PUSH), t.scope("acme/a", Actions::PULL)];
    for (replaces_scopes, expect) in [(false, old_scopes), (true, written(&token.scopes))] {
        t.write(async |tx| tokens::update(tx, &token, replaces_scopes).await).await.unwrap();
        let found = tokens::by_id(&t.db, token.id, NOW).await.unwrap().unwrap();
        assert_eq!((found.description.as_str(), found.is_enabled), ("changed", false));
        assert_eq!((found.expiry, written(&found.scopes)), (token.expiry, expect));
    }
    let found = tokens::by_id(&t.db, bystander.id, NOW).await.unwrap().unwrap();
    assert_eq!((found.description.as_str(), written(&found.scopes)), ("", written(&bystander.scopes)));
}

#[both_engines]
async fn edits_of_one_token_queue_at_its_revision(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    let bump = async |tx: &Tx| tokens::bump(tx, token.id, NOW).await;
    let (first, second) = t.overlapping(bump, bump).await;
    assert_eq!((first, second), (Some(2), Ok(Some(3))));
    assert_eq!(tokens::by_id(&t.db, token.id, NOW).await.unwrap().unwrap().revision, 3);
}

#[both_engines]
async fn an_edit_that_waited_for_the_end_finds_nothing_to_edit(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    let end = async |tx: &Tx| tokens::end(tx, token.id, NOW, "deleted").await;
    let (_, bumped) = t.overlapping(end, async |tx| tokens::bump(tx, token.id, NOW).await).await;
    assert_eq!(bumped, Ok(None));
}

#[both_engines]
async fn an_ending_is_never_moved_later(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    let bystander = t.new_token(StoredOwner::Instance, "other");
    t.add_token(&bystander).await;
    let first = t.add_secret(token.id, [1; 32]).await;
    let of_bystander = t.add_secret(bystander.id, [9; 32]).await;
    let end_by = async |at, why| {
        t.write(async |tx| secrets::end_living_by(tx, token.id, at, why).await).await.unwrap();
    };
    let ending = async |id| {
        let sql = "SELECT ended_at, why FROM token_secrets WHERE id = $1";
        t.db.one(sql, params![id], |row| Ok((row.opt_instant(0)?, row.text(1)?))).await.unwrap()
    };

    end_by(after(24), "reset").await;
    assert_eq!(ending(first).await, (Some(after(24)), "reset".into()));
    let second = t.add_secret(token.id, [2; 32]).await;
    end_by(after(48), "reset again").await;
    assert_eq!(ending(first).await, (Some(after(24)), "reset".into()));
    assert_eq!(ending(second).await, (Some(after(48)), "reset again".into()));
    end_by(after(1), "deleted").await;
    assert_eq!(ending(first).await, (Some(after(1)), "deleted".into()));
    assert_eq!(ending(second).await, (Some(after(1)), "deleted".into()));
    assert_eq!(ending(of_bystander).await, (None, String::new()));
}

#[both_engines]
async fn a_hash_is_stored_once(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    t.add_secret(token.id, [1; 32]).await;
    let id = access::id::SecretId::mint(NOW, &t.random);
    let hash = SecretHash::from_bytes(&[1; 32]).unwrap();
    let again = t.write(async |tx| secrets::insert(tx, id, token.id, &hash, "", NOW).await).await;
    assert!(again.unwrap_err().is_conflict(Constraint::Unique));
}

#[both_engines]
async fn a_secret_without_a_token_is_refused(t: Tables) {
    let id = access::id::SecretId::mint(NOW, &t.random);
    let hash = SecretHash::from_bytes(&[1; 32]).unwrap();
    let nobody = TokenId::mint(NOW, &t.random);
    let refused = t.write(async |tx| secrets::insert(tx, id, nobody, &hash, "", NOW).await).await;
    assert!(refused.unwrap_err().is_conflict(Constraint::ForeignKey));
}
