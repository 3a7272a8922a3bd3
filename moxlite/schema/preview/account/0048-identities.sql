-- One store for what a user has set of an identity, which was in two: that of JMAP programs, and the webmail's settings.
CREATE TABLE identity (
    address TEXT PRIMARY KEY,                               -- '' for all addresses that have none of their own
    modseq INTEGER NOT NULL,
    data TEXT NOT NULL                                      -- JSON of the fields that were set (moxlite.store.forms)
) STRICT, WITHOUT ROWID;

-- A program's signature that was written stays. The name is the one of the address in domains.toml.
INSERT INTO identity SELECT address, modseq, json_patch('{}', json_object(
    'reply_to', data -> '$.replyTo',
    'bcc', data -> '$.bcc',
    'text', iif(data ->> '$.textSignature' || (data ->> '$.htmlSignature') = '', NULL, data ->> '$.textSignature'),
    'html', iif(data ->> '$.textSignature' || (data ->> '$.htmlSignature') = '', NULL, data ->> '$.htmlSignature')))
FROM jmap_identity;
INSERT INTO identity
SELECT '', modseq, json_object(
    'text', coalesce(data ->> '$.signature', ''), 'html', coalesce(data ->> '$.signature_html', ''))
FROM settings WHERE coalesce(data ->> '$.signature', '') || coalesce(data ->> '$.signature_html', '') <> ''
UNION ALL
SELECT one.value ->> '$.address', modseq, json_object(
    'text', one.value ->> '$.text', 'html', coalesce(one.value ->> '$.html', ''))
FROM settings, json_each(settings.data, '$.signatures') AS one
WHERE true
ON CONFLICT (address) DO UPDATE SET
    data = iif(data -> '$.text' IS NULL, json_patch(data, excluded.data), data), modseq = max(modseq, excluded.modseq);
UPDATE settings SET data = json_remove(data, '$.signature', '$.signature_html', '$.signatures');
DROP TABLE jmap_identity;
