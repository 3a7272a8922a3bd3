"""Sending the reports of each day after its end (QUEUE-123, QUEUE-131).

Due reports are read from reports.db, so that a restart, a clock change or a missed day neither loses a report nor sends
one twice.
"""

import datetime as dt
import logging
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

import msgspec
import trio

from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, SigningError, sign
from moxlite.net.admission import guard
from moxlite.proto.address import Address, AddressError, Domain, Localpart
from moxlite.proto.mime.compose import (
    DataPart,
    MultiPart,
    TextPart,
    address_field,
    compose,
    needs_utf8,
    new_message_id,
    text_field,
)
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.types import MailAddress
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.reports.counting import day_of
from moxlite.queue.schedule import SECOND
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import QueueFull, Submission, SubmissionRecipient, Submit
from moxlite.store.errors import StoreError
from moxlite.store.reports.evaluations import is_suppressed
from moxlite.store.reports.received import Kind
from moxlite.store.reports.tlsresults import Pending

logger = logging.getLogger("moxlite.queue.reports")

FIRST_SECONDS: Final = 240
LAST_SECONDS: Final = 360
"""Seconds after midnight UTC, chosen at random between both: clocks of others may be slow, and reports of all servers
should not be sent at once.
"""

MAX_GAP: Final = 300.0
"""Maximum seconds between two reports."""

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep; `look` ends it at a clock change."""

MAX_LISTED: Final = 10_000
"""Rows that one answer has: they are read and encoded as a whole."""

DAY: Final = 24 * 3600 * SECOND

W = TypeVar("W", bound="_Item")


class _Item(Protocol):
    @property
    def domain(self) -> str: ...
    @property
    def day(self) -> str: ...


class Author(msgspec.Struct, frozen=True):
    """The author of reports: `address`, at a domain of ours, and the signers with its DKIM keys."""

    address: Address
    signers: tuple[Signer, ...]

    @property
    def domain(self) -> str:
        """The domain of the author (`submitter` of the report), an A-label."""
        return self.address.domain.ascii


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a due report. `result`: sent (queued), skipped, or later (tried again the next day). `why`: for
    people.
    """

    kind: Kind
    domain: str
    day: str
    result: str
    why: str = ""
    recipients: tuple[str, ...] = ()


class Reports(Protocol[W]):
    """Interface of one kind of reports: `tls.TLSReports`, `dmarc.DMARCReports`."""

    kind: Kind
    span: float

    def off(self) -> bool:
        """Whether the configuration switches these reports off."""

    async def waiting(self, day: str) -> Sequence[W]:
        """Reports that may be due for days up to this one, yyyymmdd. Raises StoreError."""

    async def pending(self, limit: int) -> list[Pending]:
        """Counts that no report contains yet. Raises StoreError."""

    async def drop(self, domain: str) -> int:
        """Delete the counts of a domain; returns the number of deleted rows. Raises StoreError."""

    async def send(self, wanted: W, author: Author) -> Outcome:
        """Queue one report, if it has contents and recipients. Raises StoreError, QueueFull, SigningError."""


