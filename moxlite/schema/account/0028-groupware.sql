-- Calendars and address books (docs/spec/dav.md). Rows of their resources have modseqs, removed ones leave tombstones, as those of messages.

-- `name`: the last element of its address. `components`: kinds of components that a calendar takes, sorted, joined by one space. `dead`: JSON of
-- properties that clients have set, XML by name. `purged`: the highest modseq whose tombstones are gone: older sync tokens are refused.
CREATE TABLE collection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('calendar', 'contact')),
    name TEXT NOT NULL,
    display_name TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    colour TEXT NOT NULL DEFAULT '',
    position INTEGER,
    time_zone TEXT NOT NULL DEFAULT '',                     -- a VCALENDAR with one VTIMEZONE, as it came
    components TEXT NOT NULL DEFAULT '',
    transparent INTEGER NOT NULL DEFAULT 0,
    dead TEXT NOT NULL DEFAULT '{}',
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,                                -- rises with each change of its properties and resources
    purged INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,                        -- octets of its resources, which count for the quota
    UNIQUE (kind, name)
) STRICT;

CREATE TABLE collection_gone (
    collection_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;
CREATE INDEX collection_gone_modseq ON collection_gone (modseq);

-- `starts`, `ends`: seconds UTC of the first and last moment, NULL for no bound. `expanded_from`, `expanded_to`: the stretch of seconds of which
-- `instance` has all instances, NULL for a resource without rules.
CREATE TABLE resource (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    name TEXT NOT NULL,
    uid TEXT NOT NULL,
    component TEXT NOT NULL,                                -- VEVENT, VTODO, …, VCARD
    hash BLOB NOT NULL,                                     -- SHA-256 of data
    size INTEGER NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    created INTEGER NOT NULL,                               -- µs UTC
    changed INTEGER NOT NULL,
    starts INTEGER,
    ends INTEGER,
    expanded_from INTEGER,
    expanded_to INTEGER,
    title TEXT NOT NULL,                                    -- SUMMARY or FN
    UNIQUE (collection_id, name),
    UNIQUE (collection_id, uid)
) STRICT;
CREATE INDEX resource_modseq ON resource (collection_id, modseq);
CREATE INDEX resource_expanded ON resource (expanded_to) WHERE expanded_to IS NOT NULL;

CREATE TABLE resource_data (
    resource_id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- Addresses of organisers and attendees, or of the person of a card.
CREATE TABLE resource_address (
    resource_id INTEGER NOT NULL,
    address TEXT NOT NULL,                                  -- in lower case
    PRIMARY KEY (resource_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX resource_address_of ON resource_address (address);

CREATE TABLE instance (
    resource_id INTEGER NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    recurrence TEXT NOT NULL,                               -- its time by the rule, as RECURRENCE-ID has it
    part INTEGER NOT NULL,                                  -- number of the component that describes it
    PRIMARY KEY (resource_id, starts, recurrence)
) STRICT, WITHOUT ROWID;

CREATE TABLE resource_gone (
    collection_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    createseq INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    gone INTEGER NOT NULL,                                  -- µs UTC
    PRIMARY KEY (collection_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX resource_gone_modseq ON resource_gone (collection_id, modseq);
CREATE INDEX resource_gone_at ON resource_gone (gone);
