"""Commands of the control socket about our own reports: the server's side of ``moxlite tlsrpt`` and ``dmarc`` with
``send``, ``pending``, ``drop`` and ``suppress`` (QUEUE-123, QUEUE-126, QUEUE-131).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from moxlite.admin.queueing.requests import (
    ChooseHooks,
    DropPending,
    HookID,
    KeptPolicies,
    ListHooks,
    ListRetiredHooks,
    Nothing,
    ScheduleHooks,
    SendReports,
    SuppressReports,
)
from moxlite.admin.queueing.results import (
    Changed,
    Dropped,
    HookLine,
    HookTest,
    KeptPolicy,
    PendingReport,
    SentReport,
    SentReports,
    WithoutReports,
)
from moxlite.admin.requests import AccountName
from moxlite.decoders import from_json
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.queue.control.commands import tried
from moxlite.queue.queue import Queue
from moxlite.queue.reports.daily import DailyReports, parse_day, yesterday
from moxlite.queue.schedule import SECOND, rfc3339
from moxlite.queue.webhooks.keeping import CallResult, Hook, RetiredHook
from moxlite.queue.webhooks.webhooks import WebhookQueue
from moxlite.store.file.database import Database
from moxlite.store.reports.evaluations import add_suppressed, list_suppressed, remove_suppressed
from moxlite.store.reports.received import Kind

MAX_SECONDS: Final = 10 * 365 * 24 * 3600.0
"""Maximum seconds for which an address may get no reports."""


class ReportCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        static = self._queue.ctx.config.current.static
        tls = partial(self._send, self._queue.reports.tls, "no_outgoing_tls_reports", static.no_outgoing_tls_reports)
        dmarc = partial(
            self._send, self._queue.reports.dmarc, "no_outgoing_dmarc_reports", static.no_outgoing_dmarc_reports
        )
        commands = {"tlsrpt send": Command(SendReports, tls), "dmarc send": Command(SendReports, dmarc)}
        for name, reports in (("tlsrpt", self._queue.reports.tls), ("dmarc", self._queue.reports.dmarc)):
            commands[f"{name} pending"] = Command(Nothing, partial(self._pending, reports))
            commands[f"{name} drop"] = Command(DropPending, partial(self._drop, reports))
            commands[f"{name} suppress list"] = Command(Nothing, partial(self._list, reports.kind))
            commands[f"{name} suppress add"] = Command(SuppressReports, partial(self._suppress, reports.kind))
            commands[f"{name} suppress remove"] = Command(SuppressReports, partial(self._allow, reports.kind))
        commands["mtasts kept"] = Command(KeptPolicies, self._kept)
        return commands

    async def _kept(self, args: KeptPolicies, exchange: Exchange) -> list[KeptPolicy]:
        """A page of the MTA-STS policies of other domains that are kept, by domain."""
        found = await tried(self._queue.ctx.policies.page(args.after, args.limit))
        return [
            KeptPolicy(
                domain=one.domain,
                mode=one.mode,
                mx=from_json(one.mx, list[str]),
                max_age=one.max_age,
                valid_end=one.valid_end,
                last_update=one.last_update,
                last_use=one.last_use,
                failure=one.failure,
                record_id=one.record_id,
            )
            for one in found
        ]

    def _database(self) -> Database:
        """The database reports.db. Raises CommandFailed, StorageBroken."""
        if self._queue.ctx.reports is None:
            raise CommandFailed("badRequest", "this server makes no reports")
        return self._queue.ctx.reports.database

    async def _pending(self, reports: DailyReports[Any], args: Nothing, exchange: Exchange) -> list[PendingReport]:
        """List the counted sessions or messages that no report contains yet."""
        return [PendingReport(one.about, one.day, one.total, one.failed) for one in await tried(reports.pending())]

    async def _drop(self, reports: DailyReports[Any], args: DropPending, exchange: Exchange) -> Dropped:
        """Delete the counts of a domain."""
        try:
            domain = Domain.parse(args.domain)
        except AddressError as error:
            raise CommandFailed("badRequest", f"bad domain {args.domain!r}: {error}") from None
        return Dropped(await tried(reports.drop(domain.ascii)))

    async def _list(self, kind: Kind, args: Nothing, exchange: Exchange) -> list[WithoutReports]:
        """Addresses that get no reports."""
        now = self._queue.ctx.clock()
        found = await tried(self._database().read(partial(list_suppressed, kind=kind, now=now), op="report addresses"))
        return [WithoutReports(one.address, rfc3339(one.until), one.comment) for one in found]

    async def _suppress(self, kind: Kind, args: SuppressReports, exchange: Exchange) -> None:
        """Send no reports to an address for a time."""
        try:
            address = Address.parse(args.address)
        except AddressError as error:
            raise CommandFailed("badRequest", f"bad address {args.address!r}: {error}") from None
        if not 0 < args.seconds <= MAX_SECONDS:
            raise CommandFailed("badRequest", "the time must be over 0 and at most 10 years")
        until = self._queue.ctx.clock() + int(args.seconds * SECOND)
        unit = partial(add_suppressed, kind=kind, address=str(address), until=until, comment=args.comment)
        await tried(self._database().write(unit))

    async def _allow(self, kind: Kind, args: SuppressReports, exchange: Exchange) -> None:
        """Send reports to an address again."""
        unit = partial(remove_suppressed, kind=kind, address=args.address)
        if not await tried(self._database().write(unit)):
            raise CommandFailed("notFound", f"{args.address!r} is not suppressed")

    async def _send(
        self, reports: DailyReports[Any], switch: str, off: bool, args: SendReports, exchange: Exchange
    ) -> SentReports:
        """Send the due reports now, instead of after midnight."""
        now = self._queue.ctx.clock()
        if off:
            raise CommandFailed("badRequest", f"{switch} is set")
        if self._queue.ctx.reports is None:
            raise CommandFailed("badRequest", "this server makes no reports")
        try:
            day = parse_day(args.day, now) if args.day else yesterday(now)
        except ValueError as error:
            raise CommandFailed("badRequest", f"bad day {args.day!r}: {error}") from None
        found = await tried(reports.send(day))
        results = [one.result for one in found]
        return SentReports(
            len(found),
            results.count("sent"),
            results.count("skipped"),
            results.count("later"),
            [SentReport(one.domain, one.day, one.result, one.why, one.recipients) for one in found],
        )


# Commands of the control socket about webhooks: the server's side of ``moxlite queue webhook …`` (QUEUE-22,
# QUEUE-96).


class WholeHook(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a webhook except its credentials."""

    summary: HookLine
    from_id: str
    message_id: str
    subject: str
    results: tuple[CallResult, ...]
    payload: msgspec.Raw


