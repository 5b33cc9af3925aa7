//! The blob store's promises (DESIGN §5), told once against `&dyn BlobStore` and kept by every store there is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod files_only;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use access::{id::StoreId, randomness::Randomness};
use bytes::Bytes;
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    future::{join, join_all},
    stream,
};
use oci::{Algorithm, Digest};
use sha2::{Digest as _, Sha256, Sha512};
use storage::blobs::{BlobError, BlobStore, Body, BodyError, FileStore, Finished, Key, Range, State};
use tokio::sync::mpsc;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const NO_LIMIT: u64 = u64::MAX;

/// Runs each promise on every store.
macro_rules! every_store {
    ($($promise:ident),+ $(,)?) => {
        mod files {
            $(#[tokio::test]
            async fn $promise() {
                let folder = tempfile::tempdir().unwrap();
                super::$promise(&super::files_in(folder.path())).await;
            })+
        }
    };
}

every_store! {
    a_store_takes_an_id_that_was_proposed_and_drops_the_others,
    a_blob_reads_back_as_it_was_written,
    a_blob_has_the_size_it_was_finished_with,
    an_empty_blob_is_a_blob,
    chunks_appended_one_by_one_are_one_blob,
    frames_of_every_size_are_gathered_in_order,
    an_upload_goes_on_from_the_bytes_of_its_state,
    bytes_that_were_never_acknowledged_are_no_part_of_the_blob,
    a_longer_append_that_was_never_acknowledged_is_cut_back,
    a_take_over_never_mixes_its_bytes_with_those_of_the_earlier_append,
    a_take_over_of_an_empty_upload_does_not_mix_either,
    an_append_dropped_midway_is_taken_over,
    an_append_may_fail_after_a_take_over,
    what_was_taken_from_under_a_finish_stays_when_the_finish_is_undone,
    a_wrong_digest_makes_no_blob_and_leaves_the_upload,
    finishing_again_answers_the_same,
    finishing_again_with_a_wrong_digest_leaves_the_blob,
    the_limit_is_for_the_whole_upload,
    a_body_that_breaks_leaves_the_acknowledged_bytes,
    an_aborted_upload_is_gone,
    aborting_takes_a_blob_that_no_row_names,
    ranges_are_exact,
    a_range_behind_the_end_is_refused,
    the_same_bytes_pushed_at_once_are_blobs_of_their_own,
    a_deleted_blob_is_gone,
    deleting_what_is_not_there_is_fine,
    a_blob_deleted_while_it_is_read_is_read_to_its_end,
    what_was_never_there_is_not_found,
    sha512_is_verified_announced_or_not,
    a_wrong_sha512_is_told_with_the_right_one,
    the_list_holds_finished_blobs_only,
    the_list_of_uploads_holds_those_under_way_only,
    dropping_what_is_left_of_an_upload_leaves_its_blob,
    an_upload_has_the_size_of_what_was_received,
}

// --- promises -------------------------------------------------------------------------------------------------

async fn a_store_takes_an_id_that_was_proposed_and_drops_the_others(store: &dyn BlobStore) {
    let [first, second] =
        ["1", "2"].map(|last| StoreId::parse(&format!("0190a5e0-7d4c-7aaa-8bbb-12345678900{last}")).unwrap());
    let is_refused = async |id| matches!(store.keep_store_id(id).await, Err(BlobError::NotFound));
    assert!(is_refused(first).await, "nobody proposed it");
    for id in [first, second, first] {
        store.propose_store_id(id).await.unwrap();
        assert!(store.knows_store_id(id).await.unwrap());
    }
    assert_eq!(store.store_id().await.unwrap(), None, "proposed is not decided");
    for _ in 0..2 {
        store.keep_store_id(second).await.unwrap();
        assert_eq!(store.store_id().await.unwrap(), Some(second));
        assert!(store.knows_store_id(second).await.unwrap() && !store.knows_store_id(first).await.unwrap());
    }
    store.propose_store_id(first).await.unwrap();
    assert!(is_refused(first).await, "it has one by now");
    assert_eq!(store.store_id().await.unwrap(), Some(second));
    // None of them is a blob.
    assert!(store.list().next().await.is_none() && store.list_uploads().next().await.is_none());
}

