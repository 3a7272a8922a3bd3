"""Submitting a message: all mail of users goes out through `submit` or `complete` (SMTP-111..118, AUTH-42..45,
QUEUE-18).
"""

import logging
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import SigningError, sign
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Address, Localpart
from moxlite.proto.authresults import authserv_id
from moxlite.proto.mime.compose import text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.headers import MAX_HEADER, HeaderSection
from moxlite.proto.mime.sevenbit import Edit, Unconvertible, edited
from moxlite.proto.mime.structure import MAX_DEPTH, MAX_PARTS, scan
from moxlite.proto.mime.transport import (
    BLIND,
    edits as transport_edits,
    has_long_line,
    has_raw_fields,
    has_raw_name,
    is_of_mbox,
    needs_utf8,
    start_of_text,
    with_line_ends,
)
from moxlite.proto.mime.types import (
    ENCODED_MESSAGE,
    HEADLESS,
    LARGE_HEADER,
    LONG_BOUNDARY,
    MANY_PARTS,
    NESTED,
    NO_BOUNDARY,
    MIMEError,
)
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import look_at, read_header
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded
from moxlite.store.delivery.submission import (
    MAX_EXTRA,
    MAX_EXTRA_KEY,
    MAX_EXTRA_KEYS,
    SendingStopped,
    Submission,
    SubmissionRecipient,
    Submit,
)
from moxlite.store.errors import StoreError
from moxlite.submission import metrics
from moxlite.submission.counting import counting, send_copy
from moxlite.submission.origin import Origin, origin_of
from moxlite.submission.outgoing import Complete, OutgoingMessage, SubmissionRefused, SubmissionStuck

logger = logging.getLogger("moxlite.submission")


class SubmissionServices(msgspec.Struct, frozen=True, kw_only=True):
    """The services that a submission needs.

    Attributes:
      queue: `queue.submit`.
      keys: DKIM keys of the signing domains.
      deadline: seconds for the commit of the queue, which must not be cut off half-way.
    """

    accounts: Accounts
    queue: Submit
    keys: SigningKeys
    deadline: float = 120.0


class SubmitResult(msgspec.Struct, frozen=True):
    """Result of a submission: ids of the queue's rows, in the order of the recipients, none of what another account
    hands over; author and Message-Id of the message.
    """

    ids: tuple[int, ...]
    author: Address
    message_id: str


async def complete(keys: SigningKeys, letter: OutgoingMessage, spool: Spool) -> Complete:
    """Check and sign a message that the caller queues by a row of the outbox, in the unit that counts it (STORE-189a).

    The spool, which is finished, stays as it is; `going_out` makes of it what the signatures cover.
    Raises SubmissionRefused, HeaderTooLarge, OSError as `submit`.
    """
    try:
        async with _clean(letter, spool) as clean:
            found = await _complete(keys, letter, clean)
            return found if clean.spool is spool else msgspec.structs.replace(found, prepared=None)
    except SubmissionRefused as error:
        metrics.submission_total.labels(result=error.result).inc()
        raise


async def submit(office: SubmissionServices, letter: OutgoingMessage, spool: Spool) -> SubmitResult:
    """Queue a message for all recipients, or for none. The spool, which is finished, stays the caller's.

    Missing fields are added and signed; Bcc and the fields meant for the queue are removed.

    Raises:
      SubmissionRefused: the message cannot be sent as it is.
      HeaderTooLarge: its header section is longer than what is read.
      OutgoingLimitExceeded, QueueFull, FromIDTaken, and other StoreErrors: as the store and the queue raise them.
      SendingStopped: the guard has stopped the account (SMTP-170).
      SubmissionStuck: it may be queued or not.
      OSError: as reading the spool does.
    """
    try:
        submitted = await _submit(office, letter, spool)
    except SubmissionRefused as error:
        metrics.submission_total.labels(result=error.result).inc()
        raise
    except OutgoingLimitExceeded as error:
        total = error.setting == "max_outgoing_messages_per_day"
        metrics.submission_total.labels(result="messagelimiterror" if total else "recipientlimiterror").inc()
        raise
    except SendingStopped:
        metrics.submission_total.labels(result="stopped").inc()
        raise
    except (StoreError, SubmissionStuck):
        metrics.submission_total.labels(result="queueerror").inc()
        raise
    metrics.submission_total.labels(result="ok").inc()
    return submitted


