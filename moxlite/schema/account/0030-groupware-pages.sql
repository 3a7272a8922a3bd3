-- Entries of a collection are listed in pages by id (DAV-16): the index has the rowid, so that a page costs its own rows only.
CREATE INDEX resource_of ON resource (collection_id);