class DailyReports(Generic[W]):
    """Daily sending of one kind of reports."""

    def __init__(self, ctx: Context, reports: Reports[W]) -> None:
        self._ctx = ctx
        self._reports = reports
        self._turn = trio.Lock()
        self._wake = trio.Event()
        self._done = ""  # the day on which the reports of earlier days were sent
        self._after = ctx.random.uniform(FIRST_SECONDS, LAST_SECONDS) * SECOND

    def look(self) -> None:
        """Look again for due reports: the clock was set."""
        self._wake.set()

    async def serve(self) -> None:
        """Send the due reports each day, for ever.

        Errors: exceptions of reports.db are raised; a report that cannot be sent is tried again the next day.
        """
        while True:
            self._wake = trio.Event()
            now = self._ctx.clock()
            today = day_of(now)
            at = now - now % DAY + self._after
            if self._done == today:
                seconds = (at + DAY - now) / SECOND
            elif now < at:
                seconds = (at - now) / SECOND
            else:
                await self.send(day_of(now - DAY), spread=True)
                self._done = today
                continue
            with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                await self._wake.wait()

    @property
    def kind(self) -> Kind:
        """Kind of the reports."""
        return self._reports.kind

    async def pending(self) -> list[Pending]:
        """Counts that no report contains yet, at most MAX_LISTED rows. Raises StoreError."""
        return [] if self._ctx.reports is None else await self._reports.pending(MAX_LISTED)

    async def drop(self, domain: str) -> int:
        """Delete the counts of a domain, an A-label; returns the number of deleted rows. Raises StoreError."""
        return 0 if self._ctx.reports is None else await self._reports.drop(domain)

    async def send(self, day: str, *, spread: bool = False) -> list[Outcome]:
        """Send the reports for days up to this one, yyyymmdd; `spread`: with pauses between them. Raises StoreError."""
        if self._ctx.reports is None or self._reports.off():
            return []
        waiting = await self._reports.waiting(day)
        gap = min(MAX_GAP, self._reports.span / max(1, len(waiting))) if spread else 0.0
        outcomes: list[Outcome] = []
        for number, wanted in enumerate(waiting):
            if number and gap:
                await trio.sleep(self._ctx.random.uniform(0.5, 1.0) * gap)
            if self._reports.off():
                break
            # For one report, not for the round: an administrator who sends now would wait for hours of pauses.
            async with self._turn:
                outcome = await self._send(wanted)
            metrics.reports.labels(kind=outcome.kind, result=outcome.result).inc()
            logger.info("report handled", extra={"kv": msgspec.structs.asdict(outcome)})
            outcomes.append(outcome)
        return outcomes

    async def _send(self, wanted: W) -> Outcome:
        outcome = Outcome(kind=self._reports.kind, domain=wanted.domain, day=wanted.day, result="later")
        why = "server error; see the log"
        with guard("queue"):
            try:
                author = author_of(self._ctx)
                if author is not None:
                    return await self._reports.send(wanted, author)
                why = unsigned_reason(None)
            except SigningError as error:
                why = unsigned_reason(error)
            except (StoreError, QueueFull) as error:
                why = str(error)
        return msgspec.structs.replace(outcome, why=why)


def yesterday(now: int) -> str:
    """The previous UTC day, yyyymmdd."""
    return day_of(now - DAY)


def parse_day(text: str, now: int) -> str:
    """Parse a day, yyyy-mm-dd; returns yyyymmdd. Raises ValueError for a bad date, or one in the future."""
    day = dt.date.fromisoformat(text).strftime("%Y%m%d")
    if day > day_of(now):
        raise ValueError(f"{text} is in the future")
    return day


# The message with a report, and its submission to the queue (QUEUE-125, QUEUE-133).
#
# Each report has a key, so that a report queued before a crash isn't queued again.


POSTMASTER: Final = Localpart("postmaster")


class ReportMail(msgspec.Struct, frozen=True, kw_only=True):
    """A report and its message.

    Attributes:
      key: identifies the report. fields: further header fields, also signed, as name and value.
      content: the compressed report.
    """

    kind: Kind
    key: bytes
    recipients: tuple[Address, ...]
    subject: str
    text: str
    filename: str
    media_type: str
    content: bytes
    fields: tuple[tuple[str, str], ...] = ()


def author_of(ctx: Context) -> Author | None:
    """Return the author of reports, at the nearest domain of ours at or above the hostname that signs by DKIM; None
    without one, and no reports are sent. Raises SigningError if its key was never read.
    """
    snapshot = ctx.config.current
    labels = snapshot.static.hostname.ascii.split(".")
    for at in range(len(labels)):
        try:
            domain = Domain.parse(".".join(labels[at:]))
        except AddressError:
            continue
        settings = snapshot.domain(domain)
        if settings is not None and not settings.disabled and (signers := ctx.keys.signers(settings)):
            return Author(Address(POSTMASTER, domain), signers)
    return None


