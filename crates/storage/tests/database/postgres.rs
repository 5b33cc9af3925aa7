//! What holds for PostgreSQL only: the pool, the network, collisions.

use std::{sync::Arc, time::Duration};

use storage::{
    db::{DatabaseLocation, Db, DbError, DbOptions, Query, retried},
    params,
};
use testkit::{on_postgres, postgres::Postgres};
use tokio::sync::Barrier;

use crate::{insert, names, no_value, setting::Database, with_tables};

const WHICH: &str = "SELECT CAST(pg_backend_pid() AS BIGINT)";
/// Ends a connection's process; it is gone when this answers.
const KILL: &str =
    "SELECT CAST('' AS TEXT) WHERE pg_terminate_backend(CAST(CAST($1 AS BIGINT) AS INTEGER), 5000)";

#[on_postgres]
async fn a_connection_that_was_dropped_inside_a_transaction_serves_nobody_else(database: Database) {
    let db = database.open_narrow().await;
    let which = async || {
        let tx = db.begin().await.unwrap();
        let which = tx.one(WHICH, &[], |row| row.int(0)).await.unwrap();
        (tx, which)
    };
    let (tx, first) = which().await;
    tx.commit().await.unwrap();
    let (tx, second) = which().await;
    assert_eq!(first, second, "one that was committed goes back");
    drop(tx);
    let (_, third) = which().await;
    assert_ne!(second, third);
}

#[on_postgres]
async fn a_statement_that_was_dropped_half_way_ends_the_transaction(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    insert(&tx, "a").await.unwrap();
    let slow = tx.few("SELECT CAST(1 AS BIGINT) FROM pg_sleep(5)", &[], no_value);
    tokio::time::timeout(Duration::from_millis(50), slow).await.unwrap_err();
    assert!(matches!(insert(&tx, "b").await, Err(DbError::Other(_))));
    assert!(matches!(tx.commit().await, Err(DbError::Other(_))));
    assert_eq!(names(&db).await, [""; 0]);
}

#[on_postgres]
async fn types_that_sqlite_does_not_have_are_refused(database: Database) {
    let db = with_tables(&database).await;
    let refused = [
        ("SELECT SUM(size) FROM (SELECT CAST(1 AS BIGINT) AS size) AS s", "NUMERIC"),
        ("SELECT CASE WHEN TRUE THEN 1 ELSE 0 END", "INT4"),
    ];
    for (sql, kind) in refused {
        let answer = db.one(sql, &[], |row| row.int(0)).await;
        assert!(matches!(answer, Err(DbError::Corrupt(_))), "{kind}: {answer:?}");
    }
    let answer = db.one("SELECT CAST('a' AS NAME)", &[], |row| row.text(0)).await;
    assert!(matches!(answer, Err(DbError::Corrupt(_))), "NAME: {answer:?}");
    for params in [params!["1"], params![&[1u8]], params![None::<&str>]] {
        let answer = db.few("SELECT name FROM things WHERE size = $1", params, no_value).await;
        assert!(matches!(answer, Err(DbError::Other(_))), "{answer:?}");
    }
}

#[on_postgres]
async fn those_who_lock_each_other_out_are_told_and_tried_again(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    tx.execute("INSERT INTO things (name, size) VALUES ('a', 0), ('b', 0)", &[]).await.unwrap();
    tx.commit().await.unwrap();

    let tries = std::sync::atomic::AtomicU32::new(0);
    let both_hold_one = Arc::new(Barrier::new(2));
    let raise = async |first: &'static str, second: &'static str| {
        let is_first_try = std::cell::Cell::new(true);
        retried(async || {
            tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let sql = "UPDATE things SET size = size + 1 WHERE name = $1";
            let tx = db.begin().await?;
            tx.execute(sql, params![first]).await?;
            if is_first_try.replace(false) {
                both_hold_one.wait().await;
            }
            tx.execute(sql, params![second]).await?;
            tx.commit().await
        })
        .await
    };
    let (one, other) = tokio::join!(raise("a", "b"), raise("b", "a"));
    assert_eq!((one, other), (Ok(()), Ok(())));
    assert_eq!(tries.into_inner(), 3, "one of the two is the victim, once");
    let sizes = db.list("SELECT size FROM things", &[], |row| row.int(0)).await;
    assert_eq!(sizes.unwrap(), [2, 2]);
}

