//! The server's own certificate where an issuer gives it (`acme_domains`): kept in the database for every replica, its
//! private key sealed under the key file. One replica orders at a time, and never in a loop; all of them answer the
//! issuer's challenges. How an issuer is talked to is not known here.

use std::sync::Arc;

use access::{
    id::AuditId,
    randomness::{Randomness, base62},
    time::{Instant, Length},
};
use sha2::{Digest, Sha256};
use storage::{
    audit::{self, Record},
    certificates::{self, StoredCertificate},
    db::{Db, DbError, retried},
};
use zeroize::Zeroizing;

use crate::{
    Registry,
    seal::{KeyFile, SealError},
};

/// How long an order belongs to the replica that began it. Whoever orders gives up well before.
pub const ORDER_LEASE: Length = Length::seconds(5 * 60);
/// The pause behind the first order that failed: the issuer may have been away for a moment.
const FIRST_PAUSE: Length = Length::seconds(60);
/// The pause behind the second; it doubles with each further one. Let's Encrypt refuses whoever fails to prove control
/// of a name five times in an hour: these are four.
const SECOND_PAUSE: Length = Length::seconds(15 * 60);
/// The longest pause: an issuer that was away for days is asked twice a day.
const LONGEST_PAUSE: Length = Length::hours(12);
/// How often the pause doubles before it is longer than the longest for sure.
const MAX_DOUBLINGS: i64 = 6;
/// The pause behind a certificate, so that one which looks old as soon as it is made is not ordered in a loop: Let's
/// Encrypt gives five a week for the same names.
const PAUSE_BEHIND_A_CERTIFICATE: Length = Length::hours(1);
/// The length of what names an order, in base62 characters.
const ORDER_NAME_LENGTH: usize = 22;

/// The certificates for one set of domains from one issuer.
pub struct Certificates {
    db: Db,
    key_file: Arc<KeyFile>,
    random: Arc<dyn Randomness>,
    domains: Vec<String>,
    id: String,
    account_id: String,
}

/// A certificate that an issuer gave.
pub struct IssuedCertificate {
    /// The certificate and those that lead to its issuer's root, in PEM.
    pub chain: String,
    /// Its private key, in PEM.
    pub key: Zeroizing<String>,
    /// From when it is valid.
    pub valid_from: Instant,
    /// Until when it is valid.
    pub valid_until: Instant,
}

/// What the database has of a certificate.
#[derive(Debug)]
pub struct KeptCertificate {
    /// Grows with each one; the first has 1.
    pub revision: i64,
    /// The certificate, or why it can't be read: what was damaged there is ordered anew.
    pub certificate: Result<IssuedCertificate, CertificateError>,
}

/// An order that this process alone has, until [`ORDER_LEASE`] is over.
#[derive(Debug)]
pub struct Order {
    by: String,
    until: Instant,
    /// When the next one may begin, should this one fail.
    pub next_at: Instant,
}

/// What comes of the wish to order.
#[derive(Debug)]
pub enum Begun {
    /// An order, which is ours.
    Order(Order),
    /// Not now: by then it may be tried again, if the certificate was not replaced meanwhile.
    NotBefore(Instant),
}

/// Why a certificate can't be had from the database, or kept there.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The database.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// The key file does not fit.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// What was sealed is no text.
    #[error("the certificate's private key is damaged in the database")]
    Damaged,
    /// Another process has the order by now.
    #[error("another server took the order over, since this one took longer than five minutes")]
    TakenOver,
}

impl std::fmt::Debug for IssuedCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedCertificate").field("valid_until", &self.valid_until).finish_non_exhaustive()
    }
}

impl IssuedCertificate {
    /// Whether it is time for the next one: two thirds of its lifetime are over.
    pub fn is_due(&self, now: Instant) -> bool {
        let (from, until) = (self.valid_from.as_millis(), self.valid_until.as_millis());
        now >= self.valid_from.plus(Length::milliseconds(until.saturating_sub(from) / 3 * 2))
    }
}

impl Registry {
    /// The certificates for `domains` from `issuer`, who knows us by `contact`. Other domains or another issuer are
    /// other certificates; another contact is another account.
    pub fn certificates(
        &self,
        issuer: &str,
        contact: Option<&str>,
        mut domains: Vec<String>,
    ) -> Certificates {
        domains.sort();
        domains.dedup();
        Certificates {
            db: self.db.clone(),
            key_file: self.keys.key_file(),
            random: Arc::clone(&self.random),
            id: hashed(issuer, &domains.join(" ")),
            account_id: hashed(issuer, contact.unwrap_or_default()),
            domains,
        }
    }
}

