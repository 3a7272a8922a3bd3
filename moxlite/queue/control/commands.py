"""Commands of the control socket about the queue, its suppression lists and the accounts that the guard has stopped:
the server's side of ``moxlite queue …`` (ADMIN-19, ADMIN-20).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from moxlite.admin.queueing.filters import Filter
from moxlite.admin.queueing.requests import (
    AddHoldRule,
    Choose,
    Explain,
    ListMessages,
    ListRetired,
    ListSuppressions,
    MessageID,
    Nothing,
    Release,
    Schedule,
    SetRequireTLS,
    SetTransport,
    Suppress,
)
from moxlite.admin.queueing.results import Changed, Line, Rule, SentFrom, StoppedAccount, Suppressed, Try
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.queue.bounces import UNNAMED
from moxlite.queue.data.rows import DELIVERING, Message, Result, Retired
from moxlite.queue.data.status import meaning_of
from moxlite.queue.errors import NoSuchMessage, QueueError
from moxlite.queue.explaining.values import Explanation
from moxlite.queue.guard.stops import Stopped
from moxlite.queue.queue import Queue
from moxlite.queue.schedule import SECOND, attempts_left, max_attempts_of, rfc3339
from moxlite.store.delivery.accountqueue import Suppression
from moxlite.store.errors import StoreError

# Common parts of the queue's control commands: the base class of arguments, and the translation of errors.


T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Arguments of a command; unknown ones are refused (ADMIN-24)."""


async def tried(operation: Awaitable[T], field: str = "") -> T:
    """Await an operation and return its result. Errors of the queue and of its database become CommandFailed; an error
    of the queue that names no argument is about `field`.
    """
    try:
        return await operation
    except QueueError as error:
        raise CommandFailed("badRequest", str(error), error.field or field) from None
    except StoreError as error:
        raise CommandFailed("failed", f"the queue's database failed: {error}") from None


# Sentences about why a message waits and about its next step, for people (QUEUE-23).


UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))
SHORT: Final = 2
"""Minimum number of units; below it the next smaller unit is used: 90 min, not 1 h."""


def duration_words(microseconds: int) -> str:
    """A duration in rounded words: ``28 min``."""
    seconds = max(0, microseconds) / SECOND
    for size, unit in UNITS:
        if seconds >= SHORT * size:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds)} s"


def why_words(message: Message, now: int, waits: str) -> str:
    """Why a message has not been sent yet. `waits`: the current reason why its recipients' domain waits, or ""."""
    last = _ended(message)
    if message.done:
        return "it is over; the sender is being told" + (f": {_failure(last)}" if last and not last.success else "")
    if message.last_result is not None and message.last_result.error == DELIVERING:
        return "an attempt is under way"
    if message.guarded:
        return "its account is stopped: it looks as if a stranger sends with it"
    if message.hold:
        return "it is on hold until it is released"
    if last is not None and message.next_attempt > now:
        return _failure(last)
    if waits:
        return waits
    if message.next_attempt > now:
        return "its sender wants it to leave later" if message.future_release_request else "it was put off"
    return "it is due, and waits for its turn"


def next_words(
    message: Message, now: int, *, retry_delays: Sequence[float], max_attempts: int, delay_dsn_attempt: int
) -> str:
    """The next step of a message, if nothing changes."""
    if message.done:
        return "it leaves the queue"
    if message.guarded:
        return f"nothing, until `moxlite queue guard release {message.account}`"
    if message.hold:
        return "nothing, until `moxlite queue unhold`"
    maximum = max_attempts_of(message.max_attempts, max_attempts)
    left = attempts_left(message.attempts, maximum, message.next_attempt, retry_delays)
    if not left:
        return "the attempt that is under way is the last one"
    first = "now" if left[0] <= now else f"in {duration_words(left[0] - now)}"
    words = f"attempt {message.attempts + 1} of {maximum} {first}"
    if len(left) > 1:
        words += f", the last one in {duration_words(left[-1] - now)}"
    if message.attempts < delay_dsn_attempt <= maximum and message.sender_domain:
        words += f"; after attempt {delay_dsn_attempt} the sender is told that it is late"
    return words


def admin_words(result: Result | None) -> str:
    """Advice for the administrator about a failure, "" for none needed."""
    return meaning_of(result).admin if result is not None and result.error and result.error != DELIVERING else ""


def _ended(message: Message) -> Result | None:
    ended = [result for result in message.results if result.error != DELIVERING]
    return ended[-1] if ended else None


def _failure(result: Result) -> str:
    meaning = meaning_of(result).meaning
    return f"{meaning} {result.error}" if meaning else result.error


class QueueCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "queue list": Command(ListMessages, self.list_messages),
            "queue count": Command(Choose, self.count),
            "queue hold": Command(Choose, self.hold),
            "queue unhold": Command(Choose, self.unhold),
            "queue fail": Command(Choose, self.fail),
            "queue drop": Command(Choose, self.drop),
            "queue schedule": Command(Schedule, self.schedule),
            "queue transport": Command(SetTransport, self.transport),
            "queue requiretls": Command(SetRequireTLS, self.requiretls),
            "queue dump": Command(MessageID, self.dump),
            "queue attempts": Command(MessageID, self.attempts),
            "queue explain": Command(Explain, self.explain),
            "queue retired list": Command(ListRetired, self.list_retired),
            "queue retired print": Command(MessageID, self.print_retired),
            "queue holdrules list": Command(Nothing, self.list_rules),
            "queue holdrules add": Command(AddHoldRule, self.add_rule),
            "queue holdrules remove": Command(MessageID, self.remove_rule),
        }

    async def list_messages(self, args: ListMessages, exchange: Exchange) -> list[Line]:
        """One page of waiting messages."""
        found = await tried(self._queue.listings.list_messages(args.filter, args.page))
        now, settings = self._queue.ctx.clock(), self._queue.ctx.config.current.static.queue
        return [
            msgspec.structs.replace(
                _line(message),
                why=why_words(message, now, self._queue.scheduler.waits_of(message.rcpt_domain, now)),
                next=next_words(
                    message,
                    now,
                    retry_delays=settings.retry_delays,
                    max_attempts=settings.max_attempts,
                    delay_dsn_attempt=settings.delay_dsn_attempt,
                ),
            )
            for message in found
        ]

    async def attempts(self, args: MessageID, exchange: Exchange) -> list[Try]:
        """All attempts for a message that waits, or that is finished and still listed."""
        message: Message | Retired
        try:
            message = await self._queue.listings.get(args.id)
        except NoSuchMessage:
            message = await tried(self._queue.listings.get_retired(args.id))
        return [_try(result) for result in message.results]

    async def explain(self, args: Explain, exchange: Exchange) -> Explanation:
        """Explain the route of a message."""
        return await tried(self._queue.listings.explain(args.recipient, args.sender, connect=args.connect))

    async def list_retired(self, args: ListRetired, exchange: Exchange) -> list[Line]:
        """One page of finished messages."""
        return [_line(message) for message in await tried(self._queue.listings.list_retired(args.filter, args.page))]

    async def count(self, args: Choose, exchange: Exchange) -> Changed:
        """Count the messages that an operation with these arguments would change."""
        return Changed(await tried(self._queue.listings.count(args.filter)))

    async def hold(self, args: Choose, exchange: Exchange) -> Changed:
        """Put messages on hold."""
        return await self._operate(args, self._queue.operations.hold)

    async def unhold(self, args: Choose, exchange: Exchange) -> Changed:
        """Release messages from hold."""
        return await self._operate(args, self._queue.operations.unhold)

    async def fail(self, args: Choose, exchange: Exchange) -> Changed:
        """Fail messages, with DSNs to the senders."""
        return await self._operate(args, self._queue.operations.fail)

    async def drop(self, args: Choose, exchange: Exchange) -> Changed:
        """Remove messages without a DSN."""
        return await self._operate(args, self._queue.operations.drop)

    async def schedule(self, args: Schedule, exchange: Exchange) -> Changed:
        """Change the time of the next attempt."""
        return await self._operate(
            args, lambda wanted: self._queue.operations.schedule(wanted, args.seconds, from_now=args.from_now)
        )

    async def transport(self, args: SetTransport, exchange: Exchange) -> Changed:
        """Change the transport."""
        return await self._operate(args, lambda wanted: self._queue.operations.set_transport(wanted, args.transport))

    async def requiretls(self, args: SetRequireTLS, exchange: Exchange) -> Changed:
        """Change the demand for TLS."""
        value = {"yes": True, "no": False, "default": None}[args.require_tls]
        return await self._operate(args, lambda wanted: self._queue.operations.set_require_tls(wanted, value))

    async def dump(self, args: MessageID, exchange: Exchange) -> None:
        """Send the octets of a message."""
        await tried(self._queue.listings.get(args.id))
        async for piece in self._queue.listings.dump(args.id):
            await exchange.download.send(piece)
        await exchange.download.end()

    async def print_retired(self, args: MessageID, exchange: Exchange) -> Retired:
        """Everything about a finished message."""
        return await tried(self._queue.listings.get_retired(args.id))

    async def list_rules(self, args: Nothing, exchange: Exchange) -> list[Rule]:
        """All hold rules."""
        rules = await tried(self._queue.operations.hold_rules())
        return [
            Rule(
                rule.id,
                rule.account,
                _party(rule.sender_localpart, rule.sender_domain),
                _party(rule.recipient_localpart, rule.recipient_domain),
            )
            for rule in rules
        ]

    async def add_rule(self, args: AddHoldRule, exchange: Exchange) -> Changed:
        """Add a rule, which holds matching messages, queued and future ones."""
        number, held = await tried(
            self._queue.operations.add_hold_rule(account=args.account, sender=args.sender, recipient=args.recipient)
        )
        return Changed(held, number)

    async def remove_rule(self, args: MessageID, exchange: Exchange) -> None:
        """Remove a rule; messages that it held stay on hold."""
        if not await tried(self._queue.operations.remove_hold_rule(args.id)):
            raise CommandFailed("notFound", f"there is no hold rule {args.id}")

    async def _operate(self, args: Choose, operation: Callable[[Filter], Awaitable[int]]) -> Changed:
        if args.filter.is_empty and not args.all:
            raise CommandFailed("badRequest", "this would change every message: give a filter, or --all")
        return Changed(await tried(operation(args.filter)))


