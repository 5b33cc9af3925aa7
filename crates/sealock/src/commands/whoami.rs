//! `sealock whoami`.

use serde_json::Value;

use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

/// Shows who the server takes us for.
pub(crate) async fn run(session: &mut Session) -> Result<(), Failure> {
    let client = session.client()?;
    let me = client.get(&["me"]).await?;
    if session.is_json() {
        return session.answer_json(&me);
    }
    let name = name(&me).unwrap_or_else(|| "somebody".to_owned());
    session.answer(&format!("{name} at {}\n", client.origin()))
}

/// Who `/me` says it is: `admin (administrator)`, `token acme/ci-bot`, `ann with token laptop`.
/// `None` where it says nothing that is known here.
pub(super) fn name(me: &Value) -> Option<String> {
    let token = me.get("token").filter(|token| !token.is_null()).map(token_name);
    let name = match (me.get("username").and_then(Value::as_str), token) {
        (Some(user), None) if me.get("is_admin") == Some(&Value::Bool(true)) => {
            format!("{user} (administrator)")
        }
        (Some(user), None) => user.to_owned(),
        (Some(user), Some(token)) => format!("{user} with token {token}"),
        (None, Some(token)) => format!("token {token}"),
        (None, None) => return None,
    };
    Some(printable(&name))
}

/// A token as text, or as an object with a name and maybe a namespace.
fn token_name(token: &Value) -> String {
    let field = |name: &str| token.get(name).and_then(Value::as_str);
    match (field("namespace"), field("name"), token.as_str()) {
        (Some(namespace), Some(name), _) => format!("{namespace}/{name}"),
        (None, Some(name), _) | (_, None, Some(name)) => name.to_owned(),
        (_, None, None) => "of unknown name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_caller_has_a_name() {
        for (me, expect) in [
            (json!({"kind": "user", "username": "ann"}), Some("ann")),
            (
                json!({"kind": "user", "username": "admin", "is_admin": true, "token": null}),
                Some("admin (administrator)"),
            ),
            (
                json!({"kind": "service", "token": {"namespace": "acme", "name": "ci-bot"}}),
                Some("token acme/ci-bot"),
            ),
            (json!({"kind": "service", "token": "acme/ci-bot"}), Some("token acme/ci-bot")),
            (
                json!({"kind": "personal", "username": "ann", "token": {"name": "laptop"}}),
                Some("ann with token laptop"),
            ),
            (json!({"kind": "user", "username": "a\u{1b}[2J"}), Some(r"a\u{1b}[2J")),
            (json!({}), None),
        ] {
            assert_eq!(name(&me).as_deref(), expect, "{me}");
        }
    }
}
