"""Handing over messages about events that a change owes (DAV-25): into the calendars of users of this server, each in
one unit, and to others as mail by the one submission.

The row of the outbox may be handed over again after a crash: each unit has a key of the row and its receiver.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.compose.draft import BadDraft, check, message, recipients
from moxlite.config.snapshot import full_name
from moxlite.groupware.entries import LARGE, BadEntry, Expander, TooBusy, has_time, read
from moxlite.groupware.letters import Names, language_in, letter, news_words, said_by
from moxlite.groupware.people import account_of, colleague_addresses, is_missing, user_of
from moxlite.logins.identity import Identity
from moxlite.processor import off_loop
from moxlite.proto.address import Address, AddressError
from moxlite.proto.cards.calendarobject import BadObject, CalendarObject
from moxlite.proto.cards.components import BadComponents, Component, write_component
from moxlite.proto.cards.contentline import plain
from moxlite.proto.cards.itip import MAX_DECLINED, address_of, by_key, is_over, key_of, organizer_of, role_of
from moxlite.proto.cards.limits import AboveLimit
from moxlite.proto.cards.moments import is_date, moment_of
from moxlite.proto.cards.received import read_message, with_answer, with_cancel, with_reply, with_request, with_status
from moxlite.proto.dav.xml import CALDAV
from moxlite.proto.mime.compose import new_message_id
from moxlite.store.changelog.unit import was_done
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, OutgoingLimits, add_outgoing
from moxlite.store.delivery.perform import SUBMIT, OwedMessage, deliver
from moxlite.store.delivery.submission import EVENT, SubmissionRecipient
from moxlite.store.errors import AccountRemoved, AccountUnknown, LimitExceeded, OverQuota, StorageBusy, StoreError
from moxlite.store.groupware.alarms import DueAlarm, note_news
from moxlite.store.groupware.eventnotices import Author, note_change
from moxlite.store.groupware.resources import (
    Resource,
    ResourceFacts,
    entry_with_uid,
    put_resource,
    resource_data,
    resource_of,
)
from moxlite.store.groupware.scheduling import UNDELIVERED, ScheduleMessage, User, note_message, put_received
from moxlite.store.mail.facts import NO_FACTS, newest_header
from moxlite.store.mail.settings import load_settings, reader_language
from moxlite.store.names import INBOX
from moxlite.store.people.correspondents import is_known
from moxlite.submission.authors import OWN, FindWay, SendingRoute, own_way
from moxlite.submission.counting import counted_as, limits_of
from moxlite.submission.outgoing import OutgoingMessage, SubmissionRefused
from moxlite.submission.submit import complete
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.process.keys import SigningKeys
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.maskedindex import MaskedIndex
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.upkeep.outbox import OutboxRow

logger = logging.getLogger("moxlite.groupware")

MAX_MAIL: Final = 10 << 20
"""Octets of a mail about an event, which has its calendar twice."""

TRIES: Final = 5
"""Attempts to change an entry that other programs change at the same time."""

MAX_COMMENTS: Final = 20
"""Lines in which the author says something; programs write one."""

MAX_NAME: Final = 200
MAX_COMMENT: Final = 5_000
"""Characters of the author's name, and of the comment, in a notice."""

UNKNOWN: Final = "3.7"
FAILED: Final = "5.1"
"""Values of SCHEDULE-STATUS: there is no such user; it could not be delivered (RFC 6638 §3.2.9)."""

MAX_NEW_TIMES: Final = MAX_DECLINED
"""Answers of one message to single times without an exception; for each the rule is expanded."""

Change = Callable[[CalendarObject | None], Awaitable[Component | None]]
"""Makes the receiver's entry of what it was; None for no change. Raises BadEntry, TooBusy."""

Put = Callable[["AccountTx", Resource | None, bytes, ResourceFacts], object]
"""Stores the receiver's entry in the place of what it was."""


class MailSettings(msgspec.Struct, frozen=True):
    """User's settings for mail about events. `invitation_mails`: messages of other users of this server also come as
    mail.
    """

    invitation_mails: bool = True


