"""The operations about our own reports, of DMARC and TLS: counts that wait, sending, and addresses without reports
(QUEUE-123, QUEUE-126, QUEUE-131, WEB-86); and about MTA-STS policies that are kept.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from moxlite.operations import MANAGERS, MAX_SECONDS, OWNER, Operation, Role, Word, change, duration, field, query
from moxlite.store.reports.received import Kind, ReceivedReport, Total


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


class Send(Operation[SentReports], frozen=True):
    """Send due reports now, not after midnight UTC. This requires a running server.

    Reports are added to the queue. If a report can't be sent, the exit code is 1, and the server will try again the
    next day. If you use --day with today's date, the rest of the day won't be reported.
    """

    day: Annotated[str, field("Include data up to this UTC day.  [default: all past days]", metavar="YYYY-MM-DD")] = ""


class Drop(Operation[Dropped], frozen=True):
    """The domain whose counts are deleted."""

    domain: Word


class Suppress(Operation[None], frozen=True):
    """Don't send reports to ADDRESS for DURATION, like 30d."""

    address: Word
    seconds: Annotated[float, field(metavar="DURATION", kind=duration, ge=1, le=MAX_SECONDS)]
    comment: Annotated[str, field("For your own notes.", max_length=1000)] = ""


class Allow(Operation[None], frozen=True):
    """Send reports to ADDRESS again."""

    address: Word


@change("dmarc send", MANAGERS)
class SendDMARC(Send, frozen=True):
    pass


@query("dmarc pending", MANAGERS, columns=("day", "about", "total", "failed"))
class ListPendingDMARC(Operation[list[PendingReport]], frozen=True):
    """List unreported messages by domain and day."""


@change("dmarc drop", OWNER)
class DropDMARC(Drop, frozen=True):
    """Discard unreported messages from DOMAIN."""


@query("dmarc suppress list", MANAGERS, columns=("address", "until", "comment"))
class ListSuppressedDMARC(Operation[list[WithoutReports]], frozen=True):
    """List addresses that don't get DMARC reports."""


@change("dmarc suppress add", MANAGERS, done="stopped reports to {address}")
class SuppressDMARC(Suppress, frozen=True):
    pass


@change("dmarc suppress remove", MANAGERS, done="resumed reports to {address}")
class AllowDMARC(Allow, frozen=True):
    pass


@change("tlsrpt send", MANAGERS)
class SendTLS(Send, frozen=True):
    pass


@query("tlsrpt pending", MANAGERS, columns=("day", "about", "total", "failed"))
class ListPendingTLS(Operation[list[PendingReport]], frozen=True):
    """List unreported TLS sessions by domain and day."""


@change("tlsrpt drop", OWNER)
class DropTLS(Drop, frozen=True):
    """Discard unreported TLS sessions for DOMAIN."""


@query("tlsrpt suppress list", MANAGERS, columns=("address", "until", "comment"))
class ListSuppressedTLS(Operation[list[WithoutReports]], frozen=True):
    """List addresses that don't get TLS reports."""


@change("tlsrpt suppress add", MANAGERS, done="stopped reports to {address}")
class SuppressTLS(Suppress, frozen=True):
    pass


@change("tlsrpt suppress remove", MANAGERS, done="resumed reports to {address}")
class AllowTLS(Allow, frozen=True):
    pass


@query("mtasts kept", MANAGERS)
class ListKeptPolicies(Operation[list[KeptPolicy]], frozen=True):
    """List a page of MTA-STS policies for other domains, sorted by domain and starting after `after`."""

    after: Word = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


# The operations about DMARC and TLS reports that others sent about our domains (SMTP-100, SMTP-101, WEB-86).

NEWEST: Final = (1 << 53) - 1
"""Id beyond all that there are, which JavaScript can read."""

Days: TypeAlias = Annotated[int, Meta(ge=1, le=400)]


@query("reports list", MANAGERS)
class ListReports(Operation[list[ReceivedReport]], frozen=True):
    """List one page of reports, newest first, with IDs below `before`. For a domain, only if the report's period ended
    within `days`.
    """

    kind: Kind
    domain: Word = ""
    days: Days = 400
    before: int = NEWEST  # by id, not by number: reports that come meanwhile shift no page
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


@query("reports summary", MANAGERS)
class SumReports(Operation[list[Total]], frozen=True):
    """Show totals by domain for reports with a period ending in the last `days`."""

    kind: Kind
    days: Days = 30


@query("reports show", Role.COMMAND_LINE | Role.TOKEN)
class ShowReport(Operation[None], frozen=True):
    """Return one report's JSON as bytes."""

    kind: Kind
    id: int
