//! Making a service token.

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::Expiry,
    id::{ScopeId, SecretId, TokenId},
    name::{Description, ServiceTokenName},
    operation::Operation,
    randomness::Randomness,
    scope::{Scopes, Warning},
    secret::{Secret, SecretKind},
    time::Instant,
};
use oci::NamespaceName;
use storage::{
    db::{Tx, retried},
    scopes::StoredScope,
    secrets,
    tokens::{self, StandsFor, StoredOwner, StoredToken, StoredUse},
    tombstones,
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Make a service token in a namespace.
#[derive(Debug, Clone)]
pub struct CreateToken {
    /// Whose it will be.
    pub namespace: NamespaceName,
}

impl Ask for CreateToken {
    fn operation(&self) -> Operation {
        Operation::CreateToken(self.namespace.clone())
    }
}

/// What a new token is to be, with a name that its kind may have.
#[derive(Debug, Clone)]
pub struct NewToken<Name = ServiceTokenName> {
    /// Its name: of a service token its login name, of a personal one a label.
    pub name: Name,
    /// Free text.
    pub description: Option<Description>,
    /// Whom or what it is for.
    pub stands_for: Option<StandsFor>,
    /// False to make it disabled.
    pub is_enabled: bool,
    /// When it ends by itself.
    pub expiry: Expiry,
    /// What it may do.
    pub scopes: Scopes,
    /// From where it may be used.
    pub allowed_addresses: AllowedAddresses,
    /// What is allowed but hardly meant, to be told along with the token.
    pub warnings: Vec<Warning>,
}

/// A token together with a secret that is shown this once.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: StoredToken,
    /// Its new secret.
    pub secret: Secret,
    /// What to tell along.
    pub warnings: Vec<Warning>,
}

impl Registry {
    /// Makes the token, and its secret, which leaves with this answer and is never seen again.
    pub async fn create_token(
        &self,
        grant: &Grant<CreateToken>,
        new: NewToken,
        now: Instant,
    ) -> Result<IssuedToken, ManageError> {
        let namespace = &grant.ask.namespace;
        let secret = Secret::mint(SecretKind::Service, self.random.as_ref());
        let token = retried(|| async {
            let tx = self.db.begin().await?;
            let id = self.hold_namespace(&tx, grant, namespace, now).await?;
            let owner = StoredOwner::Namespace { id, name: namespace.clone() };
            let token = self.insert_token(&tx, grant, owner, &new, &secret, now).await?;
            tx.commit().await?;
            Ok::<_, ManageError>(token)
        })
        .await?;
        Ok(IssuedToken { token, secret, warnings: new.warnings })
    }

    /// Adds a token with its secret and its audit row, and claims the form that asked for it, in the transaction that decided on it and holds its owner: a
    /// token outlives that one as a tombstone, so it names them without a foreign key, and one made while its owner is
    /// deleted would be nobody's, and live on.
    pub(crate) async fn insert_token<A: Ask, Name: std::fmt::Display>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        owner: StoredOwner,
        new: &NewToken<Name>,
        secret: &Secret,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        grant.claim_form(tx).await?;
        let (created_by_id, created_by) = grant.creator();
        let token = StoredToken {
            id: TokenId::mint(now, self.random.as_ref()),
            owner,
            name: new.name.to_string(),
            description: new.description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default(),
            stands_for: new.stands_for.clone(),
            is_enabled: new.is_enabled,
            expiry: new.expiry,
            scopes: with_ids(&new.scopes, now, self.random.as_ref()),
            allowed_addresses: new.allowed_addresses.clone(),
            secret_hint: secret.hint(),
            created_at: now,
            created_by_id,
            created_by,
            created_with: grant.created_with(),
            used: StoredUse::default(),
            revision: 1,
        };
        grant.hold_credential(tx, now).await?;
        self.check_room_for_token(tx, &token.owner, now).await?;
        self.end_expired_namesake(tx, &token, now).await?;
        if !tokens::insert(tx, &token).await? {
            let text = format!("{token} exists already; delete it first, or take another name");
            return Err(ManageError::NameTaken(text));
        }
        self.add_secret(tx, token.id, secret, now).await?;
        let mut record = grant.token_record("token.created", &token);
        record.after = token.as_history();
        self.write_history(tx, &record, now).await?;
        Ok(token)
    }

    /// A name is free from the instant at which its token expired, whether or not anybody swept since (rule 2).
    async fn end_expired_namesake(
        &self,
        tx: &Tx,
        token: &StoredToken,
        now: Instant,
    ) -> Result<(), ManageError> {
        let namespace = match &token.owner {
            StoredOwner::Namespace { id, .. } => Some(*id),
            StoredOwner::Instance => None,
            // Labels may be there twice.
            StoredOwner::User { .. } => return Ok(()),
        };
        let expired = tombstones::end_expired_namesake(tx, namespace, &token.name, now).await?;
        if let Some(expired) = expired {
            self.record_expired(tx, &expired, now).await?;
        }
        Ok(())
    }

    /// Adds a secret to the token, in the transaction that makes it.
    pub(crate) async fn add_secret(
        &self,
        tx: &Tx,
        token: TokenId,
        secret: &Secret,
        now: Instant,
    ) -> Result<(), ManageError> {
        let id = SecretId::mint(now, self.random.as_ref());
        Ok(secrets::insert(tx, id, token, &secret.hash(), &secret.hint(), now).await?)
    }
}

/// Scopes with ids, by which they can be removed one by one.
pub(crate) fn with_ids(scopes: &Scopes, now: Instant, random: &dyn Randomness) -> Vec<StoredScope> {
    let stored =
        |scope: &access::scope::Scope| StoredScope { id: ScopeId::mint(now, random), scope: scope.clone() };
    scopes.as_slice().iter().map(stored).collect()
}
