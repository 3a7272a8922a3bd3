"""Making, changing and finding addresses to give away (MASK-1..8), for the command line, the account app, programs, and
the receiving of mail.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

import msgspec
import trio

from moxlite.admin.commandedits import named_account
from moxlite.config.domains import DomainConfig
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.config.values import parse_duration
from moxlite.metrics import Counter
from moxlite.net.control.server import Command
from moxlite.operations.masked import (
    ChangeGiven,
    GivenAddress,
    GivenSender,
    ImportedAlias,
    ImportedAliases,
    ImportGiven,
    LeftOut,
    ListGiven,
    MakeAddress,
    RemoveGiven,
    SwitchOff,
    SwitchOn,
)
from moxlite.operations.performing import commands
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.maskedindex import MaskedIndex
from moxlite.store.changelog.unit import Write
from moxlite.store.errors import LimitExceeded, StorageBusy
from moxlite.store.mail.masked import (
    MAX_NOTE,
    MaskedChange,
    MaskedRefused,
    MaskedRow,
    add_masked,
    change_masked,
    checked_note,
    checked_senders,
    checked_site,
    count_masked,
    fits_sender,
    masked_by_id,
    masked_key,
    masked_list,
    masked_named,
    new_localpart,
    remove_masked,
    word_of,
)
from moxlite.wording import Worded, worded

logger = logging.getLogger("moxlite.admin.masked")

masked_total: Final = Counter(
    "moxlite_masked_addresses_total", "Changes to masked addresses: created, turned on or off, deleted.", ["change"]
)

TRIES: Final = 5
"""Names that are made until one is free: two equal ones among thousands are rare."""


class New(msgspec.Struct, frozen=True, kw_only=True):
    """An address to make. `site`: a host name or URL; `word`: in front, "" for one of the site's name; `domain`: "" for
    the first one that the account has; `expires`: µs UTC.
    """

    site: str = ""
    word: str = ""
    domain: str = ""
    note: str = ""
    only_from: tuple[str, ...] = ()
    expires: int | None = None
    active: bool = True


class MaskedAddresses:
    """The addresses to give away of all accounts. Methods raise StoreError; among these are MaskedRefused,
    NoSuchMasked, LimitExceeded.
    """

    def __init__(self, config: CurrentConfig, accounts: Accounts, index: MaskedIndex) -> None:
        self._config = config
        self._accounts = accounts
        self._index = index

    async def make(self, name: str, new: New, write: Write[MaskedRow] | None = None) -> MaskedRow:
        """Make an address of an account that cannot be guessed; durable on return. `write`: for the account's own."""
        snapshot = self._config.current
        domain = _domain_of(snapshot, name, new.domain)
        site = checked_site(new.site)
        word = word_of(new.word or site)
        add = partial(
            add_masked,
            given_to=site,
            note=checked_note(new.note),
            only_from=checked_senders(new.only_from),
            expires=new.expires,
            active=new.active,
        )
        settings = snapshot.domain(domain)
        assert settings is not None
        async with self._index.changing(name), self._accounts.use(name) as account:
            # The index of all accounts first: of two that want one address it lets one have it.
            key = await self._take(snapshot, name, word, domain, settings)
            try:
                made = await (write or account.write)(lambda tx: add(tx, key))
            except BaseException:
                with trio.CancelScope(shield=True):  # bounded by the write
                    # Asked, not assumed: a cancelled write may have been done, and mail to it must not be refused.
                    if await account.read(lambda r: masked_named(r, key), op="masked") is None:
                        await self._index.leave(key, name)
                raise
        _note("made", name, key)
        return made

    async def take_over(self, name: str, aliases: Sequence[ImportedAlias]) -> ImportedAliases:
        """Add aliases of another service under the addresses that they have (MASK-15)."""
        snapshot = self._config.current
        added = known = 0
        left_out: list[LeftOut] = []
        async with self._index.changing(name), self._accounts.use(name) as account:
            for alias in aliases:
                try:
                    key = _importable(snapshot, name, alias.address)
                    if await account.read(partial(masked_named, address=key), op="masked") is not None:
                        known += 1
                        continue
                    if not await self._index.enter(key, name):
                        raise MaskedRefused("another account already uses this address")
                    note = " ".join(alias.note.split())[:MAX_NOTE]
                    try:
                        await account.write(
                            partial(add_masked, address=key, note=note, active=alias.active, counted=False)
                        )
                    except BaseException:
                        with trio.CancelScope(shield=True):  # bounded by the write
                            if await account.read(partial(masked_named, address=key), op="masked") is None:
                                await self._index.leave(key, name)
                        raise
                except (MaskedRefused, LimitExceeded) as error:
                    left_out.append(LeftOut(alias.address, str(error)))
                    continue
                added += 1
                _note("made", name, key)
        return ImportedAliases(added, known, left_out)

    async def _take(self, snapshot: Snapshot, name: str, word: str, domain: Domain, settings: DomainConfig) -> str:
        """The key of a new address that no account has, entered into the index."""
        for _ in range(TRIES):
            address = Address(new_localpart(word, settings.localpart_separators), domain)
            if snapshot.lookup_configured(address) is None and await self._index.enter(masked_key(address), name):
                return masked_key(address)
        raise MaskedRefused("all addresses with this word are taken; choose another word", "word")

    async def list(
        self, name: str, text: str = "", *, active: bool | None = None, limit: int = 100, offset: int = 0
    ) -> list[MaskedRow]:
        """Addresses of an account; arguments as `masked_list`."""
        async with self._accounts.use(name) as account:
            return await account.read(
                lambda r: masked_list(r, text, active=active, limit=limit, offset=offset), op="masked"
            )

    async def count(self, name: str, text: str = "", *, active: bool | None = None) -> int:
        """Number of the addresses that `list` has in all."""
        async with self._accounts.use(name) as account:
            return await account.read(lambda r: count_masked(r, text, active=active), op="masked")

    async def get(self, name: str, number: int) -> MaskedRow | None:
        """The address of this id."""
        async with self._accounts.use(name) as account:
            return await account.read(lambda r: masked_by_id(r, number), op="masked")

    async def change(
        self, name: str, address: str, change: MaskedChange, write: Write[MaskedRow] | None = None
    ) -> MaskedRow:
        """Change an address of an account. `write`: as for `make`."""
        key = key_of(address)
        async with self._accounts.use(name) as account:
            changed = await (write or account.write)(lambda tx: change_masked(tx, key, change))
        _note("changed" if change.active is None else "on" if change.active else "off", name, key)
        return changed

    async def remove(self, name: str, address: str, write: Write[None] | None = None) -> None:
        """Remove an address: mail to it is refused as to one that never was. `write`: as for `make`."""
        key = key_of(address)
        async with self._index.changing(name), self._accounts.use(name) as account:
            await (write or account.write)(lambda tx: remove_masked(tx, key))
            await self._index.leave(key, name)
        _note("removed", name, key)

    async def owner(self, address: Address) -> str | None:
        """The account that has an address in the index."""
        return await self._index.account_of(masked_key(address))

    async def find(self, snapshot: Snapshot, address: Address) -> tuple[str, MaskedRow] | None:
        """The account and the address that a message is for; None if the address was not given away.

        Raises StorageBusy while it may be one of an account that was not looked at since the start.
        """
        key = masked_key(address)
        name = await self._index.owner_of(address, snapshot.domains.accounts, self._accounts.exists)
        if name is None or snapshot.account(name) is None:
            return None
        async with self._accounts.use(name) as account:
            masked_row = await account.read(lambda r: masked_named(r, key), op="masked")
        return None if masked_row is None else (name, masked_row)

    async def refusal(self, snapshot: Snapshot, account: str, author: str, address: str) -> Worded | None:
        """Why mail of the user of an account, who writes as `author`, can't come to an address that the configuration
        doesn't have; None if it can.
        """
        try:
            found = await self.find(snapshot, Address.parse(address))
        except StorageBusy:
            return None  # it may be one, as of RCPT TO
        if found is None:
            return worded("{address} doesn't exist on this server", address=address)
        name, row = found
        if name == account:
            return worded("you're the organizer, so you can't invite your own address {address}", address=address)
        off = not row.active or row.expired(time.time_ns() // 1000)
        if off or (row.only_from and not fits_sender(Address.parse(author), row.only_from)):
            return worded("{address} doesn't accept your email", address=address)
        return None


def key_of(text: str) -> str:
    """The key of an address as a user writes it. Raises MaskedRefused."""
    try:
        return masked_key(Address.parse(text.strip()))
    except AddressError:
        raise MaskedRefused(worded("{text} isn't a valid address", text=text[:320]), "address") from None


def domains_of(snapshot: Snapshot, name: str) -> list[Domain]:
    """The domains in which an account may make addresses: those that its own ones are in, in their order. Left out are
    disabled ones, those for reports only, and those caught whole by another account, which may write from each address.
    """
    settings = snapshot.account(name)
    found: dict[Domain, None] = {}
    for text in settings.destinations if settings is not None else ():
        domain = Domain.parse(text.rpartition("@")[2])
        config = snapshot.domain(domain)
        rest = snapshot.derived.catchall.get(domain.ascii)
        shut = domain.ascii in snapshot.derived.reports_only or (rest is not None and rest.account != name)
        if config is not None and not config.disabled and not shut:
            found[domain] = None
    return list(found)


def _domain_of(snapshot: Snapshot, name: str, wanted: str) -> Domain:
    """The domain of a new address. Raises MaskedRefused."""
    domains = domains_of(snapshot, name)
    if not domains:
        raise MaskedRefused(
            "the account doesn't have an address in a domain that accepts mail; contact your administrator", "domain"
        )
    if not wanted:
        return domains[0]
    try:
        domain = Domain.parse(wanted)
    except AddressError:
        domain = None
    if domain not in domains:
        names = ", ".join(map(str, domains))
        raise MaskedRefused(worded("choose one of your own domains: {names}", names=names), "domain")
    return domain


def _importable(snapshot: Snapshot, name: str, text: str) -> str:
    """The key of an alias that an account may have. Raises MaskedRefused."""
    key = key_of(text)
    address = Address.parse(key)
    if address.domain not in domains_of(snapshot, name):
        if snapshot.domain(address.domain) is None:
            raise MaskedRefused(worded("the domain {domain} isn't on this server", domain=address.domain), "domain")
        raise MaskedRefused(worded("the account doesn't have an address at {domain}", domain=address.domain), "domain")
    if snapshot.lookup_configured(address) is not None:
        raise MaskedRefused("this address is already configured on this server")
    return key


def _note(change: str, name: str, address: str) -> None:
    masked_total.labels(change=change).inc()
    logger.info("masked address changed", extra={"kv": {"account": name, "address": address, "change": change}})


# The operations of the command line and of users (MASK-7, MASK-12)


class MaskedCommands:
    """The operations of `moxlite.operations.masked`."""

    def __init__(self, config: CurrentConfig, addresses: MaskedAddresses) -> None:
        self._config = config
        self._addresses = addresses

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ListGiven.bind(self.list),
            MakeAddress.bind(self.add),
            ChangeGiven.bind(self.set),
            SwitchOn.bind(partial(self._switch, active=True)),
            SwitchOff.bind(partial(self._switch, active=False)),
            RemoveGiven.bind(self.rm),
            ImportGiven.bind(self.import_),
            refusals=(BadTime,),
        )

    async def list(self, args: ListGiven) -> list[GivenAddress]:
        """Addresses of an account."""
        named_account(self._config, args.account)
        now = time.time_ns() // 1000
        return [
            given(masked_row, now) for masked_row in await self._addresses.list(args.account, args.search, limit=args.n)
        ]

    async def add(self, args: MakeAddress) -> GivenAddress:
        """Make an address."""
        named_account(self._config, args.account)
        new = New(
            site=args.site,
            word=args.word,
            domain=args.domain,
            note=args.note,
            only_from=tuple(args.only_from.replace(",", " ").split()),
            expires=moment(args.expires) or None,
        )
        return given(await self._addresses.make(args.account, new), time.time_ns() // 1000)

    async def set(self, args: ChangeGiven) -> GivenAddress:
        """Change an address."""
        named_account(self._config, args.account)
        change = MaskedChange(
            given_to=args.site,
            note=args.note,
            only_from=None if args.only_from is None else tuple(args.only_from.replace(",", " ").split()),
            expires=None if args.expires is None else moment(args.expires.removeprefix("never")),
        )
        return given(await self._addresses.change(args.account, args.address, change), time.time_ns() // 1000)

    async def _switch(self, args: SwitchOn | SwitchOff, *, active: bool) -> None:
        named_account(self._config, args.account)
        await self._addresses.change(args.account, args.address, MaskedChange(active=active))

    async def rm(self, args: RemoveGiven) -> None:
        """Remove an address."""
        named_account(self._config, args.account)
        await self._addresses.remove(args.account, args.address)

    async def import_(self, args: ImportGiven) -> ImportedAliases:
        """Take over aliases."""
        named_account(self._config, args.account)
        return await self._addresses.take_over(args.account, args.aliases)


class BadTime(Exception):
    """The text is no time."""

    field = "expires"


def moment(text: str) -> int:
    """A time to come, µs UTC, of a duration from now (``90d``) or a date; 0 for "". Raises BadTime."""
    if not text:
        return 0
    try:
        if text[0].isdigit() and "-" not in text:
            return int((time.time() + parse_duration(text)) * 1_000_000)
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadTime(f'"{text[:64]}" isn\'t a valid time. For example, use 90d or 2026-11-20T08:00Z') from None
    return int((found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp() * 1_000_000)


def given(masked_row: MaskedRow, now: int) -> GivenAddress:
    """An address as operations show it."""
    return GivenAddress(
        id=masked_row.id,
        address=masked_row.address,
        state=state_of(masked_row, now),
        site=masked_row.given_to,
        note=masked_row.note,
        only_from=list(masked_row.only_from),
        created=written(masked_row.created),
        expires=written(masked_row.expires),
        last_mail=written(masked_row.last_mail),
        messages=masked_row.messages,
        senders=[sender.domain for sender in masked_row.senders],
        wrote=[GivenSender(sender.domain, written(sender.first), sender.messages) for sender in masked_row.senders],
        strangers=len(masked_row.strangers),
        strangers_since=written(masked_row.strangers[0].first) if masked_row.strangers else "",
        leak=leak_of(masked_row),
    )


def state_of(masked_row: MaskedRow, now: int) -> Literal["on", "off", "expired"]:
    """The state of an address at `now`, µs UTC."""
    return "off" if not masked_row.active else "expired" if masked_row.expired(now) else "on"


def leak_of(masked_row: MaskedRow) -> str:
    """A sentence about others than the site who write to an address, "" if none does (MASK-8)."""
    if not masked_row.strangers:
        return ""
    since, number = written(masked_row.strangers[0].first)[:10], len(masked_row.strangers)
    origin = f"given to {masked_row.given_to}; " if masked_row.given_to else ""
    return f"{origin}since {since} {number} {'unknown sender' if number == 1 else 'unknown senders'}"


def written(moment: int | None) -> str:
    """A time, µs UTC, in RFC 3339; "" for never."""
    if moment is None:
        return ""
    return dt.datetime.fromtimestamp(moment // 1_000_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
