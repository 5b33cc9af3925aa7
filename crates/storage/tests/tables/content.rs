//! Repositories, blobs, manifests and tags: what may go, and what must stay while it is needed.

use access::id::{ManifestId, NamespaceId, RepositoryId};
use oci::{Digest, RepositoryName, Tag};
use storage::{
    db::{Constraint, DbError, Query, Tx},
    links::{self, StoredBlob},
    manifests, params, repositories, tags,
};
use testkit::{Engine, both_engines};

use crate::setting::{NOW, Tables, after, digest};

/// Tables with the repository `acme/api`.
struct Content {
    t: Tables,
    namespace: NamespaceId,
    repository: RepositoryId,
}

impl Content {
    async fn on(engine: Engine) -> Self {
        let t = Tables::on(engine).await;
        let namespace = t.namespace("acme").await;
        let repository = t.repository(namespace, "acme/api").await;
        Self { t, namespace, repository }
    }

    /// A blob that is linked in the repository.
    async fn blob(&self, bytes: &[u8]) -> Digest {
        self.link(self.repository, bytes).await;
        digest(bytes)
    }

    /// Whether the blob was new.
    async fn link(&self, repository: RepositoryId, bytes: &[u8]) -> bool {
        let blob = self.t.new_blob(bytes.len() as u64);
        let insert = async |tx: &Tx| links::insert(tx, repository, &digest(bytes), &blob, NOW).await;
        self.t.write(insert).await.unwrap().is_none()
    }

    /// An image of one layer, with a tag.
    async fn image(&self, repository: RepositoryId, layer: &Digest, tag: &str) -> ManifestId {
        let payload = format!("{{\"layers\":[\"{layer}\"]}}");
        let id = self.t.manifest(repository, payload.as_bytes()).await.id;
        let needs = async |tx: &Tx| manifests::needs_blob(tx, id, repository, layer).await;
        assert!(self.t.write(needs).await.unwrap());
        self.point(repository, tag, id).await;
        id
    }

    /// An index of one entry.
    async fn index(&self, repository: RepositoryId, entry: &Digest) -> ManifestId {
        let payload = format!("{{\"manifests\":[\"{entry}\"]}}");
        let id = self.t.manifest(repository, payload.as_bytes()).await.id;
        let needs = async |tx: &Tx| manifests::needs_manifest(tx, id, repository, entry).await;
        assert!(self.t.write(needs).await.unwrap());
        id
    }

    async fn point(&self, repository: RepositoryId, tag: &str, manifest: ManifestId) {
        let tag = Tag::parse(tag).unwrap();
        self.t.write(async |tx| tags::point(tx, repository, &tag, manifest, NOW).await).await.unwrap();
    }

    async fn delete(&self, manifest: ManifestId) -> Result<bool, DbError> {
        self.t.write(async |tx| manifests::delete(tx, manifest).await).await
    }

    async fn tags(&self) -> Vec<String> {
        tags::after(&self.t.db, self.repository, "", 100).await.unwrap()
    }

    async fn digest_of(&self, manifest: ManifestId) -> Digest {
        let sql = "SELECT digest FROM manifests WHERE id = $1";
        self.t.db.one(sql, params![manifest], |row| row.parsed(0, Digest::parse)).await.unwrap()
    }
}

#[track_caller]
fn is_refused<T: std::fmt::Debug>(outcome: Result<T, DbError>) {
    let error = outcome.unwrap_err();
    assert!(error.is_conflict(Constraint::ForeignKey), "{error:?}");
}

// --- repositories ---------------------------------------------------------------------------------------------

#[both_engines]
async fn a_repository_is_made_once(c: Content) {
    assert_eq!(c.t.repository(c.namespace, "acme/api").await, c.repository);
    assert_ne!(c.t.repository(c.namespace, "acme/web").await, c.repository);
}

#[both_engines]
async fn two_first_pushes_make_one_repository(c: Content) {
    let name = RepositoryName::parse("acme/new").unwrap();
    let ensure = async |tx: &Tx| {
        repositories::ensure(tx, RepositoryId::mint(NOW, &c.t.random), c.namespace, &name, NOW).await
    };
    let (first, second) = c.t.overlapping(ensure, ensure).await;
    assert!(first.is_some());
    assert_eq!(second, Ok(first));
}

