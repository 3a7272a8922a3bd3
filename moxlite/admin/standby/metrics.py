"""Metrics of the stand-by, on both machines."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

LAG: Final = Gauge("moxlite_standby_lag_seconds", "Maximum age in seconds of changes not yet in the standby target.")
DATABASES: Final = Gauge("moxlite_standby_databases", "Databases copied to the standby target.")
RESTARTS: Final = Counter("moxlite_standby_restarts_total", "Litestream restarts.")
PRUNED: Final = Counter("moxlite_standby_pruned_files_total", "History files deleted from the standby target.")

UNCOPIED: Final = Counter(
    "moxlite_standby_uncopied_commits_total", "Commits in sync mode that didn't reach the target in time."
)
# A folder takes 2 to 15 ms, storage far away some 100.
WAITED: Final = Histogram(
    "moxlite_standby_wait_seconds",
    "How long commits in sync mode waited for the target.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)
LEASE: Final = Gauge(
    "moxlite_standby_lease_seconds", "Seconds until this machine has to renew the lease to acknowledge changes."
)
RENEWALS: Final = Counter("moxlite_standby_lease_renewals_total", "Lease renewals.", ("result",))
REFUSED: Final = Counter("moxlite_standby_refused_commits_total", "Group commits rejected without the lease.")
