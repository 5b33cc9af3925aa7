//! Repositories as they are listed and removed; and what is about a manifest.

use access::{
    id::{NamespaceId, RepositoryId},
    role::Role,
};
use oci::Digest;
use storage::{
    links,
    manifests::{self, StoredManifest},
    repositories::{self, Content, Which},
    tags,
};
use testkit::both_engines;

use crate::setting::{NOW, Tables, after, digest};

async fn names(t: &Tables, which: Which, after: &str, limit: i64) -> Vec<String> {
    let listed = repositories::list(&t.db, which, after, limit).await.unwrap();
    listed.into_iter().map(|repository| repository.name.to_string()).collect()
}

async fn make_public(t: &Tables, namespace: NamespaceId) {
    t.sql("UPDATE namespaces SET visibility = 'public' WHERE id = $1", namespace.to_string()).await.unwrap();
}

#[both_engines]
async fn a_user_pulls_by_a_role_by_a_team_or_because_anyone_may(t: Tables) {
    let anna = t.user("anna").await;
    let mut ids = Vec::new();
    for name in ["own", "team", "both", "public", "private"] {
        let namespace = t.namespace(name).await;
        t.repository(namespace, &format!("{name}/api")).await;
        ids.push(namespace);
    }
    t.member(ids[0], anna, Role::Reader).await;
    t.team("devs", anna, ids[1], Role::Reader).await;
    t.member(ids[2], anna, Role::Reader).await;
    make_public(&t, ids[2]).await;
    make_public(&t, ids[3]).await;
    let seen = names(&t, Which::PulledBy(anna), "", 10).await;
    assert_eq!(seen, ["both/api", "own/api", "public/api", "team/api"]);
    assert_eq!(names(&t, Which::PulledBy(t.new_user("nobody").id), "", 10).await, ["both/api", "public/api"]);
    assert_eq!(names(&t, Which::All, "", 10).await.len(), 5);
    assert_eq!(names(&t, Which::Of(ids[4]), "", 10).await, ["private/api"]);
}

#[both_engines]
async fn repositories_are_paged_in_the_order_of_their_bytes(t: Tables) {
    // A dictionary would leave the signs out.
    let ordered = ["a", "a/b", "a/b-c", "a/b.c", "a/b/c", "a/b0", "a/b_c", "a/bc"];
    let (namespace, anna) = (t.namespace("a").await, t.user("anna").await);
    t.member(namespace, anna, Role::Reader).await;
    for name in ordered.iter().rev() {
        t.repository(namespace, name).await;
    }
    for which in [Which::All, Which::Of(namespace), Which::PulledBy(anna)] {
        assert_eq!(names(&t, which, "", 100).await, ordered);
        assert_eq!(names(&t, which, "a/b.c", 2).await, ordered[4..6]);
        assert_eq!(names(&t, which, "a/b!", 1).await, ordered[2..3]);
        assert_eq!(names(&t, which, "a/bc", 2).await, [""; 0]);
    }
}

#[both_engines]
async fn a_repository_tells_of_its_namespace(t: Tables) {
    let namespace = t.namespace("acme").await;
    let id = t.repository(namespace, "acme/api").await;
    let read = async || repositories::by_id(&t.db, id).await.unwrap().unwrap();
    let before = read().await;
    assert_eq!((before.id, before.name.as_str(), before.namespace.as_str()), (id, "acme/api", "acme"));
    assert_eq!((before.is_public, before.is_of_user, before.created_at), (false, false, NOW));
    make_public(&t, namespace).await;
    t.sql("UPDATE namespaces SET owner_user_id = 'somebody' WHERE id = $1", namespace.to_string())
        .await
        .unwrap();
    let after = read().await;
    assert_eq!((after.is_public, after.is_of_user), (true, true));
    assert!(repositories::by_id(&t.db, RepositoryId::mint(NOW, &t.random)).await.unwrap().is_none());
}

async fn content(t: &Tables, id: RepositoryId) -> (i64, i64, i64) {
    let Content { tags, manifests, bytes } = repositories::content(&t.db, id).await.unwrap();
    (tags, manifests, bytes)
}

