//! Requests of one upload session that meet in this process: the latest goes on, the others end at once. Rows decide
//! that between replicas (`storage::uploads`); here it is kept cheap, since whoever takes over copies what is
//! acknowledged, and a request that was taken over keeps its own copy on disk for as long as its body lasts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use access::id::UploadId;
use futures_util::{StreamExt, stream};
use storage::blobs::{Body, BodyError};
use tokio::sync::{Mutex as Turn, MutexGuard, watch};

/// The sessions that some request is at work on.
#[derive(Default)]
pub(crate) struct UploadTurns(Mutex<HashMap<UploadId, Weak<Session>>>);

/// What the requests of one session share.
struct Session {
    /// The number of the latest claim.
    latest: watch::Sender<u64>,
    /// Held while an upload is copied: one at a time, so that a session has two copies at most.
    copying: Turn<()>,
}

/// One request's claim on a session.
pub(crate) struct Claim {
    session: Arc<Session>,
    number: u64,
}

impl UploadTurns {
    /// Makes `number` the latest claim of the session, unless a later one was here before.
    pub(crate) fn claim(&self, id: UploadId, number: u64) -> Claim {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sessions.get(&id).and_then(Weak::upgrade);
        let session = known.unwrap_or_else(|| {
            sessions.retain(|_, session| session.strong_count() > 0);
            let session = Arc::new(Session { latest: watch::Sender::new(0), copying: Turn::new(()) });
            sessions.insert(id, Arc::downgrade(&session));
            session
        });
        session.latest.send_if_modified(|latest| {
            let is_later = number > *latest;
            *latest = number.max(*latest);
            is_later
        });
        Claim { session, number }
    }
}

impl Claim {
    /// Waits for the turn to copy the upload; `None` where a later claim came meanwhile, which will copy it instead.
    pub(crate) async fn turn_to_copy(&self) -> Option<MutexGuard<'_, ()>> {
        let turn = self.session.copying.lock().await;
        (*self.session.latest.borrow() == self.number).then_some(turn)
    }

    /// The body, which breaks off when a later claim comes.
    pub(crate) fn until_taken_over<'a>(&'a self, body: Body<'a>) -> Body<'a> {
        let latest = self.session.latest.subscribe();
        let number = self.number;
        let bytes = stream::unfold(Some((body, latest)), move |going_on| async move {
            let (mut body, mut latest) = going_on?;
            let next = tokio::select! {
                biased;
                _ = latest.wait_for(|latest| *latest > number) => None,
                next = body.next() => Some(next),
            };
            match next {
                None => Some((Err(BodyError::from("a later request took the upload over")), None)),
                Some(next) => next.map(|bytes| (bytes, Some((body, latest)))),
            }
        });
        bytes.boxed()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use access::{randomness::Randomness, time::Instant};
    use bytes::Bytes;

    use super::*;

    struct Fixed;
    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn id(millis: i64) -> UploadId {
        UploadId::mint(Instant::from_millis(millis), &Fixed)
    }

    #[tokio::test]
    async fn a_body_breaks_off_when_a_later_claim_comes() {
        let turns = UploadTurns::default();
        let first = turns.claim(id(1), 1);
        let stalled = stream::once(async { Ok(Bytes::from_static(b"0")) }).chain(stream::pending());
        let mut body = first.until_taken_over(stalled.boxed());
        assert_eq!(body.next().await.unwrap().unwrap(), "0");
        let _other = turns.claim(id(2), 9);
        let _second = turns.claim(id(1), 2);
        assert!(body.next().await.unwrap().is_err());
        assert!(body.next().await.is_none());
    }

    #[tokio::test]
    async fn only_the_latest_claim_copies_and_one_at_a_time() {
        let turns = UploadTurns::default();
        let (second, first) = (turns.claim(id(1), 2), turns.claim(id(1), 1));
        assert!(first.turn_to_copy().await.is_none());
        let turn = second.turn_to_copy().await.unwrap();
        let third = turns.claim(id(1), 3);
        assert!(futures_util::poll!(std::pin::pin!(third.turn_to_copy())).is_pending());
        drop(turn);
        assert!(third.turn_to_copy().await.is_some());
        assert!(second.turn_to_copy().await.is_none());
    }

    #[test]
    fn sessions_that_nobody_is_at_work_on_are_forgotten() {
        let turns = UploadTurns::default();
        for millis in 1..100 {
            turns.claim(id(millis), 1);
        }
        assert!(turns.0.lock().unwrap().len() <= 2);
    }
}
