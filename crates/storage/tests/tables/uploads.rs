//! Upload sessions: whose they are, and which of several appends may go on.

use access::{
    id::{NamespaceId, UploadId},
    time::Instant,
};
use oci::RepositoryName;
use storage::{
    blobs::{BlobStore, FileStore, State},
    db::{Constraint, DbError, Tx},
    uploads::{self, ClaimedUpload, SessionKey},
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after};

const CI: &str = "token 0190a5e0-7d4c-7aaa-8bbb-123456789abc";

/// Tables with one open session, and states of the blob store to move it to.
struct Session {
    t: Tables,
    id: UploadId,
    namespace: NamespaceId,
    repository: RepositoryName,
    states: Vec<State>,
}

impl Session {
    async fn on(engine: testkit::Engine) -> Self {
        let t = Tables::on(engine).await;
        let random = std::sync::Arc::new(testkit::randomness::SeededRandomness::new(2));
        let store = FileStore::open(t.folder.path(), random).unwrap();
        let mut states = Vec::new();
        for _ in 0..3 {
            states.push(store.begin(None).await.unwrap());
        }
        let namespace = t.namespace("acme").await;
        let id = UploadId::mint(NOW, &t.random);
        let repository = RepositoryName::parse("acme/api").unwrap();
        let session = Self { t, id, namespace, repository, states };
        let (key, state) = (session.key(), &session.states[0]);
        session.t.write(async |tx| uploads::insert(tx, key, state, after(24)).await).await.unwrap();
        session
    }

    fn key(&self) -> SessionKey<'_> {
        SessionKey { id: self.id, namespace: self.namespace, repository: &self.repository, principal: CI }
    }

    async fn find(&self, key: SessionKey<'_>, now: Instant) -> Option<Vec<u8>> {
        uploads::find(&self.t.db, key, now).await.unwrap().map(|state| state.to_bytes())
    }

    /// Where the session stands now.
    async fn state(&self) -> Option<Vec<u8>> {
        self.find(self.key(), NOW).await
    }

    async fn claim_as(&self, key: SessionKey<'_>, now: Instant) -> Option<ClaimedUpload> {
        self.t.write(async |tx| uploads::claim(tx, key, now, now.plus(DAY)).await).await.unwrap()
    }

    async fn claim(&self) -> ClaimedUpload {
        self.claim_as(self.key(), NOW).await.unwrap()
    }

    async fn acknowledge(&self, claim: u64, state: usize) -> bool {
        let state = &self.states[state];
        self.t.write(async |tx| uploads::acknowledge(tx, self.id, claim, state).await).await.unwrap()
    }

    async fn move_to(&self, claim: u64, state: usize) -> bool {
        let state = &self.states[state];
        self.t.write(async |tx| uploads::move_to(tx, self.id, claim, state).await).await.unwrap()
    }

    async fn delete(&self, claim: u64) -> bool {
        self.t.write(async |tx| uploads::delete_claimed(tx, self.id, claim).await).await.unwrap()
    }
}

const DAY: access::time::Length = access::time::Length::days(1);

#[both_engines]
async fn a_session_stands_where_it_was_opened(s: Session) {
    assert_eq!(s.state().await, Some(s.states[0].to_bytes()));
    let claimed = s.claim().await;
    assert_eq!((claimed.state.to_bytes(), claimed.takes_over), (s.states[0].to_bytes(), false));
}

#[both_engines]
async fn a_session_is_nobody_elses(s: Session) {
    let (other_namespace, other_repository) =
        (s.t.namespace("other").await, RepositoryName::parse("acme/web").unwrap());
    let strangers = [
        SessionKey { id: UploadId::mint(NOW, &s.t.random), ..s.key() },
        SessionKey { namespace: other_namespace, ..s.key() },
        SessionKey { repository: &other_repository, ..s.key() },
        SessionKey { principal: "user 0190a5e0-7d4c-7aaa-8bbb-123456789abc", ..s.key() },
    ];
    for key in strangers {
        assert_eq!(s.find(key, NOW).await, None, "{key:?}");
        assert!(s.claim_as(key, NOW).await.is_none(), "{key:?}");
    }
    assert_eq!(s.claim().await.claim, 1, "strangers used up no number");
}

