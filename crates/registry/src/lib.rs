//! The use cases: what Sealock does, one verb a file, told top to bottom (DESIGN §4). No HTTP types, no SQL.
//!
//! Every use case takes a `Grant`, which only `Registry::authorize` makes: none can be reached around the gate.

mod act_on_tokens;
mod administrator;
mod audit_events;
mod authorize;
mod certificates;
mod change_password;
mod change_scopes;
mod check_readiness;
mod check_store;
mod content;
mod create_instance_token;
mod create_namespace;
mod create_personal_token;
mod create_token;
mod create_user;
mod created_with;
mod credential;
mod delete_content;
mod delete_namespace;
mod delete_repository;
mod delete_token;
mod delete_user;
mod digesting;
mod edit_namespace;
mod edit_teams;
mod edit_token;
mod edit_user;
mod emergency;
mod expected;
mod explain_token;
mod first_steps;
mod forget_sealed;
mod grant;
mod guessing;
mod history;
mod issue_bearer;
mod limits;
mod list_referrers;
mod list_repositories;
mod list_tags;
mod long_decisions;
mod manage;
mod members;
mod memory;
mod mount_blob;
mod password_turns;
mod passwords;
mod pull;
mod push_manifest;
mod reset_token;
mod rotate_keys;
mod seal;
mod secrets;
mod sessions;
mod settings;
mod show_activity;
mod show_audit;
mod show_manifest;
mod show_namespaces;
mod show_repository;
mod show_teams;
mod show_tokens;
mod show_users;
mod signing;
mod store_id;
mod sweep;
mod tags_seen;
mod unknown_names;
mod upload;
mod upload_turns;
mod usage;

use std::sync::Arc;

use access::{randomness::Randomness, time::Instant};
pub use act_on_tokens::{Act, ActOnTokens, MAX_ACTED_ON};
pub use administrator::{FirstAdministrator, FirstAdministratorError};
pub use audit_events::{EVENTS, UnknownEvent, parse_event};
pub use authorize::{Refusal, WhoAmI, is_misplaced_secret};
pub use certificates::{
    Begun, CertificateError, Certificates, IssuedCertificate, KeptCertificate, ORDER_LEASE, Order,
};
pub use change_password::ChangePassword;
pub use change_scopes::{AddScope, AddedScope, RemoveScopes};
pub use check_readiness::{Missing, check_writable};
pub use check_store::{CheckError, Checked, GRACE, HowToCheck, Outcome, Problem, ProblemKind, check_store};
pub use content::{ContentError, Present};
pub use create_instance_token::CreateInstanceToken;
pub use create_namespace::CreateNamespace;
pub use create_personal_token::CreatePersonalToken;
pub use create_token::{CreateToken, IssuedToken, NewToken};
pub use create_user::{CreateUser, CreatedUser, NewUser};
pub use created_with::{EndCreated, EndedCreated, ListCreated};
pub use credential::{Credential, Password};
pub use delete_content::{DeleteBlob, DeleteManifest};
pub use delete_namespace::DeleteNamespace;
pub use delete_repository::DeleteRepository;
pub use delete_token::DeleteToken;
pub use delete_user::DeleteUser;
pub use edit_namespace::{EditNamespace, NamespaceEdit};
pub use edit_teams::{AddToTeam, CreateTeam, DeleteTeam, RemoveFromTeam, RenameTeam};
pub use edit_token::{EditToken, TokenEdit, check_has_scopes};
pub use edit_user::{CURRENT_PASSWORD_REQUIRED, EditUser, EditedUser, UserEdit};
pub use emergency::{DisableTokens, EndAll};
pub use expected::{Expected, Named};
pub use explain_token::{ExplainToken, Explanation};
pub use forget_sealed::forget_sealed;
pub use grant::{Ask, Grant, Origin};
pub use guessing::{TooManyGuesses, machine_of};
pub use issue_bearer::{BearerError, IssuedBearer};
pub use list_referrers::ListReferrers;
pub use list_repositories::ListRepositories;
pub use list_tags::ListTags;
pub use manage::{ManageError, Page};
pub use members::{ListMembers, MemberName, RemoveMember, SetMember};
pub use memory::{HeldBytes, Holder, Memory, MemoryFull, Reservation};
pub use passwords::{NewPassword, PasswordError, Passwords, UnusablePassword};
pub use pull::{FoundBlob, PullBlob, PullManifest};
pub use push_manifest::{PushManifest, PushedManifest};
pub use reset_token::ResetToken;
pub use rotate_keys::{RotateError, ShownKey, list_keys, replace_keys, rotate_keys};
pub use seal::{KeyFile, SealError};
pub use secrets::{EndSecret, ListSecrets};
pub use sessions::{EndSession, ListSessions};
pub use settings::{EditSettings, SettingsEdit, ShowSettings};
pub use show_activity::{ActiveDay, ShowActivity};
pub use show_audit::{AuditPart, ShowAudit, ShowTokenHistory};
pub use show_manifest::{ShownManifest, ShownTag};
pub use show_namespaces::{ListNamespaces, ShowNamespace};
pub use show_repository::{ListManifests, ShowRepository, ShownRepository};
pub use show_teams::{ListTeams, ShowTeam};
pub use show_tokens::{
    ListInstanceTokens, ListPersonalTokens, ListTokens, ListedTokens, ShowToken, TokensAsked,
};
pub use show_users::{ListUsers, ShowUser};
pub use signing::{KeyError, NEXT_KNOWN_AFTER, SERVICE};
pub use storage::{
    audit::{Events, StoredRecord},
    blobs::{BlobError, BlobStore, BodyError, Disk, FileStore, SystemDisk, check_owner, way_out},
    db::{CommitWatch, DatabaseLocation, Db, DbError, DbOptions},
    first_steps::FirstSteps,
    leaving::TokenElsewhere,
    manifests::StoredManifest,
    members::{MemberKind, StoredMember},
    namespaces::StoredNamespace,
    repositories::{ListedRepository, StoredRepository},
    scopes::StoredScope,
    secrets::StoredSecret,
    sessions::StoredSession,
    settings::{Limit, StoredSettings},
    signing_keys::KeyState,
    tags::StoredTag,
    teams::StoredTeam,
    tokens::{StandsFor, StoredOwner, StoredToken, StoredUse, TokenFilter, created_with::CreatedWith},
    users::StoredUser,
};
pub use store_id::{StoreIdError, check_store_id};
pub use sweep::Swept;
pub use tags_seen::TagsSeen;
pub use unknown_names::TooManyNames;
pub use upload::{
    Announced, AppendUpload, CancelUpload, FinishUpload, Progress, StartUpload, Started, UploadBody,
    UploadStatus,
};

