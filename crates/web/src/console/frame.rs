//! What every page of the console stands in: head, navigation, crumbs, notices, and the headers of its answer.

use access::{name::Username, visible::escaped_lines};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::assets;

/// Nothing from elsewhere, nothing inline: markup that somebody smuggled into a name would find no engine.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Tells browsers what nobody else may do with pages and files of the console: run anything in them, frame them, load
/// them into a page of another site, or reach into a window from such a page.
pub(super) fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Who looks at a page, as far as its frame shows it.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    pub(super) username: Username,
    pub(super) is_admin: bool,
}

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Namespaces,
    Audit,
    Users,
    Teams,
    InstanceTokens,
    Settings,
    Profile,
}

/// A page, about to be answered with.
pub(super) struct Page<'a> {
    title: &'a str,
    viewer: Option<&'a Viewer>,
    section: Option<Section>,
    crumbs: Vec<(String, String)>,
    status: StatusCode,
}

impl<'a> Page<'a> {
    /// A page for nobody in particular: logging in, and dead ends.
    pub(super) fn of_nobody(title: &'a str) -> Self {
        Self { title, viewer: None, section: None, crumbs: Vec::new(), status: StatusCode::OK }
    }

    /// A page for somebody who has logged in.
    pub(super) fn new(title: &'a str, viewer: &'a Viewer, section: Section) -> Self {
        Self { viewer: Some(viewer), section: Some(section), ..Self::of_nobody(title) }
    }

    /// The page in the frame of whoever looks at it, where that is known.
    pub(super) fn seen_by(mut self, viewer: Option<&'a Viewer>) -> Self {
        self.viewer = viewer;
        self
    }

    /// Adds a crumb: a name and where it leads.
    pub(super) fn under(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push((name.into(), path.into()));
        self
    }

    /// Another status than 200.
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The answer: the frame around `body`. Pages show what their viewer may see, so caches must not keep them. Characters that a
    /// reader does not see are escaped, wherever on the page they are: older rows and pushed content hold them.
    pub(super) fn with(self, body: &Markup) -> Response {
        // The line breaks of a form that is shown again.
        let page = self.markup(body).into_string().replace("\r\n", "\n");
        let mut response = (self.status, escaped_lines(&page).into_owned()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        guard(headers);
        response
    }

    fn markup(&self, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · Sealock" }
                    link rel="stylesheet" href=(assets::path("console.css"));
                    link rel="icon" type="image/svg+xml" href=(assets::path("icon.svg"));
                    // Painted once, as the script leaves the page: what it adds moves nothing about.
                    script src=(assets::path("console.js")) defer blocking="render" {}
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    (self.top())
                    main #content {
                        (self.crumbs())
                        (body)
                    }
                    footer.foot {
                        .foot-in {
                            span { "Sealock " (env!("CARGO_PKG_VERSION")) }
                            a href="/api/openapi.json" { "API" }
                        }
                    }
                }
            }
        }
    }

    fn top(&self) -> Markup {
        html! {
            header.top {
                .top-in {
                    a.brand href="/" { (mark()) "Sealock" }
                    @if let Some(viewer) = self.viewer {
                        (self.navigation(viewer))
                        (user_menu(viewer))
                    }
                }
            }
        }
    }

    fn navigation(&self, viewer: &Viewer) -> Markup {
        let entries = [
            (Section::Namespaces, "/", "Namespaces", true),
            (Section::Users, "/users", "Users", viewer.is_admin),
            (Section::Teams, "/teams", "Teams", viewer.is_admin),
            (Section::InstanceTokens, "/tokens", "Instance tokens", viewer.is_admin),
            (Section::Settings, "/settings", "Settings", viewer.is_admin),
            (Section::Audit, "/audit", "Audit", true),
        ];
        html! {
            nav aria-label="Main" {
                @for (section, path, name, is_shown) in entries {
                    @if is_shown {
                        a href=(path) aria-current=[(self.section == Some(section)).then_some("page")] { (name) }
                    }
                }
            }
        }
    }

    fn crumbs(&self) -> Markup {
        html! {
            @if !self.crumbs.is_empty() {
                nav.crumbs aria-label="Where you are" {
                    ol {
                        @for (name, path) in &self.crumbs {
                            li { a href=(path) { (name) } }
                        }
                    }
                }
            }
        }
    }
}

fn user_menu(viewer: &Viewer) -> Markup {
    html! {
        details.menu {
            summary aria-label=(format!("Menu of {}", viewer.username)) { (viewer.username) " ▾" }
            ul {
                li { a href="/profile" { "Profile" } }
                li { a href="/profile/tokens" { "Access Tokens" } }
                li { a href="/profile/sessions" { "Sessions" } }
                li { form method="post" action="/logout" { button { "Log out" } } }
            }
        }
    }
}

fn mark() -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" {
            path fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"
                d="M12 2.5 20.5 6v6c0 5-3.6 8.3-8.5 9.5C7.100 20.300 3.500 17 3.500 12V6z" {}
            path fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" d="M9 12h6M12 9v6" {}
        }
    }
}
