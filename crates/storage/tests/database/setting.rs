//! An empty database of the test's own, on either engine.

use std::time::Duration;

use storage::db::{DatabaseLocation, Db, DbOptions};
use testkit::{Engine, postgres::Postgres};

/// A database, and what keeps it alive.
pub(crate) struct Database {
    pub(crate) location: DatabaseLocation,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) async fn on(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let location = DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") };
                Self { location, _folder: Some(folder) }
            }
            Engine::Postgres => {
                let url = Postgres::shared().unwrap().database().await;
                Self { location: DatabaseLocation::Postgres { url }, _folder: None }
            }
        }
    }

    pub(crate) async fn open(&self) -> Db {
        Db::open(&self.location, DbOptions::default()).await.unwrap()
    }

    /// Opens it with little patience and one connection for transactions.
    pub(crate) async fn open_narrow(&self) -> Db {
        let options = DbOptions { wait: Duration::from_millis(200), transactions: 1 };
        Db::open(&self.location, options).await.unwrap()
    }
}
