//! PostgreSQL: a pool for transactions, and a few shared connections for reads.
//!
//! Reads of committed state are many, short and answered in one statement each, so they share connections and
//! travel pipelined; taking one from a pool would cost more than the read. A transaction has a connection of
//! its own from BEGIN to COMMIT; where it does not get that far the connection is thrown away, so that nothing
//! of it can reach the next.
//!
//! Only the primary is spoken to: rights read from a standby would be old ones (rule 7).

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio::task::AbortHandle;
use tokio_postgres::{
    Client, Config, Connection, Socket, Statement,
    config::{SslMode, TargetSessionAttrs},
    tls::MakeTlsConnect,
    types::ToSql,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{DbError, DbOptions, Param, ReadRow, Row, error::of_postgres, postgres_url};

/// How long a new connection may take, TLS and log-in included.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// The server gives up a statement after this long, …
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// … a wait for a row's lock after this long, …
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// … and a transaction in which nothing happens after this long: its holder has hung.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Past this the server is not slow but gone. Above `STATEMENT_TIMEOUT`, so that a slow statement says so.
const ANSWER_DEADLINE: Duration = Duration::from_secs(12);
/// A network that swallows packets is noticed after this long.
const UNACKNOWLEDGED_DEADLINE: Duration = Duration::from_secs(10);
/// Shared connections for reads. Several, so that one slow list does not hold up every check of rights.
const READERS: usize = 4;
/// The wait before a lost reader is connected again; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest wait between two tries to connect.
const LAST_PAUSE: Duration = Duration::from_secs(1);

type ReaderConnection = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

pub(super) struct Postgres {
    pool: Pool,
    readers: Box<[Arc<Reader>]>,
    keepers: Vec<AbortHandle>,
    next_reader: AtomicUsize,
}

impl Postgres {
    pub(super) async fn open(url: &str, options: DbOptions) -> Result<Self, DbError> {
        let door = Door::new(url)?;
        let mut readers = Vec::new();
        let mut keepers = Vec::new();
        for _ in 0..READERS {
            let connected = door.connect_reader().await?;
            let reader = Arc::new(Reader::default());
            reader.set(Some(Arc::new(ReaderClient::new(connected.0))));
            keepers
                .push(tokio::spawn(keep_connected(door.clone(), reader.clone(), connected.1)).abort_handle());
            readers.push(reader);
        }
        let as_is = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(door.config, door.tls, as_is))
            .max_size(options.transactions)
            .wait_timeout(Some(options.wait))
            .create_timeout(Some(CONNECT_DEADLINE))
            .recycle_timeout(Some(CONNECT_DEADLINE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| DbError::Other(error.to_string()))?;
        Ok(Self { pool, readers: readers.into(), keepers, next_reader: AtomicUsize::new(0) })
    }

    pub(super) async fn read<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        let first = self.next_reader.fetch_add(1, Ordering::Relaxed);
        let count = self.readers.len();
        let reader = (0..count)
            .find_map(|turn| self.readers[(first + turn) % count].client())
            .ok_or_else(|| DbError::Unavailable("it is being connected again".into()))?;
        answered(async {
            let statement = reader.prepare(sql).await?;
            rows(&reader.client, &statement, sql, params, read).await
        })
        .await
    }

    pub(super) async fn begin(&self) -> Result<PostgresTx, DbError> {
        let object = self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                DbError::Busy("every connection was taken all the while".into())
            }
            PoolError::Backend(error) => of_postgres(&error, "connect"),
            other => DbError::Unavailable(other.to_string()),
        })?;
        let tx = PostgresTx { object: Some(object) };
        tx.batch("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        Ok(tx)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.keepers.iter().for_each(AbortHandle::abort);
    }
}

/// How a connection is made.
#[derive(Clone)]
struct Door {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Door {
    fn new(url: &str) -> Result<Self, DbError> {
        let mut config = postgres_url::read(url).map_err(|reason| DbError::Other(unreadable(&reason)))?;
        let own = format!(
            "-c synchronous_commit=on -c statement_timeout={} -c lock_timeout={} \
             -c idle_in_transaction_session_timeout={}",
            STATEMENT_TIMEOUT.as_millis(),
            LOCK_TIMEOUT.as_millis(),
            IDLE_IN_TRANSACTION_TIMEOUT.as_millis()
        );
        // The operator's own options come last and win.
        let options = config.get_options().map_or(own.clone(), |theirs| format!("{own} {theirs}"));
        config
            .options(options)
            .application_name("sealock")
            .connect_timeout(CONNECT_DEADLINE)
            .tcp_user_timeout(UNACKNOWLEDGED_DEADLINE)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { tls: tls(config.get_ssl_mode())?, config })
    }

    async fn connect_reader(&self) -> Result<(Client, ReaderConnection), DbError> {
        let connecting = async {
            let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
            {
                // Whoever reads through `Db` can't write, just as on SQLite. Not a start-up option: the check
                // for the primary would take this connection for one to a standby.
                let set = client.batch_execute("SET default_transaction_read_only = on");
                tokio::select! {
                    set = set => set?,
                    ended = &mut connection => ended?,
                }
            }
            Ok((client, connection))
        };
        let connected = tokio::time::timeout(CONNECT_DEADLINE, connecting).await;
        connected.map_err(|_| silent(CONNECT_DEADLINE))?.map_err(|error| of_postgres(&error, "connect"))
    }
}

/// Says what is wrong with a URL, and how one is written.
pub(super) fn unreadable(reason: &str) -> String {
    format!("{reason}; write postgres://user:password@host/name, with ?sslmode=disable, prefer or require")
}

