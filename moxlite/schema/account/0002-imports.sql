-- Imports, staged until one final unit (docs/spec/store.md §11), and orphans that wait for a parent (STORE-195).

-- At most one (STORE-130). One that is here at open belongs to a process that is gone: it is removed with all it staged.
CREATE TABLE import_job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token BLOB NOT NULL,
    started INTEGER NOT NULL
) STRICT;

-- Messages to be. `id` is the message id that each will have, above all that deliveries can take meanwhile; their rows in
-- message_info, message_wire and message_header are there already. Each counts as one user of its body in body.refs.
CREATE TABLE import_message (
    id INTEGER PRIMARY KEY,
    mailbox INTEGER NOT NULL,                               -- import_mailbox.id
    place INTEGER NOT NULL,                                 -- 1, 2, … in the order of the mailbox: its UID is that much above the last
    folder INTEGER NOT NULL,                                -- whose file of keywords explains the letters
    letters TEXT NOT NULL,                                  -- of keywords, '' when there are none or they are known
    body_id INTEGER NOT NULL,
    size INTEGER NOT NULL,
    received INTEGER NOT NULL,
    received_offset INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    dsn INTEGER NOT NULL,
    messageid TEXT,
    subject_base TEXT NOT NULL,
    is_response INTEGER NOT NULL,
    refs BLOB NOT NULL                                      -- msgpack array of the canonical ids of References
) STRICT;

-- Filled by the final unit alone, for its joins.
CREATE TABLE import_mailbox (
    id INTEGER PRIMARY KEY,
    mailbox_id INTEGER NOT NULL,
    last_uid INTEGER NOT NULL,                              -- before the import
    flags_kept INTEGER NOT NULL,                            -- bits that the mailbox leaves alone (STORE-84)
    flags_set INTEGER NOT NULL                              -- and those that it sets
) STRICT;

-- References that a message has and that were not there when it was placed; the nearest ones only.
CREATE TABLE thread_missing (
    reference TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    distance INTEGER NOT NULL,                              -- 0 for the last reference of the message, which names its parent
    PRIMARY KEY (reference, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_missing_message ON thread_missing (message_id);
