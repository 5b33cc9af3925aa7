//! Certificates that an issuer gave us, who orders the next one, and what proves control of the domains meanwhile.
//! What is stored of keys and accounts is sealed; opening it is the caller's.

use access::time::Instant;

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A certificate as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// Grows with each one; the first has 1.
    pub revision: i64,
    /// The certificate and those that lead to its issuer's root, in PEM.
    pub chain: String,
    /// Its private key, sealed under the key file.
    pub sealed_key: Vec<u8>,
    /// From when it is valid.
    pub valid_from: Instant,
    /// Until when it is valid.
    pub valid_until: Instant,
}

const NEWER: &str = "SELECT revision, chain, sealed_key, valid_from, valid_until FROM certificates \
    WHERE id = $1 AND revision > $2";

/// The certificate of this id, where it is newer than `revision`; 0 is older than any.
pub async fn newer(q: &impl Query, id: &str, revision: i64) -> Result<Option<StoredCertificate>, DbError> {
    q.optional(NEWER, params![id, revision], read).await
}

fn read(row: &Row<'_>) -> Result<StoredCertificate, DbError> {
    Ok(StoredCertificate {
        revision: row.int(0)?,
        chain: row.text(1)?,
        sealed_key: row.blob(2)?,
        valid_from: row.instant(3)?,
        valid_until: row.instant(4)?,
    })
}

const ENSURE: &str = "INSERT INTO certificates (id, domains, revision, chain, sealed_key, valid_from, valid_until, \
    ordered_by, ordered_until, failures, next_order_at) VALUES ($1, $2, 0, '', $3, 0, 0, '', 0, 0, 0) \
    ON CONFLICT (id) DO NOTHING";

/// Makes the row in which orders are noted, where it is missing.
pub async fn ensure(tx: &Tx, id: &str, domains: &str) -> Result<(), DbError> {
    tx.execute(ENSURE, params![id, domains, Vec::new()]).await.map(drop)
}

const CLAIM: &str = "UPDATE certificates SET ordered_by = $2, ordered_until = $3, failures = failures + 1 \
    WHERE id = $1 AND revision = $4 AND ordered_until <= $5 AND next_order_at <= $5 RETURNING failures";

/// Takes the next order upon `by`, until `until`: how many orders have begun since the last that succeeded, this one
/// counted. `None` where somebody else has it, it may not begin yet, or `revision` was replaced meanwhile.
pub async fn claim(
    tx: &Tx,
    id: &str,
    revision: i64,
    by: &str,
    until: Instant,
    now: Instant,
) -> Result<Option<i64>, DbError> {
    tx.optional(CLAIM, params![id, by, until, revision, now], |row| row.int(0)).await
}

const POSTPONE: &str = "UPDATE certificates SET next_order_at = $2 WHERE id = $1";

/// Lets no order begin before `at`.
pub async fn postpone(tx: &Tx, id: &str, at: Instant) -> Result<(), DbError> {
    tx.execute(POSTPONE, params![id, at]).await.map(drop)
}

const NEXT_ORDER: &str = "SELECT CASE WHEN ordered_until > next_order_at THEN ordered_until ELSE next_order_at END \
    FROM certificates WHERE id = $1";

/// When the next order may begin, as far as it is known now.
pub async fn next_order(q: &impl Query, id: &str) -> Result<Instant, DbError> {
    q.one(NEXT_ORDER, params![id], |row| row.instant(0)).await
}

const KEEP: &str = "UPDATE certificates SET revision = revision + 1, chain = $3, sealed_key = $4, valid_from = $5, \
    valid_until = $6, failures = 0 WHERE id = $1 AND ordered_by = $2 RETURNING revision";

/// Keeps what `by` ordered; its revision, whatever `certificate` says. `None` where the order is no longer theirs.
pub async fn keep(
    tx: &Tx,
    id: &str,
    by: &str,
    certificate: &StoredCertificate,
) -> Result<Option<i64>, DbError> {
    let StoredCertificate { chain, sealed_key, valid_from, valid_until, .. } = certificate;
    let params = params![id, by, chain, sealed_key.as_slice(), *valid_from, *valid_until];
    tx.optional(KEEP, params, |row| row.int(0)).await
}

const RELEASE: &str =
    "UPDATE certificates SET ordered_by = '', ordered_until = 0 WHERE id = $1 AND ordered_by = $2";

/// Ends the order of `by`, whatever came of it.
pub async fn release(tx: &Tx, id: &str, by: &str) -> Result<(), DbError> {
    tx.execute(RELEASE, params![id, by]).await.map(drop)
}

