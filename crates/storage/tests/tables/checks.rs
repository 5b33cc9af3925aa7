//! What `fsck` asks: page by page, and about rows that no constraint would let in.

use access::id::{ManifestId, RepositoryId, UploadId};
use oci::{RepositoryName, Tag};
use storage::{
    blobs::{BlobStore, FileStore, State},
    checks::{self, CheckedBlob, CheckedSession, Keyed, Reference, Referring},
    db::DbError,
    links, manifests, tags,
    uploads::{self, SessionKey},
};
use testkit::{Engine, both_engines};

use crate::setting::{NOW, Tables, after, digest};

/// One of everything that points at content: a link, a manifest with its layer, an index with that manifest, a tag.
struct Content {
    t: Tables,
    repository: RepositoryId,
    index: ManifestId,
}

impl Content {
    async fn on(engine: Engine) -> Self {
        let t = Tables::on(engine).await;
        let namespace = t.namespace("acme").await;
        let repository = t.repository(namespace, "acme/api").await;
        let (layer, blob) = (digest(b"layer"), t.new_blob(5));
        let (manifest, index) = (t.new_manifest(b"manifest"), t.new_manifest(b"index"));
        let tag = Tag::parse("1.0").unwrap();
        t.write(async |tx| {
            links::insert(tx, repository, &layer, &blob, NOW).await?;
            manifests::insert(tx, repository, &manifest, b"manifest").await?;
            manifests::insert(tx, repository, &index, b"index").await?;
            assert!(manifests::needs_blob(tx, manifest.id, repository, &layer).await?);
            assert!(manifests::needs_manifest(tx, index.id, repository, &manifest.digest).await?);
            tags::create(tx, repository, &tag, index.id, NOW).await
        })
        .await
        .unwrap();
        Self { t, repository, index: index.id }
    }

    /// Runs a statement that the constraints would refuse.
    async fn behind_the_constraints(&self, statement: &str) {
        match self.t.engine {
            Engine::Sqlite => {
                let connection = rusqlite::Connection::open(self.t.folder.path().join("sealock.db")).unwrap();
                connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {statement}")).unwrap();
            }
            Engine::Postgres => {
                let statement = format!("SET session_replication_role = replica; {statement}");
                self.t.postgres().await.batch_execute(&statement).await.unwrap();
            }
        }
    }