async fn a_blob_reads_back_as_it_was_written(store: &dyn BlobStore) {
    for size in [1, 63, 64, 4 * KIB, 256 * KIB, 256 * KIB + 1, MIB, 3 * MIB + 17] {
        let content = noise(size);
        let blob = push(store, &content).await;
        assert!(read(store, &blob.key).await == content, "{size} bytes");
    }
}

async fn a_blob_has_the_size_it_was_finished_with(store: &dyn BlobStore) {
    let blob = push(store, &noise(70_000)).await;
    assert_eq!(blob.size, 70_000);
    assert_eq!(store.size(&blob.key).await.unwrap(), 70_000);
    assert_eq!(store.read(&blob.key, None).await.unwrap().size, 70_000);
}

async fn an_empty_blob_is_a_blob(store: &dyn BlobStore) {
    let never_appended = store.begin(None).await.unwrap();
    let nothing_appended = append(store, &never_appended, b"").await;
    for state in [store.begin(None).await.unwrap(), nothing_appended] {
        let blob = store.finish(&state, &sha256(b"")).await.unwrap();
        assert_eq!(blob.size, 0);
        assert_eq!(read(store, &blob.key).await, b"");
    }
}

async fn chunks_appended_one_by_one_are_one_blob(store: &dyn BlobStore) {
    let content = noise(2 * MIB + 5);
    let mut state = store.begin(None).await.unwrap();
    let mut acknowledged = 0;
    for chunk in content.chunks(300_001) {
        state = append(store, &state, chunk).await;
        acknowledged += chunk.len() as u64;
        assert_eq!(state.offset(), acknowledged);
    }
    finishes_as(store, &state, &content).await;
}

async fn frames_of_every_size_are_gathered_in_order(store: &dyn BlobStore) {
    let content = noise(5 * MIB);
    let sizes = [1, 0, 7, 16 * KIB, MIB - 1, MIB, 1, 2 * MIB + 3];
    let mut rest = Bytes::from(content.clone());
    let mut frames: Vec<Result<Bytes, BodyError>> = Vec::new();
    for size in sizes {
        frames.push(Ok(rest.split_to(size)));
    }
    frames.push(Ok(rest));
    let begun = store.begin(None).await.unwrap();
    let state = store.append(&begun, stream::iter(frames).boxed(), NO_LIMIT).await.unwrap();
    finishes_as(store, &state, &content).await;
}

async fn an_upload_goes_on_from_the_bytes_of_its_state(store: &dyn BlobStore) {
    let mut state = store.begin(Some(Algorithm::Sha512)).await.unwrap();
    for chunk in ["one ", "two ", "three"] {
        state = State::from_bytes(&state.to_bytes()).unwrap();
        state = append(store, &state, chunk.as_bytes()).await;
    }
    state = State::from_bytes(&state.to_bytes()).unwrap();
    let blob = store.finish(&state, &sha512(b"one two three")).await.unwrap();
    assert_eq!(read(store, &blob.key).await, b"one two three");
}

async fn bytes_that_were_never_acknowledged_are_no_part_of_the_blob(store: &dyn BlobStore) {
    let acknowledged = append(store, &store.begin(None).await.unwrap(), b"kept").await;
    append(store, &acknowledged, b" and never acknowledged").await;
    finishes_as(store, &acknowledged, b"kept").await;
}

async fn a_longer_append_that_was_never_acknowledged_is_cut_back(store: &dyn BlobStore) {
    let acknowledged = append(store, &store.begin(None).await.unwrap(), b"kept").await;
    append(store, &acknowledged, &noise(MIB)).await;
    let state = append(store, &acknowledged, b", then this").await;
    finishes_as(store, &state, b"kept, then this").await;
}

async fn a_take_over_never_mixes_its_bytes_with_those_of_the_earlier_append(store: &dyn BlobStore) {
    let head = noise(MIB + 1);
    let begun = append(store, &store.begin(None).await.unwrap(), &head).await;
    two_appends_at_once(store, &begun, &head).await;
}

async fn a_take_over_of_an_empty_upload_does_not_mix_either(store: &dyn BlobStore) {
    two_appends_at_once(store, &store.begin(None).await.unwrap(), b"").await;
}

