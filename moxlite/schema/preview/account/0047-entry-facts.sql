-- Facts of entries of calendars, by which views show them without reading them (DAV-9b). Rows of another version are made anew from the octets.
CREATE TABLE entry_facts (
    resource_id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,                               -- proto.cards.entryfacts.FACTS_VERSION; 0: not computed yet
    data BLOB NOT NULL                                      -- msgpack; empty for an entry that can't be read
) STRICT;
CREATE INDEX entry_facts_version ON entry_facts (version);
INSERT INTO entry_facts (resource_id, version, data) SELECT id, 0, x'' FROM resource WHERE component <> 'VCARD';