#[both_engines]
async fn a_name_that_stands_in_another_namespace_is_not_given_out(c: Content) {
    // As if acme had been deleted and made again since the push began.
    let again = c.t.namespace("acme-again").await;
    let (id, name) = (RepositoryId::mint(NOW, &c.t.random), RepositoryName::parse("acme/api").unwrap());
    let ensured = c.t.write(async |tx| repositories::ensure(tx, id, again, &name, NOW).await).await;
    assert_eq!(ensured, Ok(None));
}

#[both_engines]
async fn a_namespace_that_is_gone_gets_no_repository(c: Content) {
    c.t.delete_namespace(c.namespace).await;
    let (id, name) = (RepositoryId::mint(NOW, &c.t.random), RepositoryName::parse("acme/api").unwrap());
    is_refused(c.t.write(async |tx| repositories::ensure(tx, id, c.namespace, &name, NOW).await).await);
}

// --- blobs ----------------------------------------------------------------------------------------------------

#[both_engines]
async fn a_blob_is_found_where_it_is_linked_and_nowhere_else(c: Content) {
    let other = c.t.repository(c.namespace, "acme/web").await;
    let blob = StoredBlob { size: i64::MAX.unsigned_abs(), ..c.t.new_blob(0) };
    let layer = digest(b"layer");
    let insert = async |tx: &Tx| links::insert(tx, c.repository, &layer, &blob, NOW).await;
    assert_eq!(c.t.write(insert).await, Ok(None));
    assert_eq!(links::linked(&c.t.db, c.repository, &layer).await, Ok(Some(blob)));
    assert_eq!(links::linked(&c.t.db, other, &layer).await, Ok(None));
    assert_eq!(links::linked(&c.t.db, c.repository, &digest(b"other")).await, Ok(None));
}

/// A push heals whatever had become of the older bytes, in each repository that links them.
#[both_engines]
async fn bytes_that_are_pushed_again_replace_the_older_ones(c: Content) {
    let (other, layer) = (c.t.repository(c.namespace, "acme/web").await, digest(b"layer"));
    let mut older: Option<StoredBlob> = None;
    for repository in [c.repository, c.repository, other] {
        let blob = c.t.new_blob(5);
        let replaced = c.t.write(async |tx| links::insert(tx, repository, &layer, &blob, NOW).await).await;
        assert_eq!(replaced, Ok(older.map(|older| older.key)));
        for repository in [c.repository, repository] {
            assert_eq!(links::linked(&c.t.db, repository, &layer).await, Ok(Some(blob.clone())));
        }
        older = Some(blob);
    }
}

/// Each key but the last is returned to the upload that replaces it, so that its bytes are removed once.
#[both_engines]
async fn two_uploads_of_the_same_bytes_leave_one_copy(c: Content) {
    let layer = digest(b"layer");
    let [one, other] = [c.t.new_blob(5), c.t.new_blob(5)];
    let replaced =
        c.t.overlapping(
            async |tx| links::insert(tx, c.repository, &layer, &one, NOW).await,
            async |tx| links::insert(tx, c.repository, &layer, &other, NOW).await,
        )
        .await;
    assert_eq!(replaced, (None, Ok(Some(one.key))));
    assert_eq!(links::linked(&c.t.db, c.repository, &layer).await, Ok(Some(other)));
}

#[both_engines]
async fn a_blob_is_taken_out_of_one_repository(c: Content) {
    let other = c.t.repository(c.namespace, "acme/web").await;
    let layer = c.blob(b"layer").await;
    c.link(other, b"layer").await;
    for expect in [true, false] {
        let unlinked = c.t.write(async |tx| links::unlink(tx, c.repository, &layer).await).await;
        assert_eq!(unlinked, Ok(expect));
    }
    assert_eq!(links::linked(&c.t.db, c.repository, &layer).await, Ok(None));
    assert!(links::linked(&c.t.db, other, &layer).await.unwrap().is_some());
}

