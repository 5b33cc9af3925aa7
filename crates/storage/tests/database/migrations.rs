//! Migrations: all or nothing, once, and never behind a newer binary's back.

use access::{id::TokenId, rights::Principal, secret::SecretHash, time::Instant};
use storage::{
    db::{Db, DbError, DbOptions, Migration, Query},
    params,
    rights::{Aim, Who, load},
    tokens,
};
use testkit::both_engines;

use crate::{no_value, setting::Database};

const fn step(version: i64, oldest_binary: i64, sql: &'static str) -> Migration {
    Migration { version, name: "step", oldest_binary, sql }
}

const NOW: Instant = Instant::from_millis(1_767_225_600_000); // 2026-01-01

/// Two tokens: the byte that their secret's hash consists of, and their ids.
const OLD: (u8, &str) = (1, "0190a5e0-7d4c-7aaa-8bbb-000000000001");
const OLDER_BINARY: (u8, &str) = (2, "0190a5e0-7d4c-7aaa-8bbb-000000000002");

/// A token with a secret, in the words of the release that knew the first migration alone.
async fn add_token_of_the_first_release(db: &Db, (number, id): (u8, &str)) {
    const TOKEN: &str = "INSERT INTO tokens (id, kind, namespace_id, user_id, name, access, description, status, \
        expires_at, stands_for_kind, stands_for, parent_secret_id, created_at, created_by_id, created_by, \
        last_used_from, last_used_by, pulls, pushes, why, revision) \
        VALUES ($1, 'service', '', '', $2, 'scoped', '', 'enabled', NULL, '', '', '', $3, '', 'user admin', \
        '', '', 0, 0, '', 1)";
    const SECRET: &str = "INSERT INTO token_secrets (id, token_id, hash, hint, created_at, ended_at, why, is_final, \
        last_used_at, last_used_from, last_used_by) VALUES ($1, $1, $2, '', $3, NULL, '', 0, NULL, '', '')";
    let tx = db.begin().await.unwrap();
    tx.execute(TOKEN, params![id, format!("mirror-{number}"), NOW]).await.unwrap();
    tx.execute(SECRET, params![id, vec![number; 32], NOW]).await.unwrap();
    tx.commit().await.unwrap();
}

const FIRST: Migration = step(1, 1, "CREATE TABLE first (a TEXT NOT NULL)");

async fn version(db: &Db) -> i64 {
    let sql = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM schema_version";
    db.one(sql, &[], |row| row.int(0)).await.unwrap()
}

#[both_engines]
async fn each_migration_runs_once_and_in_order(database: Database) {
    let db = database.open().await;
    let second =
        step(2, 1, "ALTER TABLE first ADD COLUMN b BIGINT; INSERT INTO first (a, b) VALUES ('x', 1)");
    db.migrate_with(&[FIRST]).await.unwrap();
    assert_eq!(version(&db).await, 1);
    for _ in 0..2 {
        db.migrate_with(&[FIRST, second]).await.unwrap();
        assert_eq!(version(&db).await, 2);
        assert_eq!(db.one("SELECT b FROM first", &[], |row| row.int(0)).await, Ok(1));
    }
}

#[both_engines]
async fn a_migration_that_fails_half_way_changes_nothing(database: Database) {
    let db = database.open().await;
    let broken = step(2, 2, "CREATE TABLE second (a TEXT); INSERT INTO nowhere VALUES (1)");
    db.migrate_with(&[FIRST, broken]).await.unwrap_err();
    assert_eq!(version(&db).await, 1);
    db.few("SELECT a FROM second", &[], no_value).await.unwrap_err();

    let mended = step(2, 2, "CREATE TABLE second (a TEXT)");
    db.migrate_with(&[FIRST, mended]).await.unwrap();
    assert_eq!(version(&db).await, 2);
}

#[both_engines]
async fn replicas_that_start_together_take_turns(database: Database) {
    let (one, other) = tokio::join!(database.open(), database.open());
    let steps =
        [FIRST, step(2, 1, "CREATE TABLE second (a TEXT)"), step(3, 1, "CREATE TABLE third (a TEXT)")];
    let (one_done, other_done) = tokio::join!(one.migrate_with(&steps), other.migrate_with(&steps));
    assert_eq!((one_done, other_done), (Ok(()), Ok(())));
    assert_eq!(version(&one).await, 3);
}

#[both_engines]
async fn an_older_binary_runs_where_the_schema_lets_it(database: Database) {
    let db = database.open().await;
    db.migrate_with(&[FIRST, step(2, 1, "CREATE TABLE second (a TEXT)")]).await.unwrap();
    db.migrate_with(&[FIRST]).await.unwrap();
    assert_eq!(version(&db).await, 2);
}

#[both_engines]
async fn an_older_binary_refuses_a_schema_that_it_can_not_live_with(database: Database) {
    let db = database.open().await;
    db.migrate_with(&[FIRST, step(2, 2, "DROP TABLE first")]).await.unwrap();
    let refused = db.migrate_with(&[FIRST]).await.unwrap_err();
    assert_eq!(refused, DbError::TooNew { oldest_binary: 2, binary: 1 });
    assert!(refused.to_string().contains("start the newer sealock"), "{refused}");
}

