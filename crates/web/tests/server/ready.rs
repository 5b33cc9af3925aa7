//! `/readyz` says what is missing, to anybody who asks, and nothing more.

use access::time::Length;
use testkit::{Fault, TestServer, both_engines, postgres::Postgres};

#[both_engines]
async fn a_server_that_has_everything_is_ready(t: TestServer) {
    t.agree_on_the_time().await;
    for _ in 0..3 {
        assert_eq!(t.anonymous().get("/readyz").await.is(200).text(), "ready\n");
    }
    assert_eq!(t.blob_files(), 0, "what is written to see whether it can be is removed");
    assert_eq!(t.anonymous().get("/healthz").await.is(200).text(), "ok\n");
}

#[both_engines]
async fn a_clock_off_the_databases_is_said_with_how_far(t: TestServer) {
    if !t.agree_on_the_time().await {
        return; // SQLite has this machine's.
    }
    let right = t.clock.advance(Length::seconds(0));
    for wrong in [right.plus(Length::seconds(600)), right.minus(Length::seconds(600))] {
        t.clock.set(wrong);
        let text = t.anonymous().get("/readyz").await.is(503).text();
        assert!(text.starts_with("not ready\nthis machine's clock is "), "{text}");
        assert!(text.ends_with(" s off the database's, and 15 s are allowed; set it (NTP)\n"), "{text}");
    }
}

#[both_engines]
async fn a_blob_store_that_takes_nothing_is_said_and_comes_back_by_itself(t: TestServer) {
    t.agree_on_the_time().await;
    // Root may write everywhere, so taking away a right would prove nothing: the folder is not there.
    let (here, gone) = (t.folder().join("blobs"), t.folder().join("gone"));
    std::fs::rename(&here, &gone).unwrap();
    let text = t.anonymous().get("/readyz").await.is(503).text();
    assert_eq!(text, "not ready\nthe blob store can't be written to\n");
    std::fs::rename(&gone, &here).unwrap();
    t.anonymous().get("/readyz").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_store_that_hangs_is_said_and_asked_once() {
    let (t, faults) = TestServer::with_faults().await;
    // For a while after this, the database need not be written to.
    t.anonymous().get("/readyz").await.is(200);
    faults.record();
    faults.strike(1, Fault::Stalls);
    for _ in 0..2 {
        let text = t.anonymous().get("/readyz").await.is(503).text();
        assert_eq!(text, "not ready\nthe blob store does not answer\n");
    }
    assert_eq!(faults.calls(), ["open uploads/KEY"], "each question keeps a thread");
    t.anonymous().get("/healthz").await.is(200);
    assert!(faults.mend());
    t.anonymous().get("/readyz").await.is(200);
    assert_eq!(t.blob_files(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_said_and_is_written_to_every_five_seconds_at_most() {
    let (t, faults) = TestServer::with_faults().await;
    let is_written_to = async || {
        faults.record();
        t.anonymous().get("/readyz").await.is(200);
        faults.calls().iter().any(|call| call == "commit")
    };
    for _ in 0..2 {
        faults.strike(1, Fault::Broken);
        let text = t.anonymous().get("/readyz").await.is(503).text();
        assert_eq!(text, "not ready\nthe database can't be written to\n");
    }
    // Pulls work on a full disk.
    faults.strike(1, Fault::Full);
    t.anonymous().get("/readyz").await.is(200);
    assert!(faults.mend());
    assert!(is_written_to().await);
    assert!(!is_written_to().await);
    t.clock.advance(Length::seconds(5));
    assert!(is_written_to().await);
    // After the clock is set back, the next question writes.
    t.clock.set(t.clock.advance(Length::seconds(0)).minus(Length::hours(1)));
    assert!(is_written_to().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_said_without_its_address() {
    let Some(cluster) = Postgres::own() else { return };
    let t = TestServer::on_cluster(&cluster).await;
    tokio::task::block_in_place(|| cluster.stop());
    let text = t.anonymous().get("/readyz").await.is(503).text();
    assert_eq!(text, "not ready\nthe database does not answer\n");
    t.anonymous().get("/healthz").await.is(200);
}
