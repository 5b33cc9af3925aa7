//! A fresh database of the test's own, and short ways to put rows into it.

use std::time::Duration;

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::Expiry,
    id::{ManifestId, NamespaceId, RepositoryId, ScopeId, SecretId, TeamId, TokenId, UserId},
    name::Username,
    role::{Actions, Role},
    scope::{PathPattern, Scope},
    secret::SecretHash,
    time::{Instant, Length},
};
use oci::{Digest, NamespaceName, RepositoryName};
use sha2::{Digest as _, Sha256};
use storage::{
    blobs::Key,
    db::{DatabaseLocation, Db, DbError, DbOptions, Query, Tx},
    links::StoredBlob,
    manifests::{self, StoredManifest},
    namespaces::{self, StoredNamespace},
    params, repositories,
    scopes::StoredScope,
    secrets,
    tokens::{self, StoredOwner, StoredToken},
    users::{self, StoredUser},
};
use testkit::{Engine, clock::ManualClock, postgres::Postgres, randomness::SeededRandomness};

/// When everything happens that a test does not date otherwise.
pub(crate) const NOW: Instant = ManualClock::START;

/// `hours` after [`NOW`].
pub(crate) fn after(hours: i64) -> Instant {
    NOW.plus(Length::hours(hours))
}

/// A database with the schema and no rows.
pub(crate) struct Tables {
    pub(crate) db: Db,
    pub(crate) engine: Engine,
    pub(crate) location: DatabaseLocation,
    pub(crate) random: SeededRandomness,
    pub(crate) folder: tempfile::TempDir,
}

impl Tables {
    pub(crate) async fn on(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = match engine {
            Engine::Sqlite => DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") },
            Engine::Postgres => {
                DatabaseLocation::Postgres { url: Postgres::shared().unwrap().database().await }
            }
        };
        let db = Db::open(&location, DbOptions::default()).await.unwrap();
        db.migrate().await.unwrap();
        Self { db, engine, location, random: SeededRandomness::new(1), folder }
    }

    /// One transaction, committed where `write` succeeds.
    pub(crate) async fn write<T>(
        &self,
        write: impl AsyncFnOnce(&Tx) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let tx = self.db.begin().await?;
        let value = write(&tx).await?;
        tx.commit().await?;
        Ok(value)
    }

    /// What `second` comes to when it sets out before `first` is committed. On PostgreSQL `first` commits once
    /// `second` waits for one of its rows, so that neither could have read what the other wrote; on SQLite
    /// `second` waits for its turn to write.
    pub(crate) async fn overlapping<A, B>(
        &self,
        first: impl AsyncFnOnce(&Tx) -> Result<A, DbError>,
        second: impl AsyncFnOnce(&Tx) -> Result<B, DbError>,
    ) -> (A, Result<B, DbError>) {
        let tx = self.db.begin().await.unwrap();
        let value = first(&tx).await.unwrap();
        let release = async {
            self.somebody_waits_for_a_row().await;
            tx.commit().await.unwrap();
        };
        let (outcome, ()) = tokio::join!(self.write(second), release);
        (value, outcome)
    }

    async fn somebody_waits_for_a_row(&self) {
        const WAITING: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waits = async {
            while self.db.one(WAITING, &[], |row| row.int(0)).await.unwrap() == 0 {
                tokio::task::yield_now().await;
            }
        };
        if self.engine == Engine::Postgres {
            tokio::time::timeout(Duration::from_secs(4), waits).await.expect("a wait for a row");
        }
    }

    /// A connection beside the database layer, where the test runs on PostgreSQL.
    pub(crate) async fn postgres(&self) -> tokio_postgres::Client {
        let DatabaseLocation::Postgres { url } = &self.location else { panic!("this is {}", self.engine) };
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// A connection beside the database layer, where the test runs on SQLite. It plans as the layer's connections do: the
    /// value of a parameter never proves the condition of a partial index.
    pub(crate) fn planning(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.folder.path().join("sealock.db")).unwrap();
        let stable = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
        assert!(connection.set_db_config(stable, true).unwrap());
        connection
    }

    /// Runs a statement of the test's own; says how many rows it changed.
    pub(crate) async fn sql(&self, sql: &'static str, id: String) -> Result<u64, DbError> {
        self.write(async |tx| tx.execute(sql, params![id]).await).await
    }

    // --- accounts ---------------------------------------------------------------------------------------------

    pub(crate) fn new_user(&self, username: &str) -> StoredUser {
        StoredUser {
            id: UserId::mint(NOW, &self.random),
            username: Username::parse(username).unwrap(),
            is_admin: false,
            is_active: true,
            created_at: NOW,
            revision: 1,
        }
    }

    pub(crate) async fn user(&self, username: &str) -> UserId {
        let user = self.new_user(username);
        assert!(self.write(async |tx| users::insert(tx, &user, "$argon2id$…").await).await.unwrap());
        user.id
    }

    pub(crate) fn new_namespace(&self, name: &str) -> StoredNamespace {
        StoredNamespace {
            id: NamespaceId::mint(NOW, &self.random),
            name: NamespaceName::parse(name).unwrap(),
            is_public: false,
            created_at: NOW,
            created_by: "user admin".into(),
            owner: None,
            revision: 1,
        }
    }

