//! What a token may do to a repository, and by which rule: the same facts and the same decision as at the gate.

use access::{
    bearer::Access,
    id::TokenId,
    operation::{Need, Operation},
    policy::{Decision, decide},
    role::Action,
    time::Instant,
};
use oci::RepositoryName;
use storage::{
    rights::{Who, load},
    secrets,
};

use crate::{
    Registry,
    authorize::aim_at,
    grant::{Ask, Grant},
    manage::ManageError,
    show_tokens::no_token,
};

/// Ask what a token may do.
#[derive(Debug, Clone, Copy)]
pub struct ExplainToken {
    /// Which token.
    pub token: TokenId,
}

impl Ask for ExplainToken {
    fn operation(&self) -> Operation {
        Operation::ExplainToken(self.token)
    }
}

/// What came of asking for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// It may, by this rule.
    Allowed(String),
    /// It may not, and this is what its holder would be told.
    Refused(String),
}

impl Registry {
    /// What the gate would decide now if the token asked for `action` on `repository`, by the secret that lives
    /// longest.
    pub async fn explain_token(
        &self,
        grant: &Grant<ExplainToken>,
        action: Action,
        repository: &RepositoryName,
        now: Instant,
    ) -> Result<Explanation, ManageError> {
        let token = grant.target_token().ok_or_else(no_token)?;
        let secret = secrets::longest_lived(&self.db, token).await?.ok_or_else(no_token)?;
        let rights =
            load(&self.db, &Who::Secret(secret), &aim_at(repository), now).await?.ok_or_else(no_token)?;
        let need = Need::repository(repository, action);
        Ok(match decide(&need, &rights, &Access::unlimited(), now) {
            Decision::Allowed(rule) => Explanation::Allowed(rule.to_string()),
            Decision::Ended(reason) | Decision::Denied(reason) | Decision::Unseen(reason) => {
                Explanation::Refused(reason)
            }
            // A token is never anonymous, and no bearer narrows it here.
            Decision::SignIn | Decision::BearerTooNarrow => {
                Explanation::Refused("the token may not".to_owned())
            }
        })
    }
}
