"""Commands of the control socket about the queue: the server's side of ``moxlite queue …`` (ADMIN-19, ADMIN-20,
QUEUE-20..26).
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from moxlite.admin.queueing.filters import Filter
from moxlite.admin.queueing.requests import (
    AddHoldRule,
    Choose,
    Explain,
    ListMessages,
    ListRetired,
    MessageID,
    Nothing,
    Schedule,
    SetRequireTLS,
    SetTransport,
)
from moxlite.admin.queueing.results import Changed, Line, Rule, Try
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.queue.bounces.judge import UNNAMED
from moxlite.queue.control.answers import tried
from moxlite.queue.control.words import admin_words, next_words, why_words
from moxlite.queue.data.rows import DELIVERING, Message, Result, Retired
from moxlite.queue.data.status import meaning_of
from moxlite.queue.errors import NoSuchMessage
from moxlite.queue.explaining.values import Explanation
from moxlite.queue.queue import Queue
from moxlite.queue.schedule import SECOND, rfc3339


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
