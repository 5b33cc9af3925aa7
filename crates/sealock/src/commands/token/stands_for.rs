//! Whom a token is for, as it is typed: `user:NAME` or `service:NAME`.

use serde::Serialize;

/// One `--stands-for`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StandsFor {
    User(String),
    Service(String),
}

impl std::str::FromStr for StandsFor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("user", name)) if !name.is_empty() => Ok(Self::User(name.to_owned())),
            Some(("service", name)) if !name.is_empty() => Ok(Self::Service(name.to_owned())),
            _ => Err("whom a token is for is user:NAME or service:NAME"),
        }
    }
}

/// As it is typed.
impl std::fmt::Display for StandsFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Service(name) => write!(f, "service:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_for_a_user_or_a_service() {
        for (text, expect) in
            [("user:anna", json!({"user": "anna"})), ("service:a:b c", json!({"service": "a:b c"}))]
        {
            let read: StandsFor = text.parse().unwrap();
            assert_eq!((serde_json::to_value(&read).unwrap(), read.to_string().as_str()), (expect, text));
        }
        for text in ["", "anna", "user:", "team:x", "User:anna"] {
            assert!(text.parse::<StandsFor>().is_err(), "{text}");
        }
    }
}
