//! Push of manifests: the transaction that makes an image visible (OCI distribution 1.1, "Pushing Manifests").

use std::collections::BTreeMap;

use access::{
    id::{ManifestId, NamespaceId, RepositoryId},
    operation::Operation,
    time::Instant,
};
use bytes::Bytes;
use oci::{
    Algorithm, Call, Digest, Link, LinkKind, Manifest, Reference, RepositoryName, Tag, manifest::MAX_LINKS,
};
use storage::{
    db::{DbError, Tx, retried},
    links,
    manifests::{self, StoredManifest},
    repositories, tags,
};

use crate::{
    Registry,
    content::ContentError,
    digesting::digest_of,
    expected::Expected,
    grant::{Ask, Grant},
    memory::HeldBytes,
    usage::Done,
};

/// The longest annotations that a list of referrers repeats, in bytes of JSON: a page of them has to stay one. Longer
/// ones are left to whoever pulls the manifest.
const MAX_LISTED_ANNOTATIONS_BYTES: usize = 64 * 1024;

/// A manifest counts three times while it is stored: its bytes, what was read of them, and the copy that the
/// database takes.
const COPIES_OF_A_PUSH: usize = 3;

/// Push a manifest under a tag or its digest.
#[derive(Debug, Clone)]
pub struct PushManifest {
    /// Where to.
    pub repository: RepositoryName,
    /// Under what.
    pub reference: Reference,
}

impl Ask for PushManifest {
    fn operation(&self) -> Operation {
        let Self { repository, reference } = self.clone();
        Operation::Oci(Call::PushManifest { repository, reference })
    }
}

/// A manifest that is now visible.
#[derive(Debug)]
pub struct PushedManifest {
    /// Its digest.
    pub digest: Digest,
    /// The digest of the manifest that it is about, for `OCI-Subject`.
    pub subject: Option<Digest>,
}

/// A manifest that was read: what is written of it, and the bytes themselves.
struct ReadManifest {
    manifest: Manifest,
    digest: Digest,
    annotations: String,
    payload: Bytes,
}

impl Registry {
    /// Makes the manifest visible, byte for byte, once everything that it needs is in the repository, where the
    /// reference leads to what is expected.
    pub async fn push_manifest(
        &self,
        grant: &Grant<PushManifest>,
        content_type: Option<&str>,
        mut payload: HeldBytes,
        expected: &Expected,
        now: Instant,
    ) -> Result<PushedManifest, ContentError> {
        payload.count_copies(COPIES_OF_A_PUSH)?;
        let HeldBytes { bytes, reservation: _held } = payload;
        let read = self.read(grant.ask.reference.clone(), content_type.map(str::to_owned), bytes).await?;
        retried(|| async {
            let tx = self.db.begin().await?;
            self.push_in(&tx, grant, &read, expected, now).await?;
            Ok::<_, ContentError>(tx.commit().await?)
        })
        .await?;
        self.usage.count(grant.principal(), &grant.origin, Done::Push, now);
        let subject = read.manifest.subject.map(|subject| subject.digest);
        Ok(PushedManifest { digest: read.digest, subject })
    }

    /// Reads the manifest as it was sent under `reference`.
    async fn read(
        &self,
        reference: Reference,
        content_type: Option<String>,
        payload: Bytes,
    ) -> Result<ReadManifest, ContentError> {
        let length = payload.len();
        let read = move || {
            let digest = kept_under(&payload, &reference)?;
            let manifest = Manifest::parse(content_type.as_deref(), &payload)?;
            check_number_of_links(&manifest)?;
            let annotations = annotations_of(&manifest);
            Ok(ReadManifest { manifest, digest, annotations, payload })
        };
        self.memory.parse(length, read).await
    }

