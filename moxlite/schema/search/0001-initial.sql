-- search.db: the text index of one account (docs/spec/store.md §10). Disposable: whatever does not fit the account is deleted and built anew.

CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    file_id BLOB NOT NULL,                                  -- of the account.db that it belongs to
    layout INTEGER NOT NULL,                                -- what the text is made of: the program's INDEX_VERSION
    parse_version INTEGER NOT NULL,                         -- of the MIME index which the text was taken by
    watermark INTEGER NOT NULL                              -- all messages up to this id are in here
) STRICT;

-- The folded text that a message is searched in: header section, LF, body text, as zstd of UTF-8.
CREATE TABLE text (
    message_id INTEGER PRIMARY KEY,
    boundary INTEGER,                                       -- octets of the header's text
    data BLOB,                                              -- NULL: too long or damaged, so look into the message itself
    CHECK ((boundary IS NULL) = (data IS NULL))
) STRICT;
-- Narrow: counting and listing the messages reads no text.
CREATE INDEX text_boundary ON text (boundary);

-- Which messages have which three characters in a row. Folding is done before, so case is left alone; no positions are kept, for the
-- text itself decides.
CREATE VIRTUAL TABLE trigram USING fts5 (text, tokenize = 'trigram case_sensitive 1', content = '', contentless_delete = 1, detail = none);

-- The folded texts of five header fields, "" without the field, for searches in these alone (STORE-110a). NULL: too long or not to be
-- told from the field alone, so look into the message itself.
CREATE TABLE field (
    message_id INTEGER PRIMARY KEY,
    subject TEXT,
    sender TEXT,
    recipient TEXT,                                         -- To
    cc TEXT,
    bcc TEXT
) STRICT;

-- The last octets of texts that would otherwise fill a page of the file badly: text.data is followed by them.
CREATE TABLE tail (
    message_id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- The triples of characters in the index, with the number of messages of each: for needles of two characters (STORE-111).
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(trigram, 'row');
