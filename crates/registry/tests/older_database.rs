//! A start on the database of an older release. What can refuse it is looked at while the schema is as it was: the older
//! release goes on where a start of this one was refused (DESIGN §5, 10 and 11).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use access::{
    id::StoreId,
    time::{Instant, Length},
};
use registry::{
    DatabaseLocation, Db, DbOptions, FileStore, KeyFile, KeyState, Registry, RotateError, forget_sealed,
    list_keys, rotate_keys,
};
use storage::{
    db::{Migration, Query as _},
    params,
    signing_keys::{self, StoredKey},
    store,
};
use testkit::{
    Engine, both_engines, clock::ManualClock, on_postgres, postgres::Postgres, randomness::SeededRandomness,
};

const NOW: Instant = ManualClock::START;
/// How often two start at once, so that they meet at different steps.
const ROUNDS: usize = 4;
/// How often somebody who waits is seen waiting, to be sure that it goes on.
const LOOKS: usize = 100;

/// The store of a server, and a database for each older schema that could be the same store's.
struct House {
    engine: Engine,
    folder: tempfile::TempDir,
    id: StoreId,
    signs: StoredKey,
}

impl House {
    async fn on(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = fresh_database(engine, folder.path()).await;
        start(&database, &folder.path().join("blobs"), right()).await.unwrap();
        let db = opened(&database).await;
        let id = store::id(&db).await.unwrap().unwrap();
        let mut keys = signing_keys::all(&db).await.unwrap();
        keys.retain(|key| key.state == KeyState::Active);
        Self { engine, folder, id, signs: keys.remove(0) }
    }

    fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    /// The database as the release with the first `schema` migrations left it, with a key that signs.
    async fn older(&self, schema: usize) -> DatabaseLocation {
        // In the words of the first release.
        const KEY: &str =
            "INSERT INTO signing_keys (kid, state, sealed, created_at) VALUES ($1, 'active', $2, $3)";
        let database = fresh_database(self.engine, self.folder.path()).await;
        let db = opened(&database).await;
        db.migrate_with(&migrations()[..schema]).await.unwrap();
        let tx = db.begin().await.unwrap();
        tx.execute(KEY, params![self.signs.kid.as_str(), self.signs.sealed.as_slice(), NOW]).await.unwrap();
        tx.commit().await.unwrap();
        database
    }

    /// [`House::older`], which was given the id of these blobs.
    async fn older_with_id(&self, schema: usize) -> DatabaseLocation {
        let database = self.older(schema).await;
        let tx = opened(&database).await.begin().await.unwrap();
        store::keep_id(&tx, self.id).await.unwrap();
        tx.commit().await.unwrap();
        database
    }
}

/// Every migration, read from the folder so that none can be forgotten.
fn migrations() -> Vec<Migration> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../storage/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let step = |(version, path): (i64, PathBuf)| Migration {
        version,
        name: "step",
        oldest_binary: 1,
        sql: std::fs::read_to_string(path).unwrap().leak(),
    };
    (1..).zip(files).map(step).collect()
}

/// The schemas that a release before this one may have left.
fn older_schemas() -> std::ops::Range<usize> {
    1..migrations().len()
}

async fn fresh_database(engine: Engine, folder: &Path) -> DatabaseLocation {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    match engine {
        Engine::Sqlite => {
            let name = format!("sealock-{}.db", NUMBERS.fetch_add(1, Ordering::Relaxed));
            DatabaseLocation::Sqlite { path: folder.join(name) }
        }
        Engine::Postgres => DatabaseLocation::Postgres { url: Postgres::shared().unwrap().database().await },
    }
}

async fn opened(database: &DatabaseLocation) -> Db {
    Db::open(database, DbOptions::default()).await.unwrap()
}

async fn schema(database: &DatabaseLocation) -> usize {
    opened(database).await.schema().await.unwrap().try_into().unwrap()
}

fn right() -> KeyFile {
    KeyFile::parse(&"5e".repeat(32)).unwrap()
}

fn wrong() -> KeyFile {
    KeyFile::parse(&"ab".repeat(32)).unwrap()
}

/// Another source each time, so that no two stores have one id.
fn random() -> Arc<SeededRandomness> {
    static SEEDS: AtomicU64 = AtomicU64::new(1);
    Arc::new(SeededRandomness::new(SEEDS.fetch_add(1, Ordering::Relaxed)))
}

/// Starts; what was said where that is refused.
async fn start(database: &DatabaseLocation, blobs: &Path, key_file: KeyFile) -> Result<(), String> {
    start_at(database, blobs, key_file, NOW).await
}

async fn start_at(
    database: &DatabaseLocation,
    blobs: &Path,
    key_file: KeyFile,
    now: Instant,
) -> Result<(), String> {
    let store = FileStore::open(blobs, random()).unwrap();
    let opened = Registry::open(opened(database).await, Arc::new(store), key_file, random(), now).await;
    opened.map(drop).map_err(|error| error.to_string())
}

#[both_engines]
async fn a_start_that_is_refused_leaves_every_older_schema_as_it_was(house: House) {
    let other = House::on(Engine::Sqlite).await;
    for older in older_schemas() {
        let database = house.older_with_id(older).await;
        for (blobs, key_file, why) in [
            (house.blobs(), wrong(), "sealed with another key file"),
            (other.blobs(), right(), "belong to different stores"),
            (other.blobs(), wrong(), "belong to different stores"),
        ] {
            let said = start(&database, &blobs, key_file).await.unwrap_err();
            assert!(said.contains(why), "schema {older}: {said}");
            assert_eq!(schema(&database).await, older, "{why}");
        }
    }
}

