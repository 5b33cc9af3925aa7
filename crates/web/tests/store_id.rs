//! A database and a blob store that don't belong together are not used together (DESIGN §5, 11), and a database of a
//! newer release not at all (DESIGN §5, 10).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use access::time::Clock;
use oci::Digest;
use registry::{BlobStore, Db, DbOptions, FileStore, KeyFile, Registry, check_store_id};
use testkit::{
    Engine, TestServer, both_engines, clock::ManualClock, image::Image, randomness::SeededRandomness,
};

/// SHA-256 of no bytes at all.
const OF_NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const FORGET: &str = "DELETE FROM store_facts WHERE name = 'store id'";
/// How often two start at once, so that they meet at different steps.
const ROUNDS: usize = 8;

fn id_file(blobs: &Path) -> PathBuf {
    blobs.join("store-id")
}

fn id_in(blobs: &Path) -> Option<String> {
    std::fs::read_to_string(id_file(blobs)).ok()
}

/// Another source each time: test servers all have the same, and so would have the same ids and keys.
fn random() -> Arc<SeededRandomness> {
    static SEEDS: AtomicU64 = AtomicU64::new(1000);
    Arc::new(SeededRandomness::new(SEEDS.fetch_add(1, Ordering::Relaxed)))
}

fn store_in(blobs: &Path) -> FileStore {
    FileStore::open(blobs, random()).unwrap()
}

/// Blobs of a store of a release that had no ids.
async fn blobs_of_somebody_else() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let nothing = Digest::parse(OF_NOTHING).unwrap();
    store.finish(&store.begin(None).await.unwrap(), &nothing).await.unwrap();
    folder
}

async fn database_of(server: &TestServer) -> Db {
    Db::open(&server.database, DbOptions::default()).await.unwrap()
}

/// Starts on a server's database and the blobs in a folder; what was said where that is refused.
async fn start(database: &TestServer, blobs: &Path) -> Result<(), String> {
    let key_file = KeyFile::parse(&"5e".repeat(32)).unwrap();
    let db = database_of(database).await;
    let now = ManualClock::default().now();
    let opened = Registry::open(db, Arc::new(store_in(blobs)), key_file, random(), now).await;
    opened.map(drop).map_err(|error| error.to_string())
}

/// A server, and where its blobs are; there is one where `is_used`.
struct House {
    server: TestServer,
    blobs: PathBuf,
}

impl House {
    async fn new(engine: Engine, is_used: bool) -> Self {
        let server = TestServer::on(engine).await;
        if is_used {
            server.admin().push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
        }
        let blobs = server.folder().join("blobs");
        Self { server, blobs }
    }

    async fn on(engine: Engine) -> Self {
        Self::new(engine, true).await
    }

    /// A house that nothing was ever pushed to, with an id that no other test server has.
    async fn fresh() -> Self {
        Unused::on(Engine::Sqlite).await.0
    }

    async fn check(&self, blobs: &Path) -> Result<(), String> {
        let checked = check_store_id(&database_of(&self.server).await, &store_in(blobs)).await;
        checked.map_err(|error| error.to_string())
    }
}

/// A house that nothing was ever pushed to, with an id that no other test server has.
struct Unused(House);

impl Unused {
    async fn on(engine: Engine) -> Self {
        let house = House::new(engine, false).await;
        house.server.tamper(FORGET).await;
        std::fs::remove_file(id_file(&house.blobs)).unwrap();
        start(&house.server, &house.blobs).await.unwrap();
        Self(house)
    }
}

#[both_engines]
async fn the_first_start_gives_both_one_id_which_stays(house: House) {
    let id = id_in(&house.blobs).unwrap();
    start(&house.server, &house.blobs).await.unwrap();
    assert_eq!(id_in(&house.blobs).unwrap(), id);
    house.check(&house.blobs).await.unwrap();
}

#[both_engines]
async fn two_stores_are_never_mixed(house: House) {
    let other = House::fresh().await;
    for (database, blobs) in [(&house, &other.blobs), (&other, &house.blobs)] {
        for said in
            [start(&database.server, blobs).await.unwrap_err(), database.check(blobs).await.unwrap_err()]
        {
            for word in ["belong to different stores", "data_dir", id_in(blobs).unwrap().trim_end()] {
                assert!(said.contains(word), "{said}");
            }
        }
    }
    for house in [&house, &other] {
        start(&house.server, &house.blobs).await.unwrap();
    }
}

/// An installation of a release that had no ids, and a start that was killed in between.
#[both_engines]
async fn what_lacks_an_id_gets_one_where_the_blobs_of_the_database_lie(house: House) {
    let first = id_in(&house.blobs).unwrap();
    for (in_database, in_blobs) in [(false, true), (true, false), (false, false)] {
        if !in_database {
            house.server.tamper(FORGET).await;
        }
        if !in_blobs {
            std::fs::remove_file(id_file(&house.blobs)).unwrap();
        }
        let said = house.check(&house.blobs).await.unwrap_err();
        assert!(said.contains("start `sealock serve` once"), "an operator's command gives no ids: {said}");
        start(&house.server, &house.blobs).await.unwrap();
        house.check(&house.blobs).await.unwrap();
        let kept = in_database || in_blobs;
        assert_eq!(id_in(&house.blobs).unwrap() == first, kept, "{in_database} {in_blobs}");
    }
}

