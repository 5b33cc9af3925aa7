//! SQLite: one writer, many readers, and group commit.
//!
//! A durable commit is an fsync, and an fsync costs more than a hundred statements. So transactions that come
//! one after the other share one: each is a savepoint in an outer transaction, and answers only when the outer
//! one's COMMIT is on the disk. The writer is handed round by a fair lock; after a commit the committer queues
//! for the same lock, so that whoever was already waiting joins the group first. While it commits, the next
//! group gathers.
//!
//! Readers are connections of their own and see what COMMIT made durable, never less and never more.

use std::{
    collections::HashMap,
    io::ErrorKind,
    os::unix::{ffi::OsStrExt as _, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::{CachedStatement, Connection, FileControl, OpenFlags, StatementStatus, config::DbConfig};
use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard, Semaphore, mpsc, oneshot};

use super::{
    DbError, DbOptions, Param, ReadRow, Row,
    error::{has_no_room_to_open, of_sqlite},
    text,
};

/// How long an async thread may be held up by another process's lock.
const INLINE_BUSY: Duration = Duration::from_millis(5);
/// The wait between two tries to begin while another process writes.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// How often opening is tried while another process has the file locked: for 5 s or so.
const OPEN_TRIES: u32 = 100;
/// The wait between two tries to open.
const OPEN_PAUSE: Duration = Duration::from_millis(50);
/// Prepared statements kept per connection. A test checks that the program has fewer.
pub(super) const STATEMENTS: usize = 512;
/// Page cache per connection, in KiB.
const CACHE_KIB: i64 = 8 * 1024;
/// What a checkpoint leaves of the write-ahead log, in bytes.
const MAX_IDLE_LOG_BYTES: i64 = 64 * 1024 * 1024;
/// Readers for long reads; each keeps a thread busy while it reads.
const LIST_READERS: usize = 4;

pub(super) struct Sqlite {
    writer: Arc<FairMutex<Writer>>,
    wake_committer: mpsc::Sender<()>,
    group_commits: Arc<AtomicU64>,
    recompilations: Arc<AtomicU64>,
    readers: Box<[Mutex<Session>]>,
    next_reader: AtomicUsize,
    list_readers: Arc<Mutex<Vec<Session>>>,
    list_turns: Arc<Semaphore>,
    wait: Duration,
}

impl Sqlite {
    pub(super) async fn open(path: PathBuf, purpose: Purpose, options: DbOptions) -> Result<Self, DbError> {
        let recompilations = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&recompilations);
        let open = move || match purpose {
            Purpose::Read => open_to_read(&path, &counted),
            Purpose::Write => create_private(&path).and_then(|()| open_all(&path, Access::Write, &counted)),
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let Opened { writer, readers, list_readers } =
            opened.map_err(|_| DbError::Unavailable("opening was interrupted".into()))??;
        let group_commits = Arc::new(AtomicU64::new(0));
        let writer = Arc::new(FairMutex::new(Writer {
            session: writer,
            is_open: false,
            group: Vec::new(),
            group_commits: group_commits.clone(),
        }));
        // One waiting wake-up is enough: it is taken before the group is.
        let (wake_committer, woken) = mpsc::channel(1);
        tokio::spawn(commit_groups(writer.clone(), woken));
        Ok(Self {
            writer,
            wake_committer,
            group_commits,
            recompilations,
            readers: readers.into_iter().map(Mutex::new).collect(),
            next_reader: AtomicUsize::new(0),
            list_turns: Arc::new(Semaphore::new(list_readers.len())),
            list_readers: Arc::new(Mutex::new(list_readers)),
            wait: options.wait,
        })
    }

    pub(super) fn group_commits(&self) -> u64 {
        self.group_commits.load(Ordering::Relaxed)
    }

    pub(super) fn recompilations(&self) -> u64 {
        self.recompilations.load(Ordering::Relaxed)
    }

    pub(super) async fn begin(&self) -> Result<SqliteTx, DbError> {
        let begun = async {
            let mut writer = self.writer.clone().lock_owned().await;
            writer.begin().await?;
            Ok(writer)
        };
        let writer = tokio::time::timeout(self.wait, begun)
            .await
            .map_err(|_| DbError::Busy("others were writing all the while".into()))??;
        Ok(SqliteTx { writer: Mutex::new(Some(writer)), wake_committer: self.wake_committer.clone() })
    }

    /// A point read costs a few microseconds, a trip to another thread more than that.
    pub(super) fn read_inline<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        let first = self.next_reader.fetch_add(1, Ordering::Relaxed);
        let count = self.readers.len();
        let free = (0..count).find_map(|turn| self.readers[(first + turn) % count].try_lock().ok());
        free.unwrap_or_else(|| lock(&self.readers[first % count])).rows(sql, params, read)
    }

    pub(super) async fn read_on_a_thread<T: Send + 'static>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        let interrupted = || DbError::Unavailable("the read was interrupted".into());
        let turn = tokio::time::timeout(self.wait, self.list_turns.clone().acquire_owned())
            .await
            .map_err(|_| DbError::Busy("too many long reads at once".into()))?
            .map_err(|_| interrupted())?;
        let params: Vec<_> = params.iter().cloned().map(Param::into_owned).collect();
        let sessions = self.list_readers.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut session = lock(&sessions).pop()?;
            let rows = session.rows(sql, &params, read);
            lock(&sessions).push(session);
            // Only now: whoever has a turn finds a session.
            drop(turn);
            Some(rows)
        });
        reading.await.ok().flatten().ok_or_else(interrupted)?
    }
}

