"""Metrics of the store (STORE-170); names and labels: docs/spec/admin.md ADMIN-57."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

# A commit is one fsync: 0.2 ms on NVMe, 5 ms on an SSD, 100 ms on a card.
COMMIT_SECONDS: Final = Histogram(
    "moxlite_store_commit_seconds",
    "Time of one COMMIT with its fsync.",
    ["database"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
UNITS_PER_COMMIT: Final = Histogram(
    "moxlite_store_units_per_commit", "Units that shared one COMMIT.", ["database"], buckets=(1, 2, 4, 8, 16, 32, 64)
)
WRITER_QUEUE: Final = Gauge(
    "moxlite_store_writer_queue", "Units waiting for a writer, all databases of a kind together.", ["database"]
)
WAL_BYTES: Final = Gauge("moxlite_store_wal_bytes", "Size of the write-ahead log after the last commit.", ["database"])
READ_SECONDS: Final = Histogram(
    "moxlite_store_read_seconds",
    "Time of one read, by operation and by where it ran: on the loop or in a thread.",
    ["op", "place"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1, 10),
)
CATCHUP: Final = Counter(
    "moxlite_store_catchup_total", "Subscribers that had fallen behind the tail and read from the database."
)
ERASE_PENDING: Final = Gauge(
    "moxlite_store_erase_pending", "Tombstones whose content waits for its erasure, all open accounts together."
)
BROKEN: Final = Gauge("moxlite_store_broken", "1 while a database is degraded (STORE-158).", ["account"])
FULL: Final = Counter("moxlite_store_full_total", "Units refused because the disk is full or below min_free_space.")
SPOOL_REFUSED: Final = Counter(
    "moxlite_store_spool_refused_total", "Messages on their way in that found no room (SMTP-43a).", ["reason"]
)
SPOOL_OCTETS: Final = Gauge("moxlite_store_spool_octets", "Octets on the disk of messages on their way in.")
for _reason in ("disk", "all", "network", "files"):
    SPOOL_REFUSED.labels(reason=_reason)
BUSY: Final = Counter("moxlite_store_busy_total", "Calls that found no descriptor, memory or lock (STORE-158a).")
CHECKPOINT_FAILING: Final = Gauge(
    "moxlite_store_checkpoint_failing", "1 while the log of a database cannot be folded in (STORE-158b).", ["account"]
)
ACCOUNTS_OPEN: Final = Gauge("moxlite_store_accounts_open", "Accounts whose database is open.")
JUNK_TRAINED: Final = Counter(
    "moxlite_store_junk_trained_total", "Messages that the junk filters learnt or unlearnt, without retrainings."
)
JUNK_RETRAINED: Final = Counter(
    "moxlite_store_junk_retrained_total", "Retrainings of a junk filter that came to their end."
)
# A usual message takes 5 ms, the longest one 200 ms.
JUNK_CLASSIFY_SECONDS: Final = Histogram(
    "moxlite_store_junk_classify_seconds",
    "Time of judging one message.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)
DISK_FREE: Final = Gauge("moxlite_disk_free_bytes", "Room for the server's user on the disk with the data.")
DISK_SIZE: Final = Gauge("moxlite_disk_size_bytes", "Size of that disk.")
BACKUP_LAST_SUCCESS: Final = Gauge(
    "moxlite_backup_last_success_timestamp_seconds",
    "When the last backup was finished without an error by this server, 0 for none since its start.",
)
BACKUP_LAST_REHEARSAL: Final = Gauge(
    "moxlite_backup_last_rehearsal_timestamp_seconds",
    "When a restore of the backup was last rehearsed with success by this server, 0 for never since its start.",
)
IMPORTED: Final = Counter("moxlite_store_import_messages_total", "Messages that imports added.")
SCRUB_DAMAGED: Final = Gauge(
    "moxlite_store_scrub_damaged", "Damaged chunks that the last scrub of an account found.", ["account"]
)


# Metrics of the text index (STORE-112, STORE-170).


INDEXED: Final = Counter("moxlite_store_search_indexed_total", "Messages put into text indices.")
LAG: Final = Gauge(
    "moxlite_store_search_lag", "Messages not yet in the text index of their account, all open accounts together."
)
REBUILT: Final = Counter(
    "moxlite_store_search_rebuilt_total", "Text indices deleted to be built anew, by reason.", ["reason"]
)
QUESTIONS: Final = Counter(
    "moxlite_store_search_questions_total", "Questions to text indices, and whether there was an answer.", ["answer"]
)
for _answer in ("given", "none"):
    QUESTIONS.labels(_answer)