impl Certificates {
    /// The domains, in order, each once.
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The certificate that is kept, where it is newer than `revision`; 0 is older than any.
    pub async fn newer(&self, revision: i64) -> Result<Option<KeptCertificate>, DbError> {
        let stored = certificates::newer(&self.db, &self.id, revision).await?;
        Ok(stored
            .map(|stored| KeptCertificate { revision: stored.revision, certificate: self.opened(stored) }))
    }

    fn opened(&self, stored: StoredCertificate) -> Result<IssuedCertificate, CertificateError> {
        let key = self.key_file.open(&sealed_name(&self.id), &stored.sealed_key)?;
        let key = std::str::from_utf8(&key).map_err(|_| CertificateError::Damaged)?;
        Ok(IssuedCertificate {
            chain: stored.chain,
            key: Zeroizing::new(key.to_owned()),
            valid_from: stored.valid_from,
            valid_until: stored.valid_until,
        })
    }

    /// Begins to order the certificate that follows `revision`, unless another replica does, or one has failed so lately
    /// that the issuer is to be left alone. When the next may begin is written before anything is asked of the issuer: a
    /// process that dies on the way, again and again, does not ask again and again.
    pub async fn begin_order(&self, revision: i64, now: Instant) -> Result<Begun, DbError> {
        let by = base62(self.random.as_ref(), ORDER_NAME_LENGTH);
        let until = now.plus(ORDER_LEASE);
        let jitter = fraction(self.random.as_ref());
        retried(|| async {
            let tx = self.db.begin().await?;
            certificates::ensure(&tx, &self.id, &self.domains.join(" ")).await?;
            let claimed = certificates::claim(&tx, &self.id, revision, &by, until, now).await?;
            let Some(begun) = claimed else {
                return Ok(Begun::NotBefore(certificates::next_order(&tx, &self.id).await?));
            };
            let next_at = now.plus(pause_behind(begun, jitter));
            certificates::postpone(&tx, &self.id, next_at).await?;
            tx.commit().await?;
            Ok(Begun::Order(Order { by: by.clone(), until, next_at }))
        })
        .await
    }

    /// Lets every replica prove control of the domains: `digests` are those of RFC 8737 §3, each with its domain. They
    /// are known to all of them when this returns, and end with the order. What proves it for somebody who took the order
    /// over stays.
    pub async fn show_challenges(
        &self,
        order: &Order,
        digests: &[(String, Vec<u8>)],
    ) -> Result<(), CertificateError> {
        let is_ours = retried(|| async {
            let tx = self.db.begin().await?;
            if !certificates::hold(&tx, &self.id, &order.by).await? {
                return Ok(false);
            }
            for (domain, digest) in digests {
                certificates::challenge(&tx, domain, digest, &order.by, order.until).await?;
            }
            tx.commit().await?;
            Ok::<_, DbError>(true)
        });
        if is_ours.await? { Ok(()) } else { Err(CertificateError::TakenOver) }
    }

    /// What proves control of `domain` now; `None` while nobody orders a certificate for it.
    pub async fn proof(&self, domain: &str, now: Instant) -> Result<Option<Vec<u8>>, DbError> {
        certificates::proof(&self.db, domain, now).await
    }

    /// Keeps what came of an order, for every replica. When this returns it survives a crash.
    pub async fn finish_order(
        &self,
        order: &Order,
        issued: &IssuedCertificate,
        now: Instant,
    ) -> Result<(), CertificateError> {
        let sealed_key =
            self.key_file.seal(&sealed_name(&self.id), issued.key.as_bytes(), self.random.as_ref())?;
        let certificate = StoredCertificate {
            revision: 0,
            chain: issued.chain.clone(),
            sealed_key,
            valid_from: issued.valid_from,
            valid_until: issued.valid_until,
        };
        let is_kept = retried(|| async {
            let tx = self.db.begin().await?;
            let kept = certificates::keep(&tx, &self.id, &order.by, &certificate).await?;
            if kept.is_some() {
                certificates::postpone(&tx, &self.id, now.plus(PAUSE_BEHIND_A_CERTIFICATE)).await?;
                let id = AuditId::mint(now, self.random.as_ref());
                audit::record(&tx, id, now, &self.issued_record(issued)).await?;
            }
            tx.commit().await?;
            Ok::<_, DbError>(kept.is_some())
        });
        if is_kept.await? { Ok(()) } else { Err(CertificateError::TakenOver) }
    }

