//! Whom a token is for: a person or a service, in the words of whoever says so.

use access::name::{ServiceName, Username};
use registry::StandsFor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom or what a token is for: `{"user":"anna"}` or `{"service":"nightly build"}`. Nobody has to have that name here: a
/// token may be for somebody who never logs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = StandsFor)]
pub(super) enum StandsForBody {
    /// A person, by username.
    User(String),
    /// A service, by any name of 1 to 100 characters.
    Service(String),
}

impl StandsForBody {
    /// Reads the name by the rules of its kind.
    pub(super) fn parse(&self) -> Result<StandsFor, String> {
        match self {
            Self::User(name) => Username::parse(name)
                .map(|name| StandsFor::User(name.to_string()))
                .map_err(|error| error.to_string()),
            Self::Service(name) => ServiceName::parse(name)
                .map(|name| StandsFor::Service(name.to_string()))
                .map_err(|error| error.to_string()),
        }
    }

    /// Reads the form of a query parameter: `user:anna` or `service:nightly build`.
    pub(super) fn parse_parameter(text: &str) -> Result<StandsFor, String> {
        match text.split_once(':') {
            Some(("user", name)) => Self::User(name.to_owned()).parse(),
            Some(("service", name)) => Self::Service(name.to_owned()).parse(),
            _ => Err("stands_for is user:NAME or service:NAME".to_owned()),
        }
    }
}

impl From<StandsFor> for StandsForBody {
    fn from(whom: StandsFor) -> Self {
        match whom {
            StandsFor::User(name) => Self::User(name),
            StandsFor::Service(name) => Self::Service(name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_for_a_user_or_for_a_service() {
        for (body, expect) in [
            (json!({"user": "anna"}), Some(StandsFor::User("anna".into()))),
            (json!({"service": " nightly build "}), Some(StandsFor::Service("nightly build".into()))),
            (json!({"user": "Anna"}), None),
            (json!({"service": ""}), None),
        ] {
            let read: StandsForBody = serde_json::from_value(body.clone()).unwrap();
            assert_eq!(read.parse().ok(), expect, "{body}");
        }
        for body in [json!({}), json!({"user": "a", "service": "b"}), json!({"team": "a"}), json!("user")] {
            assert!(serde_json::from_value::<StandsForBody>(body.clone()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_parameter_names_the_kind_first() {
        assert_eq!(StandsForBody::parse_parameter("user:anna"), Ok(StandsFor::User("anna".into())));
        assert_eq!(StandsForBody::parse_parameter("service:a:b"), Ok(StandsFor::Service("a:b".into())));
        for text in ["", "anna", "user:", "user:Anna", "team:x", ":x"] {
            assert!(StandsForBody::parse_parameter(text).is_err(), "{text}");
        }
    }
}
