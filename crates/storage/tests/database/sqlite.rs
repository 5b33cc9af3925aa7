//! What holds for SQLite only: group commit, the disk, other processes.
//!
//! These tests run on one thread, so that who joins which group is the order in which they are written.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use storage::{
    db::{Constraint, DatabaseLocation, Db, DbError, DbOptions, Query, Tx},
    params,
};
use testkit::Engine;

use crate::{insert, names, no_value, setting::Database, with_tables};

async fn begin_with(db: &Db, name: &str) -> Tx {
    let tx = db.begin().await.unwrap();
    insert(&tx, name).await.unwrap();
    tx
}

#[tokio::test]
async fn transactions_that_come_together_share_one_fsync() {
    let db = with_tables(&Database::on(Engine::Sqlite).await).await;
    let before = db.group_commits().unwrap();
    let writers = (0..50).map(|writer| {
        let db = db.clone();
        async move { begin_with(&db, &format!("{writer:02}")).await.commit().await.unwrap() }
    });
    futures_util::future::join_all(writers).await;
    assert_eq!(names(&db).await.len(), 50);
    let commits = db.group_commits().unwrap() - before;
    assert!(commits <= 3, "{commits} commits for 50 transactions");
}

#[tokio::test]
async fn a_commit_that_fails_fails_everyone_in_its_group() {
    let db = with_tables(&Database::on(Engine::Sqlite).await).await;
    let tx = db.begin().await.unwrap();
    // A deferred constraint is what COMMIT itself can refuse; migrations may not have one.
    let late = "CREATE TABLE late (owner TEXT REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED)";
    tx.execute(late, &[]).await.unwrap();
    tx.commit().await.unwrap();

    let good = begin_with(&db, "good").await;
    let (good, bad) = tokio::join!(good.commit(), async {
        let bad = begin_with(&db, "bad").await;
        bad.execute("INSERT INTO late (owner) VALUES ('nobody')", &[]).await.unwrap();
        bad.commit().await
    });
    for outcome in [good, bad] {
        let error = outcome.unwrap_err();
        assert!(error.is_conflict(Constraint::ForeignKey), "{error:?}");
    }
    assert_eq!(names(&db).await, [""; 0]);
    begin_with(&db, "next").await.commit().await.unwrap();
    assert_eq!(names(&db).await, ["next"]);
}

#[tokio::test]
async fn one_that_changes_its_mind_leaves_its_group_alone() {
    let db = with_tables(&Database::on(Engine::Sqlite).await).await;
    let good = begin_with(&db, "good").await;
    let (committed, ()) = tokio::join!(good.commit(), async {
        drop(begin_with(&db, "dropped").await);
        let failed = begin_with(&db, "failed").await;
        insert(&failed, "good").await.unwrap_err();
        drop(failed);
    });
    committed.unwrap();
    assert_eq!(names(&db).await, ["good"]);
}

