//! The settings of the instance.

use access::{operation::Operation, time::Instant};
use storage::{
    db::retried,
    settings::{self, Limit, StoredSettings},
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, check_revision},
};

/// Look at the settings.
#[derive(Debug, Clone, Copy)]
pub struct ShowSettings;

impl Ask for ShowSettings {
    fn operation(&self) -> Operation {
        Operation::ShowSettings
    }
}

/// Change settings.
#[derive(Debug, Clone, Copy)]
pub struct EditSettings;

impl Ask for EditSettings {
    fn operation(&self) -> Operation {
        Operation::EditSettings
    }
}

/// What changes; whatever is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SettingsEdit {
    /// Whether every user may make namespaces.
    pub users_make_namespaces: Option<bool>,
    /// Whether a new user gets a namespace of their own name.
    pub own_namespaces: Option<bool>,
    /// Whether administrators may make tokens for others with a personal token.
    pub tokens_for_others: Option<bool>,
    /// The limits that change, each with its new number within [`Limit::BOUNDS`].
    pub limits: Vec<(Limit, i64)>,
    /// Only if the settings still have this revision.
    pub if_revision: Option<i64>,
}

impl Registry {
    /// The settings as they are.
    pub async fn show_settings(&self, _: &Grant<ShowSettings>) -> Result<StoredSettings, ManageError> {
        Ok(settings::all(&self.db).await?)
    }

    /// Changes settings, for every request that starts after this returned. An edit that changes nothing leaves no
    /// trace.
    pub async fn edit_settings(
        &self,
        grant: &Grant<EditSettings>,
        edit: &SettingsEdit,
        now: Instant,
    ) -> Result<StoredSettings, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let revision = settings::bump(&tx).await?;
            grant.still_holds(&tx, now).await?;
            check_revision(edit.if_revision, revision)?;
            let before = settings::all(&tx).await?;
            let mut limits = before.limits;
            for (limit, count) in &edit.limits {
                limits.set(*limit, *count);
            }
            let after = StoredSettings {
                users_make_namespaces: edit.users_make_namespaces.unwrap_or(before.users_make_namespaces),
                own_namespaces: edit.own_namespaces.unwrap_or(before.own_namespaces),
                tokens_for_others: edit.tokens_for_others.unwrap_or(before.tokens_for_others),
                limits,
                revision,
            };
            if after.as_history() == before.as_history() {
                tx.roll_back().await?;
                return Ok(StoredSettings { revision: revision - 1, ..before });
            }
            settings::update(&tx, &before, &after).await?;
            let mut record = grant.record("settings.edited", "the settings".to_owned());
            record.before = before.as_history();
            record.after = after.as_history();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(after)
        })
        .await
    }
}
