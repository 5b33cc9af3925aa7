//! One random id in the database and in the blob store (DESIGN §5, 11): neither is ever used with another. The threat is
//! an operator in a hurry, who restored one of the two, or named the wrong folder: pushes would land in one store, pulls
//! miss in another, and a repair throw away what it does not know.

use access::{id::StoreId, randomness::Randomness, time::Instant};
use futures_util::StreamExt as _;
use storage::{
    blobs::{BlobError, BlobStore, Key},
    db::{Db, DbError, retried},
    store,
};

/// How many blobs of the database are looked for in a blob store that says nothing of itself. One that is there proves
/// that they belong together: keys are random.
const PROBES: i64 = 32;

/// Why the two are not used together.
#[derive(Debug, thiserror::Error)]
pub enum StoreIdError {
    /// Each belongs to somebody else.
    #[error(
        "database and blobs belong to different stores (to {database} and to {blobs}): one of the two was restored \
         or moved without the other, or data_dir or database names the wrong one; start with the two that belong together"
    )]
    Mismatch {
        /// The id in the database.
        database: StoreId,
        /// The id in the blob store.
        blobs: StoreId,
    },
    /// One has no id, and what the database names does not lie there.
    #[error(
        "the database names blobs, and none of those looked for lies there: restore the blobs that belong to it, or name \
         where they are with data_dir"
    )]
    NoneOfItsBlobs,
    /// One has no id, and there are blobs that the database does not name.
    #[error(
        "there are blobs, and the database names none: restore the database that belongs to them, name it with database \
         or data_dir, or begin anew in an empty folder"
    )]
    BlobsOfSomebodyElse,
    /// The database has an id, which another blob store has, and names no blob that could prove otherwise.
    #[error(
        "the database belongs to store {database}, and these blobs to none: it was started on other blobs first, which all \
         of its servers have to share. Name those with data_dir; where they are lost and nothing was ever pushed to them, \
         write {database} into a file store-id in the folder of these"
    )]
    OtherBlobs {
        /// The id in the database.
        database: StoreId,
    },
    /// The blob store has an id, which another database has.
    #[error(
        "the blobs belong to store {blobs}, and the database to none: they were used with another one. Name or restore \
         that one, or begin anew in an empty folder"
    )]
    OtherDatabase {
        /// The id of the blob store.
        blobs: StoreId,
    },
    /// There is no id yet.
    #[error(
        "no server of this version was started on them yet: start `sealock serve` once, which looks whether they belong together"
    )]
    None,
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The blob store.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// The ids that a start found.
pub(crate) struct Found {
    database: Option<StoreId>,
    blobs: Option<StoreId>,
}

/// Refuses a server that starts with what does not belong together. Nothing is changed. Where one of the two has no id
/// (both are new, or come from a version that had no ids, or the last start was killed in between) they belong together
/// if the database's blobs lie there, or nothing is stored and neither was ever another's.
pub(crate) async fn look(db: &Db, blobs: &dyn BlobStore) -> Result<Found, StoreIdError> {
    // The blobs first: a replica that starts beside this one gives the database its id before them.
    let in_blobs = blobs.store_id().await?;
    let is_empty = db.schema().await? == 0;
    let in_database = if is_empty { None } else { store::id(db).await? };
    let found = Found { database: in_database, blobs: in_blobs };
    if let (Some(database), Some(blobs)) = (in_database, in_blobs) {
        return same(database, blobs).map(|()| found);
    }
    let named = if is_empty { Vec::new() } else { store::some_keys(db, PROBES).await? };
    if named.is_empty() {
        never_were_anothers(&found, blobs).await?;
    } else {
        one_lies_there(&named, blobs).await?;
    }
    Ok(found)
}

/// Gives both one id where they lack it. The blob store writes down what it may get, the database decides, and the blob
/// store takes it. So of two servers that start together on two folders one is refused, and a start may be killed
/// anywhere.
pub(crate) async fn settle(
    found: Found,
    db: &Db,
    blobs: &dyn BlobStore,
    random: &dyn Randomness,
    now: Instant,
) -> Result<(), StoreIdError> {
    let id = found.database.or(found.blobs).unwrap_or_else(|| StoreId::mint(now, random));
    if found.blobs.is_none() {
        blobs.propose_store_id(id).await?;
    }
    if found.database.is_none() {
        retried(|| async {
            let tx = db.begin().await?;
            store::keep_id(&tx, id).await?;
            tx.commit().await
        })
        .await?;
    }
    let decided = store::id(db).await?.ok_or(DbError::NoRow)?;
    match blobs.keep_store_id(decided).await {
        Err(BlobError::NotFound) => Err(StoreIdError::OtherBlobs { database: decided }),
        kept => Ok(kept?),
    }
}

/// Whether the two have one id, for operators' commands, which give none.
pub async fn check_store_id(db: &Db, blobs: &dyn BlobStore) -> Result<(), StoreIdError> {
    match (store::id(db).await?, blobs.store_id().await?) {
        (Some(database), Some(blobs)) => same(database, blobs),
        _ => Err(StoreIdError::None),
    }
}

fn same(database: StoreId, blobs: StoreId) -> Result<(), StoreIdError> {
    if database == blobs { Ok(()) } else { Err(StoreIdError::Mismatch { database, blobs }) }
}

/// For a database that names no blobs.
async fn never_were_anothers(found: &Found, blobs: &dyn BlobStore) -> Result<(), StoreIdError> {
    match (found.database, found.blobs) {
        (Some(database), _) if blobs.knows_store_id(database).await? => Ok(()),
        (Some(database), _) => Err(StoreIdError::OtherBlobs { database }),
        (None, Some(blobs)) => Err(StoreIdError::OtherDatabase { blobs }),
        (None, None) => match blobs.list().next().await.transpose()? {
            None => Ok(()),
            Some(_) => Err(StoreIdError::BlobsOfSomebodyElse),
        },
    }
}

async fn one_lies_there(named: &[Key], blobs: &dyn BlobStore) -> Result<(), StoreIdError> {
    for key in named {
        match blobs.size(key).await {
            Ok(_) => return Ok(()),
            Err(BlobError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreIdError::NoneOfItsBlobs)
}
