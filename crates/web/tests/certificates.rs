//! The server's own certificate, where an issuer gives it: one replica orders, all of them know what came of it, and
//! nothing in the database is worth anything without the key file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use access::time::{Instant, Length};
use registry::{Begun, CertificateError, Certificates, IssuedCertificate, ORDER_LEASE, Order};
use testkit::{TestServer, both_engines};

const ISSUER: &str = "https://acme.example/directory";
const NAMES: [&str; 2] = ["registry.example.com", "other.example.com"];
const KEY: &str = "-----BEGIN PRIVATE KEY----- of the certificate";

fn now(t: &TestServer) -> Instant {
    t.clock.advance(Length::seconds(0))
}

fn issued(now: Instant) -> IssuedCertificate {
    IssuedCertificate {
        chain: "-----BEGIN CERTIFICATE-----".to_owned(),
        key: KEY.to_owned().into(),
        valid_from: now,
        valid_until: now.plus(Length::days(90)),
    }
}

async fn begun(certificates: &Certificates, revision: i64, now: Instant) -> Order {
    match certificates.begin_order(revision, now).await.unwrap() {
        Begun::Order(order) => order,
        Begun::NotBefore(at) => panic!("not before {at}"),
    }
}

async fn not_before(certificates: &Certificates, revision: i64, now: Instant) -> Instant {
    match certificates.begin_order(revision, now).await.unwrap() {
        Begun::Order(order) => panic!("{order:?}"),
        Begun::NotBefore(at) => at,
    }
}

#[both_engines]
async fn one_replica_orders_and_the_other_shows_what_came_of_it(t: TestServer) {
    let b = t.replica().await;
    // The same names in another order are the same certificate.
    let (here, there) =
        (t.certificates(ISSUER, &NAMES), b.certificates(ISSUER, &["other.example.com", NAMES[0], NAMES[0]]));
    assert_eq!(there.domains(), ["other.example.com", "registry.example.com"]);
    let order = begun(&here, 0, now(&t)).await;
    assert_eq!(not_before(&there, 0, now(&t)).await, now(&t).plus(ORDER_LEASE));
    here.finish_order(&order, &issued(now(&t)), now(&t)).await.unwrap();
    here.end_order(&order).await.unwrap();

    for certificates in [&here, &there] {
        let kept = certificates.newer(0).await.unwrap().expect("a certificate");
        let certificate = kept.certificate.unwrap();
        assert_eq!((kept.revision, certificate.key.as_str()), (1, KEY));
        assert_eq!(certificate.valid_until, now(&t).plus(Length::days(90)));
        assert!(certificates.newer(1).await.unwrap().is_none());
    }
    // However old a certificate looks, its successor is not ordered at once.
    assert_eq!(not_before(&there, 1, now(&t)).await, now(&t).plus(Length::hours(1)));
    t.clock.advance(Length::hours(1));
    begun(&there, 1, now(&t)).await;
    for other in [b.certificates("https://other.example/", &NAMES), b.certificates(ISSUER, &NAMES[..1])] {
        assert!(other.newer(0).await.unwrap().is_none());
    }
}

#[both_engines]
async fn an_order_that_fails_is_followed_later_and_later(t: TestServer) {
    let certificates = t.certificates(ISSUER, &NAMES);
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let order = begun(&certificates, 0, now(&t)).await;
        certificates.end_order(&order).await.unwrap();
        assert_eq!(not_before(&certificates, 0, now(&t)).await, order.next_at);
        pauses.push((order.next_at.as_millis() - now(&t).as_millis()) / 60_000);
        t.clock.set(order.next_at);
    }
    // A minute, a quarter of an hour, half an hour, and up to a quarter of each.
    assert!((1..=1).contains(&pauses[0]) && (15..=18).contains(&pauses[1]), "{pauses:?}");
    assert!((30..=37).contains(&pauses[2]), "{pauses:?}");
}

