//! Certificates that are ordered: one order at a time, not before its time, and what proves control meanwhile.

use access::time::{Instant, Length};
use storage::{
    certificates::{self, Sealed, StoredCertificate},
    db::{DbError, Tx},
};
use testkit::both_engines;

use crate::setting::{NOW, Tables};

const ID: &str = "an id";

fn minutes(count: i64) -> Instant {
    NOW.plus(Length::seconds(60 * count))
}

fn certificate(chain: &str) -> StoredCertificate {
    StoredCertificate {
        revision: 0,
        chain: chain.to_owned(),
        sealed_key: vec![0, 255, 7],
        valid_from: NOW,
        valid_until: minutes(90),
    }
}

/// Claims the order that follows `revision` for five minutes.
async fn claim(tx: &Tx, revision: i64, by: &str, now: Instant) -> Result<Option<i64>, DbError> {
    certificates::ensure(tx, ID, "a.example b.example").await?;
    certificates::claim(tx, ID, revision, by, now.plus(Length::seconds(300)), now).await
}

async fn claimed(t: &Tables, revision: i64, by: &str, now: Instant) -> Option<i64> {
    t.write(async |tx: &Tx| claim(tx, revision, by, now).await).await.unwrap()
}

#[both_engines]
async fn an_order_belongs_to_one_until_its_lease_is_over(t: Tables) {
    let (first, second) =
        t.overlapping(async |tx| claim(tx, 0, "a", NOW).await, async |tx| claim(tx, 0, "b", NOW).await).await;
    assert_eq!((first, second), (Some(1), Ok(None)));
    assert_eq!(claimed(&t, 0, "b", minutes(4)).await, None);
    assert_eq!(certificates::next_order(&t.db, ID).await, Ok(minutes(5)));
    assert_eq!(claimed(&t, 0, "b", minutes(5)).await, Some(2), "the first one's failure counts");
    // Another set of domains is another certificate.
    let other = t.write(async |tx: &Tx| {
        certificates::ensure(tx, "other", "c.example").await?;
        certificates::claim(tx, "other", 0, "a", minutes(10), minutes(5)).await
    });
    assert_eq!(other.await, Ok(Some(1)));
}

#[both_engines]
async fn an_order_that_was_ended_is_followed_when_it_is_time(t: Tables) {
    assert_eq!(claimed(&t, 0, "a", NOW).await, Some(1));
    t.write(async |tx: &Tx| certificates::postpone(tx, ID, minutes(3)).await).await.unwrap();
    // Somebody who does not have it ends nothing.
    t.write(async |tx: &Tx| certificates::release(tx, ID, "b").await).await.unwrap();
    assert_eq!(certificates::next_order(&t.db, ID).await, Ok(minutes(5)));
    t.write(async |tx: &Tx| certificates::release(tx, ID, "a").await).await.unwrap();
    assert_eq!(certificates::next_order(&t.db, ID).await, Ok(minutes(3)));
    assert_eq!(claimed(&t, 0, "b", minutes(2)).await, None);
    assert_eq!(claimed(&t, 0, "b", minutes(3)).await, Some(2));
}

#[both_engines]
async fn an_order_that_is_held_is_taken_over_by_nobody_meanwhile(t: Tables) {
    let holds = async |tx: &Tx, by| certificates::hold(tx, ID, by).await;
    assert!(!t.write(async |tx: &Tx| holds(tx, "a").await).await.unwrap(), "no order yet");
    claimed(&t, 0, "a", NOW).await;
    // Its lease is over, so that the other one may have it; but not before the first has written.
    let (held, taken) =
        t.overlapping(async |tx| holds(tx, "a").await, async |tx| claim(tx, 0, "b", minutes(5)).await).await;
    assert_eq!((held, taken), (true, Ok(Some(2))));
    assert!(!t.write(async |tx: &Tx| holds(tx, "a").await).await.unwrap());
    assert!(t.write(async |tx: &Tx| holds(tx, "b").await).await.unwrap());
}

