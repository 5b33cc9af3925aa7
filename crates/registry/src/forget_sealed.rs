//! Beginning anew under another key file: the way out for whoever lost theirs, or has a database in which something sealed
//! is damaged. What is sealed can all be had again: clients fetch new bearers, certificates are ordered anew.

use access::{id::AuditId, randomness::Randomness, time::Instant};
use serde_json::json;
use storage::{
    audit::{self, Record},
    certificates::{self, Sealed},
    db::{Db, DbError, Tx, retried},
    signing_keys,
};

use crate::{
    certificates::{sealed_account_name, sealed_name},
    history::record_at_the_store,
    rotate_keys::{RotateError, make_keys, put_in_place_of_all},
    seal::KeyFile,
};

/// Throws away every signing key, and of the certificates and the accounts at issuers those that `key_file` does not
/// open; makes new signing keys under it. When this returns no bearer that was made before is taken. Servers that run
/// with another key file have to be started anew with this one. An older schema is brought up to date first.
pub async fn forget_sealed(
    db: &Db,
    key_file: &KeyFile,
    random: &dyn Randomness,
    now: Instant,
) -> Result<(), RotateError> {
    let made = make_keys(key_file, random, now)?;
    if db.schema().await? == 0 {
        return Err(RotateError::NoKeys);
    }
    // What else does so is a start, and each is refused for as long as something sealed does not open.
    db.migrate().await?;
    let forgotten = retried(|| async {
        let tx = db.begin().await?;
        // Rotations queue here. What is in the row does not matter.
        signing_keys::take(&tx).await?.ok_or(RotateError::NoKeys)?;
        let old = put_in_place_of_all(&tx, &made).await?;
        let domains = forget_certificates(&tx, key_file).await?;
        let accounts = forget_accounts(&tx, key_file).await?;
        let kids = made.each_ref().map(|key| key.kid.as_str());
        let record = Record {
            before: json!({ "keys": old, "certificates": domains, "accounts": accounts }).to_string(),
            after: json!({ "keys": kids }).to_string(),
            ..record_at_the_store("keys.forgotten", "all that was sealed".to_owned())
        };
        audit::record(&tx, AuditId::mint(now, random), now, &record).await?;
        tx.commit().await?;
        Ok(())
    });
    forgotten.await
}

/// Removes the certificates whose keys are lost; their domains.
async fn forget_certificates(tx: &Tx, key_file: &KeyFile) -> Result<Vec<String>, DbError> {
    let mut domains = Vec::new();
    for Sealed { id, name, sealed } in certificates::keys(tx).await? {
        if key_file.open(&sealed_name(&id), &sealed).is_err() {
            certificates::delete(tx, &id).await?;
            domains.push(name);
        }
    }
    Ok(domains)
}

/// Removes the accounts that are lost; how many.
async fn forget_accounts(tx: &Tx, key_file: &KeyFile) -> Result<usize, DbError> {
    let mut count = 0;
    for Sealed { id, sealed, .. } in certificates::accounts(tx).await? {
        if key_file.open(&sealed_account_name(&id), &sealed).is_err() {
            certificates::delete_account(tx, &id).await?;
            count += 1;
        }
    }
    Ok(count)
}
