//! The tabs of a namespace: what every page of one shows below its name.

use maud::{Markup, html};
use oci::NamespaceName;

use crate::console::parts::path_of;

/// A tab of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Tab {
    Repositories,
    AccessTokens,
    Members,
    Settings,
}

/// The tabs of `namespace` with `current` marked. Whoever doesn't manage it has only what they may look at.
pub(in crate::console) fn tabs(namespace: &NamespaceName, current: Tab, may_manage: bool) -> Markup {
    let entries = [
        (Tab::Repositories, "", "Repositories", true),
        (Tab::AccessTokens, "/tokens", "Access Tokens", may_manage),
        (Tab::Members, "/members", "Members", may_manage),
        (Tab::Settings, "/settings", "Settings", may_manage),
    ];
    let path = path_of("namespaces", namespace.as_str());
    html! {
        nav.tabs aria-label=(format!("Namespace {namespace}")) {
            @for (tab, rest, name, is_shown) in entries {
                @if is_shown {
                    a href=(format!("{path}{rest}")) aria-current=[(tab == current).then_some("page")] { (name) }
                }
            }
        }
    }
}
