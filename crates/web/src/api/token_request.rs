//! What requests say about tokens: read here by the rules of DESIGN §2, with everything wrong told at once.

use access::{
    expiry::{Expiry, ExpiryInput},
    field_error::FieldError,
    name::{Description, ServiceTokenName, TokenLabel},
    scope::{Permission, ScopeInput, Scopes, Warning},
    time::Instant,
};
use oci::NamespaceName;
use registry::{NewToken, StandsFor, TokenEdit};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    fields::FieldErrors,
    json::{self, Object},
    problem::Problem,
    scope_body::ScopeBody,
    stands_for::StandsForBody,
};

/// A service token to be made.
///
/// With neither `permission` nor `scopes` it allows nothing; with neither `expires_at` nor `expires_in` it never
/// expires.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
pub(super) struct NewTokenRequest {
    /// Its name, which is its login name and never changes.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, pattern = "^[a-z][a-z0-9-]{1,61}[a-z0-9]$", example = "ci-bot")]
    name: Option<String>,
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
    /// The short form for one scope over everything that it may reach. Not together with `scopes`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = "^(pull|pull-push)$")]
    permission: Option<String>,
    /// What it allows. Not together with `permission`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<Vec<ScopeBody>>, nullable = false, max_items = 100)]
    scopes: Option<Vec<Object<ScopeBody>>>,
}

/// Changes of a token; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenEdit)]
pub(super) struct TokenEditRequest {
    /// The label of a personal token; the name of a service token never changes.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, nullable = false, max_length = 100)]
    name: Option<serde_json::Value>,
    /// What it is for; null or empty removes it.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, required = false, max_length = 1000)]
    description: Option<Option<String>>,
    /// Whom or what it is for, to be shown and found by; null is nobody in particular.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<StandsForBody>, required = false)]
    stands_for: Option<Option<StandsForBody>>,
    /// `enabled` or `disabled`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = "^(enabled|disabled)$")]
    status: Option<String>,
    /// From when on it works no more (RFC 3339), at least 1 hour ahead; null is never. Not together with `expires_in`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    expires_at: Option<Option<String>>,
    /// How long it works from now on: a number and one of s, m, h, d, w. Not together with `expires_at`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, example = "30d")]
    expires_in: Option<String>,
    /// Replaces the scopes by one over everything that it may reach. Not together with `scopes`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = "^(pull|pull-push)$")]
    permission: Option<String>,
    /// Replaces the scopes. Not together with `permission`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<Vec<ScopeBody>>, nullable = false, max_items = 100)]
    scopes: Option<Vec<Object<ScopeBody>>>,
}

impl NewTokenRequest {
    /// The token to make in `namespace`, or for the instance where it is `None`; or everything that is wrong, with what
    /// `errors` holds already.
    pub(super) fn parse(
        self,
        namespace: Option<&NamespaceName>,
        now: Instant,
        mut errors: FieldErrors,
    ) -> Result<NewToken, Problem> {
        let name = self.name.as_deref().ok_or_else(|| "a service token needs a name".to_owned());
        let name = name.and_then(|text| ServiceTokenName::parse(text).map_err(|error| error.to_string()));
        let name = errors.check("name", name);
        let description = description(self.description, &mut errors);
        let stands_for = stands_for(self.stands_for, &mut errors);
        let is_enabled = is_enabled(self.status.as_deref(), &mut errors);
        let expiry = expiry(self.expires_at.as_ref(), self.expires_in.as_deref(), now, &mut errors);
        let rights = rights(self.permission.as_deref(), self.scopes, namespace, &mut errors);
        let (scopes, warnings) = rights.unwrap_or_else(|| (Scopes::default(), vec![allows_nothing()]));
        let Some(name) = name else { return Err(errors.into()) };
        errors.refuse_any()?;
        Ok(NewToken {
            name,
            description: description.flatten(),
            stands_for: stands_for.flatten(),
            is_enabled: is_enabled.unwrap_or(true),
            expiry: expiry.unwrap_or(Expiry::Never),
            scopes,
            warnings,
        })
    }
}

/// What an edit has to know about the token that it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct EditedToken<'a> {
    /// The namespace that owns it; `None` for tokens of the instance and of a person.
    pub(super) namespace: Option<&'a NamespaceName>,
    /// Whether its name is a label, which may change.
    pub(super) is_personal: bool,
}

