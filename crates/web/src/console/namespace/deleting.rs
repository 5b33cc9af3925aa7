//! Deleting what was pushed: a repository, a tag, a manifest. Each is asked about first.

use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Render, html};
use oci::{Digest, Reference, RepositoryName, Tag};
use registry::{
    ContentError, DeleteManifest, DeleteRepository, Expected, Named, PullManifest, ShowRepository, TagsSeen,
};

use super::{
    around,
    path::{self, InPath},
};
use crate::{
    app::App,
    console::{
        Answered, address,
        form::Form,
        parts::{NOTHING, Question},
        see,
        visitor::Visitor,
        wording,
    },
    public_host::PublicHost,
};

/// What an address says was done: what a page shows is deleted, or a tag of the repository that it shows.
pub(super) const DELETED: &str = "deleted";
pub(super) const TAG_DELETED: &str = "tag-deleted";
/// Tags that are named before they go.
const NAMED_TAGS: usize = 10;
/// What says in the form which manifest the tag pointed at when its deletion was asked about.
const DIGEST_FIELD: &str = "digest";
/// What says in the form which tags the manifest had when its deletion was asked about.
const TAGS_FIELD: &str = "tags";

/// What goes with a repository.
pub(super) async fn ask_repository(State(app): State<App>, visitor: Visitor, path: InPath) -> Answered {
    let repository = path.repository()?;
    visitor.may(&app, DeleteRepository { repository: repository.clone() }).await?;
    let grant = visitor.may(&app, ShowRepository { repository: repository.clone() }).await?;
    let content = app.registry().show_repository(&grant).await?.content;
    let back = path::of_repository(&repository);
    let question = Question {
        fields: NOTHING,
        is_destructive: true,
        title: &format!("Delete repository {repository}?"),
        text: html! {
            p {
                "It goes with its " (wording::counted(content.tags, "tag", "tags")) " and "
                (wording::counted(content.manifests, "manifest", "manifests")) " ("
                (wording::bytes(content.bytes.unsigned_abs())) "). Whoever pulls from it is refused at once. This can't be undone."
            }
        },
        act: "Delete repository",
        path: &format!("{back}/delete"),
        back: &back,
    };
    Ok(around::page_in(&visitor, question.title, &repository).with(&question.render()))
}

/// Deletes a repository.
pub(super) async fn repository(State(app): State<App>, visitor: Visitor, path: InPath) -> Answered {
    let repository = path.repository()?;
    let namespace = path::of_namespace(repository.namespace());
    let grant = visitor.may(&app, DeleteRepository { repository }).await?;
    app.registry().delete_repository(&grant, app.now()).await?;
    Ok(led_to(&namespace, DELETED))
}

fn led_to(path: &str, done: &str) -> Response {
    see(&address::with(path, &[("done", done)]))
}

/// What stops with a tag.
pub(super) async fn ask_tag(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    PublicHost { authority: host, .. }: PublicHost,
) -> Answered {
    let (repository, tag) = (path.repository()?, path.tag()?);
    visitor.may(&app, deletion(&repository, &Reference::Tag(tag.clone()))).await?;
    tag_question(&app, &visitor, &repository, &tag, &host, None).await
}

/// The question, about what the tag points at now; `refused` is why it is asked again.
async fn tag_question(
    app: &App,
    visitor: &Visitor,
    repository: &RepositoryName,
    tag: &Tag,
    host: &str,
    refused: Option<(StatusCode, &str)>,
) -> Answered {
    let reference = Reference::Tag(tag.clone());
    let grant = visitor.may(app, PullManifest { repository: repository.clone(), reference }).await?;
    let digest = app.registry().find_manifest(&grant).await?.digest;
    let back = path::of_repository(repository);
    let question = Question {
        fields: html! { input type="hidden" name=(DIGEST_FIELD) value=(digest); },
        is_destructive: true,
        title: &format!("Delete tag {tag} of {repository}?"),
        text: html! {
            @if let Some((_, reason)) = refused { .notice.bad role="alert" { p { (reason) } } }
            p { "Whoever pulls " code { (host) "/" (repository) ":" (tag) } " is refused from then on." }
            p { "Its manifest stays, and can be pulled as " code { (digest) } "." }
        },
        act: "Delete tag",
        path: &path::of_deletion(repository, tag.as_str()),
        back: &back,
    };
    let status = refused.map_or(StatusCode::OK, |(status, _)| status);
    Ok(around::page_in(visitor, question.title, repository).status(status).with(&question.render()))
}

