-- For counting the open upload sessions of a principal.
CREATE INDEX upload_sessions_by_principal ON upload_sessions (principal, expires_at);

-- Upload sessions that became a blob, for a while: a client whose answer was lost may send its last request again.
-- Without foreign keys: the server removes the rows after an hour.
CREATE TABLE ended_uploads (
    id           TEXT   NOT NULL PRIMARY KEY,
    namespace_id TEXT   NOT NULL,
    repository   TEXT   NOT NULL,
    principal    TEXT   NOT NULL,
    digest       TEXT   NOT NULL,
    forget_at    BIGINT NOT NULL
);
CREATE INDEX ended_uploads_by_time ON ended_uploads (forget_at);

-- The id of the user or token that created a namespace; '' is unknown: the namespace is older than this column.
ALTER TABLE namespaces ADD COLUMN created_by_id TEXT NOT NULL DEFAULT '';
CREATE INDEX namespaces_by_creator ON namespaces (created_by_id) WHERE created_by_id <> '';
