//! The keys that sign bearers, from one state to the next.

use access::time::Instant;
use storage::{
    db::{DbError, Tx},
    signing_keys::{self, KeyState, StoredKey},
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after};

fn key(kid: &str, state: KeyState, created_at: Instant) -> StoredKey {
    let retired_at = (state == KeyState::Retired).then_some(created_at);
    StoredKey { kid: kid.into(), state, sealed: vec![0, 255, 7], created_at, retired_at }
}

async fn insert(tx: &Tx, kid: &str, state: KeyState, created_at: Instant) -> Result<bool, DbError> {
    signing_keys::insert(tx, &key(kid, state, created_at)).await
}

/// What the table holds, by age: `kid state`.
async fn told(t: &Tables) -> Vec<String> {
    let keys = signing_keys::all(&t.db).await.unwrap();
    keys.iter().map(|key| format!("{} {}", key.kid, key.state.as_str())).collect()
}

#[both_engines]
async fn one_key_signs_and_one_is_next(t: Tables) {
    for (state, other) in [(KeyState::Active, "a"), (KeyState::Next, "n")] {
        let (is_first_new, is_second_new) = t
            .overlapping(
                async |tx| insert(tx, other, state, after(2)).await,
                async |tx| insert(tx, &format!("{other}2"), state, after(2)).await,
            )
            .await;
        assert_eq!((is_first_new, is_second_new), (true, Ok(false)), "{state:?}");
    }
    for (kid, at) in [("old", after(1)), ("older", NOW)] {
        assert_eq!(t.write(async |tx| insert(tx, kid, KeyState::Retired, at).await).await, Ok(true), "{kid}");
    }
    assert_eq!(told(&t).await, ["older retired", "old retired", "a active", "n next"], "by age, then by kid");
    assert_eq!(signing_keys::active(&t.db).await, Ok(Some("a".to_owned())));
    let active = &signing_keys::all(&t.db).await.unwrap()[2];
    assert_eq!((active.sealed.as_slice(), active.created_at), ([0, 255, 7].as_slice(), after(2)));
}

#[both_engines]
async fn a_rotation_moves_each_key_one_state_on(t: Tables) {
    assert_eq!(signing_keys::active(&t.db).await, Ok(None));
    t.write(async |tx| insert(tx, "a", KeyState::Active, NOW).await).await.unwrap();
    t.write(async |tx| insert(tx, "b", KeyState::Next, after(1)).await).await.unwrap();
    let retired = t.write(async |tx| signing_keys::retire(tx, after(2)).await).await.unwrap().unwrap();
    assert_eq!((retired.kid.as_str(), retired.state), ("a", KeyState::Retired));
    assert_eq!((retired.retired_at, retired.sealed), (Some(after(2)), vec![0, 255, 7]));
    t.write(async |tx| signing_keys::seal(tx, "a", b"public").await).await.unwrap();

    // Only a key that was made by then signs.
    assert_eq!(t.write(async |tx| signing_keys::promote(tx, NOW).await).await, Ok(None));
    let promoted = t.write(async |tx| signing_keys::promote(tx, after(1)).await).await;
    assert_eq!(promoted, Ok(Some("b".to_owned())));
    assert_eq!(told(&t).await, ["a retired", "b active"]);
    assert_eq!(signing_keys::all(&t.db).await.unwrap()[0].sealed, b"public");
}

#[both_engines]
async fn of_two_rotations_at_once_one_finds_nothing_to_do(t: Tables) {
    t.write(async |tx| insert(tx, "a", KeyState::Active, NOW).await).await.unwrap();
    t.write(async |tx| insert(tx, "b", KeyState::Next, NOW).await).await.unwrap();
    let (_, second) = t
        .overlapping(
            async |tx| {
                signing_keys::retire(tx, NOW).await?;
                signing_keys::promote(tx, NOW).await
            },
            async |tx| Ok(signing_keys::retire(tx, NOW).await?.map(|key| key.kid)),
        )
        .await;
    // Where the second had to wait for the row, that row is retired when its turn comes; where it had to wait for the
    // whole database, it retires the key that the first made the active one.
    let expect = (t.engine == testkit::Engine::Sqlite).then(|| "b".to_owned());
    assert_eq!(second, Ok(expect));
}

#[both_engines]
async fn a_key_is_taken_without_a_change(t: Tables) {
    assert!(t.write(async |tx| signing_keys::take(tx).await).await.unwrap().is_none());
    t.write(async |tx| insert(tx, "a", KeyState::Active, NOW).await).await.unwrap();
    let taken = t.write(async |tx| signing_keys::take(tx).await).await.unwrap().unwrap();
    assert_eq!((taken.kid.as_str(), taken.sealed), ("a", vec![0, 255, 7]));
    assert_eq!(told(&t).await, ["a active"]);
}

#[both_engines]
async fn retired_keys_go_when_they_are_old_enough_and_any_key_when_it_is_thrown_away(t: Tables) {
    for (kid, state, at) in [
        ("older", KeyState::Retired, NOW),
        ("old", KeyState::Retired, after(1)),
        ("a", KeyState::Active, NOW),
        ("n", KeyState::Next, NOW),
    ] {
        t.write(async |tx| insert(tx, kid, state, at).await).await.unwrap();
    }
    assert_eq!(t.write(async |tx| signing_keys::purge(tx, NOW).await).await, Ok(1));
    assert_eq!(told(&t).await, ["a active", "n next", "old retired"]);
    t.write(async |tx| signing_keys::delete(tx, "a").await).await.unwrap();
    assert_eq!(told(&t).await, ["n next", "old retired"]);
}
