-- The credential that a token was created with: the id of a token, and words for what it was called then, or 'password' or
-- 'session'. They are copies, so they outlive the credential. '' is unknown: the token is older than these columns.
ALTER TABLE tokens ADD COLUMN created_with_id TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN created_with TEXT NOT NULL DEFAULT '';
CREATE INDEX tokens_by_creating_token ON tokens (created_with_id) WHERE created_with_id <> '';