async def _submit(office: SubmissionServices, letter: OutgoingMessage, spool: Spool) -> SubmitResult:
    async with _clean(letter, spool) as clean:
        found = await _complete(office.keys, letter, clean)
        if found.way.owner:
            ids = []
            await send_copy(office.accounts, letter, found, clean.whole)
        else:
            ids = await enqueue(office, letter, found.submission, clean.spool)
    return SubmitResult(tuple(ids), found.author, found.submission.message_id)


class _Clean(msgspec.Struct, frozen=True):
    """The octets that go out, parsed.

    `whole`: with the fields that don't go out. `extra`: the values of removed fields that were meant for the queue.
    `fault`: what is malformed in the header as it came, "" for nothing. `origin`: its author, whose fields are not part
    of it. `utf8`: whether an address needs SMTPUTF8.
    """

    whole: Spool
    spool: Spool
    section: HeaderSection
    prepared: PreparedMessage
    extra: dict[str, str]
    fault: str
    origin: Origin
    utf8: bool


@asynccontextmanager
async def _clean(letter: OutgoingMessage, spool: Spool) -> AsyncIterator[_Clean]:
    """The message in the form that goes out. Raises SubmissionRefused."""
    pedantic = letter.snapshot.static.pedantic
    with ExitStack() as stack:
        whole = spool if pedantic else await _divided(stack, spool)
        section = await read_header(whole)
        if pedantic:
            check_strictly(section)
        fault = malformed(section)
        spool, extra = await _without(stack, whole, section, letter.snapshot.hostnames)
        section = await read_header(spool)
        if section.body is None or not begins_with_field(section):
            raise _bad(fault)
        prepared = await parse(letter, spool)
        section.hint = prepared.index.root.hint
        origin = await origin_of(letter, section)
        if origin.dropped:
            spool, _ = await _without(stack, spool, section, letter.snapshot.hostnames, origin.dropped)
            section = await read_header(spool)
            prepared = await parse(letter, spool)
        utf8 = origin.author.needs_smtputf8 or needs_smtputf8(letter, section)
        edits = await _edits(letter, spool, prepared, utf8=utf8)
        if edits:
            spool = stack.enter_context(await spool.rewritten(partial(edited, edits=edits)))
            section = await read_header(spool)
            prepared = await parse(letter, spool)
        yield _Clean(whole, spool, section, prepared, extra, fault, origin, utf8)


async def _divided(stack: ExitStack, spool: Spool) -> Spool:
    """The message in lines, with an empty line above its text."""
    facts = spool.facts
    if facts.bare_cr or facts.bare_lf or not facts.crlf_final:
        spool = stack.enter_context(await spool.rewritten(with_line_ends))
    section = await read_header(spool)
    start = start_of_text(section)
    if start is None:
        return spool
    return stack.enter_context(await spool.with_header(section.octets[:start] + b"\r\n", start))


async def _without(
    stack: ExitStack,
    spool: Spool,
    section: HeaderSection,
    hostnames: Collection[str],
    dropped: Collection[bytes] = (),
) -> tuple[Spool, dict[str, str]]:
    """The octets without the fields that `edit` removes, and the values for the queue. Raises SubmissionRefused."""
    edited_section = await look_at(section, partial(edit, hostnames=hostnames, dropped=dropped))
    if edited_section is None:
        return spool, {}
    clean = stack.enter_context(await spool.with_header(edited_section.header, len(section.octets)))
    return clean, edited_section.extra


