//! The database. The only folder that knows which engine runs: SQLite for one machine, PostgreSQL for many.
//!
//! Everything above speaks one SQL text for both (DESIGN §5, "One SQL text, two engines"): parameters are `$n`,
//! only TEXT, BIGINT and BLOB/BYTEA go in and come out, and an answer of another type is [`DbError::Corrupt`].
//! No table is named here, besides `schema_version`.

mod error;
mod migrate;
mod param;
mod postgres;
mod postgres_url;
mod retry;
mod row;
mod sqlite;
mod text;

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use access::time::Instant;
pub use error::{Constraint, DbError};
pub use migrate::Migration;
pub use param::{Nullable, Param};
pub use retry::{MAX_TRIES, Transient, retried};
pub use row::Row;

/// Turns the values into the `&[Param]` that every statement takes: `params![token.id, name.as_str(), now]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Param::from($value)),*] };
}
pub use crate::params;

/// The number of prepared statements that a SQLite connection keeps.
pub const MAX_KEPT_STATEMENTS: usize = sqlite::STATEMENTS;

/// How one row becomes a value. A plain function: it holds nothing, so that it may run on a reader thread.
pub type ReadRow<T> = fn(&Row<'_>) -> Result<T, DbError>;

/// Where the database is.
#[derive(Clone)]
pub enum DatabaseLocation {
    /// A file on this machine, made where it is missing.
    Sqlite {
        /// The file; its `-wal` and `-shm` lie beside it.
        path: PathBuf,
    },
    /// A PostgreSQL server.
    Postgres {
        /// `postgres://user:password@host/name?sslmode=disable|prefer|require`. Whenever TLS is spoken the
        /// certificate is verified against the system's roots, also with `prefer`.
        url: String,
    },
}

impl DatabaseLocation {
    /// The PostgreSQL server at `url`.
    ///
    /// # Errors
    /// Names the part of the URL that cannot be read. It repeats none, because each may hold a password.
    pub fn postgres(url: &str) -> Result<Self, String> {
        postgres_url::read(url).map_err(|reason| postgres::unreadable(&reason))?;
        Ok(Self::Postgres { url: url.to_owned() })
    }
}

/// The URL may carry a password, so it is never printed; what it points at is.
impl std::fmt::Debug for DatabaseLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            Self::Postgres { url } => {
                f.debug_struct("Postgres").field("at", &postgres_url::without_password(url)).finish()
            }
        }
    }
}

/// For people: the file, or where the server is and who logs in.
impl std::fmt::Display for DatabaseLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path } => path.display().fmt(f),
            Self::Postgres { url } => f.write_str(&postgres_url::without_password(url)),
        }
    }
}

/// How patient and how wide the door to the database is.
#[derive(Debug, Clone, Copy)]
pub struct DbOptions {
    /// How long [`Db::begin`] and [`Query::list`] wait for their turn before they answer [`DbError::Busy`].
    pub wait: Duration,
    /// Connections for transactions (PostgreSQL only; SQLite has one writer).
    pub transactions: usize,
}

impl Default for DbOptions {
    /// DESIGN §5: waits 2 s, then 503.
    fn default() -> Self {
        Self { wait: Duration::from_secs(2), transactions: 16 }
    }
}

/// A handle on the database; cloning it is cheap and gives the same one.
#[derive(Clone)]
pub struct Db {
    engine: Arc<Engine>,
    is_to_read: bool,
    watch: Option<Arc<dyn CommitWatch>>,
    /// How many statements ran through this handle and its clones.
    statements: Arc<AtomicU64>,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Looks on as transactions are committed. A test puts one in, which writes down their order or fails one of them.
pub trait CommitWatch: Send + Sync {
    /// Asked before a commit; with an error nothing is committed.
    fn committing(&self) -> Result<(), DbError>;

    /// Told once the transaction is durable; with an error the caller hears that instead, as where the connection
    /// breaks before the answer comes.
    fn committed(&self) -> Result<(), DbError>;
}

/// Whoever answers a read: [`Db`] from what is committed, [`Tx`] from its own view.
///
/// Statements are `&'static str`, so that no value ever becomes part of one and each is prepared once.
pub trait Query: Sync {
    /// A bounded handful of rows, found by key. On SQLite it runs inline, so it must never walk a table.
    fn few<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> impl Future<Output = Result<Vec<T>, DbError>> + Send;

    /// Any number of rows. On SQLite [`Db`] runs it on a reader thread; a [`Tx`] runs it inline.
    fn list<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> impl Future<Output = Result<Vec<T>, DbError>> + Send;