struct Opened {
    writer: Session,
    readers: Vec<Session>,
    list_readers: Vec<Session>,
}

/// What a database is opened for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// To change it; it is made where it is missing.
    Write,
    /// To look at it.
    Read,
}

/// How a file is opened.
#[derive(Clone, Copy)]
enum Access {
    Write,
    Read,
    /// As a file that nobody changes, with none of the files beside it by which SQLite tells others that it reads.
    Still,
}

/// A database on a file system that can't be written to is taken for one that nobody changes if it has no log: whoever
/// writes to it elsewhere makes one first. On a full disk an empty log will do: beside a server there would have been room,
/// that which the server took.
fn open_to_read(path: &Path, recompilations: &Arc<AtomicU64>) -> Result<Opened, DbError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log_bytes = || match std::fs::metadata(&log) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        log => log.map(|log| Some(log.len())),
    };
    match (open_all(path, Access::Read, recompilations), log_bytes()) {
        (Err(DbError::Unavailable(_) | DbError::Full), Ok(None)) | (Err(DbError::Full), Ok(Some(0))) => {
            open_all(path, Access::Still, recompilations)
        }
        (opened, _) => opened,
    }
}

fn open_all(path: &Path, access: Access, recompilations: &Arc<AtomicU64>) -> Result<Opened, DbError> {
    let open = |pragmas| {
        let connection = Session::open(path, access, pragmas)?;
        Ok(Session { connection, texts: HashMap::new(), recompilations: Arc::clone(recompilations) })
    };
    // Reads through `Db` can't write, as on PostgreSQL. Reading the version makes SQLite read the file.
    let reader = || open("PRAGMA query_only = ON; PRAGMA schema_version");
    let writer = match access {
        Access::Write => open("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?,
        Access::Read | Access::Still => reader()?,
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(Opened {
        writer,
        // One more than the threads that could read at once, so that one finds a free one at its first try.
        readers: (0..=threads).map(|_| reader()).collect::<Result<_, _>>()?,
        list_readers: (0..LIST_READERS).map(|_| reader()).collect::<Result<_, _>>()?,
    })
}

/// Makes the file, where it is missing, readable by its owner only; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> Result<(), DbError> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    opened.map(drop).map_err(|error| DbError::Unavailable(error.to_string()))
}

/// The name of a file for SQLite that nobody changes (<https://www.sqlite.org/uri.html>): what is more than a letter of a
/// path is escaped.
fn still(path: &Path) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let path = path.as_os_str().as_bytes().iter().map(|byte| match byte {
        byte if is_plain(*byte) => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("file:{}?immutable=1", path.collect::<String>())
}

/// A connection that knows the one SQL text.
struct Session {
    connection: Connection,
    /// Statements in SQLite's words, by the address and length of the static text.
    texts: HashMap<(usize, usize), Arc<str>>,
    /// How often SQLite compiled a cached statement again, on all connections.
    recompilations: Arc<AtomicU64>,
}

impl Session {
    /// Two processes that open a new file at once may find it locked, and SQLite does not wait while one of
    /// them turns the log on, whatever the timeout: so it is tried again.
    fn open(path: &Path, access: Access, pragmas: &'static str) -> Result<Connection, DbError> {
        for _ in 1..OPEN_TRIES {
            match Self::open_once(path, access, pragmas) {
                Err(DbError::Busy(_)) => std::thread::sleep(OPEN_PAUSE),
                opened => return opened,
            }
        }
        Self::open_once(path, access, pragmas)
    }

    fn open_once(path: &Path, access: Access, pragmas: &'static str) -> Result<Connection, DbError> {
        let to_read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = match access {
                Access::Write => Connection::open(path),
                Access::Read => Connection::open_with_flags(path, to_read),
                Access::Still => {
                    Connection::open_with_flags(still(path), to_read | OpenFlags::SQLITE_OPEN_URI)
                }
            }?;
            connection.busy_timeout(INLINE_BUSY)?;
            if let Access::Write = access {
                // What lies beside the database stays when it is closed: the next start takes its room, on a full disk too.
                connection.file_control(Some(c"main"), FileControl::PersistWal(&mut 1))?;
            }
            connection.execute_batch(pragmas)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.pragma_update_and_check(None, "journal_size_limit", MAX_IDLE_LOG_BYTES, |_| Ok(()))?;
            // Without this guarantee, SQLite compiles a statement again whenever the value of a parameter that it compared
            // with a partial index's condition changes. That takes longer than most statements. The price: a parameter
            // never proves such a condition, so a statement that needs the index states the condition as a literal.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            Ok(connection)
        };
        // Which file it is about says whoever named it.
        open().map_err(|error| match of_sqlite(&error, pragmas) {
            _ if has_no_room_to_open(&error) => DbError::Full,
            error => error,
        })
    }

    /// Runs the statement with its parameters bound, and counts if SQLite compiled it again.
    fn run<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        run: impl FnOnce(&mut CachedStatement<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let text = match self.texts.get(&(sql.as_ptr().addr(), sql.len())) {
            Some(text) => text.clone(),
            None => {
                let text: Arc<str> = text::statement_for_sqlite(sql)?.into();
                self.texts.insert((sql.as_ptr().addr(), sql.len()), text.clone());
                text
            }
        };
        let mut statement = self.connection.prepare_cached(&text).map_err(|error| of_sqlite(&error, sql))?;
        if statement.parameter_count() != params.len() {
            return Err(DbError::Other(format!("{} parameters were given: {sql}", params.len())));
        }
        for (index, param) in params.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, param).map_err(|error| of_sqlite(&error, sql))?;
        }
        let outcome = run(&mut statement);
        let again = statement.reset_status(StatementStatus::RePrepare);
        if again > 0 {
            self.recompilations.fetch_add(u64::from(again.unsigned_abs()), Ordering::Relaxed);
        }
        outcome
    }

    /// Always steps to the end: SQLite silently undoes a statement that is reset before its end.
    fn rows<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        self.run(sql, params, |statement| {
            let mut rows = statement.raw_query();
            let mut values = Vec::new();
            while let Some(row) = rows.next().map_err(|error| of_sqlite(&error, sql))? {
                values.push(read(&Row::sqlite(row))?);
            }
            Ok(values)
        })
    }

    fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let changed = self
            .run(sql, params, |statement| statement.raw_execute().map_err(|error| of_sqlite(&error, sql)))?;
        Ok(changed as u64)
    }
}