class ScheduleSender:
    """The handler of outbox rows of the kind `collection.SCHEDULE`.

    Args:
      masked: the addresses that users of this server give away.
      told: is called with an account whose devices are to be notified.
      tmp: folder for long messages.
    """

    def __init__(
        self,
        *,
        config: CurrentConfig,
        accounts: Accounts,
        masked: MaskedIndex,
        keys: SigningKeys,
        told: Callable[[str], None],
        tmp: Path,
    ) -> None:
        self._told = told
        self._config = config
        self._accounts = accounts
        self._masked = masked
        self._keys = keys
        self._tmp = tmp

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """Hand over one row."""
        owed = ScheduleMessage.unpack(row.data)
        if owed.method == UNDELIVERED:
            await self._note(account, owed, frozenset(owed.recipients), FAILED)
            return
        snapshot = self._config.current
        failed: dict[str, str] = {}
        outside: list[str] = []
        here: dict[str, str] = {}
        for address in owed.recipients:
            name = account_of(snapshot, address)
            if name is not None:
                if await self._takes(name, owed):
                    here[address] = name
                else:
                    outside.append(address)
            elif is_missing(snapshot, address) and not await self._is_given_away(address):
                failed[address] = UNKNOWN
            else:
                outside.append(address)
        # Users of this server are counted like all others: else a stolen password could fill the calendars of all
        # colleagues.
        if here and not await self._count(account, list(here), row.key):
            failed |= dict.fromkeys(here, FAILED)
            here = {}
        delayed: StoreError | trio.TooSlowError | None = None
        for address, name in here.items():
            try:
                status = await self._deliver(account.name, (name, address), owed, row.key)
                if status == FAILED:
                    # What the calendar can't take comes as mail, of whose failure the queue tells the sender.
                    key = hashlib.sha256(row.key + address.encode()).digest()
                    status = await self._mail(account, owed, [address], key)
            except (StoreError, trio.TooSlowError) as error:
                # The others must not wait for one account; what they got is known when the row comes again.
                delayed = error
                continue
            if status:
                failed[address] = status
        if outside:
            status = await self._mail(account, owed, outside, row.key)
            failed |= dict.fromkeys(outside, status) if status else {}
        # One change of the entry for each status, not for each guest: every change goes to all programs of the owner.
        for status in dict.fromkeys(failed.values()):
            await self._note(account, owed, frozenset(one for one in failed if failed[one] == status), status)
        if delayed is not None:
            raise delayed

    async def _is_given_away(self, address: str) -> bool:
        """Whether mail to an address may come to a user who gave it away (MASK-3). Raises StoreError, StorageBusy while
        it may be in an account that was not looked at since the start.
        """
        try:
            parsed = Address.parse(address)
        except AddressError:
            return False
        names = self._config.current.domains.accounts
        return await self._masked.owner_of(parsed, names, self._accounts.exists) is not None

    async def _takes(self, name: str, owed: ScheduleMessage) -> bool:
        """Whether a local user's settings accept a message into the calendar (DAV-29).

        If not, the user gets the email that other people would get.
        """
        snapshot = self._config.current
        settings = snapshot.account(name)
        if settings is None or settings.invitations == "all":
            return True
        if settings.invitations == "never":
            return False
        # Colleagues know each other.
        if owed.method != "REQUEST" or colleague_addresses(snapshot, name, account_of(snapshot, owed.sender) or ""):
            return True
        _, message = await read_owed(owed.text)
        sender, now = Address.parse(owed.sender), time.time_ns() // 1000

        def knows(r: Reader) -> bool:
            return entry_with_uid(r, message.uid) is not None or is_known(
                r, str(sender.localpart), sender.domain.unicode, now
            )

        try:
            async with self._accounts.use(name) as account:
                return await account.read(knows, op="schedule")
        except (AccountUnknown, AccountRemoved):
            return True  # `_deliver` says so

    async def _count(self, account: Account, addresses: list[str], key: bytes) -> bool:
        """Count a message to users of this server as a mail to them would be, once; False above the limits."""
        settings = self._config.current.account(account.name)
        limits = OutgoingLimits()
        if settings is not None:
            limits = OutgoingLimits(settings.max_outgoing_messages_per_day, settings.max_first_time_recipients_per_day)
        # Other rows of this handover have keys of the same row; the suffix keeps them apart.
        once = hashlib.sha256(key + b"count").digest()

        def unit(tx: AccountTx) -> None:
            if tx.once(once):
                add_outgoing(tx, [Address.parse(address) for address in addresses], limits)

        try:
            await account.write(unit)
        except OutgoingLimitExceeded as error:
            logger.info("failed to notify guests", extra={"kv": {"account": account.name, "err": str(error)}})
            return False
        return True

    async def _deliver(self, sender: str, to: tuple[str, str], owed: ScheduleMessage, key: bytes) -> str:
        """Add an account's message to another account's calendar, and notify its user.

        `to`: the other account's name and address. Returns the failure's status, or "" on success.
        """
        name, address = to
        try:
            async with self._accounts.use(name) as account:
                user = user_of(self._config.current, name, owed.recipients)
                if await receive(account, owed, user, key, news=name != sender) and name != sender:
                    await self._mail_here(account, sender, address, owed, key)
                    self._told(name)
        except (AccountUnknown, AccountRemoved):
            return UNKNOWN
        except (BadEntry, BadObject, BadComponents, OverQuota, LimitExceeded) as error:
            kv = {"account": name, "sender": owed.sender, "err": str(error)}
            logger.info("calendar message rejected", extra={"kv": kv})
            return FAILED
        except TooBusy as error:
            raise trio.TooSlowError from error
        return ""

    async def _mail_here(self, account: Account, sender: str, address: str, owed: ScheduleMessage, key: bytes) -> None:
        """Put a message into the Inbox of a user of this server as the mail that others would get, once. One that
        can't be stored is given up, because the calendar has it. Raises StorageBusy: it can be stored soon.
        """
        wants_mail, language = await account.read(
            lambda r: (load_settings(r, MailSettings).invitation_mails, reader_language(r)), op="schedule"
        )
        if not wants_mail:
            return
        snapshot, now = self._config.current, time.time_ns() // 1000
        names = names_of(snapshot, sender, owed)

        def work() -> bytes:
            message_id = new_message_id(snapshot.static.hostname.ascii)
            draft, files = letter(owed, [address], names, message_id, now, language)
            check(draft, files)
            return b"".join(message(draft, files, keep_bcc=False))

        try:
            large = len(owed.text) + len(owed.before) > LARGE
            with Spool.of(await off_loop(work, kind="dav") if large else work(), self._tmp) as spool:
                prepared = await prepare(spool, b"Return-Path: <>\r\n")
                once = hashlib.sha256(key + account.name.encode() + b"mail").digest()
                await deliver(account, prepared, NO_FACTS, INBOX, transaction_id=once)
        except StorageBusy:
            raise
        except (BadDraft, StoreError) as error:
            kv = {"account": account.name, "err": str(error)}
            logger.warning("failed to store event email", extra={"kv": kv})

    async def _mail(self, account: Account, owed: ScheduleMessage, to: list[str], key: bytes) -> str:
        """Send a message by mail, once, one for each language of its readers; returns as `_deliver`."""
        mails: list[tuple[OutgoingMessage, bytes]] = []
        try:
            for language, readers in (await account.scan(lambda r: by_language(r, to), op="schedule")).items():
                work = partial(self._letter, account, owed, readers, language)
                large = len(owed.text) + len(owed.before) > LARGE
                envelope, octets = await off_loop(work, kind="dav") if large else work()
                with Spool.of(octets, self._tmp) as spool:
                    found = await complete(self._keys, envelope, spool)
                mails.append((envelope, OwedMessage(found.submission, octets, dropped=found.dropped).pack()))
        except (BadDraft, BadObject, BadComponents, SubmissionRefused) as error:
            # Retry if a key can't be read now, because it may be readable soon. Other refusals are final.
            if isinstance(error, SubmissionRefused) and error.result == "signerror":
                raise trio.TooSlowError from error
            logger.info("failed to send invitation", extra={"kv": {"account": account.name, "err": str(error)}})
            return FAILED
        once = hashlib.sha256(key + b"mail").digest()

        def unit(tx: AccountTx) -> None:
            if tx.once(once):
                # All languages in one unit: a limit that is reached between them would leave some of the guests untold,
                # with no word to the sender.
                for number, (envelope, packed) in enumerate(mails):
                    add_outgoing(tx, counted_as(envelope), limits_of(envelope))
                    tx.owe(hashlib.sha256(once + b"%d" % number).digest(), SUBMIT, packed)

        try:
            await account.write(unit)
        except OutgoingLimitExceeded as error:
            logger.info("failed to send invitation", extra={"kv": {"account": account.name, "err": str(error)}})
            return FAILED
        return ""

    def _letter(
        self, account: Account, owed: ScheduleMessage, to: list[str], language: str
    ) -> tuple[OutgoingMessage, bytes]:
        """A mail to readers of one language. Raises BadDraft, BadObject, BadComponents, SubmissionRefused."""
        snapshot, now = self._config.current, time.time_ns() // 1000
        names = names_of(snapshot, account.name, owed)
        draft, files = letter(owed, to, names, new_message_id(snapshot.static.hostname.ascii), now, language)
        check(draft, files)
        envelope = OutgoingMessage(
            snapshot=snapshot,
            identity=Identity(account.name, owed.sender),
            hostname=snapshot.static.hostname,
            mail_from=Address.parse(owed.sender),
            recipients=tuple(SubmissionRecipient(recipient) for recipient in recipients(draft)),
            received=now,
            max_size=MAX_MAIL,
            way_of=_way(snapshot, account.name, owed.behalf),
            extra={EVENT: str(owed.resource)} if owed.resource else {},
        )
        return envelope, b"".join(message(draft, files, keep_bcc=False))

    async def _note(self, account: Account, owed: ScheduleMessage, addresses: frozenset[str], status: str) -> None:
        """Note in the sender's entry that these people could not be told."""

        def found(r: Reader) -> Resource | None:
            return resource_of(r, owed.resource)

        def put(tx: AccountTx, there: Resource | None, data: bytes, facts: ResourceFacts) -> None:
            assert there is not None
            put_resource(tx, there.collection_id, there.name, data, facts, tag=there.tag)

        async def change(there: CalendarObject | None) -> Component | None:
            return None if there is None else await off_loop(partial(with_status, there, addresses, status), kind="dav")

        try:
            await change_entry(account, found, change, put)
        except (BadEntry, TooBusy, OverQuota):
            kv = {"account": account.name, "status": status}
            logger.info("failed to record invitation status", extra={"kv": kv})


