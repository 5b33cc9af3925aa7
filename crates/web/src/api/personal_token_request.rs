//! What requests say about a personal token to be made.

use access::{name::TokenLabel, rights::PersonalAccess, time::Instant};
use registry::NewToken;

use super::{fields::FieldErrors, problem::Problem, token_fields::token_request, words::TokenAccess};

token_request! {
    /// A personal token to be made. Its login name is the username, and it allows nothing that the user may not.
    #[schema(as = NewPersonalToken)]
    pub(super) struct NewPersonalTokenRequest {
        /// A label to tell it from the others by; it may change, and another token may have the same.
        #[serde(default, deserialize_with = "super::json::present")]
        #[schema(required, nullable = false, max_length = 100, example = "laptop")]
        name: Option<String>,
        /// `account` mirrors the user's rights at the time of use; `scoped` allows what is in these rights and in its
        /// scopes. It never changes. `scoped` is the default where `permission` or `scopes` is there, else `account`.
        #[serde(default, deserialize_with = "super::json::word")]
        #[schema(nullable = false)]
        access: Option<TokenAccess>,
    }
}

impl NewPersonalTokenRequest {
    /// The token to make, and what it takes of its user's rights; or everything that is wrong.
    pub(super) fn parse(
        mut self,
        now: Instant,
        mut errors: FieldErrors,
    ) -> Result<(PersonalAccess, NewToken<TokenLabel>), Problem> {
        let missing = "a personal token needs a name";
        let name = errors.need("name", self.name.as_deref(), missing, TokenLabel::parse);
        let has_scopes = self.permission.is_some() || self.scopes.is_some();
        let access = errors.check("access", access(self.access, has_scopes));
        let fields = self.token_fields(None, now, &mut errors);
        let (Some(name), Some(access)) = (name, access) else { return Err(errors.into()) };
        errors.refuse_any()?;
        Ok((access, fields.into_new(name, access == PersonalAccess::Scoped)))
    }
}

fn access(word: Option<TokenAccess>, has_scopes: bool) -> Result<PersonalAccess, &'static str> {
    match (word, has_scopes) {
        (Some(TokenAccess::Account), true) => Err(
            "a token with access account mirrors its user and has no scopes; leave access or the scopes out",
        ),
        (Some(TokenAccess::Account) | None, false) => Ok(PersonalAccess::Account),
        (Some(TokenAccess::Scoped), _) | (None, true) => Ok(PersonalAccess::Scoped),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;
    use crate::api::json;

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