#[on_postgres]
async fn limits_of_time_are_set_on_every_connection(database: Database) {
    let db = database.open().await;
    let settings = "SELECT CAST(current_setting(CAST($1 AS TEXT)) AS TEXT)";
    let tx = db.begin().await.unwrap();
    for (name, expect) in
        [("statement_timeout", "10s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "10s")]
    {
        assert_eq!(tx.one(settings, params![name], |row| row.text(0)).await.unwrap(), expect, "{name}");
        for _ in 0..4 {
            assert_eq!(db.one(settings, params![name], |row| row.text(0)).await.unwrap(), expect, "{name}");
        }
    }
    assert_eq!(
        tx.one(settings, params!["transaction_isolation"], |row| row.text(0)).await.unwrap(),
        "read committed"
    );
}

#[tokio::test]
async fn a_database_that_goes_away_is_missed_quickly_and_found_again() {
    let Some(cluster) = Postgres::own() else { return };
    let location = DatabaseLocation::Postgres { url: cluster.database().await };
    let db = Db::open(&location, DbOptions::default()).await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.commit().await.unwrap();

    cluster.stop();
    let away = async {
        for _ in 0..10 {
            let read = db.ping().await;
            assert!(matches!(read, Err(DbError::Unavailable(_))), "{read:?}");
            let write = db.begin().await.map(drop);
            assert!(matches!(write, Err(DbError::Unavailable(_))), "{write:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(2), away).await.expect("an answer, not a hang");

    cluster.start();
    let back = async {
        while db.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        db.begin().await.unwrap().commit().await.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(5), back).await.expect("back by itself");
}

#[on_postgres]
async fn a_lost_connection_leaves_a_commit_in_doubt_and_nothing_else(database: Database) {
    let db = with_tables(&database).await;
    let cut_off = async || {
        let tx = db.begin().await.unwrap();
        insert(&tx, "a").await.unwrap();
        let which = tx.one(WHICH, &[], |row| row.int(0)).await.unwrap();
        db.begin().await.unwrap().one(KILL, params![which], no_value).await.unwrap();
        tx
    };
    let asked = insert(&cut_off().await, "b").await;
    assert!(matches!(asked, Err(DbError::Unavailable(_))), "{asked:?}");
    let committed = cut_off().await.commit().await;
    assert!(matches!(committed, Err(DbError::CommitUnknown(_))), "{committed:?}");
    assert_eq!(names(&db).await, [""; 0]);
}

#[on_postgres]
async fn one_lost_reader_is_replaced_while_the_others_answer(database: Database) {
    let db = database.open().await;
    let which = async || db.one(WHICH, &[], |row| row.int(0)).await;
    let first = which().await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.one(KILL, params![first], no_value).await.unwrap();
    drop(tx);
    let mut seen = std::collections::BTreeSet::new();
    let replaced = async {
        while seen.len() < 4 {
            match which().await {
                Ok(id) if id != first => drop(seen.insert(id)),
                // Asked in the moment of its end.
                Ok(_) | Err(DbError::Unavailable(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), replaced).await.expect("four readers again");
}

#[tokio::test]
async fn a_server_that_can_not_be_used_stops_the_start_and_says_why() {
    let Some(cluster) = Postgres::own() else { return };
    let url = cluster.database().await;
    let open = async |url: String| {
        let opened = Db::open(&DatabaseLocation::Postgres { url }, DbOptions::default()).await;
        opened.map(drop).unwrap_err()
    };
    let without_tls = open(format!("{url}?sslmode=require")).await;
    assert!(without_tls.to_string().contains("says whether TLS is spoken"), "{without_tls}");
    let no_such = open(format!("{url}_none")).await;
    assert!(no_such.to_string().contains("_none"), "{no_such}");
    let unread = open("postgres://u:hush@h/d?sslmode=verify-full".into()).await;
    assert!(unread.to_string().contains("sslmode=disable, prefer or require"), "{unread}");
    for url in ["postgres://u:hush@hush@h/d", "postgres://u:hush@ps@hush/d?a=hush", "postgres://u@h:hush/d"] {
        let unread = open(url.into()).await;
        assert!(!unread.to_string().contains("hush"), "{unread}");
    }
    assert!(!unread.to_string().contains("hush"), "{unread}");
    drop(cluster);
    let away = open(url).await;
    assert!(matches!(away, DbError::Unavailable(_)), "{away:?}");
}

#[test]
fn a_location_never_prints_its_password() {
    let url = "postgres://sealock:hush@db.example:5433/registry?sslmode=require".to_owned();
    let printed = format!("{:?}", DatabaseLocation::Postgres { url });
    assert_eq!(printed, r#"Postgres { at: "postgres://sealock@db.example:5433/registry" }"#);
    let url = "postgres://sealock:hush@db.example:5432/registry".to_owned();
    assert_eq!(DatabaseLocation::Postgres { url }.to_string(), "postgres://sealock@db.example/registry");
    let printed = format!("{:?}", DatabaseLocation::Postgres { url: "hush, not a URL".into() });
    assert_eq!(printed, r#"Postgres { at: "a URL that can't be read" }"#);
}
