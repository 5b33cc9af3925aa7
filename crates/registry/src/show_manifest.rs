//! Looking at manifests as people do: what they say, for which machines they are, how much they weigh. Looking is no
//! pull, and counts as none.

use access::time::Instant;
use futures_util::{StreamExt, TryStreamExt, stream};
use oci::{Descriptor, Kind, Manifest, ManifestError, Platform, media_type::IMAGE_CONFIGS};
use storage::{
    blobs::Range,
    links,
    manifests::{self, StoredManifest, TaggedManifest},
    tags,
};

use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
    list_tags::ListTags,
    manage::Page,
    pull::PullManifest,
};

/// The largest configuration, and in lists the largest manifest, that is read for its platform, in bytes: real ones have
/// a few thousand.
const MAX_LOOKED_INTO_BYTES: u64 = 256 * 1024;
/// A document counts three times while it is shown: its bytes, and what is read of them.
const COPIES_OF_A_LOOK: usize = 3;
/// How many tags and entries of one manifest are shown.
const MAX_SHOWN: i64 = 200;
/// How many manifests of a list are looked into at the same time.
const LOOKED_INTO_AT_ONCE: usize = 8;

/// A stored manifest that was read, with the platforms of its entries or its own.
type Looked = (Result<Manifest, ManifestError>, Vec<Option<Platform>>);

/// A manifest as people look at it.
#[derive(Debug)]
pub struct ShownManifest {
    /// What is kept of it.
    pub stored: StoredManifest,
    /// What it says.
    pub manifest: Manifest,
    /// For which machines it is: one for each entry of an index, or one for an image; `None` where it doesn't say.
    pub platforms: Vec<Option<Platform>>,
    /// Bytes of all blobs that it, or an entry of it, needs.
    pub content_bytes: u64,
    /// The tags that point at it, by name; not more than 200.
    pub tags: Vec<String>,
    /// Of an index: the manifests among its entries with their bytes; not more than 200.
    pub entries: Vec<(StoredManifest, u64)>,
}

/// A tag as people look at it.
#[derive(Debug)]
pub struct ShownTag {
    /// Its name.
    pub name: String,
    /// When it began to point there.
    pub updated_at: Instant,
    /// The manifest that it points at.
    pub manifest: StoredManifest,
    /// Bytes of all blobs that the manifest, or an entry of it, needs.
    pub content_bytes: u64,
    /// For which machines it is, as far as it says so.
    pub platforms: Vec<Platform>,
}

impl Registry {
    /// The manifest that the grant names, with what is around it.
    pub async fn show_manifest(&self, grant: &Grant<PullManifest>) -> Result<ShownManifest, ContentError> {
        let stored = self.find_manifest(grant).await?;
        let (manifest, platforms) = self.look_into(grant, &stored).await?.ok_or_else(|| {
            let PullManifest { repository, reference } = grant.ask.clone();
            ContentError::ManifestUnknown { repository, reference }
        })?;
        let manifest = manifest?;
        let content_bytes = manifests::content_bytes(&self.db, stored.id).await?;
        let tags = tags::of_manifest(&self.db, stored.id, "", MAX_SHOWN).await?;
        let entries = manifests::entries(&self.db, stored.id, MAX_SHOWN).await?;
        Ok(ShownManifest { stored, manifest, platforms, content_bytes, tags, entries })
    }

    /// At most `limit` tags behind `after` with the manifests that they point at, in the order of their bytes.
    pub async fn show_tagged(
        &self,
        grant: &Grant<ListTags>,
        after: &str,
        limit: u32,
    ) -> Result<Page<ShownTag>, ContentError> {
        let absent = || ContentError::RepositoryUnknown(grant.ask.repository.clone());
        let id = grant.repository().ok_or_else(absent)?;
        let found = manifests::tagged(&self.db, id, after, i64::from(limit) + 1).await?;
        let Page { items, next } = Page::of(found, limit, |tagged| &tagged.tag);
        let shown =
            stream::iter(items).map(|tagged| self.look_at(grant, tagged)).buffered(LOOKED_INTO_AT_ONCE);
        Ok(Page { items: shown.try_collect().await?, next })
    }

    async fn look_at(
        &self,
        grant: &Grant<ListTags>,
        TaggedManifest { tag, updated_at, manifest, content_bytes }: TaggedManifest,
    ) -> Result<ShownTag, ContentError> {
        let mut platforms = Vec::new();
        if manifest.size <= MAX_LOOKED_INTO_BYTES
            && let Some((_, found)) = self.look_into(grant, &manifest).await?
        {
            platforms.extend(found.into_iter().flatten());
        }
        Ok(ShownTag { name: tag, updated_at, manifest, content_bytes, platforms })
    }

    /// What a stored manifest says, and for which machines it is; `None` if its payload is gone.
    async fn look_into<A: Ask>(
        &self,
        grant: &Grant<A>,
        stored: &StoredManifest,
    ) -> Result<Option<Looked>, ContentError> {
        let mut held = self.memory.reservation(grant.memory_holder());
        let bytes = usize::try_from(stored.size).unwrap_or(usize::MAX);
        held.grow(bytes.saturating_mul(COPIES_OF_A_LOOK))?;
        let Some(payload) = manifests::payload(&self.db, stored.id).await? else { return Ok(None) };
        let media_type = stored.media_type.clone();
        let read = move || {
            let manifest = Manifest::parse(Some(&media_type), &payload);
            let of_entries = match &manifest {
                Ok(Manifest { kind: Kind::Index { .. }, .. }) => Platform::of_entries(&payload),
                _ => Vec::new(),
            };
            (manifest, of_entries)
        };
        let (manifest, of_entries) = self.memory.parse(bytes, read).await;
        let platforms = match &manifest {
            Ok(Manifest { kind: Kind::Image { config, .. }, .. }) => {
                vec![self.platform(grant, config).await?]
            }
            _ => of_entries,
        };
        Ok(Some((manifest, platforms)))
    }

    /// The platform that an image's configuration names.
    async fn platform<A: Ask>(
        &self,
        grant: &Grant<A>,
        config: &Descriptor,
    ) -> Result<Option<Platform>, ContentError> {
        let Some(repository) =
            grant.repository().filter(|_| IMAGE_CONFIGS.contains(&config.media_type.as_str()))
        else {
            return Ok(None);
        };
        let found = links::linked(&self.db, repository, &config.digest).await?;
        let Some(blob) = found.filter(|blob| blob.size <= MAX_LOOKED_INTO_BYTES) else { return Ok(None) };
        let mut held = self.memory.reservation(grant.memory_holder());
        let bytes = usize::try_from(blob.size).unwrap_or(usize::MAX);
        held.grow(bytes.saturating_mul(COPIES_OF_A_LOOK))?;
        let whole = Range { start: 0, length: blob.size };
        // A damaged file is an error for a client that pulls it; the page is shown without the platform.
        let Ok(reading) = self.blobs.read(&blob.key, Some(whole)).await else { return Ok(None) };
        let pieces: Vec<bytes::Bytes> = reading.bytes.try_collect().await.unwrap_or_default();
        let config = pieces.concat();
        Ok(self.memory.parse(bytes, move || Platform::of_config(&config)).await)
    }
}
