-- A delivery changes fewer b-trees (docs/performance.md, What a message writes).

-- The first message of a thread is found by its id, which is that of the thread: most new mail begins one, and is in no index of threads then.
DROP INDEX message_threadid;
CREATE INDEX message_threadid ON message (threadid) WHERE threadid <> id;

-- The newest idempotency keys (STORE-189), in a row that each message changes anyway, until there is a page of them, which goes into unit_key at
-- once. Each: its time in 8 octets, the number of its octets in one, and the key.
ALTER TABLE state ADD COLUMN recent_keys BLOB NOT NULL DEFAULT x'';
