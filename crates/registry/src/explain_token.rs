//! What a token may do to a repository, and by which rule: the same facts and the same decision as at the gate.

use std::net::IpAddr;

use access::{
    bearer::Access,
    id::TokenId,
    operation::{Need, Operation},
    policy::{Decision, decide},
    rights::{Principal, Rights},
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
    /// longest, at the address `from`. Without one, it is said from where the token may at all.
    pub async fn explain_token(
        &self,
        grant: &Grant<ExplainToken>,
        action: Action,
        repository: &RepositoryName,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<Explanation, ManageError> {
        let token = grant.target_token().ok_or_else(no_token)?;
        let secret = secrets::longest_lived(&self.db, token).await?.ok_or_else(no_token)?;
        let mut rights = load(&self.db, &Who::Secret(secret), None, &aim_at(repository), now)
            .await?
            .ok_or_else(no_token)?;
        let need = Need::repository(repository, action);
        let places = if from.is_none() { take_places(&mut rights) } else { String::new() };
        Ok(match decide(&need, &rights, &Access::unlimited(), from, now) {
            Decision::Allowed(rule) => Explanation::Allowed(format!("{rule}{places}")),
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

/// Takes the limit to some addresses off the token, for whoever asks about none, and says it.
fn take_places(rights: &mut Rights) -> String {
    let Principal::Token(token) = &mut rights.principal else { return String::new() };
    let allowed = std::mem::take(&mut token.allowed_addresses);
    if allowed.is_anywhere() { String::new() } else { format!(", from its allowed addresses: {allowed}") }
}
