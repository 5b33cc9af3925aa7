//! What the sweeper asks of the tables: expired tokens, old tombstones, sessions whose time is over.

use access::{
    expiry::Expiry,
    id::{TokenId, UploadId},
    time::{Instant, Length},
};
use oci::RepositoryName;
use storage::{
    blobs::{BlobStore, FileStore},
    db::Query,
    params, secrets,
    tokens::{self, StoredOwner, StoredToken},
    tombstones::{self, ExpiredToken},
    uploads::{self, SessionKey},
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after, of};

async fn sweep(t: &Tables, now: Instant, limit: i64) -> Vec<TokenId> {
    let ended = t.write(async |tx| tombstones::end_expired(tx, now, limit).await).await.unwrap();
    ended.into_iter().map(|token| token.id).collect()
}

/// `ended_at`, `why` and the revision, tombstones too; `None` once the row is gone.
async fn row(t: &Tables, id: TokenId) -> Option<(Option<Instant>, String, i64)> {
    const READ: &str = "SELECT ended_at, why, revision FROM tokens WHERE id = $1";
    t.db.optional(READ, params![id], |row| Ok((row.opt_instant(0)?, row.text(1)?, row.int(2)?)))
        .await
        .unwrap()
}

fn expiring(mut token: StoredToken, at: Instant) -> StoredToken {
    token.expiry = Expiry::At(at);
    token
}

#[both_engines]
async fn an_expired_token_becomes_a_tombstone_of_the_instant_of_its_expiry(t: Tables) {
    let (acme, anna) = (t.namespace("acme").await, t.user("anna").await);
    let personal = StoredOwner::User { id: anna, username: "anna".into(), access: "account".into() };
    let first = expiring(t.new_token(of(acme, "acme"), "first"), after(1));
    let second = expiring(t.new_token(personal, "second"), after(2));
    let later = expiring(t.new_token(StoredOwner::Instance, "later"), after(3));
    let never = t.new_token(StoredOwner::Instance, "never");
    let deleted = expiring(t.new_token(StoredOwner::Instance, "deleted"), after(1));
    for token in [&first, &second, &later, &never, &deleted] {
        t.add_token(token).await;
    }
    t.write(async |tx| tokens::end(tx, deleted.id, NOW, "deleted").await).await.unwrap();

    let just_before = after(1).minus(Length::milliseconds(1));
    assert_eq!(sweep(&t, just_before, 10).await, []);
    let ended = t.write(async |tx| tombstones::end_expired(tx, after(2), 1).await).await.unwrap();
    let expect = ExpiredToken {
        id: first.id,
        name: "first".into(),
        namespace: Some(acme),
        namespace_name: Some("acme".into()),
        user: None,
        username: None,
        expired_at: after(1),
    };
    assert_eq!(ended, [expect], "the one that expired first, and no more than was asked for");
    assert_eq!(sweep(&t, after(2), 10).await, [second.id]);
    assert_eq!(sweep(&t, after(2), 10).await, []);
    assert_eq!(row(&t, first.id).await, Some((Some(after(1)), "expired".into(), 2)));
    assert_eq!(row(&t, second.id).await, Some((Some(after(2)), "expired".into(), 2)));
    assert_eq!(row(&t, deleted.id).await, Some((Some(NOW), "deleted".into(), 1)));
    for token in [&later, &never] {
        assert_eq!(row(&t, token.id).await, Some((None, String::new(), 1)), "{token}");
    }
}

#[both_engines]
async fn of_two_sweeps_at_once_one_is_told_of_a_token(t: Tables) {
    let token = expiring(t.new_token(StoredOwner::Instance, "mirror"), after(1));
    t.add_token(&token).await;
    let (first, second) = t
        .overlapping(
            async |tx| tombstones::end_expired(tx, after(1), 10).await,
            async |tx| tombstones::end_expired(tx, after(1), 10).await,
        )
        .await;
    assert_eq!((first.len(), second.unwrap().len()), (1, 0));
}

#[both_engines]
async fn old_tombstones_go_with_all_that_hangs_on_them(t: Tables) {
    let [old, young, living] =
        ["old", "young", "living"].map(|name| t.new_token(StoredOwner::Instance, name));
    for (number, token) in [(1, &old), (2, &young), (3, &living)] {
        t.add_token(token).await;
        t.add_secret(token.id, [number; 32]).await;
    }
    t.write(async |tx| tokens::end(tx, old.id, after(1), "deleted").await).await.unwrap();
    t.write(async |tx| tokens::end(tx, young.id, after(2), "deleted").await).await.unwrap();
    let purge = async |by| t.write(async |tx| tombstones::purge(tx, by, 10).await).await.unwrap();
    assert_eq!((purge(NOW).await, purge(after(1)).await, purge(after(1)).await), (0, 1, 0));
    assert_eq!(row(&t, old.id).await, None);
    assert!(row(&t, young.id).await.is_some() && row(&t, living.id).await.is_some());
    assert_eq!(secrets::longest_lived(&t.db, old.id).await, Ok(None));
    assert!(secrets::longest_lived(&t.db, young.id).await.unwrap().is_some());
}

#[both_engines]
async fn old_secrets_of_a_living_token_go_and_the_others_stay(t: Tables) {
    let token = t.new_token(StoredOwner::Instance, "mirror");
    t.add_token(&token).await;
    t.add_secret(token.id, [1; 32]).await;
    t.write(async |tx| secrets::end_living_by(tx, token.id, after(1), "reset").await).await.unwrap();
    let present = t.add_secret(token.id, [2; 32]).await;
    let purge = async |by| t.write(async |tx| secrets::purge(tx, by, 10).await).await.unwrap();
    assert_eq!((purge(NOW).await, purge(after(1)).await, purge(after(9)).await), (0, 1, 0));
    let living = secrets::living(&t.db, token.id, NOW).await.unwrap();
    assert_eq!(living.iter().map(|secret| secret.id).collect::<Vec<_>>(), [present]);
}

#[both_engines]
async fn a_session_whose_time_is_over_ends_once(t: Tables) {
    let random = std::sync::Arc::new(testkit::randomness::SeededRandomness::new(2));
    let state = FileStore::open(t.folder.path(), random).unwrap().begin(None).await.unwrap();
    let namespace = t.namespace("acme").await;
    let repository = RepositoryName::parse("acme/api").unwrap();
    let mut ids = Vec::new();
    for hours in [1, 2] {
        let id = UploadId::mint(NOW, &t.random);
        let key = SessionKey { id, namespace, repository: &repository, principal: "user:x" };
        t.write(async |tx| uploads::insert(tx, key, &state, after(hours)).await).await.unwrap();
        ids.push(id.to_string());
    }
    let expired = async |now| -> Vec<_> {
        let found = uploads::expired(&t.db, now, 10).await.unwrap();
        found.into_iter().map(|upload| (upload.id, upload.state.unwrap().to_bytes())).collect()
    };
    assert_eq!(expired(NOW).await, []);
    assert_eq!(expired(after(1)).await, [(ids[0].clone(), state.to_bytes())]);
    let end =
        async |id: &str, now| t.write(async |tx| uploads::delete_expired(tx, id, now).await).await.unwrap();
    assert!(!end(&ids[1], after(1)).await, "an append has moved its end since");
    assert!(end(&ids[0], after(1)).await && !end(&ids[0], after(1)).await);
    assert_eq!(expired(after(2)).await.len(), 1);
}