def names_of(snapshot: Snapshot, account: str, owed: ScheduleMessage) -> Names:
    """The names in mail about an event of an account."""
    settings = snapshot.account(account)
    user = "" if settings is None else settings.full_name
    return Names(user, full_name(snapshot, account_of(snapshot, owed.behalf) or "", owed.behalf))


def _way(snapshot: Snapshot, account: str, behalf: str) -> FindWay:
    """The ways of mail about an account's event: its own, and that of who has written it on behalf of the account, for
    Sender alone.
    """
    own = own_way(snapshot, account)

    async def find(address: Address) -> SendingRoute | None:
        return OWN if behalf and address == Address.parse(behalf) else await own(address)

    return find


def by_language(r: Reader, addresses: list[str]) -> dict[str, list[str]]:
    """Addresses by the language in which they get mail about events: that of their newest mail, else the user's."""
    own = reader_language(r) or "en"
    found: dict[str, list[str]] = {}
    for address in addresses:
        try:
            language = language_in(newest_header(r, Address.parse(address)))
        except AddressError:  # told by the check of the mail
            language = ""
        found.setdefault(language or own, []).append(address)
    return found


async def read_owed(text: str) -> tuple[str, CalendarObject]:
    """The method and the entry of a message about an event; a large one is read in a thread, for a mebibyte takes over
    a second. Raises BadObject, BadComponents.
    """
    return read_message(text) if len(text) <= LARGE else await off_loop(partial(read_message, text), kind="dav")


