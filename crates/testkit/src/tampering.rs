//! What somebody does to a database behind a server's back.

use std::path::Path;

use registry::{DatabaseLocation, Db, DbOptions};

/// Runs a statement on the SQLite database in `file`, beside its server or without one.
pub async fn tamper_with(file: &Path, statement: &'static str) {
    tamper(&DatabaseLocation::Sqlite { path: file.to_path_buf() }, statement).await;
}

pub(crate) async fn tamper(database: &DatabaseLocation, statement: &'static str) {
    let db = Db::open(database, DbOptions::default()).await.expect("a database");
    let tx = db.begin().await.expect("a turn");
    tx.execute(statement, &[]).await.expect("a sound statement");
    tx.commit().await.expect("a commit");
}
