//! A transaction of the test's own beside those of a server: what another replica has begun and not yet committed.

use registry::DatabaseLocation;
use tokio_postgres::{Client, NoTls};

use crate::TestServer;

/// Holds what its statements wrote until it is committed; dropped, it never was.
pub struct OpenTransaction {
    client: Client,
}

impl OpenTransaction {
    /// Begins one with `statements` on the server's database, which is PostgreSQL: SQLite has one writer at a time.
    pub async fn begin(t: &TestServer, statements: &str) -> Self {
        let DatabaseLocation::Postgres { url } = &t.database else {
            panic!("SQLite lets nobody write beside")
        };
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server's database");
        tokio::spawn(connection);
        client.batch_execute(&format!("BEGIN; {statements}")).await.expect("statements");
        Self { client }
    }

    /// How many wait for a lock in this database at this moment.
    pub async fn waiting(&self) -> i64 {
        const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        // Within a transaction PostgreSQL goes on showing what it showed first.
        self.client.batch_execute("SELECT pg_stat_clear_snapshot()").await.expect("a snapshot to drop");
        self.client.query_one(WAITING, &[]).await.expect("an answer").get(0)
    }

    /// Commits it: whoever waits goes on.
    pub async fn commit(self) {
        self.client.batch_execute("COMMIT").await.expect("a commit");
    }
}