/// Deletes a tag, where it still points at what was asked about.
pub(super) async fn tag(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    PublicHost { authority: host, .. }: PublicHost,
    form: Form,
) -> Answered {
    let (repository, tag) = (path.repository()?, path.tag()?);
    let grant = visitor.may(&app, deletion(&repository, &Reference::Tag(tag.clone()))).await?;
    // Nobody deletes what they have not looked at: who says no digest is asked about what is there.
    let refused = match Digest::parse(form.text(DIGEST_FIELD)) {
        Ok(asked_about) => {
            let one_of = Some(Named::These(vec![asked_about]));
            let expected = Expected { one_of, ..Expected::default() };
            match app.registry().delete_manifest(&grant, &expected, app.now()).await {
                Ok(()) => return Ok(led_to(&path::of_repository(&repository), TAG_DELETED)),
                Err(ContentError::NotAsExpected { .. }) => {
                    (StatusCode::CONFLICT, "It points elsewhere now. Look again before you delete it.")
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(_) => (StatusCode::UNPROCESSABLE_ENTITY, "Look at what it points at before you delete it."),
    };
    tag_question(&app, &visitor, &repository, &tag, &host, Some(refused)).await
}

/// What stops with a manifest.
pub(super) async fn ask_manifest(State(app): State<App>, visitor: Visitor, path: InPath) -> Answered {
    let (repository, digest) = (path.repository()?, path.digest()?);
    visitor.may(&app, deletion(&repository, &Reference::Digest(digest.clone()))).await?;
    manifest_question(&app, &visitor, &repository, &digest, None).await
}

/// The question, about the tags that the manifest has now; `refused` is why it is asked again.
async fn manifest_question(
    app: &App,
    visitor: &Visitor,
    repository: &RepositoryName,
    digest: &Digest,
    refused: Option<(StatusCode, &str)>,
) -> Answered {
    let reference = Reference::Digest(digest.clone());
    let grant = visitor.may(app, PullManifest { repository: repository.clone(), reference }).await?;
    let seen = app.registry().tags_seen(&grant).await?;
    let shown = app.registry().show_manifest(&grant).await?;
    let back = path::of_manifest(repository, digest);
    let question = Question {
        fields: html! { input type="hidden" name=(TAGS_FIELD) value=(seen); },
        is_destructive: true,
        title: "Delete this manifest?",
        text: html! {
            @if let Some((_, reason)) = refused { .notice.bad role="alert" { p { (reason) } } }
            p { code { (digest) } }
            @if shown.tags.is_empty() {
                p { "No tag points at it. Whoever pulls it by its digest is refused from then on." }
            } @else {
                p { "It goes with every tag on it: " strong { (wording::first_of(&shown.tags, NAMED_TAGS)) } "." }
            }
            p { "What is about it, such as its signatures, stays until it is deleted too." }
        },
        act: "Delete manifest",
        path: &format!("{back}/delete"),
        back: &back,
    };
    let status = refused.map_or(StatusCode::OK, |(status, _)| status);
    Ok(around::page_in(visitor, question.title, repository).status(status).with(&question.render()))
}

/// Deletes a manifest with every tag on it, where these are the tags that were asked about.
pub(super) async fn manifest(State(app): State<App>, visitor: Visitor, path: InPath, form: Form) -> Answered {
    let (repository, digest) = (path.repository()?, path.digest()?);
    let grant = visitor.may(&app, deletion(&repository, &Reference::Digest(digest.clone()))).await?;
    let tags = TagsSeen::parse(form.text(TAGS_FIELD));
    if tags.is_none() {
        let refused =
            (StatusCode::UNPROCESSABLE_ENTITY, "Look at which tags go with it before you delete it.");
        return manifest_question(&app, &visitor, &repository, &digest, Some(refused)).await;
    }
    let expected = Expected { tags, ..Expected::default() };
    let reason = match app.registry().delete_manifest(&grant, &expected, app.now()).await {
        Ok(()) => return Ok(led_to(&path::of_repository(&repository), DELETED)),
        Err(ContentError::OtherTags { .. }) => {
            "Other tags point at it now. Look again before you delete it with them.".to_owned()
        }
        Err(error @ ContentError::InUse { .. }) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    manifest_question(&app, &visitor, &repository, &digest, Some((StatusCode::CONFLICT, &reason))).await
}

fn deletion(repository: &RepositoryName, reference: &Reference) -> DeleteManifest {
    DeleteManifest { repository: repository.clone(), reference: reference.clone() }
}
