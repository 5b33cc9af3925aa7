//! The power goes at any instant, and takes any part of what was not synced: what was acknowledged by then is there.
//!
//! One run of a server is written down call by call. For each instant, and for each way to lose what was not synced, a
//! new server starts on what would be left, repairs it, and must keep every promise that was made before.

use std::{collections::HashSet, sync::Arc};

use testkit::{
    Actor, Fault, Faults, ServiceToken, TestServer,
    faults::Loss,
    image::{Blob, Image},
};

use crate::{EVERYTHING, MUCH_LATER, blob, go_on, holder, is_there, push_at_once};

/// What clients may rely on after an answer.
#[derive(Clone, Default)]
struct Promised {
    blobs: Vec<Blob>,
    /// What tag 1.0 points at.
    image: Option<Image>,
    /// Open sessions: where, how many bytes were acknowledged, and of which blob.
    uploads: Vec<(String, usize, Blob)>,
}

/// A server whose answers are written down with what they promise.
struct Run {
    ci: Actor,
    faults: Arc<Faults>,
    now: Promised,
    promised: Vec<Promised>,
}

impl Run {
    fn answered(&mut self, what: &str) {
        self.faults.reply(what);
        self.promised.push(self.now.clone());
    }

    async fn start(&mut self, blob: &Blob) -> String {
        let location = self.ci.start_upload("acme/api").await.is(202).header("location").to_owned();
        self.now.uploads.push((location.clone(), 0, blob.clone()));
        self.answered("start");
        location
    }

    async fn send(&mut self, location: &str, until: usize) {
        let upload = self.now.uploads.iter_mut().find(|(at, ..)| at == location).unwrap();
        self.ci.stream_chunk(location, &upload.2.bytes[upload.1..until]).await.is(202);
        upload.1 = until;
        self.answered("chunk");
    }

    /// The upload ends with an answer of this status.
    async fn finish(&mut self, location: &str, digest: &str, status: u16) {
        let at = self.now.uploads.iter().position(|(at, ..)| at == location).unwrap();
        let (_, sent, blob) = self.now.uploads.remove(at);
        self.ci.finish_upload(location, digest, &blob.bytes[sent..]).await.is(status);
        if status == 201 {
            self.now.blobs.push(blob);
        }
        self.answered("finish");
    }

    async fn push(&mut self, blob: &Blob) {
        push_at_once(&self.ci, blob).await.is(201);
        self.now.blobs.push(blob.clone());
        self.answered("push");
    }

    async fn push_image(&mut self, image: &Image) {
        self.push(&image.layer).await;
        self.push(&image.config).await;
        self.ci.push_manifest("acme/api", "1.0", &image.manifest.bytes).await.is(201);
        self.now.image = Some(image.clone());
        self.answered("manifest");
    }

    async fn cancel(&mut self, location: &str) {
        self.ci.delete(location).await.is(204);
        self.now.uploads.retain(|(at, ..)| at != location);
        self.answered("cancel");
    }

    /// A chunk whose acknowledgement fails, so that the next request takes the upload over.
    async fn fail_to_acknowledge(&mut self, location: &str) {
        self.faults.strike(5, Fault::Broken);
        self.ci.stream_chunk(location, b"never acknowledged").await.is(503);
        assert!(self.faults.mend());
        self.answered("failure");
    }
}

/// Everything that a client does to content, one request after the other.
async fn everything(run: &mut Run) {
    run.push(&blob(1)).await;
    let chunked = run.start(&blob(2)).await;
    run.send(&chunked, 1000).await;
    run.send(&chunked, 2000).await;
    run.finish(&chunked, &blob(2).digest, 201).await;
    let open = run.start(&blob(3)).await;
    run.send(&open, 1500).await;
    let wrong = run.start(&blob(4)).await;
    run.send(&wrong, 1000).await;
    run.finish(&wrong, &blob(5).digest, 400).await;
    let cancelled = run.start(&blob(6)).await;
    run.send(&cancelled, 1000).await;
    run.cancel(&cancelled).await;
    run.push_image(&Image::new(1, 100)).await;
    run.push_image(&Image::new(2, 100)).await;
    run.push(&blob(1)).await;
    let taken = run.start(&blob(7)).await;
    run.send(&taken, 1000).await;
    run.fail_to_acknowledge(&taken).await;
    run.send(&taken, 2000).await;
    run.finish(&taken, &blob(7).digest, 201).await;
    let whole = run.start(&blob(8)).await;
    run.send(&whole, 3000).await;
    run.finish(&whole, &blob(8).digest, 201).await;
}

/// What is found after a crash keeps what was `promised`, or what the request under way was about to promise: `next`.
async fn keeps(ci: &Actor, promised: &Promised, next: &Promised) {
    for blob in &promised.blobs {
        assert!(is_there(ci, blob).await, "{} is gone", blob.digest);
    }
    let tag = ci.pull("acme/api", "1.0").await;
    let bytes = (tag.status == 200).then_some(&tag.body);
    let images = [&promised.image, &next.image].map(|image| image.as_ref().map(|it| &it.manifest.bytes));
    assert!(images.contains(&bytes), "{tag:?}");
    for (location, acknowledged, blob) in &promised.uploads {
        match go_on(ci, location, blob).await {
            Some(offset) => assert!(offset >= *acknowledged, "{location}: {offset} of {acknowledged}"),
            None => assert!(!next.uploads.iter().any(|(at, ..)| at == location), "{location} is gone"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_loss_of_power_at_every_instant() {
    let (t, faults) = TestServer::with_faults().await;
    let token = holder(&t).await;
    let ci = t.with(&token);
    push_at_once(&ci, &blob(0)).await.is(201);
    faults.record();
    let mut run = Run { ci, faults, now: Promised::default(), promised: vec![Promised::default()] };
    run.now.blobs.push(blob(0));
    run.promised[0] = run.now.clone();
    everything(&mut run).await;

    let mut seen = HashSet::new();
    let moments = run.faults.moments();
    for (number, moment) in moments.iter().enumerate() {
        let promised = &run.promised[moment.replies];
        let next = run.promised.get(moment.replies + 1).unwrap_or(promised);
        for loss in Loss::ALL {
            let left = moment.left_by(loss);
            // What another instant left as well has kept the same promises, and those of that instant.
            if seen.insert((moment.replies, left.clone())) {
                let folder = quick_folder();
                left.lay_out(folder.path()).unwrap();
                let what = format!("{loss:?} at {number}, before {}", moment.before);
                after_the_crash(folder, &token, promised, next, &what).await;
            }
        }
    }
    assert!(seen.len() > moments.len(), "{} of {}: nothing was ever unsynced", seen.len(), moments.len());
}

/// Nothing in it has to last, so memory does, which needs no fsync.
pub(crate) fn quick_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

async fn after_the_crash(
    folder: tempfile::TempDir,
    token: &ServiceToken,
    promised: &Promised,
    next: &Promised,
    what: &str,
) {
    let t = TestServer::found_in(folder).await;
    let (problems, checked) = t.check_store(EVERYTHING, MUCH_LATER).await;
    assert!(checked.is_clean(), "{what}: {problems:?}");
    assert_eq!(t.check_store(EVERYTHING, MUCH_LATER).await.0, [], "{what}");
    let ci = t.with(token);
    let kept = keeps(&ci, promised, next);
    if let Err(failed) = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(kept)).await {
        panic!("{what}: {failed:?}");
    }
}