async fn an_append_dropped_midway_is_taken_over(store: &dyn BlobStore) {
    let begun = append(store, &store.begin(None).await.unwrap(), b"head ").await;
    let (client, body) = channel();
    {
        let mut earlier = store.append(&begun, body, NO_LIMIT);
        let sending = async {
            for _ in 0..4 {
                client.send(Ok(Bytes::from(vec![b'a'; MIB]))).await.unwrap();
            }
        };
        tokio::select! {
            _ = &mut earlier => panic!("the body has not ended"),
            () = sending => {}
        }
    }
    let taken = store.take_over(&begun).await.unwrap();
    store.abort(&begun).await.unwrap();
    let state = append(store, &taken, b"tail").await;
    finishes_as(store, &state, b"head tail").await;
}

async fn an_append_may_fail_after_a_take_over(store: &dyn BlobStore) {
    let begun = append(store, &store.begin(None).await.unwrap(), b"head ").await;
    let taken = store.take_over(&begun).await.unwrap();
    assert_eq!(taken.offset(), begun.offset());
    store.append(&taken, broken_body(b"half"), NO_LIMIT).await.unwrap_err();
    let state = append(store, &taken, b"tail").await;
    finishes_as(store, &state, b"head tail").await;
}

/// The first claim renamed but lost its claim before it could commit; it deletes what it made (rule 3).
async fn what_was_taken_from_under_a_finish_stays_when_the_finish_is_undone(store: &dyn BlobStore) {
    let state = append(store, &store.begin(None).await.unwrap(), b"content").await;
    let lost = store.finish(&state, &sha256(b"content")).await.unwrap();
    let taken = store.take_over(&state).await.unwrap();
    let blob = store.finish(&taken, &sha256(b"content")).await.unwrap();
    store.abort(&state).await.unwrap();
    store.delete(&lost.key).await.unwrap();
    assert_eq!(read(store, &blob.key).await, b"content");
}