async def without_suppressed(ctx: Context, kind: Kind, addresses: Iterable[Address]) -> tuple[Address, ...]:
    """The addresses that are not suppressed for this kind of reports (QUEUE-126). Raises StoreError."""
    assert ctx.reports is not None
    now = ctx.clock()
    wanted = tuple(addresses)
    return await ctx.reports.database.read(
        lambda r: tuple(address for address in wanted if not is_suppressed(r, kind, str(address), now)),
        op="report addresses",
    )


def gzipped(pieces: Iterable[bytes]) -> bytes:
    """Compress octets by gzip. Blocks: call it in a thread for large reports."""

    def compressed() -> Iterator[bytes]:
        compressor = zlib.compressobj(wbits=31)
        for piece in pieces:
            yield compressor.compress(piece)
        yield compressor.flush()

    return b"".join(compressed())


async def send_report(ctx: Context, submit: Submit, author: Author, mail: ReportMail) -> None:
    """Sign and queue a report, once per key. Raises StoreError, QueueFull, SigningError."""
    octets = b"".join(report_message(ctx, author, mail))
    names = tuple(name for name, _ in mail.fields)
    signers = [msgspec.structs.replace(signer, sealed=(*signer.sealed, *names)) for signer in author.signers]
    signature = await sign(Message.of(octets), author.address, signers, time.time(), domain=author.address.domain)
    submission = Submission(
        account=ctx.config.current.static.postmaster.account,
        mail_from=author.address,
        recipients=tuple(SubmissionRecipient(recipient) for recipient in mail.recipients),
        received=ctx.clock(),
        prefix=signature,
        smtputf8=any(recipient.needs_smtputf8 for recipient in mail.recipients),
        requiretls=False if mail.kind == "tls" else None,
        subject=mail.subject,
        is_tls_report=mail.kind == "tls",
        is_dmarc_report=mail.kind == "dmarc",
        key=mail.key,
    )
    with Spool.of(octets, ctx.tmp) as spool:
        await submit(submission, spool)


def report_message(ctx: Context, author: Author, mail: ReportMail) -> Iterator[bytes]:
    """The octets of the message with a report, unsigned. Values cannot inject header fields (QUEUE-161)."""
    recipients = [_shown(recipient) for recipient in mail.recipients]
    header = [
        address_field("From", [_shown(author.address)]),
        address_field("To", recipients, utf8=needs_utf8(*recipients)),
        text_field("Subject", mail.subject),
        text_field("Message-ID", new_message_id(author.domain)),
        text_field("Date", format_date(ctx.clock())),
        text_field("Auto-Submitted", "auto-generated"),
        *(text_field(name, value) for name, value in mail.fields),
    ]
    parts = (TextPart(mail.text), DataPart(mail.content, mail.media_type, mail.filename))
    tls = mail.kind == "tls"
    whole = MultiPart(parts, "report" if tls else "mixed", (("report-type", "tlsrpt"),) if tls else ())
    return compose(header, whole)


def _shown(address: Address) -> MailAddress:
    return MailAddress(name="", localpart=str(address.localpart), domain=address.domain.ascii)


def unsigned_reason(error: SigningError | None) -> str:
    """Why no reports are sent at all, for people."""
    if error is not None:
        return f"can't sign reports: {error}"
    return "no domain at or above the hostname signs with DKIM"


def addresses_of(texts: Sequence[str]) -> tuple[Address, ...]:
    """Parse addresses; other texts are skipped, and duplicates removed."""
    addresses = []
    for text in texts:
        try:
            addresses.append(Address.parse(text))
        except AddressError:
            continue
    return tuple(dict.fromkeys(addresses))
