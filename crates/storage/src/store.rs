//! What a database and a blob store have in common, so that neither is ever used with another (DESIGN §5, 11).

use access::id::StoreId;

use crate::{
    blobs::Key,
    db::{DbError, Query, Tx},
    params,
};

const ID: &str = "SELECT value FROM store_facts WHERE name = 'store id'";

/// The id of the store that the database belongs to; `None` before the first start.
pub async fn id(q: &impl Query) -> Result<Option<StoreId>, DbError> {
    q.optional(ID, params![], |row| row.parsed(0, StoreId::parse)).await
}

const KEEP_ID: &str =
    "INSERT INTO store_facts (name, value) VALUES ('store id', $1) ON CONFLICT (name) DO NOTHING";

/// Gives the database its id, unless it has one: of replicas that start together one does.
pub async fn keep_id(tx: &Tx, id: StoreId) -> Result<(), DbError> {
    tx.execute(KEEP_ID, params![id]).await.map(drop)
}

const SOME_KEYS: &str = "SELECT key FROM blobs WHERE digest > '' ORDER BY digest LIMIT $1";

/// Where a few of the blobs lie. Digests are random, so any of them stand for all.
pub async fn some_keys(q: &impl Query, limit: i64) -> Result<Vec<Key>, DbError> {
    q.few(SOME_KEYS, params![limit], |row| row.parsed(0, Key::parse)).await
}