#[tokio::test]
async fn what_is_not_yet_durable_is_not_yet_seen() {
    let db = with_tables(&Database::on(Engine::Sqlite).await).await;
    let first = begin_with(&db, "first").await;
    let (committed, seen) = tokio::join!(first.commit(), async {
        // Released, but its COMMIT has not come: this one is in its way.
        let second = begin_with(&db, "second").await;
        let seen = (names(&db).await, names(&second).await);
        drop(second);
        seen
    });
    committed.unwrap();
    assert_eq!(seen, (vec![], vec!["first".to_owned(), "second".to_owned()]));
    assert_eq!(names(&db).await, ["first"]);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_cleanly_and_lets_reads_go_on() {
    let db = with_tables(&Database::on(Engine::Sqlite).await).await;
    begin_with(&db, "before").await.commit().await.unwrap();
    set_max_pages(&db, "PRAGMA max_page_count = 20").await;

    let neighbour = begin_with(&db, "neighbour").await;
    let (neighbour, full) = tokio::join!(neighbour.commit(), async {
        let tx = db.begin().await.unwrap();
        let bytes = vec![0; 1 << 20];
        tx.execute("INSERT INTO things (name, bytes) VALUES ('big', $1)", params![bytes]).await.map(drop)
    });
    assert_eq!(full, Err(DbError::Full));
    // SQLite may undo the whole group then. Whatever it does, the neighbour is told the truth.
    let seen = names(&db).await;
    let expect: &[&str] = if neighbour.is_ok() { &["before", "neighbour"] } else { &["before"] };
    assert_eq!(seen, expect);

    set_max_pages(&db, "PRAGMA max_page_count = 100000").await;
    begin_with(&db, "zzz").await.commit().await.unwrap();
}

#[tokio::test]
async fn when_sqlite_undoes_the_whole_group_everyone_in_it_hears_why() {
    let db = with_tables(&Database::on(Engine::Sqlite).await).await;
    let neighbour = begin_with(&db, "neighbour").await;
    let (neighbour, failed) = tokio::join!(neighbour.commit(), async {
        let tx = begin_with(&db, "mine").await;
        // What SQLite does on its own when a write to the disk fails.
        tx.execute("INSERT OR ROLLBACK INTO things (name) VALUES ('mine')", &[]).await.map(drop)
    });
    assert!(failed.as_ref().unwrap_err().is_conflict(Constraint::Unique), "{failed:?}");
    assert_eq!(neighbour, failed);
    assert_eq!(names(&db).await, [""; 0]);
    begin_with(&db, "next").await.commit().await.unwrap();
    assert_eq!(names(&db).await, ["next"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_on_a_new_file_wait_for_each_other() {
    for _ in 0..20 {
        let database = Database::on(Engine::Sqlite).await;
        let opened = (0..8).map(async |_| database.open().await.ping().await);
        for ready in futures_util::future::join_all(opened).await {
            ready.unwrap();
        }
    }
}

/// The limit belongs to the connection that writes, and a transaction is on it.
async fn set_max_pages(db: &Db, pragma: &'static str) {
    db.begin().await.unwrap().one(pragma, &[], |row| row.int(0)).await.unwrap();
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for_and_not_for_ever() {
    let database = Database::on(Engine::Sqlite).await;
    let other = with_tables(&database).await;
    let db = database.open_narrow().await;

    let held = begin_with(&other, "held").await;
    let refused = db.begin().await.map(drop);
    assert!(matches!(refused, Err(DbError::Busy(_))), "{refused:?}");

    let patient = database.open().await;
    let (begun, committed) = tokio::join!(patient.begin(), held.commit());
    committed.unwrap();
    begun.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn long_reads_take_turns() {
    const LONG: &str = "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                        SELECT CAST(COUNT(*) AS BIGINT) FROM n";
    let database = Database::on(Engine::Sqlite).await;
    let db = database.open().await;
    let reads = (0..12).map(async |_| db.list(LONG, params![10_000], |row| row.int(0)).await);
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(read.unwrap(), [10_000]);
    }

    let hasty = DbOptions { wait: Duration::from_millis(5), ..DbOptions::default() };
    let narrow = Db::open(&database.location, hasty).await.unwrap();
    let reads = (0..12).map(async |_| narrow.list(LONG, params![1_000_000], |row| row.int(0)).await);
    let (long, point) = tokio::join!(
        futures_util::future::join_all(reads),
        narrow.one("SELECT CAST(1 AS BIGINT)", &[], no_value)
    );
    point.unwrap();
    assert!(long.iter().any(|read| matches!(read, Err(DbError::Busy(_)))), "{long:?}");
    assert!(long.iter().any(Result::is_ok), "{long:?}");
}

#[tokio::test]
async fn a_parameter_by_name_is_refused() {
    let db = Database::on(Engine::Sqlite).await.open().await;
    let refused = db.one("SELECT CAST($name AS TEXT)", params!["a"], no_value).await;
    assert!(matches!(refused, Err(DbError::Other(_))), "{refused:?}");
}

#[tokio::test]
async fn the_file_and_its_log_are_readable_by_their_owner_only() {
    let database = Database::on(Engine::Sqlite).await;
    let db = with_tables(&database).await;
    let DatabaseLocation::Sqlite { path } = &database.location else { panic!("not SQLite") };
    for suffix in ["", "-wal", "-shm"] {
        let file = std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    db.ping().await.unwrap();
}

/// On a full disk the next start would find no room for them.
#[tokio::test]
async fn the_log_and_its_index_stay_when_the_database_is_closed() {
    let database = Database::on(Engine::Sqlite).await;
    let db = with_tables(&database).await;
    begin_with(&db, "a").await.commit().await.unwrap();
    let DatabaseLocation::Sqlite { path } = &database.location else { panic!("not SQLite") };
    let bytes_of = |suffix| std::fs::metadata(format!("{}{suffix}", path.display())).unwrap().len();
    assert_ne!(bytes_of("-wal"), 0);
    drop(db);
    // The committer has the last connection, and its thread may still end the commit.
    let closed = async {
        while bytes_of("-wal") != 0 {
            tokio::task::yield_now().await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(30), closed).await;
    closed.expect("what was in the log is in the database, and the log is empty");
    assert_ne!(bytes_of("-shm"), 0);
    assert_eq!(names(&database.open().await).await, ["a"]);
}

#[tokio::test]
async fn the_rules_of_the_house_are_switched_on() {
    let db = with_tables(&Database::on(Engine::Sqlite).await).await;
    let tx = db.begin().await.unwrap();
    assert_eq!(tx.one("PRAGMA journal_mode", &[], |row| row.text(0)).await.unwrap(), "wal");
    // 2 is FULL: NORMAL would lose what was acknowledged when the power fails.
    assert_eq!(tx.one("PRAGMA synchronous", &[], |row| row.int(0)).await, Ok(2));
    assert_eq!(tx.one("PRAGMA foreign_keys", &[], |row| row.int(0)).await, Ok(1));
}

#[tokio::test]
async fn a_file_that_can_not_be_made_stops_the_start_with_the_cause() {
    let location = DatabaseLocation::Sqlite { path: "/nowhere/sealock.db".into() };
    let error = Db::open(&location, DbOptions::default()).await.map(drop).unwrap_err();
    // Which file it is says whoever named it, and not both.
    assert_eq!(error.to_string(), "the database cannot be reached: No such file or directory (os error 2)");
}

#[tokio::test]
async fn a_log_that_can_not_be_made_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealock.db");
    std::fs::create_dir(folder.path().join("sealock.db-wal")).unwrap();
    let opened = Db::open(&DatabaseLocation::Sqlite { path }, DbOptions::default()).await;
    let error = opened.map(drop).unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
}

/// As on a file system that can't be written to. Its letters are those that a URI would take for its own.
#[tokio::test]
async fn a_database_without_a_log_is_read_where_none_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a?b#c%20d&mode=rwc");
    std::fs::create_dir(&below).unwrap();
    let path = below.join("sealock.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')")
        .unwrap();
    let log = below.join("sealock.db-wal");
    assert!(!log.exists(), "SQLite tidied up");
    std::os::unix::fs::symlink("/nowhere/log", &log).unwrap();
    let location = DatabaseLocation::Sqlite { path };
    let read = async || {
        let db = Db::open_to_read(&location, DbOptions::default()).await?;
        db.one("SELECT a FROM t", &[], |row| row.text(0)).await
    };
    assert_eq!(read().await.as_deref(), Ok("x"));
    // With a log there are commits in it, which would be missed.
    std::fs::remove_file(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    assert!(matches!(read().await, Err(DbError::Unavailable(_))));
}

#[tokio::test]
async fn who_only_looks_makes_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let location = DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") };
    let opened = Db::open_to_read(&location, DbOptions::default()).await;
    assert!(matches!(opened.map(drop), Err(DbError::Unavailable(_))));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
