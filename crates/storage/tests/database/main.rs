//! The database layer on both engines: every rule of DESIGN §5, "One SQL text, two engines", has a test here that
//! would fail without it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod migrations;
mod postgres;
mod setting;
mod sqlite;
mod values;

use std::time::Duration;

use setting::Database;
use storage::{
    db::{Constraint, Db, DbError, Migration, Query, Row, Tx},
    params,
};
use testkit::both_engines;

/// Two tables with every kind of constraint.
const TABLES: Migration = Migration {
    version: 1,
    name: "tables",
    oldest_binary: 1,
    sql: "CREATE TABLE owners (id TEXT NOT NULL PRIMARY KEY);
          CREATE TABLE things (
              name TEXT NOT NULL PRIMARY KEY,
              owner TEXT NOT NULL DEFAULT '',
              label TEXT,
              size BIGINT CHECK (size >= 0),
              bytes BLOB,
              kept_by TEXT REFERENCES owners (id) ON DELETE RESTRICT
          );
          CREATE UNIQUE INDEX things_by_label ON things (owner, label);",
};

async fn with_tables(database: &Database) -> Db {
    let db = database.open().await;
    db.migrate_with(&[TABLES]).await.unwrap();
    db
}

const INSERT: &str = "INSERT INTO things (name) VALUES ($1)";

async fn insert(tx: &Tx, name: &str) -> Result<u64, DbError> {
    tx.execute(INSERT, params![name]).await
}

async fn names(query: &impl Query) -> Vec<String> {
    query.list("SELECT name FROM things ORDER BY name", &[], |row| row.text(0)).await.unwrap()
}

fn no_value(_: &Row<'_>) -> Result<(), DbError> {
    Ok(())
}

fn must_be_send<T: Send>(value: T) -> T {
    value
}

#[both_engines]
async fn what_was_committed_is_seen_at_once_and_nothing_before(database: Database) {
    let db = with_tables(&database).await;
    for round in 0..20 {
        let tx = db.begin().await.unwrap();
        insert(&tx, &format!("{round:02}")).await.unwrap();
        assert_eq!(names(&db).await.len(), round);
        assert_eq!(names(&tx).await.len(), round + 1);
        tx.commit().await.unwrap();
        let by_name = "SELECT name FROM things WHERE name = $1";
        db.one(by_name, params![format!("{round:02}")], no_value).await.unwrap();
    }
}

#[both_engines]
async fn a_dropped_transaction_leaves_nothing(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    insert(&tx, "a").await.unwrap();
    drop(tx);
    let tx = db.begin().await.unwrap();
    assert_eq!(names(&tx).await, [""; 0]);
    insert(&tx, "b").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(&db).await, ["b"]);
}

#[both_engines]
async fn an_error_ends_the_transaction_whether_or_not_it_was_looked_at(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    insert(&tx, "a").await.unwrap();
    insert(&tx, "a").await.unwrap_err();
    let expect = DbError::Other("an earlier statement of this transaction failed".into());
    assert_eq!(insert(&tx, "b").await, Err(expect.clone()));
    assert_eq!(tx.few("SELECT name FROM things", &[], no_value).await, Err(expect.clone()));
    assert_eq!(tx.commit().await, Err(expect));
    assert_eq!(names(&db).await, [""; 0]);
}

