"""The calls about the queue: messages, hold rules, webhooks, suppressions (WEB-84, WEB-85)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta

from moxlite.admin.queueing.filters import (
    Filter,
    HookFilter,
    HookPage,
    Page,
    RetiredFilter,
    RetiredHookFilter,
    RetiredHookPage,
    RetiredPage,
)
from moxlite.admin.queueing.requests import (
    AddHoldRule,
    Choose,
    ChooseHooks,
    ListHooks,
    ListMessages,
    ListRetired,
    ListRetiredHooks,
    ListSuppressions,
    MessageID,
    Nothing,
    Release,
    Schedule,
    ScheduleHooks,
    SetRequireTLS,
    SetTransport,
    Suppress,
)
from moxlite.admin.queueing.results import Changed, HookLine, Line, Rule, StoppedAccount, Suppressed, Try
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import UserError

Word = Annotated[str, Meta(max_length=320)]
Count = Annotated[int, Meta(ge=1, le=200)]
Minutes = Annotated[float, Meta(ge=-525_600, le=525_600)]
Operation = Literal["hold", "unhold", "fail", "drop"]

HEADER: Final = 64 * 1024
"""Octets of a message that are read for its header."""


class QueueCalls(AdminCalls):
    """Messages that wait, and what is done with them."""

    @call()
    async def queue(self, caller: Caller, filter: Filter, page: Page) -> list[Line]:  # noqa: A002  as in the commands
        """A page of the messages that wait."""
        return await self._console.run("queue list", ListMessages(filter=filter, page=page), list[Line])

    @call()
    async def queue_count(self, caller: Caller, filter: Filter) -> int:  # noqa: A002
        """Number of the messages that a filter chooses."""
        return (await self._console.run("queue count", Choose(filter=filter, all=True), Changed)).messages

    @call()
    async def queue_attempts(self, caller: Caller, message_id: int) -> list[Try]:
        """The attempts for a message that waits, or is finished and still listed."""
        return await self._console.run("queue attempts", MessageID(id=message_id), list[Try])

    @call()
    async def queue_header(self, caller: Caller, message_id: int) -> str:
        """The header of a message that waits."""
        octets = await self._console.octets("queue dump", MessageID(id=message_id), HEADER)
        return octets.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")

    @call()
    async def queue_change(self, caller: Caller, operation: Operation, filter: Filter, expected: int) -> int:  # noqa: A002
        """Hold, release, fail or drop the messages of a filter; returns their number. Refused if there are more than
        `expected`, the number that was shown. To drop needs a confirmation (WEB-63a).
        """
        if operation == "drop":
            self._admin_sessions.require_confirmed(caller.require())
        await self._check(filter, expected)
        return await self._change(f"queue {operation}", Choose(filter=filter, all=True))

    @call()
    async def queue_schedule(
        self,
        caller: Caller,
        filter: Filter,  # noqa: A002
        expected: int,
        minutes: Minutes,
        from_now: bool,
    ) -> int:
        """Put the next attempts off by so many minutes, or with `from_now` to so many minutes from now."""
        await self._check(filter, expected)
        args = Schedule(filter=filter, all=True, seconds=minutes * 60, from_now=from_now)
        return await self._change("queue schedule", args)

    @call()
    async def queue_transport(self, caller: Caller, filter: Filter, expected: int, transport: Word) -> int:  # noqa: A002
        """Set the transport; "" for the one that the routes choose."""
        await self._check(filter, expected)
        return await self._change("queue transport", SetTransport(filter=filter, all=True, transport=transport))

    @call()
    async def queue_requiretls(
        self,
        caller: Caller,
        filter: Filter,  # noqa: A002
        expected: int,
        require_tls: Literal["yes", "no", "default"],
    ) -> int:
        """Set whether TLS is demanded."""
        await self._check(filter, expected)
        return await self._change("queue requiretls", SetRequireTLS(filter=filter, all=True, require_tls=require_tls))

    @call()
    async def transports(self, caller: Caller) -> list[str]:
        """Names of the transports."""
        return sorted(self._server.config().static.transports)

    @call()
    async def hold_rules(self, caller: Caller) -> list[Rule]:
        """The rules by which messages are put on hold."""
        return await self._console.run("queue holdrules list", Nothing(), list[Rule])

    @call()
    async def hold_rule_add(self, caller: Caller, account: Word, sender: Word, recipient: Word) -> int:
        """Add a hold rule; with all texts "" it holds every message. Returns the number of messages held by it now."""
        args = AddHoldRule(account=account, sender=sender, recipient=recipient)
        return (await self._console.run("queue holdrules add", args, Changed)).messages

    @call()
    async def hold_rule_remove(self, caller: Caller, rule_id: int) -> None:
        """Remove a hold rule; messages that it held stay on hold."""
        await self._console.do("queue holdrules remove", MessageID(id=rule_id))

    @call()
    async def queue_stopped(self, caller: Caller) -> list[StoppedAccount]:
        """Accounts that the guard has stopped, with what it holds of them; none while no queue runs."""
        if not await self._console.has("queue guard list"):
            return []
        return await self._console.run("queue guard list", Nothing(), list[StoppedAccount])

    @call()
    async def queue_release(self, caller: Caller, account: Word) -> StoppedAccount:
        """Let a stopped account send again, with what the guard holds of it; returns the stop."""
        return await self._console.run("queue guard release", Release(account=account), StoppedAccount)

    async def _check(self, chosen: Filter, expected: int) -> None:
        found = (await self._console.run("queue count", Choose(filter=chosen, all=True), Changed)).messages
        if found > expected:
            raise UserError(f"There are {found} messages by now, not {expected}. Nothing was changed; look again.")

    async def _change(self, name: str, args: Choose) -> int:
        return (await self._console.run(name, args, Changed)).messages


class QueueListCalls(AdminCalls):
    """Finished messages, webhooks, suppressions."""

    @call()
    async def retired(self, caller: Caller, filter: RetiredFilter, page: RetiredPage) -> list[Line]:  # noqa: A002
        """A page of the messages that are finished and still listed."""
        return await self._console.run("queue retired list", ListRetired(filter=filter, page=page), list[Line])

    @call()
    async def webhooks(self, caller: Caller, filter: HookFilter, page: HookPage) -> list[HookLine]:  # noqa: A002
        """A page of the webhook calls that wait."""
        return await self._console.run("queue webhook list", ListHooks(filter=filter, page=page), list[HookLine])

    @call()
    async def webhooks_retired(
        self,
        caller: Caller,
        filter: RetiredHookFilter,  # noqa: A002
        page: RetiredHookPage,
    ) -> list[HookLine]:
        """A page of the webhook calls that are finished and still listed."""
        args = ListRetiredHooks(filter=filter, page=page)
        return await self._console.run("queue webhook retired list", args, list[HookLine])

    @call()
    async def webhook_schedule(self, caller: Caller, hook_id: int) -> None:
        """Make a webhook call now."""
        args = ScheduleHooks(filter=HookFilter(ids=(hook_id,)), seconds=0, from_now=True)
        await self._console.do("queue webhook schedule", args)

    @call()
    async def webhook_cancel(self, caller: Caller, hook_id: int) -> None:
        """Cancel a webhook call."""
        await self._console.do("queue webhook cancel", ChooseHooks(filter=HookFilter(ids=(hook_id,))))

    @call()
    async def suppressions(
        self, caller: Caller, account: Word = "", after_account: Word = "", after_base: Word = "", count: Count = 50
    ) -> list[Suppressed]:
        """The addresses to which an account, or with "" all, sends nothing more, by account and base address: a page of
        those after the entry with this account and base address.
        """
        args = ListSuppressions(account=account, after_account=after_account, after_base=after_base, n=count)
        return await self._console.run("queue suppress list", args, list[Suppressed])

    @call()
    async def suppression_add(self, caller: Caller, account: Word, address: Word, reason: Word = "") -> None:
        """Add an address to the suppression list of an account."""
        await self._console.do("queue suppress add", Suppress(account=account, address=address, reason=reason))

    @call()
    async def suppression_remove(self, caller: Caller, account: Word, address: Word) -> None:
        """Remove an address from the suppression list of an account."""
        await self._console.do("queue suppress remove", Suppress(account=account, address=address))