@asynccontextmanager
async def going_out(
    spool: Spool, hostnames: Collection[str], dropped: Collection[bytes], *, utf8: bool
) -> AsyncIterator[Spool]:
    """The octets of a completed message, which its signatures cover, from those that the account keeps.

    `dropped`: as in `Complete`. `utf8`: whether the submission needs SMTPUTF8.
    """

    def look() -> list[Edit]:
        with spool.open_view() as view:
            if (utf8 or not spool.facts.eight_bit) and not has_long_line(view, 0, len(view)):
                return []
            return transport_edits(view, scan(view).root, utf8=utf8)

    with ExitStack() as stack:
        spool = await _divided(stack, spool)
        spool, _ = await _without(stack, spool, await read_header(spool), hostnames, dropped)
        edits = look() if spool.in_memory else await trio.to_thread.run_sync(look)
        if edits:
            spool = stack.enter_context(await spool.rewritten(partial(edited, edits=edits)))
        yield spool


async def _edits(letter: OutgoingMessage, spool: Spool, prepared: PreparedMessage, *, utf8: bool) -> list[Edit]:
    """The edits after which each server takes the message. Raises SubmissionRefused."""
    root = prepared.index.root

    def look() -> list[Edit]:
        with spool.open_view() as view:
            if not letter.may_need_smtputf8 and (utf8 or has_raw_fields(view, root)):
                text = "message has headers or addresses that need SMTPUTF8"
                raise SubmissionRefused(550, "5.6.0", text, "missingsmtputf8")
            return transport_edits(view, root, utf8=utf8)

    try:
        return look() if spool.in_memory else await trio.to_thread.run_sync(look)
    except Unconvertible as error:
        raise _bad(f"can't send message: {error}") from None


async def _complete(keys: SigningKeys, letter: OutgoingMessage, clean: _Clean) -> Complete:
    spool, section, prepared, fault = clean.spool, clean.section, clean.prepared, clean.fault
    author, way = clean.origin.author, clean.origin.way
    transport = way.transport
    letter = await _from_one_place(letter, author, transport)
    envelope = prepared.index.envelope
    if spool.facts.eight_bit and not letter.may_have_8bit:
        raise SubmissionRefused(500, "5.6.0", "message with 8-bit data requires 8BITMIME", "badmessage")
    recipients = with_from_ids(letter)
    message_id = envelope.message_id or f"<{secrets.token_urlsafe(RANDOM_OCTETS)}@{letter.hostname.ascii}>"
    added = b"" if envelope.message_id else text_field("Message-Id", message_id)
    if not section.count(b"date"):
        added += f"Date: {format_date(letter.received)}\r\n".encode()
    added += clean.origin.fields
    domain = letter.snapshot.domain(author.domain)
    # A message that cannot be signed is refused: receivers would show it as unproven, or drop it by our own DMARC
    # record, and its author would not hear of it.
    if fault and domain is not None and domain.dkim.sign and not transport:
        raise SubmissionRefused(554, "5.6.0", f"can't sign message: {fault}", "badheader")
    signatures = b"" if transport else await _signatures(keys, letter, author, added, spool, section)
    submission = Submission(
        account=letter.identity.account,
        mail_from=letter.mail_from,
        recipients=recipients,
        received=letter.received,
        prefix=letter.trace + signatures + added,
        has8bit=spool.facts.eight_bit or not added.isascii(),
        smtputf8=clean.utf8,
        requiretls=requiretls(letter, section),
        message_id=message_id,
        subject=envelope.subject,
        extra=letter.extra | clean.extra,
        hold_until=letter.hold_until,
        future_release=letter.future_release,
        dsn_ret=letter.dsn_ret,
        dsn_envid=letter.dsn_envid,
        priority=letter.priority,
        deliver_by=letter.deliver_by,
        login_address=letter.identity.address,
        remote=letter.remote,
        transport=transport,
    )
    return Complete(submission, author, way, added, clean.origin.dropped, prepared)


