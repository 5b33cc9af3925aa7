//! The Docker token protocol (DESIGN §3.2): a credential and scopes in, a short-lived bearer out.

use access::{
    bearer::{BearerAccess, Claims, CredentialRef, EXPIRES_IN_SECONDS, Parties, Requested, SignError},
    operation::Need,
    policy::is_allowed,
    rights::{Principal, Rights, Target},
    role::{Action, Actions},
    time::Instant,
};
use oci::RepositoryName;
use storage::{
    rights::{Aim, Who, load},
    targets::{self, MAX_TARGETS},
};

use crate::{
    Registry,
    authorize::{Identified, Refusal, read_and_decide},
    credential::Credential,
    grant::Origin,
    signing::{NotSigned, SERVICE},
};

/// How many targets are decided on in one turn: some 100 us with the slowest scopes.
const TARGETS_AT_ONCE: usize = 4;

/// A bearer, as the token endpoint answers with it.
#[derive(Debug)]
pub struct IssuedBearer {
    /// The signed text.
    pub bearer: access::bearer::Bearer,
    /// How long a client may count on it, in seconds.
    pub expires_in: i64,
    /// When it was made.
    pub issued_at: Instant,
}

/// Why no bearer was issued.
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
    /// The credential, or the lack of one.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The scopes don't fit into one bearer.
    #[error(transparent)]
    Unsigned(#[from] SignError),
}

impl From<NotSigned> for BearerError {
    fn from(error: NotSigned) -> Self {
        match error {
            NotSigned::Keys(error) => Self::Refused(error.into()),
            NotSigned::Claims(error) => Self::Unsigned(error),
        }
    }
}

impl Registry {
    /// Issues a bearer for as much of what is requested as the credential's principal may do now. What it may
    /// not is left out, not refused: clients ask for more than they need. Without a credential and without a
    /// scope there is nothing to issue.
    pub async fn issue_bearer(
        &self,
        credential: &Credential,
        requested: &Requested,
        origin: &Origin,
        now: Instant,
    ) -> Result<IssuedBearer, BearerError> {
        if credential.is_anonymous() && requested.is_empty() {
            return Err(Refusal::SignIn { scope: None }.into());
        }
        let identified = self.identify(credential, origin.address, now).await?;
        let rights = self.holder(&identified, now).await?;
        // Also if nothing is granted: the answer shows a thief what a stolen secret opens.
        if !rights.principal.is_anonymous() {
            self.usage.note(&rights.principal, origin, now);
        }
        let subject = subject_of(&rights.principal).to_owned();
        let cred = credential_ref(&identified.who, &rights.principal);
        let granted = self.granted(&identified, requested, rights, now).await?;
        let parties = Parties { issuer: SERVICE, subject: &subject, audience: SERVICE };
        let claims = Claims::issue(parties, granted, cred, now, self.random.as_ref());
        let bearer = self.keys.sign(&self.db, &claims, now).await?;
        Ok(IssuedBearer { bearer, expires_in: EXPIRES_IN_SECONDS, issued_at: now })
    }

    /// Reads the principal and its scopes, once for the whole request. An ended credential is refused even if no scope is
    /// requested.
    async fn holder(&self, identified: &Identified, now: Instant) -> Result<Rights, Refusal> {
        match identified.who {
            Who::Anonymous => load(&self.db, &identified.who, None, &Aim::default(), now)
                .await?
                .ok_or_else(|| Refusal::unknown(identified)),
            Who::SecretHash(_) | Who::Secret(_) | Who::User { .. } | Who::Session(_) => {
                read_and_decide(&self.db, identified, &Need::Identity, now).await
            }
        }
    }

    /// What of `requested` the principal may do now. The targets are read in one statement. Deciding on many takes turns
    /// with other requests, because a token can have 100 scopes that are long to compare.
    async fn granted(
        &self,
        identified: &Identified,
        requested: &Requested,
        mut rights: Rights,
        now: Instant,
    ) -> Result<BearerAccess, Refusal> {
        let asked: Vec<_> = requested.access().repositories().collect();
        let mut granted = BearerAccess::default();
        for asked in asked.chunks(MAX_TARGETS) {
            let names: Vec<_> = asked.iter().map(|(repository, _)| *repository).collect();
            let user = rights.principal.user().map(|user| user.id);
            let targets = targets::of_repositories(&self.db, user, &names).await?;
            let mut targets = asked.iter().zip(targets);
            while targets.len() > 0 {
                let slice = targets.by_ref().take(TARGETS_AT_ONCE);
                let decide = || {
                    for ((repository, actions), namespace) in slice {
                        rights.target = Target::Namespace(namespace);
                        let allowed = allowed(identified, repository, *actions, &rights, now);
                        granted.add((*repository).clone(), allowed);
                    }
                };
                self.long_decisions.take_turn(decide).await;
            }
        }
        rights.target = Target::Nothing;
        let may_list = || is_allowed(&Need::Catalog, &rights, &identified.bearer, identified.from, now);
        if requested.access().covers_catalog() && may_list() {
            granted.add_catalog();
        }
        Ok(granted)
    }
}

/// The actions among `asked` that the principal may do on `repository`.
fn allowed(
    identified: &Identified,
    repository: &RepositoryName,
    asked: Actions,
    rights: &Rights,
    now: Instant,
) -> Actions {
    let is_allowed = |action: &Action| {
        let need = Need::repository(repository, *action);
        is_allowed(&need, rights, &identified.bearer, identified.from, now)
    };
    asked
        .iter()
        .filter(is_allowed)
        .fold(Actions::NONE, |granted, action| granted.union(Actions::from(action)))
}

/// What the bearer remembers: the secret's id rather than its hash, so that the bearer ends with that secret.
fn credential_ref(who: &Who, holder: &Principal) -> CredentialRef {
    match (holder, who) {
        (Principal::Token(token), _) => CredentialRef::Secret(token.secret),
        (_, Who::User { id, password_generation }) => {
            CredentialRef::Password { user: *id, generation: *password_generation }
        }
        (_, Who::Secret(id)) => CredentialRef::Secret(*id),
        // No face lets a session fetch bearers: cookies never count on `/v2/` or `/auth/` (DESIGN §3.1).
        (_, Who::Anonymous | Who::SecretHash(_) | Who::Session(_)) => CredentialRef::Anonymous,
    }
}

fn subject_of(holder: &Principal) -> &str {
    match holder {
        Principal::Anonymous => "",
        Principal::User(user) => user.username.as_str(),
        Principal::Token(token) => token.login_name().unwrap_or_default(),
    }
}