#[both_engines]
async fn who_may_not_migrate_looks_and_changes_nothing(database: Database) {
    let db = database.open().await;
    let steps = [FIRST, step(2, 2, "CREATE TABLE second (a TEXT)")];
    let too_old = |schema| Err(DbError::TooOld { schema, binary: 2 });
    assert_eq!((db.check_schema_with(&steps).await, db.schema().await), (too_old(0), Ok(0)));
    db.few("SELECT version FROM schema_version", &[], no_value).await.unwrap_err();
    db.migrate_with(&[FIRST]).await.unwrap();
    assert_eq!((db.check_schema_with(&steps).await, db.schema().await), (too_old(1), Ok(1)));
    assert_eq!(version(&db).await, 1);
    db.migrate_with(&steps).await.unwrap();
    assert_eq!(db.check_schema_with(&steps).await, Ok(()));
    let refused = db.check_schema_with(&[FIRST]).await;
    assert_eq!(refused, Err(DbError::TooNew { oldest_binary: 2, binary: 1 }));
}

#[both_engines]
async fn who_only_looks_reads_and_never_writes(database: Database) {
    let db = database.open().await;
    db.migrate_with(&[FIRST]).await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.execute("INSERT INTO first (a) VALUES ('x')", &[]).await.unwrap();
    tx.commit().await.unwrap();
    // Beside a server, and without one.
    for db in [Some(db), None] {
        let looking = Db::open_to_read(&database.location, DbOptions::default()).await.unwrap();
        assert_eq!(looking.one("SELECT a FROM first", &[], |row| row.text(0)).await.as_deref(), Ok("x"));
        assert_eq!(looking.check_schema_with(&[FIRST]).await, Ok(()));
        assert!(looking.begin().await.is_err());
        looking.few("INSERT INTO first (a) VALUES ('y') RETURNING a", &[], no_value).await.unwrap_err();
        drop(db);
    }
}

#[both_engines]
async fn a_key_that_signs_and_bearers_of_it_outlive_the_upgrade(database: Database) {
    let db = database.open().await;
    let released = [
        step(1, 1, include_str!("../../migrations/0001_the_house.sql")),
        step(2, 2, include_str!("../../migrations/0002_allowed_addresses.sql")),
        step(3, 2, include_str!("../../migrations/0003_sessions.sql")),
    ];
    db.migrate_with(&released).await.unwrap();
    const KEY: &str =
        "INSERT INTO signing_keys (kid, state, sealed, created_at) VALUES ('k', 'active', $1, $2)";
    let tx = db.begin().await.unwrap();
    tx.execute(KEY, params![b"sealed".as_slice(), NOW]).await.unwrap();
    tx.commit().await.unwrap();
    db.migrate().await.unwrap();
    let keys = storage::signing_keys::all(&db).await.unwrap();
    assert_eq!((keys.len(), keys[0].kid.as_str(), keys[0].retired_at), (1, "k", None));
    assert_eq!(storage::signing_keys::active(&db).await, Ok(Some("k".to_owned())));
    // The release that made it would sign with it after it was retired.
    assert!(matches!(db.migrate_with(&released).await, Err(DbError::TooNew { oldest_binary: 4, binary: 3 })));
}

#[both_engines]
async fn a_migration_may_not_end_its_transaction(database: Database) {
    let db = database.open().await;
    let sneaky = step(1, 1, "CREATE TABLE first (a TEXT); COMMIT; CREATE TABLE second (a TEXT)");
    assert!(matches!(db.migrate_with(&[sneaky]).await, Err(DbError::Other(_))));
    db.few("SELECT a FROM first", &[], no_value).await.unwrap_err();
}

#[both_engines]
async fn tokens_from_before_there_were_allowed_addresses_work_from_anywhere(database: Database) {
    let db = database.open().await;
    db.migrate_with(&[step(1, 1, include_str!("../../migrations/0001_the_house.sql"))]).await.unwrap();
    add_token_of_the_first_release(&db, OLD).await;
    db.migrate().await.unwrap();
    // As a replica writes that has yet to be replaced.
    add_token_of_the_first_release(&db, OLDER_BINARY).await;
    for (number, id) in [OLD, OLDER_BINARY] {
        let token = tokens::by_id(&db, TokenId::parse(id).unwrap(), NOW).await.unwrap().unwrap();
        assert!(token.allowed_addresses.is_anywhere());
        let who = Who::SecretHash(SecretHash::from_bytes(&[number; 32]).unwrap());
        let rights = load(&db, &who, None, &Aim::default(), NOW).await.unwrap().unwrap();
        let Principal::Token(token) = rights.principal else { panic!("{rights:?}") };
        assert!(token.is_enabled && token.allowed_addresses.allow(None));
    }
}

#[both_engines]
async fn the_lists_own_migrations_run(database: Database) {
    let db = database.open().await;
    db.migrate().await.unwrap();
    db.migrate().await.unwrap();
    let tx = db.begin().await.unwrap();
    let count = "SELECT CAST(COUNT(*) AS BIGINT) FROM schema_version WHERE version < $1";
    tx.one(count, params![i64::MAX], |row| row.int(0)).await.unwrap();
}
