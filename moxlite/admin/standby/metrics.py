"""Metrics of the stand-by, on both machines."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram

LAG: Final = Gauge(
    "moxlite_standby_lag_seconds", "Seconds for which changes may be missing in the target of the stand-by."
)
DATABASES: Final = Gauge("moxlite_standby_databases", "Databases that are copied to the target of the stand-by.")
RESTARTS: Final = Counter("moxlite_standby_restarts_total", "Starts of Litestream after the first one.")
PRUNED: Final = Counter(
    "moxlite_standby_pruned_files_total", "Files of history that were removed from the target of the stand-by."
)

UNCOPIED: Final = Counter(
    "moxlite_standby_uncopied_commits_total", "Commits in mode sync that did not reach the target in time."
)
# A folder takes 2 to 15 ms, storage far away some 100.
WAITED: Final = Histogram(
    "moxlite_standby_wait_seconds",
    "Time for which a commit waited for the target in mode sync.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)
LEASE: Final = Gauge(
    "moxlite_standby_lease_seconds", "Seconds for which this machine may acknowledge changes without a renewal."
)
RENEWALS: Final = Counter("moxlite_standby_lease_renewals_total", "Renewals of the lease.", ("result",))
REFUSED: Final = Counter("moxlite_standby_refused_commits_total", "Group commits refused without the lease.")