#[both_engines]
async fn a_blob_that_a_manifest_needs_stays(c: Content) {
    let other = c.t.repository(c.namespace, "acme/web").await;
    let layer = c.blob(b"layer").await;
    c.link(other, b"layer").await;
    let image = c.image(c.repository, &layer, "1.0").await;
    assert_eq!(links::is_needed(&c.t.db, c.repository, &layer).await, Ok(true));
    is_refused(c.t.write(async |tx| links::unlink(tx, c.repository, &layer).await).await);

    assert_eq!(links::is_needed(&c.t.db, other, &layer).await, Ok(false));
    assert_eq!(c.t.write(async |tx| links::unlink(tx, other, &layer).await).await, Ok(true));

    assert_eq!(c.delete(image).await, Ok(true));
    assert_eq!(links::is_needed(&c.t.db, c.repository, &layer).await, Ok(false));
    assert_eq!(c.t.write(async |tx| links::unlink(tx, c.repository, &layer).await).await, Ok(true));
}

// --- manifests ------------------------------------------------------------------------------------------------

#[both_engines]
async fn a_manifest_comes_back_as_it_went_in_byte_for_byte(c: Content) {
    let payload: Vec<u8> = (0..=255).chain(*b"{ \"a\" :1}\r\n\0").collect();
    let mut manifest = c.t.new_manifest(&payload);
    manifest.subject = Some(digest(b"comes later or never"));
    manifest.artifact_type = "application/vnd.example+type".into();
    let insert = async |tx: &Tx| manifests::insert(tx, c.repository, &manifest, &payload).await;
    assert_eq!(c.t.write(insert).await, Ok(manifest.id));

    let found = manifests::by_digest(&c.t.db, c.repository, &manifest.digest).await.unwrap().unwrap();
    assert_eq!((found.id, &found.digest, found.size), (manifest.id, &manifest.digest, manifest.size));
    assert_eq!((found.media_type, found.artifact_type), (manifest.media_type, manifest.artifact_type));
    assert_eq!((found.subject, found.created_at), (manifest.subject, NOW));
    assert_eq!(found.created_by, manifest.created_by);
    assert_eq!(manifests::payload(&c.t.db, manifest.id).await, Ok(Some(payload)));

    let other = c.t.repository(c.namespace, "acme/web").await;
    assert!(manifests::by_digest(&c.t.db, other, &manifest.digest).await.unwrap().is_none());
    assert_eq!(manifests::payload(&c.t.db, ManifestId::mint(NOW, &c.t.random)).await, Ok(None));
}

#[both_engines]
async fn a_manifest_is_stored_once_in_a_repository(c: Content) {
    let first = c.t.manifest(c.repository, b"{}").await;
    assert_eq!(first.subject, None);
    let again = c.t.new_manifest(b"{}");
    let insert = async |tx: &Tx| manifests::insert(tx, c.repository, &again, b"{}").await;
    assert_eq!(c.t.write(insert).await, Ok(first.id));
    assert_eq!(manifests::payload(&c.t.db, again.id).await, Ok(None));
    let found = manifests::by_digest(&c.t.db, c.repository, &first.digest).await.unwrap().unwrap();
    assert_eq!((found.id, found.subject), (first.id, None));

    let other = c.t.repository(c.namespace, "acme/web").await;
    assert_ne!(c.t.manifest(other, b"{}").await.id, first.id);
}

#[both_engines]
async fn a_manifest_needs_only_what_its_repository_has(c: Content) {
    let other = c.t.repository(c.namespace, "acme/web").await;
    c.link(other, b"elsewhere").await;
    let elsewhere = c.t.manifest(other, b"elsewhere").await.digest;
    let id = c.t.manifest(c.repository, b"{}").await.id;
    for absent in [&digest(b"elsewhere"), &digest(b"nowhere")] {
        let blob = async |tx: &Tx| manifests::needs_blob(tx, id, c.repository, absent).await;
        assert_eq!(c.t.write(blob).await, Ok(false));
    }
    for absent in [&elsewhere, &digest(b"nowhere")] {
        let child = async |tx: &Tx| manifests::needs_manifest(tx, id, c.repository, absent).await;
        assert_eq!(c.t.write(child).await, Ok(false));
    }
}

#[both_engines]
async fn a_manifest_that_an_index_has_as_its_entry_stays(c: Content) {
    let layer = c.blob(b"layer").await;
    let image = c.image(c.repository, &layer, "1.0").await;
    let entry = c.digest_of(image).await;
    assert_eq!(manifests::is_needed(&c.t.db, c.repository, &entry).await, Ok(false));
    let index = c.index(c.repository, &entry).await;
    assert_eq!(manifests::is_needed(&c.t.db, c.repository, &entry).await, Ok(true));
    is_refused(c.delete(image).await);
    assert_eq!(c.tags().await, ["1.0"]);

    assert_eq!(c.delete(index).await, Ok(true));
    assert_eq!(c.delete(image).await, Ok(true));
}

