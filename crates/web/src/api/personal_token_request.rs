//! What requests say about a personal token to be made.

use access::{expiry::Expiry, name::TokenLabel, rights::PersonalAccess, scope::Scopes, time::Instant};
use registry::NewToken;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    fields::FieldErrors,
    json::{self, Object},
    problem::Problem,
    scope_body::ScopeBody,
    stands_for::StandsForBody,
    token_request::{allows_nothing, description, expiry, is_enabled, rights, stands_for},
};

/// A personal token to be made. Its login name is the username.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPersonalToken)]
pub(super) struct NewPersonalTokenRequest {
    /// A label to tell it from the others by; it may change, and another token may have the same.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, max_length = 100, example = "laptop")]
    name: Option<String>,
    /// `account` mirrors the user's rights at the time of use; `scoped` allows what is in these rights and in its scopes.
    /// It never changes. `scoped` is the default where `permission` or `scopes` is there, else `account`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = "^(account|scoped)$")]
    access: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, required = false, max_length = 1000)]
    description: Option<Option<String>>,
    /// Whom or what it is for, to be shown and found by; null is nobody in particular.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<StandsForBody>, required = false)]
    stands_for: Option<Option<StandsForBody>>,
    /// `enabled` (the default) or `disabled`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, default = "enabled", pattern = "^(enabled|disabled)$")]
    status: Option<String>,
    /// From when on it works no more (RFC 3339), at least 1 hour ahead; null is never. Not together with `expires_in`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    expires_at: Option<Option<String>>,
    /// How long it works: a number and one of s, m, h, d, w. Not together with `expires_at`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, example = "30d")]
    expires_in: Option<String>,
    /// The short form for one scope over everything that the user may reach. Not together with `scopes`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = "^(pull|pull-push)$")]
    permission: Option<String>,
    /// What it allows, as far as the user may. Not together with `permission`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<Vec<ScopeBody>>, nullable = false, max_items = 100)]
    scopes: Option<Vec<Object<ScopeBody>>>,
}

impl NewPersonalTokenRequest {
    /// The token to make, and what it takes of its user's rights; or everything that is wrong.
    pub(super) fn parse(
        self,
        now: Instant,
        mut errors: FieldErrors,
    ) -> Result<(PersonalAccess, NewToken<TokenLabel>), Problem> {
        let name = self.name.as_deref().ok_or_else(|| "a personal token needs a name".to_owned());
        let name = name.and_then(|text| TokenLabel::parse(text).map_err(|error| error.to_string()));
        let name = errors.check("name", name);
        let has_scopes = self.permission.is_some() || self.scopes.is_some();
        let access = errors.check("access", access(self.access.as_deref(), has_scopes));
        let description = description(self.description, &mut errors);
        let stands_for = stands_for(self.stands_for, &mut errors);
        let is_enabled = is_enabled(self.status.as_deref(), &mut errors);
        let expiry = expiry(self.expires_at.as_ref(), self.expires_in.as_deref(), now, &mut errors);
        let rights = rights(self.permission.as_deref(), self.scopes, None, &mut errors);
        let (Some(name), Some(access)) = (name, access) else { return Err(errors.into()) };
        errors.refuse_any()?;
        let (scopes, warnings) = match (rights, access) {
            (Some(rights), _) => rights,
            (None, PersonalAccess::Account) => (Scopes::default(), Vec::new()),
            (None, PersonalAccess::Scoped) => (Scopes::default(), vec![allows_nothing()]),
        };
        let new = NewToken {
            name,
            description: description.flatten(),
            stands_for: stands_for.flatten(),
            is_enabled: is_enabled.unwrap_or(true),
            expiry: expiry.unwrap_or(Expiry::Never),
            scopes,
            warnings,
        };
        Ok((access, new))
    }
}

fn access(word: Option<&str>, has_scopes: bool) -> Result<PersonalAccess, &'static str> {
    match (word, has_scopes) {
        (Some("account"), true) => Err(
            "a token with access account mirrors its user and has no scopes; leave access or the scopes out",
        ),
        (Some("account") | None, false) => Ok(PersonalAccess::Account),
        (Some("scoped"), _) | (None, true) => Ok(PersonalAccess::Scoped),
        (Some(_), _) => Err("access is account or scoped"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);

    fn new(body: Value) -> Result<(PersonalAccess, NewToken<TokenLabel>), Problem> {
        let (request, errors) = json::parse::<NewPersonalTokenRequest>(body.to_string().as_bytes())?;
        request.parse(NOW, errors)
    }

    #[test]
    fn a_token_mirrors_its_user_unless_scopes_are_given() {
        let scopes = json!([{"type": "repository", "path": "acme/*", "actions": ["pull"]}]);
        for (body, expect, scopes, warnings) in [
            (json!({"name": "laptop"}), PersonalAccess::Account, "nothing", 0),
            (json!({"name": "laptop", "access": "account"}), PersonalAccess::Account, "nothing", 0),
            (
                json!({"name": "laptop", "permission": "pull"}),
                PersonalAccess::Scoped,
                "pull on every repository",
                0,
            ),
            (json!({"name": "laptop", "scopes": scopes}), PersonalAccess::Scoped, "pull on acme/*", 0),
            (json!({"name": "laptop", "access": "scoped"}), PersonalAccess::Scoped, "nothing", 1),
            (json!({"name": "laptop", "scopes": []}), PersonalAccess::Scoped, "nothing", 1),
        ] {
            let (access, token) = new(body.clone()).unwrap();
            assert_eq!((access, token.scopes.to_string().as_str()), (expect, scopes), "{body}");
            assert_eq!(token.warnings.len(), warnings, "{body}");
        }
    }

    #[test]
    fn every_wrong_field_of_a_new_personal_token_is_named() {
        for (field, value) in [
            ("name", json!(null)),
            ("name", json!(" ")),
            ("name", json!("a\nb")),
            ("name", json!("x".repeat(101))),
            ("access", json!("admin")),
            ("access", json!(null)),
            ("access", json!("account")),
            ("stands_for", json!({"user": "Anna"})),
            ("stands_for", json!("anna")),
            ("username", json!("root")),
            ("owner", json!("root")),
            ("is_admin", json!(true)),
            ("secret", json!("x")),
            ("id", json!("x")),
            ("kind", json!("service")),
        ] {
            let mut body = json!({"name": "laptop", "permission": "pull"});
            body[field] = value;
            let fields = new(body.clone()).map(|_| ()).unwrap_err().fields();
            assert_eq!(fields, [field], "{body}");
        }
        assert_eq!(new(json!({})).map(|_| ()).unwrap_err().fields(), ["name"]);
    }
}
