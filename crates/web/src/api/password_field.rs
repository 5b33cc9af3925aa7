//! A password in a body. What is said about a wrong one never repeats it.

use registry::Password;
use serde::{Deserialize, Deserializer, de::Error};

/// A password as somebody sent it.
pub(super) struct PasswordField(pub(super) Password);

impl<'de> Deserialize<'de> for PasswordField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde's own message would quote what it found: `invalid type: integer 12345678`.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(Password::new(text))),
            _ => Err(D::Error::custom("a password is a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_no_string_is_not_repeated() {
        for body in ["12345678", "null", "[\"12345678\"]", "{\"a\":12345678}", "true"] {
            let refused = serde_json::from_str::<PasswordField>(body).err().map(|error| error.to_string());
            assert_eq!(refused.as_deref(), Some("a password is a string"), "{body}");
        }
    }
}
