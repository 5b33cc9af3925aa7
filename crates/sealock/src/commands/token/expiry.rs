//! When a token ends, as it is typed.

use access::time::{Instant, Length};
use clap::Args;
use serde_json::{Map, Value, json};

/// At most one of these.
#[derive(Args)]
#[group(multiple = false)]
pub(super) struct Expiry {
    /// How long it works, such as 30d or 12h; at least 1h
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    expires_in: Option<String>,
    /// The instant from which it works no more, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    expires_at: Option<String>,
    /// It works until somebody ends it; so does a new token where nothing is said
    #[arg(long)]
    never_expires: bool,
}

/// A length as the API takes it.
pub(super) fn length(text: &str) -> Result<String, access::time::InvalidLength> {
    Length::parse(text).map(|_| text.to_owned())
}

fn instant(text: &str) -> Result<String, &'static str> {
    let at =
        Instant::parse_rfc3339(text).ok_or("an instant is written as 2027-01-31T00:00:00Z (RFC 3339)")?;
    Ok(at.to_string())
}

impl Expiry {
    /// Adds what was said to a request.
    pub(super) fn say(&self, body: &mut Map<String, Value>) {
        let (field, value) = match self {
            Self { expires_in: Some(length), .. } => ("expires_in", json!(length)),
            Self { expires_at: Some(at), .. } => ("expires_at", json!(at)),
            Self { never_expires: true, .. } => ("expires_at", Value::Null),
            Self { .. } => return,
        };
        body.insert(field.to_owned(), value);
    }
}
