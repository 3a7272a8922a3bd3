"""Metrics of the stand-by, on both machines."""

from typing import Final

from moxlite.metrics import Counter, Gauge

__all__ = ["DATABASES", "LAG", "RESTARTS"]

LAG: Final = Gauge(
    "moxlite_standby_lag_seconds", "Seconds for which changes may be missing in the target of the stand-by."
)
DATABASES: Final = Gauge("moxlite_standby_databases", "Databases that are copied to the target of the stand-by.")
RESTARTS: Final = Counter("moxlite_standby_restarts_total", "Starts of Litestream after the first one.")
