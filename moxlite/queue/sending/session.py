"""One SMTP conversation of the queue with one host: all messages of a batch over one connection (QUEUE-60,
QUEUE-65..70).

A batch is the rows of one submission for recipients of one domain; they share sender and octets.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from functools import partial
from typing import Final, Protocol

import msgspec
import trio

from moxlite.net.smtpclient import SMTPClient
from moxlite.proto.mime.sevenbit import Unconvertible
from moxlite.proto.smtp.conversation import Recipient, Transaction
from moxlite.proto.smtp.errors import EightBitMissing, SMTPError, SMTPUTF8Missing
from moxlite.proto.smtp.replies import Response
from moxlite.queue.data.rows import Message
from moxlite.queue.hosts.load import OpenConnection
from moxlite.queue.tls.results import Tally
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolmemory import WRITE_SIZE
from moxlite.store.delivery.submission import DSNNotify

SESSION_SECONDS: Final = 30 * 60.0
OCTETS_PER_SECOND: Final = 64 * 1024
"""Slowest rate that a session may have: it takes at most 30 min plus a second per 64 KiB (QUEUE-60)."""


class Postponed(SMTPError):
    """The host accepts no more messages on this connection. The message was not sent, and the attempt does not count
    (QUEUE-67).
    """

    def __init__(self) -> None:
        super().__init__(False, 0, "", "", "host doesn't accept more messages on this connection")


class Stale(SMTPError):
    """The host refused a transaction because of the state of a reused connection. The message is sent over a new
    connection at once (QUEUE-68a). ``line``: the host's reply.
    """

    usable = False

    def __init__(self, error: SMTPError) -> None:
        super().__init__(False, error.code, error.ecode, error.command, error.line, error.more_lines)


Outcomes = dict[int, SMTPError | None]
"""Outcomes by id of the message: None if delivered, else the error."""


class Batch(msgspec.Struct, frozen=True):
    """Messages that go in one transaction; ``octets`` yields their content, at each call from the start. ``seven_bit``
    returns a spool with the form for hosts without 8BITMIME, which the caller closes, or raises Unconvertible
    (QUEUE-63a). ``visit``: no message is sent, only EHLO and STARTTLS (QUEUE-182).
    """

    messages: tuple[Message, ...]
    octets: Callable[[], AsyncIterator[bytes]]
    seven_bit: Callable[[], Awaitable[Spool]]
    visit: bool = False

    @property
    def first(self) -> Message:
        """The first message, for all values that are equal in the batch."""
        return self.messages[0]

    def of(self, messages: tuple[Message, ...]) -> "Batch":
        """The batch of some of its messages."""
        return msgspec.structs.replace(self, messages=messages)


class Follower(Protocol):
    """An attempt over a connection that an earlier attempt has opened (QUEUE-165)."""

    batch: Batch

    async def deliver(self, send: Callable[["Trace"], Awaitable[Outcomes]]) -> bool:
        """Make the attempt by `send`, and record its outcomes. Returns whether the host accepts mail."""


class ConnectedHost(msgspec.Struct):
    """The host that an attempt speaks with, and the connection.

    Attributes:
      tls: version and cipher, "" in clear.
      tls_words: policies that the session satisfied, for people: ``dane sts``, ``opportunistic``; "" in clear.
      greeted: whether the host has replied to EHLO, after STARTTLS if TLS is used.
      offers: whether the host of the last EHLO offers STARTTLS and REQUIRETLS (QUEUE-57).
    """

    host: str = ""
    ip: str = ""
    tls: str = ""
    tls_words: str = ""
    tls_mode: str = "skip"
    greeted: bool = False
    offers: tuple[bool, bool] | None = None


class Trace:
    """State of a running attempt, from which outcomes are made also if it is cut off.

    ``keep`` records final outcomes; it returns once they are in queue.db, or in memory if that fails.
    """

    def __init__(self, keep: Callable[[Outcomes], Awaitable[None]]) -> None:
        self.at = ConnectedHost()
        self.tally = Tally()
        """Results of the attempt's sessions, for TLS reports."""
        self.dialed: list[tuple[str, str]] = []
        self.greeting = ""
        """Text of the host's greeting."""
        self.keywords: tuple[str, ...] = ()
        """Extensions in the host's latest reply to EHLO, sorted."""
        self.sent_all = False
        """Whether all octets of a message were sent: from then on the host may have the message."""
        self.promises = False
        """Whether the host supports DSN (RFC 3461), and sends the notices that the sender has asked for."""
        self.taken: Response | None = None
        """The host's reply to the last message that it accepted."""
        self.settled: Outcomes = {}
        """Final outcomes that are recorded, by id of the message."""
        self.follow: Callable[[], Awaitable[Follower | None]] | None = None
        """Function that marks and returns the next due attempt for the same connection, None without any."""
        self.left_open: OpenConnection | None = None
        """The connection that the attempt leaves open for further messages."""
        self._keep = keep

    def take_over(self, other: "Trace") -> None:
        """Copy the facts about the connection from another attempt that used it."""
        self.at = copy(other.at)
        self.dialed.append((self.at.host, self.at.ip))

    async def settle(self, outcomes: Outcomes) -> None:
        """Record the final ones among new outcomes (delivered, or refused for good), before anything else may fail or
        wait (QUEUE-15).
        """
        final = {one: error for one, error in outcomes.items() if error is None or error.permanent}
        if final:
            self.settled.update(final)
            await self._keep(final)