#[both_engines]
async fn a_deleted_manifest_takes_its_payload_its_needs_and_its_tags_along(c: Content) {
    let layer = c.blob(b"layer").await;
    let image = c.image(c.repository, &layer, "1.0").await;
    c.point(c.repository, "latest", image).await;
    let other = c.t.manifest(c.repository, b"{}").await;
    c.point(c.repository, "other", other.id).await;

    for expect in [true, false] {
        assert_eq!(c.delete(image).await, Ok(expect));
    }
    assert_eq!(c.tags().await, ["other"]);
    assert_eq!(manifests::payload(&c.t.db, image).await, Ok(None));
    assert_eq!(links::is_needed(&c.t.db, c.repository, &layer).await, Ok(false));
    assert!(manifests::payload(&c.t.db, other.id).await.unwrap().is_some());
}

// --- what goes and what needs it, at the same time --------------------------------------------------------------

#[both_engines]
async fn a_blob_that_goes_first_is_not_needed_any_more(c: Content) {
    let layer = c.blob(b"layer").await;
    let image = c.t.manifest(c.repository, b"{}").await.id;
    let (went, needed) =
        c.t.overlapping(
            async |tx| links::unlink(tx, c.repository, &layer).await,
            async |tx| manifests::needs_blob(tx, image, c.repository, &layer).await,
        )
        .await;
    assert!(went);
    // PostgreSQL had seen the row before it went, and its constraint said no.
    match c.t.engine {
        Engine::Sqlite => assert_eq!(needed, Ok(false)),
        Engine::Postgres => is_refused(needed),
    }
    assert_eq!(links::is_needed(&c.t.db, c.repository, &layer).await, Ok(false));
}

#[both_engines]
async fn a_blob_that_is_needed_first_does_not_go(c: Content) {
    let layer = c.blob(b"layer").await;
    let image = c.t.manifest(c.repository, b"{}").await.id;
    let (is_needed, went) =
        c.t.overlapping(
            async |tx| manifests::needs_blob(tx, image, c.repository, &layer).await,
            async |tx| links::unlink(tx, c.repository, &layer).await,
        )
        .await;
    assert!(is_needed);
    is_refused(went);
    assert!(links::linked(&c.t.db, c.repository, &layer).await.unwrap().is_some());
}

#[both_engines]
async fn an_entry_that_goes_first_is_not_needed_any_more(c: Content) {
    let entry = c.t.manifest(c.repository, b"entry").await;
    let index = c.t.manifest(c.repository, b"index").await.id;
    let (went, needed) =
        c.t.overlapping(
            async |tx| manifests::delete(tx, entry.id).await,
            async |tx| manifests::needs_manifest(tx, index, c.repository, &entry.digest).await,
        )
        .await;
    assert!(went);
    match c.t.engine {
        Engine::Sqlite => assert_eq!(needed, Ok(false)),
        Engine::Postgres => is_refused(needed),
    }
    assert_eq!(manifests::is_needed(&c.t.db, c.repository, &entry.digest).await, Ok(false));
}

#[both_engines]
async fn an_entry_that_is_needed_first_does_not_go(c: Content) {
    let entry = c.t.manifest(c.repository, b"entry").await;
    let index = c.t.manifest(c.repository, b"index").await.id;
    let (is_needed, went) =
        c.t.overlapping(
            async |tx| manifests::needs_manifest(tx, index, c.repository, &entry.digest).await,
            async |tx| manifests::delete(tx, entry.id).await,
        )
        .await;
    assert!(is_needed);
    is_refused(went);
    assert!(manifests::by_digest(&c.t.db, c.repository, &entry.digest).await.unwrap().is_some());
}

#[both_engines]
async fn a_tag_does_not_point_at_a_manifest_that_went(c: Content) {
    let image = c.t.manifest(c.repository, b"{}").await.id;
    let tag = Tag::parse("1.0").unwrap();
    let (went, pointed) =
        c.t.overlapping(
            async |tx| manifests::delete(tx, image).await,
            async |tx| tags::point(tx, c.repository, &tag, image, NOW).await,
        )
        .await;
    assert!(went);
    is_refused(pointed);
    assert!(c.tags().await.is_empty());
}