async def _signatures(
    keys: SigningKeys, letter: OutgoingMessage, author: Address, added: bytes, spool: Spool, section: HeaderSection
) -> bytes:
    """Make DKIM-Signature fields over the message with the added fields (SMTP-113); b"" for a domain without selectors.

    Raises SubmissionRefused.
    """
    start = section.body
    assert start is not None  # else it is refused
    message = Message(
        section=HeaderSection(added + section.octets + b"\r\n") if added else section,
        body=lambda: spool.chunks(start=start),
        size=spool.size,
        in_memory=spool.in_memory,
    )
    try:
        signers = keys.signers(letter.snapshot.domain(author.domain))
        return await sign(message, author, signers, letter.received / 1_000_000) if signers else b""
    except SigningError as error:
        facts = {"account": letter.identity.account, "domain": author.domain, "err": error}
        logger.error("failed to sign message", extra={"kv": facts})
        raise SubmissionRefused(451, "4.3.0", "can't sign message right now; try again later", "signerror") from None


async def enqueue(
    office: SubmissionServices, letter: OutgoingMessage, submission: Submission, spool: Spool
) -> list[int]:
    """Count a complete message and queue it; the count is undone if it is not queued (SMTP-116). Returns the ids of the
    queue's rows. Raises as `submit`.
    """
    async with counting(office.accounts, letter, submission):
        # The last moment at which a client that has gone costs no delivery.
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.move_on_after(office.deadline, shield=True):
            return await office.queue(submission, spool)
    raise SubmissionStuck  # the count stays: the message may have been queued


# Checks of the message itself: well-formed, extensions needed, fields to remove (SMTP-111, 112, 117).


PRIVATE: Final = (*BLIND, b"return-path", b"x-moxlite-reason", b"x-moxlite-draft")
"""Fields that no recipient may read, and those that this server writes into the messages that it keeps (RFC 5321 §4.4:
no sender has a Return-Path); a message that is sent again has them.
"""

EXTRA: Final = (b"x-moxlite-extra-", b"x-mox-extra-")

BEYOND: Final[Mapping[str, str]] = {
    LARGE_HEADER: f"the header of a part is larger than {MAX_HEADER >> 20} MiB",
    MANY_PARTS: f"it has more than {MAX_PARTS:,} parts",
    NESTED: f"its parts are nested more than {MAX_DEPTH} levels deep",
}
"""The defects of parts for which a message is refused, in words. Parts with another defect are read all the same: an
attached message that is encoded or has no header, a multipart without boundary. They go out as they are, as through
other servers: another form could break what someone else has signed, or change what is attached as evidence.
"""

STRICT: Final[Mapping[str, str]] = {
    ENCODED_MESSAGE: "an attached message is encoded as base64 or quoted-printable",
    HEADLESS: "an attached message doesn't begin with a header",
    NO_BOUNDARY: "a multipart part doesn't name its boundary",
    LONG_BOUNDARY: "the boundary of a multipart part is too long",
    "bare LF": "a line ends with LF alone, not with CR LF",
    "bare CR": "a line has a CR that no LF follows",
    "line too long": "a line is longer than 998 bytes",
}
"""Defects for which only a pedantic server refuses a message, in words."""

ADDED: Final = (b"date", b"message-id")
"""Fields that are added where they are missing or empty."""

MAX_SHOWN: Final = 60
"""Octets of a malformed line that a refusal shows."""

ONCE: Final = (
    b"date",
    b"sender",
    b"reply-to",
    b"to",
    b"cc",
    b"message-id",
    b"in-reply-to",
    b"references",
    b"subject",
)
"""Fields that a message has at most once (RFC 5322 §3.6), without From and private fields: mail readers differ in which
of two they show.
"""

BETWEEN: Final[Mapping[bytes, bytes]] = dict.fromkeys((b"reply-to", b"to", b"cc"), b",\r\n ") | dict.fromkeys(
    (b"in-reply-to", b"references"), b"\r\n "
)
"""Octets between the values of fields that are joined: scripts write a field for each address or message."""


class EditedHeader(msgspec.Struct, frozen=True):
    """A header section without the fields that must not go out, and the values of the removed fields for the queue."""

    header: bytes
    extra: dict[str, str]


def check_strictly(section: HeaderSection) -> None:
    """Refuse a header section of which other servers forgive something. Raises SubmissionRefused."""
    if not section.octets or section.body is None:
        raise _bad("message needs a header section, a blank line, and a body")
    if not begins_with_field(section):
        raise _bad(malformed(section) or "message begins with a line of an mbox file")
    for name in ONCE:
        if section.count(name) > 1:
            raise _bad(f"message has more than one {name.decode().title()} field")
    if section.count(b"return-path"):
        raise SubmissionRefused(550, "5.6.0", "remove the Return-Path field before sending", "badheader")


