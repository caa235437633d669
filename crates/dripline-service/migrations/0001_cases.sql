-- The queue. One text for SQLite and PostgreSQL: TEXT and BIGINT only, numbers given by the program, times as RFC 3339
-- in UTC with microseconds, so that they sort as text. A rule after two dashes and a colon becomes triggers.

CREATE TABLE cases (
    id BIGINT NOT NULL PRIMARY KEY,
    -- The caller's own id of the case.
    name TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    body_hash TEXT NOT NULL,
    received_at TEXT NOT NULL,
    received_by TEXT NOT NULL,
    setting TEXT NOT NULL,
    service_date TEXT NOT NULL,
    -- How it is to be coded, as JSON.
    options TEXT NOT NULL,
    -- The body as it came.
    body_type TEXT NOT NULL,
    body TEXT NOT NULL,
    -- What changes: the version in force, what a person decided, how many questions hold the claim.
    version BIGINT NOT NULL,
    -- Counts every change, so that each can name what it saw.
    revision BIGINT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('open', 'held', 'rejected', 'released')),
    reason TEXT,
    waiting BIGINT NOT NULL CHECK (waiting >= 0)
);
CREATE INDEX cases_by_status ON cases (decision, waiting, id);
CREATE INDEX cases_by_date ON cases (service_date, id);
--: never deleted cases
--: fixed cases id, name, idempotency_key, body_hash, received_at, received_by, options, body_type, body

-- A chart and what it was coded to. The version in force is the last.
CREATE TABLE versions (
    case_id BIGINT NOT NULL REFERENCES cases (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    chart TEXT NOT NULL,
    -- What the reader of the chart took for granted, as JSON.
    assumptions TEXT NOT NULL,
    coding TEXT NOT NULL,
    -- Rules and reference quarters, as JSON; they stand in the coding too.
    rule_set TEXT NOT NULL,
    made_at TEXT NOT NULL,
    made_by TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (case_id, number)
);
--: append only versions

-- The questions of a version, in the order of its coding. One that is settled holds the claim no more, though it still
-- stands in the coding: an entry says that the chart stands as it is, that it cannot be determined, or what was asked.
CREATE TABLE queries (
    case_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    position BIGINT NOT NULL,
    field TEXT NOT NULL,
    addressee TEXT NOT NULL,
    settled BIGINT NOT NULL CHECK (settled IN (0, 1)),
    PRIMARY KEY (case_id, version, position),
    FOREIGN KEY (case_id, version) REFERENCES versions (case_id, number)
);
CREATE INDEX queries_by_field ON queries (field, settled, case_id, version);
--: append only queries

-- Chart entries that answered a question; `version` is the one that each made.
CREATE TABLE answers (
    case_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    field TEXT NOT NULL,
    -- Ids of the administrations asked about, and the questions as they were asked; as JSON.
    administrations TEXT NOT NULL,
    asked TEXT NOT NULL,
    -- What it says, as JSON: what is set in the chart, or why nothing is.
    says TEXT NOT NULL,
    author TEXT NOT NULL,
    written_at TEXT NOT NULL,
    entry TEXT NOT NULL CHECK (entry IN ('original', 'late')),
    place TEXT NOT NULL,
    after_release BIGINT NOT NULL CHECK (after_release IN (0, 1)),
    after_request BIGINT NOT NULL CHECK (after_request IN (0, 1)),
    recorded_at TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (case_id, version),
    FOREIGN KEY (case_id, version) REFERENCES versions (case_id, number)
);
--: append only answers

-- What left: claims as they were released, and the credits that take one back.
CREATE TABLE claims (
    case_id BIGINT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    kind TEXT NOT NULL CHECK (kind IN ('original', 'credit', 'rebill')),
    version BIGINT NOT NULL,
    -- The claim that a credit takes back, or that a rebill stands for.
    of_claim BIGINT,
    -- Its lines, as JSON; those of a credit are taken back.
    lines TEXT NOT NULL,
    rule_set TEXT NOT NULL,
    released_at TEXT NOT NULL,
    released_by TEXT NOT NULL,
    PRIMARY KEY (case_id, number),
    FOREIGN KEY (case_id, version) REFERENCES versions (case_id, number),
    FOREIGN KEY (case_id, of_claim) REFERENCES claims (case_id, number),
    CHECK ((kind = 'original') = (of_claim IS NULL))
);
--: append only claims

-- That somebody asked for the records of a case.
CREATE TABLE record_requests (
    case_id BIGINT NOT NULL REFERENCES cases (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    asked_by TEXT NOT NULL,
    received_on TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (case_id, number)
);
--: append only record_requests

CREATE TABLE history (
    id BIGINT NOT NULL PRIMARY KEY,
    -- Null for what concerns no case, as a setting.
    case_id BIGINT REFERENCES cases (id),
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    before TEXT,
    after TEXT,
    why TEXT
);
CREATE INDEX history_by_case ON history (case_id, id);
--: append only history

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