    async fn push_in(
        &self,
        tx: &Tx,
        grant: &Grant<PushManifest>,
        read: &ReadManifest,
        expected: &Expected,
        now: Instant,
    ) -> Result<(), ContentError> {
        let PushManifest { repository, reference } = &grant.ask;
        let rights = grant.still_holds(tx, now).await?;
        let namespace = self.ensure_namespace(tx, grant, &rights, repository, now).await?;
        let id = self.ensure_repository(tx, grant, namespace, repository, now).await?;
        let (manifest, is_new) = self.store(tx, grant, id, read, now).await?;
        let (is_there, before) = match reference {
            Reference::Tag(tag) => {
                let taken = tags::take(tx, id, tag).await?;
                (taken.is_some(), taken.and_then(|taken| taken.digest))
            }
            Reference::Digest(digest) => (!is_new, (!is_new).then(|| digest.clone())),
        };
        expected.check(tx, grant, (repository, reference), before.as_ref(), now).await?;
        if let Reference::Tag(tag) = reference {
            point(tx, id, tag, manifest, is_there, now).await?;
        }
        let mut record = grant.record("manifest.pushed", format!("{repository}{}", suffix(reference)));
        let told = |digest: &Digest| serde_json::json!({ "digest": digest.as_str() }).to_string();
        record.namespace_id = namespace.to_string();
        record.before = before.as_ref().map(told).unwrap_or_default();
        record.after = told(&read.digest);
        Ok(self.write_history(tx, &record, now).await?)
    }

    /// Keeps the manifest with what it needs, where it is not here yet; answers its id, and whether it is new.
    async fn store(
        &self,
        tx: &Tx,
        grant: &Grant<PushManifest>,
        repository: RepositoryId,
        ReadManifest { manifest, digest, annotations, payload }: &ReadManifest,
        now: Instant,
    ) -> Result<(ManifestId, bool), ContentError> {
        let stored = StoredManifest {
            id: ManifestId::mint(now, self.random.as_ref()),
            digest: digest.clone(),
            media_type: manifest.media_type.clone(),
            size: payload.len() as u64,
            artifact_type: manifest.artifact_type.clone().unwrap_or_default(),
            subject: manifest.subject.as_ref().map(|subject| subject.digest.clone()),
            annotations: annotations.clone(),
            created_at: now,
            created_by: grant.principal().to_string(),
        };
        let id = manifests::insert(tx, repository, &stored, payload).await?;
        if id == stored.id {
            need_all(tx, &grant.ask.repository, repository, id, manifest).await?;
            return Ok((id, true));
        }
        // Bytes that don't say their own type could be pushed as either; they are served as one.
        let here = manifests::by_digest(tx, repository, digest).await?.ok_or(DbError::NoRow)?;
        if here.media_type == stored.media_type {
            return Ok((id, false));
        }
        let (digest, pushed) = (digest.clone(), stored.media_type);
        Err(ContentError::OtherType { digest, here: here.media_type, pushed })
    }

    /// The repository, made now where this is its first push.
    pub(crate) async fn ensure_repository<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        namespace: NamespaceId,
        repository: &RepositoryName,
        now: Instant,
    ) -> Result<RepositoryId, ContentError> {
        let new = RepositoryId::mint(now, self.random.as_ref());
        let id = repositories::ensure(tx, new, namespace, repository, now)
            .await
            .map_err(|error| ContentError::of_first_row(error, repository))?
            .ok_or_else(|| ContentError::RepositoryUnknown(repository.clone()))?;
        if id == new {
            let mut record = grant.record("repository.created", repository.to_string());
            record.namespace_id = namespace.to_string();
            self.write_history(tx, &record, now).await?;
        }
        Ok(id)
    }
}

/// Has the tag point at the manifest. One that was not there is made and never moved: where somebody else made it in
/// the meantime, the transaction begins again and sees so.
async fn point(
    tx: &Tx,
    repository: RepositoryId,
    tag: &Tag,
    manifest: ManifestId,
    is_there: bool,
    now: Instant,
) -> Result<(), DbError> {
    if is_there {
        return tags::point(tx, repository, tag, manifest, now).await;
    }
    if tags::create(tx, repository, tag, manifest, now).await? { Ok(()) } else { Err(DbError::Serialization) }
}

