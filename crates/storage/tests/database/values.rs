//! What goes in comes out, the same on both engines; what only one would take is refused.

use access::{id::TokenId, time::Instant};
use storage::{
    db::{DbError, Param, Query, Row},
    params,
};
use testkit::{both_engines, randomness::SeededRandomness};

use crate::{setting::Database, with_tables};

fn two_texts(row: &Row<'_>) -> Result<(String, String), DbError> {
    Ok((row.text(0)?, row.text(1)?))
}

fn is_corrupt<T: std::fmt::Debug>(answer: Result<T, DbError>, column: &str) {
    match &answer {
        Err(DbError::Corrupt(message)) if message.contains(column) => {}
        other => panic!("{other:?} instead of a corrupt {column}"),
    }
}

#[both_engines]
async fn parameters_go_where_their_number_says(database: Database) {
    let db = database.open().await;
    let swapped = "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT)";
    let twice = "SELECT CAST($1 AS TEXT), CAST($1 AS TEXT) || CAST($2 AS TEXT)";
    // More than once, for a cached statement must do the same.
    for _ in 0..3 {
        let expect = Ok(("second".into(), "first".into()));
        assert_eq!(db.one(swapped, params!["first", "second"], two_texts).await, expect);
        let expect = Ok(("first".into(), "firstsecond".into()));
        assert_eq!(db.one(twice, params!["first", "second"], two_texts).await, expect);
    }
}

