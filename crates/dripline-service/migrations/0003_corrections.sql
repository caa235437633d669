-- Corrections of a kept chart, by what a case is coded, and whom an open question goes to.

-- A correction of the whole chart; `version` is the one that it made.
CREATE TABLE corrections (
    case_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    reason TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (case_id, version),
    FOREIGN KEY (case_id, version) REFERENCES versions (case_id, number)
);
--: append only corrections

-- The chart entries on which a correction rests.
CREATE TABLE correction_entries (
    case_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    number BIGINT NOT NULL CHECK (number >= 1),
    -- Key paths of what changed by it, as JSON.
    changes TEXT NOT NULL,
    author TEXT NOT NULL,
    written_at TEXT NOT NULL,
    entry TEXT NOT NULL CHECK (entry IN ('original', 'late')),
    place TEXT NOT NULL,
    after_release BIGINT NOT NULL CHECK (after_release IN (0, 1)),
    after_request BIGINT NOT NULL CHECK (after_request IN (0, 1)),
    PRIMARY KEY (case_id, version, number),
    FOREIGN KEY (case_id, version) REFERENCES corrections (case_id, version)
);
--: append only correction_entries

-- The rules and the loaded reference tables by which the version in force was made, or last found the same; as JSON.
-- Nothing where a case was kept before this was noted: by what it was coded is then not known.
ALTER TABLE cases ADD COLUMN coded_by TEXT NOT NULL DEFAULT '';
CREATE INDEX cases_by_coding ON cases (coded_by, id);

CREATE INDEX queries_by_addressee ON queries (addressee, settled, case_id, version);
