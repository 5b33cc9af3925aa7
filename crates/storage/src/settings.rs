//! What an administrator set for the whole instance; what was never set has its default.

use crate::{
    db::{DbError, Query, Tx},
    params,
};

/// The settings of the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSettings {
    /// Whether every user may make namespaces, and becomes the admin of what they made.
    pub users_make_namespaces: bool,
    /// Whether a new user gets a namespace of their own name, where that is free and legal.
    pub own_namespaces: bool,
    /// Whether administrators may make tokens for other users with a personal token (rule 9).
    pub tokens_for_others: bool,
    /// Rises with every change.
    pub revision: i64,
}

impl StoredSettings {
    /// What the audit keeps of the settings, as JSON.
    pub fn as_history(&self) -> String {
        serde_json::json!({
            "users_make_namespaces": self.users_make_namespaces,
            "own_namespaces": self.own_namespaces,
            "tokens_for_others": self.tokens_for_others,
        })
        .to_string()
    }
}

impl Default for StoredSettings {
    fn default() -> Self {
        Self { users_make_namespaces: false, own_namespaces: true, tokens_for_others: true, revision: 1 }
    }
}

const ALL: &str = "SELECT name, value FROM settings ORDER BY name";

/// All settings.
pub async fn all(q: &impl Query) -> Result<StoredSettings, DbError> {
    let mut settings = StoredSettings::default();
    for (name, value) in q.list(ALL, params![], |row| Ok((row.text(0)?, row.text(1)?))).await? {
        let corrupt = || DbError::Corrupt(format!("the setting {name} can't be {value}"));
        match name.as_str() {
            "revision" => settings.revision = value.parse().map_err(|_| corrupt())?,
            "users_make_namespaces" => {
                settings.users_make_namespaces = value.parse().map_err(|_| corrupt())?
            }
            "own_namespaces" => settings.own_namespaces = value.parse().map_err(|_| corrupt())?,
            "tokens_for_others" => settings.tokens_for_others = value.parse().map_err(|_| corrupt())?,
            // Of a newer release, which runs beside this one while replicas are upgraded.
            _ => {}
        }
    }
    Ok(settings)
}

// Settings that nobody has changed have revision 1 and no row.
const BUMP: &str = "INSERT INTO settings (name, value) VALUES ('revision', '2') ON CONFLICT (name) DO UPDATE \
    SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT) RETURNING CAST(value AS BIGINT)";

/// Takes the settings for this transaction and raises their revision, so that edits queue here.
pub async fn bump(tx: &Tx) -> Result<i64, DbError> {
    tx.one(BUMP, params![], |row| row.int(0)).await
}

const SET: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Writes every setting.
pub async fn update(tx: &Tx, settings: &StoredSettings) -> Result<(), DbError> {
    for (name, value) in [
        ("users_make_namespaces", settings.users_make_namespaces),
        ("own_namespaces", settings.own_namespaces),
        ("tokens_for_others", settings.tokens_for_others),
    ] {
        tx.execute(SET, params![name, value.to_string()]).await?;
    }
    Ok(())
}
