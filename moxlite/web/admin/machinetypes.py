"""Results of the admin app's calls about the machine and the process: own addresses, transports, log, configuration,
metrics, backups (WEB-87, WEB-88). Times are µs UTC, sizes octets; 0 is for never and for none.
"""

from typing import Any, Literal

import msgspec

LevelName = Literal["error", "warn", "info", "debug", "trace", "traceauth", "tracedata"]
LevelOrNone = Literal["", "error", "warn", "info", "debug", "trace", "traceauth", "tracedata"]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A block list and an own address. `status`: ``unknown`` before the first query; ``temperror`` if the list did not
    answer, for the reason `problem`. `explanation`: the list's own words about a listed address.
    """

    zone: str
    ip: str
    status: Literal["pass", "fail", "temperror", "unknown"]
    at: int = 0
    explanation: str = ""
    problem: str = ""


class OwnAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses by which others know this server, and the block lists that are watched for them. `known`: false if
    the configuration does not tell them. `refusing`: zones by whose word mail is refused. `asks`: false in localserve.
    """

    hostname: str
    known: bool
    asks: bool
    ips: list[str]
    refusing: list[str]
    listings: list[Listing]


class ReverseName(msgspec.Struct, frozen=True, kw_only=True):
    """Reverse names of an address. `status` ``pass``: `name` leads back to it. `names`: all that it has. `authentic`:
    proven by DNSSEC.
    """

    ip: str
    status: Literal["pass", "fail", "temperror", "permerror"]
    name: str
    names: list[str]
    problem: str
    authentic: bool


class TransportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A transport of moxlite.toml. `settings`: its values, defaults as well, without secrets. `used`: the places in
    domains.toml whose routes choose it.
    """

    name: str
    method: Literal["submissions", "submission", "smtp", "socks", "direct", "fail"]
    settings: dict[str, Any]
    used: list[str]


class Level(msgspec.Struct, frozen=True):
    """The log level of a package, "" for all that have no level of their own. `level` is "" where it has none."""

    pkg: str
    level: LevelOrNone


class Logged(msgspec.Struct, frozen=True):
    """A line of the log. `at`: 0 for a line of a file, which begins with its time. `level`: "" for a line of a file."""

    at: int
    level: LevelOrNone
    text: str


class LogFound(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the log, oldest first. `cid`: the connection id that was looked for, or "". `file`: the log file that
    was searched, or "" for the lines in memory; `since`: when the oldest of these was written. `whole`: everything in
    that place was searched. `problem`: why the file was not read, or "".
    """

    cid: str
    lines: list[Logged]
    file: str
    since: int
    whole: bool
    problem: str


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration file without secrets. `text`: as the file is, its beginning if `cut`; "" if it cannot be read,
    for the reason `problem`. `current`: the text is the version in use. `effective`: all values in use, defaults as
    well, as TOML; `left_out` accounts and domains are not among them.
    """

    path: str
    text: str
    cut: bool
    problem: str
    current: bool
    effective: str
    left_out: int


class MetricSample(msgspec.Struct, frozen=True):
    """A value of a metric. `count`: observations of a histogram, whose sum is `value`; 0 for others."""

    labels: dict[str, str]
    value: float
    count: int


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """A metric with its values; `left_out`: values beyond the limit."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    samples: list[MetricSample]
    left_out: int


class SnapshotRow(msgspec.Struct, frozen=True):
    """A snapshot in the repository. `files` and `octets`: -1 where only the identity of the repository can tell."""

    id: str
    created: int
    files: int
    octets: int


class BackupRun(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was started in the admin app. `ended`: 0 while it runs. `errors`: why it is not whole."""

    began: int
    ended: int = 0
    octets: int = 0
    stored: int = 0
    errors: list[str] = []
    warnings: list[str] = []
    left_out: list[str] = []


class Backups(msgspec.Struct, frozen=True, kw_only=True):
    """Backups of the server. `target`: "" without one in moxlite.toml; `interval`: µs between two, 0 without a
    schedule. `running`: one is being made. `snapshots`: newest first; `problem`: why they cannot be listed, or "".
    """

    target: str
    interval: int
    keep_daily: int
    keep_weekly: int
    encrypted: bool
    last: int
    running: bool
    run: BackupRun | None
    snapshots: list[SnapshotRow]
    problem: str
