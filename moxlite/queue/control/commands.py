"""What the operations about the queue do: messages, hold rules, stopped accounts, suppression lists, webhooks
(ADMIN-19, ADMIN-20).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations import queue as operations
from moxlite.operations.performing import commands
from moxlite.operations.webhooks import (
    CancelHooks,
    ChooseHooks,
    HookLine,
    HookTest,
    ListHooks,
    ListRetiredHooks,
    PrintHook,
    PrintRetiredHook,
    ScheduleHooks,
    TestHooks,
)
from moxlite.queue.bounces import UNNAMED
from moxlite.queue.data.rows import DELIVERING, Message, Result, Retired
from moxlite.queue.data.status import meaning_of
from moxlite.queue.data.suppression import Suppression
from moxlite.queue.errors import NoSuchMessage, QueueError
from moxlite.queue.guard.stops import Stopped
from moxlite.queue.queue import Queue
from moxlite.queue.schedule import SECOND, attempts_left, max_attempts_of, rfc3339
from moxlite.queue.webhooks.keeping import Hook, RetiredHook
from moxlite.queue.webhooks.webhooks import WebhookQueue

HEADER: Final = 64 * 1024
"""Octets of a message to read for its header."""


class QueueCommands:
    """Operations on the messages of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        changes = self._queue.operations
        return commands(
            operations.ListMessages.bind(self.list_messages),
            operations.CountMessages.bind(self.count),
            operations.ListAttempts.bind(self.attempts),
            operations.Explain.bind(self.explain),
            operations.Hold.bind(partial(self._change, changes.hold)),
            operations.Unhold.bind(partial(self._change, changes.unhold)),
            operations.Fail.bind(partial(self._change, changes.fail)),
            operations.Drop.bind(partial(self._change, changes.drop)),
            operations.Retry.bind(partial(self._change, partial(_retry, self._queue))),
            operations.CountOutgoing.bind(lambda args: self._queue.listings.outgoing(args.account)),
            operations.Schedule.bind(self.schedule),
            operations.SetTransport.bind(self.transport),
            operations.SetRequireTLS.bind(self.requiretls),
            operations.Dump.bind_stream(self.dump),
            operations.ReadHeader.bind(self.header),
            operations.ListRetired.bind(self.list_retired),
            operations.PrintRetired.bind(self.print_retired),
            operations.ListHoldRules.bind(self.list_rules),
            operations.AddHoldRule.bind(self.add_rule),
            operations.RemoveHoldRule.bind(self.remove_rule),
            operations.ListStopped.bind(self.list_stopped),
            operations.Release.bind(self.release),
            refusals=(QueueError,),
        )

    async def list_messages(self, args: operations.ListMessages) -> list[operations.Line]:
        """One page of waiting messages."""
        messages = await self._queue.listings.list_messages(args.filter, args.page)
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
            for message in messages
        ]

    async def attempts(self, args: operations.ListAttempts) -> list[operations.Try]:
        """All attempts for a message that waits, or that is finished and still listed."""
        message: Message | Retired
        try:
            message = await self._queue.listings.get(args.id)
        except NoSuchMessage:
            try:
                message = await self._queue.listings.get_retired(args.id)
            except NoSuchMessage:
                raise NoSuchMessage(
                    f"message {args.id} isn't in the queue or among finished messages; to keep finished messages, set"
                    " keep_retired_message_period"
                ) from None
        return [_try(result, message.sender_domain) for result in message.results]

    async def explain(self, args: operations.Explain) -> operations.Explanation:
        """Explain the route of a message."""
        return await self._queue.listings.explain(args.recipient, args.sender, connect=args.connect)

    async def list_retired(self, args: operations.ListRetired) -> list[operations.Line]:
        """One page of finished messages."""
        return [_line(message) for message in await self._queue.listings.list_retired(args.filter, args.page)]

    async def count(self, args: operations.CountMessages) -> operations.Changed:
        """Count the messages that an operation with these arguments would change."""
        return operations.Changed(await self._queue.listings.count(args.filter))

    async def schedule(self, args: operations.Schedule) -> operations.Changed:
        """Change the time of the next attempt. Raises QueueError for now, which has a command of its own."""
        if args.from_now and args.seconds <= 0:
            raise QueueError("the time must be in the future; to try now, retry the message instead")
        change = partial(self._queue.operations.schedule, delta=args.seconds, from_now=args.from_now)
        return await self._change(change, args)

    async def transport(self, args: operations.SetTransport) -> operations.Changed:
        """Change the transport."""
        return await self._change(partial(self._queue.operations.set_transport, transport=args.transport), args)

    async def requiretls(self, args: operations.SetRequireTLS) -> operations.Changed:
        """Change the demand for TLS."""
        value = {"yes": True, "no": False, "default": None}[args.require_tls]
        return await self._change(partial(self._queue.operations.set_require_tls, require_tls=value), args)

    async def dump(self, args: operations.Dump, exchange: Exchange) -> None:
        """Send the octets of a message."""
        async for piece in await self._octets(args.id):
            await exchange.download.send(piece)
        await exchange.download.end()

    async def header(self, args: operations.ReadHeader) -> str:
        """The header of a message, as text."""
        octets = b""
        async for piece in await self._octets(args.id):
            octets += piece
            if len(octets) >= HEADER:
                break
        return octets[:HEADER].partition(b"\r\n\r\n")[0].decode("utf-8", "replace")

    async def print_retired(self, args: operations.PrintRetired) -> msgspec.Raw:
        """Everything about a finished message."""
        return msgspec.Raw(to_json(await self._queue.listings.get_retired(args.id)))

    async def list_rules(self, args: operations.ListHoldRules) -> list[operations.Rule]:
        """All hold rules."""
        return [
            operations.Rule(
                rule.id,
                rule.account,
                _party(rule.sender_localpart, rule.sender_domain),
                _party(rule.recipient_localpart, rule.recipient_domain),
            )
            for rule in await self._queue.operations.hold_rules()
        ]

    async def add_rule(self, args: operations.AddHoldRule) -> operations.Changed:
        """Add a rule, which holds matching messages, queued and future ones."""
        number, held = await self._queue.operations.add_hold_rule(
            account=args.account, sender=args.sender, recipient=args.recipient
        )
        return operations.Changed(held, number)

    async def remove_rule(self, args: operations.RemoveHoldRule) -> None:
        """Remove a rule; messages that it held stay on hold."""
        if not await self._queue.operations.remove_hold_rule(args.id):
            raise CommandFailed("notFound", f"hold rule not found: {args.id}")

    async def list_stopped(self, args: operations.ListStopped) -> list[operations.StoppedAccount]:
        """All accounts that are stopped."""
        return [_stopped(one) for one in await self._queue.listings.stopped()]

    async def release(self, args: operations.Release) -> operations.StoppedAccount:
        """Release an account, so that it can send again; returns the stop."""
        return _stopped(await self._queue.operations.release(args.account))

    async def _octets(self, number: int) -> AsyncIterator[bytes]:
        await self._queue.listings.get(number)
        return self._queue.listings.dump(number)

    async def _change(
        self, change: Callable[[operations.Filter], Awaitable[int]], args: operations.Choose
    ) -> operations.Changed:
        if args.filter.is_empty and not args.all:
            raise CommandFailed("badRequest", "specify a filter, or use --all to change every message")
        # Fewer are fine: what has left the queue meanwhile needs no change.
        if args.expected is not None and (found := await self._queue.listings.count(args.filter)) > args.expected:
            text = (
                f"There are now {found} messages instead of {args.expected}, so the command stopped. Review"
                " them and try again."
            )
            raise CommandFailed("badRequest", text)
        return operations.Changed(await change(args.filter))


