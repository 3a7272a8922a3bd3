"""The operations about how mail that comes is sorted: the rules of addresses, forwards, junk (WEB-64..66, SMTP-159)."""

import datetime as dt
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from moxlite.admin.accountforms import patch, shown
from moxlite.admin.accounts import STANDARD_FILTER
from moxlite.admin.commandedits import named_account
from moxlite.admin.delivery.forwarding import Forwarding, NoWayToAsk, PassedOn
from moxlite.config.domains import Account, Destination
from moxlite.config.holder import ConfigHolder
from moxlite.config.toml.edit import Keys
from moxlite.config.values import Section
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations.forwards import (
    AskForward,
    ConfirmForward,
    ForwardAddress,
    ForwardForm,
    Forwards,
    ForwardTarget,
    ListForwards,
    SetForwards,
    StartForward,
)
from moxlite.operations.junk import Junk, JunkFilterForm, JunkForm, JunkLack, MarkInbox, SetJunk, ShowJunk, UnmarkInbox
from moxlite.operations.performing import commands
from moxlite.operations.rules import DestinationForm, DestinationItem, ListRules, SetRules
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.origin import origin
from moxlite.store.delivery.reasons import JUNK_REFUSALS, JUNK_UNSURE, count_reasons
from moxlite.store.delivery.scripts import active_script
from moxlite.store.errors import StoreError
from moxlite.store.junk.score import lacks_of
from moxlite.store.junk.trainer import forget_inbox, kept_in_inbox, marked_in_inbox, teach_inbox
from moxlite.store.junk.words import read_learned, read_meta
from moxlite.store.mail.facts import latest_in_mailboxes
from moxlite.store.options import DAY
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.wording import reason_of, worded

LATEST: Final = 1000
"""Messages by which the owner of an account judges folders, as many as a dry run of rules looks at."""


