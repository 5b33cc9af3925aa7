//! Every call of the disk and every commit fails, one after the other: what comes of it is the old state or the new
//! one, a clear error, and a next try that works.

use reqwest::Method;
use testkit::{
    Actor, Answer, Fault, Faults, TestServer,
    image::{Blob, Image},
};

use crate::{EVERYTHING, LOOK, MUCH_LATER, blob, go_on, holder, is_there, path_of, push_at_once};

const FAULTS: [Fault; 4] = [Fault::Broken, Fault::Full, Fault::StaysFull, Fault::AnswerLost];

/// Asserts that the act succeeded with `status`, where what failed was no part of what it promises (an old copy that
/// could not be removed), or said clearly what was wrong; answers which.
#[track_caller]
fn succeeded_or_clear(fault: Fault, answer: &Answer, status: u16) -> bool {
    if answer.status == status {
        return true;
    }
    let code = answer.code();
    let is_clear = matches!(
        (fault, answer.status, code.as_str()),
        (Fault::Full | Fault::StaysFull, 507, "UNAVAILABLE")
            | (Fault::Broken, 500, "UNKNOWN")
            | (Fault::Broken | Fault::AnswerLost, 503, "UNAVAILABLE")
    );
    assert!(is_clear, "{fault:?}: {answer:?}");
    false
}

/// A server, what stands between it and its disk, and a client.
struct Setting {
    t: TestServer,
    faults: std::sync::Arc<Faults>,
    ci: Actor,
    seed: u64,
}

impl Setting {
    async fn new() -> Self {
        let (t, faults) = TestServer::with_faults().await;
        let ci = t.with(&holder(&t).await);
        push_at_once(&ci, &blob(0)).await.is(201);
        Self { t, faults, ci, seed: 0 }
    }

    /// A number that was never used.
    fn next_seed(&mut self) -> u64 {
        self.seed += 1;
        self.seed
    }

    /// Every file is one that a row or a session names, without anybody having tidied up.
    async fn has_nothing_left_over(&self, number: usize, fault: Fault) {
        let (problems, _) = self.t.check_store(LOOK, MUCH_LATER).await;
        assert_eq!(problems, [], "{fault:?} {number}");
    }

    /// Rows and bytes agree, apart from files that nobody names, which go.
    async fn agrees_with_itself(&self) {
        let (problems, checked) = self.t.check_store(EVERYTHING, MUCH_LATER).await;
        assert!(checked.is_clean(), "{problems:?}");
        assert_eq!(self.t.check_store(EVERYTHING, MUCH_LATER).await.0, []);
    }
}