#[both_engines]
async fn a_repository_goes_with_all_that_is_in_it_and_leaves_the_others_alone(t: Tables) {
    let namespace = t.namespace("acme").await;
    let (api, web) = (t.repository(namespace, "acme/api").await, t.repository(namespace, "acme/web").await);
    for repository in [api, web] {
        let layer = digest(b"layer");
        let blob = t.new_blob(1000);
        t.write(async |tx| links::insert(tx, repository, &layer, &blob, NOW).await).await.unwrap();
        let image = t.manifest(repository, b"image").await;
        let index = t.manifest(repository, b"the index").await;
        let tag = oci::Tag::parse("1.0").unwrap();
        t.write(async |tx| {
            assert!(manifests::needs_blob(tx, image.id, repository, &layer).await?);
            assert!(manifests::needs_manifest(tx, index.id, repository, &image.digest).await?);
            tags::point(tx, repository, &tag, index.id, NOW).await
        })
        .await
        .unwrap();
    }
    assert_eq!((content(&t, api).await, content(&t, web).await), ((1, 2, 1014), (1, 2, 1014)));
    assert_eq!(t.write(async |tx| repositories::delete(tx, api).await).await, Ok(true));
    assert_eq!((content(&t, api).await, content(&t, web).await), ((0, 0, 0), (1, 2, 1014)));
    assert_eq!(names(&t, Which::All, "", 10).await, ["acme/web"]);
    assert_eq!(t.write(async |tx| repositories::delete(tx, api).await).await, Ok(false));
}

