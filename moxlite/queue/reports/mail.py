"""The message with a report, and its submission to the queue (QUEUE-125, QUEUE-133).

A report has a key: one that was queued before a crash is not queued again after it.
"""

import logging
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import Signer, SigningError, sign
from moxlite.proto.address import Address, AddressError, Domain, Localpart
from moxlite.proto.mime.compose import DataPart, MultiPart, TextPart, address_field, compose, new_message_id, text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.types import MailAddress
from moxlite.queue.context import Context
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import Submission, SubmissionRecipient, Submit
from moxlite.store.reports.evaluations import is_suppressed
from moxlite.store.reports.received import Kind

logger = logging.getLogger("moxlite.queue.reports")

POSTMASTER: Final = Localpart("postmaster")


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


class Author(msgspec.Struct, frozen=True):
    """The author of reports: `address`, at a domain of ours, and the signers with its DKIM keys."""

    address: Address
    signers: tuple[Signer, ...]

    @property
    def domain(self) -> str:
        """The domain of the author (`submitter` of the report), an A-label."""
        return self.address.domain.ascii


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
        lambda r: tuple(one for one in wanted if not is_suppressed(r, kind, str(one), now)), op="report addresses"
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
    signers = [msgspec.structs.replace(one, sealed=(*one.sealed, *names)) for one in author.signers]
    signature = await sign(Message.of(octets), author.address, signers, time.time(), domain=author.address.domain)
    submission = Submission(
        account=ctx.config.current.static.postmaster.account,
        mail_from=author.address,
        recipients=tuple(SubmissionRecipient(one) for one in mail.recipients),
        received=ctx.clock(),
        prefix=signature,
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
    header = [
        address_field("From", [_shown(author.address)]),
        address_field("To", [_shown(one) for one in mail.recipients]),
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
        return f"reports cannot be signed: {error}"
    return "no domain at or above the hostname signs by DKIM"


def addresses_of(texts: Sequence[str]) -> tuple[Address, ...]:
    """Parse addresses; other texts are skipped, and duplicates removed."""
    found = []
    for text in texts:
        try:
            found.append(Address.parse(text))
        except AddressError:
            continue
    return tuple(dict.fromkeys(found))
