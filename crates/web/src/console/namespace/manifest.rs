//! A manifest: what it is made of, and what is about it.

use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use maud::{Markup, html};
use oci::{Descriptor, Digest, Kind as Shape, Reference, RepositoryName, Tag, media_type::MANIFESTS};
use registry::{ContentError, DeleteManifest, ListReferrers, PullManifest, ShownManifest, StoredManifest};

use super::{
    around,
    kind::Kind,
    manifests,
    path::{self, InPath},
    repository::{link_to, platforms, short},
};
use crate::{
    app::App,
    console::{
        Answered, address,
        error::ConsoleError,
        parts::{self, When},
        visitor::Visitor,
        wording,
    },
    public_host::PublicHost,
};

/// Layers, entries of an index, manifests about it, and annotations that are shown: the page is below 50 KB also where
/// every name on it is as long as they get.
const SHOWN_LAYERS: usize = 40;
const SHOWN_ENTRIES: usize = 25;
const SHOWN_ABOUT: u32 = 15;
const SHOWN_ANNOTATIONS: usize = 15;
/// Tags that are named among the facts.
const NAMED_TAGS: usize = 10;
/// The longest text of an annotation that is shown, in characters.
const SHOWN_TEXT_CHARACTERS: usize = 100;

/// A manifest with everything around it.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    AskedTag(asked_tag): AskedTag,
    host: PublicHost,
) -> Answered {
    let (repository, digest) = (path.repository()?, path.digest()?);
    let reference = Reference::Digest(digest.clone());
    let ask = PullManifest { repository: repository.clone(), reference: reference.clone() };
    let grant = visitor.may(&app, ask).await?;
    let shown = app.registry().show_manifest(&grant).await?;
    let tag = match asked_tag {
        Some(tag) if shown.tags.iter().any(|shown| shown == tag.as_str()) => Some(tag.to_string()),
        Some(tag) if points_here(&app, &visitor, &repository, &tag, &digest).await? => Some(tag.to_string()),
        _ => shown.tags.first().cloned(),
    };
    let about = about_it(&app, &visitor, &repository, &digest).await?;
    let may_delete =
        visitor.could(&app, DeleteManifest { repository: repository.clone(), reference }).await?;
    let kind = Kind::of_read(&shown.stored, &shown.manifest);
    let delete = html! {
        @if may_delete {
            a.button.risky href=(format!("{}/delete", path::of_manifest(&repository, &digest))) data-ask { "Delete manifest" }
        }
    };
    let body = html! {
        (parts::head(&kind.name(), &delete))
        (pull_commands(&shown, tag.as_deref(), &kind, &host, &repository))
        (facts(&shown, &repository))
        (made_of(&shown, &repository))
        (referrers(&repository, &about))
        (annotations(&shown))
    };
    Ok(around::page_in(&visitor, &format!("{} in {repository}", kind.name()), &repository).with(&body))
}

/// The tag whose page this is, from the address. A text that cannot be a tag counts as none.
pub(super) struct AskedTag(Option<Tag>);

impl FromRequestParts<App> for AskedTag {
    type Rejection = ConsoleError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ConsoleError> {
        Ok(Self(address::query(parts)?.one("tag").and_then(|tag| Tag::parse(tag).ok())))
    }
}

/// Whether the tag points at the manifest now. A manifest may have more tags than its page reads.
async fn points_here(
    app: &App,
    visitor: &Visitor,
    repository: &RepositoryName,
    tag: &Tag,
    digest: &Digest,
) -> Result<bool, ConsoleError> {
    Ok(tagged(app, visitor, repository, tag.clone())
        .await?
        .is_some_and(|manifest| manifest.digest == *digest))
}

