//! What a crash leaves goes, and what a request is at work on stays.

use std::fs;

use access::time::{Clock as _, Instant, Length};
use registry::{Outcome, Problem, ProblemKind};
use testkit::{TestServer, both_engines};

use crate::{EVERYTHING, LOOK, MUCH_LATER, blob, go_on, holder, is_there, push_at_once};

/// So early that every file counts as young.
const LONG_AGO: Instant = Instant::from_millis(0);

fn kinds(problems: &[Problem]) -> Vec<(ProblemKind, bool)> {
    problems.iter().map(|problem| (problem.kind, problem.outcome == Outcome::Repaired)).collect()
}

#[both_engines]
async fn files_that_nobody_names_go_once_they_are_old_and_an_open_upload_goes_on(t: TestServer) {
    let ci = t.with(&holder(&t).await);
    push_at_once(&ci, &blob(1)).await.is(201);
    let location = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
    ci.stream_chunk(&location, &blob(2).bytes[..1000]).await.is(202);
    let strays = [("blobs/ab", "ab".repeat(16)), ("uploads", "cd".repeat(16))]
        .map(|(place, key)| t.folder().join("blobs").join(place).join(key));
    for stray in &strays {
        fs::write(stray, "left by a crash").unwrap();
    }
    let are_there = |expect| assert!(strays.iter().all(|stray| stray.exists() == expect), "{strays:?}");

    let (problems, checked) = t.check_store(EVERYTHING, LONG_AGO).await;
    assert_eq!((kinds(&problems), checked.too_young), (vec![], 2));
    let orphans =
        |is_repaired| vec![(ProblemKind::OrphanBlob, is_repaired), (ProblemKind::OrphanUpload, is_repaired)];
    let (problems, checked) = t.check_store(LOOK, MUCH_LATER).await;
    assert_eq!((kinds(&problems), checked.is_clean()), (orphans(false), false));
    are_there(true);
    let (problems, checked) = t.check_store(EVERYTHING, MUCH_LATER).await;
    assert_eq!((kinds(&problems), checked.is_clean()), (orphans(true), true));
    are_there(false);

    assert!(is_there(&ci, &blob(1)).await);
    assert_eq!(go_on(&ci, &location, &blob(2)).await, Some(1000));
    assert!(is_there(&ci, &blob(2)).await);
}

#[both_engines]
async fn an_upload_that_lost_acknowledged_bytes_is_told_and_ended(t: TestServer) {
    let ci = t.with(&holder(&t).await);
    let location = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
    ci.stream_chunk(&location, &blob(1).bytes[..1000]).await.is(202);
    let uploads = fs::read_dir(t.folder().join("blobs/uploads")).unwrap();
    let file = uploads.map(|entry| entry.unwrap().path()).next().unwrap();
    fs::OpenOptions::new().write(true).open(&file).and_then(|file| file.set_len(999)).unwrap();
    let (problems, _) = t.check_store(LOOK, MUCH_LATER).await;
    assert_eq!(kinds(&problems), [(ProblemKind::LostUpload, false)]);
    ci.get(&location).await.is(204);
    let (problems, _) = t.check_store(EVERYTHING, MUCH_LATER).await;
    let orphan = (ProblemKind::OrphanUpload, true);
    assert_eq!(kinds(&problems), [(ProblemKind::LostUpload, true), orphan]);
    ci.get(&location).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    assert!(!file.exists());
}

/// What `kill -9` leaves: nobody says any more that the claim is done.
#[both_engines]
async fn a_lost_upload_that_a_killed_server_was_at_work_on_ends_an_hour_later(t: TestServer) {
    let ci = t.with(&holder(&t).await);
    let location = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
    ci.stream_chunk(&location, &blob(1).bytes[..1000]).await.is(202);
    t.tamper("UPDATE upload_sessions SET claim_is_open = 1").await;
    fs::remove_file(&t.blob_paths()[0]).unwrap();
    let claimed = t.clock.now();
    for (after, is_ended) in [(Length::seconds(59 * 60), false), (Length::hours(1), true)] {
        let (problems, _) = t.check_store(EVERYTHING, claimed.plus(after)).await;
        assert_eq!(kinds(&problems), [(ProblemKind::LostUpload, is_ended)]);
        assert_eq!(problems[0].repositories, ["acme/api"]);
    }
    ci.get(&location).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
    let rows = t.admin().get("/api/v1/audit?namespace=acme&limit=100").await.is(200).json();
    let ended = rows["items"].as_array().unwrap().iter().find(|row| row["event"] == "upload.ended").unwrap();
    assert_eq!(ended["actor"], "an operator at the store");
    assert_eq!(ended["before"], serde_json::json!({ "bytes": 1000 }));
}