/// A release before there were ids, and blobs that nothing was pushed to.
#[both_engines]
async fn a_start_with_a_wrong_key_file_gives_no_ids(house: House) {
    for older in older_schemas() {
        let (database, empty) = (house.older(older).await, tempfile::tempdir().unwrap());
        start(&database, empty.path(), wrong()).await.unwrap_err();
        assert_eq!(store::id(&opened(&database).await).await, Ok(None));
        assert!(!empty.path().join("store-id").exists());
        start(&database, empty.path(), right()).await.unwrap();
    }
}

#[both_engines]
async fn with_what_belongs_to_it_every_older_database_is_brought_up_to_date(house: House) {
    for older in older_schemas() {
        let database = house.older_with_id(older).await;
        for _ in 0..2 {
            start(&database, &house.blobs(), right()).await.unwrap();
            assert_eq!(schema(&database).await, migrations().len(), "from {older}");
        }
        let signs = signing_keys::active(&opened(&database).await).await;
        assert_eq!(signs.as_ref(), Ok(&Some(house.signs.kid.clone())), "from {older}");
    }
}

#[both_engines]
async fn replicas_that_start_together_on_an_older_database_all_start(house: House) {
    for older in older_schemas() {
        for _ in 0..ROUNDS {
            let database = house.older_with_id(older).await;
            let blobs = house.blobs();
            let replica = || start(&database, &blobs, right());
            assert_eq!(tokio::join!(replica(), replica(), replica()), (Ok(()), Ok(()), Ok(())));
            assert_eq!(schema(&database).await, migrations().len());
        }
    }
}

/// A migration of a large table takes longer than anybody waits for a lock otherwise.
#[on_postgres]
async fn a_replica_waits_for_one_that_changes_the_keys_table_as_long_as_that_takes(house: House) {
    const LOCK: &str = "LOCK TABLE signing_keys IN ACCESS EXCLUSIVE MODE";
    const WAITING: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let database = house.older_with_id(1).await;
    let db = opened(&database).await;
    let (migrating, schema) = db.hold_schema().await.unwrap();
    assert_eq!(schema, 1);
    migrating.execute(LOCK, &[]).await.unwrap();

    let DatabaseLocation::Postgres { url } = &database else { panic!("this is PostgreSQL") };
    let hasty = DatabaseLocation::Postgres { url: format!("{url}?options=-c%20lock_timeout%3D1") };
    let blobs = house.blobs();
    let seen_waiting = async {
        let mut seen = 0;
        while seen < LOOKS {
            seen += usize::from(db.one(WAITING, &[], |row| row.int(0)).await.unwrap() > 0);
        }
        drop(migrating);
    };
    let both = async { tokio::join!(start(&hasty, &blobs, right()), seen_waiting) };
    let (started, ()) = tokio::time::timeout(Duration::from_secs(20), both).await.expect("nobody waited");
    assert_eq!(started, Ok(()));
}

#[both_engines]
async fn whoever_lost_the_key_file_begins_anew_from_every_older_schema(house: House) {
    for older in older_schemas() {
        let database = house.older_with_id(older).await;
        let said = start(&database, &house.blobs(), wrong()).await.unwrap_err();
        assert!(said.contains("`sealock keys rotate --now --forget-sealed` throws away"), "{said}");
        forget_sealed(&opened(&database).await, &wrong(), random().as_ref(), NOW).await.unwrap();
        start(&database, &house.blobs(), wrong()).await.unwrap();
        let keys = list_keys(&opened(&database).await).await.unwrap();
        assert!(
            keys.len() == 2 && keys.iter().all(|key| key.id != house.signs.kid),
            "from {older}: {keys:?}"
        );
    }
}

#[both_engines]
async fn there_is_nothing_to_begin_anew_in_an_empty_database(house: House) {
    let empty = fresh_database(house.engine, house.folder.path()).await;
    let refused = forget_sealed(&opened(&empty).await, &right(), random().as_ref(), NOW).await;
    assert!(matches!(refused, Err(RotateError::NoKeys)), "{refused:?}");
    assert_eq!(schema(&empty).await, 0);
}

/// Only its public half is left of it, which is sealed under another name.
#[both_engines]
async fn a_retired_key_is_no_reason_to_refuse_the_key_file_that_fits(house: House) {
    let database = fresh_database(house.engine, house.folder.path()).await;
    let (blobs, later) = (tempfile::tempdir().unwrap(), NOW.plus(Length::hours(1)));
    start(&database, blobs.path(), right()).await.unwrap();
    rotate_keys(&opened(&database).await, &right(), random().as_ref(), later).await.unwrap();
    let keys = list_keys(&opened(&database).await).await.unwrap();
    let states: Vec<_> = keys.iter().map(|key| key.state).collect();
    assert_eq!(states, [KeyState::Retired, KeyState::Active, KeyState::Next]);
    start_at(&database, blobs.path(), right(), later).await.unwrap();
    let said = start_at(&database, blobs.path(), wrong(), later).await.unwrap_err();
    assert!(said.contains("sealed with another key file"), "{said}");
}
