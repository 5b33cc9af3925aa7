//! Bringing the schema up to date: each migration in one transaction with the row that says so, so that it can
//! be killed at any point (DESIGN §5, 10).

use super::{Db, DbError, Engine, Query, Tx, TxEngine, text};
use crate::{migrations::MIGRATIONS, params};

/// Held while a migration runs on PostgreSQL, so that replicas that start together take turns. Any number
/// does, as long as every release has the same: this is "sealock" in ASCII.
const ADVISORY_LOCK: i64 = 0x0073_6561_6c6f_636b;

/// One step of the schema, in SQLite's words; PostgreSQL's are made from them.
///
/// Types are `TEXT`, `BIGINT` and `BLOB` in capitals. No column may have one of these names.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Counted from 1 without gaps.
    pub version: i64,
    /// The file's name, for messages.
    pub name: &'static str,
    /// The highest migration that the oldest binary knows which may run on the result. Below `version` where
    /// that binary neither misses what is gone nor trips over what is new.
    pub oldest_binary: i64,
    /// The statements.
    pub sql: &'static str,
}

const CREATE_VERSIONS: &str =
    "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, oldest_binary BIGINT NOT NULL)";
/// Whether there is that table, in the words of each engine.
const HAS_VERSIONS_ON_SQLITE: &str =
    "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'";
const HAS_VERSIONS_ON_POSTGRES: &str =
    "SELECT CAST(CASE WHEN to_regclass('schema_version') IS NULL THEN 0 ELSE 1 END AS BIGINT)";
const NEWEST: &str = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT), \
                      CAST(COALESCE(MAX(oldest_binary), 0) AS BIGINT) FROM schema_version";
const INSERT_VERSION: &str = "INSERT INTO schema_version (version, oldest_binary) VALUES ($1, $2)";

impl Db {
    /// Brings the schema up to what this binary knows. [`DbError::TooNew`] where a newer release left a schema
    /// that this one can't live with; nothing is changed then.
    pub async fn migrate(&self) -> Result<(), DbError> {
        self.migrate_with(MIGRATIONS).await
    }

    /// [`Db::migrate`] with migrations of one's own, for tests.
    pub async fn migrate_with(&self, migrations: &[Migration]) -> Result<(), DbError> {
        while self.migrate_once(migrations).await? {}
        Ok(())
    }

    /// Begins a transaction during which no replica changes the schema, however long one that is at it takes; beside it
    /// the schema's number, as [`Db::schema`] tells it. For whoever looks at an older schema before [`Db::migrate`].
    pub async fn hold_schema(&self) -> Result<(Tx, i64), DbError> {
        let tx = self.begin().await?;
        tx.take_migration_turn().await?;
        let (schema, _) = look_at_schema(&tx, self.has_versions(), MIGRATIONS).await?;
        Ok((tx, schema))
    }

    /// Whether the schema is the one that this binary works on, for whoever must not change it: an operator's command
    /// beside a server. [`DbError::TooOld`] where the server of this version was never started on it,
    /// [`DbError::TooNew`] as for [`Db::migrate`].
    pub async fn check_schema(&self) -> Result<(), DbError> {
        self.check_schema_with(MIGRATIONS).await
    }

    /// [`Db::check_schema`] with migrations of one's own, for tests.
    pub async fn check_schema_with(&self, migrations: &[Migration]) -> Result<(), DbError> {
        match look_at_schema(self, self.has_versions(), migrations).await? {
            (schema, binary) if schema < binary => Err(DbError::TooOld { schema, binary }),
            _ => Ok(()),
        }
    }

    /// The schema's number, 0 in a database that has none yet. Nothing is changed. [`DbError::TooNew`] as for
    /// [`Db::migrate`].
    pub async fn schema(&self) -> Result<i64, DbError> {
        look_at_schema(self, self.has_versions(), MIGRATIONS).await.map(|(schema, _)| schema)
    }

    fn has_versions(&self) -> &'static str {
        match &*self.engine {
            Engine::Sqlite(_) => HAS_VERSIONS_ON_SQLITE,
            Engine::Postgres(_) => HAS_VERSIONS_ON_POSTGRES,
        }
    }

    /// Runs the next migration, if there is one. The version is read in the transaction that raises it.
    async fn migrate_once(&self, migrations: &[Migration]) -> Result<bool, DbError> {
        let tx = self.begin().await?;
        tx.take_migration_turn().await?;
        // Not IF NOT EXISTS, of which PostgreSQL gives notice at every start.
        if tx.one(self.has_versions(), &[], |row| row.int(0)).await? == 0 {
            tx.execute(CREATE_VERSIONS, &[]).await?;
        }
        let (version, _) = read_version(&tx, migrations).await?;
        let next = migrations.iter().find(|migration| migration.version > version);
        if let Some(migration) = next {
            tracing::info!(version = migration.version, name = migration.name, "changing the schema");
            tx.run_migration(migration.sql).await.inspect_err(|_| {
                tracing::error!(name = migration.name, "the migration failed; nothing changed")
            })?;
            tx.execute(INSERT_VERSION, params![migration.version, migration.oldest_binary]).await?;
        }
        tx.commit().await?;
        Ok(next.is_some())
    }
}

/// The same as [`read_version`], also where there are no versions yet.
async fn look_at_schema(
    q: &impl Query,
    has_versions: &'static str,
    migrations: &[Migration],
) -> Result<(i64, i64), DbError> {
    match q.one(has_versions, &[], |row| row.int(0)).await? {
        0 => Ok((0, known(migrations))),
        _ => read_version(q, migrations).await,
    }
}

/// The schema's number and the one that this binary knows; [`DbError::TooNew`] where they don't go together.
async fn read_version(q: &impl Query, migrations: &[Migration]) -> Result<(i64, i64), DbError> {
    let (version, oldest_binary) = q.one(NEWEST, &[], |row| Ok((row.int(0)?, row.int(1)?))).await?;
    let binary = known(migrations);
    if oldest_binary > binary {
        return Err(DbError::TooNew { oldest_binary, binary });
    }
    Ok((version, binary))
}

/// The schema number that a binary with these migrations knows.
fn known(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |migration| migration.version)
}

impl Tx {
    /// On SQLite having begun is the turn.
    async fn take_migration_turn(&self) -> Result<(), DbError> {
        let TxEngine::Postgres(tx) = &self.engine else { return Ok(()) };
        let statement = self.statement()?;
        tx.migrate("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
        tx.migrate(&format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")).await?;
        statement.succeeded();
        Ok(())
    }

    async fn run_migration(&self, sql: &str) -> Result<(), DbError> {
        let statement = self.statement()?;
        text::check_migration(sql)?;
        match &self.engine {
            TxEngine::Sqlite(tx) => tx.batch(sql)?,
            TxEngine::Postgres(tx) => tx.migrate(&text::migration_for_postgres(sql)).await?,
        }
        statement.succeeded();
        Ok(())
    }
}