    fn issued_record(&self, issued: &IssuedCertificate) -> Record<'static> {
        let first = self.domains.first().map(String::as_str).unwrap_or_default();
        Record {
            actor: "the server".to_owned(),
            event: "certificate.issued",
            target: format!("certificate {first}"),
            after: serde_json::json!({ "domains": self.domains, "expires_at": issued.valid_until })
                .to_string(),
            ..Record::default()
        }
    }

    /// Ends an order, whatever came of it: another replica need not wait for its lease, and nothing proves control of
    /// the domains any more.
    pub async fn end_order(&self, order: &Order) -> Result<(), DbError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            certificates::release(&tx, &self.id, &order.by).await?;
            for domain in &self.domains {
                certificates::forget(&tx, domain, &order.by).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// What the issuer's client kept of our account, opened.
    pub async fn account(&self) -> Result<Option<Zeroizing<Vec<u8>>>, CertificateError> {
        let Some(sealed) = certificates::account(&self.db, &self.account_id).await? else { return Ok(None) };
        Ok(Some(self.key_file.open(&sealed_account_name(&self.account_id), &sealed)?))
    }

    /// Keeps an account, sealed, in place of the one before.
    pub async fn keep_account(&self, account: &[u8], now: Instant) -> Result<(), CertificateError> {
        let sealed =
            self.key_file.seal(&sealed_account_name(&self.account_id), account, self.random.as_ref())?;
        retried(|| async {
            let tx = self.db.begin().await?;
            certificates::keep_account(&tx, &self.account_id, &sealed, now).await?;
            tx.commit().await
        })
        .await?;
        Ok(())
    }
}

/// The name under which the private key of a certificate is sealed.
pub(crate) fn sealed_name(id: &str) -> String {
    format!("certificate {id}")
}

/// The name under which an account is sealed.
pub(crate) fn sealed_account_name(id: &str) -> String {
    format!("certificate account {id}")
}

/// An id for a pair of texts, of one length: a hundred domains are too long for an index of PostgreSQL's.
fn hashed(first: &str, second: &str) -> String {
    hex::encode(Sha256::digest(format!("{first}\n{second}")))
}

/// How long to leave the issuer alone when `begun` orders in a row came to nothing; `jitter` (0 to 1) adds up to a
/// quarter, so that the servers of a whole installation do not come back at one moment.
fn pause_behind(begun: i64, jitter: f64) -> Length {
    let base = if begun < 2 {
        FIRST_PAUSE.as_millis()
    } else {
        (SECOND_PAUSE.as_millis() << (begun - 2).min(MAX_DOUBLINGS)).min(LONGEST_PAUSE.as_millis())
    };
    Length::milliseconds(base + (base as f64 / 4.0 * jitter) as i64)
}

/// A number from 0 up to 1, each as likely.
fn fraction(random: &dyn Randomness) -> f64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_half_a_day_and_jitter_adds_a_quarter_at_most() {
        let minutes = |begun, jitter| pause_behind(begun, jitter).as_millis() / 60_000;
        for (begun, expected) in [
            (1, 1),
            (2, 15),
            (3, 30),
            (4, 60),
            (5, 120),
            (6, 240),
            (7, 480),
            (8, 720),
            (70, 720),
            (i64::MAX, 720),
        ] {
            assert_eq!(minutes(begun, 0.0), expected, "{begun}");
            assert!(
                pause_behind(begun, 0.999_999).as_millis() < pause_behind(begun, 0.0).as_millis() * 5 / 4
            );
            assert!(pause_behind(begun, 0.5) > pause_behind(begun, 0.0), "{begun}");
        }
    }

    #[test]
    fn an_hour_sees_four_orders_that_fail() {
        let mut at = 0;
        let starts = (1..10).map(|begun| {
            let start = at;
            at += pause_behind(begun, 0.0).as_millis();
            start
        });
        // Let's Encrypt: five failed validations per account, name and hour.
        let an_hour = Length::hours(1).as_millis();
        assert_eq!(starts.filter(|start| *start < an_hour).count(), 4);
    }

    #[test]
    fn two_thirds_of_a_lifetime_are_used() {
        let certificate = |from, until| IssuedCertificate {
            chain: String::new(),
            key: Zeroizing::default(),
            valid_from: Instant::from_millis(from),
            valid_until: Instant::from_millis(until),
        };
        for (from, until, now, is_due) in [
            (0, 90, 59, false),
            (0, 90, 60, true),
            (30, 90, 69, false),
            (30, 90, 70, true),
            (0, 90, 1000, true),
            // Not valid yet, as a clock that is behind sees it: an order would not help.
            (60, 90, 0, false),
            // Over before it began.
            (90, 0, 90, true),
        ] {
            assert_eq!(
                certificate(from, until).is_due(Instant::from_millis(now)),
                is_due,
                "{from} {until} {now}"
            );
        }
    }
}
