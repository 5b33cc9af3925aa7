//! What ties a database to its blob store.

use access::id::StoreId;
use storage::{blobs::Key, db::Tx, links, store};
use testkit::both_engines;

use crate::setting::{NOW, Tables, digest};

#[both_engines]
async fn a_database_keeps_the_first_id_that_it_is_given(t: Tables) {
    assert_eq!(store::id(&t.db).await, Ok(None));
    let [first, second] = [(); 2].map(|()| StoreId::mint(NOW, &t.random));
    let ((), other) = t
        .overlapping(async |tx| store::keep_id(tx, first).await, async |tx| store::keep_id(tx, second).await)
        .await;
    assert_eq!(other, Ok(()));
    assert_eq!(store::id(&t.db).await, Ok(Some(first)));
}

#[both_engines]
async fn some_of_the_blobs_stand_for_all(t: Tables) {
    assert_eq!(store::some_keys(&t.db, 2).await, Ok(Vec::<Key>::new()));
    let acme = t.namespace("acme").await;
    let api = t.repository(acme, "acme/api").await;
    let mut all = Vec::new();
    for bytes in [b"a", b"b", b"c"] {
        let blob = t.new_blob(1);
        let insert = async |tx: &Tx| links::insert(tx, api, &digest(bytes), &blob, NOW).await;
        t.write(insert).await.unwrap();
        all.push(blob.key);
    }
    let some = store::some_keys(&t.db, 2).await.unwrap();
    assert_eq!(some.len(), 2);
    assert!(some.iter().all(|key| all.contains(key)), "{some:?}");
}