class WebhookCommands:
    """The commands of one queue."""

    def __init__(self, hooks: WebhookQueue) -> None:
        self._hooks = hooks

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "queue webhook list": Command(ListHooks, self.list_hooks),
            "queue webhook schedule": Command(ScheduleHooks, self.schedule),
            "queue webhook cancel": Command(ChooseHooks, self.cancel),
            "queue webhook print": Command(HookID, self.print_hook),
            "queue webhook test": Command(AccountName, self.test),
            "queue webhook retired list": Command(ListRetiredHooks, self.list_retired),
            "queue webhook retired print": Command(HookID, self.print_retired),
        }

    async def list_hooks(self, args: ListHooks, exchange: Exchange) -> list[HookLine]:
        """One page of waiting webhooks."""
        return [_line(hook) for hook in await tried(self._hooks.list_hooks(args.filter, args.page))]

    async def list_retired(self, args: ListRetiredHooks, exchange: Exchange) -> list[HookLine]:
        """One page of finished webhooks."""
        return [_line(hook) for hook in await tried(self._hooks.list_retired(args.filter, args.page))]

    async def schedule(self, args: ScheduleHooks, exchange: Exchange) -> Changed:
        """Change the time of the next call."""
        _check_choice(args)
        return Changed(await tried(self._hooks.schedule(args.filter, args.seconds, from_now=args.from_now)))

    async def cancel(self, args: ChooseHooks, exchange: Exchange) -> Changed:
        """Run the command that cancels webhooks."""
        _check_choice(args)
        return Changed(await tried(self._hooks.cancel(args.filter)))

    async def test(self, args: AccountName, exchange: Exchange) -> list[HookTest]:
        """Call the web servers of an account with samples."""
        return [
            HookTest(
                event=one.event,
                url=one.url,
                success=one.result.success,
                status=one.result.status,
                error=one.result.error,
                response=one.result.response,
            )
            for one in await tried(self._hooks.test(args.account))
        ]

    async def print_hook(self, args: HookID, exchange: Exchange) -> WholeHook:
        """Everything about a waiting webhook."""
        return _whole(await tried(self._hooks.get(args.id)))

    async def print_retired(self, args: HookID, exchange: Exchange) -> WholeHook:
        """Everything about a finished webhook."""
        return _whole(await tried(self._hooks.get_retired(args.id)))


def _check_choice(args: ChooseHooks) -> None:
    if args.filter.is_empty and not args.all:
        raise CommandFailed("badRequest", "this would change every webhook: give a filter, or --all")


def _whole(hook: Hook | RetiredHook) -> WholeHook:
    return WholeHook(
        summary=_line(hook),
        from_id=hook.from_id,
        message_id=hook.message_id,
        subject=hook.subject,
        results=hook.results,
        payload=msgspec.Raw(hook.payload),
    )


def _line(hook: Hook | RetiredHook) -> HookLine:
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