/// The annotations as they are kept beside the manifest, or nothing.
fn annotations_of(manifest: &Manifest) -> String {
    if manifest.annotations.is_empty() {
        return String::new();
    }
    let json = serde_json::json!(manifest.annotations).to_string();
    if json.len() <= MAX_LISTED_ANNOTATIONS_BYTES { json } else { String::new() }
}

fn suffix(reference: &Reference) -> String {
    match reference {
        Reference::Tag(tag) => format!(":{tag}"),
        Reference::Digest(digest) => format!("@{digest}"),
    }
}

/// The digest that the manifest is kept under: the one in the path, which must be right, or its sha256.
fn kept_under(payload: &[u8], reference: &Reference) -> Result<Digest, ContentError> {
    let Reference::Digest(expected) = reference else { return Ok(digest_of(payload, Algorithm::Sha256)) };
    let computed = digest_of(payload, expected.algorithm());
    if computed == *expected {
        Ok(computed)
    } else {
        Err(ContentError::ManifestDigest { expected: expected.clone(), computed })
    }
}

/// A transaction is held while they are tied, and on SQLite everybody waits for it.
fn check_number_of_links(manifest: &Manifest) -> Result<(), ContentError> {
    let listed = manifest.links().count();
    if listed > MAX_LINKS { Err(ContentError::TooManyLinks { listed, limit: MAX_LINKS }) } else { Ok(()) }
}

/// Ties the manifest to everything that it needs, so that none of it can be removed while the manifest stands
/// (DESIGN §5, 2). Each digest once, however often it is listed.
async fn need_all(
    tx: &Tx,
    repository: &RepositoryName,
    repository_id: RepositoryId,
    manifest_id: ManifestId,
    manifest: &Manifest,
) -> Result<(), ContentError> {
    let mut tied = BTreeMap::new();
    for link in manifest.links() {
        let digest = &link.descriptor.digest;
        let size = match tied.get(digest.as_str()) {
            Some(size) => Some(*size),
            None => tie(tx, repository_id, manifest_id, &link).await?,
        };
        match size {
            Some(actual) if actual != link.descriptor.size => {
                let stated = link.descriptor.size;
                return Err(ContentError::SizeInvalid { digest: digest.clone(), stated, actual });
            }
            Some(actual) => {
                tied.insert(digest.as_str(), actual);
            }
            // A layer that lies elsewhere: it may be absent, and is never fetched.
            None if link.may_be_absent => {}
            None => {
                let what = match link.what {
                    LinkKind::Config => "config",
                    LinkKind::Layer => "layer",
                    LinkKind::Entry => "entry",
                };
                let repository = repository.clone();
                return Err(ContentError::ManifestNeeds { what, digest: digest.clone(), repository });
            }
        }
    }
    Ok(())
}

/// Ties one link, and answers the size of what it leads to; `None` where that is not in the repository.
async fn tie(
    tx: &Tx,
    repository: RepositoryId,
    manifest: ManifestId,
    link: &Link<'_>,
) -> Result<Option<u64>, ContentError> {
    let digest = &link.descriptor.digest;
    if link.what == LinkKind::Entry
        && let Some(child) = manifests::by_digest(tx, repository, digest).await?
    {
        let is_tied = manifests::needs_manifest(tx, manifest, repository, digest).await;
        return Ok(there(is_tied)?.then_some(child.size));
    }
    let Some(blob) = links::linked(tx, repository, digest).await? else { return Ok(None) };
    let is_tied = manifests::needs_blob(tx, manifest, repository, digest).await;
    Ok(there(is_tied)?.then_some(blob.size))
}

/// Whether what was found a moment ago could be tied. Where it went in between SQLite finds nothing to tie, and
/// PostgreSQL a key without its row.
fn there(is_tied: Result<bool, DbError>) -> Result<bool, DbError> {
    match is_tied {
        Err(DbError::Conflict { .. }) => Ok(false),
        other => other,
    }
}
