//! The use cases: what Sealock does, one verb a file, told top to bottom (DESIGN §4). No HTTP types, no SQL.
//!
//! Every use case takes a `Grant`, which only `Registry::authorize` makes: none can be reached around the gate.

mod administrator;
mod authorize;
mod content;
mod create_namespace;
mod create_token;
mod credential;
mod delete_content;
mod delete_token;
mod edit_token;
mod grant;
mod history;
mod issue_bearer;
mod list_tags;
mod manage;
mod passwords;
mod pull;
mod push_manifest;
mod reset_token;
mod seal;
mod show_namespaces;
mod show_tokens;
mod signing;
mod upload;

use std::sync::Arc;

use access::{randomness::Randomness, time::Instant};
pub use administrator::{FirstAdministrator, FirstAdministratorError};
pub use authorize::{Refusal, WhoAmI};
pub use content::ContentError;
pub use create_namespace::CreateNamespace;
pub use create_token::{CreateToken, IssuedToken, NewToken};
pub use credential::{Credential, Password};
pub use delete_content::{DeleteBlob, DeleteManifest};
pub use delete_token::DeleteToken;
pub use edit_token::{EditToken, TokenEdit};
pub use grant::{Ask, Grant, Origin};
pub use issue_bearer::{BearerError, IssuedBearer};
pub use list_tags::{ListTags, TagPage};
pub use manage::{ManageError, Page};
pub use passwords::{PasswordError, Passwords};
pub use pull::{PullBlob, PullManifest, PulledBlob, PulledManifest};
pub use push_manifest::{PushManifest, PushedManifest};
pub use reset_token::ResetToken;
pub use seal::{KeyFile, SealError};
pub use show_namespaces::{ListNamespaces, ShowNamespace};
pub use show_tokens::{ListTokens, ShowToken};
pub use signing::{KeyError, SERVICE, SigningKeys};
pub use storage::{
    blobs::{BlobError, BlobStore, BodyError, FileStore},
    db::{DatabaseLocation, Db, DbError, DbOptions},
    namespaces::StoredNamespace,
    scopes::StoredScope,
    tokens::{StandsFor, StoredOwner, StoredToken, StoredUse},
};
pub use upload::{
    AppendUpload, CancelUpload, FinishUpload, Progress, StartUpload, Started, UploadBody, UploadStatus,
};

/// The registry itself: everything that the use cases work on.
pub struct Registry {
    db: Db,
    blobs: Arc<dyn BlobStore>,
    keys: SigningKeys,
    passwords: Passwords,
    random: Arc<dyn Randomness>,
}

impl Registry {
    /// Opens the registry on a database and a blob store: brings the schema up to date, and finds or makes the
    /// signing keys, sealed under `key_file`.
    pub async fn open(
        db: Db,
        blobs: Arc<dyn BlobStore>,
        key_file: &KeyFile,
        random: Arc<dyn Randomness>,
        now: Instant,
    ) -> Result<Self, OpenError> {
        db.migrate().await?;
        let keys = SigningKeys::open(&db, key_file, random.as_ref(), now).await?;
        let passwords = Passwords::new(random.as_ref())?;
        Ok(Self { db, blobs, keys, passwords, random })
    }

    /// Whether the database answers.
    pub async fn ready(&self) -> Result<(), DbError> {
        self.db.ping().await
    }

    /// The public halves of the keys that sign bearers, as RFC 7517 writes them.
    pub fn jwks(&self) -> serde_json::Value {
        self.keys.jwks()
    }
}

/// Why the registry can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The signing keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Passwords can't be checked on this machine.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
}
