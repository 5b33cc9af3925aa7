//! What stands around the pages of a namespace: its name, who may pull from it, its tabs.

use maud::{Markup, html};
use oci::{NamespaceName, RepositoryName};
use registry::{EditNamespace, ShowNamespace};

use super::{
    path,
    tabs::{Tab, tabs},
};
use crate::{
    app::App,
    console::{
        error::ConsoleError,
        frame::{Page, Section},
        namespaces::visibility,
        visitor::Visitor,
    },
};

/// A namespace as its viewer may see it.
pub(super) struct Around {
    pub(super) namespace: NamespaceName,
    /// Whether anyone may pull.
    pub(super) is_public: bool,
    /// Whether the viewer manages its tokens, members and settings.
    pub(super) may_manage: bool,
    /// What a form says that it edits.
    pub(super) revision: i64,
}

impl Around {
    /// Looks the namespace up. Whoever has no role in it sees it because anyone may pull from it.
    pub(super) async fn of(
        app: &App,
        visitor: &Visitor,
        namespace: NamespaceName,
    ) -> Result<Self, ConsoleError> {
        let show = ShowNamespace { name: namespace.clone() };
        let Some(grant) = visitor.where_allowed(app, show).await? else {
            return Ok(Self { namespace, is_public: true, may_manage: false, revision: 0 });
        };
        let (stored, _) = app.registry().show_namespace(&grant).await?;
        let may_manage = visitor.could(app, EditNamespace { name: namespace.clone() }).await?;
        Ok(Self { namespace, is_public: stored.is_public, may_manage, revision: stored.revision })
    }

    /// Where its page is.
    pub(super) fn path(&self) -> String {
        path::of_namespace(self.namespace.as_str())
    }

    /// The namespace's name over its tabs.
    pub(super) fn head(&self, current: Tab) -> Markup {
        html! {
            .head { h1 { (self.namespace) } (visibility(self.is_public)) }
            (tabs(&self.namespace, current, self.may_manage))
        }
    }
}

/// A page on a tab of a namespace.
pub(super) fn page<'a>(visitor: &'a Visitor, title: &'a str) -> Page<'a> {
    Page::new(title, &visitor.viewer, Section::Namespaces).under("Namespaces", "/")
}

/// A page below a tab of a namespace.
pub(super) fn page_below<'a>(visitor: &'a Visitor, title: &'a str, namespace: &str) -> Page<'a> {
    page(visitor, title).under(namespace, path::of_namespace(namespace))
}

/// A page below a repository.
pub(super) fn page_in<'a>(visitor: &'a Visitor, title: &'a str, repository: &RepositoryName) -> Page<'a> {
    page_below(visitor, title, repository.namespace())
        .under(repository.to_string(), path::of_repository(repository))
}
