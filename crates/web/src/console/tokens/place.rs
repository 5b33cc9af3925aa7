//! Whose tokens a page is about: of a namespace, of the instance, of a person. Where that list is, and what stands
//! around it.

use access::{id::TokenId, name::Username};
use maud::{Markup, html};
use oci::NamespaceName;
use registry::{ShowToken, StoredOwner, StoredToken};

use super::wording::StatusWords;
use crate::{
    app::App,
    console::{
        error::ConsoleError,
        form::Form,
        frame::{Page, Section, Viewer},
        namespace::{self, Tab},
        parts::{self, path_of},
        visitor::Visitor,
    },
};

/// The fields that name a list in a form; none of them is there for the instance's.
const NAMESPACE: &str = "namespace";
const USER: &str = "user";

/// Whose tokens they are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// Service tokens of a namespace.
    Namespace(NamespaceName),
    /// Service tokens of the instance.
    Instance,
    /// Personal tokens.
    Person(Username),
}

impl Place {
    /// The namespace that a path names.
    pub(super) fn namespace(text: &str) -> Result<Self, ConsoleError> {
        let absent = |_| ConsoleError::Absent("there is no namespace of this name".to_owned());
        NamespaceName::parse(text).map(Self::Namespace).map_err(absent)
    }

    /// The user that a path names.
    pub(super) fn person(text: &str) -> Result<Self, ConsoleError> {
        let absent = |_| ConsoleError::Absent("there is no user of this name".to_owned());
        Username::parse(text).map(Self::Person).map_err(absent)
    }

    fn of(owner: &StoredOwner) -> Result<Self, ConsoleError> {
        match owner {
            StoredOwner::Namespace { name, .. } => Ok(Self::Namespace(name.clone())),
            StoredOwner::Instance => Ok(Self::Instance),
            StoredOwner::User { username, .. } => Self::person(username),
        }
    }

    /// The namespace that the paths of scopes are checked against.
    pub(super) fn namespace_name(&self) -> Option<&NamespaceName> {
        match self {
            Self::Namespace(name) => Some(name),
            Self::Instance | Self::Person(_) => None,
        }
    }

    /// A path for scopes that would do here.
    pub(super) fn example(&self) -> String {
        format!("{}/*", self.namespace_name().map_or("acme", NamespaceName::as_str))
    }

    /// What the short permissions of its tokens reach, told beside Pull and beside Pull & Push.
    pub(super) fn reach(&self) -> [&'static str; 2] {
        match self {
            Self::Namespace(_) => {
                ["Every repository of the namespace.", "The same, and a push may make new ones."]
            }
            Self::Instance => {
                ["Every repository of every namespace.", "The same, and a push may make new ones."]
            }
            Self::Person(_) => {
                ["Every repository that the user may pull.", "The same, and pushes wherever the user may."]
            }
        }
    }

    /// Whether its tokens are personal ones.
    pub(super) fn is_personal(&self) -> bool {
        matches!(self, Self::Person(_))
    }

