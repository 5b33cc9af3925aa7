//! Grants: proof that the gate said yes, holding ids. Use cases take them instead of names.

use std::net::IpAddr;

use access::{
    bearer::Access,
    id::{NamespaceId, RepositoryId, TokenId, UserId},
    operation::{Need, Operation},
    rights::{Principal, Rights, Target},
    time::Instant,
};
use oci::NamespaceName;
use storage::{
    db::{Query, Tx},
    rights::Who,
    sessions,
};

use crate::{
    authorize::{Identified, Refusal, read_and_decide},
    manage::ManageError,
    memory::Holder,
};

/// What somebody wants to do, in the words of one use case. Its type is what keeps a grant to pull from
/// opening the door to push.
pub trait Ask: Send + Sync {
    /// The operation that the gate decides on.
    fn operation(&self) -> Operation;
}

/// Where a request came from: what a token's allowed addresses are compared with, and what the audit and a token's use
/// keep.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
    /// What the client calls itself (User-Agent).
    pub client: String,
    /// The request's id, as in the log and in `X-Request-Id`.
    pub request_id: String,
}

/// Proof that `ask` was allowed when the request started, with what was looked up on the way.
#[derive(Debug)]
pub struct Grant<A> {
    pub(crate) ask: A,
    pub(crate) who: Who,
    pub(crate) bearer: Access,
    pub(crate) signed_by: Option<String>,
    pub(crate) rights: Rights,
    pub(crate) origin: Origin,
    pub(crate) form: Option<String>,
}

impl<A: Ask> Grant<A> {
    /// Ties the act to a form of the console by the form's value: the act happens once for this form and session, and
    /// again is [`ManageError::FormSent`]. An act that fails leaves the form as it was.
    #[must_use]
    pub fn sent_by(self, form: &str) -> Self {
        Self { form: Some(form.to_owned()), ..self }
    }

    /// Claims the form that the act is tied to, if it is, in the act's own transaction.
    pub(crate) async fn claim_form(&self, tx: &Tx) -> Result<(), ManageError> {
        let (Some(form), Who::Session(session)) = (&self.form, &self.who) else { return Ok(()) };
        let ended = || Refusal::BadCredential("this session has ended; log in again".to_owned());
        let session = sessions::by_hash(tx, session).await?.ok_or_else(ended)?;
        if sessions::send_form(tx, session.id, form).await? { Ok(()) } else { Err(ManageError::FormSent) }
    }

    /// Who was allowed.
    pub fn principal(&self) -> &Principal {
        &self.rights.principal
    }

    /// Whom what the request holds in memory is counted for.
    pub fn memory_holder(&self) -> Holder {
        Holder::of(self.principal(), self.origin.address)
    }

    /// What was asked and allowed.
    pub fn asked(&self) -> &A {
        &self.ask
    }

    /// Reads the rights again, in the transaction that makes a write visible (rule 7), and decides again.
    /// Answers with what is true now.
    pub(crate) async fn still_holds(&self, tx: &Tx, now: Instant) -> Result<Rights, Refusal> {
        self.holds_for(tx, &self.ask.operation().need(), now).await
    }

    /// Decides on a further need, which only shows once it is known what a write changes.
    pub(crate) async fn holds_for(
        &self,
        q: &impl Query,
        need: &Need,
        now: Instant,
    ) -> Result<Rights, Refusal> {
        let identified = Identified {
            who: self.who.clone(),
            bearer: self.bearer.clone(),
            signed_by: self.signed_by.clone(),
            login_name: None,
            from: self.origin.address,
        };
        read_and_decide(q, &identified, need, now).await
    }

    /// The repository aimed at, where it exists.
    pub(crate) fn repository(&self) -> Option<RepositoryId> {
        self.rights.namespace().and_then(|namespace| namespace.repository)
    }

    /// The namespace aimed at, where it exists.
    pub(crate) fn namespace(&self) -> Option<NamespaceId> {
        self.rights.namespace().map(|namespace| namespace.id)
    }

    /// The name of the namespace aimed at, or of the one that owns the token aimed at, where it exists: what the
    /// paths of scopes are checked against.
    pub fn namespace_name(&self) -> Option<&NamespaceName> {
        self.rights.namespace().map(|namespace| &namespace.name)
    }

    /// The living token aimed at, where there is one.
    pub(crate) fn target_token(&self) -> Option<TokenId> {
        match &self.rights.target {
            Target::Token(token) => token.as_ref().map(|token| token.id),
            Target::Namespace(_) | Target::Nothing => None,
        }
    }

    /// Whether the token aimed at is somebody's personal one, whose name is a label.
    pub fn aims_at_personal_token(&self) -> bool {
        matches!(&self.rights.target, Target::Token(Some(token)) if token.user.is_some())
    }

    /// What responses to the principal say before it is too late (rule 11).
    pub fn warnings(&self, now: Instant) -> Vec<String> {
        match &self.rights.principal {
            Principal::Token(token) => token.warnings(now),
            Principal::User(_) | Principal::Anonymous => Vec::new(),
        }
    }

    /// The user, and the generation of the password that the credential was made with; `None` unless it was a password.
    pub(crate) fn password(&self) -> Option<(UserId, i64)> {
        match self.who {
            Who::User { id, password_generation } => Some((id, password_generation)),
            Who::Anonymous | Who::Secret(_) | Who::SecretHash(_) | Who::Session(_) => None,
        }
    }

    /// Who this is, as upload sessions remember it: kind and id, so that a name given again is somebody else.
    pub(crate) fn principal_key(&self) -> String {
        match &self.rights.principal {
            Principal::Anonymous => String::new(),
            Principal::User(user) => format!("user:{}", user.id),
            Principal::Token(token) => format!("token:{}", token.id),
        }
    }
}
