//! The first start fails at any call, or is killed at any instant, or the power goes: the next one starts, and nothing of
//! the first is in its way.

use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use access::time::Clock as _;
use registry::{CommitWatch, DatabaseLocation, Db, DbOptions, Disk, FileStore, KeyFile, Registry};
use testkit::{Fault, Faults, TestServer, clock::ManualClock, faults::Loss, randomness::SeededRandomness};

use crate::{EVERYTHING, MUCH_LATER, power_loss::quick_folder};

/// A start on a data folder, as `sealock serve` does it; what was said where it fails.
async fn start(folder: &Path, faults: &Arc<Faults>) -> Result<(), String> {
    // Another source for each: two starts never mint the same.
    static SEEDS: AtomicU64 = AtomicU64::new(1000);
    let random = Arc::new(SeededRandomness::new(SEEDS.fetch_add(1, Ordering::Relaxed)));
    let disk = Arc::clone(faults) as Arc<dyn Disk>;
    let blobs = FileStore::open_on(disk, &folder.join("blobs"), random.clone());
    let blobs = blobs.map_err(|error| error.to_string())?;
    let database = DatabaseLocation::Sqlite { path: folder.join("sealock.db") };
    let db = Db::open(&database, DbOptions::default()).await.map_err(|error| error.to_string())?;
    let db = db.watched(Arc::clone(faults) as Arc<dyn CommitWatch>);
    let key_file = KeyFile::parse(&"5e".repeat(32)).unwrap();
    let now = ManualClock::default().now();
    let opened = Registry::open(db, Arc::new(blobs), key_file, random, now).await;
    opened.map(drop).map_err(|error| error.to_string())
}

/// The next start works, and what lies there then is a store without a blob.
async fn starts_again(folder: tempfile::TempDir, what: &str) {
    let started = start(folder.path(), &Faults::new(folder.path())).await;
    started.unwrap_or_else(|error| panic!("{what}: {error}"));
    let entries = std::fs::read_dir(folder.path().join("blobs")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["blobs", "store-id", "uploads"], "{what}");
    let t = TestServer::found_in(folder).await;
    let (problems, checked) = t.check_store(EVERYTHING, MUCH_LATER).await;
    assert!(checked.is_clean() && checked.blobs == 0, "{what}: {problems:?}");
    assert_eq!(t.check_store(EVERYTHING, MUCH_LATER).await.0, [], "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_fails_at_any_call_is_followed_by_one_that_works() {
    for fault in [Fault::Broken, Fault::Full, Fault::StaysFull, Fault::AnswerLost] {
        let mut number = 0;
        loop {
            number += 1;
            let folder = quick_folder();
            let faults = Faults::new(folder.path());
            faults.strike(number, fault);
            let started = start(folder.path(), &faults).await;
            if !faults.mend() {
                assert_eq!(started, Ok(()));
                break;
            }
            starts_again(folder, &format!("{fault:?} {number}: {started:?}")).await;
        }
        assert!(number > 1, "{fault:?} struck nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_may_be_killed_at_every_instant() {
    let folder = quick_folder();
    let faults = Faults::new(folder.path());
    faults.record();
    start(folder.path(), &faults).await.unwrap();
    let mut seen = HashSet::new();
    for (number, moment) in faults.moments().iter().enumerate() {
        for left in Loss::ALL.map(|loss| moment.left_by(loss)) {
            if seen.insert(left.clone()) {
                let folder = quick_folder();
                left.lay_out(folder.path()).unwrap();
                starts_again(folder, &format!("killed at {number}, before {}", moment.before)).await;
            }
        }
    }
    assert!(seen.len() > 10, "{} states", seen.len());
}
