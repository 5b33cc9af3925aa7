//! A repository: its tags, with what each points at.

use axum::extract::State;
use maud::{Markup, html};
use oci::{Digest, Platform, RepositoryName};
use registry::{DeleteRepository, ListTags, ShowRepository, ShownRepository, ShownTag};

use super::{
    around,
    deleting::{DELETED, TAG_DELETED},
    kind::Kind,
    path::{self, InPath},
};
use crate::{
    app::App,
    console::{
        Answered,
        address::{After, Done},
        parts::{self, When},
        visitor::Visitor,
        wording,
    },
    public_host::PublicHost,
};

/// Tags on one page: each is looked into for its platform, and the page is below 50 KB with the longest names.
const PAGE: u32 = 16;
/// Hexadecimal digits of a digest where it is only to be recognised.
const SHORT_DIGEST_CHARS: usize = 12;
/// Characters of a tag such as `sha256-….sig` that are shown.
const MADE_UP_TAG_CHARS: usize = 19;
/// Characters of a platform that are shown: whoever pushed it chose the words.
const PLATFORM_CHARS: usize = 40;
/// Platforms that are named in a row; the table of the manifest's own page lists more.
const NAMED_PLATFORMS: usize = 4;

/// A repository with its tags.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    host: PublicHost,
    After(after): After,
    Done(done): Done,
) -> Answered {
    let repository = path.repository()?;
    let grant = visitor.may(&app, ShowRepository { repository: repository.clone() }).await?;
    let shown = app.registry().show_repository(&grant).await?;
    let grant = visitor.may(&app, ListTags { repository: repository.clone() }).await?;
    let tags = app.registry().show_tagged(&grant, &after, PAGE).await?;
    let may_delete = visitor.could(&app, DeleteRepository { repository: repository.clone() }).await?;
    let own_path = path::of_repository(&repository);
    let delete = html! {
        @if may_delete { a.button.risky href=(format!("{own_path}/delete")) data-ask { "Delete repository" } }
    };
    let table = |tags: &[ShownTag]| table(&repository, tags, &host, may_delete);
    let body = html! {
        (parts::head(repository.as_str(), &delete))
        (parts::notice(done.as_deref().and_then(said)))
        (summary(&shown, &own_path))
        (parts::list(&own_path, &after, &tags, &no_tag(&repository, &host.authority), table))
    };
    Ok(around::page_below(&visitor, repository.as_str(), repository.namespace()).with(&body))
}

/// What is said after something was deleted.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        TAG_DELETED => "The tag is deleted.",
        DELETED => "The manifest is deleted.",
        _ => return None,
    })
}

fn summary(ShownRepository { repository, content }: &ShownRepository, own_path: &str) -> Markup {
    let manifests = wording::counted(content.manifests, "manifest", "manifests");
    html! {
        p.quiet {
            (wording::counted(content.tags, "tag", "tags"))
            " on " a href=(format!("{own_path}/manifests")) { (manifests) } ", "
            (wording::bytes(content.bytes.unsigned_abs())) " in all. Made " (When(repository.created_at)) "."
        }
    }
}

fn no_tag(repository: &RepositoryName, host: &str) -> Markup {
    html! {
        .card {
            h2 { "No tag" }
            p { "Nothing here has a name that it could be pulled by. A push gives it one:" }
            (parts::to_copy("push", "Push", &format!("docker push {host}/{repository}:1.0")))
        }
    }
}

fn table(repository: &RepositoryName, tags: &[ShownTag], host: &PublicHost, may_delete: bool) -> Markup {
    html! {
        .table {
            table {
                thead {
                    tr {
                        th { "Tag" }
                        th { "Digest" }
                        th.number title="Layers and configurations, of all platforms together" { "Size" }
                        th { "Platforms" }
                        th { "Updated" }
                        th { "Pushed by" }
                        th { span.visually-hidden { "Actions" } }
                    }
                }
                tbody {
                    @for (number, tag) in tags.iter().enumerate() {
                        (row(repository, number, tag, host, may_delete))
                    }
                }
            }
        }
    }
}

fn row(
    repository: &RepositoryName,
    number: usize,
    tag: &ShownTag,
    host: &PublicHost,
    may_delete: bool,
) -> Markup {
    let about = Kind::of_tag(&tag.name);
    let kind = about.as_ref().map_or_else(|| Kind::of(&tag.manifest), |(kind, _)| kind.clone());
    let command = kind.pull_command(host, repository.as_str(), &format!(":{}", tag.name));
    let manifest = path::of_tag(repository, &tag.manifest.digest, &tag.name);
    html! {
        tr {
            th scope="row" {
                a href=(manifest) title=[about.as_ref().map(|_| &tag.name)] { (shown_name(tag, about.is_some())) } " " (kind.badge())
                @if let Some((_, digest)) = &about { p.hint { "of " (link_to(repository, digest)) } }
            }
            td data-label="Digest" { (short(&tag.manifest.digest)) }
            td.number.nowrap data-label="Size" { (wording::bytes(tag.content_bytes)) }
            td data-label="Platforms" { (platforms(tag.platforms.iter())) }
            td data-label="Updated" { (When(tag.updated_at)) }
            td data-label="Pushed by" { (tag.manifest.created_by) }
            td.act { (menu(repository, number, tag, &command, may_delete)) }
        }
    }
}

/// A tag's name; one that a digest makes up is cut, for nobody reads it.
fn shown_name(tag: &ShownTag, is_about_digest: bool) -> String {
    if !is_about_digest {
        return tag.name.clone();
    }
    let shown: String = tag.name.chars().take(MADE_UP_TAG_CHARS).collect();
    format!("{shown}…")
}

/// The first platforms, in words of a length that real ones have.
pub(super) fn platforms<'a>(all: impl Iterator<Item = &'a Platform>) -> String {
    let said: Vec<_> =
        all.map(|platform| wording::cut(&platform.to_string(), PLATFORM_CHARS).into_owned()).collect();
    wording::first_of(&said, NAMED_PLATFORMS)
}

/// The command stands in the page for the script; without one, the tag's own page shows it.
fn menu(
    repository: &RepositoryName,
    number: usize,
    tag: &ShownTag,
    command: &str,
    may_delete: bool,
) -> Markup {
    html! {
        details.menu {
            summary aria-label=(format!("Actions on tag {}", tag.name)) { "⋮" }
            ul {
                li { a href=(path::of_tag(repository, &tag.manifest.digest, &tag.name)) { "View details" } }
                li.needs-script {
                    span.visually-hidden id=(format!("pull-{number}")) { (command) }
                    button type="button" data-copy=(format!("pull-{number}")) { "Copy pull command" }
                }
                @if may_delete {
                    li { a.risky href=(path::of_deletion(repository, &tag.name)) data-ask { "Delete tag" } }
                }
            }
        }
    }
}

/// A digest to recognise, the whole one as a title.
pub(super) fn short(digest: &Digest) -> Markup {
    let text: String = digest.hex().chars().take(SHORT_DIGEST_CHARS).collect();
    html! { code.nowrap title=(digest) { (digest.algorithm().as_str()) ":" (text) "…" } }
}

/// A digest to recognise, as a link to the page of its manifest.
pub(super) fn link_to(repository: &RepositoryName, digest: &Digest) -> Markup {
    html! { a href=(path::of_manifest(repository, digest)) { (short(digest)) } }
}