// --- all at one stroke ----------------------------------------------------------------------------------------

/// Fills two repositories with blobs, images, tags, and indexes in indexes, pushed before and after each other.
async fn filled(c: &Content) -> RepositoryId {
    let other = c.t.repository(c.namespace, "acme/web").await;
    for repository in [c.repository, other] {
        for layer in [b"one", b"two"] {
            c.link(repository, layer).await;
            let image = c.image(repository, &digest(layer), "latest").await;
            let index = c.index(repository, &c.digest_of(image).await).await;
            let index_of_indexes = c.index(repository, &c.digest_of(index).await).await;
            c.point(repository, "all", index_of_indexes).await;
        }
    }
    other
}

/// How many rows stand in the tables of content, blobs aside.
async fn rows_left(c: &Content) -> i64 {
    const COUNT: &str = "SELECT CAST((SELECT COUNT(*) FROM repositories) + (SELECT COUNT(*) FROM repository_blobs) \
        + (SELECT COUNT(*) FROM manifests) + (SELECT COUNT(*) FROM manifest_payloads) \
        + (SELECT COUNT(*) FROM manifest_blobs) + (SELECT COUNT(*) FROM manifest_children) \
        + (SELECT COUNT(*) FROM tags) AS BIGINT)";
    c.t.db.list(COUNT, &[], |row| row.int(0)).await.unwrap()[0]
}

#[both_engines]
async fn a_repository_goes_at_one_stroke(c: Content) {
    let before_others = rows_left(&c).await;
    let other = filled(&c).await;
    let before = rows_left(&c).await;
    let delete = "DELETE FROM repositories WHERE id = $1";
    assert_eq!(c.t.sql(delete, c.repository.to_string()).await, Ok(1));
    assert_eq!(rows_left(&c).await * 2, before, "the other one is whole");
    assert_eq!(c.t.sql(delete, other.to_string()).await, Ok(1));
    assert_eq!(rows_left(&c).await, before_others - 1);
}

#[both_engines]
async fn a_namespace_goes_at_one_stroke(c: Content) {
    filled(&c).await;
    c.t.delete_namespace(c.namespace).await;
    assert_eq!(rows_left(&c).await, 0);
}

#[both_engines]
async fn a_blob_whose_bytes_are_linked_can_not_be_forgotten(c: Content) {
    let layer = c.blob(b"layer").await;
    let forget = "DELETE FROM blobs WHERE digest = $1";
    is_refused(c.t.sql(forget, layer.to_string()).await);
    c.t.write(async |tx| links::unlink(tx, c.repository, &layer).await).await.unwrap();
    assert_eq!(c.t.sql(forget, layer.to_string()).await, Ok(1));
}

// --- tags -----------------------------------------------------------------------------------------------------

#[both_engines]
async fn a_tag_moves(c: Content) {
    let other = c.t.repository(c.namespace, "acme/web").await;
    let [one, two] = [c.t.manifest(c.repository, b"1").await, c.t.manifest(c.repository, b"2").await];
    let elsewhere = c.t.manifest(other, b"3").await;
    c.point(other, "latest", elsewhere.id).await;
    let latest = Tag::parse("latest").unwrap();
    for (manifest, at) in [(&one, NOW), (&two, after(1)), (&two, after(2)), (&one, after(3))] {
        let point = async |tx: &Tx| tags::point(tx, c.repository, &latest, manifest.id, at).await;
        c.t.write(point).await.unwrap();
        let found = manifests::by_tag(&c.t.db, c.repository, &latest).await.unwrap().unwrap();
        assert_eq!((found.id, found.digest), (manifest.id, manifest.digest.clone()));
        let sql = "SELECT updated_at FROM tags WHERE manifest_id = $1";
        assert_eq!(c.t.db.one(sql, params![manifest.id], |row| row.instant(0)).await, Ok(at));
    }
    assert_eq!(c.tags().await, ["latest"]);
    let found = manifests::by_tag(&c.t.db, other, &latest).await.unwrap().unwrap();
    assert_eq!(found.id, elsewhere.id);
}