#[both_engines]
async fn too_few_or_too_many_parameters_are_refused(database: Database) {
    let db = database.open().await;
    let sql = "SELECT CAST($1 AS TEXT), CAST($2 AS TEXT)";
    let wrong: [&[Param<'_>]; 3] = [params![], params!["a"], params!["a", "b", "c"]];
    for params in wrong {
        let answer = db.one(sql, params, two_texts).await;
        assert!(matches!(answer, Err(DbError::Other(_))), "{answer:?}");
    }
}

#[both_engines]
async fn values_come_back_as_they_went_in(database: Database) {
    let db = with_tables(&database).await;
    let id = TokenId::mint(Instant::from_millis(1), &SeededRandomness::new(1));
    let tx = db.begin().await.unwrap();
    let sql = "INSERT INTO things (name, owner, label, size, bytes) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, params![id, "o", "é'\"$1", i64::MAX, &[0u8, 255]]).await.unwrap();
    tx.execute(sql, params!["z", "", None::<&str>, None::<Instant>, None::<Vec<u8>>]).await.unwrap();
    tx.commit().await.unwrap();

    let sql = "SELECT name, owner, label, size, bytes FROM things ORDER BY name";
    let rows = db
        .list(sql, &[], |row| Ok((row.opt_text(2)?, row.opt_int(3)?, row.opt_instant(3)?, row.opt_blob(4)?)));
    let at = Instant::from_millis(i64::MAX);
    let full = (Some("é'\"$1".to_owned()), Some(i64::MAX), Some(at), Some(vec![0, 255]));
    assert_eq!(rows.await.unwrap(), [full, (None, None, None, None)]);

    let one = "SELECT name, owner, label, size, bytes FROM things WHERE name = $1";
    let read = db.one(one, params![&id], |row| Ok((row.parsed(0, TokenId::parse)?, row.blob(4)?))).await;
    assert_eq!(read, Ok((id, vec![0, 255])));
    is_corrupt(db.one(one, params!["z"], |row| row.parsed(0, TokenId::parse)).await, "name");
    let none = db.one(one, params!["z"], |row| row.opt_parsed(2, TokenId::parse)).await;
    assert_eq!(none, Ok(None));
}

#[both_engines]
async fn facts_are_zero_or_one(database: Database) {
    let db = database.open().await;
    let sql = "SELECT CAST($1 AS BIGINT) AS fact";
    for fact in [true, false] {
        assert_eq!(db.one(sql, params![fact], |row| row.bool(0)).await, Ok(fact));
    }
    is_corrupt(db.one(sql, params![2], |row| row.bool(0)).await, "fact");
}

#[both_engines]
async fn a_value_of_another_type_is_corrupt_and_named(database: Database) {
    let db = database.open().await;
    let sql = "SELECT CAST('1' AS TEXT) AS t, CAST(1 AS BIGINT) AS i, CAST(NULL AS TEXT) AS n";
    is_corrupt(db.one(sql, &[], |row| row.int(0)).await, "(t)");
    is_corrupt(db.one(sql, &[], |row| row.blob(0)).await, "(t)");
    is_corrupt(db.one(sql, &[], |row| row.opt_text(1)).await, "(i)");
    is_corrupt(db.one(sql, &[], |row| row.opt_blob(1)).await, "(i)");
    is_corrupt(db.one(sql, &[], |row| row.text(2)).await, "(n)");
    is_corrupt(db.one(sql, &[], |row| row.text(3)).await, "(absent)");
    assert_eq!(db.one(sql, &[], |row| row.opt_text(2)).await, Ok(None));
}

#[both_engines]
async fn sums_and_cases_are_cast(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    let sql = "INSERT INTO things (name, size) VALUES ('a', 40), ('b', 2)";
    assert_eq!(tx.execute(sql, &[]).await, Ok(2));
    tx.commit().await.unwrap();
    let sum = "SELECT CAST(SUM(size) AS BIGINT) FROM things";
    assert_eq!(db.one(sum, &[], |row| row.int(0)).await, Ok(42));
    let case = "SELECT CASE WHEN $1 > size THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END \
                FROM things WHERE name = 'a'";
    assert_eq!(db.one(case, params![41], |row| row.bool(0)).await, Ok(true));
    assert_eq!(db.one(case, params![40], |row| row.bool(0)).await, Ok(false));
}

#[both_engines]
async fn an_optional_parameter_is_cast(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    tx.execute("INSERT INTO things (name) VALUES ('a'), ('b')", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let sql =
        "SELECT name FROM things WHERE CAST($1 AS TEXT) IS NULL OR name = CAST($1 AS TEXT) ORDER BY name";
    assert_eq!(db.list(sql, params![None::<&str>], |row| row.text(0)).await.unwrap(), ["a", "b"]);
    assert_eq!(db.list(sql, params![Some("b")], |row| row.text(0)).await.unwrap(), ["b"]);
}

#[both_engines]
async fn text_is_compared_and_ordered_by_its_bytes(database: Database) {
    let db = with_tables(&database).await;
    let tx = db.begin().await.unwrap();
    for name in ["a", "B", "_", "ä", "Z", "a-b", "ab", "a/b"] {
        crate::insert(&tx, name).await.unwrap();
    }
    tx.commit().await.unwrap();
    // An en-US collation would say _ a a/b ä ab a-b B Z or so.
    assert_eq!(crate::names(&db).await, ["B", "Z", "_", "a", "a-b", "a/b", "ab", "ä"]);
    let after = "SELECT name FROM things WHERE name > $1 ORDER BY name";
    let after = db.list(after, params!["_"], |row| row.text(0)).await;
    assert_eq!(after.unwrap(), ["a", "a-b", "a/b", "ab", "ä"]);
}

#[both_engines]
async fn an_owner_that_is_empty_still_counts_for_uniqueness(database: Database) {
    let db = with_tables(&database).await;
    let sql = "INSERT INTO things (name, owner, label) VALUES ($1, '', 'ci')";
    let tx = db.begin().await.unwrap();
    tx.execute(sql, params!["a"]).await.unwrap();
    let refused = tx.execute(sql, params!["b"]).await.unwrap_err();
    assert!(refused.is_conflict(storage::db::Constraint::Unique), "{refused:?}");
}

#[both_engines]
async fn nul_never_passes(database: Database) {
    let db = with_tables(&database).await;
    let refused = db.one("SELECT CAST($1 AS TEXT)", params!["a\0b"], |row| row.text(0)).await;
    assert!(matches!(refused, Err(DbError::Other(_))), "{refused:?}");
    let tx = db.begin().await.unwrap();
    let refused = crate::insert(&tx, "\0").await;
    assert!(matches!(refused, Err(DbError::Other(_))), "{refused:?}");
    tx.commit().await.unwrap_err();
}

#[both_engines]
async fn no_message_holds_a_value(database: Database) {
    let db = with_tables(&database).await;
    let sql = "INSERT INTO things (name, size) VALUES ($1, $2)";
    for size in [1, -1] {
        let tx = db.begin().await.unwrap();
        if size == 1 {
            crate::insert(&tx, "hush").await.unwrap();
        }
        let said = format!("{:?}", tx.execute(sql, params!["hush", size]).await.unwrap_err());
        assert!(!said.contains("hush"), "{said}");
    }
    let cast = "SELECT CAST(CAST($1 AS TEXT) AS BIGINT)";
    if let Err(error) = db.one(cast, params!["hush"], |row| row.int(0)).await {
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
}
