"""Metrics shared by all packages (ADMIN-57).

A package defines its own counters in its `metrics.py`; counters that belong to no single package are here. Every label
value known in advance is created at import, so that it shows 0 before the first event.
"""

from typing import Final

from moxlite.metrics import Counter, Gauge

PACKAGES: Final = (
    "admin",
    "autotls",
    "cli",
    "config",
    "ctl",
    "groupware",
    "imapd",
    "logins",
    "mailauth",
    "migration",
    "net",
    "process",
    "queue",
    "server",
    "smtpd",
    "store",
    "web",
)
"""Values of the label `pkg`: the top-level packages. The set is fixed, so that no peer can create a new series."""

OTHER: Final = "other"
"""Value of `pkg` for code outside moxlite (a library's logger or task)."""

panics = Counter("moxlite_panic", "Unexpected exceptions that ended a connection or task.", ["pkg"])
log_errors = Counter("moxlite_logging_level_error", "Lines logged at level error.", ["pkg"])
log_warnings = Counter("moxlite_logging_level_warn", "Lines logged at level warn.", ["pkg"])
log_infos = Counter("moxlite_logging_level_info", "Lines logged at level info.", ["pkg"])
connections = Gauge("moxlite_connections", "Open connections to all listeners.")
connections_refused = Counter("moxlite_connections_refused", "Rejected connections.", ["reason"])
connections_closed = Counter("moxlite_connections_closed", "Idle connections closed to free resources.")
tls_handshakes = Counter("moxlite_tls_handshake", "TLS handshakes as server.", ["result"])
tls_groups = Counter(
    "moxlite_tls_group", "TLS connections by key exchange group, as server or client.", ["side", "group"]
)
event_loop_lag = Gauge("moxlite_event_loop_lag_seconds", "Longest time the event loop was busy in the last minute.")
long_steps = Counter("moxlite_event_loop_long_steps", "Task steps that blocked the event loop for over 5 ms.", ["pkg"])

missing_servername = Counter(
    "moxlite_autotls_missing_servername",
    "TLS handshakes rejected because the client didn't send a server name.",
)
unknown_servername = Counter(
    "moxlite_autotls_unknown_servername",
    "TLS handshakes rejected because the client sent an unknown server name.",
)

for _pkg in (*PACKAGES, OTHER):
    for _counter in (panics, log_errors, log_warnings, log_infos, long_steps):
        _counter.labels(pkg=_pkg)
for _reason in ("rate", "open", "full"):
    connections_refused.labels(reason=_reason)
for _result in ("ok", "error", "timeout"):
    tls_handshakes.labels(result=_result)


def package(name: str) -> str:
    """The `pkg` of a logger or module: `smtpd` for ``moxlite.smtpd.session``, `other` for foreign ones."""
    top, _, rest = name.partition(".")
    if top != "moxlite":
        return OTHER
    pkg = rest.partition(".")[0]
    if pkg == "net" and rest.startswith("net.control"):
        return "ctl"
    return pkg if pkg in PACKAGES else OTHER
