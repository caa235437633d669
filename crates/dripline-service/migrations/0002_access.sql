-- Who may ask. Times are whole seconds since 1970, because they are reckoned with; an event's are microseconds.

-- Accounts are never deleted: the history calls people by their names, and without an account the service would be open.
CREATE TABLE accounts (
    name TEXT NOT NULL PRIMARY KEY,
    -- Names with commas between.
    roles TEXT NOT NULL,
    -- The hash, with its salt and parameters; null for who signs in elsewhere.
    password TEXT,
    -- Who vouches for the person, and what it calls them; null for who signs in here.
    issuer TEXT,
    subject TEXT,
    disabled BIGINT NOT NULL CHECK (disabled IN (0, 1)),
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (issuer, subject),
    CHECK ((password IS NULL) <> (issuer IS NULL)),
    CHECK ((issuer IS NULL) = (subject IS NULL))
);
--: never deleted accounts
--: fixed accounts name, issuer, subject, created, created_by

CREATE TABLE sessions (
    -- The hash of the secret in the cookie.
    fingerprint TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    began BIGINT NOT NULL,
    seen BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
--: fixed sessions fingerprint, account, began

CREATE TABLE tokens (
    name TEXT NOT NULL PRIMARY KEY,
    -- The hash of the token.
    fingerprint TEXT NOT NULL UNIQUE,
    -- Names with commas between.
    scope TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    ends BIGINT NOT NULL,
    withdrawn BIGINT,
    seen BIGINT
);
--: never deleted tokens
--: fixed tokens name, fingerprint, scope, created, created_by, ends

CREATE TABLE access_events (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL
);
CREATE INDEX access_events_by_time ON access_events (at, id);
--: append only access_events