async fn a_wrong_digest_makes_no_blob_and_leaves_the_upload(store: &dyn BlobStore) {
    let state = append(store, &store.begin(None).await.unwrap(), b"these").await;
    match store.finish(&state, &sha256(b"those")).await {
        Err(BlobError::DigestMismatch { expected, computed }) => {
            assert_eq!((expected, computed), (sha256(b"those"), sha256(b"these")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(listed(store).await, []);
    finishes_as(store, &state, b"these").await;
}

async fn finishing_again_answers_the_same(store: &dyn BlobStore) {
    for content in [&b"content"[..], b""] {
        let state = append(store, &store.begin(None).await.unwrap(), content).await;
        let first = store.finish(&state, &sha256(content)).await.unwrap();
        assert_eq!(store.finish(&state, &sha256(content)).await.unwrap(), first);
        assert_eq!(read(store, &first.key).await, content);
    }
}

async fn finishing_again_with_a_wrong_digest_leaves_the_blob(store: &dyn BlobStore) {
    let state = append(store, &store.begin(None).await.unwrap(), b"content").await;
    let blob = store.finish(&state, &sha256(b"content")).await.unwrap();
    let wrong = store.finish(&state, &sha256(b"other")).await;
    assert!(matches!(wrong, Err(BlobError::DigestMismatch { .. })), "{wrong:?}");
    assert_eq!(read(store, &blob.key).await, b"content");
}

async fn the_limit_is_for_the_whole_upload(store: &dyn BlobStore) {
    let limit = 2 * MIB as u64;
    let half = noise(MIB);
    let begun = store.begin(None).await.unwrap();
    let state = store.append(&begun, body(&half), limit).await.unwrap();
    let beyond = store.append(&state, body(&noise(MIB + 1)), limit).await;
    assert!(matches!(beyond, Err(BlobError::TooLarge { limit: told }) if told == limit), "{beyond:?}");
    let state = store.append(&state, body(&half), limit).await.unwrap();
    finishes_as(store, &state, &[&half[..], &half[..]].concat()).await;
}

async fn a_body_that_breaks_leaves_the_acknowledged_bytes(store: &dyn BlobStore) {
    let state = append(store, &store.begin(None).await.unwrap(), b"head ").await;
    for size in [0, 10, 3 * MIB] {
        match store.append(&state, broken_body(&noise(size)), NO_LIMIT).await {
            Err(BlobError::Body(source)) => assert_eq!(source.to_string(), "the client went away"),
            other => panic!("{other:?}"),
        }
    }
    let state = append(store, &state, b"tail").await;
    finishes_as(store, &state, b"head tail").await;
}

async fn an_aborted_upload_is_gone(store: &dyn BlobStore) {
    let state = append(store, &store.begin(None).await.unwrap(), b"content").await;
    store.abort(&state).await.unwrap();
    let (on, taken) = (store.append(&state, body(b"more"), NO_LIMIT).await, store.take_over(&state).await);
    let finished = store.finish(&state, &sha256(b"content")).await;
    assert!(matches!(on, Err(BlobError::NotFound)), "{on:?}");
    assert!(matches!(taken, Err(BlobError::NotFound)), "{taken:?}");
    assert!(matches!(finished, Err(BlobError::NotFound)), "{finished:?}");
    store.abort(&state).await.unwrap();
}

async fn aborting_takes_a_blob_that_no_row_names(store: &dyn BlobStore) {
    let other = push(store, b"content").await;
    let state = append(store, &store.begin(None).await.unwrap(), b"content").await;
    let blob = store.finish(&state, &sha256(b"content")).await.unwrap();
    store.abort(&state).await.unwrap();
    assert!(matches!(store.size(&blob.key).await, Err(BlobError::NotFound)));
    assert_eq!(read(store, &other.key).await, b"content");
}

async fn ranges_are_exact(store: &dyn BlobStore) {
    let content = noise(MIB);
    let blob = push(store, &content).await;
    let ranges =
        [(0, 1), (0, 0), (MIB, 0), (MIB - 1, 1), (0, MIB), (5, 256 * KIB), (256 * KIB - 1, 2), (1, MIB - 1)];
    for (start, length) in ranges {
        let range = Range { start: start as u64, length: length as u64 };
        let reading = store.read(&blob.key, Some(range)).await.unwrap();
        assert_eq!(reading.size, MIB as u64);
        let bytes: Vec<Bytes> = reading.bytes.try_collect().await.unwrap();
        assert!(bytes.concat() == content[start..start + length], "{range:?}");
    }
}

async fn a_range_behind_the_end_is_refused(store: &dyn BlobStore) {
    let blob = push(store, b"content").await;
    for (start, length) in [(0, 8), (7, 1), (8, 0), (u64::MAX, 2), (1, u64::MAX)] {
        let refused = store.read(&blob.key, Some(Range { start, length })).await.err();
        assert!(
            matches!(refused, Some(BlobError::Truncated { found: 7, .. })),
            "{start}+{length}: {refused:?}"
        );
    }
}

async fn the_same_bytes_pushed_at_once_are_blobs_of_their_own(store: &dyn BlobStore) {
    let content = noise(MIB + 9);
    let blobs = join_all((0..8).map(|_| push(store, &content))).await;
    let mut keys: Vec<Key> = blobs.iter().map(|blob| blob.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), blobs.len());
    store.delete(&keys[0]).await.unwrap();
    for key in &keys[1..] {
        assert!(read(store, key).await == content);
    }
}

async fn a_deleted_blob_is_gone(store: &dyn BlobStore) {
    let blob = push(store, b"content").await;
    store.delete(&blob.key).await.unwrap();
    assert!(matches!(store.read(&blob.key, None).await.err(), Some(BlobError::NotFound)));
    assert!(matches!(store.size(&blob.key).await, Err(BlobError::NotFound)));
    assert_eq!(listed(store).await, []);
}

async fn deleting_what_is_not_there_is_fine(store: &dyn BlobStore) {
    store.delete(&an_unused_key()).await.unwrap();
}

async fn a_blob_deleted_while_it_is_read_is_read_to_its_end(store: &dyn BlobStore) {
    let content = noise(3 * MIB);
    let blob = push(store, &content).await;
    let mut bytes = store.read(&blob.key, None).await.unwrap().bytes;
    let mut received = bytes.next().await.unwrap().unwrap().to_vec();
    store.delete(&blob.key).await.unwrap();
    while let Some(chunk) = bytes.next().await {
        received.extend_from_slice(&chunk.unwrap());
    }
    assert!(received == content);
}

async fn what_was_never_there_is_not_found(store: &dyn BlobStore) {
    assert!(matches!(store.read(&an_unused_key(), None).await.err(), Some(BlobError::NotFound)));
    assert!(matches!(store.size(&an_unused_key()).await, Err(BlobError::NotFound)));
}

async fn sha512_is_verified_announced_or_not(store: &dyn BlobStore) {
    let content = noise(2 * MIB + 3);
    for announced in [None, Some(Algorithm::Sha256), Some(Algorithm::Sha512)] {
        for expected in [sha256(&content), sha512(&content)] {
            let state = append(store, &store.begin(announced).await.unwrap(), &content).await;
            let blob = store.finish(&state, &expected).await.unwrap();
            assert!(read(store, &blob.key).await == content, "{announced:?} {expected}");
        }
    }
}

async fn a_wrong_sha512_is_told_with_the_right_one(store: &dyn BlobStore) {
    for announced in [None, Some(Algorithm::Sha512)] {
        let state = append(store, &store.begin(announced).await.unwrap(), b"these").await;
        match store.finish(&state, &sha512(b"those")).await {
            Err(BlobError::DigestMismatch { computed, .. }) => assert_eq!(computed, sha512(b"these")),
            other => panic!("{other:?}"),
        }
        assert_eq!(listed(store).await, []);
    }
}

async fn the_list_holds_finished_blobs_only(store: &dyn BlobStore) {
    append(store, &store.begin(None).await.unwrap(), b"unfinished").await;
    let mut pushed = Vec::new();
    for size in 0..20_usize {
        pushed.push((push(store, &noise(size)).await.key, size as u64));
    }
    pushed.sort_unstable();
    assert_eq!(listed(store).await, pushed);
}

async fn the_list_of_uploads_holds_those_under_way_only(store: &dyn BlobStore) {
    push(store, b"finished").await;
    let state = append(store, &store.begin(None).await.unwrap(), b"under way").await;
    let uploads = async || -> Vec<_> {
        store.list_uploads().map_ok(|upload| (upload.key, upload.size)).try_collect().await.unwrap()
    };
    assert_eq!(uploads().await, [(state.key().clone(), 9)]);
    store.drop_upload(state.key()).await.unwrap();
    assert_eq!(uploads().await, []);
    store.drop_upload(state.key()).await.unwrap();
}

async fn dropping_what_is_left_of_an_upload_leaves_its_blob(store: &dyn BlobStore) {
    let blob = push(store, b"content").await;
    store.drop_upload(&blob.key).await.unwrap();
    assert_eq!(read(store, &blob.key).await, b"content");
}

async fn an_upload_has_the_size_of_what_was_received(store: &dyn BlobStore) {
    let begun = store.begin(None).await.unwrap();
    assert!(matches!(store.upload_size(&begun).await, Err(BlobError::NotFound)));
    let state = append(store, &begun, b"content").await;
    assert_eq!(store.upload_size(&state).await.unwrap(), 7);
    store.finish(&state, &sha256(b"content")).await.unwrap();
    assert_eq!(store.upload_size(&state).await.unwrap(), 7);
}

/// An earlier append is still sending when a later one takes over, writes and finishes; then it goes on.
async fn two_appends_at_once(store: &dyn BlobStore, begun: &State, head: &[u8]) {
    let (client, earlier_body) = channel();
    let earlier = store.append(begun, earlier_body, NO_LIMIT);
    let later = async {
        let send = || client.send(Ok(Bytes::from(vec![b'a'; MIB])));
        // The pipe holds two buffers: when the fourth was taken, the first is in the file.
        for _ in 0..4 {
            send().await.unwrap();
        }
        let taken = store.take_over(begun).await.unwrap();
        let (later_client, later_body) = channel();
        let interleaved = async {
            for _ in 0..4 {
                later_client.send(Ok(Bytes::from(vec![b'b'; MIB]))).await.unwrap();
                send().await.unwrap();
            }
            drop(later_client);
        };
        let (state, ()) = join(store.append(&taken, later_body, NO_LIMIT), interleaved).await;
        store.abort(begun).await.unwrap();
        send().await.unwrap();
        let content = [head, &vec![b'b'; 4 * MIB]].concat();
        let blob = store.finish(&state.unwrap(), &sha256(&content)).await.unwrap();
        send().await.unwrap();
        drop(client);
        (blob, content)
    };
    let (earlier, (blob, content)) = join(earlier, later).await;
    // Whether the earlier one fails or not, its acknowledgement would: it drops what it made.
    if let Ok(state) = earlier {
        store.abort(&state).await.unwrap();
    }
    assert!(read(store, &blob.key).await == content);
    assert_eq!(listed(store).await, [(blob.key, content.len() as u64)]);
}

// --- how the tests speak --------------------------------------------------------------------------------------

/// Never the same bytes twice, and the same ones in every run.
#[derive(Default)]
struct Seeded(AtomicU64);

impl Randomness for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// Two stores on one folder must not mint the same keys, so the seed is one for all.
fn files_in(folder: &Path) -> FileStore {
    static SEEDED: std::sync::LazyLock<Arc<Seeded>> = std::sync::LazyLock::new(Arc::default);
    FileStore::open(folder, SEEDED.clone()).unwrap()
}

/// Bytes without a pattern that a lost or doubled chunk would keep.
fn noise(size: usize) -> Vec<u8> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_be_bytes()
    };
    std::iter::repeat_with(next).flatten().take(size).collect()
}

fn sha256(content: &[u8]) -> Digest {
    Digest::from_sha256(&Sha256::digest(content).into())
}

fn sha512(content: &[u8]) -> Digest {
    Digest::from_sha512(&Sha512::digest(content).into())
}

fn an_unused_key() -> Key {
    Key::parse("00112233445566778899aabbccddeeff").unwrap()
}

/// The content in frames as a connection would bring them.
fn body(content: &[u8]) -> Body<'static> {
    let frames: Vec<_> = content.chunks(16 * KIB).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    stream::iter(frames).boxed()
}

