//! How far a new instance has come, for the administrator who sets it up.

use storage::first_steps::{self, FirstSteps};

use crate::{Registry, authorize::Refusal, grant::Grant, manage::ManageError, settings::ShowSettings};

impl Registry {
    /// What of the first steps has been taken. Whoever may look at the settings of the instance may know.
    pub async fn first_steps(&self, grant: &Grant<ShowSettings>) -> Result<FirstSteps, ManageError> {
        let user = grant.principal().user().ok_or(Refusal::SignIn { scope: None })?;
        Ok(first_steps::taken(&self.db, user.id).await?)
    }
}