#[both_engines]
async fn a_tag_is_made_once(c: Content) {
    let [one, two] = [c.t.manifest(c.repository, b"1").await, c.t.manifest(c.repository, b"2").await];
    let latest = Tag::parse("latest").unwrap();
    let (first, second) =
        c.t.overlapping(
            async |tx| tags::create(tx, c.repository, &latest, one.id, NOW).await,
            async |tx| tags::create(tx, c.repository, &latest, two.id, NOW).await,
        )
        .await;
    assert_eq!((first, second), (true, Ok(false)));
    let found = manifests::by_tag(&c.t.db, c.repository, &latest).await.unwrap().unwrap();
    assert_eq!(found.id, one.id);
}

#[both_engines]
async fn a_tag_taken_is_told_as_it_stands_and_not_as_it_stood(c: Content) {
    let [one, two] = [c.t.manifest(c.repository, b"1").await, c.t.manifest(c.repository, b"2").await];
    let latest = Tag::parse("latest").unwrap();
    let take = async |tx: &Tx| tags::take(tx, c.repository, &latest).await;
    assert_eq!(c.t.write(take).await, Ok(None));
    c.point(c.repository, "latest", one.id).await;
    let (_, taken) =
        c.t.overlapping(async |tx| tags::point(tx, c.repository, &latest, two.id, after(1)).await, take)
            .await;
    assert_eq!(taken, Ok(Some(tags::TakenTag { digest: Some(two.digest) })));
    let sql = "SELECT updated_at FROM tags WHERE manifest_id = $1";
    assert_eq!(c.t.db.one(sql, params![two.id], |row| row.instant(0)).await, Ok(after(1)), "only taken");
}

#[both_engines]
async fn a_manifest_taken_is_pointed_at_by_nobody_else(c: Content) {
    let image = c.t.manifest(c.repository, b"{}").await;
    let take = async |tx: &Tx| manifests::take(tx, c.repository, &image.digest).await;
    assert_eq!(c.t.write(take).await, Ok(Some(image.id)));
    for tag in ["b", "a", "c"] {
        c.point(c.repository, tag, image.id).await;
    }
    assert_eq!(tags::of_manifest(&c.t.db, image.id, "", 2).await.unwrap(), ["a", "b"]);
    assert_eq!(tags::of_manifest(&c.t.db, image.id, "b", 2).await.unwrap(), ["c"]);
    let (_, taken) = c.t.overlapping(async |tx| manifests::delete(tx, image.id).await, take).await;
    assert_eq!(taken, Ok(None));
}

#[both_engines]
async fn a_deleted_tag_leaves_its_manifest(c: Content) {
    let image = c.t.manifest(c.repository, b"{}").await;
    c.point(c.repository, "1.0", image.id).await;
    c.point(c.repository, "1.1", image.id).await;
    let tag = Tag::parse("1.0").unwrap();
    for expect in [true, false] {
        assert_eq!(c.t.write(async |tx| tags::delete(tx, c.repository, &tag).await).await, Ok(expect));
    }
    assert_eq!(c.tags().await, ["1.1"]);
    assert!(manifests::by_tag(&c.t.db, c.repository, &tag).await.unwrap().is_none());
    assert!(manifests::by_digest(&c.t.db, c.repository, &image.digest).await.unwrap().is_some());
}

#[both_engines]
async fn tags_are_paged_in_the_order_of_their_bytes(c: Content) {
    // A dictionary would mix the cases and leave out the signs.
    let ordered = ["1.0", "1.0-a", "10", "B", "_", "a", "a-b", "a.b", "aB", "ab"];
    let image = c.t.manifest(c.repository, b"{}").await.id;
    for tag in ["ab", "_", "a", "B", "10", "1.0", "a.b", "a-b", "1.0-a", "aB"] {
        c.point(c.repository, tag, image).await;
    }
    let other = c.t.repository(c.namespace, "acme/web").await;
    let elsewhere = c.t.manifest(other, b"{}").await.id;
    c.point(other, "elsewhere", elsewhere).await;
    for (after, limit, expect) in [
        ("", 100, &ordered[..]),
        ("", 3, &ordered[..3]),
        ("B", 2, &ordered[4..6]),
        ("Z", 1, &ordered[4..5]),
        ("ab", 9, &[]),
        ("", 0, &[]),
    ] {
        assert_eq!(tags::after(&c.t.db, c.repository, after, limit).await.unwrap(), expect, "{after}");
    }
}
