-- The last octets of texts that would otherwise fill a page of the file badly: text.data is followed by them.
CREATE TABLE tail (
    message_id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
