//! The Docker token protocol (DESIGN §3.2): a credential and scopes in, a short-lived bearer out.

use access::{
    bearer::{BearerAccess, Claims, CredentialRef, EXPIRES_IN_SECONDS, Parties, Requested, SignError},
    operation::Need,
    policy::{Decision, decide},
    rights::Principal,
    role::Actions,
    time::Instant,
};
use oci::RepositoryName;
use storage::rights::{Who, load};

use crate::{
    Registry,
    authorize::{Identified, Refusal, aim_at, read_and_decide},
    credential::Credential,
    grant::Origin,
    signing::{NotSigned, SERVICE},
};

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
        let holder = self.holder(&identified, now).await?;
        // Also where nothing is granted: the answer tells whoever stole a secret what it opens.
        if let Some(holder) = &holder {
            self.usage.note(holder, origin, now);
        }
        let mut granted = BearerAccess::default();
        for (repository, actions) in requested.access().repositories() {
            let actions = self.granted(&identified, repository, actions, now).await?;
            granted.add(repository.clone(), actions);
        }
        if requested.access().covers_catalog() && self.may(&identified, &Need::Catalog, now).await? {
            granted.add_catalog();
        }
        let subject = holder.as_ref().map(subject_of).unwrap_or_default();
        let parties = Parties { issuer: SERVICE, subject, audience: SERVICE };
        let cred = credential_ref(&identified.who, holder.as_ref());
        let claims = Claims::issue(parties, granted, cred, now, self.random.as_ref());
        let bearer = self.keys.sign(&self.db, &claims, now).await?;
        Ok(IssuedBearer { bearer, expires_in: EXPIRES_IN_SECONDS, issued_at: now })
    }

    /// Whoever logs in, if anybody does: a dead credential is refused even where nothing is asked for.
    async fn holder(&self, identified: &Identified, now: Instant) -> Result<Option<Principal>, Refusal> {
        match identified.who {
            Who::Anonymous => Ok(None),
            Who::SecretHash(_) | Who::Secret(_) | Who::User { .. } | Who::Session(_) => {
                let rights = read_and_decide(&self.db, identified, &Need::Identity, now).await?;
                Ok(Some(rights.principal))
            }
        }
    }

    /// What of `asked` the principal may do now: the rights are read once, each action is decided alone.
    async fn granted(
        &self,
        identified: &Identified,
        repository: &RepositoryName,
        asked: Actions,
        now: Instant,
    ) -> Result<Actions, Refusal> {
        let aim = aim_at(repository);
        let Some(rights) =
            load(&self.db, &identified.who, identified.signed_by.as_deref(), &aim, now).await?
        else {
            return Err(Refusal::unknown(identified));
        };
        let allowed = asked.iter().filter(|action| {
            let need = Need::repository(repository, *action);
            matches!(decide(&need, &rights, &identified.bearer, identified.from, now), Decision::Allowed(_))
        });
        Ok(allowed.fold(Actions::NONE, |granted, action| granted.union(Actions::from(action))))
    }

    async fn may(&self, identified: &Identified, need: &Need, now: Instant) -> Result<bool, Refusal> {
        match read_and_decide(&self.db, identified, need, now).await {
            Ok(_) => Ok(true),
            Err(
                Refusal::Denied(_)
                | Refusal::Unseen(_)
                | Refusal::SignIn { .. }
                | Refusal::BearerTooNarrow { .. },
            ) => Ok(false),
            Err(
                refusal @ (Refusal::BadCredential(_)
                | Refusal::Busy
                | Refusal::TooManyGuesses(_)
                | Refusal::Storage(_)),
            ) => Err(refusal),
        }
    }
}

/// What the bearer remembers: the secret's id rather than its hash, so that the bearer ends with that secret.
fn credential_ref(who: &Who, holder: Option<&Principal>) -> CredentialRef {
    match (holder, who) {
        (Some(Principal::Token(token)), _) => CredentialRef::Secret(token.secret),
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
