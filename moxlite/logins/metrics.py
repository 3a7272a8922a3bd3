"""Metrics of authentication and of the program as a whole (SMTP-64, WEB-56, ADMIN-57)."""

import sys
from typing import Final

from moxlite import __version__
from moxlite.metrics import Counter, Gauge
from moxlite.store.file.transaction import sqlite_version

KINDS: Final = (
    "smtp",
    "submission",
    "imap",
    "managesieve",
    "webmail",
    "webaccount",
    "webadmin",
    "webapi",
    "dav",
    "website",
)
"""Values of the label `kind`: the protocols that users log in with."""

authentication_total = Counter(
    "moxlite_authentication",
    "Attempts to log in; variant is the mechanism, result ok or the kind of failure.",
    ["kind", "variant", "result"],
)
authentication_ratelimited_total = Counter(
    "moxlite_authentication_ratelimited", "Attempts to log in refused unchecked, after too many failures.", ["kind"]
)

build_info = Gauge("moxlite_build_info", "Always 1; what runs is in the labels.", ["version", "python", "sqlite"])
build_info.labels(version=__version__, python=sys.version.split()[0], sqlite=sqlite_version()).set(1)

for _kind in KINDS:
    authentication_ratelimited_total.labels(kind=_kind)
