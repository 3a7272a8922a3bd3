"""The steps by which a domain, an account and an alias of a plan come here (MOVE-6).

All changes are made by their operations, as the command line makes them. Each step looks first at what is there, so
that a plan can be run any number of times. Mail comes by `Copies`, which go on from what is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite import lazyimport
from moxlite.config.holder import ConfigHolder
from moxlite.migration.copies import Copies, CopyFailed
from moxlite.migration.names import Place
from moxlite.migration.problems import Transfer
from moxlite.move.building import LOCKED
from moxlite.move.plan import NOWHERE, Alias, Key, Plan, Script, User, imap_order
from moxlite.move.scripts import Folders, kept_name, rewritten
from moxlite.move.shares import old_mail, shares_of
from moxlite.move.takensettings import take_keys, take_settings
from moxlite.net.control.server import CommandFailed
from moxlite.operations.access import ListShares, SetHash, ShareSet
from moxlite.operations.accounts import AddAccount, AddAddress, SetQuota, SetSetting
from moxlite.operations.copies import CopyByImap, Event, MailboxStep, Note
from moxlite.operations.domains import AddAlias, AddDomain, AddMembers, ListAliases, UpdateAlias
from moxlite.operations.groupware import CopyCalendars
from moxlite.operations.move import AccountMove
from moxlite.operations.performing import Perform
from moxlite.operations.sieve import SieveActivate, SieveGet, SieveList, SievePut
from moxlite.proto.address import AddressKey, Domain
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.credentials import credential, hash_password, verifications
from moxlite.store.errors import StoreError
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.migration.pull import Pull
    from moxlite.net.imapclient import Client

MAX_PROBLEMS: Final = 200
"""Problems of an account that are kept; all are counted."""


class Steps:
    """The steps.

    Args:
      perform: performs operations as the command line.
    """

    def __init__(self, *, config: ConfigHolder, accounts: Accounts, copies: Copies, perform: Perform) -> None:
        self._config = config
        self._accounts = accounts
        self._copies = copies
        self._perform = perform

    async def domain(self, name: str, keys: Sequence[Key] = ()) -> None:
        """Add a domain that is not here, with the keys that it had. Raises CommandFailed."""
        if self._config.current.domain(Domain.parse(name)) is None:
            await self._perform(AddDomain(name, self._config.current.static.postmaster.account))
            if keys:
                await take_keys(self._config, name, keys)

    async def alias(self, alias: Alias) -> None:
        """Add an alias, or the members that it lacks. Raises CommandFailed."""
        there = {one.alias: one for one in await self._perform(ListAliases(alias.address.rpartition("@")[2]))}
        if alias.address not in there:
            await self._perform(AddAlias(alias.address, alias.members))
            await self._perform(UpdateAlias(alias.address, alias.public, alias.list_members, alias.send_as))
        elif new := [one for one in alias.members if one not in there[alias.address].members]:
            await self._perform(AddMembers(alias.address, new))

    async def account(self, plan: Plan, user: User, move: AccountMove) -> bool:
        """Bring an account with all that it has; whether all steps were made."""
        if not await self._made(user, move):
            return False
        came = True
        for name, step in (
            ("settings", self._settings),
            ("password", self._password),
            ("scripts", partial(self._scripts, plan)),
            ("mail", partial(self._mail, plan)),
            ("calendars and contacts", self._calendars),
        ):
            move.step = name
            came = await self._tried(name, user, move, step) and came
        await self._close(user)
        return came

    async def _tried(
        self, name: str, user: User, move: AccountMove, step: Callable[[User, AccountMove], Awaitable[None]]
    ) -> bool:
        try:
            await step(user, move)
        except (CommandFailed, CopyFailed, StoreError, OSError) as error:
            note(move, f"{name}: {reason_of(error)}")
            return False
        return True

    async def _made(self, user: User, move: AccountMove) -> bool:
        """Make the account with its first address, and give it the others; False if it cannot be here."""
        if self._config.current.account(user.account) is None:
            move.step = "account"
            if (owner := self._owner(user.address)) is not None:
                note(move, f"address {user.address} belongs to account {owner} here")
                return False
            try:
                await self._perform(AddAccount(user.account, user.address))
            except CommandFailed as error:
                note(move, f"account {user.account}: {error}")
                return False
        elif self._owner(user.address) not in (user.account, None):
            note(move, f"account {user.account} belongs to someone else here; change its name in the plan")
            return False
        for address in user.addresses:
            owner = self._owner(address)
            if owner is not None and owner != user.account:
                note(move, f"address {address} belongs to account {owner} here")
            elif owner is None:
                try:
                    await self._perform(AddAddress(address, user.account))
                except CommandFailed as error:
                    note(move, f"address {address}: {error}")
        return True

    def _owner(self, address: str) -> str | None:
        """The account that has this very address; a catch-all of its domain keeps its owner not out."""
        key = AddressKey.parse(address)
        for name, account in self._config.current.domains.accounts.items():
            if key in map(AddressKey.parse, account.destinations):
                return name
        return None

    async def _settings(self, user: User, move: AccountMove) -> None:
        settings = self._config.current.account(user.account)
        if user.full_name and settings is not None and not settings.full_name:
            await self._perform(SetSetting(user.account, "full_name", user.full_name))
        if user.quota and settings is not None and not settings.quota_message_size:
            await self._perform(SetQuota(user.account, user.quota))
        if user.login_from == NOWHERE:
            user = msgspec.structs.replace(user, settings={"login_disabled": LOCKED, **user.settings})
        if user.settings or user.destinations:
            for problem in await take_settings(self._config, user):
                note(move, problem)

    async def _password(self, user: User, _: AccountMove) -> None:
        form = user.hash
        if not form and user.password and not await self.has_password(user.account):
            # Not as a new password: one of the old server may break the rules for new ones, and its user has no other.
            try:
                form = await trio.to_thread.run_sync(hash_password, user.password, limiter=verifications())
            except ValueError as error:
                raise CommandFailed("refused", f"{error}; send the user a link to set a password") from None
        if form:
            await self._perform(SetHash(user.account, form))

    def is_locked(self, name: str) -> bool:
        """Whether the user of an account can't log in."""
        settings = self._config.current.account(name)
        return settings is not None and bool(settings.login_disabled)

    async def has_password(self, name: str) -> bool:
        """Whether an account has a password, or another server's hash."""
        async with self._accounts.use(name) as account:
            return await account.read(credential, op="credential") is not None

    async def _scripts(self, plan: Plan, user: User, move: AccountMove) -> None:
        if not user.scripts:
            return
        folders = None
        if (order := imap_order(plan, user)) is not None:
            async with self._source(order) as (client, pull):
                folders = Folders.of(await pull.places(client))
        there = await self._perform(SieveList(account=user.account))
        names = {one.name for one in there.scripts}
        active = any(one.active for one in there.scripts)
        for script in user.scripts:
            text = script.text
            if folders is not None:
                # In a thread, because a script may have a MiB.
                text, problems = await trio.to_thread.run_sync(rewritten, text, folders)
                for problem in problems:
                    note(move, f"script {script.name}: {problem}")
            try:
                if not await self._script(user, script, text, names):
                    note(move, f"kept a different existing script {script.name}")
                elif script.active and not active:
                    await self._perform(SieveActivate(script.name, account=user.account))
                    active = True
            except CommandFailed as error:
                note(move, f"skipped script {script.name}: {error}")

    async def _script(self, user: User, script: Script, text: str, there: Collection[str]) -> bool:
        """Save a script whose folders have other names here, and beside it the text that it had; False if another one
        of that name is here.
        """
        old = kept_name(script.name)
        if text != script.text and old not in there:
            await self._perform(SievePut(old, script.text, account=user.account))
        if script.name in there:
            here = await self._perform(SieveGet(script.name, account=user.account))
            if here == text or here != script.text:
                return here == text
        await self._perform(SievePut(script.name, text, account=user.account))
        return True

    async def _mail(self, plan: Plan, user: User, move: AccountMove) -> None:
        order = imap_order(plan, user)
        if order is None:
            return
        before = move.messages
        # The result grows while the copy runs; a copy that begins again counts from the start.
        copied = [lambda: 0]

        async def tell(event: Event) -> None:
            match event:
                case MailboxStep():
                    move.step, move.left = event.mailbox, event.left
                case Note(text, problem) if problem:
                    note(move, str(text))
                case Note(text):
                    move.step = str(text)
            move.messages = before + copied[0]()
            await trio.lowlevel.checkpoint()

        result = await self._copies.run(
            "import", order, tell, begun=lambda copy: copied.__setitem__(0, lambda: copy.result.messages)
        )
        move.messages, move.left = before + result.messages, 0

    async def _prefix(self, user: User, move: AccountMove, places: Sequence[Place]) -> None:
        """Let devices go on with the prefix that names of the user's mailboxes have at the old server."""
        prefix = next((place.box.prefix for place in places if place.box.prefix), "")
        if prefix:
            settings = {"imap_prefix": prefix}
            for problem in await take_settings(self._config, msgspec.structs.replace(user, settings=settings)):
                note(move, problem)

    @asynccontextmanager
    async def _source(self, order: CopyByImap) -> AsyncIterator[tuple[Client, Pull]]:
        """A user's mail at the old server, of which nothing is told. Raises CopyFailed."""

        async def silent(_: Event) -> None:
            await trio.lowlevel.checkpoint()

        tmp = self._config.current.static.data_dir / "tmp"
        await lazyimport.load("moxlite.net.imapclient")
        from moxlite.net.imapclient import IMAPClientError

        try:
            async with (
                self._accounts.use(order.account) as account,
                old_mail(self._copies, Transfer(account, self._accounts, order, silent, tmp)) as (client, pull),
            ):
                yield client, pull
        except IMAPClientError as error:
            raise CopyFailed(reason_of(error)) from None

    async def shares(self, plan: Plan, user: User, move: AccountMove) -> bool:
        """Share a user's mailboxes as there, when all accounts are here, and take their prefix; whether that could be
        done. What its owner has shared here stays.
        """
        move.step = "shares"
        came = await self._tried("shares", user, move, partial(self._shares, plan))
        await self._close(user)
        return came

    async def _close(self, user: User) -> None:
        """Close an account that is not used. Each account that is added has all open ones look at their shares, so they
        would not be idle, and keep their caches, for as long as accounts come.
        """
        await self._accounts.places.vacate(user.account)

    async def _shares(self, plan: Plan, user: User, move: AccountMove) -> None:
        order = imap_order(plan, user)
        if order is None:
            return
        order = msgspec.structs.replace(order, public="copied" if plan.public else "named")
        async with self._source(order) as (client, pull):
            places = await pull.places(client)
            await self._prefix(user, move, places)  # here, because it would be one more log-in elsewhere
            if not client.has("ACL"):
                return
            shares, problems = await shares_of(client, places, plan, user.account)
        for problem in problems:
            note(move, problem)
        shared = set()
        for owner in {share.owner for share in shares}:
            shared |= {(owner, info.mailbox, info.guest) for info in await self._perform(ListShares(account=owner))}
        for share in shares:
            if not share.planned:
                note(move, f"{share}, who isn't in the plan")
            elif (share.owner, share.mailbox, share.guest) not in shared:
                try:
                    await self._perform(ShareSet(share.mailbox, share.guest, share.rights, account=share.owner))
                except CommandFailed as error:
                    note(move, f"{share}: {error}")

    async def _calendars(self, user: User, move: AccountMove) -> None:
        for place in user.dav:
            done = await self._perform(CopyCalendars(user.account, place.url, place.user, place.password))
            for problem in done.problems:
                note(move, str(problem))
            if done.unread:
                note(move, f"couldn't read {done.unread} entries of {place.url}")


def note(move: AccountMove, problem: str) -> None:
    """Note a problem of an account."""
    move.problem_count += 1
    if len(move.problems) < MAX_PROBLEMS:
        move.problems.append(problem)