def session_seconds(size: int) -> float:
    """Maximum seconds of a session for a message of `size` octets."""
    return SESSION_SECONDS + size / OCTETS_PER_SECOND


def goes_well(outcomes: Outcomes) -> bool:
    """Whether the outcomes show that the host accepts mail, so that another message may be sent."""
    return any(
        error is None or error.permanent or (error.command == "rcpt" and not cut_short(error))
        for error in outcomes.values()
    )


def cut_short(error: SMTPError | None) -> bool:
    """Whether the error ended the connection, or announces its end, independent of the message. The host does not have
    the message unless all octets were sent.
    """
    return error is not None and not error.permanent and (not error.usable or error.code == 421)


def _refuses_connection(error: SMTPError, *, sent_all: bool) -> bool:
    """Whether an error on a reused connection is about the connection and not the message: any refusal of RSET, 421 or
    a permanent refusal of MAIL, or 503 before all octets were sent.
    """
    if error.command == "rset":
        return error.code != 0
    if error.command == "mail":
        return error.code == 421 or error.code >= 500
    return error.code == 503 and not sent_all


def _as_it_is(error: SMTPError) -> SMTPError:
    return error


async def converse(
    client: SMTPClient,
    batch: Batch,
    trace: Trace,
    *,
    requiretls: bool = False,
    judge: Callable[[SMTPError], SMTPError] = _as_it_is,
    greeted: Callable[[], None] = lambda: None,
    then: Callable[[Outcomes], Awaitable[bool]] | None = None,
    begun: bool = False,
) -> Outcomes:
    """Send EHLO, the batch, and QUIT.

    Final outcomes are recorded as soon as the host has replied; later events of the connection, such as its time limit
    or QUIT, do not change them.

    Args:
      judge: converts an error reply of the host into the outcome for the message.
      greeted: called after the reply to the last EHLO, before a message is sent.
      then: awaited with the outcomes before QUIT; may send more batches, and raises no SMTPError. It returns whether
        the connection stays open.
      begun: EHLO was sent for an earlier message.

    Raises SMTPError when the conversation fails before the first message, or takes too long; its failures after that
    are in the outcomes.
    """
    try:
        with trio.fail_after(session_seconds(batch.first.size)):
            if not begun:
                await client.hello()
                if (tls := client.tls_stream) is not None:
                    trace.at.tls = f"{tls.facts.version} {tls.facts.suite}"
                extensions = client.codec.extensions
                trace.at.offers = (tls is not None or "STARTTLS" in extensions, "REQUIRETLS" in extensions)
                trace.greeting, trace.keywords = client.codec.greeting, tuple(sorted(extensions.keywords))
                trace.at.greeted = True
                greeted()
            outcomes = await run_transactions(client, batch, trace, requiretls=requiretls, judge=judge)
    except trio.TooSlowError:
        await client.abort()
        raise SMTPError(False, 0, "4.4.2", "session", "session timed out") from None
    except SMTPError:
        if not trace.at.greeted and (known := client.announced) is not None:
            trace.at.offers = ("STARTTLS" in known, "REQUIRETLS" in known)
            trace.greeting, trace.keywords = client.codec.greeting, tuple(sorted(known.keywords))
        await client.quit()
        raise
    except BaseException:  # no QUIT in the middle of a message that was cut off
        await client.abort()
        raise
    try:
        if then is not None and await then(outcomes):
            return outcomes
    except BaseException:
        await client.abort()
        raise
    await client.quit()
    return outcomes