def _line(message: Message | Retired) -> Line:
    last = message.last_result
    line = Line(
        id=message.id,
        queued=rfc3339(message.queued),
        account=message.account,
        sender=message.sender_address,
        recipient=message.recipient_address,
        message_id=message.message_id,
        subject=message.subject,
        size=message.size,
        attempts=message.attempts,
        transport=message.transport,
        error=last.error if last else "",
        why=last.error if last else "",
        admin=admin_words(last),
    )
    if isinstance(message, Message):
        return msgspec.structs.replace(line, next_attempt=rfc3339(message.next_attempt), hold=message.hold)
    return msgspec.structs.replace(line, success=message.success, last_activity=rfc3339(message.last_activity))


def _try(result: Result) -> Try:
    found = meaning_of(result) if result.error and result.error != DELIVERING else UNNAMED
    return Try(
        start=rfc3339(result.start),
        seconds=result.duration / SECOND,
        transport=result.transport,
        host=result.host,
        ip=result.ip,
        tls=result.policy,
        outcome=result.error or "delivered",
        reply=result.reply,
        meaning=found.meaning,
        admin=found.admin,
    )


def _party(localpart: str, domain: str) -> str:
    return f"{localpart}@{domain}" if localpart else domain


# Commands of the control socket about accounts that the guard has stopped: the server's side of ``moxlite queue guard
# …`` (SMTP-170).


class GuardCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "queue guard list": Command(Nothing, self.list_stopped),
            "queue guard release": Command(Release, self.release),
        }

    async def list_stopped(self, args: Nothing, exchange: Exchange) -> list[StoppedAccount]:
        """All accounts that are stopped."""
        return [_shown(one) for one in await tried(self._queue.listings.stopped())]

    async def release(self, args: Release, exchange: Exchange) -> StoppedAccount:
        """Release an account, so that it can send again; returns the stop."""
        return _shown(await tried(self._queue.operations.release(args.account)))


def _shown(found: Stopped) -> StoppedAccount:
    stop, held = found.stop, found.held
    return StoppedAccount(
        account=stop.account,
        since=rfc3339(stop.since),
        sign=stop.sign.value,
        why=stop.why,
        messages=held.messages,
        recipients=held.recipients,
        domains=held.domains,
        oldest="" if held.oldest is None else rfc3339(held.oldest),
        sources=[SentFrom(one.address, rfc3339(one.first), rfc3339(one.last), one.messages) for one in found.sources],
    )


# Commands of the control socket about suppression lists: the server's side of ``moxlite queue suppress …``.


class SuppressCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "queue suppress list": Command(ListSuppressions, self.list_suppressions),
            "queue suppress add": Command(Suppress, self.add),
            "queue suppress remove": Command(Suppress, self.remove),
            "queue suppress lookup": Command(Suppress, self.look_up),
        }

    async def list_suppressions(self, args: ListSuppressions, exchange: Exchange) -> list[Suppressed]:
        """Run the command that lists suppressed addresses, of one account or of all."""
        found = self._queue.suppressions(args.account, after=(args.after_account, args.after_base), limit=args.n)
        return [_shown_suppression(one) for one in await tried(found)]

    async def add(self, args: Suppress, exchange: Exchange) -> None:
        """Add an address to the list of an account."""
        snapshot = self._queue.ctx.config.current
        if snapshot.account(args.account) is None:
            raise CommandFailed("notFound", snapshot.no_account(args.account), "account")
        await tried(self._queue.add_suppression(args.account, args.address, args.reason), "address")

    async def remove(self, args: Suppress, exchange: Exchange) -> None:
        """Remove an address from the list of an account."""
        await tried(self._queue.remove_suppression(args.account, args.address))

    async def look_up(self, args: Suppress, exchange: Exchange) -> list[Suppressed]:
        """The entry that matches an address, as a list of at most one."""
        found = await tried(self._queue.suppression(args.account, args.address))
        return [] if found is None else [_shown_suppression(found)]


def _shown_suppression(entry: Suppression) -> Suppressed:
    return Suppressed(
        account=entry.account,
        address=entry.original_address,
        base=entry.base_address,
        manual=entry.manual,
        reason=entry.reason,
        created=rfc3339(entry.created),
        expires="" if entry.expires is None else rfc3339(entry.expires),
    )
