"""The operations about reports (WEB-86): our own that wait, and addresses without reports; MTA-STS policies."""

from typing import Annotated

import msgspec

from moxlite.operations import Request


class SendReports(Request, frozen=True, kw_only=True):
    """``tlsrpt send``, ``dmarc send``: for days up to `day`, yyyy-mm-dd; "" for all past days."""

    day: str = ""


class DropPending(Request, frozen=True, kw_only=True):
    """``tlsrpt drop``, ``dmarc drop``."""

    domain: str


class SuppressReports(Request, frozen=True, kw_only=True):
    """``tlsrpt suppress add``, ``remove``: `seconds` from now; `comment` for people."""

    address: str
    seconds: float = 0
    comment: str = ""


class KeptPolicies(Request, frozen=True, kw_only=True):
    """``mtasts kept``: of domains behind `after` in alphabetical order."""

    after: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class SentReport(msgspec.Struct, frozen=True):
    """The outcome of sending a report. `result`: sent, skipped or later; `why`: for people."""

    domain: str
    day: str
    result: str
    why: str
    recipients: tuple[str, ...]


class SentReports(msgspec.Struct, frozen=True):
    """The outcomes of all reports that were due, with their numbers by result."""

    due: int
    sent: int
    skipped: int
    later: int
    reports: list[SentReport]


class PendingReport(msgspec.Struct, frozen=True):
    """Counts of a domain on a day that no report contains yet: sessions (TLS) or messages (DMARC)."""

    about: str
    day: str
    total: int
    failed: int


class WithoutReports(msgspec.Struct, frozen=True):
    """An address that gets no reports before `until`, RFC 3339."""

    address: str
    until: str
    comment: str


class Dropped(msgspec.Struct, frozen=True):
    """Number of deleted rows."""

    rows: int


class KeptPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The MTA-STS policy of another domain in cache.db. `mode`: "" if no policy could be fetched, for the reason
    `failure` (RFC 8460 §4.3). `max_age` in seconds, times in µs UTC. Mode and names are the other domain's words.
    """

    domain: str
    mode: str
    mx: list[str]
    max_age: int
    valid_end: int
    last_update: int
    last_use: int
    failure: str
    record_id: str
