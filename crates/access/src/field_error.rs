//! What is wrong with one field of a request: the shape that every validation of this crate reports in.

use serde::Serialize;

/// One field that a rule refuses. The API lists them in a 422 (DESIGN §3.3), the console shows each beside its field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// Where it stands in the request, such as `scopes[2].path`.
    pub field: String,
    /// The rule that it breaks and the way out, for a person.
    pub message: String,
}

impl FieldError {
    /// A refusal of `field`, explained by `message`.
    pub fn new(field: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}