async def receive(account: Account, owed: ScheduleMessage, user: User, key: bytes, *, news: bool = False) -> bool:
    """Bring a message about an event into an account's calendar, once for each key; returns whether it changed there,
    now or by an earlier handover. `news`: devices are notified of it.

    Raises BadEntry, BadObject, BadComponents, TooBusy, OverQuota, LimitExceeded.
    """
    method, message = await read_owed(owed.text)
    once = hashlib.sha256(key + account.name.encode()).digest()
    noted = ResourceFacts(message.uid, message.kind, message.title)
    now = int(time.time())

    async def change(there: CalendarObject | None) -> Component | None:
        known = message
        if method == "REPLY" and there is not None:
            known = await _to_known_times(message, there)

        return await off_loop(lambda: _merged(method, there, known, owed.sender, user, now), kind="dav")

    def put(tx: AccountTx, there: Resource | None, data: bytes, facts: ResourceFacts) -> None:
        if tx.once(once):
            before = None if there is None else resource_data(tx, there.id)
            entry = put_received(tx, there, data, facts, matters=method != "REPLY")
            if message.kind == "VEVENT":
                author = _author(method, message, owed.sender)
                note_change(tx, author, entry.id, before, data)
                if news and not is_over(message, now):
                    note_news(tx, _news(owed, message, author, entry.id, reader_language(tx)))
            note_message(tx, owed.text.encode(), noted)

    changed = await change_entry(account, lambda r: entry_with_uid(r, message.uid), change, put)
    return changed or await account.read(lambda r: was_done(r, once), op="schedule")


