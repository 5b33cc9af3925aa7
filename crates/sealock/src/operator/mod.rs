//! Commands for operators: they work on the store itself, where the server runs, with the configuration that `serve` has,
//! and beside it. They make no store and, but for the way out of a start that is refused, change no schema: a server does
//! both when it starts. Root runs them too, on the store of another user's server, and leaves no file of root's in it (SQLite
//! gives what it makes beside a database to that one's owner).

pub(crate) mod fsck;
pub(crate) mod keys;

use std::sync::Arc;

use access::time::{Clock, Instant};
use anyhow::{Context, bail};
use registry::{DatabaseLocation, Db, DbError, DbOptions, FileStore, KeyFile};

use crate::clock::SystemClock;
use crate::config::{ServeConfig, ServeFlags};
use crate::failure::Failure;
use crate::logging;
use crate::randomness::SystemRandomness;

/// Does `work` with the configuration that these flags, the variables and the file make.
pub(crate) fn run<T>(
    flags: ServeFlags,
    work: impl AsyncFnOnce(&ServeConfig, Instant) -> anyhow::Result<T>,
) -> Result<T, Failure> {
    let folder = std::env::current_dir().map_err(|error| Failure::Other(error.into()))?;
    let config = ServeConfig::load(flags, std::env::vars_os(), &folder)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    logging::start(config.log, &config.log_level)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Other(error.into()))?;
    Ok(runtime.block_on(work(&config, SystemClock.now()))?)
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To look at it: nothing is changed, and it may lie where nothing can be written.
    Look,
    /// To change it.
    Change,
    /// To change it, whatever its schema: a start that would bring it up to date is refused.
    BeginAnew,
}

/// Opens the database of a store that a server of this version was started on, or to begin anew one of any; an error says
/// which database it was.
pub(crate) async fn open_database(config: &ServeConfig, purpose: Purpose) -> anyhow::Result<Db> {
    if let DatabaseLocation::Sqlite { path } = &config.database
        && !path.try_exists().with_context(|| format!("cannot look for {}", path.display()))?
    {
        bail!(
            "there is no database {}; name the data folder of the server with --data-dir, or its configuration with \
             --config",
            path.display()
        );
    }
    let opened = async {
        let db = match purpose {
            Purpose::Look => Db::open_to_read(&config.database, DbOptions::default()).await?,
            Purpose::Change | Purpose::BeginAnew => Db::open(&config.database, DbOptions::default()).await?,
        };
        if purpose != Purpose::BeginAnew {
            db.check_schema().await?;
        }
        Ok::<_, DbError>(db)
    };
    let db = opened.await.with_context(|| format!("the database {}", config.database))?;
    Ok(db)
}

/// Opens a whole store, database and blobs, after making sure that the two belong together.
pub(crate) async fn open_store(config: &ServeConfig, purpose: Purpose) -> anyhow::Result<(Db, FileStore)> {
    let db = open_database(config, purpose).await?;
    let folder = &config.blobs;
    if !folder.try_exists().with_context(|| format!("cannot look for {}", folder.display()))? {
        bail!("there is no blob folder {}; bring it back, or name another with --data-dir", folder.display());
    }
    let blobs = match purpose {
        Purpose::Look => FileStore::open_to_read(folder, Arc::new(SystemRandomness))?,
        Purpose::Change | Purpose::BeginAnew => {
            FileStore::open_to_repair(folder, Arc::new(SystemRandomness))?
        }
    };
    let belong_together = registry::check_store_id(&db, &blobs).await;
    belong_together.context("this database and these blobs are not used together")?;
    Ok((db, blobs))
}

/// Reads the key file that the server has.
pub(crate) fn key_file(config: &ServeConfig) -> anyhow::Result<KeyFile> {
    Ok(KeyFile::read(config.key_file.path())?)
}
