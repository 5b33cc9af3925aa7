-- The first schema. One text for both engines: for PostgreSQL the runner reads TEXT as TEXT COLLATE "C" and
-- BLOB as BYTEA. Times are milliseconds UTC in BIGINT; ids are UUIDs in TEXT; '' in an owner column means
-- "none" or "the instance", because a unique index would accept NULL twice.

-- What belongs to the whole store: its random id, for one.
CREATE TABLE store_facts (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id                  TEXT   NOT NULL PRIMARY KEY,
    username            TEXT   NOT NULL UNIQUE,
    password_hash       TEXT   NOT NULL,
    -- Rises with every password change: what was made with an older password is dead.
    password_generation BIGINT NOT NULL,
    is_admin            BIGINT NOT NULL CHECK (is_admin IN (0, 1)),
    is_active           BIGINT NOT NULL CHECK (is_active IN (0, 1)),
    created_at          BIGINT NOT NULL,
    revision            BIGINT NOT NULL
);
-- Whether another active administrator is left.
CREATE INDEX users_by_rank ON users (is_admin, is_active);

CREATE TABLE teams (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    revision   BIGINT NOT NULL
);

CREATE TABLE team_users (
    team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, team_id)
);
CREATE INDEX team_users_by_team ON team_users (team_id);

CREATE TABLE namespaces (
    id            TEXT   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    visibility    TEXT   NOT NULL CHECK (visibility IN ('private', 'public')),
    -- The user whose own namespace this is, or ''.
    owner_user_id TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    created_by    TEXT   NOT NULL,
    revision      BIGINT NOT NULL
);
CREATE INDEX namespaces_by_owner ON namespaces (owner_user_id);

-- What anyone may pull from is in everybody's list of repositories.
CREATE INDEX namespaces_by_visibility ON namespaces (visibility, id);

-- Members. role: 1 reader, 2 writer, 3 admin; a number, so that MAX() finds the highest.
CREATE TABLE namespace_users (
    namespace_id TEXT   NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    user_id      TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role         BIGINT NOT NULL CHECK (role BETWEEN 1 AND 3),
    PRIMARY KEY (namespace_id, user_id)
);
CREATE INDEX namespace_users_by_user ON namespace_users (user_id);

CREATE TABLE namespace_teams (
    namespace_id TEXT   NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    team_id      TEXT   NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    role         BIGINT NOT NULL CHECK (role BETWEEN 1 AND 3),
    PRIMARY KEY (namespace_id, team_id)
);
CREATE INDEX namespace_teams_by_team ON namespace_teams (team_id);

