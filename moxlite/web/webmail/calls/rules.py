"""The calls for filing rules, which are proposed when a message is moved (WEBMAIL-101..104)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from moxlite.config.holder import ChangedMeanwhile
from moxlite.config.load import ConfigError
from moxlite.store.mail.settings import decline_list, decline_mailbox, decline_sender
from moxlite.store.types import MailboxID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.rules import Proposal, accept, for_sender, propose
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.config.toml.edit import Document
    from moxlite.store.changelog.unit import AccountTx


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to add or remove, for mail of a list or sender to one of the user's addresses."""

    recipient: str
    list_id: str
    msg_from: str
    remove: bool
    mailbox: str


class RuleCalls(AccountCalls):
    """The calls for filing rules."""

    @call()
    async def ruleset_suggest_move(
        self, caller: Caller, message_id: ID, from_mailbox_id: ID, to_mailbox_id: ID
    ) -> Suggestion | None:
        """The rule that would have filed a moved message into its new mailbox; null if there is no rule to propose."""
        found = await self._propose(caller, message_id, from_mailbox_id, to_mailbox_id)
        if found is None or found.destination.startswith("@"):
            return None
        return _suggestion(found)

    @call()
    async def ruleset_accept(self, caller: Caller, message_id: ID, from_mailbox_id: ID, to_mailbox_id: ID) -> None:
        """Add the proposed rule, or remove it; a conflict if it would not be proposed any more."""
        found = await self._propose(caller, message_id, from_mailbox_id, to_mailbox_id)
        if found is None:
            raise Conflict("this rule is not to be proposed any more")
        await self._keep(caller, found)

    @call()
    async def ruleset_for_sender(self, caller: Caller, message_id: ID, mailbox_id: ID) -> Suggestion:
        """Add a rule that files mail of this message's sender, to the same address, into a mailbox.

        Returns the rule. A conflict if there is such a rule already.
        """
        name = caller.require().account
        snapshot = self._server.config.current
        async with self._accounts.use(name) as account:
            found = await account.read(
                lambda r: for_sender(r, snapshot, name, message_id, mailbox_id), op="webmail_sender_rule"
            )
        await self._keep(caller, found)
        return _suggestion(found)

    async def _keep(self, caller: Caller, proposal: Proposal) -> None:
        account = caller.require().account

        def change(document: Document, snapshot: Snapshot) -> None:
            accept(document, snapshot, account, proposal, datetime.now(UTC).date())

        try:
            await self._server.edit(change)
        except (ChangedMeanwhile, ConfigError) as e:
            raise Conflict(worded("the rule cannot be kept now: {reason}", reason=e)) from e
        except OSError as e:
            raise UserError("the rule cannot be kept: the server's configuration cannot be written") from e

    @call()
    async def ruleset_never(
        self,
        caller: Caller,
        message_id: ID,
        from_mailbox_id: ID,
        to_mailbox_id: ID,
        never: Literal["message", "from_mailbox", "to_mailbox"],
    ) -> None:
        """Do not propose the rule again.

        ``never`` chooses the scope: this list or sender at this address and in this direction, or moves from, or to,
        this mailbox.
        """
        found = await self._propose(caller, message_id, from_mailbox_id, to_mailbox_id)

        def unit(tx: AccountTx) -> None:
            if never == "from_mailbox":
                decline_mailbox(tx, MailboxID(from_mailbox_id), to_mailbox=False)
            elif never == "to_mailbox":
                decline_mailbox(tx, MailboxID(to_mailbox_id), to_mailbox=True)
            elif found is not None and found.list_id:
                decline_list(tx, found.recipient, found.list_id, to_inbox=found.remove)
            elif found is not None:
                decline_sender(tx, found.recipient, found.msg_from, to_inbox=found.remove)

        async with self._accounts.use(caller.require().account) as account:
            await account.write(unit)

    async def _propose(self, caller: Caller, message_id: int, source: int, target: int) -> Proposal | None:
        name = caller.require().account
        snapshot = self._server.config.current
        async with self._accounts.use(name) as account:
            return await account.scan(
                lambda r: propose(r, snapshot, name, message_id, source, target), op="webmail_rule"
            )


def _suggestion(found: Proposal) -> Suggestion:
    return Suggestion(
        recipient=found.recipient,
        list_id=found.list_id,
        msg_from=found.msg_from,
        remove=found.remove,
        mailbox=found.mailbox,
    )