/// The one connection that writes, and the transactions whose COMMIT is still to come.
struct Writer {
    session: Session,
    /// Whether the outer transaction is open.
    is_open: bool,
    group: Vec<oneshot::Sender<Result<(), DbError>>>,
    group_commits: Arc<AtomicU64>,
}

impl Writer {
    /// Opens the outer transaction where none is, and a savepoint in it. While another process (an operator
    /// command beside the server) writes it tries again for as long as the caller lets it.
    async fn begin(&mut self) -> Result<(), DbError> {
        while !self.is_open {
            match self.session.execute("BEGIN IMMEDIATE", &[]) {
                Ok(_) => self.is_open = true,
                Err(DbError::Busy(_)) => tokio::time::sleep(BUSY_PAUSE).await,
                Err(error) => return Err(error),
            }
        }
        let begun = self.session.execute("SAVEPOINT tx", &[]);
        begun.map(drop).inspect_err(|_| self.undo())
    }

    /// Ends the savepoint and joins the group. The answer comes when the group is on the disk.
    fn join(&mut self) -> Result<oneshot::Receiver<Result<(), DbError>>, DbError> {
        self.session.execute("RELEASE tx", &[])?;
        let (sender, receiver) = oneshot::channel();
        self.group.push(sender);
        Ok(receiver)
    }

