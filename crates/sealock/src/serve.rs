//! `sealock serve`: puts the house together and lets requests in.

use std::{
    fs::File,
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use access::{
    randomness::Randomness,
    time::{Clock, Instant},
};
use anyhow::Context;
use registry::{
    BlobStore, DatabaseLocation, Db, DbOptions, FileStore, FirstAdministrator, KeyFile, Registry,
};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use web::{App, Limits, PublicUrl, PublicUrls};

use crate::{
    acme::{Keeper, Prepared},
    clock::SystemClock,
    config::{KeyFilePath, ServeConfig},
    data_folder, open_files,
    origin::Origin,
    password::Password,
    private_file,
    randomness::SystemRandomness,
    start_warnings, systemd, tls,
};

/// How many connections may wait until they are accepted: as many as where std listens.
const BACKLOG: u32 = 128;

/// Serves until the process is told to stop; returns an error where it could not start.
pub(crate) async fn run(config: ServeConfig) -> anyhow::Result<()> {
    let random: Arc<dyn Randomness> = Arc::new(SystemRandomness);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // Before anything is made: what is wrong with it is quickly said.
    let files = config.tls.as_ref().map(|files| tls::load(files, &clock)).transpose()?;
    let prepared = config.acme.as_ref().map(Prepared::new).transpose()?;
    let _held = hold_data_folder(&config)?;
    // Before the schema is brought up to date: where an address is taken, an older release goes on.
    let socket = bind(config.listen)?;
    let metrics = config.metrics_listen.map(bind).transpose()?;
    let origins = config.public_urls(socket.local_addr()?.port())?;
    let public_urls = PublicUrls::new(origins.iter().map(public_url)).context("public_urls is empty")?;
    let capacity = open_files::raise_limit(config.max_connections);
    let registry = open(&config, capacity.readers, Arc::clone(&random), clock.now()).await?;
    let keeper = match prepared {
        Some(prepared) => Some(Keeper::new(prepared, &registry, Arc::clone(&clock)).await?),
        None => None,
    };
    // Only behind the changes of the schema, which may take long: who connects must not wait for them, and whoever looks
    // whether somebody listens is told no until then.
    let (listener, metrics) = (listen(socket)?, metrics.map(listen).transpose()?);
    // Last of all that can fail: the password that is shown once must belong to a server that runs.
    if registry.wants_administrator().await? {
        make_first_administrator(&config, &registry, public_urls.authority_for(None), clock.now()).await?;
    }
    start_warnings::log(&config, &origins);
    let ready = format!("Sealock is ready at {}\n", public_urls.origin_for(None));
    let app = App::new(registry, clock, random, public_urls, config.trusted_proxies);
    let limits = Limits { connections: capacity.connections, idle: config.idle_timeout, ..Limits::default() };
    let stop = told_to_stop()?;
    let mut beside = beside(&app, metrics);
    let certificate = tls::keep(files, keeper, &mut beside)?;
    say(&ready)?;
    systemd::tell(systemd::READY);
    web::serve(listener, app, limits, certificate, stop).await;
    drop(beside);
    tracing::info!("stopped");
    Ok(())
}

/// What runs beside the requests, until it is dropped.
fn beside(app: &App, metrics: Option<TcpListener>) -> JoinSet<()> {
    let mut beside = JoinSet::new();
    beside.spawn(web::sweep_regularly(app.clone()));
    beside.spawn(web::write_usage_regularly(app.clone()));
    if let Some(listener) = metrics {
        beside.spawn(web::serve_metrics(listener, app.clone()));
    }
    beside
}

/// Takes the address, on which nobody can connect yet.
fn bind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections of the run before linger for a minute (TIME_WAIT); a socket that listens still keeps others away.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok::<_, io::Error>(socket)
    };
    bound().with_context(|| format!("cannot listen on {address}"))
}

/// Lets connections come. Of two who took one address at the same moment the second is refused here.
fn listen(socket: TcpSocket) -> anyhow::Result<TcpListener> {
    let address = socket.local_addr()?;
    socket.listen(BACKLOG).with_context(|| format!("cannot listen on {address}"))
}

fn public_url(origin: &Origin) -> PublicUrl {
    PublicUrl { is_https: origin.is_https(), authority: origin.authority().to_owned() }
}

/// Makes the data folder where it is missing; what keeps other servers out of it while it is held.
fn hold_data_folder(config: &ServeConfig) -> anyhow::Result<Option<File>> {
    data_folder::make(&config.data_dir)?;
    let key = match &config.key_file {
        KeyFilePath::InDataFolder(path) => Some(path.clone()),
        KeyFilePath::Given(_) => None,
    };
    let database = match &config.database {
        DatabaseLocation::Sqlite { path } => Some(path.clone()),
        DatabaseLocation::Postgres { .. } => None,
    };
    data_folder::check_owner(&config.data_dir, key.into_iter().chain(database))?;
    FileStore::check_owner(&config.blobs)?;
    Ok(match &config.database {
        DatabaseLocation::Sqlite { .. } => Some(data_folder::take(&config.data_dir)?),
        DatabaseLocation::Postgres { .. } => None,
    })
}