/// The registry itself: everything that the use cases work on.
pub struct Registry {
    db: Db,
    blobs: Arc<dyn BlobStore>,
    keys: signing::SigningKeys,
    passwords: Passwords,
    usage: usage::Usage,
    memory: Arc<Memory>,
    long_decisions: long_decisions::LongDecisions,
    upload_turns: upload_turns::UploadTurns,
    blob_look: check_readiness::BlobLook,
    unknown_names: unknown_names::UnknownNames,
    last_write: check_readiness::LastWrite,
    random: Arc<dyn Randomness>,
}

impl Registry {
    /// Opens the registry on a database and a blob store: makes sure that the two belong together and that `key_file` opens
    /// what is sealed, brings the schema up to date, and finds or makes the signing keys.
    pub async fn open(
        db: Db,
        blobs: Arc<dyn BlobStore>,
        key_file: KeyFile,
        random: Arc<dyn Randomness>,
        now: Instant,
    ) -> Result<Self, OpenError> {
        // All that refuses a start comes before the schema: one that is refused leaves the database to older releases.
        let passwords = Passwords::new(random.as_ref())?;
        let found = store_id::look(&db, blobs.as_ref()).await?;
        signing::look(&db, &key_file).await?;
        db.migrate().await?;
        store_id::settle(found, &db, blobs.as_ref(), random.as_ref(), now).await?;
        let keys = signing::SigningKeys::open(&db, key_file, random.as_ref(), now).await?;
        Ok(Self {
            db,
            blobs,
            keys,
            passwords,
            usage: usage::Usage::default(),
            memory: Arc::default(),
            long_decisions: long_decisions::LongDecisions::default(),
            upload_turns: upload_turns::UploadTurns::default(),
            blob_look: check_readiness::BlobLook::default(),
            unknown_names: unknown_names::UnknownNames::default(),
            last_write: check_readiness::LastWrite::default(),
            random,
        })
    }

    /// The same registry, whose requests may hold so much in memory: for tests, which fill a small budget sooner.
    #[must_use]
    pub fn with_memory(self, memory: Memory) -> Self {
        Self { memory: Arc::new(memory), ..self }
    }

    /// What requests hold in memory.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// The public halves of the keys that sign bearers, as RFC 7517 writes them.
    pub async fn jwks(&self, now: Instant) -> serde_json::Value {
        self.keys.jwks(&self.db, now).await
    }
}

/// Why the registry can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The database and the blob store are not each other's.
    #[error(transparent)]
    StoreId(#[from] StoreIdError),
    /// The signing keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Passwords can't be checked on this machine.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
}
