//! What an administrator set for the whole instance; what was never set has its default.

use crate::{
    db::{DbError, Query, Tx},
    params,
};

/// What is limited in number. An instance administrator sets the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Open upload sessions of one user or token. Each layer of a push is one, and CI jobs may share a token.
    UploadsPerPrincipal,
    /// Open upload sessions of one namespace.
    UploadsPerNamespace,
    /// Living service tokens of one namespace.
    TokensPerNamespace,
    /// Living personal tokens of one user.
    TokensPerUser,
    /// Living service tokens of the instance.
    InstanceTokens,
    /// Namespaces that one user created, where users may.
    NamespacesPerUser,
    /// Namespaces of the whole instance.
    Namespaces,
}

impl Limit {
    /// Every limit, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::UploadsPerPrincipal,
        Self::UploadsPerNamespace,
        Self::TokensPerNamespace,
        Self::TokensPerUser,
        Self::InstanceTokens,
        Self::NamespacesPerUser,
        Self::Namespaces,
    ];

    /// The least and the most that a limit may be.
    pub const BOUNDS: std::ops::RangeInclusive<i64> = 1..=1_000_000;

    /// The name of the setting.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::UploadsPerPrincipal => "max_uploads_per_principal",
            Self::UploadsPerNamespace => "max_uploads_per_namespace",
            Self::TokensPerNamespace => "max_tokens_per_namespace",
            Self::TokensPerUser => "max_tokens_per_user",
            Self::InstanceTokens => "max_instance_tokens",
            Self::NamespacesPerUser => "max_namespaces_per_user",
            Self::Namespaces => "max_namespaces",
        }
    }

    /// The number that is allowed unless an administrator sets another: far more than honest use was seen to need, and few
    /// enough that one token, user or namespace does not fill the database.
    pub const fn default(self) -> i64 {
        match self {
            Self::UploadsPerNamespace => 5_000,
            Self::UploadsPerPrincipal | Self::TokensPerNamespace | Self::InstanceTokens => 1_000,
            Self::TokensPerUser => 200,
            Self::NamespacesPerUser => 50,
            Self::Namespaces => 10_000,
        }
    }
}

/// The number that is allowed of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountLimits([i64; Limit::ALL.len()]);

impl CountLimits {
    /// The number that is allowed.
    pub const fn of(&self, limit: Limit) -> i64 {
        self.0[limit as usize]
    }

    /// Sets the number that is allowed.
    pub const fn set(&mut self, limit: Limit, count: i64) {
        self.0[limit as usize] = count;
    }
}

impl Default for CountLimits {
    fn default() -> Self {
        Self(Limit::ALL.map(Limit::default))
    }
}

/// The settings of the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSettings {
    /// Whether every user may make namespaces, and becomes the admin of what they made.
    pub users_make_namespaces: bool,
    /// Whether a new user gets a namespace of their own name, where that is free and legal.
    pub own_namespaces: bool,
    /// Whether administrators may make tokens for other users with a personal token (rule 9).
    pub tokens_for_others: bool,
    /// The number that is allowed of each.
    pub limits: CountLimits,
    /// Rises with every change.
    pub revision: i64,
}

impl StoredSettings {
    /// What the audit keeps of the settings, as JSON.
    pub fn as_history(&self) -> String {
        let mut history = serde_json::json!({
            "users_make_namespaces": self.users_make_namespaces,
            "own_namespaces": self.own_namespaces,
            "tokens_for_others": self.tokens_for_others,
        });
        for limit in Limit::ALL {
            history[limit.setting()] = self.limits.of(limit).into();
        }
        history.to_string()
    }
}

impl Default for StoredSettings {
    fn default() -> Self {
        Self {
            users_make_namespaces: false,
            own_namespaces: true,
            tokens_for_others: true,
            limits: CountLimits::default(),
            revision: 1,
        }
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
            name => {
                // The others belong to a newer release, which runs beside this one while replicas are upgraded.
                if let Some(limit) = Limit::ALL.into_iter().find(|limit| limit.setting() == name) {
                    settings.limits.set(limit, value.parse().map_err(|_| corrupt())?);
                }
            }
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

const HOLD: &str = "INSERT INTO settings (name, value) VALUES ('revision', '1') ON CONFLICT (name) DO UPDATE \
    SET value = settings.value";

/// Takes the settings for this transaction without a change, so that what is counted for the whole instance is counted by
/// one transaction at a time.
pub async fn hold(tx: &Tx) -> Result<(), DbError> {
    tx.execute(HOLD, params![]).await.map(drop)
}

const SET: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Writes every setting. A limit that never was set keeps its default, which a later release may change.
pub async fn update(tx: &Tx, before: &StoredSettings, after: &StoredSettings) -> Result<(), DbError> {
    for (name, value) in [
        ("users_make_namespaces", after.users_make_namespaces),
        ("own_namespaces", after.own_namespaces),
        ("tokens_for_others", after.tokens_for_others),
    ] {
        tx.execute(SET, params![name, value.to_string()]).await?;
    }
    for limit in Limit::ALL {
        let count = after.limits.of(limit);
        if count != before.limits.of(limit) {
            tx.execute(SET, params![limit.setting(), count.to_string()]).await?;
        }
    }
    Ok(())
}
