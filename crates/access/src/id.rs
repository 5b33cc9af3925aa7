//! Ids: rights bind to these and never to names, so that a namespace deleted and made again owes nothing to
//! what was given for the first (DESIGN §4). UUID version 7 (RFC 9562 §5.7), never used twice.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{randomness::Randomness, time::Instant};

/// The text is not an id of this project: ids are UUIDs in their hyphenated lower-case form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID such as 0190a5e0-7d4c-7aaa-8bbb-123456789abc")]
pub struct InvalidId;

fn mint(now: Instant, random: &dyn Randomness) -> Uuid {
    let mut bytes = [0u8; 10];
    random.fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(now.as_millis().unsigned_abs(), &bytes).into_uuid()
}

fn parse(text: &str) -> Result<Uuid, InvalidId> {
    // Uuid::parse_str also takes braces, URNs and upper case; one spelling only, so that an id compares as text.
    let id = Uuid::try_parse(text).map_err(|_| InvalidId)?;
    if id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text { Ok(id) } else { Err(InvalidId) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; those minted later sort after those minted in an earlier millisecond.
            pub fn mint(now: Instant, random: &dyn Randomness) -> Self {
                Self(mint(now, random))
            }

            /// Reads the hyphenated lower-case form, and no other spelling.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                parse(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )+};
}

ids! {
    /// A person's account.
    UserId,
    /// A set of users.
    TeamId,
    /// A namespace: the unit of tenancy.
    NamespaceId,
    /// A repository.
    RepositoryId,
    /// A token, service or personal.
    TokenId,
    /// One secret of a token. Bearers carry it, so that they die with it.
    SecretId,
    /// One scope of a token.
    ScopeId,
    /// An upload session.
    UploadId,
    /// A session of the console.
    SessionId,
    /// A stored manifest.
    ManifestId,
    /// A row of the audit.
    AuditId,
    /// A database and a blob store that belong together (DESIGN §5, 11).
    StoreId,
}

impl AuditId {
    /// The least id that can be minted at `at`, so that a span of time is a span of ids. Before 1970 counts as 1970.
    pub fn first_at(at: Instant) -> Self {
        let millis = at.as_millis().max(0).unsigned_abs();
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn an_id_is_a_version_7_uuid_and_reads_back() {
        let id = TokenId::mint(Instant::from_millis(1_700_000_000_000), &Fixed);
        assert_eq!(id.0.get_version_num(), 7);
        assert_eq!(TokenId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn later_ids_sort_later() {
        let early = TokenId::mint(Instant::from_millis(1_700_000_000_000), &Fixed);
        let late = TokenId::mint(Instant::from_millis(1_700_000_000_001), &Fixed);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn a_span_of_time_is_a_span_of_ids() {
        let at = |millis: i64| Instant::from_millis(1_700_000_000_000 + millis);
        let (before, id, after) =
            (AuditId::first_at(at(0)), AuditId::mint(at(0), &Fixed), AuditId::first_at(at(1)));
        assert!(before.to_string() < id.to_string() && id.to_string() < after.to_string());
        assert_eq!(AuditId::first_at(Instant::from_millis(-1)), AuditId::first_at(Instant::from_millis(0)));
    }

    #[test]
    fn other_spellings_are_refused() {
        let id = TokenId::mint(Instant::from_millis(1_700_000_000_000), &Fixed).to_string();
        for text in [
            id.to_uppercase(),
            format!("{{{id}}}"),
            id.replace('-', ""),
            format!("urn:uuid:{id}"),
            "x".into(),
        ] {
            assert_eq!(TokenId::parse(&text), Err(InvalidId), "{text}");
        }
    }
}
