//! Sessions of the console: which live, and which go.

use access::{
    id::{SessionId, UserId},
    name::Username,
    session::{SessionHash, SessionSecret},
    time::Instant,
};
use storage::{
    db::Tx,
    rights::{Aim, Who, load},
    sessions::{self, EndedSession, StoredSession},
    users,
};
use testkit::{both_engines, randomness::SeededRandomness};

use crate::setting::{NOW, Tables, after};

fn hash(seed: u64) -> SessionHash {
    SessionSecret::mint(&SeededRandomness::new(seed)).hash()
}

/// A session that was opened at `created_at` with the first password, and ends a day after [`NOW`].
async fn session(t: &Tables, user: UserId, seed: u64, created_at: Instant) -> StoredSession {
    let session = StoredSession {
        id: SessionId::mint(created_at, &SeededRandomness::new(seed)),
        user,
        created_at,
        expires_at: after(24),
        from_address: "10.0.0.7".to_owned(),
        client: "a browser".to_owned(),
    };
    t.write(async |tx: &Tx| sessions::insert(tx, &session, &hash(seed), 1).await).await.unwrap();
    session
}

/// What is told of a session when it ends, the password being the one that it was made with.
fn ended(session: &StoredSession, username: &str) -> EndedSession {
    EndedSession {
        id: session.id,
        user: session.user,
        username: Username::parse(username).unwrap(),
        created_at: session.created_at,
        expires_at: session.expires_at,
        is_of_password: true,
    }
}

async fn principal_is_current(t: &Tables, seed: u64, now: Instant) -> Option<bool> {
    let rights = load(&t.db, &Who::Session(hash(seed)), None, &Aim::default(), now).await.unwrap();
    rights.map(|rights| rights.principal.user().unwrap().is_current)
}

#[both_engines]
async fn a_session_is_its_user_until_it_expires_or_the_password_changes(t: Tables) {
    let anna = t.user("anna").await;
    let stored = session(&t, anna, 1, NOW).await;
    assert_eq!(sessions::by_hash(&t.db, &hash(1)).await, Ok(Some(stored)));
    assert_eq!(principal_is_current(&t, 1, NOW).await, Some(true));
    assert_eq!(principal_is_current(&t, 2, NOW).await, None);
    assert_eq!(principal_is_current(&t, 1, after(24)).await, None);
    t.write(async |tx: &Tx| users::set_password(tx, anna, "other").await).await.unwrap();
    assert_eq!(principal_is_current(&t, 1, NOW).await, Some(false));
    assert_eq!(sessions::living(&t.db, anna, NOW, 10).await, Ok(vec![]));
}

#[both_engines]
async fn sessions_are_listed_ended_and_kept_few(t: Tables) {
    let (anna, bert) = (t.user("anna").await, t.user("bert").await);
    let old = session(&t, anna, 1, NOW).await;
    let new = session(&t, anna, 2, after(1)).await;
    let other = session(&t, bert, 3, NOW).await;
    let listed = sessions::living(&t.db, anna, after(2), 10).await;
    assert_eq!(listed, Ok(vec![new.clone(), old.clone()]));
    assert_eq!(sessions::living(&t.db, anna, after(2), 1).await, Ok(vec![new.clone()]));

    for (user, expect) in [(bert, None), (anna, Some(ended(&new, "anna"))), (anna, None)] {
        assert_eq!(t.write(async |tx: &Tx| sessions::delete(tx, new.id, user).await).await, Ok(expect));
    }
    let newest = session(&t, anna, 4, after(3)).await;
    let gone = t.write(async |tx: &Tx| sessions::keep_newest(tx, anna, 1).await).await;
    assert_eq!(gone, Ok(vec![ended(&old, "anna")]));
    assert_eq!(sessions::living(&t.db, anna, after(4), 10).await, Ok(vec![newest]));
    assert_eq!(sessions::living(&t.db, bert, after(4), 10).await, Ok(vec![other]));
}

#[both_engines]
async fn what_is_presented_ends_and_says_whether_it_lived(t: Tables) {
    let anna = t.user("anna").await;
    let one = session(&t, anna, 1, NOW).await;
    let present =
        async |seed| t.write(async |tx: &Tx| sessions::delete_presented(tx, &hash(seed)).await).await;
    assert_eq!(present(2).await, Ok(None));
    let gone = present(1).await.unwrap().unwrap();
    assert_eq!(gone, ended(&one, "anna"));
    assert!(gone.lived(NOW) && !gone.lived(one.expires_at));
    assert_eq!(present(1).await, Ok(None));
    // Whoever changed the password ended it already.
    session(&t, anna, 3, NOW).await;
    t.write(async |tx: &Tx| users::set_password(tx, anna, "other").await).await.unwrap();
    assert!(!present(3).await.unwrap().unwrap().lived(NOW));
}

#[both_engines]
async fn expired_sessions_are_purged_a_few_at_a_time(t: Tables) {
    let anna = t.user("anna").await;
    for seed in 1..=3 {
        session(&t, anna, seed, NOW).await;
    }
    for (now, limit, purged) in [(after(23), 10, 0), (after(24), 2, 2), (after(24), 2, 1), (after(24), 2, 0)]
    {
        assert_eq!(t.write(async |tx: &Tx| sessions::purge(tx, now, limit).await).await, Ok(purged));
    }
}

#[both_engines]
async fn a_form_is_sent_once_in_a_session(t: Tables) {
    let anna = t.user("anna").await;
    let (one, other) = (session(&t, anna, 1, NOW).await, session(&t, anna, 2, NOW).await);
    for (id, form, is_first) in
        [(one.id, "a", true), (one.id, "a", false), (one.id, "b", true), (other.id, "a", true)]
    {
        assert_eq!(t.write(async |tx: &Tx| sessions::send_form(tx, id, form).await).await, Ok(is_first));
    }
    t.write(async |tx: &Tx| users::delete(tx, anna).await).await.unwrap();
    assert_eq!(sessions::by_hash(&t.db, &hash(1)).await, Ok(None));
}
