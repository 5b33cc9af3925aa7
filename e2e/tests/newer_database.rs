//! A database that a newer release has changed so that this one can't live with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use e2e::Installation;
use testkit::tampering::tamper_with;

#[tokio::test]
async fn a_database_from_a_newer_version_is_refused_and_left_as_it_is() {
    let installation = Installation::new();
    installation.start(&[]).await.ready().stop().await;
    let file = installation.path("sealock-data/sealock.db");
    // What a release of the future notes: that this one may not run on its schema.
    tamper_with(&file, "INSERT INTO schema_version (version, oldest_binary) VALUES (4711, 4711)").await;

    let refused = async || {
        let run = installation.start(&[]).await;
        assert!(!run.is_ready, "{run}");
        for said in
            ["sealock.db", "is for schema 4711 or newer", "start the newer sealock", "restore a backup"]
        {
            assert!(run.to_string().contains(said), "not said: {said:?}\n{run}");
        }
        fs::read(&file).unwrap()
    };
    // Whoever opens it first brings in what lies beside it (its WAL): that changes the file, and nothing in it.
    let before = refused().await;
    assert!(refused().await == before, "the database was changed");

    // One that this release may still run on is no reason to stop: replicas are upgraded one by one.
    tamper_with(&file, "UPDATE schema_version SET oldest_binary = 1 WHERE version = 4711").await;
    installation.start(&[]).await.ready().stop().await;
}
