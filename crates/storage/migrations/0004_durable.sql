-- Signing keys that are rotated. Of a retired key only the public half is left, sealed in the private one's place; it
-- verifies until the last bearer that it signed has expired.
ALTER TABLE signing_keys ADD COLUMN retired_at BIGINT;
-- The one that signs after the next rotation: every replica knows it long before.
CREATE UNIQUE INDEX one_next_signing_key ON signing_keys (state) WHERE state = 'next';
CREATE INDEX signing_keys_by_retirement ON signing_keys (retired_at) WHERE retired_at IS NOT NULL;

-- Certificates that an ACME server issued (acme_domains), one row for a set of domains at an issuer. The row is there
-- before the certificate (revision 0): whoever orders writes first that it does, and when it may be tried again.
CREATE TABLE certificates (
    -- SHA-256 of issuer and domains.
    id            TEXT   NOT NULL PRIMARY KEY,
    -- For people who look.
    domains       TEXT   NOT NULL,
    revision      BIGINT NOT NULL,
    -- PEM; the private key is sealed under the key file.
    chain         TEXT   NOT NULL,
    sealed_key    BLOB   NOT NULL,
    valid_from    BIGINT NOT NULL,
    valid_until   BIGINT NOT NULL,
    -- Which process orders the next one, and until when nobody else does.
    ordered_by    TEXT   NOT NULL,
    ordered_until BIGINT NOT NULL,
    -- Orders since the last one that succeeded, and when the next may begin.
    failures      BIGINT NOT NULL,
    next_order_at BIGINT NOT NULL
);

-- What proves control of a domain while its certificate is ordered (RFC 8737): every replica answers with it.
CREATE TABLE certificate_challenges (
    domain     TEXT   NOT NULL PRIMARY KEY,
    -- SHA-256 of the key authorization (RFC 8555 §8.1); public as soon as it is asked for.
    digest     BLOB   NOT NULL,
    ordered_by TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Accounts at ACME servers, sealed under the key file.
CREATE TABLE certificate_accounts (
    -- SHA-256 of issuer and contact.
    id         TEXT   NOT NULL PRIMARY KEY,
    sealed     BLOB   NOT NULL,
    created_at BIGINT NOT NULL
);

-- Where fsck found no bytes, or wrong ones, under a blob's key, this is that key: the blob counts as absent until the
-- same bytes are pushed again, which gives it another key.
ALTER TABLE blobs ADD COLUMN damaged_key TEXT NOT NULL DEFAULT '';
