-- Who set up what gives others access to the account, or takes its mail elsewhere (WEB-192). The grants themselves are in their own tables and
-- files; a row without a grant says nothing, and is removed when the owner is next told of a new one.
CREATE TABLE way_in (
    kind TEXT NOT NULL,                                     -- of store.changelog.origin.WayKind
    key TEXT NOT NULL,                                      -- of the grant, among those of its kind
    at INTEGER NOT NULL,                                    -- µs UTC
    actor TEXT NOT NULL,                                    -- account, "(admin)", "(cli)"
    via TEXT NOT NULL,                                      -- app or protocol
    remote_ip TEXT NOT NULL,
    login TEXT NOT NULL,                                    -- name of the app password, or fingerprint of the certificate; '' for the account's own password
    told INTEGER NOT NULL,                                  -- 1: the owner needs no mail about it, or has got it
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX way_in_untold ON way_in (at) WHERE NOT told;

-- App passwords and tokens that exist may still change permissions and scripts; new ones need a scope of its own for each (STORE-191b).
UPDATE app_password SET scopes = scopes | 64 WHERE scopes & 17;
UPDATE app_password SET scopes = scopes | 128 WHERE scopes & 17;
