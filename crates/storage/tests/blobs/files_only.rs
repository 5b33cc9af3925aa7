//! What holds for the store in files only: what lies in its folder, and how.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test]
async fn nothing_is_left_in_the_folders_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = files_in(folder.path());
    assert_eq!(files_under(folder.path()), [""; 0]);

    let wrong = append(&store, &store.begin(None).await.unwrap(), b"these").await;
    store.finish(&wrong, &sha256(b"those")).await.unwrap_err();
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