async def run_transactions(
    client: SMTPClient,
    batch: Batch,
    trace: Trace,
    *,
    requiretls: bool = False,
    judge: Callable[[SMTPError], SMTPError] = _as_it_is,
) -> Outcomes:
    """Send a batch after EHLO, in as many transactions as the host requires (QUEUE-66, QUEUE-67).
    Arguments as `converse`.
    """
    octets, size = batch.octets, batch.first.size
    with ExitStack() as made:
        # Known from EHLO, so no transaction is begun: hosts that lack it would answer MAIL with codes of all kinds.
        if _needs_utf8(batch.messages) and "SMTPUTF8" not in client.codec.extensions:  # then a 7-bit form does not help
            return dict.fromkeys((message.id for message in batch.messages), judge(SMTPUTF8Missing()))
        eight_bit = batch.first.has8bit and not batch.visit
        if eight_bit and "8BITMIME" not in client.codec.extensions:
            try:
                spool = made.enter_context(await batch.seven_bit())
            except Unconvertible as exc:
                error = judge(EightBitMissing(str(exc)))
                return dict.fromkeys((message.id for message in batch.messages), error)
            except OSError as exc:
                raise SMTPError(
                    False, 0, "4.3.1", "content", f"not enough space to convert the message: {exc}"
                ) from exc
            octets, size, eight_bit = partial(_octets_of, spool), spool.size, False
        content = _Content(octets, size, eight_bit)
        return await _run_transactions(client, batch, content, trace, requiretls=requiretls, judge=judge)


class _Content(msgspec.Struct, frozen=True):
    """The octets of a message in the form for a host, with the values of SIZE and BODY in MAIL."""

    octets: Callable[[], AsyncIterator[bytes]]
    size: int
    eight_bit: bool


async def _octets_of(spool: Spool) -> AsyncIterator[bytes]:
    for at in range(0, spool.size, WRITE_SIZE):
        if spool.in_memory:
            yield spool.read(at, WRITE_SIZE)
        else:
            yield await trio.to_thread.run_sync(spool.read, at, WRITE_SIZE)


async def _run_transactions(
    client: SMTPClient,
    batch: Batch,
    content: _Content,
    trace: Trace,
    *,
    requiretls: bool,
    judge: Callable[[SMTPError], SMTPError],
) -> Outcomes:
    pending: Sequence[Message] = () if batch.visit else batch.messages
    outcomes: Outcomes = {}
    while pending:
        trace.sent_all = False
        reused = client.codec.transactions > 0
        transaction = _transaction(pending, content, requiretls=requiretls)
        trace.promises = "DSN" in client.codec.extensions
        outcome = await client.deliver(transaction, _watched(content.octets(), trace))
        trace.taken = outcome.reply
        failure = outcome.error
        stale = reused and failure is not None and _refuses_connection(failure, sent_all=trace.sent_all)
        if failure is None or failure.code:
            trace.sent_all = False  # the host has replied to the octets it got
        if failure is not None and (stale or (outcomes and cut_short(failure) and not trace.sent_all)):
            ending = Postponed() if outcomes else Stale(failure)
            outcomes.update((message.id, ending) for message in pending)
            break
        again: list[Message] = []
        refusals: Outcomes = {}
        answered: Outcomes = {}
        for message, result in zip(pending, outcome.recipients, strict=True):
            error = None if result.error is None else judge(result.error)
            if result.again:
                again.append(message)
                refusals[message.id] = error
            else:
                answered[message.id] = error
        await trace.settle(answered)
        outcomes.update(answered)
        if len(again) == len(pending):  # no progress
            outcomes.update(refusals)
            break
        if again and client.codec.exhausted:
            outcomes.update(dict.fromkeys(refusals, Postponed()))
            break
        pending = again
    return outcomes


async def _watched(octets: AsyncIterator[bytes], trace: Trace) -> AsyncIterator[bytes]:
    """Pass octets through, and set `sent_all` after the last: only the final dot follows on the wire."""
    async for piece in octets:
        yield piece
    trace.sent_all = True


_NOTIFY: Final[Mapping[DSNNotify, str]] = {
    DSNNotify.NEVER: "NEVER",
    DSNNotify.SUCCESS: "SUCCESS",
    DSNNotify.FAILURE: "FAILURE",
    DSNNotify.DELAY: "DELAY",
}


def _needs_utf8(messages: Sequence[Message]) -> bool:
    first = messages[0]
    return (
        first.smtputf8 or first.sender.needs_smtputf8 or any(message.recipient.needs_smtputf8 for message in messages)
    )


def _transaction(messages: Sequence[Message], content: _Content, *, requiretls: bool) -> Transaction:
    first = messages[0]
    recipients = tuple(
        Recipient(
            message.recipient,
            tuple(word for bit, word in _NOTIFY.items() if message.dsn_notify & bit),
            message.dsn_orcpt,
        )
        for message in messages
    )
    return Transaction(
        mail_from=first.sender,
        recipients=recipients,
        size=content.size,
        eight_bit=content.eight_bit,
        smtputf8=_needs_utf8(messages),
        requiretls=requiretls,
        ret=first.dsn_ret,
        envid=first.dsn_envid,
        priority=first.priority or None,
        deliver_by=first.deliver_by,
    )
