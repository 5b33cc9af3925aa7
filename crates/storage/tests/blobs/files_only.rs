//! What holds for the store in files only: what lies in its folder, and how.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// The user to whom nothing belongs.
const NOBODY: u32 = 65534;

#[tokio::test]
async fn nothing_is_left_in_the_folders_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path());
    assert_eq!(files_under(folder.path()), [""; 0]);

    let wrong = append(&store, &store.begin(None).await.unwrap(), b"these").await;
    store.finish(&wrong, &sha256(b"those")).await.unwrap_err();
    store.abort(&wrong).await.unwrap();
    let aborted = append(&store, &store.begin(None).await.unwrap(), b"aborted").await;
    store.abort(&aborted).await.unwrap();
    let taken = append(&store, &store.begin(None).await.unwrap(), b"taken over").await;
    let taker = store.take_over(&taken).await.unwrap();
    store.abort(&taken).await.unwrap();
    store.abort(&taker).await.unwrap();
    store.begin(None).await.unwrap();
    let deleted = push(&store, b"deleted").await;
    store.delete(&deleted.key).await.unwrap();

    assert_eq!(files_under(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_failed_append_gives_its_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path());
    let state = append(&store, &store.begin(None).await.unwrap(), b"head").await;
    store.append(&state, broken_body(&noise(3 * MIB)), NO_LIMIT).await.unwrap_err();
    let files = files_under(folder.path());
    assert_eq!(std::fs::metadata(folder.path().join(&files[0])).unwrap().len(), 4);
}

#[tokio::test]
async fn a_file_that_lost_bytes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path());
    let state = append(&store, &store.begin(None).await.unwrap(), b"content").await;
    cut(folder.path(), 3);
    let lost = |error: Option<BlobError>| matches!(error, Some(BlobError::Truncated { found: 3, wanted: 7 }));
    assert!(lost(store.append(&state, body(b"more"), NO_LIMIT).await.err()));
    assert!(lost(store.take_over(&state).await.err()));
    assert!(lost(store.finish(&state, &sha256(b"content")).await.err()));
    // The take-over that failed left no copy.
    assert_eq!(files_under(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_blob_that_ends_too_early_is_an_error_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path());
    let blob = push(&store, &noise(MIB)).await;
    let mut bytes = store.read(&blob.key, None).await.unwrap().bytes;
    bytes.next().await.unwrap().unwrap();
    cut(folder.path(), 300 * KIB as u64);
    let rest: Result<Vec<Bytes>, _> = bytes.try_collect().await;
    assert_eq!(rest.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn blobs_that_nobody_takes_do_not_use_up_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path()).with_readers(2);
    let blob = push(&store, b"content").await;
    let first = store.read(&blob.key, None).await.unwrap();
    let second = store.read(&blob.key, None).await.unwrap();
    let refused = store.read(&blob.key, None).await.err();
    assert!(matches!(refused, Some(BlobError::TooManyReaders)), "{refused:?}");
    // Neither a push nor a look needs one of theirs.
    push(&store, b"more").await;
    assert_eq!(store.size(&blob.key).await.unwrap(), 7);
    drop(first);
    assert_eq!(read(&store, &blob.key).await, b"content");
    assert_eq!(read(&store, &blob.key).await, b"content", "read to its end, it needs none any more");
    drop(second);
}

#[tokio::test]
async fn only_the_owner_may_look() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("deep/blob store");
    let store = files_in(&root);
    push(&store, b"content").await;
    append(&store, &store.begin(None).await.unwrap(), b"unfinished").await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for shown in ["", "uploads", "blobs", "blobs/00", "blobs/ff"] {
        assert_eq!(mode(&root.join(shown)), 0o700, "{shown}");
    }
    let files = files_under(&root);
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(mode(&root.join(&file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_store_opened_again_has_its_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let first = files_in(folder.path());
    let blob = push(&first, b"content").await;
    let half = append(&first, &first.begin(None).await.unwrap(), b"half ").await;
    let second = files_in(folder.path());
    assert_eq!(read(&second, &blob.key).await, b"content");
    finishes_as(&second, &append(&second, &half, b"done").await, b"half done").await;
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "in the way").unwrap();
    for place in [file.clone(), file.join("below"), "/proc/sealock".into()] {
        let refused = FileStore::open(&place, Arc::new(Seeded::default())).err().unwrap().to_string();
        assert!(refused.contains(&place.display().to_string()), "{refused}");
        assert!(refused.ends_with("name another folder with data_dir"), "{refused}");
    }
}

/// As one folder of many may be after a restore by another user.
#[test]
fn a_folder_of_another_user_among_the_blobs_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (place, absent) = (folder.path(), folder.path().join("absent"));
    FileStore::open(place, Arc::new(Seeded::default())).unwrap();
    FileStore::check_owner(&absent).unwrap();
    assert!(!absent.exists());
    let check = || FileStore::check_owner(place);
    check().unwrap();
    for place in ["blobs/7f", "uploads"] {
        let place = folder.path().canonicalize().unwrap().join(place);
        if std::os::unix::fs::chown(&place, Some(NOBODY), None).is_err() {
            return; // Only root may give anything away.
        }
        let refused = check().unwrap_err().to_string();
        for word in [format!("{} belongs to user {NOBODY}", place.display()).as_str(), "change its owner"] {
            assert!(refused.contains(word), "{refused}");
        }
        assert_eq!(files_under(folder.path()), [""; 0]);
        std::os::unix::fs::chown(&place, Some(0), None).unwrap();
    }
    // A volume belongs to whoever made it.
    std::os::unix::fs::chown(place, Some(NOBODY), None).unwrap();
    check().unwrap();
}