#[both_engines]
async fn tags_and_manifests_are_listed_page_by_page(t: Tables) {
    let namespace = t.namespace("acme").await;
    let repository = t.repository(namespace, "acme/api").await;
    let mut digests = Vec::new();
    for tag in ["b", "B", "_"] {
        let manifest = t.manifest(repository, tag.as_bytes()).await;
        let name = oci::Tag::parse(tag).unwrap();
        t.write(async |tx| tags::point(tx, repository, &name, manifest.id, NOW).await).await.unwrap();
        digests.push((tag.to_owned(), manifest.digest));
    }
    let tags = async |after: &str| {
        let listed = tags::with_digests(&t.db, repository, after, 2).await.unwrap();
        listed.into_iter().map(|tag| (tag.name, tag.digest)).collect::<Vec<_>>()
    };
    digests.reverse();
    assert_eq!(tags("").await, [digests[1].clone(), digests[0].clone()]);
    assert_eq!(tags("_").await, [digests[2].clone()]);

    let mut all: Vec<_> = digests.into_iter().map(|(_, digest)| digest.to_string()).collect();
    all.sort();
    let manifests = async |after: &str| {
        let listed = manifests::after(&t.db, repository, after, 2).await.unwrap();
        listed.into_iter().map(|manifest| manifest.digest.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(manifests("").await, all[..2]);
    assert_eq!(manifests(&all[1]).await, all[2..]);
}

#[both_engines]
async fn repositories_are_listed_with_what_is_in_each(t: Tables) {
    let (acme, other) = (t.namespace("acme").await, t.namespace("other").await);
    for (namespace, name) in
        [(acme, "acme/web"), (acme, "acme/api"), (acme, "acme/none"), (other, "other/api")]
    {
        let repository = t.repository(namespace, name).await;
        if name == "acme/none" {
            continue;
        }
        let (layer, blob) = (digest(b"layer"), t.new_blob(1000));
        t.write(async |tx| links::insert(tx, repository, &layer, &blob, NOW).await).await.unwrap();
        let image = t.manifest(repository, b"image").await;
        let tag = oci::Tag::parse("1.0").unwrap();
        t.write(async |tx| tags::point(tx, repository, &tag, image.id, after(3)).await).await.unwrap();
    }
    let listed = async |after: &str, limit| {
        let listed = repositories::with_content(&t.db, acme, after, limit).await.unwrap();
        let listed = listed.into_iter().map(|one| {
            (one.name.to_string(), one.content.tags, one.content.manifests, one.content.bytes, one.pushed_at)
        });
        listed.collect::<Vec<_>>()
    };
    let full = |name: &str| (name.to_owned(), 1, 1, 1005, Some(after(3)));
    let none = ("acme/none".to_owned(), 0, 0, 0, None);
    assert_eq!(listed("", 10).await, [full("acme/api"), none.clone(), full("acme/web")]);
    assert_eq!(listed("acme/api", 1).await, [none]);
}

#[both_engines]
async fn a_blob_counts_once_in_what_a_manifest_needs(t: Tables) {
    let namespace = t.namespace("acme").await;
    let repository = t.repository(namespace, "acme/api").await;
    let (shared, own) = (digest(b"shared"), digest(b"own"));
    for (digest, size) in [(&shared, 1000), (&own, 10)] {
        let blob = t.new_blob(size);
        t.write(async |tx| links::insert(tx, repository, digest, &blob, NOW).await).await.unwrap();
    }
    let (small, large) = (t.manifest(repository, b"small").await, t.manifest(repository, b"large").await);
    let index = t.manifest(repository, b"the index").await;
    let tag = oci::Tag::parse("all").unwrap();
    t.write(async |tx| {
        for (manifest, needed) in [(&small, &shared), (&large, &shared), (&large, &own)] {
            assert!(manifests::needs_blob(tx, manifest.id, repository, needed).await?);
        }
        for entry in [&small, &large] {
            assert!(manifests::needs_manifest(tx, index.id, repository, &entry.digest).await?);
        }
        tags::point(tx, repository, &tag, index.id, after(1)).await
    })
    .await
    .unwrap();
    for (manifest, bytes) in [(&small, 1000), (&large, 1010), (&index, 1010)] {
        assert_eq!(manifests::content_bytes(&t.db, manifest.id).await, Ok(bytes));
    }
    let mut expected = [(small.digest, 1000), (large.digest, 1010)];
    expected.sort_by_key(|(digest, _)| digest.to_string());
    let entries = manifests::entries(&t.db, index.id, 10).await.unwrap();
    let entries: Vec<_> = entries.into_iter().map(|(manifest, bytes)| (manifest.digest, bytes)).collect();
    assert_eq!(entries, expected);
    let [tagged] = manifests::tagged(&t.db, repository, "", 10).await.unwrap().try_into().unwrap();
    assert_eq!((tagged.tag.as_str(), tagged.updated_at, tagged.content_bytes), ("all", after(1), 1010));
    assert_eq!(tagged.manifest.digest, index.digest);
    assert!(manifests::tagged(&t.db, repository, "all", 10).await.unwrap().is_empty());
    assert_eq!(tags::of_manifest(&t.db, index.id, "", 10).await, Ok(vec!["all".to_owned()]));
    assert_eq!(tags::of_manifest(&t.db, large.id, "", 10).await, Ok(vec![]));
}

async fn about(t: &Tables, repository: RepositoryId, payload: &str, subject: &Digest, kind: &str) -> Digest {
    let manifest = StoredManifest {
        subject: Some(subject.clone()),
        artifact_type: kind.to_owned(),
        annotations: format!("{{\"of\":\"{payload}\"}}"),
        ..t.new_manifest(payload.as_bytes())
    };
    let insert = t.write(async |tx| manifests::insert(tx, repository, &manifest, payload.as_bytes()).await);
    assert_eq!(insert.await, Ok(manifest.id));
    manifest.digest
}

#[both_engines]
async fn referrers_are_found_by_what_they_are_about_and_by_their_type(t: Tables) {
    let namespace = t.namespace("acme").await;
    let (api, web) = (t.repository(namespace, "acme/api").await, t.repository(namespace, "acme/web").await);
    // The subject need not be there.
    let (image, other) = (digest(b"image"), digest(b"other image"));
    let mut signatures = [
        about(&t, api, "first", &image, "application/sig").await,
        about(&t, api, "second", &image, "application/sig").await,
    ];
    let sbom = about(&t, api, "third", &image, "application/sbom").await;
    about(&t, api, "fourth", &other, "application/sig").await;
    about(&t, web, "fifth", &image, "application/sig").await;
    t.manifest(api, b"about nothing").await;
    signatures.sort_by_key(Digest::to_string);
    let mut all = [signatures[0].clone(), signatures[1].clone(), sbom.clone()];
    all.sort_by_key(Digest::to_string);

    let list = async |kind: &str, after: &str, limit: i64| {
        let listed = manifests::referrers(&t.db, api, &image, kind, after, limit).await.unwrap();
        listed.into_iter().map(|manifest| manifest.digest).collect::<Vec<_>>()
    };
    assert_eq!(list("", "", 10).await, all);
    assert_eq!(list("", all[0].as_str(), 1).await, all[1..2]);
    assert_eq!(list("application/sig", "", 10).await, signatures);
    assert_eq!(list("application/sbom", "", 10).await, [sbom]);
    assert_eq!(list("application/none", "", 10).await, []);
    let first = manifests::referrers(&t.db, web, &image, "", "", 10).await.unwrap().remove(0);
    assert_eq!(first.annotations, "{\"of\":\"fifth\"}");
}