    /// After an error: on a full disk or a failed write SQLite may have undone the outer transaction on its
    /// own, and with it what others in the group were waiting for.
    fn note(&mut self, error: &DbError) {
        if self.is_open && self.session.connection.is_autocommit() {
            self.end(Err(error.clone()));
        }
    }

    /// Undoes the savepoint, and the outer transaction too where nobody else is in it.
    fn undo(&mut self) {
        if !self.is_open {
            return;
        }
        let undone =
            self.session.execute("ROLLBACK TO tx", &[]).and_then(|_| self.session.execute("RELEASE tx", &[]));
        match undone {
            Ok(_) if !self.group.is_empty() => {}
            // Nobody waits for this answer.
            Ok(_) => self.roll_back(DbError::Other("rolled back".into())),
            Err(error) => self.roll_back(error),
        }
    }

    /// The fsync: not for an async thread.
    fn commit(&mut self) {
        match self.session.execute("COMMIT", &[]) {
            Ok(_) => {
                self.group_commits.fetch_add(1, Ordering::Relaxed);
                self.end(Ok(()));
            }
            Err(error) => self.roll_back(error),
        }
    }

    fn roll_back(&mut self, why: DbError) {
        // It fails where SQLite has rolled back already, which is what is wanted.
        if let Err(error) = self.session.execute("ROLLBACK", &[]) {
            tracing::debug!(%error, "nothing was left to roll back");
        }
        self.end(Err(why));
    }

    fn end(&mut self, outcome: Result<(), DbError>) {
        self.is_open = false;
        for waiting in self.group.drain(..) {
            // Whoever no longer waits (a dropped commit future) does not want to know.
            let _ = waiting.send(outcome.clone());
        }
    }
}

/// Commits group after group, until the last handle on the database is gone.
async fn commit_groups(writer: Arc<FairMutex<Writer>>, mut woken: mpsc::Receiver<()>) {
    while woken.recv().await.is_some() {
        let mut writer = writer.clone().lock_owned().await;
        if writer.group.is_empty() {
            continue;
        }
        if tokio::task::spawn_blocking(move || writer.commit()).await.is_err() {
            tracing::error!("a commit was interrupted");
        }
    }
}

/// A transaction: the writer is its own until it ends.
pub(super) struct SqliteTx {
    /// A `Connection` can't be shared between threads; behind a lock that nobody contends for, `&SqliteTx` can.
    writer: Mutex<Option<OwnedMutexGuard<Writer>>>,
    wake_committer: mpsc::Sender<()>,
}

impl SqliteTx {
    pub(super) fn rows<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: ReadRow<T>,
    ) -> Result<Vec<T>, DbError> {
        self.with(|session| session.rows(sql, params, read))
    }

    pub(super) fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        self.with(|session| session.execute(sql, params))
    }

    /// Runs a migration's statements.
    pub(super) fn batch(&self, sql: &str) -> Result<(), DbError> {
        self.with(|session| session.connection.execute_batch(sql).map_err(|error| of_sqlite(&error, sql)))
    }

    fn with<T>(&self, run: impl FnOnce(&mut Session) -> Result<T, DbError>) -> Result<T, DbError> {
        let mut writer = lock(&self.writer);
        let writer = writer.as_mut().ok_or_else(ended)?;
        run(&mut writer.session).inspect_err(|error| writer.note(error))
    }

    pub(super) async fn commit(self) -> Result<(), DbError> {
        let committed = self.join()?;
        committed.await.unwrap_or_else(|_| Err(ended()))
    }

    fn join(&self) -> Result<oneshot::Receiver<Result<(), DbError>>, DbError> {
        let mut writer = lock(&self.writer);
        let joined = writer.as_mut().ok_or_else(ended)?.join()?;
        // Full means that it will wake anyway, after this group was joined. Closed means that the runtime is
        // ending, and with it the wait.
        let _ = self.wake_committer.try_send(());
        *writer = None;
        Ok(joined)
    }
}

/// The runtime ended before the commit: nothing is durable.
fn ended() -> DbError {
    DbError::Unavailable("the program is stopping".into())
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if let Some(writer) = lock(&self.writer).as_mut() {
            writer.undo();
        }
    }
}

/// A panic while a connection was held leaves it usable: statements are reset when they are dropped.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