    /// The row, if there is one. More than one is [`DbError::Other`]: the statement is wrong.
    fn optional<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> impl Future<Output = Result<Option<T>, DbError>> + Send {
        async move {
            let mut rows = self.few(sql, params, read).await?;
            let row = rows.pop();
            if rows.is_empty() { Ok(row) } else { Err(DbError::Other(format!("more than one row: {sql}"))) }
        }
    }

    /// The one row. None is [`DbError::NoRow`].
    fn one<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> impl Future<Output = Result<T, DbError>> + Send {
        async move { self.optional(sql, params, read).await?.ok_or(DbError::NoRow) }
    }
}

impl Db {
    /// Opens the database. On SQLite the file is made where it is missing, readable by its owner only.
    ///
    /// [`DbError::Unavailable`] where the server does not answer within its time.
    pub async fn open(location: &DatabaseLocation, options: DbOptions) -> Result<Self, DbError> {
        let engine = match location {
            DatabaseLocation::Sqlite { path } => {
                Engine::Sqlite(sqlite::Sqlite::open(path.clone(), sqlite::Purpose::Write, options).await?)
            }
            DatabaseLocation::Postgres { url } => {
                Engine::Postgres(postgres::Postgres::open(url, options).await?)
            }
        };
        Ok(Self { engine: Arc::new(engine), is_to_read: false, watch: None, statements: Arc::default() })
    }

    /// Opens a database that is there, to look at it: it is not changed, and [`Db::begin`] is refused. On SQLite the file
    /// may lie where nothing can be written.
    pub async fn open_to_read(location: &DatabaseLocation, options: DbOptions) -> Result<Self, DbError> {
        let DatabaseLocation::Sqlite { path } = location else {
            return Ok(Self { is_to_read: true, ..Self::open(location, options).await? });
        };
        let sqlite = sqlite::Sqlite::open(path.clone(), sqlite::Purpose::Read, options).await?;
        let engine = Arc::new(Engine::Sqlite(sqlite));
        Ok(Self { engine, is_to_read: true, watch: None, statements: Arc::default() })
    }

    /// The same database, with every commit through this handle looked on at; for tests.
    pub fn watched(self, watch: Arc<dyn CommitWatch>) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Begins a transaction. Waits at most [`DbOptions::wait`] for its turn, then [`DbError::Busy`].
    ///
    /// Until it is committed or dropped nothing but the transaction may be awaited: on SQLite every writer
    /// waits for it, and a second `begin` by its holder never gets its turn.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        if self.is_to_read {
            return Err(DbError::Other("it was opened to read it".into()));
        }
        let engine = match &*self.engine {
            Engine::Sqlite(sqlite) => TxEngine::Sqlite(sqlite.begin().await?),
            Engine::Postgres(postgres) => TxEngine::Postgres(Box::new(postgres.begin().await?)),
        };
        let (watch, statements) = (self.watch.clone(), Arc::clone(&self.statements));
        Ok(Tx { engine, is_poisoned: AtomicBool::new(false), watch, statements })
    }

    /// Answers if a point read does.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.one("SELECT CAST(1 AS BIGINT)", &[], |row| row.int(0)).await.map(drop)
    }

    /// Checks that transactions can be made durable. On SQLite this writes a page and an fsync, on PostgreSQL nothing: the
    /// server must be one that takes writes.
    ///
    /// # Errors
    /// Those of [`Db::begin`] and [`Tx::commit`].
    pub async fn check_writable(&self) -> Result<(), DbError> {
        let tx = self.begin().await?;
        if let TxEngine::Sqlite(sqlite) = &tx.engine {
            sqlite.execute(sqlite::Sqlite::WRITE_NOTHING, &[])?;
        }
        tx.commit().await
    }

    /// The time by the database's own clock; `None` on SQLite, which has this machine's. Answers if a point read does.
    pub async fn clock(&self) -> Result<Option<Instant>, DbError> {
        const CLOCK: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        match &*self.engine {
            Engine::Sqlite(_) => self.ping().await.map(|()| None),
            Engine::Postgres(_) => self.one(CLOCK, &[], |row| row.instant(0)).await.map(Some),
        }
    }

    /// How many times a group of transactions was made durable since the start, for the metrics: on SQLite
    /// transactions ÷ this is what one fsync carries. `None` on PostgreSQL, where the server counts.
    pub fn group_commits(&self) -> Option<u64> {
        match &*self.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.group_commits()),
            Engine::Postgres(_) => None,
        }
    }

    /// How many statements ran since the database was opened, those that begin and end transactions aside. Tests compare
    /// it: what a request costs must not tell what others have stored.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// How often SQLite compiled a cached statement again since the start. It stays 0 while the schema stays the same.
    /// `None` on PostgreSQL, where the server plans.
    pub fn recompilations(&self) -> Option<u64> {
        match &*self.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.recompilations()),
            Engine::Postgres(_) => None,
        }
    }
}