    /// What the status of its tokens is called.
    pub(super) fn status_words(&self) -> &'static StatusWords {
        StatusWords::of_kind(self.is_personal())
    }

    /// The hidden field that says which list a form was sent from.
    pub(super) fn field(&self) -> Markup {
        let (name, value) = match self {
            Self::Namespace(name) => (NAMESPACE, name.as_str()),
            Self::Instance => return parts::NOTHING,
            Self::Person(username) => (USER, username.as_str()),
        };
        html! { input type="hidden" name=(name) value=(value); }
    }

    /// The list that a form says it was sent from.
    pub(super) fn of_form(form: &Form) -> Result<Self, ConsoleError> {
        match (form.text(NAMESPACE), form.text(USER)) {
            ("", "") => Ok(Self::Instance),
            ("", user) => Self::person(user),
            (namespace, _) => Self::namespace(namespace),
        }
    }

    /// Where the list is.
    pub(super) fn path(&self, viewer: &Viewer) -> String {
        match self {
            Self::Namespace(name) => format!("{}/tokens", path_of("namespaces", name.as_str())),
            Self::Instance => "/tokens".to_owned(),
            Self::Person(username) if *username == viewer.username => "/profile/tokens".to_owned(),
            Self::Person(username) => format!("{}/tokens", path_of("users", username.as_str())),
        }
    }

    /// The page of the list itself.
    pub(super) fn page<'a>(&self, title: &'a str, viewer: &'a Viewer) -> Page<'a> {
        match self {
            Self::Namespace(_) => Page::new(title, viewer, Section::Namespaces).under("Namespaces", "/"),
            Self::Instance => Page::new(title, viewer, Section::InstanceTokens),
            Self::Person(username) if *username == viewer.username => {
                Page::new(title, viewer, Section::Profile).under("Profile", "/profile")
            }
            Self::Person(username) => Page::new(title, viewer, Section::Users)
                .under("Users", "/users")
                .under(username.as_str(), path_of("users", username.as_str())),
        }
    }

    /// A page below the list.
    pub(super) fn page_below<'a>(&self, title: &'a str, viewer: &'a Viewer) -> Page<'a> {
        let page = self.page(title, viewer);
        match self {
            Self::Namespace(name) => page
                .under(name.as_str(), path_of("namespaces", name.as_str()))
                .under("Access Tokens", self.path(viewer)),
            Self::Instance => page.under("Instance tokens", self.path(viewer)),
            Self::Person(_) => page.under("Access Tokens", self.path(viewer)),
        }
    }

    /// A page about one token.
    pub(super) fn page_of<'a>(&self, token: &StoredToken, title: &'a str, viewer: &'a Viewer) -> Page<'a> {
        self.page_below(title, viewer).under(token.name.as_str(), details_path(token.id))
    }

    /// The list's name, as its title has it.
    pub(super) fn title(&self, viewer: &Viewer) -> String {
        match self {
            Self::Namespace(name) => format!("Access Tokens of {name}"),
            Self::Instance => "Instance tokens".to_owned(),
            Self::Person(username) if *username == viewer.username => "Access Tokens".to_owned(),
            Self::Person(username) => format!("Access Tokens of {username}"),
        }
    }

    /// The heading of the list, with the way to a new token.
    pub(super) fn heading(&self, viewer: &Viewer) -> Markup {
        let words = if self.is_personal() { "New token" } else { "Add Token" };
        let new = html! { a.button.primary href=(format!("{}/new", self.path(viewer))) { "+ " (words) } };
        match self {
            Self::Namespace(name) => html! {
                (parts::head(name.as_str(), &new))
                // Whoever sees this page manages the namespace.
                (namespace::tabs(name, Tab::AccessTokens, true))
            },
            Self::Instance | Self::Person(_) => parts::head(&self.title(viewer), &new),
        }
    }
}

/// Where everything known about a token is shown.
pub(super) fn details_path(token: TokenId) -> String {
    format!("/tokens/{token}")
}

/// Where what it created is listed.
pub(super) fn created_path(token: TokenId) -> String {
    format!("{}/created", details_path(token))
}

/// Where its scopes are managed.
pub(super) fn scopes_path(token: TokenId) -> String {
    format!("{}/scopes", details_path(token))
}

/// The id of a token, as a path has it.
pub(super) fn token_id(text: &str) -> Result<TokenId, ConsoleError> {
    TokenId::parse(text).map_err(|_| ConsoleError::Absent("no token has this id".to_owned()))
}

/// The token that a path names, where the visitor may manage it, and whose it is.
pub(super) async fn token(
    app: &App,
    visitor: &Visitor,
    id: &str,
) -> Result<(StoredToken, Place), ConsoleError> {
    let grant = visitor.may(app, ShowToken { token: token_id(id)? }).await?;
    let token = app.registry().show_token(&grant, app.now()).await?;
    let place = Place::of(&token.owner)?;
    Ok((token, place))
}
