//! Bytes, their name, the row, the answer: each is durable before the next.

use testkit::{Faults, TestServer};

use crate::{blob, holder, push_at_once};

/// A server on which the first push was done already: it makes the repository.
async fn server() -> (TestServer, std::sync::Arc<Faults>, testkit::Actor) {
    let (t, faults) = TestServer::with_faults().await;
    let ci = t.with(&holder(&t).await);
    push_at_once(&ci, &blob(0)).await.is(201);
    faults.record();
    (t, faults, ci)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_chunks_is_synced_before_each_row_and_each_answer() {
    let (_t, faults, ci) = server().await;
    let blob = blob(1);
    let location = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
    faults.reply("202");
    ci.stream_chunk(&location, &blob.bytes[..1000]).await.is(202);
    faults.reply("202");
    ci.stream_chunk(&location, &blob.bytes[1000..2000]).await.is(202);
    faults.reply("202");
    ci.finish_upload(&location, &blob.digest, &blob.bytes[2000..]).await.is(201);
    faults.reply("201");

    let started = ["commit", "committed", "reply 202"];
    let claimed = ["commit", "committed", "open uploads/KEY"];
    let written = ["write uploads/KEY", "sync uploads/KEY"];
    // The name is new with the first bytes alone.
    let named = ["sync uploads", "commit", "committed", "reply 202"];
    let acknowledged = ["commit", "committed", "reply 202"];
    let moved = ["open uploads/KEY", "rename to blobs/XX/KEY", "sync blobs/XX"];
    let linked = ["commit", "committed", "reply 201"];
    let first = [&started[..], &claimed, &written, &named].concat();
    let second = [&claimed[..], &written, &acknowledged].concat();
    let last = [&claimed[..], &written, &moved, &linked].concat();
    assert_eq!(faults.calls(), [first, second, last].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_in_one_request_is_synced_under_both_its_names_before_its_row() {
    let (_t, faults, ci) = server().await;
    push_at_once(&ci, &blob(1)).await.is(201);
    faults.reply("201");
    let order = [
        "open uploads/KEY",
        "write uploads/KEY",
        "sync uploads/KEY",
        "sync uploads",
        "open uploads/KEY",
        "rename to blobs/XX/KEY",
        "sync blobs/XX",
        "commit",
        "committed",
        "reply 201",
    ];
    assert_eq!(faults.calls(), order);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_copy_goes_only_when_the_row_names_the_new_one() {
    let (_t, faults, ci) = server().await;
    push_at_once(&ci, &blob(0)).await.is(201);
    faults.reply("201");
    // One commit, as for a digest that is new; then the bytes that no row names any more are removed.
    let order = ["sync blobs/XX", "commit", "committed", "remove blobs/XX/KEY", "reply 201"];
    assert_eq!(faults.calls()[6..], order);
}