async def _retry(queue: Queue, chosen: operations.Filter) -> int:
    """Try messages now, but not those on hold: their number would say that they were tried."""
    if chosen.hold:
        return 0
    return await queue.operations.schedule(msgspec.structs.replace(chosen, hold=False), delta=0.0, from_now=True)


class SuppressCommands:
    """Operations on the suppression lists of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.ListSuppressions.bind(self.list_suppressions),
            operations.AddSuppression.bind(self.add),
            operations.RemoveSuppression.bind(self.remove),
            operations.LookUpSuppression.bind(self.look_up),
            refusals=(QueueError,),
        )

    async def list_suppressions(self, args: operations.ListSuppressions) -> list[operations.Suppressed]:
        """Suppressed addresses, of one account or of all."""
        found = self._queue.suppressions(args.account, after=(args.after_account, args.after_base), limit=args.n)
        return [_suppressed(suppression) for suppression in await found]

    async def add(self, args: operations.AddSuppression) -> None:
        """Add an address to the list of an account."""
        snapshot = self._queue.ctx.config.current
        if snapshot.account(args.account) is None:
            raise CommandFailed("notFound", snapshot.no_account(args.account), "account")
        try:
            await self._queue.add_suppression(args.account, args.address.strip(), args.reason)
        except QueueError as error:
            raise CommandFailed("badRequest", str(error), "address") from None

    async def remove(self, args: operations.RemoveSuppression) -> None:
        """Remove an address from the list of an account."""
        await self._queue.remove_suppression(args.account, args.address)

    async def look_up(self, args: operations.LookUpSuppression) -> list[operations.Suppressed]:
        """The entry that matches an address, as a list of at most one."""
        suppression = await self._queue.suppression(args.account, args.address)
        return [] if suppression is None else [_suppressed(suppression)]


class WebhookCommands:
    """Operations on the webhooks of one queue (QUEUE-22, QUEUE-96)."""

    def __init__(self, hooks: WebhookQueue) -> None:
        self._hooks = hooks

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ListHooks.bind(self.list_hooks),
            ScheduleHooks.bind(self.schedule),
            CancelHooks.bind(self.cancel),
            PrintHook.bind(self.print_hook),
            TestHooks.bind(self.test),
            ListRetiredHooks.bind(self.list_retired),
            PrintRetiredHook.bind(self.print_retired),
            refusals=(QueueError,),
        )

    async def list_hooks(self, args: ListHooks) -> list[HookLine]:
        """One page of waiting webhooks."""
        return [_hook_line(hook) for hook in await self._hooks.list_hooks(args.filter, args.page)]

    async def list_retired(self, args: ListRetiredHooks) -> list[HookLine]:
        """One page of finished webhooks."""
        return [_hook_line(hook) for hook in await self._hooks.list_retired(args.filter, args.page)]

    async def schedule(self, args: ScheduleHooks) -> operations.Changed:
        """Change the time of the next call."""
        _check_choice(args)
        return operations.Changed(await self._hooks.schedule(args.filter, args.seconds, from_now=args.from_now))

    async def cancel(self, args: CancelHooks) -> operations.Changed:
        """Cancel webhooks."""
        _check_choice(args)
        return operations.Changed(await self._hooks.cancel(args.filter))

    async def test(self, args: TestHooks) -> list[HookTest]:
        """Call the web servers of an account with samples."""
        return [
            HookTest(
                event=sample_call.event,
                url=sample_call.url,
                success=sample_call.result.success,
                status=sample_call.result.status,
                error=sample_call.result.error,
                response=sample_call.result.response,
            )
            for sample_call in await self._hooks.test(args.account)
        ]

    async def print_hook(self, args: PrintHook) -> msgspec.Raw:
        """Everything about a waiting webhook except its credentials."""
        return _whole(await self._hooks.get(args.id))

    async def print_retired(self, args: PrintRetiredHook) -> msgspec.Raw:
        """Everything about a finished webhook except its credentials."""
        return _whole(await self._hooks.get_retired(args.id))


def _check_choice(args: ChooseHooks) -> None:
    if args.filter.is_empty and not args.all:
        raise CommandFailed("badRequest", "specify a filter, or use --all to change every webhook")


def _whole(hook: Hook | RetiredHook) -> msgspec.Raw:
    facts = {
        "summary": _hook_line(hook),
        "from_id": hook.from_id,
        "message_id": hook.message_id,
        "subject": hook.subject,
        "results": hook.results,
        "payload": msgspec.Raw(hook.payload),
    }
    return msgspec.Raw(to_json(facts))


def _hook_line(hook: Hook | RetiredHook) -> HookLine:
    last = hook.last_result
    line = HookLine(
        id=hook.id,
        msg_id=hook.msg_id,
        submitted=rfc3339(hook.submitted),
        account=hook.account,
        event=hook.event,
        url=hook.url,
        attempts=hook.attempts,
        error=last.error if last else "",
    )
    if isinstance(hook, Hook):
        return msgspec.structs.replace(line, next_attempt=rfc3339(hook.next_attempt))
    return msgspec.structs.replace(
        line,
        success=hook.success,
        last_activity=rfc3339(hook.last_activity),
        superseded_by=hook.superseded_by or 0,
    )


def _line(message: Message | Retired) -> operations.Line:
    last = message.last_result
    line = operations.Line(
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
        admin=admin_words(last, message.sender_domain),
    )
    if isinstance(message, Message):
        return msgspec.structs.replace(line, next_attempt=rfc3339(message.next_attempt), hold=message.hold)
    return msgspec.structs.replace(line, success=message.success, last_activity=rfc3339(message.last_activity))


def _try(result: Result, domain: str) -> operations.Try:
    meaning = meaning_of(result) if result.error and result.error != DELIVERING else UNNAMED
    return operations.Try(
        start=rfc3339(result.start),
        seconds=result.duration / SECOND,
        transport=result.transport,
        host=result.host,
        ip=result.ip,
        tls=result.policy,
        outcome=result.error or "delivered",
        reply=result.reply,
        meaning=meaning.meaning,
        admin=meaning.for_admin(domain),
    )


def _party(localpart: str, domain: str) -> str:
    return f"{localpart}@{domain}" if localpart else domain


def _stopped(found: Stopped) -> operations.StoppedAccount:
    stop, held = found.stop, found.held
    return operations.StoppedAccount(
        account=stop.account,
        since=rfc3339(stop.since),
        sign=stop.sign.value,
        why=stop.why,
        messages=held.messages,
        recipients=held.recipients,
        domains=held.domains,
        oldest="" if held.oldest is None else rfc3339(held.oldest),
        sources=[
            operations.SentFrom(source.address, rfc3339(source.first), rfc3339(source.last), source.messages)
            for source in found.sources
        ],
    )


def _suppressed(entry: Suppression) -> operations.Suppressed:
    return operations.Suppressed(
        account=entry.account,
        address=entry.original_address,
        base=entry.base_address,
        manual=entry.manual,
        reason=entry.reason,
        created=rfc3339(entry.created),
        expires="" if entry.expires is None else rfc3339(entry.expires),
    )


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
        return "finished; notifying the sender" + (f": {_failure(last)}" if last and not last.success else "")
    if message.last_result is not None and message.last_result.error == DELIVERING:
        return "a delivery attempt is in progress"
    if message.guarded:
        return "the account may be compromised; sending is paused"
    if message.hold:
        return "on hold until released"
    if last is not None and message.next_attempt > now:
        return _failure(last)
    if waits:
        return waits
    if message.next_attempt > now:
        return "scheduled by its sender" if message.future_release_request else "postponed"
    return "due now; waiting for its turn"


def next_words(
    message: Message, now: int, *, retry_delays: Sequence[float], max_attempts: int, delay_dsn_attempt: int
) -> str:
    """The next step of a message, if nothing changes."""
    if message.done:
        return "none; leaving the queue"
    if message.guarded:
        return f"none until `moxlite queue guard release {message.account}`"
    if message.hold:
        return "none until `moxlite queue unhold`"
    maximum = max_attempts_of(message.max_attempts, max_attempts)
    left = attempts_left(message.attempts, maximum, message.next_attempt, retry_delays)
    if not left:
        return "none; the current attempt is the last"
    first = "now" if left[0] <= now else f"in {duration_words(left[0] - now)}"
    words = f"attempt {message.attempts + 1} of {maximum} {first}"
    if len(left) > 1:
        words += f", the last in {duration_words(left[-1] - now)}"
    if message.attempts < delay_dsn_attempt <= maximum and message.sender_domain:
        words += f"; after attempt {delay_dsn_attempt}, the sender gets a delay notice"
    return words


def admin_words(result: Result | None, domain: str) -> str:
    """Advice for the administrator about a failure of a message from this domain, "" for none needed."""
    if result is None or not result.error or result.error == DELIVERING:
        return ""
    return meaning_of(result).for_admin(domain)


def _ended(message: Message) -> Result | None:
    ended = [result for result in message.results if result.error != DELIVERING]
    return ended[-1] if ended else None


def _failure(result: Result) -> str:
    meaning = meaning_of(result).meaning
    return f"{meaning} {result.error}" if meaning else result.error
