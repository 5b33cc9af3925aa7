//! The schema's steps, oldest first. A step that was released is never edited.

use crate::db::Migration;

/// Every step that this binary knows; the last one's version is its schema number.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        oldest_binary: 1,
        name: "the house",
        sql: include_str!("../migrations/0001_the_house.sql"),
    },
    Migration {
        version: 2,
        // An older one would work, and let tokens in from wherever they come.
        oldest_binary: 2,
        name: "allowed addresses",
        sql: include_str!("../migrations/0002_allowed_addresses.sql"),
    },
    Migration {
        version: 3,
        // Two tables more, which an older one does not miss.
        oldest_binary: 2,
        name: "sessions",
        sql: include_str!("../migrations/0003_sessions.sql"),
    },
    Migration {
        version: 4,
        // An older one would sign with a key that was retired, and take bearers of one that was thrown away.
        oldest_binary: 4,
        name: "durable",
        sql: include_str!("../migrations/0004_durable.sql"),
    },
    Migration {
        version: 5,
        // Indexes, which an older one does not miss.
        oldest_binary: 4,
        name: "audit",
        sql: include_str!("../migrations/0005_audit.sql"),
    },
    Migration {
        version: 6,
        // An older one does not miss the table and the indexes. Namespaces that it creates have no known creator.
        oldest_binary: 4,
        name: "limits",
        sql: include_str!("../migrations/0006_limits.sql"),
    },
    Migration {
        version: 7,
        // Indexes, which an older one does not miss.
        oldest_binary: 4,
        name: "audit names",
        sql: include_str!("../migrations/0007_audit_names.sql"),
    },
    Migration {
        version: 8,
        // An older one does not miss the columns. For tokens that it creates, the credential is unknown.
        oldest_binary: 4,
        name: "created with",
        sql: include_str!("../migrations/0008_created_with.sql"),
    },
];