    pub(crate) async fn namespace(&self, name: &str) -> NamespaceId {
        let namespace = self.new_namespace(name);
        assert!(self.write(async |tx| namespaces::insert(tx, &namespace, "").await).await.unwrap());
        namespace.id
    }

    pub(crate) async fn delete_namespace(&self, id: NamespaceId) {
        assert_eq!(self.sql("DELETE FROM namespaces WHERE id = $1", id.to_string()).await, Ok(1));
    }

    pub(crate) async fn member(&self, namespace: NamespaceId, user: UserId, role: Role) {
        const INSERT: &str = "INSERT INTO namespace_users (namespace_id, user_id, role) VALUES ($1, $2, $3)";
        let insert = async |tx: &Tx| tx.execute(INSERT, params![namespace, user, role.rank()]).await;
        self.write(insert).await.unwrap();
    }

    /// A team of one user that is a member of one namespace.
    pub(crate) async fn team(&self, name: &str, user: UserId, namespace: NamespaceId, role: Role) {
        const TEAM: &str = "INSERT INTO teams (id, name, created_at, revision) VALUES ($1, $2, $3, 1)";
        const USER: &str = "INSERT INTO team_users (team_id, user_id) VALUES ($1, $2)";
        const MEMBER: &str = "INSERT INTO namespace_teams (namespace_id, team_id, role) VALUES ($1, $2, $3)";
        let id = TeamId::mint(NOW, &self.random);
        let insert = async |tx: &Tx| {
            tx.execute(TEAM, params![id, name, NOW]).await?;
            tx.execute(USER, params![id, user]).await?;
            tx.execute(MEMBER, params![namespace, id, role.rank()]).await
        };
        self.write(insert).await.unwrap();
    }

    // --- tokens -----------------------------------------------------------------------------------------------

    pub(crate) fn new_token(&self, owner: StoredOwner, name: &str) -> StoredToken {
        StoredToken {
            id: TokenId::mint(NOW, &self.random),
            owner,
            name: name.into(),
            description: String::new(),
            stands_for: None,
            is_enabled: true,
            expiry: Expiry::Never,
            scopes: Vec::new(),
            allowed_addresses: AllowedAddresses::default(),
            secret_hint: String::new(),
            created_at: NOW,
            created_by_id: "0190a5e0-7d4c-7aaa-8bbb-123456789abc".into(),
            created_by: "user admin".into(),
            created_with: None,
            used: Default::default(),
            revision: 1,
        }
    }

    pub(crate) fn scope(&self, path: &str, actions: Actions) -> StoredScope {
        let scope = Scope::Repository { path: PathPattern::parse(path).unwrap(), actions };
        StoredScope { id: ScopeId::mint(NOW, &self.random), scope }
    }

    pub(crate) async fn add_token(&self, token: &StoredToken) {
        assert!(self.write(async |tx| tokens::insert(tx, token).await).await.unwrap(), "{token}");
    }

    pub(crate) async fn add_secret(&self, token: TokenId, hash: [u8; 32]) -> SecretId {
        let id = SecretId::mint(NOW, &self.random);
        let hash = SecretHash::from_bytes(&hash).unwrap();
        let insert = async |tx: &Tx| secrets::insert(tx, id, token, &hash, "slks_abc…", NOW).await;
        self.write(insert).await.unwrap();
        id
    }

    // --- content ----------------------------------------------------------------------------------------------

    pub(crate) async fn repository(&self, namespace: NamespaceId, name: &str) -> RepositoryId {
        let id = RepositoryId::mint(NOW, &self.random);
        let name = RepositoryName::parse(name).unwrap();
        let ensured = self.write(async |tx| repositories::ensure(tx, id, namespace, &name, NOW).await).await;
        ensured.unwrap().unwrap()
    }

    pub(crate) fn new_blob(&self, size: u64) -> StoredBlob {
        let key = hex::encode(self.random.bytes(16));
        StoredBlob { key: Key::parse(&key).unwrap(), size }
    }

    pub(crate) fn new_manifest(&self, payload: &[u8]) -> StoredManifest {
        StoredManifest {
            id: ManifestId::mint(NOW, &self.random),
            digest: digest(payload),
            media_type: "application/vnd.oci.image.manifest.v1+json".into(),
            size: payload.len() as u64,
            artifact_type: String::new(),
            subject: None,
            annotations: String::new(),
            created_at: NOW,
            created_by: "token acme/ci".into(),
        }
    }

    pub(crate) async fn manifest(&self, repository: RepositoryId, payload: &[u8]) -> StoredManifest {
        let manifest = self.new_manifest(payload);
        let insert = async |tx: &Tx| manifests::insert(tx, repository, &manifest, payload).await;
        assert_eq!(self.write(insert).await, Ok(manifest.id));
        manifest
    }
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::from_sha256(&Sha256::digest(bytes).into())
}

/// The owner of a service token, with the name to show.
pub(crate) fn of(id: NamespaceId, name: &str) -> StoredOwner {
    StoredOwner::Namespace { id, name: NamespaceName::parse(name).unwrap() }
}
