//! `sealock serve`: puts the house together and lets requests in.

use std::{
    fs::{DirBuilder, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::Arc,
};

use access::{
    randomness::Randomness,
    time::{Clock, Instant},
};
use anyhow::Context;
use registry::{Db, DbOptions, FileStore, FirstAdministrator, KeyFile, Registry};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use web::{App, PublicUrls};

use crate::{
    clock::SystemClock,
    config::{KeyFilePath, ServeConfig},
    password::Password,
    private_file,
    randomness::SystemRandomness,
};

/// Serves until the process is told to stop; returns an error where it could not start.
pub(crate) async fn run(config: ServeConfig) -> anyhow::Result<()> {
    let random: Arc<dyn Randomness> = Arc::new(SystemRandomness);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let registry = open(&config, Arc::clone(&random), clock.now()).await?;
    // Bound before anything is made or told: a port that is taken must not cost the password that is shown once.
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let first = make_first_administrator(&config, &registry, clock.now()).await?;
    let urls: Vec<String> =
        config.public_urls(listener.local_addr()?.port())?.iter().map(ToString::to_string).collect();
    let public_urls = PublicUrls::parse(&urls)?.context("public_urls is empty")?;
    announce(&public_urls, first.as_ref())?;
    let app = App::new(registry, clock, random, public_urls);
    web::serve(listener, app, told_to_stop()?).await;
    tracing::info!("stopped");
    Ok(())
}

async fn open(config: &ServeConfig, random: Arc<dyn Randomness>, now: Instant) -> anyhow::Result<Registry> {
    let folder = &config.data_dir;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    let key_file = key_file(&config.key_file, random.as_ref())?;
    let blobs = FileStore::open(&config.blobs, Arc::clone(&random))?;
    let db = Db::open(&config.database, DbOptions::default()).await?;
    Ok(Registry::open(db, Arc::new(blobs), &key_file, random, now).await?)
}

/// The key file; the first start makes the one in the data folder. One that was named has to be there: a replica
/// that made its own could not open what the others sealed.
fn key_file(path: &KeyFilePath, random: &dyn Randomness) -> anyhow::Result<KeyFile> {
    let path = match path {
        KeyFilePath::Given(path) => path,
        KeyFilePath::InDataFolder(path) => {
            make_key_file(path, random).with_context(|| format!("cannot make the key file {}", path.display()))?;
            path
        }
    };
    Ok(KeyFile::read(path)?)
}

fn make_key_file(path: &Path, random: &dyn Randomness) -> io::Result<()> {
    match path.try_exists()? {
        true => Ok(()),
        false => private_file::replace(path, KeyFile::generate(random).as_bytes()),
    }
}

async fn make_first_administrator(
    config: &ServeConfig,
    registry: &Registry,
    now: Instant,
) -> anyhow::Result<Option<FirstAdministrator>> {
    let brought = match &config.admin_password_file {
        None => None,
        Some(path) => {
            let read = || Password::read(File::open(path)?);
            let password =
                read().with_context(|| format!("the administrator's password in {}", path.display()))?;
            Some(registry::Password::new(password.expose().to_owned()))
        }
    };
    Ok(registry.make_first_administrator(brought, now).await?)
}

/// Says where the server is, and at the first start how to go on. To stdout and never to the log: it may hold the
/// password that is shown once.
fn announce(urls: &PublicUrls, first: Option<&FirstAdministrator>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Sealock is ready at {}", urls.origin_for(None))?;
    if let Some(first) = first {
        let host = urls.authority_for(None);
        let sealock = std::env::args().next().unwrap_or_else(|| "sealock".to_owned());
        let username = &first.username;
        writeln!(out, "\nThis is the first start, so an administrator was made.")?;
        writeln!(out, "    username  {username}")?;
        match &first.password {
            Some(password) => writeln!(out, "    password  {}    (shown this once)", password.expose())?,
            None => writeln!(out, "    password  the one in admin_password_file")?,
        }
        writeln!(out, "\nNext, in another terminal:")?;
        writeln!(out, "    {sealock} login {host} -u {username}")?;
        writeln!(out, "    {sealock} namespace create acme")?;
        writeln!(out, "    {sealock} token create acme ci-bot --permission pull-push --secret-file ci-bot.secret")?;
        writeln!(out, "    docker login {host} -u ci-bot --password-stdin < ci-bot.secret")?;
        writeln!(out, "    docker push {host}/acme/hello:1.0\n")?;
    }
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
        tracing::info!("told to stop; running transfers may finish");
    })
}