#[both_engines]
async fn a_database_without_its_blobs_stays_alone(house: House) {
    let empty = tempfile::tempdir().unwrap();
    let other = blobs_of_somebody_else().await;
    for forgets in [false, true] {
        if forgets {
            house.server.tamper(FORGET).await;
        }
        for blobs in [empty.path(), other.path()] {
            let said = start(&house.server, blobs).await.unwrap_err();
            assert!(said.contains("none of those looked for lies there: restore the blobs"), "{said}");
            assert_eq!(id_in(blobs), None, "nothing was given away");
        }
    }
}

#[both_engines]
async fn blobs_without_their_database_stay_alone(house: House) {
    let fresh = House::fresh().await;
    for forgets in [false, true] {
        if forgets {
            std::fs::remove_file(id_file(&house.blobs)).unwrap();
        }
        fresh.server.tamper(FORGET).await;
        let said = start(&fresh.server, &house.blobs).await.unwrap_err();
        let why = if forgets { "the database names none: restore the database" } else { "restore that one" };
        assert!(said.contains(why), "{said}");
    }
}

/// Two servers on one database, each with a folder of its own: what is pushed to one would be missed at the other.
#[both_engines]
async fn a_second_folder_is_refused_before_anything_is_stored(fresh: Unused) {
    let Unused(house) = fresh;
    let empty = tempfile::tempdir().unwrap();
    let said = start(&house.server, empty.path()).await.unwrap_err();
    let id = id_in(&house.blobs).unwrap();
    for word in
        ["started on other blobs first", "Name those with data_dir", id.trim_end(), "into a file store-id"]
    {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(id_in(empty.path()), None, "nothing was given away");
    // The way out for whoever lost the first one.
    std::fs::write(id_file(empty.path()), id).unwrap();
    start(&house.server, empty.path()).await.unwrap();
}

/// Two databases on one folder: a repair of one would throw away what the other knows.
#[both_engines]
async fn a_second_database_is_refused_before_anything_is_stored(fresh: Unused) {
    let Unused(house) = fresh;
    let other = House::fresh().await;
    other.server.tamper(FORGET).await;
    let said = start(&other.server, &house.blobs).await.unwrap_err();
    for word in
        ["used with another one", id_in(&house.blobs).unwrap().trim_end(), "begin anew in an empty folder"]
    {
        assert!(said.contains(word), "{said}");
    }
    start(&house.server, &house.blobs).await.unwrap();
}

#[both_engines]
async fn of_two_that_start_at_once_on_two_folders_one_is_refused(fresh: Unused) {
    let Unused(house) = fresh;
    for _ in 0..ROUNDS {
        house.server.tamper(FORGET).await;
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) =
            tokio::join!(start(&house.server, one.path()), start(&house.server, other.path()));
        let (refused, said) = match (first, second) {
            (Ok(()), Err(said)) => (&other, said),
            (Err(said), Ok(())) => (&one, said),
            outcomes => panic!("{outcomes:?}"),
        };
        assert!(said.contains("started on other blobs first"), "{said}");
        assert_eq!(std::fs::read_dir(refused.path()).unwrap().count(), 2, "blobs and uploads, and no id");
        start(&house.server, refused.path()).await.unwrap_err();
    }
}

/// The release before this one must be able to go on where a start of this one was refused.
#[both_engines]
async fn a_start_that_is_refused_leaves_the_schema_as_it_was(house: House) {
    let (other, empty) = (House::fresh().await, tempfile::tempdir().unwrap());
    house.server.tamper("DELETE FROM schema_version WHERE version > 3").await;
    for (blobs, why) in [
        (other.blobs.as_path(), "belong to different stores"),
        (empty.path(), "none of those looked for lies there"),
    ] {
        let said = start(&house.server, blobs).await.unwrap_err();
        assert!(said.contains(why), "{said}");
        assert_eq!(database_of(&house.server).await.schema().await, Ok(3));
    }
}

#[both_engines]
async fn a_database_of_a_newer_release_is_left_alone(house: House) {
    house.server.tamper("INSERT INTO schema_version (version, oldest_binary) VALUES (99, 99)").await;
    for blobs in [&house.blobs, &house.blobs.join("elsewhere")] {
        let said = start(&house.server, blobs).await.unwrap_err();
        assert!(said.contains("schema 99 or newer") && said.contains("start the newer sealock"), "{said}");
    }
}

#[both_engines]
async fn replicas_that_start_together_agree(house: House) {
    for house in [house, House::fresh().await] {
        for _ in 0..ROUNDS {
            house.server.tamper(FORGET).await;
            std::fs::remove_file(id_file(&house.blobs)).unwrap();
            let (one, other) =
                tokio::join!(start(&house.server, &house.blobs), start(&house.server, &house.blobs));
            assert_eq!((one, other), (Ok(()), Ok(())));
            house.check(&house.blobs).await.unwrap();
        }
        let files = std::fs::read_dir(&house.blobs).unwrap().map(|entry| entry.unwrap().file_name());
        let proposals = files.filter(|name| name.to_str().unwrap().starts_with("store-id-"));
        assert_eq!(proposals.count(), 0, "what was proposed and not taken is gone");
    }
}
