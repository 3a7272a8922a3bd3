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

-- Sums over a period, without a look at the reports themselves.
CREATE INDEX dmarc_report_period ON dmarc_report (period_end, domain, messages, failed);
CREATE INDEX tls_report_period ON tls_report (period_end, domain, successes, failed);