def begins_with_field(section: HeaderSection) -> bool:
    """Whether a header section is empty or begins with a field."""
    first = next(iter(section), None)
    return first is None or bool(first.name)


def _joined(section: HeaderSection, name: bytes) -> bytes:
    """One field in place of several: their lists together, else the first that has a value."""
    fields = section.all(name)
    values = list(dict.fromkeys(value for field in fields if (value := field.text.strip()))) or [b""]
    return fields[0].label + b": " + (BETWEEN[name].join(values) if name in BETWEEN else values[0]) + b"\r\n"


def malformed(section: HeaderSection) -> str:
    """What is malformed in a header section, by the number and text of the line; "" for nothing. Such a message cannot
    be signed (RFC 6376 §3.8). A line of an mbox file doesn't go out.
    """
    junk = next((field for field in section.all(b"") if not is_of_mbox(field)), None)
    if junk is not None:
        line = section.octets.count(b"\n", 0, junk.start) + 1
        text = junk.raw.partition(b"\n")[0]
        fault = "has a field name that isn't ASCII" if has_raw_name(text) else "isn't a field"
        return f"line {line} of the header section {fault}: {text[:MAX_SHOWN].decode(errors='replace').strip()!r}"
    return "" if section.complete else "the header section is too long"


def edit(section: HeaderSection, hostnames: Collection[str], dropped: Collection[bytes] = ()) -> EditedHeader | None:
    """Remove private fields, fields for the queue, fields named in `dropped`, results of checks under one of our
    `hostnames`, empty fields of `ADDED` (SMTP-112, SMTP-117), and a line of an mbox file; join repeated fields of
    `ONCE` (SMTP-111). Returns None if nothing changes. Raises SubmissionRefused.
    """
    removed = section.all(*PRIVATE, *dropped, *[name for name in section.names if name.startswith(EXTRA)])
    removed += [field for field in section.all(b"authentication-results") if authserv_id(field.text) in hostnames]
    removed += [field for field in section.all(b"") if is_of_mbox(field)]
    empty = [name for name in ADDED if not any(section.texts(name))]
    removed += section.all(*empty)
    repeated = [name for name in ONCE if section.count(name) > 1 and name not in (*dropped, *empty)]
    if not removed and not repeated:
        return None
    extra: dict[str, str] = {}
    for field in removed:
        prefix = next((prefix for prefix in EXTRA if field.name.startswith(prefix)), None)
        if prefix is not None:
            _add_extra(extra, field.label[len(prefix) :].decode("ascii"), field.text)
    joined = b"".join(_joined(section, name) for name in repeated)
    return EditedHeader(joined + section.without([*removed, *section.all(*repeated)]), extra)


def _add_extra(extra: dict[str, str], key: str, value: bytes) -> None:
    if key in extra:
        raise _bad(f"duplicate extra field {key[:MAX_EXTRA_KEY]}")
    extra[key] = b" ".join(value.split()).decode("utf-8", "replace")
    octets = sum(len(one.encode()) + len(other.encode()) for one, other in extra.items())
    if not key or len(key) > MAX_EXTRA_KEY or len(extra) > MAX_EXTRA_KEYS or octets > MAX_EXTRA:
        raise _bad("extra data is too large")


async def parse(letter: OutgoingMessage, spool: Spool) -> PreparedMessage:
    """Parse the message, and refuse it if parts of it are beyond the limits: its recipients must be able to read it
    (SMTP-111). Other mistakes go out as they came. Raises SubmissionRefused.
    """
    try:
        prepared = await prepare(spool, max_size=letter.max_size, strict=letter.snapshot.static.pedantic)
    except MIMEError as error:
        raise _bad(f"can't send message: {STRICT.get(str(error), error)}") from None
    for part in prepared.index.root.walk():
        if part.defect in BEYOND:
            raise _bad(f"can't send message: {BEYOND[part.defect]}")
    return prepared


