-- From where a token may be used: addresses and networks in CIDR notation, parted by spaces; '' is from anywhere,
-- which is what every token was allowed before.
ALTER TABLE tokens ADD COLUMN allowed_addresses TEXT NOT NULL DEFAULT '';
