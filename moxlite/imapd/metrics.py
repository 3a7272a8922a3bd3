"""Counters of the IMAP server (IMAP-24, ADMIN-57)."""

from typing import Final

from moxlite.metrics import Counter, Gauge, Histogram
from moxlite.net.metrics import panics

connections: Final = Counter("moxlite_imap_connection", "IMAP connections accepted.", ["service"])
_command_seconds: Final = Histogram(
    "moxlite_imap_command_duration_seconds",
    "Time from a complete command to its tagged response.",
    ["cmd", "result"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20),
)
_children: Final[dict[tuple[str, str], Histogram]] = {}


def observe_command(name: str, result: str, seconds: float) -> None:
    """Count an answered command. Both labels have few values."""
    child = _children.get((name, result))
    if child is None:
        child = _children[name, result] = _command_seconds.labels(cmd=name, result=result)
    child.observe(seconds)


sessions: Final = Gauge("moxlite_imap_sessions", "IMAP sessions with a selected mailbox.")
view_octets: Final = Gauge("moxlite_imap_view_octets", "Memory used by UID lists in all sessions.")
visits: Final = Gauge("moxlite_imap_visits", "IMAP sessions with another user's mailbox selected.")
held_removals: Final = Gauge(
    "moxlite_imap_held_removals", "Deleted messages that sessions haven't been notified of yet."
)

panics.labels(pkg="imapd")  # starts at 0, so that an alert rule on its increase works from the first crash on