async def _from_one_place(letter: OutgoingMessage, author: Address, transport: str) -> OutgoingMessage:
    """The letter with the envelope sender that its way out takes: through a linked mailbox the author, as its provider
    takes no other (LINK-14); by our own way no address of another provider, whose SPF record does not name us. Raises
    SubmissionRefused, StoreError.
    """
    sender = letter.mail_from
    if sender is None or sender == author:
        return letter
    if transport:
        return msgspec.structs.replace(letter, mail_from=author)
    other = await letter.way_of(sender)
    if other is not None and other.transport:
        text = "the sender is a linked account, so From must have the same address"
        raise SubmissionRefused(550, "5.7.1", text, "badfrom")
    return letter


def needs_smtputf8(letter: OutgoingMessage, section: HeaderSection) -> bool:
    """Whether a next hop needs SMTPUTF8: a localpart of the envelope or of an address in the header is not ASCII
    (SMTP-29).
    """
    addresses = [recipient.address for recipient in letter.recipients]
    if letter.mail_from is not None:
        addresses.append(letter.mail_from)
    return any(address.needs_smtputf8 for address in addresses) or needs_utf8(section)


def requiretls(letter: OutgoingMessage, section: HeaderSection) -> bool | None:
    """The message's demand for TLS: True for REQUIRETLS, False for ``TLS-Required: No`` (RFC 8689 §5, SMTP-31), else
    None.
    """
    if letter.requiretls:
        return True
    values = section.texts(b"tls-required")
    return False if values and all(value.lower() == b"no" for value in values) else None


def _bad(text: str) -> SubmissionRefused:
    return SubmissionRefused(554, "5.6.0", text, "badmessage")


# Envelope senders that are unique per recipient, so that a bounce identifies its recipient (SMTP-118, QUEUE-6).


RANDOM_OCTETS: Final = 16
"""Random octets in a FROMID or Message-Id: 22 characters of base64url, all allowed in an atom (SMTP-112, SMTP-118)."""


def with_from_ids(letter: OutgoingMessage) -> tuple[SubmissionRecipient, ...]:
    """Return the recipients, each with its own envelope sender if the log-in address asks for FROMID. Raises
    SubmissionRefused.
    """
    separator = _separator(letter)
    if not separator:
        return letter.recipients
    sender = letter.mail_from
    assert sender is not None
    base, found, own = sender.localpart.partition(separator)
    if found and letter.own_from_id and not _is_login(letter, sender):
        if len(letter.recipients) > 1:
            text = "a custom sender ID only works with a single recipient"
            raise SubmissionRefused(554, "5.5.3", text, "badmessage")
        return (msgspec.structs.replace(letter.recipients[0], mail_from=sender, from_id=own),)
    # One for each recipient: a bounce says only that something failed, often without an address that can be trusted.
    made: list[SubmissionRecipient] = []
    for recipient in letter.recipients:
        from_id = secrets.token_urlsafe(RANDOM_OCTETS)
        unique = Address(Localpart(f"{base}{separator}{from_id}"), sender.domain)
        made.append(msgspec.structs.replace(recipient, mail_from=unique, from_id=from_id))
    return tuple(made)


def _separator(letter: OutgoingMessage) -> str:
    """The separator before a FROMID in the sender's localpart; "" without FROMID."""
    address = letter.mail_from
    identity = letter.identity
    if address is None or not _is_login(letter, identity.login or Address.parse(identity.address)):
        return ""
    domain = letter.snapshot.domain(address.domain)
    return domain.localpart_separators[0] if domain is not None and domain.localpart_separators else ""


def _is_login(letter: OutgoingMessage, address: Address) -> bool:
    """Whether an address, including the part after a separator, is one whose log-ins ask for FROMID."""
    settings = letter.snapshot.account(letter.identity.account)
    if settings is None:
        return False
    wanted = letter.snapshot.folded(address)
    return any(letter.snapshot.folded(login) == wanted for login in settings.from_id_login_addresses)