class SortingCommands:
    """Performs them."""

    def __init__(self, config: ConfigHolder, accounts: Accounts, forwarding: Forwarding) -> None:
        self._config = config
        self._accounts = accounts
        self._forwarding = forwarding

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ListRules.bind(self.rules),
            SetRules.bind(self.set_rules),
            ListForwards.bind(self.forwards),
            SetForwards.bind(self.set_forwards),
            AskForward.bind(self.ask),
            ConfirmForward.bind(self.confirm),
            StartForward.bind(self.start),
            ShowJunk.bind(self.junk),
            SetJunk.bind(self.set_junk),
            MarkInbox.bind(self.mark_inbox),
            UnmarkInbox.bind(self.unmark_inbox),
        )

    async def rules(self, args: ListRules) -> list[DestinationItem]:
        """The addresses of an account with their rules."""
        destinations = named_account(self._config, args.account).destinations
        return [
            DestinationItem(address, shown(DestinationForm, destination))
            for address, destination in destinations.items()
            if args.address in ("", address)
        ]

    async def set_rules(self, args: SetRules) -> None:
        """Change an address, and ask the owners of addresses to which its rules forward."""
        settings, form = named_account(self._config, args.account), DestinationForm
        destination: Destination | None = settings.destinations.get(args.address)
        if destination is None:
            raise CommandFailed("notFound", worded("{address} doesn't belong to this account", address=args.address))
        path = ("accounts", args.account, "destinations", args.address)
        await self._patch(settings, path, destination, form, args)
        if any(rule.forward_to for rule in args.changed.rulesets or ()):
            await self._forwarding.ask_new(args.account)

    async def forwards(self, args: ListForwards) -> Forwards:
        """The addresses with their states."""
        settings = named_account(self._config, args.account)
        found = await self._forwarding.look(args.account)
        async with self._accounts.use(args.account) as account:
            script = await account.read(active_script, op="forwarding")
        return Forwards(shown(ForwardForm, settings), [_target(one) for one in found], script)

    async def set_forwards(self, args: SetForwards) -> str:
        """Change the addresses, and ask the owners of new ones."""
        settings, path = named_account(self._config, args.account), ("accounts", args.account)
        await self._patch(settings, path, settings, ForwardForm, args)
        # Saved first: the question tells strangers of a setting that must be there when they answer.
        try:
            return "\n".join(await self._forwarding.ask_new(args.account))
        except StoreError as error:
            return reason_of(error)

    async def ask(self, args: AskForward) -> None:
        """Ask the owner of an address."""
        await self._require_address(args)
        try:
            await self._forwarding.ask(args.account, args.address)
        except (NoWayToAsk, StoreError) as error:
            raise CommandFailed("refused", reason_of(error)) from None

    async def confirm(self, args: ConfirmForward) -> None:
        """Send mail to an address without asking its owner."""
        await self._require_address(args)
        await self._forwarding.confirm(args.account, args.address)

    async def start(self, args: StartForward) -> None:
        """Send mail again to an address that was stopped."""
        await self._require_address(args)
        if not await self._forwarding.start(args.account, args.address):
            text = worded("forwarding isn't stopped, or the recipient doesn't want this mail")
            raise CommandFailed("refused", text)

    async def _require_address(self, args: ForwardAddress) -> None:
        named_account(self._config, args.account)
        if await self._forwarding.find(args.account, args.address) is None:
            raise CommandFailed("notFound", worded("mail isn't being forwarded to {address}", address=args.address))

    async def junk(self, args: ShowJunk) -> Junk:
        """The settings, what the filter has learned, the names of the mailboxes, and where the latest messages are."""
        settings = named_account(self._config, args.account)
        async with self._accounts.use(args.account) as account:
            learned = await account.read(lambda r: read_learned(r, read_meta(r)[0]), op="account_junk")
            boxes = await account.read(mailbox_rows.mailboxes, op="account_junk")
            latest = await account.read(partial(latest_in_mailboxes, limit=LATEST), op="account_junk")
            kept = await account.scan(kept_in_inbox, op="account_junk")
            marked = await account.read(marked_in_inbox, op="account_junk")
            week = time.time_ns() // 1000 - 7 * DAY
            reasons = await account.scan(partial(count_reasons, since=week), op="account_junk")
        filing = settings.junk_filter is not None and settings.junk_filter.file_unsure
        return Junk(
            form=shown(JunkForm, settings),
            standard=shown(JunkFilterForm, STANDARD_FILTER),
            hams=learned.hams,
            spams=learned.spams,
            lacks=[JunkLack(lack.kind, lack.count, lack.needed) for lack in lacks_of(learned, filing=filing)],
            mailboxes=[box.name for box in boxes if not box.system],
            latest={box.name: latest[box.id] for box in boxes if box.id in latest and not box.system},
            kept=len(kept),
            marked=len(marked),
            filed=reasons[JUNK_UNSURE],
            refused=sum(reasons[word] for word in JUNK_REFUSALS),
        )

    async def set_junk(self, args: SetJunk) -> None:
        """Change the settings."""
        settings, path = named_account(self._config, args.account), ("accounts", args.account)
        await self._patch(settings, path, settings, JunkForm, args)

    async def mark_inbox(self, args: MarkInbox) -> int:
        """Mark kept mail in the Inbox; returns the number of messages."""
        if named_account(self._config, args.account).junk_filter is None:
            raise CommandFailed("refused", "to use the junk filter, turn it on and save your changes first")
        async with self._accounts.use(args.account) as account:
            return await teach_inbox(account)

    async def unmark_inbox(self, args: UnmarkInbox) -> int:
        """Take those marks back; returns the number of messages."""
        named_account(self._config, args.account)
        async with self._accounts.use(args.account) as account:
            return await forget_inbox(account)

    async def _patch(
        self,
        settings: Account,
        path: Keys,
        section: Section,
        form: type[Struct],
        args: SetRules | SetForwards | SetJunk,
    ) -> None:
        owner = origin().actor.startswith("(")
        await patch(self._config.edit, settings, path, section, form, args.changed, args.old, administrator=owner)


def _target(passed: PassedOn) -> ForwardTarget:
    target = passed.target
    new = ForwardTarget(
        address=passed.address, state="new", alias=str(passed.alias or ""), script=passed.script, ran=passed.ran
    )
    if target is None or passed.is_new:
        return new
    if target.stopped is not None:
        return replace(new, state="stopped", since=_moment(target.stopped), error=target.error)
    if target.confirmed is None:
        return replace(new, state="asked", since=_moment(target.asked))
    failing = None if target.failing is None else _moment(target.failing)
    taken = not target.asked
    return replace(
        new, state="confirmed", since=_moment(target.confirmed), failing=failing, error=target.error, taken_over=taken
    )


def _moment(microseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(microseconds // 1_000_000, dt.UTC)