def _merged(
    method: str, there: CalendarObject | None, message: CalendarObject, sender: str, user: User, now: int
) -> Component | None:
    """The entry with a message about it; None where the message changes nothing."""
    mine = "" if there is None else role_of(there, user.addresses)
    match method:
        # An organizer takes no other's word on the own event, whatever address the message claims.
        case "REQUEST" if mine != "organizer":
            return with_request(there, message, user.addresses, now, sender)
        case "CANCEL" if there is not None and mine != "organizer":
            return with_cancel(there, message, user.addresses, now)
        case "REPLY" if there is not None and mine == "organizer":
            return with_reply(there, message, sender, now)
    return None


def _news(owed: ScheduleMessage, message: CalendarObject, author: Author, resource: int, language: str) -> DueAlarm:
    """A message as devices show it: what happened, the author, and the start of the event."""
    title = news_words(language, said_by(owed, message), message.title)
    start = message.main.first("DTSTART")
    moment = moment_of(start, message.zones)
    if start is None or moment is None:
        return DueAlarm(resource, title, author.name or author.address, None, "")
    day = f"{moment:%Y-%m-%d}" if is_date(start) else ""
    starts = int(moment.timestamp()) if moment.tzinfo is not None else None
    return DueAlarm(resource, title, author.name or author.address, starts, day)


async def _to_known_times(message: CalendarObject, there: CalendarObject) -> CalendarObject:
    """A REPLY without its answers to times that the organiser's entry does not have, of which exceptions would be new
    events. Raises BadEntry, TooBusy.
    """
    known = await off_loop(partial(by_key, there), kind="dav")
    parts: list[Component] = []
    left = MAX_NEW_TIMES
    for part in message.parts:
        key = key_of(message, part)
        if key is not None and key not in known:
            # A guest could answer to any number of times, each of which costs an expansion and would become an
            # exception.
            left -= 1
            if left < 0 or not await has_time(there, key):
                continue
        parts.append(part)
    return msgspec.structs.replace(message, parts=parts)