#[both_engines]
async fn a_row_that_cannot_be_read_ends_no_check(t: TestServer) {
    let ci = t.with(&holder(&t).await);
    push_at_once(&ci, &blob(1)).await.is(201);
    let location = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
    ci.stream_chunk(&location, &blob(2).bytes[..1000]).await.is(202);
    t.tamper("UPDATE upload_sessions SET state = (SELECT hash FROM token_secrets LIMIT 1)").await;
    let stray = t.folder().join("blobs/uploads").join("cd".repeat(16));
    fs::write(&stray, "left by a crash").unwrap();

    let row = |is_repaired| (ProblemKind::UnreadableRow, is_repaired);
    let file = |is_repaired| (ProblemKind::OrphanUpload, is_repaired);
    let (problems, checked) = t.check_store(LOOK, MUCH_LATER).await;
    assert_eq!(kinds(&problems), [row(false), file(false), file(false)]);
    assert!(problems[0].what.starts_with("upload_sessions "), "{problems:?}");
    assert_eq!(checked.files, 3, "the rest was looked at");
    let (problems, checked) = t.check_store(EVERYTHING, MUCH_LATER).await;
    assert_eq!(kinds(&problems), [row(true), file(true), file(true)]);
    assert!(checked.is_clean() && is_there(&ci, &blob(1)).await);
    ci.get(&location).await.refused(404, "BLOB_UPLOAD_UNKNOWN");
}

/// Whose bytes a file has is said by the row that can't be read.
#[both_engines]
async fn where_a_blobs_row_cannot_be_read_no_file_is_removed(t: TestServer) {
    let ci = t.with(&holder(&t).await);
    push_at_once(&ci, &blob(1)).await.is(201);
    t.tamper("UPDATE blobs SET key = '../../etc/passwd'").await;
    for _ in 0..2 {
        let (problems, _) = t.check_store(EVERYTHING, MUCH_LATER).await;
        let left = [(ProblemKind::UnreadableRow, false), (ProblemKind::OrphanBlob, false)];
        assert_eq!(kinds(&problems), left);
    }
    assert_eq!(t.blob_files(), 1);
}

#[both_engines]
async fn the_sweeper_goes_past_an_upload_that_cannot_be_read(t: TestServer) {
    let ci = t.with(&holder(&t).await);
    ci.start_upload("acme/api").await.is(202);
    t.tamper("UPDATE upload_sessions SET state = (SELECT hash FROM token_secrets LIMIT 1)").await;
    let location = ci.start_upload("acme/api").await.is(202).header("location").to_owned();
    ci.stream_chunk(&location, &blob(1).bytes[..1000]).await.is(202);
    t.clock.advance(Length::hours(25));
    assert_eq!(t.sweep().await.uploads, 2);
    assert_eq!(t.blob_files(), 0);
    assert_eq!(t.sweep().await.uploads, 0);
}

/// An upload that is finished, cancelled or swept while its folder is walked takes its name away, and its file with it.
#[both_engines]
async fn a_file_that_went_while_it_was_judged_is_no_leftover(t: TestServer) {
    for (place, kind) in [("uploads", ProblemKind::OrphanUpload), ("blobs/ab", ProblemKind::OrphanBlob)] {
        let strays = ["ab", "ac"].map(|digits| t.folder().join("blobs").join(place).join(digits.repeat(16)));
        for stray in &strays {
            fs::write(stray, "under way").unwrap();
        }
        let mut told = Vec::new();
        let mut tell = |problem: &Problem| {
            told.push((problem.kind, problem.what.clone()));
            fs::remove_file(&strays[1]).unwrap();
        };
        t.check_telling(LOOK, MUCH_LATER, &mut tell).await.unwrap();
        assert_eq!(told, [(kind, "ab".repeat(16))]);
        fs::remove_file(&strays[0]).unwrap();
    }
}
