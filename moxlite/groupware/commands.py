"""The functions behind the operations on calendars and address books (DAV-40)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from moxlite.admin.shares import guest_for
from moxlite.groupware.entries import TooBusy
from moxlite.groupware.files import MAX_PROBLEMS, ImportResult, NoEntries, Target, add_file, spooled
from moxlite.groupware.links import NotServed, new_link
from moxlite.groupware.people import user_of
from moxlite.groupware.subscribing import SubscriptionFailed, host_of
from moxlite.groupware.writtenfiles import TooLarge, written_archive, written_calendar, written_contacts
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations import groupware as operations
from moxlite.operations.performing import commands
from moxlite.proto.cards.vcard import Unreadable
from moxlite.store.accounts.access import publish_shares
from moxlite.store.groupware.collection import (
    COMPONENTS,
    Collection,
    CollectionChange,
    Kind,
    NoSuchCollection,
    changed,
    collection,
    collection_named,
    collections_of,
    create_collection,
    delete_collection,
    ensure_defaults,
    patch_collection,
)
from moxlite.store.groupware.sharing import (
    CHANGE,
    READ,
    BadGuest,
    NoSuchLink,
    guests_of,
    links_of,
    remove_link,
    share_collection,
)
from moxlite.store.groupware.subscriptions import Subscription, subscription
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.config.snapshot import CurrentConfig
    from moxlite.groupware.subscribing import Subscriptions
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.changelog.unit import AccountTx

MAX_UPLOAD: Final = 512 << 20
"""Octets of a file of contacts with pictures, or of a .zip."""


class GroupwareCommands:
    """The operations, in a running server."""

    def __init__(
        self,
        config: CurrentConfig,
        accounts: Accounts,
        auth: AuthDB,
        subscriptions: Subscriptions,
        tmp: Path,
    ) -> None:
        """`tmp`: folder for files that are read or written."""
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._subscriptions = subscriptions
        self._tmp = tmp

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            operations.ListCalendars.bind(lambda args: self._list(args.account, "calendar")),
            operations.CreateCalendar.bind(lambda args: self._create(args, "calendar")),
            operations.RemoveCalendar.bind(lambda args: self._remove(args, "calendar")),
            operations.ImportCalendar.bind_stream(self._import_calendar),
            operations.ExportCalendar.bind_stream(self._export_calendar),
            operations.ShareCalendar.bind(lambda args: self._share(args, "calendar")),
            operations.ShareAddressBook.bind(lambda args: self._share(args, "contact")),
            operations.SetCalendarAccess.bind(self._set_access),
            operations.MakeLink.bind(self._make_link),
            operations.ListLinks.bind(self._list_links),
            operations.RemoveLink.bind(self._remove_link),
            operations.ListAddressBooks.bind(lambda args: self._list(args.account, "contact")),
            operations.CreateAddressBook.bind(lambda args: self._create(args, "contact")),
            operations.RemoveAddressBook.bind(lambda args: self._remove(args, "contact")),
            operations.ImportContacts.bind_stream(self._import_contacts),
            operations.ExportContacts.bind_stream(self._export_contacts),
            operations.SubscribeCalendar.bind(self._subscribe),
            operations.UnsubscribeCalendar.bind(self._unsubscribe),
            refusals=(BadGuest, NotServed, SubscriptionFailed),
            missing=(NoSuchCollection, NoSuchLink),
        )

    async def _list(self, name: str, kind: Kind) -> list[operations.Listed]:
        async with self._accounts.use(name) as account:
            await account.write(ensure_defaults)
            found = await account.read(
                lambda r: [(one, guests_of(r, one), subscription(r, one.id)) for one in collections_of(r, kind)],
                op="groupware",
            )
        return [
            operations.Listed(
                one.name,
                one.display_name,
                one.colour,
                one.total,
                one.size,
                [f"{guest} (w)" if writes else guest for guest, writes in guests],
                "" if source is None else f"{host_of(source.url)}: {_read(source)}",
                (one.access or "usual") if kind == "calendar" else "",
            )
            for one, guests, source in found
        ]

    async def _create(self, args: operations.CreateCalendar | operations.CreateAddressBook, kind: Kind) -> None:
        components = COMPONENTS if kind == "calendar" else ()
        blank = Collection(0, kind, args.name, components=components)
        new = changed(blank, CollectionChange(display_name=args.title or args.name))
        async with self._accounts.use(args.account) as account:
            await account.write(ensure_defaults)
            await account.write(lambda tx: create_collection(tx, new))

    async def _remove(self, args: operations.RemoveCalendar | operations.RemoveAddressBook, kind: Kind) -> None:
        def unit(tx: AccountTx) -> None:
            found = collection_named(tx, kind, args.name)
            if found.inbox:
                raise CommandFailed("badRequest", "the scheduling inbox and outbox can't be deleted")
            delete_collection(tx, found.id)

        async with self._accounts.use(args.account) as account:
            await account.write(unit)

    async def _share(self, args: operations.ShareCalendar | operations.ShareAddressBook, kind: Kind) -> None:
        def unit(tx: AccountTx) -> None:
            one = collection_named(tx, kind, args.name)
            known = [guest for guest, _ in guests_of(tx, one)]
            guest = guest_for(self._config.current, args.account, args.guest, known)
            share_collection(tx, one, guest, "" if args.end else CHANGE if args.write else READ)

        async with self._accounts.use(args.account) as account:
            await account.write(ensure_defaults)
            await account.write(unit)
            await publish_shares(self._auth, account)

    async def _set_access(self, args: operations.SetCalendarAccess) -> None:
        change = CollectionChange(access=None if args.access == "usual" else args.access)
        async with self._accounts.use(args.account) as account:
            await account.write(ensure_defaults)
            await account.write(lambda tx: patch_collection(tx, collection_named(tx, "calendar", args.name), change))

    async def _make_link(self, args: operations.MakeLink) -> str:
        async with self._accounts.use(args.account) as account:
            await account.write(ensure_defaults)
            return await new_link(
                account,
                self._config.current,
                lambda r: collection_named(r, "calendar", args.name),
                args.note,
                busy=args.busy,
            )

    async def _list_links(self, args: operations.ListLinks) -> list[operations.SecretLink]:
        async with self._accounts.use(args.account) as account:
            found = await account.read(
                lambda r: [(link, collection(r, link.collection_id).name) for link in links_of(r)], op="groupware"
            )
        return [
            operations.SecretLink(
                link.id,
                name,
                "busy" if link.busy else "all",
                link.note,
                datetime.fromtimestamp(link.made // 1_000_000, UTC).isoformat(),
            )
            for link, name in found
        ]

    async def _remove_link(self, args: operations.RemoveLink) -> None:
        async with self._accounts.use(args.account) as account:
            await account.write(lambda tx: remove_link(tx, args.id))

    async def _import_calendar(self, args: operations.ImportCalendar, exchange: Exchange) -> operations.Imported:
        async with self._accounts.use(args.account) as account:
            await account.write(ensure_defaults)
            where = await account.read(lambda r: collection_named(r, "calendar", args.name), op="groupware")
            return await self._import(account, exchange, Target("calendar", where))

    async def _import_contacts(self, args: operations.ImportContacts, exchange: Exchange) -> operations.Imported:
        async with self._accounts.use(args.account) as account:
            return await self._import(account, exchange, Target("contact"))

    async def _import(self, account: OpenAccount, exchange: Exchange, target: Target) -> operations.Imported:
        done = ImportResult()
        try:
            reserve = account.options.min_free_space
            async with spooled(aiter(exchange.upload), self._tmp, reserve, MAX_UPLOAD) as file:
                owner = user_of(self._config.current, account.name)
                await add_file(account, file, target, done, owner, self._tmp)
        except NoEntries as error:
            raise CommandFailed("badRequest", str(error)) from None
        except Unreadable as error:
            raise CommandFailed("badRequest", f"can't read the file: {reason_of(error)}") from None
        except TooBusy:
            raise CommandFailed("busy", "the server is busy; try again in a moment") from None
        problems = [str(problem) for problem in done.problems]
        return operations.Imported(done.added, done.known, done.unread, problems, done.changed)

    async def _export_calendar(self, args: operations.ExportCalendar, exchange: Exchange) -> None:
        errors: list[str] = []
        async with self._accounts.use(args.account) as account:
            if args.all:
                pieces = written_archive(account, self._tmp, errors)
            else:
                where = await account.read(lambda r: collection_named(r, "calendar", args.name), op="groupware")
                pieces = written_calendar(account, where, errors)
            async for piece in pieces:
                await exchange.download.send(piece)
        await _end(exchange, errors)

    async def _subscribe(self, args: operations.SubscribeCalendar) -> operations.Subscribed:
        try:
            async with self._accounts.use(args.account) as account:
                await account.write(ensure_defaults)
                number = await self._subscriptions.add(account, args.calendar_url, args.title, name=args.name)
                one = await account.read(lambda r: collection(r, number), op="groupware")
        except TooBusy:
            raise CommandFailed("busy", "the server is busy; try again in a moment") from None
        return operations.Subscribed(one.name, one.display_name, one.total)

    async def _unsubscribe(self, args: operations.UnsubscribeCalendar) -> None:
        def unit(tx: AccountTx) -> None:
            one = collection_named(tx, "calendar", args.name)
            if not one.subscribed:
                raise SubscriptionFailed("this isn't a subscribed calendar; to delete it, use `calendar rm`")
            delete_collection(tx, one.id)

        async with self._accounts.use(args.account) as account:
            await account.write(unit)

    async def _export_contacts(self, args: operations.ExportContacts, exchange: Exchange) -> None:
        errors: list[str] = []
        async with self._accounts.use(args.account) as account:
            try:
                async for piece in written_contacts(account, args.form, errors):
                    await exchange.download.send(piece)
            except TooLarge as error:
                raise CommandFailed("badRequest", str(error)) from None
        await _end(exchange, errors)


async def _end(exchange: Exchange, errors: Sequence[str]) -> None:
    """End a file from which damaged entries may be left out. Raises CommandFailed."""
    await exchange.download.end()
    if errors:
        more = [f"and {len(errors) - MAX_PROBLEMS} more"] if len(errors) > MAX_PROBLEMS else []
        shown = "; ".join([*errors[:MAX_PROBLEMS], *more])
        raise CommandFailed("failed", f"skipped damaged entries: {shown}")


def _read(source: Subscription) -> str:
    """When a calendar was read, and what was left out of it, or why it cannot be read now."""
    if source.failures:
        return source.error
    return f"read {_utc(source.succeeded)}" + (f"; {source.error}" if source.error else "")


def _utc(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