def _author(method: str, message: CalendarObject, sender: str) -> Author:
    """The author of a message: the guest who answers, or the organiser."""
    line = message.main.first("ATTENDEE") if method == "REPLY" else organizer_of(message)
    texts = [plain(text.value, MAX_COMMENT) for text in message.main.all("COMMENT")[:MAX_COMMENTS]]
    name = "" if line is None else plain(line.parameter("CN"), MAX_NAME)
    return Author(address=address_of(line) or sender, name=name, comment="\n".join(texts)[:MAX_COMMENT])


async def answered_entry(account: Account, text: str, user: User, status: str, author: str) -> EntryChange | None:
    """The change that brings an invitation, and its receiver's answer, into the receiver's calendar; None where nothing
    changes there. The caller stores it in the unit that sends the answer, so that no answer leaves without it.

    `author`: the proven author of the invitation, who may change the event from now on; "" for none. Raises as
    `receive`.
    """
    _, message = await read_owed(text)
    now = int(time.time())

    def put(tx: AccountTx, there: Resource | None, data: bytes, facts: ResourceFacts) -> None:
        put_received(tx, there, data, facts, matters=True)

    async def change(there: CalendarObject | None) -> Component | None:
        def work() -> Component | None:
            if there is not None and role_of(there, user.addresses) == "organizer":
                return None
            return with_answer(there, message, user.addresses, status, now, author)

        return await off_loop(work, kind="dav")

    return await prepare_change(account, lambda r: entry_with_uid(r, message.uid), change, put)


async def updated_entry(account: Account, text: str, user: User) -> bool:
    """Update the receiver's event as the organizer's message says, at the receiver's own word: the author needn't be
    proven. Returns whether it changed. Raises as `receive`.
    """
    _, message = await read_owed(text)
    now = int(time.time())

    def put(tx: AccountTx, there: Resource | None, data: bytes, facts: ResourceFacts) -> None:
        put_received(tx, there, data, facts, matters=True)

    async def change(there: CalendarObject | None) -> Component | None:
        if there is None:
            return None
        return await off_loop(lambda: with_request(there, message, user.addresses, now), kind="dav")

    return await change_entry(account, lambda r: entry_with_uid(r, message.uid), change, put)


async def change_entry(account: Account, find: Callable[[Reader], Resource | None], change: Change, put: Put) -> bool:
    """Change an entry that is found, or make one; returns whether it was changed. What other programs change meanwhile
    is looked at again.

    Raises BadEntry, TooBusy, and what `put` raises.
    """
    for _ in range(TRIES):
        prepared = await prepare_change(account, find, change, put)
        if prepared is None:
            return False
        if await account.write(prepared.store):
            return True
    raise TooBusy


class EntryChange(msgspec.Struct, frozen=True):
    """A change of an entry that is checked, and not stored yet: `there` is what it was made of, `data` and `facts` what
    replaces it. `find` and `put` as for `change_entry`.
    """

    find: Callable[[Reader], Resource | None]
    put: Put
    there: Resource | None
    data: bytes
    facts: ResourceFacts

    def store(self, tx: AccountTx) -> bool:
        """Store it; returns False if the entry was changed meanwhile. Raises what `put` raises."""
        now = self.find(tx)
        # Compare the octets, not the modseq, because computed data is still valid after a write with the same octets.
        if (None if now is None else now.hash) != (None if self.there is None else self.there.hash):
            return False
        self.put(tx, now, self.data, self.facts)
        return True


async def prepare_change(
    account: Account, find: Callable[[Reader], Resource | None], change: Change, put: Put
) -> EntryChange | None:
    """Make and check a change of an entry; None for no change. Raises BadEntry, TooBusy."""
    there, octets = await account.read(lambda r: _found(r, find), op="schedule")
    try:
        component = await change(None if there is None else await read(octets))
    except AboveLimit as error:
        raise BadEntry(CALDAV + error.condition, reason_of(error)) from None
    if component is None:
        return None
    data = (await off_loop(partial(write_component, component), kind="dav")).encode()
    return EntryChange(find, put, there, data, await Expander(account).facts_of(await read(data)))


def _found(r: Reader, find: Callable[[Reader], Resource | None]) -> tuple[Resource | None, bytes]:
    there = find(r)
    return there, b"" if there is None else resource_data(r, there.id)
