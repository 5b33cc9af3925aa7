//! What requests say about tokens: read here by the rules of DESIGN §2, with everything wrong told at once.

use access::{
    name::{ServiceTokenName, TokenLabel},
    scope::Warning,
    time::Instant,
};
use oci::NamespaceName;
use registry::{NewToken, TokenEdit};

use super::{fields::FieldErrors, json::FixedField, problem::Problem, token_fields::token_request};

token_request! {
    /// A service token to be made.
    ///
    /// With neither `permission` nor `scopes` it allows nothing; with neither `expires_at` nor `expires_in` it never
    /// expires.
    #[schema(as = NewToken)]
    pub(super) struct NewTokenRequest {
        /// Its name, which is its login name and never changes.
        #[serde(default, deserialize_with = "super::json::present")]
        #[schema(required, nullable = false, pattern = "^[a-z][a-z0-9-]{1,61}[a-z0-9]$", example = "ci-bot")]
        name: Option<String>,
    }
}

token_request! {
    /// Changes of a token; what is left out stays, what is there replaces what was there. What never changes (`id`, `kind`,
    /// `namespace`, `username`, `access`, `created_at`, `created_by`) may be repeated as it is.
    #[schema(as = TokenEdit)]
    pub(super) struct TokenEditRequest {
        /// The label of a personal token; the name of a service token never changes.
        #[serde(default, deserialize_with = "super::json::present")]
        #[schema(value_type = Option<String>, nullable = false, max_length = 100)]
        name: Option<serde_json::Value>,
    }
}

impl NewTokenRequest {
    /// The token to make in `namespace`, or for the instance where it is `None`; or everything that is wrong, with what
    /// `errors` holds already.
    pub(super) fn parse(
        mut self,
        namespace: Option<&NamespaceName>,
        now: Instant,
        mut errors: FieldErrors,
    ) -> Result<NewToken, Problem> {
        let missing = "a service token needs a name";
        let name = errors.need("name", self.name.as_deref(), missing, ServiceTokenName::parse);
        let fields = self.token_fields(namespace, now, &mut errors);
        let Some(name) = name else { return Err(errors.into()) };
        errors.refuse_any()?;
        Ok(fields.into_new(name, true))
    }
}

/// What no edit of a token changes. The name of a personal token is a label, which may change.
pub(super) fn fixed_fields(is_personal: bool) -> Vec<FixedField> {
    let name = ("name", "the name of a service token can't change; make another token and delete this one");
    let always = [
        ("id", "the id of a token can't change"),
        ("kind", "the kind of a token can't change; make another token"),
        ("namespace", "the namespace of a token can't change; make another token there"),
        ("username", "the user of a token can't change; make another token for them"),
        ("access", "the access of a token can't change; make another token with it"),
        ("created_at", "when a token was made can't change"),
        ("created_by", "who made a token can't change"),
    ];
    let name = Some(name).filter(|_| !is_personal);
    name.into_iter().chain(always).collect()
}

impl TokenEditRequest {
    /// The edit of a token, which `namespace` owns if it is given, with what is to be told along; or everything that is
    /// wrong.
    pub(super) fn parse(
        mut self,
        namespace: Option<&NamespaceName>,
        now: Instant,
        mut errors: FieldErrors,
    ) -> Result<(TokenEdit, Vec<Warning>), Problem> {
        let label = self.name.take().and_then(|name| errors.check("name", label(&name)));
        let fields = self.token_fields(namespace, now, &mut errors);
        errors.refuse_any()?;
        let (edit, warnings) = fields.into_edit();
        Ok((TokenEdit { label, ..edit }, warnings))
    }
}

fn label(name: &serde_json::Value) -> Result<TokenLabel, String> {
    let text = name.as_str().ok_or_else(|| "a personal token's name is a text".to_owned())?;
    TokenLabel::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use access::{
        expiry::Expiry,
        scope::{Permission, Scopes},
        time::Length,
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::api::{json, token_fields::allows_nothing};

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
        request.parse(Some(&acme()), NOW, errors)
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
            "allowed_addresses": ["10.1.0.0/16", "203.0.113.9"],
        }))
        .unwrap();
        assert_eq!(token.description.unwrap().as_str(), "for CI");
        assert_eq!((token.is_enabled, token.expiry), (false, Expiry::At(NOW.plus(Length::days(30)))));
        assert_eq!(token.scopes.to_string(), "pull and push on acme/*; list repositories");
        assert_eq!(token.allowed_addresses.to_string(), "10.1.0.0/16, 203.0.113.9");
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
            ("allowed_addresses", json!(null)),
            ("allowed_addresses", json!("10.1.0.0/16")),
            ("allowed_addresses", json!(vec!["192.0.2.1"; 51])),
            ("allowed_addresses[0]", json!([16])),
            ("allowed_addresses[0]", json!(["ci.example.com"])),
            ("allowed_addresses[0]", json!(["10.1.2.3/16"])),
            ("allowed_addresses[1]", json!(["192.0.2.1", "192.0.2.1/32"])),
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
        assert!(nothing.allowed_addresses.is_none());
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
        let (anywhere, _) = edit(json!({"allowed_addresses": []})).unwrap();
        assert!(anywhere.allowed_addresses.is_some_and(|allowed| allowed.is_anywhere()));
    }

    #[test]
    fn taking_every_scope_away_is_allowed_but_told() {
        let (edit, warnings) = edit(json!({"scopes": []})).unwrap();
        assert_eq!((edit.scopes, warnings), (Some(Scopes::default()), vec![allows_nothing()]));
    }

    #[test]
    fn what_no_edit_can_change_is_refused() {
        for field in ["secret", "is_admin", "owner", "secret_hint", "pulls", "last_used_at"] {
            assert_eq!(edit(json!({ field: "x" })).unwrap_err().fields(), [field]);
        }
        assert!(fixed_fields(false).iter().any(|(field, _)| *field == "name"));
        assert!(!fixed_fields(true).iter().any(|(field, _)| *field == "name"));
    }
}