/// Something sealed, and what it is sealed as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The row's id.
    pub id: String,
    /// What people call it: the domains of a certificate.
    pub name: String,
    /// What is sealed.
    pub sealed: Vec<u8>,
}

fn read_sealed(row: &Row<'_>) -> Result<Sealed, DbError> {
    Ok(Sealed { id: row.text(0)?, name: row.text(1)?, sealed: row.blob(2)? })
}

// Before the first certificate there is a row and nothing sealed in it.
const KEYS: &str =
    "SELECT id, domains, sealed_key FROM certificates WHERE id > '' AND revision > 0 ORDER BY id";

/// The private keys of all certificates there are, whatever their domains and issuers.
pub async fn keys(q: &impl Query) -> Result<Vec<Sealed>, DbError> {
    q.list(KEYS, params![], read_sealed).await
}

const DELETE: &str = "DELETE FROM certificates WHERE id = $1";

/// Removes a certificate, with what is known of its orders.
pub async fn delete(tx: &Tx, id: &str) -> Result<(), DbError> {
    tx.execute(DELETE, params![id]).await.map(drop)
}

const HOLD: &str = "UPDATE certificates SET ordered_by = ordered_by WHERE id = $1 AND ordered_by = $2";

/// Whether the order is still that of `by`. Where it is, nobody takes it over until the transaction has ended.
pub async fn hold(tx: &Tx, id: &str, by: &str) -> Result<bool, DbError> {
    Ok(tx.execute(HOLD, params![id, by]).await? > 0)
}

const CHALLENGE: &str = "INSERT INTO certificate_challenges (domain, digest, ordered_by, expires_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (domain) \
    DO UPDATE SET digest = EXCLUDED.digest, ordered_by = EXCLUDED.ordered_by, expires_at = EXCLUDED.expires_at";

/// Notes what proves control of a domain for the order of `by`, in place of what did before.
pub async fn challenge(
    tx: &Tx,
    domain: &str,
    digest: &[u8],
    by: &str,
    expires_at: Instant,
) -> Result<(), DbError> {
    tx.execute(CHALLENGE, params![domain, digest, by, expires_at]).await.map(drop)
}

const PROOF: &str = "SELECT digest FROM certificate_challenges WHERE domain = $1 AND expires_at > $2";

/// What proves control of a domain now; `None` where nobody orders a certificate for it.
pub async fn proof(q: &impl Query, domain: &str, now: Instant) -> Result<Option<Vec<u8>>, DbError> {
    q.optional(PROOF, params![domain, now], |row| row.blob(0)).await
}

const FORGET: &str = "DELETE FROM certificate_challenges WHERE domain = $1 AND ordered_by = $2";

/// Removes what proved control of a domain for the order of `by`.
pub async fn forget(tx: &Tx, domain: &str, by: &str) -> Result<(), DbError> {
    tx.execute(FORGET, params![domain, by]).await.map(drop)
}

const ACCOUNT: &str = "SELECT sealed FROM certificate_accounts WHERE id = $1";

/// The account of this id, sealed.
pub async fn account(q: &impl Query, id: &str) -> Result<Option<Vec<u8>>, DbError> {
    q.optional(ACCOUNT, params![id], |row| row.blob(0)).await
}

const ACCOUNTS: &str = "SELECT id, '', sealed FROM certificate_accounts WHERE id > '' ORDER BY id";

/// All accounts there are, at whatever issuers.
pub async fn accounts(q: &impl Query) -> Result<Vec<Sealed>, DbError> {
    q.list(ACCOUNTS, params![], read_sealed).await
}

const DELETE_ACCOUNT: &str = "DELETE FROM certificate_accounts WHERE id = $1";

/// Removes an account.
pub async fn delete_account(tx: &Tx, id: &str) -> Result<(), DbError> {
    tx.execute(DELETE_ACCOUNT, params![id]).await.map(drop)
}

const KEEP_ACCOUNT: &str = "INSERT INTO certificate_accounts (id, sealed, created_at) VALUES ($1, $2, $3) \
    ON CONFLICT (id) DO UPDATE SET sealed = EXCLUDED.sealed, created_at = EXCLUDED.created_at";

/// Keeps an account, in place of the one before.
pub async fn keep_account(tx: &Tx, id: &str, sealed: &[u8], now: Instant) -> Result<(), DbError> {
    tx.execute(KEEP_ACCOUNT, params![id, sealed, now]).await.map(drop)
}