/// Runs `act` with the first call failing, then with the second, until none is left that could.
async fn at_every_call(act: impl AsyncFn(&mut Setting, usize, Fault)) {
    let mut setting = Setting::new().await;
    for fault in FAULTS {
        let mut number = 0;
        loop {
            number += 1;
            act(&mut setting, number, fault).await;
            // DESIGN §5, 7: a full disk leaves nothing. One that is broken may also fail to remove.
            if matches!(fault, Fault::Full | Fault::StaysFull) {
                setting.has_nothing_left_over(number, fault).await;
            }
            if !setting.faults.mend() {
                break;
            }
        }
        assert!(number > 1, "{fault:?} struck nothing");
        setting.agrees_with_itself().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_in_one_request_is_there_or_not_and_comes_with_the_next_try() {
    at_every_call(async |setting, number, fault| {
        let blob = blob(setting.next_seed());
        setting.faults.strike(number, fault);
        let answer = push_at_once(&setting.ci, &blob).await;
        setting.faults.mend();
        let is_pushed = succeeded_or_clear(fault, &answer, 201);
        assert!(is_there(&setting.ci, &blob).await || !is_pushed, "{fault:?} {number}");
        push_at_once(&setting.ci, &blob).await.is(201);
        assert!(is_there(&setting.ci, &blob).await, "{fault:?} {number}");
    })
    .await;
}

/// The same bytes under the same digest, which is how damage is healed: the copy that is served is always whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_pushed_again_never_goes() {
    at_every_call(async |setting, number, fault| {
        setting.faults.strike(number, fault);
        let answer = push_at_once(&setting.ci, &blob(0)).await;
        setting.faults.mend();
        succeeded_or_clear(fault, &answer, 201);
        assert!(is_there(&setting.ci, &blob(0)).await, "{fault:?} {number}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_chunks_goes_on_from_what_was_acknowledged() {
    at_every_call(async |setting, number, fault| {
        let blob = blob(setting.next_seed());
        let started = setting.ci.start_upload("acme/api").await.is(202);
        let location = started.header("location");
        setting.faults.strike(number, fault);
        let acknowledged = send_in_chunks(&setting.ci, location, &blob, fault).await;
        setting.faults.mend();
        match go_on(&setting.ci, location, &blob).await {
            Some(offset) => assert!(offset >= acknowledged, "{fault:?} {number}: {offset} {acknowledged}"),
            // It was finished, whatever the client was told.
            None => assert!(is_there(&setting.ci, &blob).await, "{fault:?} {number}"),
        }
        assert!(is_there(&setting.ci, &blob).await, "{fault:?} {number}");
    })
    .await;
}

/// Two chunks and a last one, up to the first refusal; answers how many bytes were acknowledged.
async fn send_in_chunks(ci: &Actor, location: &str, blob: &Blob, fault: Fault) -> usize {
    for (start, end) in [(0, 1000), (1000, 2000)] {
        let answer = ci.stream_chunk(location, &blob.bytes[start..end]).await;
        if !succeeded_or_clear(fault, &answer, 202) {
            return start;
        }
    }
    let answer = ci.finish_upload(location, &blob.digest, &blob.bytes[2000..]).await;
    if succeeded_or_clear(fault, &answer, 201) { blob.bytes.len() } else { 2000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_taken_over_keeps_what_was_acknowledged() {
    at_every_call(async |setting, number, fault| {
        let blob = blob(setting.next_seed());
        let started = setting.ci.start_upload("acme/api").await.is(202);
        let location = started.header("location");
        setting.ci.stream_chunk(location, &blob.bytes[..1000]).await.is(202);
        // The fifth call is the commit that acknowledges: without it the claim stays open.
        setting.faults.strike(5, Fault::Broken);
        setting.ci.stream_chunk(location, &blob.bytes[1000..2000]).await.is(503);
        setting.faults.strike(number, fault);
        let answer = setting.ci.stream_chunk(location, &blob.bytes[1000..2000]).await;
        setting.faults.mend();
        succeeded_or_clear(fault, &answer, 202);
        let offset = go_on(&setting.ci, location, &blob).await;
        assert!(offset >= Some(1000), "{fault:?} {number}: {offset:?}");
        assert!(is_there(&setting.ci, &blob).await, "{fault:?} {number}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cancelled_is_gone_or_goes_on() {
    at_every_call(async |setting, number, fault| {
        let blob = blob(setting.next_seed());
        let started = setting.ci.start_upload("acme/api").await.is(202);
        let location = started.header("location");
        setting.ci.stream_chunk(location, &blob.bytes[..1000]).await.is(202);
        setting.faults.strike(number, fault);
        let answer = setting.ci.delete(location).await;
        setting.faults.mend();
        let is_cancelled = succeeded_or_clear(fault, &answer, 204);
        let went_on = go_on(&setting.ci, location, &blob).await;
        assert!(!is_cancelled || went_on.is_none(), "{fault:?} {number}");
        assert_eq!(is_there(&setting.ci, &blob).await, went_on.is_some(), "{fault:?} {number}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_points_at_the_old_image_or_at_the_new_one() {
    at_every_call(async |setting, number, fault| {
        let (old, new) = (Image::new(setting.next_seed(), 100), Image::new(setting.next_seed(), 100));
        let ci = &setting.ci;
        ci.push("acme/api", "1.0", &old).await.is(201);
        ci.push("acme/api", "2.0", &new).await.is(201);
        setting.faults.strike(number, fault);
        let answer = ci.push_manifest("acme/api", "1.0", &new.manifest.bytes).await;
        setting.faults.mend();
        let is_moved = succeeded_or_clear(fault, &answer, 201);
        let now = ci.pull("acme/api", "1.0").await.is(200).body;
        assert!(now == new.manifest.bytes || !is_moved && now == old.manifest.bytes, "{fault:?} {number}");
        ci.push_manifest("acme/api", "1.0", &new.manifest.bytes).await.is(201);
        assert!(ci.pull("acme/api", "1.0").await.is(200).body == new.manifest.bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone_or_there_whole() {
    at_every_call(async |setting, number, fault| {
        let blob = blob(setting.next_seed());
        push_at_once(&setting.ci, &blob).await.is(201);
        setting.faults.strike(number, fault);
        let path = path_of(&blob.digest);
        let answer = setting.ci.send(setting.ci.request(Method::DELETE, &path)).await;
        setting.faults.mend();
        let is_deleted = succeeded_or_clear(fault, &answer, 202);
        assert!(!(is_deleted && is_there(&setting.ci, &blob).await), "{fault:?} {number}");
    })
    .await;
}
