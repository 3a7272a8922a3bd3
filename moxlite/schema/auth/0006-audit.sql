-- The audit log says by which way a change came, and how it ended; it is read by keyset pages, filtered.
ALTER TABLE audit ADD COLUMN via TEXT NOT NULL DEFAULT '';         -- "cli", "webadmin", "webaccount", "webmail", "file"
ALTER TABLE audit ADD COLUMN outcome TEXT NOT NULL DEFAULT 'done'; -- "begun" before the change; then "done", "refused" or "failed"
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_object ON audit (object, id);
CREATE INDEX audit_via ON audit (via, id);
