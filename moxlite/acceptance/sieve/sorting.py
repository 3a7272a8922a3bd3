"""Commands of the control socket that sort mail that is there already (WEBMAIL-130b)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from moxlite.acceptance.rules.existing import Place, RuleTooSlow, by_rules, mail_to, move_sorted, sort_page
from moxlite.acceptance.sieve.commandaccount import account_of_command
from moxlite.admin.accounts import Refused
from moxlite.admin.delivery.requests import SortedMessage, SortedPage, SortFind, SortMove, SortPlace
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import Command, Exchange
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.wording import worded

logger = logging.getLogger("moxlite.acceptance.sieve")

INBOX = "Inbox"


class SortCommands:
    """``moxlite account sort``."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "account sort find": Command(SortFind, self.find),
            "account sort move": Command(SortMove, self.move),
        }

    def _use(self, name: str) -> AbstractAsyncContextManager[OpenAccount]:
        return account_of_command(self._config, self._accounts, name)

    async def find(self, args: SortFind, exchange: Exchange) -> SortedPage:
        """Find where the rules of an address, or a script, would put stored messages. Nothing is moved."""
        from moxlite.acceptance.sieve.stored import sort_page_by_script

        after = None if args.after is None else Place(args.after.received, args.after.id)
        async with self._use(args.account) as account:
            if args.script:
                source, page = INBOX, await sort_page_by_script(account, args.script, after)
            else:
                snapshot = self._config.current
                settings = snapshot.account(args.account)
                destination = None if settings is None else settings.destinations.get(args.address)
                if destination is None:
                    raise Refused(worded('"{address}" is not an address of this account', address=args.address))
                source, concerns = destination.mailbox, mail_to(snapshot, args.account, args.address)
                try:
                    page = await sort_page(account, source, by_rules(destination.rulesets), concerns, after)
                except RuleTooSlow as error:
                    raise Refused(
                        worded(
                            "rule {rule} takes too long on this mail: make its patterns simpler", rule=error.rule + 1
                        )
                    ) from None
        return SortedPage(
            source,
            [SortedMessage(one.id, one.mailbox) for one in page.moves],
            page.looked,
            None if page.next is None else SortPlace(page.next.received, page.next.id),
        )

    async def move(self, args: SortMove, exchange: Exchange) -> int:
        """Move messages in one transaction; returns the number of those that were still there."""
        async with self._use(args.account) as account:
            moved = await account.write(lambda tx: move_sorted(tx, args.ids, args.source, args.target))
        logger.info("mail sorted", extra={"kv": {"account": args.account, "messages": moved}})
        return moved