#[both_engines]
async fn who_took_too_long_keeps_nothing(t: TestServer) {
    let b = t.replica().await;
    let (slow, quick) = (t.certificates(ISSUER, &NAMES), b.certificates(ISSUER, &NAMES));
    let late = begun(&slow, 0, now(&t)).await;
    t.clock.advance(ORDER_LEASE);
    let order = begun(&quick, 0, now(&t)).await;
    quick.show_challenges(&order, &[(NAMES[0].to_owned(), vec![2])]).await.unwrap();
    let refused = slow.show_challenges(&late, &[(NAMES[0].to_owned(), vec![1])]).await.unwrap_err();
    assert!(matches!(refused, CertificateError::TakenOver), "{refused}");
    assert_eq!(
        slow.proof(NAMES[0], now(&t)).await.unwrap(),
        Some(vec![2]),
        "the issuer asks about the other"
    );
    let refused = slow.finish_order(&late, &issued(now(&t)), now(&t)).await.unwrap_err();
    assert!(matches!(refused, CertificateError::TakenOver), "{refused}");
    slow.end_order(&late).await.unwrap();
    assert!(quick.newer(0).await.unwrap().is_none());
    // The end of the one is not the end of the other.
    quick.finish_order(&order, &issued(now(&t)), now(&t)).await.unwrap();
    assert!(slow.newer(0).await.unwrap().is_some());
}

#[both_engines]
async fn what_was_damaged_in_the_database_is_told_and_ordered_anew(t: TestServer) {
    let certificates = t.certificates(ISSUER, &NAMES);
    let order = begun(&certificates, 0, now(&t)).await;
    certificates.keep_account(b"an account", now(&t)).await.unwrap();
    certificates.finish_order(&order, &issued(now(&t)), now(&t)).await.unwrap();
    certificates.end_order(&order).await.unwrap();
    // Sealed under the name of another thing, it does not open.
    t.tamper("UPDATE certificates SET sealed_key = (SELECT sealed FROM certificate_accounts)").await;

    let kept = certificates.newer(0).await.unwrap().expect("a row");
    assert_eq!(kept.revision, 1);
    assert!(matches!(kept.certificate, Err(CertificateError::Seal(_))), "{kept:?}");
    t.clock.advance(Length::hours(1));
    let order = begun(&certificates, kept.revision, now(&t)).await;
    certificates.finish_order(&order, &issued(now(&t)), now(&t)).await.unwrap();
    let kept = certificates.newer(1).await.unwrap().expect("the next one");
    assert_eq!((kept.revision, kept.certificate.unwrap().key.as_str()), (2, KEY));
}

#[both_engines]
async fn every_replica_proves_control_while_an_order_runs(t: TestServer) {
    let b = t.replica().await;
    // Which names a replica shows itself does not matter to the issuer.
    let (here, there) = (t.certificates(ISSUER, &NAMES), b.certificates(ISSUER, &["third.example.com"]));
    let proof = async |domain| there.proof(domain, now(&t)).await.unwrap();
    let order = begun(&here, 0, now(&t)).await;
    assert_eq!(proof(NAMES[0]).await, None);
    let digests = NAMES.map(|name| (name.to_owned(), name.as_bytes().to_vec()));
    here.show_challenges(&order, &digests).await.unwrap();
    for name in NAMES {
        assert_eq!(proof(name).await.as_deref(), Some(name.as_bytes()));
    }
    assert_eq!(proof("third.example.com").await, None);
    here.end_order(&order).await.unwrap();
    assert_eq!(proof(NAMES[0]).await, None);
}

#[both_engines]
async fn neither_the_key_nor_the_account_can_be_read_in_the_database(t: TestServer) {
    let certificates = t.certificates(ISSUER, &NAMES);
    assert!(certificates.account().await.unwrap().is_none());
    certificates.keep_account(b"the account's private key", now(&t)).await.unwrap();
    let order = begun(&certificates, 0, now(&t)).await;
    certificates.finish_order(&order, &issued(now(&t)), now(&t)).await.unwrap();

    let account = certificates.account().await.unwrap().expect("an account");
    assert_eq!(account.as_slice(), b"the account's private key");
    assert!(t.certificates("https://other.example/", &NAMES).account().await.unwrap().is_none());
    // Public, so that the question is one that can be answered with yes.
    assert!(t.keeps("-----BEGIN CERTIFICATE-----").await);
    for secret in ["the account's private key", KEY, "BEGIN PRIVATE KEY"] {
        assert!(!t.keeps(secret).await, "{secret}");
        assert!(!t.keeps(&hex(secret)).await, "{secret}");
    }
    let shown = format!("{:?}", issued(now(&t)));
    assert!(!shown.contains("PRIVATE"), "{shown}");
}

/// As PostgreSQL writes bytes.
fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