impl Query for Db {
    async fn few<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        param::check(sql, params)?;
        self.statements.fetch_add(1, Ordering::Relaxed);
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.read_inline(sql, params, read),
            Engine::Postgres(postgres) => postgres.read(sql, params, read).await,
        }
    }

    async fn list<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        param::check(sql, params)?;
        self.statements.fetch_add(1, Ordering::Relaxed);
        match &*self.engine {
            Engine::Sqlite(sqlite) => sqlite.read_on_a_thread(sql, params, read).await,
            Engine::Postgres(postgres) => postgres.read(sql, params, read).await,
        }
    }
}

/// A transaction. Dropping it rolls back.
///
/// The first error poisons it: later statements and the commit fail, on both engines alike, so that nobody
/// catches an SQL error inside a transaction and goes on (PostgreSQL would refuse, SQLite would not). So does
/// a statement whose future was dropped half way.
#[must_use = "a transaction that is dropped rolls back"]
pub struct Tx {
    engine: TxEngine,
    is_poisoned: AtomicBool,
    watch: Option<Arc<dyn CommitWatch>>,
    statements: Arc<AtomicU64>,
}

enum TxEngine {
    Sqlite(sqlite::SqliteTx),
    Postgres(Box<postgres::PostgresTx>),
}

/// Poisons the transaction unless the statement was seen to succeed; a dropped future never comes to that.
struct Statement<'a>(&'a AtomicBool);

impl Statement<'_> {
    fn succeeded(self) {
        std::mem::forget(self);
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Tx {
    /// Runs a statement that answers with no rows; says how many it changed. `… RETURNING` goes through
    /// [`Query::optional`], [`Query::one`] and [`Query::few`].
    pub async fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let statement = self.statement()?;
        param::check(sql, params)?;
        let changed = match &self.engine {
            TxEngine::Sqlite(tx) => tx.execute(sql, params)?,
            TxEngine::Postgres(tx) => tx.execute(sql, params).await?,
        };
        statement.succeeded();
        Ok(changed)
    }

    /// Makes the transaction durable and visible; when this returns `Ok`, both are so.
    ///
    /// Where the future is dropped before it answers, or the error is [`DbError::CommitUnknown`], the
    /// transaction may have been committed all the same. Any other error means that it was not.
    pub async fn commit(self) -> Result<(), DbError> {
        self.commit_now().await.map_err(DbError::in_a_commit)
    }

    /// Undoes the transaction. Unlike a drop, this keeps the connection to PostgreSQL: for what ordinarily ends without a
    /// change.
    pub async fn roll_back(self) -> Result<(), DbError> {
        match self.engine {
            TxEngine::Sqlite(tx) => drop(tx),
            TxEngine::Postgres(tx) => tx.roll_back().await?,
        }
        Ok(())
    }

    async fn commit_now(self) -> Result<(), DbError> {
        // Dropping the engine's half undoes it.
        self.statement()?.succeeded();
        self.watch.as_ref().map_or(Ok(()), |watch| watch.committing())?;
        match self.engine {
            TxEngine::Sqlite(tx) => tx.commit().await?,
            TxEngine::Postgres(tx) => tx.commit().await?,
        }
        self.watch.map_or(Ok(()), |watch| watch.committed())
    }

    fn statement(&self) -> Result<Statement<'_>, DbError> {
        if self.is_poisoned.load(Ordering::Relaxed) {
            return Err(DbError::Other("an earlier statement of this transaction failed".into()));
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(Statement(&self.is_poisoned))
    }

    async fn rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        let statement = self.statement()?;
        param::check(sql, params)?;
        let rows = match &self.engine {
            TxEngine::Sqlite(tx) => tx.rows(sql, params, read)?,
            TxEngine::Postgres(tx) => tx.rows(sql, params, read).await?,
        };
        statement.succeeded();
        Ok(rows)
    }
}

impl Query for Tx {
    async fn few<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        self.rows(sql, params, read).await
    }

    async fn list<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        self.rows(sql, params, read).await
    }
}
