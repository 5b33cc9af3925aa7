//! The fields that every request about a token may have, written once. serde's `flatten` does not refuse unknown fields,
//! so a macro puts them beside the fields that a request has of its own.

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::{Expiry, ExpiryInput},
    field_error::FieldError,
    name::Description,
    scope::{ScopeInput, Scopes, Warning},
    time::Instant,
};
use oci::NamespaceName;
use registry::{NewToken, StandsFor, TokenEdit};

use super::{
    fields::FieldErrors, json::Object, scope_body::ScopeBody, stands_for::StandsForBody,
    words::ShortPermission,
};

/// Declares a request with its own fields and those of every token, and `TokenFields` as the way to read these.
macro_rules! token_request {
    ($(#[$about:meta])* pub(super) struct $name:ident { $($own:tt)* }) => {
        #[derive(serde::Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$about])*
        pub(super) struct $name {
            $($own)*
            /// What it is for; null or empty is nothing.
            #[serde(default, deserialize_with = "super::json::present")]
            #[schema(value_type = Option<String>, required = false, max_length = 1000)]
            description: Option<Option<String>>,
            /// Whom or what it is for, to be shown and found by; null is nobody in particular.
            #[serde(default, deserialize_with = "super::json::present")]
            #[schema(value_type = Option<super::stands_for::StandsForBody>, required = false)]
            stands_for: Option<Option<super::stands_for::StandsForBody>>,
            /// Whether it works; a new token does unless this says otherwise.
            #[serde(default, deserialize_with = "super::json::word")]
            #[schema(nullable = false)]
            status: Option<super::words::TokenStatus>,
            /// From when on it works no more (RFC 3339), at least 1 hour ahead; null is never. Not together with
            /// `expires_in`.
            #[serde(default, deserialize_with = "super::json::present")]
            #[schema(value_type = Option<String>, required = false, format = DateTime)]
            expires_at: Option<Option<String>>,
            /// How long it works from now on: a number and one of s, m, h, d, w. Not together with `expires_at`.
            #[serde(default, deserialize_with = "super::json::present")]
            #[schema(nullable = false, example = "30d")]
            expires_in: Option<String>,
            /// The short form for one scope over everything that it may reach. Not together with `scopes`.
            #[serde(default, deserialize_with = "super::json::word")]
            #[schema(nullable = false)]
            permission: Option<super::words::ShortPermission>,
            /// What it allows. Not together with `permission`.
            #[serde(default, deserialize_with = "super::json::present")]
            #[schema(value_type = Option<Vec<super::scope_body::ScopeBody>>, nullable = false, max_items = 100)]
            scopes: Option<Vec<super::json::Object<super::scope_body::ScopeBody>>>,
            /// From where it may be used: IP addresses and networks, IPv4 and IPv6; with none, from anywhere.
            #[serde(default, deserialize_with = "super::json::present")]
            #[schema(nullable = false, max_items = 50, example = json!(["10.1.0.0/16", "203.0.113.9"]))]
            allowed_addresses: Option<Vec<String>>,
        }

        impl $name {
            /// Takes the fields that every request about a token may have, of a token of `namespace` if it is given;
            /// what is wrong with them goes to `errors`.
            fn token_fields(
                &mut self,
                namespace: Option<&oci::NamespaceName>,
                now: access::time::Instant,
                errors: &mut super::fields::FieldErrors,
            ) -> super::token_fields::TokenFields {
                use super::token_fields as read;
                let expires_at = self.expires_at.as_ref().map(Option::as_deref);
                read::TokenFields {
                    description: read::description(self.description.take(), errors),
                    stands_for: read::stands_for(self.stands_for.take(), errors),
                    is_enabled: self.status.map(super::words::TokenStatus::is_enabled),
                    expiry: read::expiry(expires_at, self.expires_in.as_deref(), now, errors),
                    rights: read::rights(self.permission, self.scopes.take(), namespace, errors),
                    allowed_addresses: read::allowed_addresses(self.allowed_addresses.as_deref(), errors),
                }
            }
        }
    };
}
pub(super) use token_request;

/// What a request says of a token, each `None` where it says nothing of it.
pub(super) struct TokenFields {
    pub(super) description: Option<Option<Description>>,
    pub(super) stands_for: Option<Option<StandsFor>>,
    pub(super) is_enabled: Option<bool>,
    pub(super) expiry: Option<Expiry>,
    /// The scopes, with what is to be told along.
    pub(super) rights: Option<(Scopes, Vec<Warning>)>,
    pub(super) allowed_addresses: Option<AllowedAddresses>,
}

impl TokenFields {
    /// A new token of that name, which `takes_scopes` unless it mirrors its user.
    pub(super) fn into_new<Name>(self, name: Name, takes_scopes: bool) -> NewToken<Name> {
        let nothing = || (Scopes::default(), takes_scopes.then(allows_nothing).into_iter().collect());
        let (scopes, warnings) = self.rights.unwrap_or_else(nothing);
        NewToken {
            name,
            description: self.description.flatten(),
            stands_for: self.stands_for.flatten(),
            is_enabled: self.is_enabled.unwrap_or(true),
            expiry: self.expiry.unwrap_or(Expiry::Never),
            scopes,
            allowed_addresses: self.allowed_addresses.unwrap_or_default(),
            warnings,
        }
    }

    /// An edit of these, with what is to be told along.
    pub(super) fn into_edit(self) -> (TokenEdit, Vec<Warning>) {
        let (scopes, warnings) = self.rights.unzip();
        let edit = TokenEdit {
            label: None,
            description: self.description,
            stands_for: self.stands_for,
            is_enabled: self.is_enabled,
            expiry: self.expiry,
            scopes,
            allowed_addresses: self.allowed_addresses,
            if_revision: None,
        };
        (edit, warnings.unwrap_or_default())
    }
}

/// `None` where nothing is said, `Some(None)` where there is to be none.
pub(super) fn description(
    input: Option<Option<String>>,
    errors: &mut FieldErrors,
) -> Option<Option<Description>> {
    let text = input?.unwrap_or_default();
    errors.check("description", Description::parse(&text))
}

/// The same for whom a token is for.
pub(super) fn stands_for(
    input: Option<Option<StandsForBody>>,
    errors: &mut FieldErrors,
) -> Option<Option<StandsFor>> {
    match input? {
        None => Some(None),
        Some(body) => errors.check("stands_for", body.parse()).map(Some),
    }
}

pub(super) fn expiry(
    expires_at: Option<Option<&str>>,
    expires_in: Option<&str>,
    now: Instant,
    errors: &mut FieldErrors,
) -> Option<Expiry> {
    let input = ExpiryInput { expires_at, expires_in };
    Expiry::parse(input, now).map_err(|error| errors.extend(vec![error.at_field(input)])).ok().flatten()
}

/// The scopes, however they are said, with what is to be told along; `None` where nothing is said about them.
pub(super) fn rights(
    permission: Option<ShortPermission>,
    scopes: Option<Vec<Object<ScopeBody>>>,
    namespace: Option<&NamespaceName>,
    errors: &mut FieldErrors,
) -> Option<(Scopes, Vec<Warning>)> {
    let read = match (permission, scopes) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            let rule = "permission and scopes say the same thing in two ways; send one of them";
            Err(vec![FieldError::new("permission", rule)])
        }
        (Some(word), None) => Ok((Scopes::from(access::scope::Permission::from(word)), Vec::new())),
        (None, Some(scopes)) => {
            let inputs: Vec<ScopeInput> = scopes.into_iter().map(|Object(scope)| scope.into()).collect();
            Scopes::parse(&inputs, namespace)
        }
    };
    let (scopes, mut warnings) = read.map_err(|found| errors.extend(found)).ok()?;
    if scopes.is_empty() {
        warnings.push(allows_nothing());
    }
    Some((scopes, warnings))
}

pub(super) fn allowed_addresses(
    texts: Option<&[String]>,
    errors: &mut FieldErrors,
) -> Option<AllowedAddresses> {
    AllowedAddresses::parse(texts?).map_err(|found| errors.extend(found)).ok()
}

pub(super) fn allows_nothing() -> Warning {
    let message =
        "the token has no scopes, so it allows nothing; an edit with permission or scopes gives it some";
    Warning { field: "scopes".to_owned(), message: message.to_owned() }
}
