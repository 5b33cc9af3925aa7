//! A scope as it is typed: `repository:PATH:ACTIONS` or `registry:list`.

use serde::Serialize;

/// One `--scope`. The rules of paths and actions are the server's; here is only the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ScopeArgument {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    actions: Vec<String>,
}

const FORM: &str =
    "a scope is repository:PATH:ACTIONS, such as repository:acme/*:pull,push, or registry:list";

impl std::str::FromStr for ScopeArgument {
    type Err = &'static str;

    /// The type ends at the first colon and the actions begin after the last, as in the token protocol (DESIGN §3.2).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').ok_or(FORM)?;
        let (kind, path, actions) = match kind {
            "repository" => {
                let (path, actions) =
                    rest.rsplit_once(':').filter(|(path, _)| !path.is_empty()).ok_or(FORM)?;
                ("repository", Some(path.to_owned()), actions)
            }
            "registry" if !rest.contains(':') => ("registry", None, rest),
            _ => return Err(FORM),
        };
        let actions: Vec<String> = actions.split(',').map(|action| action.trim().to_owned()).collect();
        if actions.iter().any(String::is_empty) {
            return Err(FORM);
        }
        Ok(Self { kind, path, actions })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn check(text: &str, expect: Option<Value>) {
        let scope = text.parse::<ScopeArgument>().ok();
        assert_eq!(scope.map(|scope| serde_json::to_value(scope).unwrap()), expect, "{text}");
    }

    #[test]
    fn a_scope_is_typed_as_it_is_shown() {
        let both = json!({"type": "repository", "path": "acme/*", "actions": ["pull", "push"]});
        check("repository:acme/*:pull,push", Some(both));
        check("repository:*:pull", Some(json!({"type": "repository", "path": "*", "actions": ["pull"]})));
        check(
            "repository:host:5000/acme:pull",
            Some(json!({"type": "repository", "path": "host:5000/acme", "actions": ["pull"]})),
        );
        check("registry:list", Some(json!({"type": "registry", "actions": ["list"]})));
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "acme/*",
            "repository:acme/api",
            "repository::pull",
            "repository:a:",
            "repository:a:pull,",
            "registry",
            "registry:",
            "registry:catalog:*",
            "user:ann:pull",
        ] {
            check(text, None);
        }
    }
}
