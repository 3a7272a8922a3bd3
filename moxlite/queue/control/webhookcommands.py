"""Commands of the control socket about webhooks: the server's side of ``moxlite queue webhook …`` (QUEUE-22,
QUEUE-96).
"""

from collections.abc import Mapping

import msgspec

from moxlite.admin.queueing.requests import ChooseHooks, HookID, ListHooks, ListRetiredHooks, ScheduleHooks
from moxlite.admin.queueing.results import Changed, HookLine, HookTest
from moxlite.admin.requests import AccountName
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.queue.control.answers import tried
from moxlite.queue.schedule import rfc3339
from moxlite.queue.webhooks.rows import CallResult, Hook, RetiredHook
from moxlite.queue.webhooks.webhooks import WebhookQueue


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