fn broken_body(content: &[u8]) -> Body<'static> {
    let broken: BodyError = "the client went away".into();
    body(content).chain(stream::iter([Err(broken)])).boxed()
}

/// A body that comes when the test sends it; it ends when the sender is dropped.
fn channel() -> (mpsc::Sender<Result<Bytes, BodyError>>, Body<'static>) {
    let (sender, receiver) = mpsc::channel(1);
    let body = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|frame| (frame, receiver))
    });
    (sender, body.boxed())
}

async fn append(store: &dyn BlobStore, state: &State, content: &[u8]) -> State {
    store.append(state, body(content), NO_LIMIT).await.unwrap()
}

async fn push(store: &dyn BlobStore, content: &[u8]) -> Finished {
    let state = append(store, &store.begin(None).await.unwrap(), content).await;
    store.finish(&state, &sha256(content)).await.unwrap()
}

async fn read(store: &dyn BlobStore, key: &Key) -> Vec<u8> {
    let chunks: Vec<Bytes> = store.read(key, None).await.unwrap().bytes.try_collect().await.unwrap();
    chunks.concat()
}

async fn finishes_as(store: &dyn BlobStore, state: &State, content: &[u8]) {
    let blob = store.finish(state, &sha256(content)).await.unwrap();
    assert_eq!(blob.size, content.len() as u64);
    assert!(read(store, &blob.key).await == content);
}

/// Keys and sizes, sorted.
async fn listed(store: &dyn BlobStore) -> Vec<(Key, u64)> {
    let mut listed: Vec<_> = store.list().map_ok(|blob| (blob.key, blob.size)).try_collect().await.unwrap();
    listed.sort_unstable();
    listed
}

/// Every file below `folder`, by its path from there.
fn files_under(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files
}

/// Damages the only file below `folder`.
fn cut(folder: &Path, length: u64) {
    let files = files_under(folder);
    assert_eq!(files.len(), 1);
    std::fs::OpenOptions::new().write(true).open(folder.join(&files[0])).unwrap().set_len(length).unwrap();
}
