"""Metrics of the store (STORE-170); names and labels: docs/spec/admin.md ADMIN-57."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

# A commit is one fsync: 0.2 ms on NVMe, 5 ms on an SSD, 100 ms on a card.
COMMIT_SECONDS: Final = Histogram(
    "moxlite_store_commit_seconds",
    "COMMIT duration, including fsync.",
    ["database"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
COMMIT_OLDEST: Final = Gauge("moxlite_store_commit_oldest_seconds", "Age of the oldest COMMIT under way.")
UNITS_PER_COMMIT: Final = Histogram(
    "moxlite_store_units_per_commit", "Units per COMMIT.", ["database"], buckets=(1, 2, 4, 8, 16, 32, 64)
)
WRITER_QUEUE: Final = Gauge("moxlite_store_writer_queue", "Units waiting for a writer, by database type.", ["database"])
WAL_BYTES: Final = Gauge("moxlite_store_wal_bytes", "Size of the write-ahead log after the last commit.", ["database"])
READ_SECONDS: Final = Histogram(
    "moxlite_store_read_seconds",
    "Read time, by operation and by where it ran (event loop or thread).",
    ["op", "place"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1, 10),
)
CATCHUP: Final = Counter(
    "moxlite_store_catchup_total", "Subscribers that fell behind and had to read from the database."
)
ERASE_PENDING: Final = Gauge(
    "moxlite_store_erase_pending", "Tombstones with content waiting to be erased, in all open accounts."
)
BROKEN: Final = Gauge("moxlite_store_broken", "1 while a database is degraded.", ["account"])
FULL: Final = Counter("moxlite_store_full_total", "Units rejected because the disk is full or below min_free_space.")
SPOOL_REFUSED: Final = Counter(
    "moxlite_store_spool_refused_total",
    "Incoming messages rejected because of insufficient space.",
    ["reason"],
)
SPOOL_OCTETS: Final = Gauge("moxlite_store_spool_octets", "Disk space used by incoming messages.")
for _reason in ("disk", "all", "network", "files"):
    SPOOL_REFUSED.labels(reason=_reason)
BUSY: Final = Counter("moxlite_store_busy_total", "Calls that failed to get a descriptor, memory, or a lock.")
CHECKPOINT_FAILING: Final = Gauge(
    "moxlite_store_checkpoint_failing", "1 while a database can't checkpoint its log.", ["account"]
)
ACCOUNTS_OPEN: Final = Gauge("moxlite_store_accounts_open", "Accounts with an open database.")
JUNK_TRAINED: Final = Counter(
    "moxlite_store_junk_trained_total", "Messages learned or unlearned by junk filters, excluding retraining."
)
JUNK_RETRAINED: Final = Counter("moxlite_store_junk_retrained_total", "Completed junk filter retrainings.")
# A usual message takes 5 ms, the longest one 200 ms.
JUNK_CLASSIFY_SECONDS: Final = Histogram(
    "moxlite_store_junk_classify_seconds",
    "Time to classify a message.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)
DISK_FREE: Final = Gauge("moxlite_disk_free_bytes", "Free space on the data disk, for the server's user.")
DISK_SIZE: Final = Gauge("moxlite_disk_size_bytes", "Data disk size.")
BACKUP_LAST_SUCCESS: Final = Gauge(
    "moxlite_backup_last_success_timestamp_seconds",
    "Time of the last successful backup, or 0 if none since the server started.",
)
BACKUP_LAST_REHEARSAL: Final = Gauge(
    "moxlite_backup_last_rehearsal_timestamp_seconds",
    "Time of the last successful test restore, or 0 if none since the server started.",
)
IMPORTED: Final = Counter("moxlite_store_import_messages_total", "Imported messages.")
SCRUB_DAMAGED: Final = Gauge(
    "moxlite_store_scrub_damaged", "Damaged chunks found in an account's last scrub.", ["account"]
)


# Metrics of the text index (STORE-112, STORE-170).


INDEXED: Final = Counter("moxlite_store_search_indexed_total", "Messages added to text indexes.")
LAG: Final = Gauge("moxlite_store_search_lag", "Messages not yet in a text index, in all open accounts.")
REBUILT: Final = Counter(
    "moxlite_store_search_rebuilt_total", "Text indexes deleted and rebuilt, by reason.", ["reason"]
)
QUESTIONS: Final = Counter("moxlite_store_search_questions_total", "Text index queries, by result.", ["answer"])
for _answer in ("given", "none"):
    QUESTIONS.labels(_answer)