/// Root would make it root's, where a server of another user could not read it.
#[tokio::test]
async fn what_is_opened_to_repair_is_made_nothing_in() {
    let folder = tempfile::tempdir().unwrap();
    let kept = push(&files_in(folder.path()), b"content").await;
    for missing in ["uploads", "blobs/7f"] {
        let _ = std::fs::remove_dir(folder.path().join(missing));
    }
    let before = std::fs::read_dir(folder.path().join("blobs")).unwrap().count();
    let store = FileStore::open_to_repair(folder.path(), Arc::new(Seeded::default())).unwrap();
    assert!(!folder.path().join("uploads").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), before);
    store.delete(&kept.key).await.unwrap();
    assert_eq!(files_under(folder.path()), [""; 0]);
    let absent = folder.path().join("absent");
    let refused = FileStore::open_to_repair(&absent, Arc::new(Seeded::default())).err().unwrap();
    assert!(refused.to_string().contains("absent can't be used: No such file"), "{refused}");
    assert!(!absent.exists());
}

#[test]
fn slow_clients_hold_no_threads() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = files_in(folder.path());
        let begun = join_all((0..50).map(|_| store.begin(None))).await;
        let bodies = begun.iter().map(|_| body(&noise(2 * MIB)).chain(stream::pending()).boxed());
        let slow = begun
            .iter()
            .zip(bodies)
            .map(|(state, body)| store.append(state.as_ref().unwrap(), body, NO_LIMIT));
        tokio::select! {
            _ = join_all(slow) => panic!("their bodies never end"),
            blob = push(&store, b"quick") => assert_eq!(blob.size, 5),
        }
    });
}

#[tokio::test]
async fn a_store_id_that_is_none_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path());
    for content in ["", "x", "0190a5e0-7d4c-7aaa-8bbb-1234567890", &"0".repeat(1 << 20)] {
        std::fs::write(folder.path().join("store-id"), content).unwrap();
        let told = store.store_id().await.unwrap_err().to_string();
        assert!(told.contains("store-id: it holds no store id; bring it back from a backup"), "{told}");
    }
}

/// What a start leaves that was killed, or whose disk was full: no blob, no id, and nothing that stays.
#[tokio::test]
async fn half_a_start_leaves_nothing_that_counts_and_the_next_one_tidies_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path());
    let ids = ["1", "2"].map(|last| format!("0190a5e0-7d4c-7aaa-8bbb-12345678900{last}"));
    let [half, whole] = ids.each_ref().map(|id| StoreId::parse(id).unwrap());
    std::fs::write(folder.path().join("blobs/probe"), "").unwrap();
    std::fs::write(folder.path().join(format!("store-id-{half}")), &ids[0][..20]).unwrap();
    assert!(store.list().next().await.is_none());
    assert!(!store.knows_store_id(half).await.unwrap(), "half an id is none");

    let next = files_in(folder.path());
    next.propose_store_id(half).await.unwrap();
    assert!(next.knows_store_id(half).await.unwrap());
    next.propose_store_id(whole).await.unwrap();
    next.keep_store_id(whole).await.unwrap();
    assert_eq!(files_under(folder.path()), ["store-id"]);
}

#[tokio::test]
async fn who_only_looks_makes_nothing_and_finds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let look = || FileStore::open_to_read(folder.path(), Arc::new(Seeded::default())).unwrap();
    let listed = async |store: &FileStore| store.list().try_collect::<Vec<_>>().await.unwrap().len();
    assert_eq!(listed(&look()).await, 0);
    assert_eq!(look().store_id().await.unwrap(), None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "not even a folder was made");

    let blob = push(&files_in(folder.path()), b"content").await;
    let empty = std::fs::read_dir(folder.path().join("blobs")).unwrap().map(|shelf| shelf.unwrap().path());
    // Fails for the one that is not empty.
    empty.for_each(|shelf| drop(std::fs::remove_dir(shelf)));
    assert_eq!(listed(&look()).await, 1, "a copy may leave empty folders out");
    assert_eq!(read(&look(), &blob.key).await, b"content");
    let absent = folder.path().join("absent");
    let refused = FileStore::open_to_read(&absent, Arc::new(Seeded::default())).err().unwrap().to_string();
    assert!(refused.contains(&absent.display().to_string()), "{refused}");
}

#[test]
fn the_way_out_is_that_of_the_cause() {
    use std::io::ErrorKind;
    for (cause, way) in [
        (ErrorKind::ReadOnlyFilesystem, "mount its file system writable"),
        (ErrorKind::PermissionDenied, "change its owner"),
        (ErrorKind::StorageFull, "free some space"),
        (ErrorKind::NotADirectory, "name another folder with data_dir"),
    ] {
        let told = storage::blobs::way_out(&cause.into());
        assert!(told.starts_with(way) && told.ends_with("name another folder with data_dir"), "{told}");
    }
}