/// The manifest that the tag points at, if it points at one.
async fn tagged(
    app: &App,
    visitor: &Visitor,
    repository: &RepositoryName,
    tag: Tag,
) -> Result<Option<StoredManifest>, ConsoleError> {
    let ask = PullManifest { repository: repository.clone(), reference: Reference::Tag(tag) };
    let grant = visitor.may(app, ask).await?;
    match app.registry().find_manifest(&grant).await {
        Ok(manifest) => Ok(Some(manifest)),
        Err(ContentError::ManifestUnknown { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is about a manifest.
struct About {
    /// Each with what its tag says that it is, where one does.
    found: Vec<(Option<Kind>, StoredManifest)>,
    /// Whether there are more.
    has_more: bool,
}

/// The manifests about this one: by their subject, and under the tags of clients that use none.
async fn about_it(
    app: &App,
    visitor: &Visitor,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<About, ConsoleError> {
    let ask = ListReferrers { repository: repository.clone(), digest: digest.clone() };
    let grant = visitor.may(app, ask).await?;
    let listed = app.registry().list_referrers(&grant, "", "", SHOWN_ABOUT).await?;
    let has_more = listed.next.is_some();
    let mut found: Vec<_> = listed.items.into_iter().map(|manifest| (None, manifest)).collect();
    for name in Kind::tags_about(digest) {
        let Ok(tag) = Tag::parse(&name) else { continue };
        if let Some(manifest) = tagged(app, visitor, repository, tag).await? {
            found.push((Kind::of_tag(&name).map(|(kind, _)| kind), manifest));
        }
    }
    Ok(About { found, has_more })
}

fn pull_commands(
    shown: &ShownManifest,
    tag: Option<&str>,
    kind: &Kind,
    host: &PublicHost,
    repository: &RepositoryName,
) -> Markup {
    let by_digest = format!("@{}", shown.stored.digest);
    html! {
        .card {
            @if let Some(tag) = tag {
                (parts::to_copy("by-tag", "Pull by tag", &kind.pull_command(host, repository.as_str(), &format!(":{tag}"))))
            }
            (parts::to_copy("by-digest", "Pull exactly this", &kind.pull_command(host, repository.as_str(), &by_digest)))
        }
    }
}

fn facts(shown: &ShownManifest, repository: &RepositoryName) -> Markup {
    let stored = &shown.stored;
    let platforms = platforms(shown.platforms.iter().flatten());
    html! {
        .card {
            h2 { "Manifest" }
            dl.facts {
                dt { "Digest" } dd { code { (stored.digest) } }
                dt { "Tags" } dd { @if shown.tags.is_empty() { "none" } @else { (wording::first_of(&shown.tags, NAMED_TAGS)) } }
                @if !platforms.is_empty() { dt { "Platforms" } dd { (platforms) } }
                dt { "Size" }
                dd { (wording::bytes(shown.content_bytes)) ", and " (wording::bytes(stored.size)) " of the manifest itself" }
                dt { "Media type" } dd { code { (stored.media_type) } }
                @if !stored.artifact_type.is_empty() { dt { "Artifact type" } dd { code { (stored.artifact_type) } } }
                @if let Some(subject) = &stored.subject { dt { "Is about" } dd { (link_to(repository, subject)) } }
                dt { "Pushed" } dd { (When(stored.created_at)) " by " (stored.created_by) }
            }
        }
    }
}

fn made_of(shown: &ShownManifest, repository: &RepositoryName) -> Markup {
    match &shown.manifest.kind {
        Shape::Image { config, layers } => html! {
            h2.section { "Configuration" }
            (blobs("Configuration", std::slice::from_ref(config)))
            h2.section { "Layers" }
            @if layers.is_empty() { p.quiet { "It has none." } } @else { (blobs("Layer", layers)) }
        },
        Shape::Index { entries } => html! {
            h2.section { "Platforms" }
            @if entries.is_empty() { p.quiet { "It lists none." } } @else { (entry_table(shown, repository, entries)) }
        },
    }
}

fn blobs(what: &str, descriptors: &[Descriptor]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { (what) } th { "Media type" } th.number { "Size" } } }
                tbody {
                    @for blob in descriptors.iter().take(SHOWN_LAYERS) {
                        tr {
                            th scope="row" { (short(&blob.digest)) }
                            td data-label="Media type" { code { (blob.media_type) } }
                            td.number.nowrap data-label="Size" { (wording::bytes(blob.size)) }
                        }
                    }
                }
            }
        }
        (and_more(descriptors.len(), SHOWN_LAYERS))
    }
}

fn and_more(count: usize, shown: usize) -> Markup {
    html! { @if count > shown { p.quiet { "And " (count - shown) " more, which the manifest itself lists." } } }
}

fn entry_table(shown: &ShownManifest, repository: &RepositoryName, entries: &[Descriptor]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Platform" } th { "Digest" } th { "What it is" } th.number { "Size" } } }
                tbody {
                    @for (number, entry) in entries.iter().take(SHOWN_ENTRIES).enumerate() {
                        (entry_row(shown, repository, number, entry))
                    }
                }
            }
        }
        (and_more(entries.len(), SHOWN_ENTRIES))
    }
}

fn entry_row(
    shown: &ShownManifest,
    repository: &RepositoryName,
    number: usize,
    entry: &Descriptor,
) -> Markup {
    let platform = shown.platforms.get(number).and_then(Option::as_ref);
    let manifest = shown.entries.iter().find(|(manifest, _)| manifest.digest == entry.digest);
    // An entry may be a blob, which has none.
    let has_page = manifest.is_some() || MANIFESTS.contains(&entry.media_type.as_str());
    let is_attestation = entry.reference_type.as_deref() == Some("attestation-manifest");
    let kind = if is_attestation {
        Some(Kind::Attestation)
    } else {
        manifest.map(|(manifest, _)| Kind::of(manifest))
    };
    html! {
        tr {
            th scope="row" { @if platform.is_some() { (platforms(platform.into_iter())) } @else { "none named" } }
            td data-label="Digest" { @if has_page { (link_to(repository, &entry.digest)) } @else { (short(&entry.digest)) } }
            td data-label="What it is" { @if let Some(kind) = kind { (kind.name()) } @else { code { (entry.media_type) } } }
            td.number.nowrap data-label="Size" { (wording::bytes(manifest.map_or(entry.size, |(_, bytes)| *bytes))) }
        }
    }
}

fn referrers(repository: &RepositoryName, About { found, has_more }: &About) -> Markup {
    html! {
        h2.section { "Signatures, SBOMs and whatever else is about it" }
        @if found.is_empty() {
            p.quiet { "Nothing is about this manifest." }
        } @else {
            (manifests::table(repository, found.iter().map(|(kind, manifest)| (kind.clone(), manifest)), false))
            @if *has_more {
                p.quiet { "There are more: " a href=(format!("{}/manifests", path::of_repository(repository))) { "all manifests of the repository" } "." }
            }
        }
    }
}

fn annotations(shown: &ShownManifest) -> Markup {
    let annotations = &shown.manifest.annotations;
    html! {
        @if !annotations.is_empty() {
            .card {
                h2 { "Annotations" }
                dl.facts {
                    @for (name, text) in annotations.iter().take(SHOWN_ANNOTATIONS) {
                        dt { (wording::cut(name, SHOWN_TEXT_CHARACTERS)) }
                        dd { (wording::cut(text, SHOWN_TEXT_CHARACTERS)) }
                    }
                }
                (and_more(annotations.len(), SHOWN_ANNOTATIONS))
            }
        }
    }
}