/// TLS is spoken as `sslmode` says; where it is, the certificate must be one that the system trusts.
fn tls(mode: SslMode) -> Result<MakeRustlsConnect, DbError> {
    let mut roots = rustls::RootCertStore::empty();
    if mode != SslMode::Disable {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DbError::Other(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A shared connection, while there is one.
#[derive(Default)]
struct Reader(RwLock<Option<Arc<ReaderClient>>>);

impl Reader {
    fn client(&self) -> Option<Arc<ReaderClient>> {
        let client = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        client.filter(|client| !client.client.is_closed())
    }

    fn set(&self, client: Option<Arc<ReaderClient>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

struct ReaderClient {
    client: Client,
    /// Prepared statements by the address and length of the static text.
    statements: RwLock<HashMap<(usize, usize), Statement>>,
}

impl ReaderClient {
    fn new(client: Client) -> Self {
        Self { client, statements: RwLock::default() }
    }

    async fn prepare(&self, sql: &'static str) -> Result<Statement, DbError> {
        let key = (sql.as_ptr().addr(), sql.len());
        let known = self.statements.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await.map_err(|error| of_postgres(&error, sql))?;
        self.statements.write().unwrap_or_else(PoisonError::into_inner).insert(key, statement.clone());
        Ok(statement)
    }
}

/// Drives a reader's connection and makes a new one when it ends, for as long as the database is open. Readers
/// never wait for it: meanwhile they take another connection, or hear that the database is away.
async fn keep_connected(door: Door, reader: Arc<Reader>, first: ReaderConnection) {
    let mut connection = first;
    loop {
        let ended = connection.await;
        reader.set(None);
        tracing::warn!(error = ended.err().map(|error| with_source(&error)), "a database connection ended");
        let mut pause = FIRST_PAUSE;
        connection = loop {
            tokio::time::sleep(pause).await;
            match door.connect_reader().await {
                Ok((client, connection)) => {
                    reader.set(Some(Arc::new(ReaderClient::new(client))));
                    break connection;
                }
                Err(error) => tracing::debug!(%error, "the database is still away"),
            }
            pause = (pause * 2).min(LAST_PAUSE);
        };
    }
}

/// A transaction on a connection of its own.
pub(super) struct PostgresTx {
    /// Empty once the connection went back to the pool.
    object: Option<Object>,
}

impl PostgresTx {
    pub(super) async fn rows<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        let client = self.client()?;
        answered(async {
            let statement = prepare(client, sql).await?;
            rows(client, &statement, sql, params, read).await
        })
        .await
    }

    pub(super) async fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let client = self.client()?;
        answered(async {
            let statement = prepare(client, sql).await?;
            let params = checked(&statement, sql, params)?;
            client.execute(&statement, &params).await.map_err(|error| of_postgres(&error, sql))
        })
        .await
    }

    async fn batch(&self, sql: &'static str) -> Result<(), DbError> {
        answered(self.migrate(sql)).await
    }

    /// Runs statements that may take as long as they like.
    pub(super) async fn migrate(&self, sql: &str) -> Result<(), DbError> {
        self.client()?.batch_execute(sql).await.map_err(|error| of_postgres(&error, sql))
    }

    pub(super) async fn commit(self) -> Result<(), DbError> {
        self.end("COMMIT").await
    }

    pub(super) async fn roll_back(self) -> Result<(), DbError> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, sql: &'static str) -> Result<(), DbError> {
        self.batch(sql).await?;
        // Only a connection whose transaction ended well may serve another.
        drop(self.object.take());
        Ok(())
    }

    fn client(&self) -> Result<&Object, DbError> {
        self.object.as_ref().ok_or_else(|| DbError::Other("the transaction has ended".into()))
    }
}

impl Drop for PostgresTx {
    fn drop(&mut self) {
        // Taken out of the pool and closed: the server rolls back.
        drop(self.object.take().map(Object::take));
    }
}

async fn prepare(client: &Object, sql: &'static str) -> Result<Statement, DbError> {
    client.prepare_cached(sql).await.map_err(|error| of_postgres(&error, sql))
}

async fn rows<T>(
    client: &Client,
    statement: &Statement,
    sql: &'static str,
    params: &[Param<'_>],
    read: ReadRow<T>,
) -> Result<Vec<T>, DbError> {
    let params = checked(statement, sql, params)?;
    let rows = client.query(statement, &params).await.map_err(|error| of_postgres(&error, sql))?;
    rows.iter().map(|row| read(&Row::postgres(row))).collect()
}

/// The driver panics where the number of parameters is wrong.
fn checked<'a>(
    statement: &Statement,
    sql: &'static str,
    params: &'a [Param<'_>],
) -> Result<Vec<&'a (dyn ToSql + Sync)>, DbError> {
    if statement.params().len() != params.len() {
        return Err(DbError::Other(format!("{} parameters were given: {sql}", params.len())));
    }
    Ok(params.iter().map(|param| param as &(dyn ToSql + Sync)).collect())
}

/// A server that hangs (a stopped machine, a dead network) is away, and nobody waits for it longer than this.
async fn answered<T>(asked: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    let answer = tokio::time::timeout(ANSWER_DEADLINE, asked).await;
    answer.unwrap_or_else(|_| Err(silent(ANSWER_DEADLINE)))
}

fn silent(waited: Duration) -> DbError {
    DbError::Unavailable(format!("it did not answer within {} s", waited.as_secs()))
}

fn with_source(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