async fn open(
    config: &ServeConfig,
    readers: usize,
    random: Arc<dyn Randomness>,
    now: Instant,
) -> anyhow::Result<Registry> {
    let key_file = key_file(&config.key_file, random.as_ref())?;
    let blobs: Arc<dyn BlobStore> =
        Arc::new(FileStore::open(&config.blobs, Arc::clone(&random))?.with_readers(readers));
    let db = Db::open(&config.database, DbOptions::default()).await;
    let db = db.with_context(|| format!("the database {}", config.database))?;
    let opened = async {
        // Refuses a database of a newer release, to which nothing may be written.
        db.schema().await?;
        registry::check_writable(&db, &blobs).await?;
        anyhow::Ok(Registry::open(db, Arc::clone(&blobs), key_file, random, now).await?)
    };
    let (blobs, key) = (config.blobs.display(), config.key_file.path().display());
    opened.await.with_context(|| {
        format!("the database {}, the blobs in {blobs} and the key file {key}", config.database)
    })
}

/// The key file; the first start makes the one in the data folder. One that was named has to be there: a replica
/// that made its own could not open what the others sealed.
fn key_file(path: &KeyFilePath, random: &dyn Randomness) -> anyhow::Result<KeyFile> {
    let path = match path {
        KeyFilePath::Given(path) => path,
        KeyFilePath::InDataFolder(path) => {
            make_key_file(path, random)
                .with_context(|| format!("cannot make the key file {}", path.display()))?;
            path
        }
    };
    Ok(KeyFile::read(path)?)
}

/// Of several processes that start at once one makes the file, and the others take it: a key that was replaced would
/// open nothing of what was sealed with it.
fn make_key_file(path: &Path, random: &dyn Randomness) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    private_file::create_once(path, KeyFile::generate(random).as_bytes(), random)
}

/// Tells the password first and stores the administrator then: one that nobody saw would lock the instance.
async fn make_first_administrator(
    config: &ServeConfig,
    registry: &Registry,
    host: &str,
    now: Instant,
) -> anyhow::Result<()> {
    let brought = match &config.admin_password_file {
        None => None,
        Some(path) => {
            let read = || Password::read(File::open(path)?);
            let password =
                read().with_context(|| format!("the administrator's password in {}", path.display()))?;
            Some(registry::Password::new(password.expose().to_owned()))
        }
    };
    let first = registry.prepare_administrator(brought, now).await?;
    say(&welcome(&first, host))?;
    let kept = registry.keep_administrator(&first, now).await.context(
        "the administrator could not be stored, so the password above is void; the next start makes another",
    )?;
    if !kept {
        say(
            "Another replica made the administrator at the same moment; its password counts, not this one.\n\n",
        )?;
    }
    Ok(())
}

/// What the first start says: who the administrator is, and how to go on.
fn welcome(first: &FirstAdministrator, host: &str) -> String {
    let sealock = std::env::args().next().unwrap_or_else(|| "sealock".to_owned());
    let username = first.username();
    let password = first.password.as_ref().map_or_else(
        || "the one in admin_password_file".to_owned(),
        |password| format!("{}    (shown this once)", password.expose()),
    );
    format!(
        "This is the first start, so an administrator was made.
    username  {username}
    password  {password}

Next, in another terminal:
    {sealock} login {host} -u {username}
    {sealock} namespace create acme
    {sealock} token create acme ci-bot --permission pull-push --secret-file ci-bot.secret
    docker login {host} -u ci-bot --password-stdin < ci-bot.secret
    docker pull hello-world && docker tag hello-world {host}/acme/hello:1.0
    docker push {host}/acme/hello:1.0

"
    )
}

/// To stdout and never to the log: it may hold the password that is shown once.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Done when the process gets SIGTERM or SIGINT.
fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        systemd::tell(systemd::STOPPING);
        tracing::info!("told to stop; running transfers may finish");
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::{fs, os::unix::fs::PermissionsExt, sync::Barrier, thread};

    use super::*;

    #[test]
    fn of_eight_who_make_the_key_at_once_all_end_up_with_the_same() {
        const ROUNDS: usize = 20;
        for _ in 0..ROUNDS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("key");
            let ready = Barrier::new(8);
            let keys: Vec<Vec<u8>> = thread::scope(|scope| {
                let make = || {
                    ready.wait();
                    make_key_file(&path, &SystemRandomness).unwrap();
                    // What this one would seal with, whoever comes after it.
                    fs::read(&path).unwrap()
                };
                let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
                makers.into_iter().map(|maker| maker.join().unwrap()).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]), "several keys");
            KeyFile::read(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
        }
    }

    #[test]
    fn a_key_that_is_there_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for content in ["", "somebody's key"] {
            fs::write(&path, content).unwrap();
            make_key_file(&path, &SystemRandomness).unwrap();
            // Whatever is in it: what was sealed with a key opens with no other.
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
