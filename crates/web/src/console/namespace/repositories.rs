//! The tab Repositories: which there are, how much is in each, and how the first one is made.

use axum::extract::State;
use maud::{Markup, html};
use registry::{ListRepositories, ListedRepository};

use super::{
    around::{self, Around},
    deleting::DELETED,
    path::{self, InPath},
    tabs::Tab,
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

/// Repositories on one page: each costs a look at all that is in it, and the page is below 50 KB with the longest names.
const PAGE: u32 = 40;

/// The repositories of a namespace.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    path: InPath,
    PublicHost { authority: host, .. }: PublicHost,
    After(after): After,
    Done(done): Done,
) -> Answered {
    let namespace = path.namespace()?;
    let grant = visitor.may(&app, ListRepositories { namespace: Some(namespace.clone()) }).await?;
    let listed = app.registry().list_repositories_with_content(&grant, &after, PAGE).await?;
    let around = Around::of(&app, &visitor, namespace).await?;
    let nothing_yet = nothing_yet(&around, &host, visitor.viewer.username.as_str());
    let body = html! {
        (around.head(Tab::Repositories))
        (parts::notice((done.as_deref() == Some(DELETED)).then_some("The repository is deleted.")))
        (parts::list(&around.path(), &after, &listed, &nothing_yet, table))
    };
    Ok(around::page(&visitor, &format!("Repositories of {}", around.namespace)).with(&body))
}

/// The commands of a first push, ready to be copied.
fn nothing_yet(around: &Around, host: &str, username: &str) -> Markup {
    let image = format!("{host}/{}/my-image:1.0", around.namespace);
    html! {
        .card {
            h2 { "No repository yet" }
            p { "The first push of an image makes its repository. With an image called my-image on your machine:" }
            (parts::to_copy("login", "Log in", &format!("docker login {host} -u {username}")))
            (parts::to_copy("tag", "Give the image its name here", &format!("docker tag my-image {image}")))
            (parts::to_copy("push", "Push it", &format!("docker push {image}")))
            @if around.may_manage {
                p.hint {
                    "For machines, "
                    a href=(format!("{}/tokens", around.path())) { "make an access token" }
                    " rather than giving them your password."
                }
            }
        }
    }
}

fn table(repositories: &[ListedRepository]) -> Markup {
    html! {
        .table {
            table {
                thead {
                    tr {
                        th { "Repository" }
                        th.number { "Tags" }
                        th.number title="Blobs and manifests; what another repository uses too is counted in both" { "Size" }
                        th { "Last push" }
                    }
                }
                tbody { @for repository in repositories { (row(repository)) } }
            }
        }
    }
}

fn row(ListedRepository { name, content, pushed_at }: &ListedRepository) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(path::of_repository(name)) { (name) } }
            td.number data-label="Tags" { (content.tags) }
            td.number.nowrap data-label="Size" { (wording::bytes(content.bytes.unsigned_abs())) }
            td data-label="Last push" { @if let Some(at) = pushed_at { (When(*at)) } @else { "never" } }
        }
    }
}