    /// All references of a table, one page a row.
    async fn references(&self, table: Referring) -> Vec<Reference> {
        let mut all: Vec<Reference> = Vec::new();
        loop {
            let behind = all.last().map_or(("", ""), |last| (&last.owner, &last.name));
            let page = checks::references_after(&self.t.db, table, behind, 1).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// The tables with a reference that leads nowhere, and its name.
    async fn dangling(&self) -> Vec<(Referring, String)> {
        let mut dangling = Vec::new();
        for table in Referring::ALL {
            let references = self.references(table).await;
            assert_eq!(references.len(), 1, "{table:?}");
            for reference in references.into_iter().filter(|reference| !reference.is_whole) {
                assert_eq!(reference.repository, "acme/api");
                dangling.push((table, reference.name));
            }
        }
        dangling
    }
}

#[both_engines]
async fn references_that_lead_nowhere_are_told(content: Content) {
    assert_eq!(content.dangling().await, []);
    let (layer, manifest) = (digest(b"layer").to_string(), digest(b"manifest").to_string());
    content.behind_the_constraints("DELETE FROM blobs").await;
    assert_eq!(content.dangling().await, [(Referring::Links, layer.clone())]);
    content.behind_the_constraints("UPDATE repository_blobs SET digest = 'other'").await;
    let links = (Referring::Links, "other".to_owned());
    let needs = (Referring::ManifestBlobs, layer);
    assert_eq!(content.dangling().await, [links.clone(), needs.clone()]);
    let gone = format!("DELETE FROM manifests WHERE digest = '{manifest}'");
    content.behind_the_constraints(&gone).await;
    let child = (Referring::ManifestChildren, manifest);
    assert_eq!(content.dangling().await, [links.clone(), needs.clone(), child.clone()]);
    content.behind_the_constraints("DELETE FROM manifests").await;
    let tag = (Referring::Tags, "1.0".to_owned());
    assert_eq!(content.dangling().await, [links, needs, child, tag]);
}

#[both_engines]
async fn blobs_come_page_by_page_with_their_mark_which_other_bytes_do_not_have(content: Content) {
    let (t, layer) = (&content.t, digest(b"layer"));
    let page = async |after: &str| -> Vec<CheckedBlob> {
        let page = checks::blobs_after(&t.db, after, 10).await.unwrap();
        page.into_iter().map(|keyed| keyed.row.unwrap()).collect()
    };
    let [found] = page("").await.try_into().unwrap();
    assert_eq!((found.is_marked, &found.digest), (false, &layer));
    assert_eq!(page(layer.as_str()).await, []);
    assert!(checks::is_named(&t.db, &found.blob.key).await.unwrap());
    let elsewhere = t.new_blob(5);
    assert!(!checks::is_named(&t.db, &elsewhere.key).await.unwrap());

    let mark = async |key| t.write(async |tx| checks::mark(tx, &layer, key).await).await.unwrap();
    assert!(!mark(&elsewhere.key).await, "the row names another place");
    assert!(mark(&found.blob.key).await);
    assert!(page("").await[0].is_marked);
    let repository = content.repository;
    let replaced = t.write(async |tx| links::insert(tx, repository, &layer, &elsewhere, NOW).await).await;
    assert_eq!(replaced, Ok(Some(found.blob.key.clone())));
    assert!(!page("").await[0].is_marked);

    assert!(mark(&elsewhere.key).await);
    assert!(t.write(async |tx| checks::unmark(tx, &layer, &elsewhere.key).await).await.unwrap());
    assert!(!page("").await[0].is_marked);
}

#[both_engines]
async fn only_the_payload_that_was_read_is_taken_away(content: Content) {
    let (t, index) = (&content.t, content.index);
    let drop =
        async |bytes: &[u8]| t.write(async |tx| checks::drop_payload(tx, index, bytes).await).await.unwrap();
    let payload_bytes = async || {
        let all = checks::manifests_after(&t.db, "", 10).await.unwrap();
        let manifests = all.into_iter().map(|keyed| keyed.row.unwrap());
        manifests.into_iter().find(|manifest| manifest.id == index).unwrap().payload_bytes
    };
    assert!(!drop(b"other").await);
    assert_eq!(payload_bytes().await, Some(5));
    assert!(drop(b"index").await);
    assert_eq!(payload_bytes().await, None);
    assert!(checks::has_manifest(&t.db, index).await.unwrap());
    assert!(!checks::has_manifest(&t.db, ManifestId::mint(NOW, &t.random)).await.unwrap());
}

#[both_engines]
async fn a_length_is_set_only_where_the_row_says_what_was_read(content: Content) {
    let t = &content.t;
    let index = async || {
        let all = checks::manifests_after(&t.db, "", 10).await.unwrap();
        let manifests = all.into_iter().map(|keyed| keyed.row.unwrap());
        manifests.into_iter().find(|manifest| manifest.id == content.index).unwrap()
    };
    let read = index().await;
    let set = async |size| t.write(async |tx| checks::set_size(tx, &read, size).await).await.unwrap();
    assert!(set(7).await);
    assert_eq!((index().await.size, read.size), (7, 5));
    assert!(!set(8).await, "it says another length by now");
    assert_eq!(index().await.size, 7);
}

#[both_engines]
async fn a_session_is_ended_only_where_it_stands_still(content: Content) {
    let t = &content.t;
    let random = std::sync::Arc::new(testkit::randomness::SeededRandomness::new(2));
    let store = FileStore::open(&t.folder.path().join("blobs"), random).unwrap();
    let (state, other) = (store.begin(None).await.unwrap(), store.begin(None).await.unwrap());
    let (id, namespace) = (UploadId::mint(NOW, &t.random), t.namespace("other").await);
    let repository = RepositoryName::parse("other/api").unwrap();
    let key = SessionKey { id, namespace, repository: &repository, principal: "user x" };
    t.write(async |tx| uploads::insert(tx, key, &state, after(24)).await).await.unwrap();
    let [found] = checks::sessions_after(&t.db, "", 10).await.unwrap().try_into().unwrap();
    let found = found.row.unwrap();
    assert_eq!((found.id, found.repository.as_str()), (id, "other/api"));
    assert_eq!(found.namespace_id, namespace.to_string());

    let end = async |state: &State, expires_by| {
        let session = CheckedSession {
            state: state.clone(),
            namespace_id: found.namespace_id.clone(),
            repository: found.repository.clone(),
            ..found
        };
        t.write(async |tx| checks::end_session(tx, &session, expires_by).await).await.unwrap()
    };
    assert!(!end(&other, after(24)).await, "it stands elsewhere");
    let claim = async || t.write(async |tx| uploads::claim(tx, key, NOW, after(24)).await).await.unwrap();
    let claimed = claim().await.unwrap().claim;
    assert!(!end(&state, after(23)).await, "a request is at work on it");
    t.write(async |tx| uploads::acknowledge(tx, id, claimed, &state).await).await.unwrap();
    assert!(end(&state, after(23)).await);
    assert!(checks::sessions_after(&t.db, "", 10).await.unwrap().is_empty());

    t.write(async |tx| uploads::insert(tx, key, &state, after(24)).await).await.unwrap();
    claim().await.unwrap();
    assert!(end(&state, after(24)).await, "whoever claimed it was killed long ago");
}

#[both_engines]
async fn rows_that_cannot_be_read_are_gone_past_and_a_session_among_them_ends(content: Content) {
    let t = &content.t;
    let random = std::sync::Arc::new(testkit::randomness::SeededRandomness::new(2));
    let store = FileStore::open(&t.folder.path().join("blobs"), random).unwrap();
    let (state, namespace) = (store.begin(None).await.unwrap(), t.namespace("other").await);
    let repository = RepositoryName::parse("other/api").unwrap();
    let ids = [UploadId::mint(NOW, &t.random), UploadId::mint(NOW, &t.random)];
    for id in ids {
        let key = SessionKey { id, namespace, repository: &repository, principal: "user x" };
        t.write(async |tx| uploads::insert(tx, key, &state, after(24)).await).await.unwrap();
    }
    let foreign_state = "UPDATE upload_sessions SET state = (SELECT bytes FROM manifest_payloads LIMIT 1)";
    content.behind_the_constraints(&format!("{foreign_state} WHERE id = '{}'", ids[0])).await;
    content.behind_the_constraints("UPDATE blobs SET key = '../../etc/passwd'").await;
    let gone = format!("UPDATE manifests SET digest = 'md5:0' WHERE id = '{}'", content.index);
    content.behind_the_constraints(&gone).await;

    let blobs = checks::blobs_after(&t.db, "", 10).await.unwrap();
    assert!(matches!(blobs[..], [Keyed { row: Err(DbError::Corrupt(_)), .. }]), "{blobs:?}");
    let manifests = checks::manifests_after(&t.db, "", 10).await.unwrap();
    let unreadable: Vec<_> = manifests.iter().filter(|keyed| keyed.row.is_err()).collect();
    assert_eq!((manifests.len(), unreadable.len()), (2, 1));
    assert_eq!(unreadable[0].key, content.index.to_string());

    let sessions = async || {
        let sessions = checks::sessions_after(&t.db, "", 10).await.unwrap();
        sessions.into_iter().map(|keyed| (keyed.key, keyed.row.is_ok())).collect::<Vec<_>>()
    };
    assert!(sessions().await.contains(&(ids[0].to_string(), false)));
    for (id, expect) in [(ids[0], true), (ids[0], false), (ids[1], false)] {
        let end = t.write(async |tx| checks::end_unreadable_session(tx, &id.to_string()).await).await;
        assert_eq!(end, Ok(expect));
    }
    assert_eq!(sessions().await, [(ids[1].to_string(), true)]);
}

#[both_engines]
async fn a_tag_on_a_manifest_without_payload_or_without_row_is_taken_like_any_other(content: Content) {
    let t = &content.t;
    let tag = Tag::parse("1.0").unwrap();
    let take = async || t.write(async |tx| tags::take(tx, content.repository, &tag).await).await.unwrap();
    content.behind_the_constraints("DELETE FROM manifest_payloads").await;
    assert_eq!(take().await, Some(tags::TakenTag { digest: Some(digest(b"index")) }));
    content.behind_the_constraints("DELETE FROM manifests").await;
    assert_eq!(take().await, Some(tags::TakenTag { digest: None }));
    content.behind_the_constraints("DELETE FROM tags").await;
    assert_eq!(take().await, None);
}