#[both_engines]
async fn what_was_ordered_is_kept_once_and_only_by_whoever_ordered_it(t: Tables) {
    assert_eq!(certificates::newer(&t.db, ID, 0).await, Ok(None));
    claimed(&t, 0, "a", NOW).await;
    assert_eq!(certificates::newer(&t.db, ID, 0).await, Ok(None), "none yet");
    let keep = async |by, chain| {
        t.write(async |tx: &Tx| certificates::keep(tx, ID, by, &certificate(chain)).await).await.unwrap()
    };
    assert_eq!(keep("b", "stolen").await, None);
    assert_eq!(keep("a", "first").await, Some(1));
    let expected = StoredCertificate { revision: 1, ..certificate("first") };
    assert_eq!(certificates::newer(&t.db, ID, 0).await, Ok(Some(expected)));
    assert_eq!(certificates::newer(&t.db, ID, 1).await, Ok(None));
    assert_eq!(certificates::newer(&t.db, "other", 0).await, Ok(None));
    t.write(async |tx: &Tx| certificates::release(tx, ID, "a").await).await.unwrap();
    assert_eq!(claimed(&t, 0, "b", minutes(1)).await, None, "revision 0 was replaced meanwhile");
    assert_eq!(claimed(&t, 1, "b", minutes(1)).await, Some(1), "a success ends the count of failures");
}

#[both_engines]
async fn a_proof_ends_with_its_order(t: Tables) {
    let proof = async |now| certificates::proof(&t.db, "a.example", now).await.unwrap();
    let show = async |digest: &'static [u8], by| {
        let show = async |tx: &Tx| certificates::challenge(tx, "a.example", digest, by, minutes(5)).await;
        t.write(show).await.unwrap();
    };
    let forget = async |by| {
        t.write(async |tx: &Tx| certificates::forget(tx, "a.example", by).await).await.unwrap();
    };
    assert_eq!(proof(NOW).await, None);
    show(&[1, 0, 255], "a").await;
    assert_eq!(proof(minutes(4)).await, Some(vec![1, 0, 255]));
    assert_eq!(proof(minutes(5)).await, None, "its end is its end");
    show(&[2], "b").await;
    forget("a").await;
    assert_eq!(proof(NOW).await, Some(vec![2]), "what another order shows stays");
    forget("b").await;
    assert_eq!(proof(NOW).await, None);
}

#[both_engines]
async fn an_account_replaces_the_one_before(t: Tables) {
    assert_eq!(certificates::account(&t.db, ID).await, Ok(None));
    for sealed in [[1_u8, 255], [2, 0]] {
        t.write(async |tx: &Tx| certificates::keep_account(tx, ID, &sealed, NOW).await).await.unwrap();
        assert_eq!(certificates::account(&t.db, ID).await, Ok(Some(sealed.to_vec())));
    }
    assert_eq!(certificates::account(&t.db, "other").await, Ok(None));
}

#[both_engines]
async fn what_is_sealed_is_found_and_removed_whatever_it_is_for(t: Tables) {
    t.write(async |tx: &Tx| certificates::ensure(tx, "ordered", "c.example").await).await.unwrap();
    assert_eq!(certificates::keys(&t.db).await, Ok(vec![]), "nothing is sealed before the first certificate");
    claimed(&t, 0, "a", NOW).await;
    t.write(async |tx: &Tx| certificates::keep(tx, ID, "a", &certificate("first")).await).await.unwrap();
    t.write(async |tx: &Tx| certificates::keep_account(tx, ID, &[1, 255], NOW).await).await.unwrap();

    let sealed = |name: &str, sealed: &[u8]| Sealed {
        id: ID.to_owned(),
        name: name.to_owned(),
        sealed: sealed.to_vec(),
    };
    assert_eq!(certificates::keys(&t.db).await, Ok(vec![sealed("a.example b.example", &[0, 255, 7])]));
    assert_eq!(certificates::accounts(&t.db).await, Ok(vec![sealed("", &[1, 255])]));
    t.write(async |tx: &Tx| certificates::delete(tx, ID).await).await.unwrap();
    assert_eq!(certificates::accounts(&t.db).await.unwrap().len(), 1, "an account is none");
    t.write(async |tx: &Tx| certificates::delete_account(tx, ID).await).await.unwrap();
    assert_eq!(certificates::keys(&t.db).await, Ok(vec![]));
    assert_eq!(certificates::accounts(&t.db).await, Ok(vec![]));
    assert!(certificates::next_order(&t.db, "ordered").await.is_ok(), "what is not sealed stays");
}
