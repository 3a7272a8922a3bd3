-- reports.db: reports of others about our domains, and what goes into our own reports about theirs (docs/spec/queue.md §11,
-- §12; mailauth.md §8, §9). Times are µs UTC, domains lower-case A-labels. All of it expires.

-- DMARC aggregate reports that came, each once (AUTH-81).
CREATE TABLE dmarc_report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received INTEGER NOT NULL,
    sender TEXT NOT NULL,               -- domain of From of the mail that brought it
    organization TEXT NOT NULL,         -- as the report names it
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,               -- ours, whose policy it is about
    period_begin INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    messages INTEGER NOT NULL,          -- that its records count
    failed INTEGER NOT NULL,            -- of these, with neither DKIM nor SPF aligned
    content BLOB NOT NULL,              -- the report as JSON, zstd
    UNIQUE (organization, report_id, domain)
) STRICT;
CREATE INDEX dmarc_report_domain ON dmarc_report (domain, period_end, id);
CREATE INDEX dmarc_report_received ON dmarc_report (received);
CREATE INDEX dmarc_report_sender ON dmarc_report (sender, received);
-- Sums over a period, without a look at the reports themselves.
CREATE INDEX dmarc_report_period ON dmarc_report (period_end, domain, messages, failed);

-- TLS reports that came, one row for each policy domain of ours (AUTH-76).
CREATE TABLE tls_report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received INTEGER NOT NULL,
    sender TEXT NOT NULL,
    organization TEXT NOT NULL,
    report_id TEXT NOT NULL,
    domain TEXT NOT NULL,               -- ours, or a hostname of ours
    period_begin INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    successes INTEGER NOT NULL,         -- sessions under all policies of this domain
    failed INTEGER NOT NULL,
    content BLOB NOT NULL,              -- the report with the policies of this domain as JSON, zstd
    UNIQUE (organization, report_id, domain)
) STRICT;
CREATE INDEX tls_report_domain ON tls_report (domain, period_end, id);
CREATE INDEX tls_report_received ON tls_report (received);
CREATE INDEX tls_report_sender ON tls_report (sender, received);
CREATE INDEX tls_report_period ON tls_report (period_end, domain, successes, failed);

-- Messages that were judged by a DMARC policy whose owner wants reports (SMTP-103, QUEUE-130). Sent, or dropped after 72 h.
CREATE TABLE dmarc_evaluation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    policy_domain TEXT NOT NULL,        -- where the record stands
    evaluated INTEGER NOT NULL,
    optional INTEGER NOT NULL,          -- alone no reason to send a report
    record TEXT NOT NULL,               -- the policy as published: the text of the record
    source_ip TEXT NOT NULL,
    disposition TEXT NOT NULL,          -- none, quarantine, reject: what was done
    aligned_dkim INTEGER NOT NULL,
    aligned_spf INTEGER NOT NULL,
    overrides TEXT NOT NULL,            -- JSON: [[type, comment], …] (AUTH-56)
    envelope_to TEXT NOT NULL,          -- domains
    envelope_from TEXT NOT NULL,        -- '' for the null path
    header_from TEXT NOT NULL,
    dkim TEXT NOT NULL,                 -- JSON: [[domain, selector, result, problem], …]
    spf TEXT NOT NULL                   -- JSON: [[domain, scope, result], …]
) STRICT;
CREATE INDEX dmarc_evaluation_domain ON dmarc_evaluation (policy_domain, evaluated);
CREATE INDEX dmarc_evaluation_time ON dmarc_evaluation (evaluated);

-- How sessions of our queue went under the policies of a domain on a day, for TLS reports (QUEUE-120, QUEUE-123).
CREATE TABLE tls_result (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    policy_domain TEXT NOT NULL,        -- of recipients, or the name of a mail host
    day TEXT NOT NULL,                  -- yyyymmdd, UTC
    recipient_domain TEXT NOT NULL,
    is_host INTEGER NOT NULL,
    send_report INTEGER NOT NULL,       -- 0: no reason to send a report (QUEUE-121)
    sent_recipient INTEGER NOT NULL,    -- the report to the recipient domain was sent
    sent_policy INTEGER NOT NULL,       -- the report to the policy domain was sent
    updated INTEGER NOT NULL,
    results TEXT NOT NULL,              -- JSON
    UNIQUE (policy_domain, day, recipient_domain)
) STRICT;
CREATE INDEX tls_result_day ON tls_result (day, recipient_domain);

-- Addresses that get no reports from us until a time (QUEUE-126).
CREATE TABLE report_suppression (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,                 -- dmarc, tls
    address TEXT NOT NULL,
    created INTEGER NOT NULL,
    until INTEGER NOT NULL,
    comment TEXT NOT NULL,
    UNIQUE (kind, address)
) STRICT;

-- Figures of each day, and samples of the queue, for plots (docs/spec/web.md, WEB-86b). Kept 400 days.
CREATE TABLE daily_count (
    kind TEXT NOT NULL,                 -- what was counted: moxlite.metrics.DAILY_KINDS
    day INTEGER NOT NULL,               -- days since 1970, UTC
    about TEXT NOT NULL,                -- a reason or a network; '' for what has none, and for all beyond the limit
    number INTEGER NOT NULL,
    PRIMARY KEY (kind, day, about)
) STRICT, WITHOUT ROWID;
CREATE INDEX daily_count_day ON daily_count (day);

CREATE TABLE queue_sample (
    at INTEGER PRIMARY KEY,             -- µs UTC
    messages INTEGER NOT NULL,          -- in the queue, those on hold included
    held INTEGER NOT NULL,
    oldest INTEGER NOT NULL             -- µs for which the oldest one waits that is not on hold; 0 for none
) STRICT;

-- The last time at which all bodies of an account were read and checked (STORE-181).
CREATE TABLE scrub (
    account TEXT PRIMARY KEY,
    started INTEGER NOT NULL,           -- µs UTC
    damaged INTEGER NOT NULL            -- chunks
) STRICT, WITHOUT ROWID;