#[both_engines]
async fn a_session_expires_and_a_claim_keeps_it_alive(s: Session) {
    let just_before = Instant::from_millis(after(24).as_millis() - 1);
    assert!(s.find(s.key(), just_before).await.is_some());
    assert!(s.find(s.key(), after(24)).await.is_none());
    assert!(s.claim_as(s.key(), after(24)).await.is_none());

    s.claim_as(s.key(), just_before).await.unwrap();
    assert!(s.find(s.key(), after(47)).await.is_some());
    assert!(s.find(s.key(), after(48)).await.is_none());
}

#[both_engines]
async fn an_acknowledged_append_moves_the_session_and_closes_its_claim(s: Session) {
    let first = s.claim().await;
    assert!(s.acknowledge(first.claim, 1).await);
    assert!(!s.acknowledge(first.claim, 2).await, "it is closed");
    assert!(!s.move_to(first.claim, 2).await, "it is closed");
    assert_eq!(s.state().await, Some(s.states[1].to_bytes()));

    let second = s.claim().await;
    assert_eq!((second.state.to_bytes(), second.takes_over), (s.states[1].to_bytes(), false));
    assert!(second.claim > first.claim);
}

#[both_engines]
async fn a_later_claim_takes_over(s: Session) {
    let earlier = s.claim().await;
    let later = s.claim().await;
    assert!(later.takes_over && later.claim > earlier.claim);
    assert!(!s.acknowledge(earlier.claim, 1).await);
    assert!(!s.move_to(earlier.claim, 1).await);
    assert!(!s.delete(earlier.claim).await);
    assert_eq!(s.state().await, Some(s.states[0].to_bytes()));

    assert!(s.move_to(later.claim, 1).await);
    assert_eq!(s.state().await, Some(s.states[1].to_bytes()));
    assert!(s.acknowledge(later.claim, 2).await, "moving keeps the claim");
    assert_eq!(s.state().await, Some(s.states[2].to_bytes()));
}

#[both_engines]
async fn two_claims_at_once_get_different_numbers(s: Session) {
    let claim = async |tx: &Tx| uploads::claim(tx, s.key(), NOW, after(24)).await;
    let (first, second) = s.t.overlapping(claim, claim).await;
    let (first, second) = (first.unwrap(), second.unwrap().unwrap());
    assert_eq!((first.claim, first.takes_over), (1, false));
    assert_eq!((second.claim, second.takes_over), (2, true));
}

#[both_engines]
async fn a_session_is_finished_once(s: Session) {
    let claim = s.claim().await.claim;
    assert!(!s.delete(claim + 1).await);
    let delete = async |tx: &Tx| uploads::delete_claimed(tx, s.id, claim).await;
    let (first, second) = s.t.overlapping(delete, delete).await;
    assert_eq!((first, second), (true, Ok(false)));
    assert_eq!(s.state().await, None);
    assert!(s.claim_as(s.key(), NOW).await.is_none());
    assert!(!s.acknowledge(claim, 1).await);
}

#[both_engines]
async fn a_namespaces_sessions_end_with_it(s: Session) {
    s.t.delete_namespace(s.namespace).await;
    assert_eq!(s.state().await, None);
    let key = s.key();
    let opened = s.t.write(async |tx| uploads::insert(tx, key, &s.states[0], after(1)).await).await;
    assert!(opened.unwrap_err().is_conflict(Constraint::ForeignKey));
}

#[both_engines]
async fn a_state_that_nobody_wrote_is_corrupt(s: Session) {
    const DAMAGE: &str = "UPDATE upload_sessions SET state = $2 WHERE id = $1";
    let damage = async |tx: &Tx| tx.execute(DAMAGE, storage::params![s.id, b"damaged"]).await;
    s.t.write(damage).await.unwrap();
    let found = uploads::find(&s.t.db, s.key(), NOW).await;
    assert!(matches!(found, Err(DbError::Corrupt(_))), "{found:?}");
}