#[both_engines]
async fn finding_no_row_ends_nothing(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    assert_eq!(tx.one("SELECT name FROM things", &[], no_value).await, Err(DbError::NoRow));
    assert_eq!(tx.optional("SELECT name FROM things", &[], no_value).await, Ok(None));
    assert_eq!(tx.execute("UPDATE things SET size = 1", &[]).await, Ok(0));
    insert(&tx, "a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(&db).await, ["a"]);
}

#[both_engines]
async fn a_second_row_where_one_was_expected_is_a_mistake(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    insert(&tx, "a").await.unwrap();
    insert(&tx, "b").await.unwrap();
    tx.commit().await.unwrap();
    let answer = db.optional("SELECT name FROM things", &[], no_value).await;
    assert!(matches!(answer, Err(DbError::Other(_))), "{answer:?}");
}

#[both_engines]
async fn an_update_says_what_it_wrote(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    insert(&tx, "a").await.unwrap();
    insert(&tx, "b").await.unwrap();
    let sql = "UPDATE things SET size = COALESCE(size, 0) + $2 WHERE name = $1 RETURNING size";
    assert_eq!(tx.one(sql, params!["a", 5], |row| row.int(0)).await, Ok(5));
    assert_eq!(tx.one(sql, params!["a", 6], |row| row.int(0)).await, Ok(11));
    assert_eq!(tx.optional(sql, params!["none", 6], |row| row.int(0)).await, Ok(None));
    assert_eq!(tx.execute("DELETE FROM things", &[]).await, Ok(2));
    let sql = "INSERT INTO things (name) VALUES ($1) ON CONFLICT DO NOTHING";
    assert_eq!(tx.execute(sql, params!["a"]).await, Ok(1));
    assert_eq!(tx.execute(sql, params!["a"]).await, Ok(0));
    tx.commit().await.unwrap();
}

#[both_engines]
async fn each_constraint_says_which_kind_it_is(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    tx.execute("INSERT INTO owners (id) VALUES ('o')", &[]).await.unwrap();
    tx.execute("INSERT INTO things (name, kept_by, label) VALUES ('a', 'o', 'l')", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let refused = [
        ("INSERT INTO things (name) VALUES ('a')", Constraint::Unique),
        ("INSERT INTO things (name, label) VALUES ('b', 'l')", Constraint::Unique),
        ("INSERT INTO things (name, kept_by) VALUES ('b', 'nobody')", Constraint::ForeignKey),
        ("DELETE FROM owners", Constraint::ForeignKey),
        ("INSERT INTO things (name, size) VALUES ('b', -1)", Constraint::Check),
    ];
    for (sql, kind) in refused {
        let error = db.begin().await.unwrap().execute(sql, &[]).await.unwrap_err();
        assert!(error.is_conflict(kind), "{sql}: {error:?}");
    }
}

#[both_engines]
async fn a_read_of_committed_state_can_not_write(database: Database) {
    let db = with_tables(&database).await;
    for _ in 0..20 {
        db.few("INSERT INTO things (name) VALUES ('a') RETURNING name", &[], no_value).await.unwrap_err();
        db.list("INSERT INTO things (name) VALUES ('a') RETURNING name", &[], no_value).await.unwrap_err();
    }
    assert_eq!(names(&db).await, [""; 0]);
}

#[both_engines]
async fn whoever_waits_too_long_for_a_turn_hears_that_it_is_busy(database: Database) {
    let db = database.open_narrow().await;
    let held = db.begin().await.unwrap();
    let refused = db.begin().await.map(drop);
    assert!(matches!(refused, Err(DbError::Busy(_))), "{refused:?}");
    drop(held);
    db.begin().await.unwrap().commit().await.unwrap();
}

#[both_engines]
async fn futures_that_hold_a_transaction_may_change_threads(database: Database) {
    let db = with_tables(&database).await;
    let name = String::from("a");
    let written = must_be_send(async move {
        let tx = db.begin().await?;
        insert(&tx, &name).await?;
        tx.list("SELECT name FROM things", params![], no_value).await?;
        tx.commit().await?;
        db.ping().await
    });
    tokio::spawn(written).await.unwrap().unwrap();
}

#[both_engines]
async fn many_writers_at_once_lose_nothing(database: Database) {
    let db = with_tables(&database).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..40 {
        let db = db.clone();
        writers.spawn(async move {
            let tx = db.begin().await.unwrap();
            insert(&tx, &format!("{writer:02}")).await.unwrap();
            // Every fourth changes its mind.
            if writer % 4 != 0 {
                tx.commit().await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let expect: Vec<_> =
        (0..40).filter(|writer| writer % 4 != 0).map(|writer| format!("{writer:02}")).collect();
    assert_eq!(names(&db).await, expect);
}

#[both_engines]
async fn a_dropped_commit_never_leaves_half(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    insert(&tx, "a").await.unwrap();
    insert(&tx, "b").await.unwrap();
    // Polled once, then dropped: it may or may not come to pass.
    let commit = tokio::time::timeout(Duration::ZERO, tx.commit()).await;
    drop(commit);
    let tx = db.begin().await.unwrap();
    insert(&tx, "c").await.unwrap();
    tx.commit().await.unwrap();
    let after = names(&db).await;
    assert!(after == ["a", "b", "c"] || after == ["c"], "{after:?}");
}
