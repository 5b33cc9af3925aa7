-- Sessions of the console. A session is made with one generation of a user's password and dies with it.
CREATE TABLE sessions (
    id                  TEXT   NOT NULL PRIMARY KEY,
    -- SHA-256 of what the cookie carries.
    hash                BLOB   NOT NULL UNIQUE,
    user_id             TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    password_generation BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    expires_at          BIGINT NOT NULL,
    from_address        TEXT   NOT NULL,
    client              TEXT   NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Forms that were sent: a page that is loaded again after its form was sent must not do the same once more.
CREATE TABLE sent_forms (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    form       TEXT NOT NULL,
    PRIMARY KEY (session_id, form)
);
