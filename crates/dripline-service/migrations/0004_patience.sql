-- What signing in has to remember, for every process on this store and after a stop. Times are seconds since 1970. No
-- secret stands here, and nothing from which one follows: of names, addresses and states the hash alone.

-- Wrong passwords, for an hour.
CREATE TABLE attempts (
    -- The hash of whose they are: an account's, an address's, or an account's from one address.
    whose TEXT NOT NULL PRIMARY KEY,
    wrong BIGINT NOT NULL,
    tried BIGINT NOT NULL,
    -- Until then nothing is looked at.
    until BIGINT NOT NULL
);
CREATE INDEX attempts_by_time ON attempts (tried);

-- From where somebody has signed in lately: there guesses from elsewhere do not keep them out.
CREATE TABLE known_addresses (
    -- The hash of the account and the address.
    whose TEXT NOT NULL PRIMARY KEY,
    seen BIGINT NOT NULL
);
CREATE INDEX known_addresses_by_time ON known_addresses (seen);

-- Who is on the way to a provider of OpenID Connect. What the provider and the browser prove is not here.
CREATE TABLE sign_ins (
    -- The hash of the state that comes back.
    state TEXT NOT NULL PRIMARY KEY,
    -- The hash of the address that began it.
    client TEXT NOT NULL,
    redirect TEXT NOT NULL,
    -- Where they want to afterwards.
    onward TEXT NOT NULL,
    began BIGINT NOT NULL
);
CREATE INDEX sign_ins_by_time ON sign_ins (began);
