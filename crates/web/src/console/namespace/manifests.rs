//! Every manifest of a repository, tagged or not: what was pushed by digest alone is found nowhere else.

use axum::extract::State;
use maud::{Markup, html};
use oci::RepositoryName;
use registry::{ListManifests, StoredManifest};

use super::{
    around,
    kind::Kind,
    path::{self, InPath},
    repository::link_to,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::After,
        parts::{self, When},
        visitor::Visitor,
    },
};

/// Manifests on one page, which is below 50 KB also where the repository's name is as long as they get.
const PAGE: u32 = 30;

/// The manifests of a repository, by digest.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    After(after): After,
) -> Answered {
    let repository = path.repository()?;
    let grant = visitor.may(&app, ListManifests { repository: repository.clone() }).await?;
    let listed = app.registry().list_manifests(&grant, &after, PAGE).await?;
    let own = format!("{}/manifests", path::of_repository(&repository));
    let nothing_left =
        parts::empty("No manifest", "Nothing is left here. The next push brings some.", &parts::NOTHING);
    let table = |manifests: &[StoredManifest]| {
        table(&repository, manifests.iter().map(|manifest| (None, manifest)), true)
    };
    let body = html! {
        (parts::head("Manifests", &parts::NOTHING))
        p.quiet { "Everything that was pushed, with a tag or without one, by digest." }
        (parts::list(&own, &after, &listed, &nothing_left, table))
    };
    Ok(around::page_in(&visitor, &format!("Manifests of {repository}"), &repository).with(&body))
}

/// Manifests with what they are, where a tag says it better than they do themselves: as that; `with_subject` where they
/// are about different things.
pub(super) fn table<'a>(
    repository: &RepositoryName,
    manifests: impl Iterator<Item = (Option<Kind>, &'a StoredManifest)>,
    with_subject: bool,
) -> Markup {
    html! {
        .table {
            table {
                thead {
                    tr {
                        th { "Digest" }
                        th { "What it is" }
                        @if with_subject { th { "Of" } }
                        th { "Pushed" }
                        th { "By" }
                    }
                }
                tbody { @for (kind, manifest) in manifests { (row(repository, kind, manifest, with_subject)) } }
            }
        }
    }
}

fn row(
    repository: &RepositoryName,
    kind: Option<Kind>,
    manifest: &StoredManifest,
    with_subject: bool,
) -> Markup {
    html! {
        tr {
            th scope="row" { (link_to(repository, &manifest.digest)) }
            td data-label="What it is" { (kind.unwrap_or_else(|| Kind::of(manifest)).name()) }
            @if with_subject {
                td data-label="Of" { @if let Some(subject) = &manifest.subject { (link_to(repository, subject)) } }
            }
            td data-label="Pushed" { (When(manifest.created_at)) }
            td data-label="By" { (manifest.created_by) }
        }
    }
}