-- Ended tokens stay 90 days as tombstones, which only a refusal's reason and the audit read; they outlive
-- their owner, so owners are no foreign keys.
CREATE TABLE tokens (
    id               TEXT   NOT NULL PRIMARY KEY,
    kind             TEXT   NOT NULL CHECK (kind IN ('service', 'personal')),
    namespace_id     TEXT   NOT NULL,
    user_id          TEXT   NOT NULL,
    name             TEXT   NOT NULL,
    access           TEXT   NOT NULL CHECK (access IN ('account', 'scoped')),
    description      TEXT   NOT NULL,
    status           TEXT   NOT NULL CHECK (status IN ('enabled', 'disabled')),
    expires_at       BIGINT,
    -- Whom the token is for: 'user' or 'service' and its name, or '' twice.
    stands_for_kind  TEXT   NOT NULL CHECK (stands_for_kind IN ('', 'user', 'service')),
    stands_for       TEXT   NOT NULL,
    -- The secret of the personal token that this one is a child of (rule 8), or ''.
    parent_secret_id TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    created_by_id    TEXT   NOT NULL,
    created_by       TEXT   NOT NULL,
    last_used_at     BIGINT,
    last_used_from   TEXT   NOT NULL,
    last_used_by     TEXT   NOT NULL,
    pulls            BIGINT NOT NULL,
    pushes           BIGINT NOT NULL,
    ended_at         BIGINT,
    why              TEXT   NOT NULL,
    revision         BIGINT NOT NULL
);
-- Names are unique among living service tokens of one owner; '' is the instance.
CREATE UNIQUE INDEX service_token_names ON tokens (namespace_id, name) WHERE kind = 'service' AND ended_at IS NULL;
CREATE INDEX personal_tokens ON tokens (user_id, id) WHERE kind = 'personal' AND ended_at IS NULL;
-- The service tokens that somebody made, wherever they are.
CREATE INDEX service_tokens_by_maker ON tokens (created_by_id, namespace_id, name) WHERE kind = 'service' AND ended_at IS NULL;
CREATE INDEX tokens_by_parent ON tokens (parent_secret_id) WHERE parent_secret_id <> '';
CREATE INDEX tokens_by_expiry ON tokens (expires_at) WHERE ended_at IS NULL AND expires_at IS NOT NULL;
-- For the sweeper: tombstones that are old enough to go.
CREATE INDEX tokens_by_ending ON tokens (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE token_secrets (
    id         TEXT   NOT NULL PRIMARY KEY,
    token_id   TEXT   NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    hash       BLOB   NOT NULL UNIQUE,
    hint       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    -- Alive while now < ended_at; an instant still to come is a grace (rule 6).
    ended_at   BIGINT,
    why        TEXT   NOT NULL,
    -- 1 where it was ended at once: then it is over whatever a replica's clock says.
    is_final   BIGINT NOT NULL CHECK (is_final IN (0, 1)),
    last_used_at   BIGINT,
    last_used_from TEXT NOT NULL,
    last_used_by   TEXT NOT NULL
);
CREATE INDEX token_secrets_by_token ON token_secrets (token_id, created_at);
CREATE INDEX token_secrets_by_ending ON token_secrets (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE token_scopes (
    id       TEXT   NOT NULL PRIMARY KEY,
    token_id TEXT   NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    type     TEXT   NOT NULL CHECK (type IN ('repository', 'registry')),
    path     TEXT   NOT NULL,
    actions  TEXT   NOT NULL
);
CREATE INDEX token_scopes_by_token ON token_scopes (token_id, position);

-- How often a token was used, by day: days since 1970-01-01 in UTC.
CREATE TABLE token_activity (
    token_id TEXT   NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    day      BIGINT NOT NULL,
    pulls    BIGINT NOT NULL,
    pushes   BIGINT NOT NULL,
    PRIMARY KEY (token_id, day)
);

-- What an administrator set for the whole instance; what is absent has its default.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE repositories (
    id           TEXT   NOT NULL PRIMARY KEY,
    namespace_id TEXT   NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    name         TEXT   NOT NULL UNIQUE,
    created_at   BIGINT NOT NULL
);
CREATE INDEX repositories_by_namespace ON repositories (namespace_id, name);

-- Bytes in the blob store. The key is opaque and never used twice, so that removing an old copy of a digest
-- can't race a new upload of it.
CREATE TABLE blobs (
    digest     TEXT   NOT NULL PRIMARY KEY,
    key        TEXT   NOT NULL UNIQUE,
    size       BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE repository_blobs (
    repository_id TEXT   NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest        TEXT   NOT NULL REFERENCES blobs (digest),
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

CREATE TABLE manifests (
    id             TEXT   NOT NULL PRIMARY KEY,
    repository_id  TEXT   NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest         TEXT   NOT NULL,
    media_type     TEXT   NOT NULL,
    size           BIGINT NOT NULL,
    artifact_type  TEXT   NOT NULL,
    -- The manifest that this one is about (OCI 1.1 "subject"), which may come later or never; or ''.
    subject_digest TEXT   NOT NULL,
    -- The manifest's own, as a JSON object, for lists of referrers; or ''.
    annotations    TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    -- The principal that pushed it, in words.
    created_by     TEXT   NOT NULL,
    UNIQUE (repository_id, digest)
);
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject_digest, digest) WHERE subject_digest <> '';

-- Payloads apart: a list of manifests never reads them.
CREATE TABLE manifest_payloads (
    manifest_id TEXT NOT NULL PRIMARY KEY REFERENCES manifests (id) ON DELETE CASCADE,
    bytes       BLOB NOT NULL
);

-- What a manifest needs to be whole. The keys on (repository_id, digest) hold the invariant that a visible
-- manifest's blobs and children all exist, linked in its repository. The key on repository_id alone is for deleting
-- a repository at one stroke: PostgreSQL cascades level by level and checks in between (SQLite only at the end), so
-- these rows have to go on the same level as what they need.
CREATE TABLE manifest_blobs (
    manifest_id   TEXT NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    repository_id TEXT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest        TEXT NOT NULL,
    PRIMARY KEY (manifest_id, digest),
    FOREIGN KEY (repository_id, digest) REFERENCES repository_blobs (repository_id, digest)
);
CREATE INDEX manifest_blobs_by_blob ON manifest_blobs (repository_id, digest);

CREATE TABLE manifest_children (
    manifest_id   TEXT NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    repository_id TEXT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    digest        TEXT NOT NULL,
    PRIMARY KEY (manifest_id, digest),
    FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest)
);
CREATE INDEX manifest_children_by_child ON manifest_children (repository_id, digest);

CREATE TABLE tags (
    repository_id TEXT   NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    name          TEXT   NOT NULL,
    manifest_id   TEXT   NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (repository_id, name)
);
CREATE INDEX tags_by_manifest ON tags (manifest_id);

CREATE TABLE upload_sessions (
    id            TEXT   NOT NULL PRIMARY KEY,
    -- By id: a namespace deleted and made again owes nothing to an old session.
    namespace_id  TEXT   NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    -- The full name; the repository itself is made with its first blob or manifest.
    repository    TEXT   NOT NULL,
    -- Who opened it, as kind and id; nobody else may go on with it.
    principal     TEXT   NOT NULL,
    -- The blob store's own bytes: where the upload stands, hash state included.
    state         BLOB   NOT NULL,
    -- Every append claims the session with a new number; the later claim takes over. 1 while one is open.
    claim         BIGINT NOT NULL,
    claim_is_open BIGINT NOT NULL CHECK (claim_is_open IN (0, 1)),
    expires_at    BIGINT NOT NULL
);
CREATE INDEX upload_sessions_by_namespace ON upload_sessions (namespace_id);
CREATE INDEX upload_sessions_by_expiry ON upload_sessions (expires_at);

-- Keys that sign bearers; the private half is sealed under key_file, so that a leaked backup forges nothing.
CREATE TABLE signing_keys (
    kid        TEXT   NOT NULL PRIMARY KEY,
    state      TEXT   NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    sealed     BLOB   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX one_active_signing_key ON signing_keys (state) WHERE state = 'active';

-- Who did what. Names are copied, not referenced: a history outlives what it is about.
CREATE TABLE audit (
    id           TEXT   NOT NULL PRIMARY KEY,
    at           BIGINT NOT NULL,
    actor        TEXT   NOT NULL,
    actor_id     TEXT   NOT NULL,
    -- The token that the actor used, or ''.
    with_token   TEXT   NOT NULL,
    event        TEXT   NOT NULL,
    target       TEXT   NOT NULL,
    namespace_id TEXT   NOT NULL,
    token_id     TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    from_address TEXT   NOT NULL,
    client       TEXT   NOT NULL,
    request_id   TEXT   NOT NULL,
    before       TEXT   NOT NULL,
    after        TEXT   NOT NULL
);
CREATE INDEX audit_by_namespace ON audit (namespace_id, id);
CREATE INDEX audit_by_token ON audit (token_id, id);
CREATE INDEX audit_by_token_used ON audit (with_token, id);
CREATE INDEX audit_by_user ON audit (user_id, id);
CREATE INDEX audit_by_actor ON audit (actor_id, id);