impl TokenEditRequest {
    /// The edit, with what is to be told along; or everything that is wrong.
    pub(super) fn parse(
        self,
        token: EditedToken<'_>,
        now: Instant,
        mut errors: FieldErrors,
    ) -> Result<(TokenEdit, Vec<Warning>), Problem> {
        let label = self.name.and_then(|name| errors.check("name", label(&name, token.is_personal)));
        let description = description(self.description, &mut errors);
        let stands_for = stands_for(self.stands_for, &mut errors);
        let is_enabled = is_enabled(self.status.as_deref(), &mut errors);
        let expiry = expiry(self.expires_at.as_ref(), self.expires_in.as_deref(), now, &mut errors);
        let (scopes, warnings) =
            rights(self.permission.as_deref(), self.scopes, token.namespace, &mut errors).unzip();
        errors.refuse_any()?;
        let edit =
            TokenEdit { label, description, stands_for, is_enabled, expiry, scopes, if_revision: None };
        Ok((edit, warnings.unwrap_or_default()))
    }
}

fn label(name: &serde_json::Value, is_personal: bool) -> Result<TokenLabel, String> {
    if !is_personal {
        return Err(
            "the name of a service token can't change; make another token and delete this one".to_owned()
        );
    }
    let text = name.as_str().ok_or_else(|| "a personal token's name is a text".to_owned())?;
    TokenLabel::parse(text).map_err(|error| error.to_string())
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

pub(super) fn is_enabled(input: Option<&str>, errors: &mut FieldErrors) -> Option<bool> {
    let is_enabled = match input? {
        "enabled" => Ok(true),
        "disabled" => Ok(false),
        _ => Err("a status is enabled or disabled"),
    };
    errors.check("status", is_enabled)
}

pub(super) fn expiry(
    expires_at: Option<&Option<String>>,
    expires_in: Option<&str>,
    now: Instant,
    errors: &mut FieldErrors,
) -> Option<Expiry> {
    let input = ExpiryInput { expires_at: expires_at.map(Option::as_deref), expires_in };
    Expiry::parse(input, now).map_err(|error| errors.extend(vec![error.at_field(input)])).ok().flatten()
}

/// The scopes, however they are said, with what is to be told along; `None` where nothing is said about them.
pub(super) fn rights(
    permission: Option<&str>,
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
        (Some(word), None) => Permission::parse(word)
            .map(|permission| (Scopes::from(permission), Vec::new()))
            .map_err(|error| vec![FieldError::new("permission", error)]),
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

pub(super) fn allows_nothing() -> Warning {
    let message =
        "the token has no scopes, so it allows nothing; an edit with permission or scopes gives it some";
    Warning { field: "scopes".to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use access::time::Length;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);

    fn acme() -> NamespaceName {
        NamespaceName::parse("acme").unwrap()
    }

    fn new(body: Value) -> Result<NewToken, Problem> {
        let (request, errors) = json::parse::<NewTokenRequest>(body.to_string().as_bytes())?;
        request.parse(Some(&acme()), NOW, errors)
    }

    fn edit(body: Value) -> Result<(TokenEdit, Vec<Warning>), Problem> {
        let (request, errors) = json::parse::<TokenEditRequest>(body.to_string().as_bytes())?;
        request.parse(EditedToken { namespace: Some(&acme()), is_personal: false }, NOW, errors)
    }

    #[test]
    fn a_token_of_nothing_but_a_name_never_expires_and_allows_nothing() {
        let token = new(json!({"name": "c"})).map(|_| ()).unwrap_err();
        assert!(format!("{token:?}").contains("3 to 63"));
        let token = new(json!({"name": "ci1"})).unwrap();
        assert_eq!((token.name.as_str(), token.description, token.is_enabled), ("ci1", None, true));
        assert_eq!((token.expiry, token.scopes.is_empty()), (Expiry::Never, true));
        assert_eq!(token.warnings, [allows_nothing()]);
    }

    #[test]
    fn a_token_may_be_given_everything_at_once() {
        let token = new(json!({
            "name": "deploy", "description": " for CI ", "status": "disabled", "expires_in": "30d",
            "scopes": [{"type": "repository", "path": "acme/*", "actions": ["pull", "push"]},
                       {"type": "registry", "actions": ["list"]}],
        }))
        .unwrap();
        assert_eq!(token.description.unwrap().as_str(), "for CI");
        assert_eq!((token.is_enabled, token.expiry), (false, Expiry::At(NOW.plus(Length::days(30)))));
        assert_eq!(token.scopes.to_string(), "pull and push on acme/*; list repositories");
        assert!(token.warnings.is_empty());
    }

    #[test]
    fn nulls_mean_none_where_there_can_be_none() {
        let token = new(json!({"name": "deploy", "description": null, "expires_at": null})).unwrap();
        assert_eq!((token.description, token.expiry), (None, Expiry::Never));
    }

    #[test]
    fn every_wrong_field_of_a_new_token_is_named() {
        let scope =
            |path: &str, actions: Value| json!({"type": "repository", "path": path, "actions": actions});
        let many = vec![scope("acme/*", json!(["pull"])); 101];
        for (field, value) in [
            ("name", json!(null)),
            ("name", json!(7)),
            ("name", json!("A")),
            ("name", json!("a\0b")),
            ("description", json!("a\0b")),
            ("description", json!("x".repeat(1001))),
            ("status", json!("off")),
            ("status", json!(null)),
            ("status", json!(true)),
            ("expires_at", json!(1_900_000_000)),
            ("expires_at", json!(1.5)),
            ("expires_at", json!("2020-01-01T00:00:00Z")),
            ("expires_at", json!(NOW.plus(Length::seconds(3599)).to_string())),
            ("expires_at", json!("+10000-01-01T00:00:00Z")),
            ("expires_in", json!("59m")),
            ("expires_in", json!(30)),
            ("expires_in", json!("30")),
            ("permission", json!("admin")),
            ("permission", json!(null)),
            ("scopes", json!(null)),
            ("scopes", json!({})),
            ("scopes", json!(many)),
            ("scopes[0]", json!([["repository", "acme/*", ["pull"]]])),
            ("scopes[0]", json!([{"path": "acme/*", "actions": ["pull"]}])),
            ("scopes[0].type", json!([{"type": "organization", "actions": ["pull"]}])),
            ("scopes[0].id", json!([{"type": "registry", "actions": ["list"], "id": "x"}])),
            ("scopes[0].path", json!([scope("other/*", json!(["pull"]))])),
            ("scopes[0].path", json!([scope("**", json!(["pull"]))])),
            ("scopes[0].path", json!([scope("", json!(["pull"]))])),
            ("scopes[0].path", json!([scope("acme/../x", json!(["pull"]))])),
            ("scopes[0].path", json!([scope("acme/X", json!(["pull"]))])),
            ("scopes[0].path", json!([scope("acme/\0", json!(["pull"]))])),
            ("scopes[0].actions", json!([scope("acme/*", json!(["push"]))])),
            ("scopes[0].actions", json!([scope("acme/*", json!(["fly"]))])),
            ("scopes[0].actions", json!([scope("acme/*", json!([]))])),
            ("is_admin", json!(true)),
            ("owner", json!("x")),
            ("secret", json!("x")),
            ("id", json!("x")),
            ("kind", json!("personal")),
            ("namespace", json!("other")),
        ] {
            let top = field.split('[').next().unwrap();
            let mut body = json!({"name": "deploy"});
            body[top] = value;
            let fields = new(body.clone()).map(|_| ()).unwrap_err().fields();
            assert_eq!(fields, [field], "{body}");
        }
    }

    #[test]
    fn mistakes_of_every_sort_are_told_at_once() {
        let body = json!({
            "status": 1, "owner": "x", "permission": "pull", "scopes": [], "expires_at": null, "expires_in": "1d",
            "description": "\u{7}",
        });
        let mut fields = new(body).map(|_| ()).unwrap_err().fields();
        fields.sort();
        assert_eq!(fields, ["description", "expires_in", "name", "owner", "permission", "status"]);
    }

    #[test]
    fn an_edit_changes_what_it_names_and_nothing_else() {
        let (nothing, warnings) = edit(json!({})).unwrap();
        assert!(nothing.description.is_none() && nothing.is_enabled.is_none());
        assert!(nothing.expiry.is_none() && nothing.scopes.is_none() && warnings.is_empty());
        let (cleared, _) = edit(json!({"description": null, "expires_at": null})).unwrap();
        assert_eq!((cleared.description, cleared.expiry), (Some(None), Some(Expiry::Never)));
        let (changed, warnings) =
            edit(json!({"description": "x", "status": "enabled", "permission": "pull-push"})).unwrap();
        assert_eq!(changed.description.unwrap().unwrap().as_str(), "x");
        assert_eq!(
            (changed.is_enabled, changed.scopes.unwrap()),
            (Some(true), Scopes::from(Permission::PullPush))
        );
        assert!(warnings.is_empty());
    }

    #[test]
    fn taking_every_scope_away_is_allowed_but_told() {
        let (edit, warnings) = edit(json!({"scopes": []})).unwrap();
        assert_eq!((edit.scopes, warnings), (Some(Scopes::default()), vec![allows_nothing()]));
    }

    #[test]
    fn what_no_edit_can_change_is_refused() {
        for field in
            ["name", "id", "kind", "secret", "is_admin", "owner", "namespace", "created_at", "access"]
        {
            assert_eq!(edit(json!({ field: "x" })).unwrap_err().fields(), [field]);
        }
        assert!(format!("{:?}", edit(json!({"name": null})).unwrap_err()).contains("can't change"));
    }
}
